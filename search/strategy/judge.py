"""How arms that train without noise are judged: as they are, or from there on the device.

Without noise the angles take few evaluations. On a device the circuit is then valued as it
stands on every layout that couples it, one evaluation each: that energy, layout included, is
what the search compares. Circuits that are news in it are trained under noise, and pruned
where that is news again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.problem import (
    NORMAL,
    QUICK,
    Batch,
    Candidate,
    Gradient,
    InnerOptimiser,
    Meter,
    Problem,
    Space,
    Trial,
    prune,
    score_batch,
    value_batch,
    vary,
)
from search.strategy.genome import Genome
from search.strategy.play import WORTH
from search.strategy.strategy import START

LAYOUTS = 256
"""Layouts on which a circuit is valued, the best calibrated ones."""
LANDED = 2
"""Circuits of a batch that are trained under noise, at most."""
SETTLED = Gradient(NORMAL, kicks=(0.0,))
"""How they are, from where they stand without."""
NOTHING = 1e-12
"""Hartree: by less a circuit without noise is not better."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """Circuits that were trained without noise, one a row."""

    population: Population
    """Un-lowered, at their best angles."""
    energy: NDArray[np.float64]
    """Hartree: without noise on an ideal device, else as they stand on their layout."""
    layout: NDArray[np.intp]
    """Numbers of the layouts that suit them best."""
    trials: list[Trial]
    """Of those that were news."""


@dataclass
class Judge:
    """Judges circuits and remembers what was the best so far."""

    best: dict[int, float] = field(default_factory=dict)
    """Lowest energy for each number of two-qubit gates, hartree."""
    champion: float = np.inf
    """Lowest energy of a trial under noise before it was pruned, hartree."""

    def judge(
        self,
        problem: Problem,
        population: Population,
        fits: Sequence[Sequence[int]],
        meter: Meter,
        rng: np.random.Generator,
        inner: InnerOptimiser = START,
    ) -> Verdict:
        """Train un-lowered circuits from where they stand, and hand over what is news.

        Circuits for which the budget has no room are left out, the last ones first.

        Args:
            problem: task, device and layouts.
            population: circuits at the angles to start from.
            fits: for each of them the numbers of the layouts that couple it.
            meter: charged with the work.
            inner: finds the angles without noise.
            rng: of whatever is drawn.
        """
        batch = score_batch(problem, population, None, meter, inner, rng)
        if problem.device.is_ideal:
            layout = np.array([own[0] for own in fits[: len(batch)]])
            return Verdict(
                batch.population, batch.energy, layout, self._plain(problem, batch, layout, meter)
            )
        energy, layout = valued(problem, batch.population, fits, meter)
        trials = self._landed(problem, batch.population, energy, layout, meter, rng)
        return Verdict(batch.population, energy, layout, trials)

    def _is_news(self, pairs: int, energy: float, worth: float) -> bool:
        """True, and noted, if it is the best with as many two-qubit gates by so many hartree."""
        news = bool(energy < self.best.get(pairs, np.inf) - worth)
        if news:
            self.best[pairs] = energy
        return news

    def _plain(
        self, problem: Problem, batch: Batch, layout: NDArray[np.intp], meter: Meter
    ) -> list[Trial]:
        """News without noise."""
        trials, pairs = [], batch.population.two_qubit_gates.tolist()
        for row, energy in enumerate(batch.energy.tolist()):
            if self._is_news(pairs[row], energy, NOTHING):
                circuit = batch.population.circuit(row)[0]
                candidate = Candidate(circuit, problem.layouts[layout[row]])
                trials.append(batch.trial(row, candidate, meter.n_groups))
        return trials

    def _landed(
        self,
        problem: Problem,
        population: Population,
        energy: NDArray[np.float64],
        layout: NDArray[np.intp],
        meter: Meter,
        rng: np.random.Generator,
    ) -> list[Trial]:
        """News under noise: trained, and where that beats all before pruned as well."""
        trials, pairs = [], population.two_qubit_gates
        for row in np.argsort(energy, kind="stable")[:LANDED].tolist():
            if meter.exhausted or not self._is_news(int(pairs[row]), float(energy[row]), WORTH):
                continue
            place = problem.layouts[layout[row]]
            batch = score_batch(problem, population[[row]], place, meter, SETTLED, rng)
            candidate = Candidate(population.circuit(row)[0], place)
            trials.append(batch.trial(0, candidate, meter.n_groups))
            if trials[-1].energy < self.champion - WORTH:
                self.champion = trials[-1].energy
                trials += polished(problem, trials[-1], meter)
        return trials

    def to_dict(self) -> dict[str, Any]:
        """For ``state_dict``."""
        champion = None if np.isinf(self.champion) else self.champion
        return {"best": [list(pair) for pair in self.best.items()], "champion": champion}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Judge:
        """What `to_dict` returned."""
        best = {int(pairs): float(energy) for pairs, energy in state["best"]}
        return cls(best, np.inf if state["champion"] is None else float(state["champion"]))


def valued(
    problem: Problem, population: Population, fits: Sequence[Sequence[int]], meter: Meter
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Each circuit's lowest energy over its layouts as it stands, hartree, and the layout.

    One evaluation a circuit and layout; infinite where the budget had no room for any.
    """
    energy = np.full((len(population), len(problem.layouts)), np.inf)
    for number, layout in enumerate(problem.layouts[:LAYOUTS]):
        some = [row for row in range(len(population)) if number in fits[row]]
        some = some[: int(max(0.0, min(meter.left, len(some))))]
        if some and not meter.exhausted:
            energy[some, number] = value_batch(problem, population[some], layout, meter)[1]
    return energy.min(axis=1), energy.argmin(axis=1)


