"""The Pareto front: noisy energy against two-qubit gates, and what else finalists are worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.report import plot
from search.report.curve import heights, references, set_heights, y_label
from search.report.markup import Markup, element, join, table
from search.report.number import NONE, count, finite, millihartree, nats, significant
from search.report.record import Record, listed, mapping

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "osD^vPX"
_MERITS = (
    "two-qubit gates", "depth", "duration (µs)", "measurement groups", "gradient circuits",
    "success", "worst", "spread (mHa)",
)  # fmt: skip


def front(record: Record, file_format: str = "svg") -> bytes | None:
    """All trials faint, their front, and the finalists by number; None without trials."""
    if not any(arm.energies for arm in record.arms):
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _trials(axes, record)
        _staircase(axes, record)
        _finalists(axes, record)
        plot.whole_numbers(axes.xaxis)
        set_heights(axes, record)
        references(axes, record, outside=True)
        axes.set_xlabel("two-qubit gates (native circuit)")
        axes.set_ylabel(y_label(record))
        legend = axes.legend(
            loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, borderaxespad=0, fontsize=9
        )
        for handle in legend.legend_handles:
            if handle is not None:
                handle.set_alpha(1)

    return plot.drawn(draw, (8.2, 4.1), file_format)


def _trials(axes: Axes, record: Record) -> None:
    """Every trial; those that would hide each other are drawn once."""
    shown = [k for k, arm in enumerate(record.arms) if arm.energies]
    for place, index in enumerate(shown):
        arm = record.arms[index]
        shift = 0.11 * (place - (len(shown) - 1) / 2)
        points = _distinct(np.array(arm.two_qubit_gates), heights(record, np.array(arm.energies)))
        axes.plot(
            points[:, 0] + shift,
            points[:, 1],
            marker=MARKERS[index % len(MARKERS)],
            markersize=4,
            linestyle="none",
            markeredgewidth=0,
            color=plot.colour(index),
            alpha=0.4,
            label=plot.shortened(arm.strategy),
        )


def _distinct(gates: NDArray[np.int64], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """One point per three-digit height, shape (points, 2)."""
    rounded = [(float(x), float(f"{y:.2e}")) for x, y in zip(gates, height, strict=True)]
    return np.array(sorted(set(rounded))).reshape(-1, 2)


def _staircase(axes: Axes, record: Record) -> None:
    best: dict[int, float] = {}
    for arm in record.arms:
        for pairs, energy in zip(arm.two_qubit_gates, arm.energies, strict=True):
            best[pairs] = min(energy, best.get(pairs, energy))
    gates = np.array(sorted(best))
    energies = np.minimum.accumulate(np.array([best[pairs] for pairs in sorted(best)]))
    axes.plot(
        np.append(gates, gates[-1] + 0.4),
        heights(record, np.append(energies, energies[-1])),
        drawstyle="steps-post",
        color=plot.INK,
        linewidth=1.0,
        zorder=1.5,
        label="best of all trials",
    )


def _finalists(axes: Axes, record: Record) -> None:
    label: str | None = "finalists"
    for finalist in reversed(record.finalists):
        energy, gates = finalist.value(f"{record.word}_noisy"), finalist.value("two_qubit_gates")
        if energy is None or gates is None:
            continue
        y = float(heights(record, np.array([energy]))[0])
        axes.plot(
            [gates], [y], "o", markersize=15, markerfacecolor="white", markeredgecolor=plot.INK,
            markeredgewidth=1.4, label=label, zorder=4,
        )  # fmt: skip
        axes.annotate(
            str(finalist.number), (gates, y), ha="center", va="center", fontsize=9,
            fontweight="bold", zorder=5,
        )  # fmt: skip
        label = None


def merits(record: Record) -> Markup:
    """A row for each finalist: everything that was weighed; nothing for ledgers of before."""
    rows = [
        _row(record, finalist.number, mapping(entry))
        for finalist, entry in zip(
            record.finalists, listed(record.summary.get("pareto")), strict=False
        )
    ]
    if not rows:
        return Markup("")
    if record.is_classifier:
        head = ("", "validation loss", *(name.replace(" (mHa)", "") for name in _MERITS))
    else:
        head = ("", "above ground", *_MERITS)
    board = table(head, rows, numeric=range(1, len(head)), class_="board")
    return join([board, element("p", _hypervolume(record), class_="note")])


def _row(record: Record, number: int, entry: Mapping[str, object]) -> list[object]:
    value = {key: finite(found) for key, found in entry.items()}
    seconds, chance = value.get("duration"), value.get("success_probability")
    return [
        str(number),
        _value(record, value.get("loss_valid", value.get("energy"))),
        count(value.get("two_qubit_gates")),
        count(value.get("depth")),
        NONE if seconds is None else significant(1e6 * seconds),
        count(value.get("measurement_groups")),
        count(value.get("gradient_circuits")),
        NONE if chance is None else f"{chance:.1%}",
        _value(record, value.get("loss_valid_worst", value.get("worst"))),
        nats(value.get("loss_valid_spread"))
        if record.is_classifier
        else millihartree(value.get("spread")),
    ]


def _value(record: Record, value: float | None) -> str:
    """A loss in nats, or an energy in mHa above the ground state."""
    return nats(value) if record.is_classifier else millihartree(record.above(value))


def _hypervolume(record: Record) -> str:
    settings = mapping(record.summary.get("settings"))
    share = finite(record.summary.get("hypervolume"))
    box = mapping(settings.get("hypervolume_box"))
    names = ", ".join(str(name).replace("_", " ") for name in box)
    days = len(listed(settings.get("calibrations")))
    other = f" and {days} other days of the chip, the worst tenth of them aside" if days else ""
    units, word = ("Energies in mHa", "energy")
    if record.is_classifier:
        units, word = ("Losses in nats, counts with the encoder", "validation loss")
    said = [
        f"{units}. Success: the estimated chance that no gate and no readout fails. "
        f"Worst: the highest {word} under the standard and the pessimistic model{other}; "
        "spread: that less the lowest."
    ]
    if share is not None:
        said.append(f"Hypervolume of the finalists in {names}: {share:.3f} of the box.")
    if settings.get("constraints"):
        said.append(f"Constraints: {settings['constraints']}.")
    if settings.get("robust"):
        said.append(f"Finalists are ranked by the worst {word}.")
    return " ".join(said)
