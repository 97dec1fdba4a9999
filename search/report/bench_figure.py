"""Figures of a bench; an arm has the same colour and dash in each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.report import plot
from search.report.bench_finding import AXES, POINTS, Finding, curves
from search.report.bench_record import CaseRecord, Contest, Group
from search.report.number import significant
from search.report.statistics import Band, error_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Reals = NDArray[np.float64]


def anytime(finding: Finding, arms: tuple[str, ...], file_format: str = "png") -> bytes:
    """Interquartile mean score over the cases against share of the budget and seconds."""

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, axis in zip(panels, AXES, strict=True):
            _bands(axes, finding.grids[axis], finding.curves[axis], finding.group.arms, arms)
            _decades(axes, "x")
        panels[0].set(xlabel="share of the budget of evaluations", ylabel="score, IQM")
        panels[1].set_xlabel("seconds of this machine")
        _legend(figure, panels[0])

    return plot.drawn(draw, (10.4, 4.2), file_format)


def profile(found: Sequence[Finding], arms: tuple[str, ...], file_format: str = "png") -> bytes:
    """Share of the runs that leave at most a share of the reference's error, polished."""

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, len(found), squeeze=False)[0]
        for axes, finding in zip(panels, found, strict=True):
            _bands(axes, finding.shares, finding.profile, finding.group.arms, arms)
            if finding.group.cases[0].ideal:
                _decades(axes, "x")
            axes.set(title=finding.name, ylim=(-0.02, 1.02))
            axes.set_xlabel("error left / error of the reference circuit")
        panels[0].set_ylabel("share of runs")
        _legend(figure, panels[0])

    return plot.drawn(draw, (5.2 * len(found), 4.2), file_format)


def case_curves(
    contest: Contest, case: CaseRecord, rng: np.random.Generator, file_format: str = "png"
) -> bytes | None:
    """Lowest error of the search itself so far; None where it cannot be scored.

    Interquartile mean over the seeds of log10 of the error, which counts as the reference's
    where it is above it or nothing is found yet; band: 95% bootstrap interval.
    """
    group = Group.of(contest, [case])
    if not case.scored or not group.arms:
        return None

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, axis in zip(panels, AXES, strict=True):
            grid, ends = _grid(group, axis)
            band = curves(group, axis, grid, rng)
            errors = Band(*(_shown(case, v) for v in (band.value, band.low, band.high)))
            _bands(axes, ends, errors, group.arms, contest.arms)
            _decades(axes, "x")
            _decades(axes, "y")
            axes.set_xlabel(axis)
            axes.axhline(_shown(case, np.zeros(1))[0], color=plot.GREY, lw=0.9, ls=(0, (2, 2)))
        panels[0].set_ylabel("error, hartree" if case.ideal else "error, mHa")
        figure.suptitle(f"{case.name}; dotted: {case.row['reference']}", fontsize=11)
        _legend(figure, panels[0])

    return plot.drawn(draw, (10.4, 4.2), file_format)


def _shown(case: CaseRecord, scores: Reals) -> Reals:
    return error_of(scores, case.floor, case.reference) * (1.0 if case.ideal else 1e3)


def _grid(group: Group, axis: str) -> tuple[Reals, Reals]:
    """Where a case's curves are read, as `curves` takes it and as the axis shows it."""
    runs = [run for arm in group.cells[0] for run in arm]
    if axis == "evaluations":
        grid = np.geomspace(1e-3, 1, POINTS)
        return grid, grid * group.cases[0].budget
    last = max(run.row["seconds"] for run in runs)
    grid = np.geomspace(max(1e-3 * last, 1e-3), max(last, 2e-3), POINTS)
    return grid, grid


def _bands(axes: Axes, x: Reals, band: Band, names: tuple[str, ...], arms: tuple[str, ...]) -> None:
    """A line for each of ``names``, its looks from its place among all ``arms``."""
    for row, name in enumerate(names):
        at = arms.index(name)
        axes.fill_between(
            x, band.low[row], band.high[row], color=plot.colour(at), alpha=0.15, lw=0, step="post"
        )
        axes.plot(
            x, band.value[row], color=plot.colour(at), linestyle=plot.dash(at), lw=1.7,
            drawstyle="steps-post", label=plot.shortened(name),
        )  # fmt: skip


def _decades(axes: Axes, which: str) -> None:
    """A logarithmic axis with its numbers in plain text."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axis.get_data_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 30 * low else (1,), numticks=9))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
    axis.minorticks_off()


def _number(value: float) -> str:
    """
    >>> _number(1e-9), _number(0.05), _number(20.0), _number(1e6)
    ('10⁻⁹', '0.05', '20', '10⁶')
    """
    if 1e-2 <= value < 1e5:
        return f"{value:g}"
    return significant(value, 1).removeprefix("1×")


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=8, frameon=False)
