"""Archive search: the best few words for each number of two-qubit gates, and edits of them.

Without noise a generation edits members of all cells, appends to some of them the letters that
the exact sweep of all extensions names, and puts into one of them ladders that change nothing but
open a slope (`search.strategy.growth`). What is found with many two-qubit gates comes down: of
the best words each letter is left out in turn (`search.strategy.shorter`). On a device every other
generation takes words that are new, or edits of those that hold best under noise, down to it
(`search.strategy.landing`).

An archive with one cell per value of a feature is MAP-Elites (Mouret and Clune,
arXiv:1504.04909), the feature here being the number of two-qubit gates. The task's ground energy,
where it is known, is used for three things: far from it words are trained less, close to it to the
end, and longer words than one that reaches it are not tried.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from qas.problem import FINE, Candidate, Cost, Effort, Meter, Problem, Space, Trial, Word
from qas.task import Classifier
from search.strategy.cells import TIE, Cells, Member
from search.strategy.genome import Genome
from search.strategy.greedy import baseline
from search.strategy.growth import can_grow, grown
from search.strategy.landing import AGAIN, ANYWHERE, KICK, TWIST, Landing, trained
from search.strategy.mutation import mutated
from search.strategy.shorter import Shorter
from search.strategy.strategy import Tally, fingerprint

KEPT = 10
"""Members of a cell."""
SWEPT, TAKEN = 2, 2
"""Members that a generation extends by the sweep, and letters taken of each."""
EDITED, NUDGE = 12, 0.1
"""Children by edits in a generation, and radians of the normal added to their angles."""
GROWN, STEEP, SOFT = 6, 12, 0.03
"""Children with a ladder put in, of so many that open the steepest slopes, and the radians added
to their angles."""
SHORTER = 24
"""Children with a letter left out, of words that deserve it (`search.strategy.shorter`)."""
TRIES = 4
"""Edits tried for each child that is wanted: in an archive of relatives few are new."""
ITERATIONS, SLOPE = 300, 1e-7
"""Line searches that train a child at most, and hartree per radian below which it is done."""
SHARE, DECREASE = 1e-4, 1e-10
"""A child is done when a line search gains no more than this share of the error of the best word,
or these hartree: while all errors are large, more words are worth more than digits, and stopped at
1e-8 most words whose error could be 1e-7 are taken for worse ones."""
SOLVED, EXACT = 1e-9, 1e-11
"""Hartree from the ground energy at which more two-qubit gates cannot help, and other words of as
many cannot either."""
CLOSE, NEAR = 3e-6, 3.0
"""Hartree from the ground energy from where on children are trained to the end, unless their error
is so many times that of the last in their cell."""
PATIENCE = 30
"""Generations without news after which a new archive is begun, the old one being kept apart."""
NEWS, LEAST = 0.01, 1e-9
"""Share of its error by which a cell must fall to be news, and the least error, hartree."""


class Archive:
    """Cells of words without noise and, on a device, cells of words under its noise."""

    name = "archive"

    def __init__(
        self, problem: Problem, seed: int, space: str = "blocks", *, aware: bool = True
    ) -> None:
        self.space, self.seed, self.steps = Space.of(problem, space, anywhere=True), seed, 0
        self.cells, self.landing = Cells(self.space, KEPT), Landing(problem, self.space)
        self.aware = aware and not problem.device.is_ideal
        """False: no word is measured under noise; `front` is all that there is."""
        self.past = Cells(self.space, KEPT)
        """What archives before this one held."""
        self.shorter = Shorter(self.space)
        self.idle, self.begun = 0, 0
        self.tally, self.known = Tally(), Tally()
        known = problem.task.ground_energy
        self.ground = -np.inf if known is None else known

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """One generation; the first scores the empty circuit and Hartree-Fock's."""
        rng = np.random.default_rng([self.seed, self.steps])
        self.steps += 1
        if self.steps == 1:
            return baseline(problem, meter)
        if self.steps % 2 or not self.aware:
            return self._generation(problem, meter, rng)
        return self.landing.generation(problem, self.cells, self.tally, meter, rng)

    def front(self) -> list[Genome]:
        """The best word without noise for each number of two-qubit gates, where more gain."""
        both = Cells(self.space, KEPT)
        both.load_rows([*self.past.to_rows(), *self.cells.to_rows()])
        return [both.rows[pairs][0].genome for pairs in both.front]

    # --- without noise --------------------------------------------------------------------

    def _generation(self, problem: Problem, meter: Meter, rng: np.random.Generator) -> list[Trial]:
        if self.idle >= PATIENCE:
            self._begin()
        longest = self._longest()
        children = [
            *self._shortened(longest),
            *self._extended(problem, meter, longest, rng),
            *self._grown(problem, meter, longest, rng),
            *self._edited(longest, rng),
        ]
        if not children:
            self.idle += 1
            return []
        spent, before, trials = meter.spent, self._errors(), list[Trial]()
        lowest = {pairs: self.cells.lowest(pairs) for pairs in self.cells.rows}
        members = self._trained(problem, children, meter, rng)
        cost = (meter.spent - spent).evaluations // len(members)
        for member in members:
            first = self.cells.keep(member) and self._is_record(member)
            if first and problem.device.is_ideal:
                trials.append(self._trial(problem, member, cost, meter.n_groups))
        self.shorter.note(members, self.cells, lowest, self.ground)
        after = self._errors()
        news = any(after[k] < (1 - NEWS) * before.get(k, np.inf) for k in after)
        self.idle = 0 if news else self.idle + 1
        return trials

    def _trained(
        self,
        problem: Problem,
        children: list[tuple[Genome, float]],
        meter: Meter,
        rng: np.random.Generator,
    ) -> list[Member]:
        """Children at their best angles; close to the ground energy they are trained to the end."""
        effort = Effort(ITERATIONS, self._tolerance(), SLOPE)
        members = trained(problem, self.space, children, meter, rng, effort)
        close = [k for k, own in enumerate(members) if self._is_close(own)]
        if close and not meter.exhausted:
            ends = [(members[k].genome, 0.0) for k in close]
            finer = trained(problem, self.space, ends, meter, rng, FINE)
            for k, member in zip(close, finer, strict=False):
                members[k] = min(members[k], member, key=lambda own: own.energy)
        return members

    def _tolerance(self) -> float:
        """A decrease that ends training, relative to the energy."""
        front = self.cells.front
        lowest = self.cells.lowest(front[-1]) if front else 0.0
        error = lowest - self.ground if np.isfinite(self.ground) else 0.0
        return max(SHARE * error, DECREASE) / max(abs(lowest), 1.0)

    def _is_close(self, own: Member) -> bool:
        error = own.energy - self.ground
        cell = self.cells.rows.get(self.space.n_pairs(own.genome.word), [])
        last = cell[-1].energy - self.ground if len(cell) == KEPT else np.inf
        return error < min(CLOSE, NEAR * last)

    def _is_record(self, member: Member) -> bool:
        """True if no archive before this one held as good a word of as many two-qubit gates."""
        pairs = self.space.n_pairs(member.genome.word)
        return pairs not in self.past.rows or member.energy < self.past.lowest(pairs) - TIE

    def _trial(self, problem: Problem, member: Member, spent: int, n_groups: int) -> Trial:
        """A member as a trial, without noise, at its share of what the generation spent."""
        word, angles = member.genome.word, member.genome.angles
        candidate = Candidate(self.space.circuit(word), self.space.place(problem, word))
        cost = Cost(spent, measurement_circuits=spent * n_groups)
        return Trial(candidate, candidate.circuit, tuple(angles.tolist()), member.energy, cost)

    def _errors(self) -> dict[int, float]:
        """Lowest energy of each cell on the front above the floor, hartree."""
        front, cells = self.cells.front, self.cells
        floor = self.ground + SOLVED
        if front and not np.isfinite(floor):
            floor = cells.lowest(front[-1])
        return {k: max(cells.lowest(k) - floor, LEAST) for k in front}

    def _begin(self) -> None:
        """Keep the archive apart and begin a new one; every third goes on with all that was kept.

        An archive can fill up with relatives of one good word.
        """
        for cell in self.cells.rows.values():
            for member in cell:
                self.past.keep(member)
        self.begun, self.idle, self.known = self.begun + 1, 0, Tally()
        self.cells, self.shorter = Cells(self.space, KEPT), Shorter(self.space)
        if self.begun % 3 == 2:
            self.cells.load_rows(self.past.to_rows())

    def _shortened(self, longest: float) -> list[tuple[Genome, float]]:
        """Words that wait with a letter left out, the last ones first."""
        children: list[tuple[Genome, float]] = []
        while self.shorter.waiting and len(children) < SHORTER:
            child = self.shorter.waiting.pop()
            if self.space.is_legal(child.word) and self._is_wanted(child.word, longest):
                children.append((child, NUDGE))
        return children

    def _extended(
        self, problem: Problem, meter: Meter, longest: float, rng: np.random.Generator
    ) -> list[tuple[Genome, float]]:
        """Members with the letter behind them that lowers their energy most, and the next ones."""
        front = self.cells.front
        if not front or not len(self.space) or meter.exhausted:
            return []
        if isinstance(problem.task, Classifier):  # no sweep: a loss is no expectation value
            return []
        drawn = [self.cells.parent(rng, longest).genome for _ in range(SWEPT)]
        started, space = time.perf_counter(), self.space
        price = int(space.prices.sum())
        room = int(min(meter.left / price, SWEPT))  # without a budget the left is infinite
        parents = list({genome.word: genome for genome in drawn}.values())[:room]
        if not parents:
            return []
        population = space.population([g.word for g in parents], [g.angles for g in parents])
        found = problem.exact.score_extensions(population, problem.energy, space.letters)
        meter.charge(len(parents) * price, started, sweeps=len(parents))
        children: list[tuple[Genome, float]] = []
        for row, genome in enumerate(parents):
            order = np.argsort(found.energy[row], kind="stable").tolist()
            facing = (x for x in order if space.facing[x] == x)
            legal = (x for x in facing if space.is_legal((*genome.word, x)))
            fresh = (x for x in legal if self._is_wanted((*genome.word, x), longest))
            for letter, _ in zip(fresh, range(TAKEN), strict=False):
                turns = tuple(found.angles[row, letter, : space.turns[letter]].tolist())
                children.append((genome.put(len(genome.word), (letter,), (turns,)), TWIST))
        return children

    def _grown(
        self, problem: Problem, meter: Meter, longest: float, rng: np.random.Generator
    ) -> list[tuple[Genome, float]]:
        """A member with ladders put in, some of those that open the steepest slopes."""
        front = self.cells.front
        energy = not isinstance(problem.task, Classifier)  # a loss is no expectation value
        if not (energy and front and can_grow(self.space)) or meter.exhausted:
            return []
        parent = self.cells.parent(rng, longest).genome
        steep = grown(problem, self.space, parent, meter, rng, STEEP)
        drawn = (steep[k] for k in rng.permutation(len(steep)).tolist())
        fresh = (child for child in drawn if self._is_wanted(child.word, longest))
        return [(child, SOFT) for child, _ in zip(fresh, range(GROWN), strict=False)]

    def _edited(self, longest: float, rng: np.random.Generator) -> list[tuple[Genome, float]]:
        """Edits of members; the word without letters where there are none."""
        if not self.cells.rows:
            return [(Genome.of(self.space, ()), KICK)]
        children = list[tuple[Genome, float]]()
        for _ in range(TRIES * EDITED):
            if len(children) >= EDITED:
                break
            parent = self.cells.parent(rng, longest).genome
            if rng.random() < AGAIN:
                children.append((parent, ANYWHERE))
                continue
            child = mutated(self.space, parent, rng)
            if child is not None:
                child = replace(child, word=self.space.faced(child.word))
                if self._is_wanted(child.word, longest):
                    children.append((child, NUDGE))
        return children

    def _longest(self) -> float:
        """Two-qubit gates above which no word is tried, since one of so many is solved."""
        errors = ((pairs, self.cells.lowest(pairs) - self.ground) for pairs in self.cells.front)
        solved = next(((pairs, error) for pairs, error in errors if error < SOLVED), None)
        return np.inf if solved is None else solved[0] - (solved[1] < EXACT)

    def _is_wanted(self, word: Word, longest: float) -> bool:
        """True for a word that is new and not longer than allowed."""
        if self.space.n_pairs(word) > longest:
            return False
        number = fingerprint(self.space, word)
        self.tally.add(number)
        return self.known.add(number)

    # --- state ----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Seed, steps, the archives and what was seen."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "idle": self.idle,
            "begun": self.begun,
            "cells": self.cells.to_rows(),
            "past": self.past.to_rows(),
            "shorter": self.shorter.to_rows(),
            "landing": self.landing.state_dict(),
            "tally": self.tally.to_dict(),
            "known": self.known.to_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
        self.idle, self.begun = int(state["idle"]), int(state["begun"])
        self.cells.load_rows(state["cells"])
        self.past.load_rows(state["past"])
        self.shorter.load_rows(state.get("shorter", []))  # absent from older campaigns
        self.landing.load_state_dict(state["landing"])
        self.tally = Tally.from_dict(state["tally"])
        self.known = Tally.from_dict(state["known"])
