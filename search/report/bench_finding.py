"""What a bench found over its cases: interquartile means, chances, profiles, curves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search.report.bench_record import Contest, Group, Row, Run
from search.report.statistics import (
    Band,
    banded,
    improvement,
    interquartile_mean,
    share_within,
)

Reals = NDArray[np.float64]
POINTS = 40
"""Of a curve."""
CURVE_RESAMPLES = 500
SEED = 20211
"""Of the bootstraps."""
AXES = ("evaluations", "seconds")


@dataclass(frozen=True)
class Finding:
    """Of a group of cases; bands have the arms first."""

    name: str
    group: Group
    found: Band
    """Interquartile mean score of the search itself at the end of the budget, shape (arms,)."""
    polished: Band
    """The same after the polish."""
    chance_found: Band
    """Probability that a run of one arm ends lower than one of another, shape (arms, arms)."""
    chance_polished: Band
    """The same after the polish."""
    shares: Reals
    """Shape (points,): shares of the reference's error, for the profile."""
    profile: Band
    """Share of the runs that left at most that after the polish, shape (arms, points)."""
    grids: dict[str, Reals]
    """Of "evaluations" shares of the budget, of "seconds" seconds; shape (points,)."""
    curves: dict[str, Band]
    """Interquartile mean score of the search itself on the grids, shape (arms, points)."""

    @classmethod
    def of(cls, name: str, group: Group, rng: np.random.Generator) -> Finding:
        """All of it; ``rng`` draws the bootstraps."""
        shares = np.geomspace(1e-8, 1, 4 * POINTS) if group.cases[0].ideal else _linear()
        grids = {"evaluations": np.geomspace(1e-2, 1, POINTS), "seconds": _seconds(group)}
        return cls(
            name,
            group,
            banded(group.scores(lambda run: run.found), interquartile_mean, rng),
            banded(group.scores(lambda run: run.polished), interquartile_mean, rng),
            banded(group.ranked(lambda run: run.found), improvement, rng),
            banded(group.ranked(lambda run: run.polished), improvement, rng),
            shares,
            banded(group.strata(_left), share_within(shares), rng, CURVE_RESAMPLES),
            grids,
            {axis: curves(group, axis, grid, rng) for axis, grid in grids.items()},
        )


@dataclass(frozen=True)
class Outcome:
    """A bench with what it found."""

    contest: Contest
    findings: tuple[Finding, ...]
    """Of every group in which some arms can be compared."""

    @classmethod
    def of(cls, rows: Iterable[Row], arms: Sequence[str] = ()) -> Outcome:
        """Equal rows, equal outcome.

        Args:
            rows: of ``runs.jsonl``.
            arms: their order; others follow by name.
        """
        contest, rng = Contest.of(rows, arms), np.random.default_rng(SEED)
        groups = contest.groups.items()
        found = (Finding.of(name, group, rng) for name, group in groups if group.arms)
        return cls(contest, tuple(found))


def curves(group: Group, axis: str, grid: Reals, rng: np.random.Generator) -> Band:
    """Interquartile mean score of the search itself; see `Finding.curves`."""

    def errors(run: Run) -> Reals:
        return run.errors(axis, grid * run.case.budget if axis == "evaluations" else grid)

    return banded(group.scores(errors), interquartile_mean, rng, CURVE_RESAMPLES)


def _left(run: Run) -> float:
    return run.polished / run.case.reference


def _linear() -> Reals:
    return np.linspace(0, 1.05, 4 * POINTS)  # ties with the reference show


def _seconds(group: Group) -> Reals:
    """From the earliest energy to the end of the slowest run."""
    runs = [run for cell in group.cells for arm in cell for run in arm]
    last = max(run.row["seconds"] for run in runs)
    first = min((run.row["anytime"][0][1] for run in runs if run.row["anytime"]), default=last)
    first = max(first, 1e-3 * last, 1e-3)
    return np.geomspace(first, max(last, 2 * first), POINTS)
