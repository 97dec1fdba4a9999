"""Anytime curves: the best energy so far against what it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.report import plot
from search.report.number import finite
from search.report.record import Arm, Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def anytime(record: Record, file_format: str = "svg") -> bytes | None:
    """Best noisy energy against evaluations and against seconds; None without trials."""
    if not any(arm.energies for arm in record.arms):
        return None

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        ends = [_panel(left, record, "evaluations"), _panel(right, record, "seconds")]
        colours = {arm.strategy: plot.colour(k) for k, arm in enumerate(record.arms)}
        left.set_ylabel(f"best {y_label(record)}")
        for axes, found in zip((left, right), ends, strict=True):
            plot.label_ends(axes, found, colours)

    return plot.drawn(draw, (10.4, 3.9), file_format)


def y_label(record: Record) -> str:
    """Of an axis that shows energies, or losses, as the search saw them."""
    if record.is_classifier:
        return f"{record.energy_name} (nats)"
    if record.ground is None:
        return f"{record.energy_name} (hartree)"
    return f"{record.energy_name} above ground (mHa)"


def heights(record: Record, energies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energies as drawn: mHa above the ground energy, at least `plot.FLOOR`; else hartree.

    Losses in nats, at least `plot.FLOOR`.
    """
    if record.is_classifier:
        return np.maximum(energies, plot.FLOOR)
    if record.ground is None:
        return energies
    return np.maximum(1e3 * (energies - record.ground), plot.FLOOR)


def set_heights(axes: Axes, record: Record) -> None:
    """A logarithmic axis of errors or losses with plain numbers, or a linear one of energies."""
    if record.ground is None and not record.is_classifier:
        return
    from matplotlib.ticker import FuncFormatter, LogLocator

    low, high = axes.get_ylim()
    if record.is_classifier and not 0 < 10 * low < high:
        return
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 1.2 * low:  # all trials at one energy: give the line some room
        axes.set_ylim(low / 2, high * 2)
        low, high = axes.get_ylim()
    narrow = high / low < 30
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.minorticks_off()


def references(axes: Axes, record: Record, outside: bool = False) -> None:
    """Hartree-Fock's circuit under the same noise, and chemical accuracy where it is near.

    Of a classifier the loss of guessing.
    """
    if record.guessing is not None:
        plot.reference_line(axes, record.guessing, "guessing")
    if record.hartree_fock is not None:
        height = float(heights(record, np.array([record.hartree_fock]))[0])
        low, high = axes.get_ylim()
        if record.ground is not None:
            axes.set_ylim(min(low, height / 1.5), max(high, height * 1.5))
        plot.reference_line(axes, height, "Hartree-Fock circuit", outside)
    low, _ = axes.get_ylim()
    is_molecule = record.ground is not None and record.hartree_fock is not None
    if is_molecule and low < 3 * plot.CHEMICAL_ACCURACY:
        plot.reference_line(axes, plot.CHEMICAL_ACCURACY, "chemical accuracy", outside)


def _panel(axes: Axes, record: Record, against: str) -> dict[str, tuple[float, float]]:
    """Draw the curves; where each of them ends."""
    ends: dict[str, tuple[float, float]] = {}
    largest, smallest = 0.0, np.inf
    for index, arm in enumerate(record.arms):
        if not arm.energies:
            continue
        x, y = _steps(record, arm, against)
        axes.plot(
            x,
            y,
            drawstyle="steps-post",
            color=plot.colour(index),
            linestyle=plot.dash(index),
            linewidth=1.9,
        )
        ends[arm.strategy] = float(x[-1]), float(y[-1])
        largest, smallest = max(largest, float(x[-1])), min(smallest, float(x[0]))
    _set_widths(axes, smallest, largest)
    set_heights(axes, record)
    references(axes, record)
    axes.set_xlabel("evaluations spent" if against == "evaluations" else "seconds of this machine")
    return ends


def _steps(
    record: Record, arm: Arm, against: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the best energy changed, and the end of the arm."""
    spent = np.array(arm.evaluations if against == "evaluations" else arm.seconds)
    best = np.minimum.accumulate(np.array(arm.energies))
    changed = np.flatnonzero(np.diff(best, prepend=np.inf) < 0)
    total = finite(arm.spent.get("evaluations")) if against == "evaluations" else arm.elapsed
    end = max(spent[-1], total or 0.0)
    return np.append(spent[changed], end), heights(record, np.append(best[changed], best[-1]))


def _set_widths(axes: Axes, smallest: float, largest: float) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator

    if smallest > 0 and largest > 20 * smallest:
        axes.set_xscale("log")
        if largest < 100 * smallest:
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.minorticks_off()
        axes.set_xlim(smallest / 1.3, largest * 1.02)
    else:
        axes.set_xlim(0, largest * 1.02 or 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))


def _short(value: float) -> str:
    """Plain below a million, then in millions, and in thousands of these from a milliard on."""
    for size, unit in ((1e9, " G"), (1e6, " M")):
        if value >= size:
            return f"{value / size:,.10g}{unit}"
    return f"{value:,.10g}"
