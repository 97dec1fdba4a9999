"""Figures of the page; an arm has the same colour and marker in each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from case import NOISY, PUBLISHED_CASES, Case, arms
from literature import FRONTIER
from numpy.typing import NDArray
from sample import FLOOR, Cell, Row, Study, within

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Reals = NDArray[np.float64]
LOOK = {
    "ddqn": ("#D55E00", "o"),
    "ppo": ("#CC79A7", "s"),
    "teacher": ("#E69F00", "^"),
    "random blocks": ("#56B4E9", "v"),
    "greedy": ("#009E73", "D"),
    "random gates": ("#0072B2", "x"),
    "crlqas": ("#000000", "+"),
}
"""Okabe and Ito's colours."""
BLOCK_ARMS = ("ddqn", "ppo", "teacher", "random blocks", "greedy")
LEARNING = ("ddqn", "ppo", "teacher", "random blocks")
LIH6 = next(case for case in PUBLISHED_CASES if case.task == "lih-6-2.2")


def canvas(width: float, height: float, rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained")
    panels = made.subplots(rows, columns, squeeze=False)
    return made, list(panels.ravel())


def finish(made: Figure, panels: list[Axes], path: Path) -> None:
    """One legend under all panels, without repeats."""
    shown: dict[str, Artist] = {}
    for panel in panels:
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
        if not panel.get_legend_handles_labels()[1]:
            panel.text(0.5, 0.5, "no rows yet", transform=panel.transAxes, ha="center")
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            shown.setdefault(label, handle)
    names = list(dict.fromkeys(label for label in (*LOOK, *shown) if label in shown))
    made.legend(
        [shown[name] for name in names], names, loc="outside lower center", ncols=8, frameon=False
    )
    made.savefig(path, dpi=110)


def frontier(study: Study, path: Path) -> None:
    """Lowest error within so many CX, median over seeds, beside the frontier."""
    made, panels = canvas(9.5, 7, 2, 2)
    for panel, case in zip(panels, PUBLISHED_CASES, strict=True):
        cells = study.cells("published", case, BLOCK_ARMS)
        for size, arm in enumerate(reversed(cells)):  # equal points show as rings
            cell, (colour, marker) = cells[arm], LOOK[arm]
            pairs = range(case.pairs + 1)
            medians = [np.median([within(row, k) for row in cell.values()]) for k in pairs]
            panel.plot(
                pairs, medians, color=colour, marker=marker, ms=9 - 1.3 * size, lw=1.3,
                drawstyle="steps-post", label=arm,
            )  # fmt: skip
        points = {k: max(error, FLOOR) for k, error in FRONTIER[case.task].items()}
        panel.plot(
            list(points), list(points.values()), "*", color="k", ms=11, mfc="none", zorder=5,
            label="frontier, single runs",
        )  # fmt: skip
        panel.axhline(1.6e-3, color="0.5", ls=":", lw=1)
        panel.set(yscale="log", title=case.name, xlabel="CX at most", ylim=(FLOOR / 2, None))
        panel.set(xticks=range(case.pairs + 1), xlim=(-0.4, case.pairs + 0.4))
    for panel in panels[::2]:
        panel.set_ylabel("error, hartree")
    finish(made, panels, path)


def steps(row: Row, column: int, grid: Reals) -> Reals:
    """Lowest error so far at each point of a grid; inf before the first trial."""
    seen = np.array(row["anytime"])
    at = np.searchsorted(seen[:, column], grid, side="right")
    return np.concatenate([[np.inf], np.maximum(seen[:, 2], FLOOR)])[at]


def quartiles(curves: Reals) -> Reals:
    """Shape (seeds, points) to (3, points); each value is one of the seeds', inf included."""
    return np.quantile(curves, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf")


def band(panel: Axes, x: Reals, curves: Reals, arm: str) -> None:
    """Median and quartile band; ``curves`` of shape (3, points)."""
    low, middle, high = np.where(np.isfinite(curves), curves, np.nan)
    colour, _ = LOOK[arm]
    panel.fill_between(x, low, high, color=colour, alpha=0.08, lw=0)
    panel.plot(x, np.array([low, high]).T, color=colour, alpha=0.4, lw=0.7)
    panel.plot(x, middle, color=colour, label=arm)


def anytime(study: Study, path: Path) -> None:
    """Lowest error seen against evaluations and seconds, before the polish."""
    made, panels = canvas(9.5, 4.2, 1, 2)
    limits: tuple[Callable[[Row], float], ...] = (
        lambda row: row["spent"]["evaluations"],
        lambda row: row["seconds"],
    )
    for column, (panel, limit) in enumerate(zip(panels, limits, strict=True)):
        for arm, cell in study.cells("published", LIH6, arms(LIH6)).items():
            end = float(np.median([limit(row) for row in cell.values()]))
            grid = np.geomspace((1e3, 0.1)[column], end, 300)
            curves = np.array([steps(row, column, grid) for row in cell.values()])
            band(panel, grid, quartiles(curves), arm)
        panel.axhline(1.6e-3, color="0.5", ls=":", lw=1)
        panel.set(xscale="log", yscale="log", xlabel=("evaluations", "seconds")[column])
    panels[0].set_ylabel("lowest error seen, hartree")
    made.suptitle(LIH6.name, fontsize=11)
    finish(made, panels, path)


def learning(study: Study, path: Path) -> None:
    """What an episode reaches, by twentieth of the run."""
    made, panels = canvas(9.5, 4.2, 1, 2)
    shown: tuple[tuple[str, Case], ...] = (("published", LIH6), ("noise", NOISY[0]))
    for panel, (part, case) in zip(panels, shown, strict=True):
        cells = study.cells(part, case, LEARNING)
        for arm, cell in cells.items():
            if curves := episodes(cell):
                x = (np.arange(20) + 0.5) / 20
                band(panel, x, np.maximum(np.median(curves, axis=0).T, FLOOR), arm)
        base = {row["hf_error"] for cell in cells.values() for row in cell.values()}
        if base:
            panel.axhline(min(base), color="0.3", ls="--", lw=1, label="Hartree-Fock")
        panel.set(yscale="log", title=case.name, xlabel="share of the run's episodes")
    panels[0].set_ylabel("lowest error of an episode, hartree")
    finish(made, panels, path)


def episodes(cell: Cell) -> list[list[list[float]]]:
    """Quartiles of the twentieths of each seed that has that many episodes."""
    return [row["quantiles"] for row in cell.values() if len(row["quantiles"]) == 20]