def polished(problem: Problem, trial: Trial, meter: Meter) -> list[Trial]:
    """The trial pruned, and the best of its equivalents, where they are others."""
    if meter.exhausted:
        return []
    short = prune(problem, trial, meter, tolerance=1e-7, effort=QUICK)
    other = vary(problem, short, meter, effort=QUICK)
    return [one for one in dict.fromkeys((short, other)) if one is not trial]


# --- genomes --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Member:
    """A genome that was judged."""

    genome: Genome
    """At its best angles without noise."""
    energy: float
    """Hartree, as in `Verdict`: infinite where the budget ended before it was valued."""
    layout: int
    """Number of the layout that suits it best."""

    def to_row(self) -> list[Any]:
        """As plain JSON values, which know no infinity."""
        energy = self.energy if np.isfinite(self.energy) else None
        return [list(self.genome.word), self.genome.angles.tolist(), energy, self.layout]

    @classmethod
    def from_row(cls, space: Space, row: list[Any]) -> Member:
        """What `to_row` returned."""
        word, angles = tuple(int(letter) for letter in row[0]), np.array(row[1], dtype=np.float64)
        energy = np.inf if row[2] is None else float(row[2])
        return cls(Genome.of(space, word, angles), energy, int(row[3]))


def judged(
    judge: Judge,
    problem: Problem,
    space: Space,
    genomes: Sequence[Genome],
    meter: Meter,
    rng: np.random.Generator,
    inner: InnerOptimiser = START,
) -> tuple[list[Member], list[Trial]]:
    """The first genomes, as many as the budget has room for, and the trials among them."""
    words = [genome.word for genome in genomes]
    population = space.population(words, [genome.angles for genome in genomes])
    fits = [space.layouts(word) for word in words]
    verdict = judge.judge(problem, population, fits, meter, rng, inner)
    trained, members = verdict.population, []
    for row in range(len(trained)):
        genome = Genome.of(space, words[row], trained.angles[row][trained.free[row]])
        members.append(Member(genome, float(verdict.energy[row]), int(verdict.layout[row])))
    return members, verdict.trials
