"""Many circuits scored in one call: what every search that works on populations shares."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.problem.candidate import Candidate, Trial
from qas.problem.cost import Cost, Meter
from qas.problem.inner import InnerOptimiser
from qas.problem.problem import Layout, Problem
from qas.problem.space import Space, Word


@dataclass(frozen=True, eq=False)
class Batch:
    """Scored circuits, one a row."""

    population: Population
    """What ran, at its best angles: native on a device."""
    energy: NDArray[np.float64]
    """Hartree, shape (n_circuits,)."""
    evaluations: NDArray[np.int64]
    """What the angles of each cost, shape (n_circuits,)."""

    def __len__(self) -> int:
        return len(self.energy)

    def turns(self, row: int) -> NDArray[np.float64]:
        """The free angles of one circuit in their order, radians."""
        angles: NDArray[np.float64] = self.population.angles[row][self.population.free[row]]
        return angles

    def trial(self, row: int, candidate: Candidate, n_groups: int) -> Trial:
        """One circuit as a trial of the candidate that it came from."""
        native, params = self.population.circuit(row)
        spent = int(self.evaluations[row])
        cost = Cost(spent, measurement_circuits=spent * n_groups)
        return Trial(candidate, native, tuple(params.tolist()), float(self.energy[row]), cost)


def score_batch(
    problem: Problem,
    population: Population,
    layout: Layout | None,
    meter: Meter,
    inner: InnerOptimiser,
    rng: np.random.Generator,
) -> Batch:
    """The circuits lowered onto a layout and optimised under its noise from where they stand.

    Circuits for which the budget has no room are left out, the last ones first; one is always
    scored. An un-lowered population is lowered; a native one stays.

    Args:
        problem: task and device.
        population: at the angles to start from.
        layout: where they run; None: without noise, as they are.
        meter: charged with the work.
        inner: finds the angles.
        rng: of whatever it draws.
    """
    started = time.perf_counter()
    simulator = problem.exact if layout is None else problem.simulator(layout)
    if layout is not None:
        population = problem.lowered(population, layout)
    price = problem.task.observable.price
    allowed = np.cumsum((1 + 2 * population.n_params) * price) <= meter.left
    population = population[: max(1, int(allowed.sum()))]
    found = inner(
        simulator, population, problem.task.observable, rng,
        most=meter.left, deadline=meter.deadline,
    )  # fmt: skip
    meter.charge(int(found.evaluations.sum()), started, sweeps=int(found.calls.sum()))
    return Batch(population.with_angles(found.angles), found.energy, found.evaluations)


def value_batch(
    problem: Problem, population: Population, layout: Layout, meter: Meter
) -> tuple[Population, NDArray[np.float64]]:
    """The circuits lowered onto a layout and their energies as they stand, hartree."""
    started = time.perf_counter()
    native = problem.lowered(population, layout)
    energy = problem.simulator(layout).values(native, problem.task.observable)
    meter.charge(len(energy) * problem.task.observable.price, started, sweeps=len(energy))
    return native, energy


def score_words(
    problem: Problem,
    space: Space,
    words: Sequence[Word],
    layouts: Sequence[int],
    meter: Meter,
    inner: InnerOptimiser,
    rng: np.random.Generator,
) -> list[Trial | None]:
    """Words on layouts, by their numbers, from angles at zero, as trials in their order.

    None stands for a word for which the budget had no room.
    """
    trials: list[Trial | None] = [None] * len(words)
    for number in sorted(set(layouts)):
        if meter.exhausted:
            break
        some = [k for k, own in enumerate(layouts) if own == number]
        layout = problem.layouts[number]
        population = space.population([words[k] for k in some])
        batch = score_batch(problem, population, layout, meter, inner, rng)
        for row, k in enumerate(some[: len(batch)]):
            candidate = Candidate(space.circuit(words[k]), layout)
            trials[k] = batch.trial(row, candidate, meter.n_groups)
    return trials
