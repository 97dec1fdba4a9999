"""Fine-tuning as pictures: value against circuits executed, and which angles steps measured."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from search.report import plot
from search.report.number import count, finite, subscript
from search.report.record import Finalist, Record, Row, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURED = "#0072B2"
EXACT = "#D55E00"
FROZEN = "#dfe4ea"


def tuning(record: Record, finalist: Finalist, file_format: str = "svg") -> bytes | None:
    """The learning curve above the pruning pattern; None without steps.

    Above: measured and exact value of each step against the circuits executed by its end. Below:
    parameters against steps, filled where a step measured and moved a parameter.
    """
    steps = [row for row in finalist.steps if finite(row.get(record.word)) is not None]
    if not steps:
        return None
    n_params = _n_params(finalist, steps)
    pattern = 0.35 + 0.15 * min(max(n_params, 3), 24)

    def draw(figure: Figure) -> None:
        grid = figure.subplots(
            2, 2, sharey="row", height_ratios=[2.7, pattern], width_ratios=[7, 1.2]
        )
        _curve(grid[0, 0], record, steps)
        _fresh_shots(grid[0, 1], record, finalist)
        _pattern(grid[1, 0], steps, n_params)
        grid[1, 1].set_visible(False)

    return plot.drawn(draw, (9.6, 3.9 + pattern), file_format)


def _n_params(finalist: Finalist, steps: Sequence[Row]) -> int:
    seen = [k for row in steps for k in listed(row.get("kept"))]
    return max(len(finalist.params), 1 + max(seen, default=-1))


def _level(record: Record, energy: float) -> float:
    """mHa above ground, or hartree where the ground energy is unknown."""
    above = record.above(energy)
    return energy if above is None else 1e3 * above


def _curve(axes: Axes, record: Record, steps: Sequence[Row]) -> None:
    scale = 1.0 if record.ground is None else 1e3
    of = ", some samples" if record.is_classifier else " at this step's angles"
    x, name = _progress(steps)
    axes.errorbar(
        x,
        [_level(record, float(row[record.word])) for row in steps],
        yerr=[scale * (finite(row.get("stderr")) or 0.0) for row in steps],
        fmt="o-",
        markersize=3.5,
        linewidth=1,
        elinewidth=0.9,
        capsize=2,
        color=MEASURED,
        label=f"measured{of} (± standard error)",
    )
    noisy = f"{record.word}_noisy"
    exact = [(k, finite(row.get(noisy))) for k, row in zip(x, steps, strict=True)]
    known = [(k, _level(record, energy)) for k, energy in exact if energy is not None]
    if known:
        axes.plot(*zip(*known, strict=True), color=EXACT, linewidth=1.8, linestyle=(0, (5, 1.5)),
                  label=f"exact {record.energy_name} there (search)")  # fmt: skip
    unit = "energy (hartree)" if record.ground is None else "above ground (mHa)"
    if record.is_classifier:
        unit = "loss (nats)"
    axes.set_ylabel(unit)
    axes.set_xlabel(name)
    axes.set_xlim(left=0)
    plot.whole_numbers(axes.xaxis)
    axes.xaxis.set_major_formatter(lambda number, _: count(number))
    axes.legend(
        *(entries[::-1] for entries in axes.get_legend_handles_labels()),
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, fontsize=8.5,
        borderaxespad=0.2,
    )  # fmt: skip


def _progress(steps: Sequence[Row]) -> tuple[list[int], str]:
    """How far each step is, and what that counts: circuits, else steps where a row has none."""
    circuits = [finite(row.get("circuits")) for row in steps]
    known = [int(number) for number in circuits if number is not None]
    if len(known) == len(steps):
        return known, "circuits executed"
    return [int(row["step"]) for row in steps], "step"


def _fresh_shots(axes: Axes, record: Record, finalist: Finalist) -> None:
    scale = 1.0 if record.ground is None else 1e3
    points = []
    for place, name in enumerate(("untuned", "tuned")):
        energy = finalist.value(f"{record.word}_{name}")
        if energy is not None:
            error = finalist.value(f"{record.word}_{name}_stderr") or 0.0
            points.append((place, name, _level(record, energy), scale * error))
    axes.set_visible(bool(points))
    for place, _, level, error in points:
        axes.errorbar(
            [place], [level], yerr=[error], fmt="s", color=plot.INK, capsize=3, markersize=4.5,
            markerfacecolor="white" if place == 0 else plot.INK,
        )  # fmt: skip
    axes.set_xticks([0, 1], ["untuned", "tuned"], fontsize=8.5)
    axes.tick_params(axis="x", labelbottom=True)
    axes.tick_params(axis="y", left=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(-0.6, 1.6)
    said = "fresh shots,\nvalidation" if record.is_classifier else "fresh shots"
    axes.set_title(said, fontsize=9, color=plot.GREY)


def _pattern(axes: Axes, steps: Sequence[Row], n_params: int) -> None:
    """A filled cell for each parameter that a step measured, neighbours in one bar."""
    from matplotlib.patches import Patch

    x = [int(row["step"]) for row in steps]
    kept = [set(listed(row.get("kept"))) for row in steps]
    for number in range(n_params):
        axes.broken_barh([(x[0] - 0.5, x[-1] - x[0] + 1)], (number - 0.4, 0.8), color=FROZEN)
        spans = []
        for measured, run in groupby(zip(x, kept, strict=True), key=lambda pair: number in pair[1]):
            if measured:
                first, *rest = [step for step, _ in run]
                spans.append((first - 0.46, (rest[-1] if rest else first) - first + 0.92))
        if spans:
            axes.broken_barh(spans, (number - 0.4, 0.8), color=MEASURED)
    axes.set_ylim(n_params - 0.5, -0.5)
    axes.set_xlim(x[0] - 0.7, x[-1] + 0.7)
    every = max(1, -(-n_params // 12))
    shown = range(0, n_params, every)
    axes.set_yticks(list(shown), [f"θ{subscript(k)}" for k in shown], fontsize=8.5)
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    plot.whole_numbers(axes.xaxis)
    axes.set_xlabel("step")
    axes.set_ylabel("angle")
    cells = {"measured and moved": MEASURED, "frozen": FROZEN}
    axes.legend(
        handles=[Patch(color=own, label=name) for name, own in cells.items()],
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False, fontsize=8.5,
        borderaxespad=0.2, handlelength=1.0,
    )  # fmt: skip
