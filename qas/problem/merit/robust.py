"""Robustness: how a trial does under the second noise model and on other days of the same chip.

A search finds what its model forgives. So finalists are scored again, at the angles that
they have: with the whole reported error as depolarizing and idle qubits decohering, and
under other calibrations of the chip. A circuit that holds under all of them is no exploit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.device import Device
from qas.device.lowering import is_native
from qas.execute import NoisySimulator
from qas.problem.candidate import Trial
from qas.problem.problem import Layout, Problem

Reals = NDArray[np.float64]
BAD_DAYS = 0.1
"""Share of other days, the worst ones, that do not count."""


@dataclass(frozen=True, eq=False)
class Rescored:
    """Energies of a trial at its own angles, hartree."""

    standard: float
    """Under the model of the search."""
    pessimistic: float
    """Whole gate error as depolarizing on top of relaxation, idle qubits decohering."""
    other_days: Reals
    """Standard model, other calibrations, shape (days,); NaN where one lacks a gate."""

    @property
    def worst(self) -> float:
        """The highest energy of all, bad days aside; see `worsts` to compare trials."""
        return float(worsts([self])[0])

    @property
    def spread(self) -> float:
        """The worst energy less the lowest of all."""
        lowest = np.nanmin([self.standard, self.pessimistic, *self.other_days])
        return self.worst - float(lowest)

    def days(self) -> dict[str, Any] | None:
        """Median, lowest and highest energy of other days, how many, and how many lack a gate."""
        ran = self.other_days[np.isfinite(self.other_days)]
        if not len(self.other_days):
            return None
        known = [float(f(ran)) if len(ran) else None for f in (np.median, np.min, np.max)]
        names = ("median", "lowest", "highest")
        return {
            **dict(zip(names, known, strict=True)),
            "days": len(ran),
            "unavailable": len(self.other_days) - len(ran),
        }


def rescored(problem: Problem, trial: Trial, calibrations: Sequence[Device] = ()) -> Rescored:
    """A trial under the pessimistic model and under other calibrations of the chip.

    Args:
        problem: its device is today's calibration.
        trial: native circuit and angles stay as they are: nothing is trained again.
        calibrations: whole chips, as `qas.device.history.load_calibrations` reads them.
    """
    return rescored_all(problem, [trial], calibrations)[0]


def rescored_all(
    problem: Problem, trials: Sequence[Trial], calibrations: Sequence[Device] = ()
) -> list[Rescored]:
    """`rescored` of many trials; those on one layout are run together."""
    scores = np.empty((len(trials), 2 + len(calibrations)))
    groups: defaultdict[Layout, list[int]] = defaultdict(list)
    for number, trial in enumerate(trials):
        groups[trial.candidate.layout].append(number)
    for layout, rows in groups.items():
        some = [trials[row] for row in rows]
        today = problem.device
        scores[rows, 0] = _energies(problem, some, _scorer(today, layout, False))
        scores[rows, 1] = _energies(problem, some, _scorer(today, layout, True))
        for column, day in enumerate(calibrations, start=2):
            scores[rows, column] = _energies(problem, some, _scorer(day, layout, False))
    return [Rescored(float(row[0]), float(row[1]), row[2:].copy()) for row in scores]


def worsts(scores: Sequence[Rescored]) -> Reals:
    """The highest energy of each, shape (n,), over the days on which every one of them ran.

    A circuit whose gates were missing on a bad day must not look better for it. Of other
    days the worst tenth is left out (none of ten or fewer): chips have days on which an edge
    is all but broken, and nobody would run there.
    """
    if not len(scores):
        return np.zeros(0)
    worst: Reals = np.array([max(s.standard, s.pessimistic) for s in scores])
    days = np.array([s.other_days for s in scores])
    shared = days[:, np.isfinite(days).all(axis=0)]
    if shared.shape[1]:
        # "higher" takes a day that there was, and of few days the last.
        usual = np.quantile(shared, 1.0 - BAD_DAYS, axis=1, method="higher")
        worst = np.maximum(worst, usual)
    return worst


@lru_cache(maxsize=4096)
def _scorer(device: Device, layout: Layout, pessimistic: bool) -> NoisySimulator | None:
    """The simulator of a layout under a calibration, made once; None where a qubit is out."""
    if not set(layout) <= set(device.available_qubits):
        return None
    return NoisySimulator(device.patch(layout), pessimistic=pessimistic)


def _energies(problem: Problem, trials: Sequence[Trial], simulator: NoisySimulator | None) -> Reals:
    """Energies of trials on one layout, shape (trials,); NaN where a gate is not available."""
    energies = np.full(len(trials), np.nan)
    if simulator is None:
        return energies
    runs = [k for k, trial in enumerate(trials) if is_native(trial.native, simulator.device)]
    if runs:
        some = [trials[k] for k in runs]
        population = Population.of([t.native for t in some], [t.angles for t in some])
        energies[runs] = simulator.values(population, problem.task.observable)
    return energies
