"""Populations measured on one layout, and the meter charged with it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.execute import ExactSimulator, Limits, NoisySimulator
from qas.problem.cost import Meter
from qas.problem.optimise import Effort
from qas.problem.problem import Layout, Problem
from qas.task import Target

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Measure:
    """What energies are measured with, and on whose account."""

    simulator: NoisySimulator | ExactSimulator
    observable: Target
    meter: Meter

    @classmethod
    def on(cls, problem: Problem, layout: Layout, meter: Meter) -> Measure:
        """Of a problem's observable on a layout."""
        return cls(problem.simulator(layout), problem.task.observable, meter)

    def values(self, population: Population) -> Reals:
        """Energies as the circuits stand, hartree, shape (n_circuits,)."""
        started = time.perf_counter()
        energy = self.simulator.values(population, self.observable)
        self.meter.charge(len(energy) * self.observable.price, started, sweeps=len(energy))
        return energy

    def descend(
        self, population: Population, effort: Effort, iterations: int | None = None
    ) -> tuple[Reals, Population]:
        """Energies after a descent, hartree, and the circuits there.

        A circuit before whose turn time was up has the energy infinity.

        Args:
            population: native where the simulator has a device, at the angles to start from.
            effort: when a descent stops.
            iterations: of each; None: those of the effort.
        """
        started = time.perf_counter()
        steps = min(iterations or effort.iterations, effort.iterations)
        share = max(self.meter.left / len(population), 1.0)
        found = self.simulator.minimise_population(
            population,
            self.observable,
            Limits(steps, effort.tolerance, effort.slope, share),
            deadline=self.meter.deadline,
        )
        self.meter.charge(int(found.evaluations.sum()), started, sweeps=int(found.calls.sum()))
        energy = np.where(np.isfinite(found.energy), found.energy, np.inf)
        return energy, population.with_angles(found.params)
