"""Archive search: the best few words for each number of two-qubit gates, and edits of them.

Without noise a generation edits members of all cells that are worth it, and appends to some of
them the letters that the exact sweep of all extensions names. On a device generations alternate:
every other one takes words that are new, or edits of those that hold best under noise, trains
them without noise from several starts, measures each of these on every layout, trains the best
under noise, and prunes what is a new best.

That equal circuits without noise are not equal under it is why there are several starts: one of
them keeps all qubits near |0> and turns the occupied ones last, so that little relaxes.

An archive with one cell per value of a feature is MAP-Elites (Mouret and Clune,
arXiv:1504.04909), the feature here being the number of two-qubit gates.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from qas.problem import (
    QUICK,
    Batch,
    Candidate,
    Effort,
    Gradient,
    Meter,
    Problem,
    Space,
    Trial,
    Word,
    prune,
    score_batch,
    value_batch,
    vary,
)
from search.strategy.cells import TIE, Cells, Member
from search.strategy.genome import Genome
from search.strategy.greedy import baseline, refine
from search.strategy.mutation import mutated
from search.strategy.strategy import Tally

KEPT, KEPT_NATIVE = 10, 6
"""Members of a cell, without noise and under it."""
SWEPT, TAKEN = 3, 4
"""Members that a generation extends by the sweep, and letters taken of each."""
EDITED, EDITED_NATIVE = 12, 6
"""Children by edits in a generation, without noise and under it."""
TRIES = 20
"""Edits tried for each child that is wanted: most may be known, or longer than a solution."""
NEW = 4
"""Words without noise that a generation on the device takes over."""
AGAIN = 0.15
"""Share of children that are a member tried from angles anywhere."""
FEW, MORE = 2, 3
"""How many two-qubit gates fewer and more than the best under noise parents there have."""
KICK, TWIST, ANYWHERE = 0.3, 0.1, 3.0
"""Radians of the normal added to angles of edited words, of extended ones, and to forget them."""
SOLVED = 1e-11
"""Hartree from the ground energy at which more two-qubit gates cannot help."""
PRUNED = 2
"""Circuits that a generation on the device prunes."""
CLOSE, FAR, WORTH = 1e-3, 5e-3, 1e-5
"""How far above the best of all a circuit may be to be pruned, and the best of as many two-qubit
gates; below what difference two circuits are taken for the same. Hartree."""
PATIENCE = 60
"""Generations without news after which a new archive is begun, the old one being kept apart."""
NEWS, LEAST = 0.01, 1e-9
"""Share of its error by which a cell must fall to be news, and the least error, hartree."""
GROWTH, NATIVE = Effort(150, 1e-10, 1e-6), Effort(60, 1e-8, 1e-5)


class Archive:
    """Cells of words without noise and, on a device, cells of words under its noise."""

    name = "archive"

    def __init__(
        self, problem: Problem, seed: int, space: str = "blocks", *, aware: bool = True
    ) -> None:
        self.space, self.seed, self.steps = Space.of(problem, space, anywhere=True), seed, 0
        self.cells, self.native = Cells(self.space, KEPT), Cells(self.space, KEPT_NATIVE)
        self.aware = aware and not problem.device.is_ideal
        """False: no word is measured under noise; `front` is all that there is."""
        self.past = Cells(self.space, KEPT)
        """What archives before this one held."""
        self.idle, self.begun = 0, 0
        self.tally, self.known, self.placed = Tally(), Tally(), Tally()
        self.raw: dict[int, float] = {}
        """Lowest energy before pruning, hartree, for each number of two-qubit gates."""
        self.pruned: set[tuple[int, int]] = set()
        """Two-qubit gates and energy, in units of `WORTH`, of what was pruned."""
        ground = problem.task.ground_energy
        self.floor = -np.inf if ground is None else ground + SOLVED
        circuit = problem.task.hf_circuit()
        names = () if circuit is None else circuit.gates
        self.occupied = tuple(sorted(gate.qubits[0] for gate in names))

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """One generation; the first scores the empty circuit and Hartree-Fock's."""
        rng = np.random.default_rng([self.seed, self.steps])
        self.steps += 1
        if self.steps == 1:
            return baseline(problem, meter)
        if self.steps % 2 or not self.aware:
            return self._generation(problem, meter, rng)
        return self._native_generation(problem, meter, rng)

    def front(self) -> list[Genome]:
        """The best word without noise for each number of two-qubit gates, where more gain."""
        both = Cells(self.space, KEPT)
        both.load_rows([*self.past.to_rows(), *self.cells.to_rows()])
        return [both.rows[pairs][0].genome for pairs in both.front]

    # --- without noise --------------------------------------------------------------------

    def _generation(self, problem: Problem, meter: Meter, rng: np.random.Generator) -> list[Trial]:
        if self.idle >= PATIENCE:
            self._begin()
        children = self._extended(problem, meter, rng) + self._edited(rng)
        if not children:
            self.idle += 1
            return []
        batch = self._trained(problem, children, meter, rng)
        trials, before = list[Trial](), self._errors()
        for row, (genome, _) in enumerate(children[: len(batch)]):
            energy = float(batch.energy[row])
            found = Genome.of(self.space, genome.word, batch.turns(row))
            first = self.cells.keep(Member(energy, found)) and self._is_record(found, energy)
            if first and problem.device.is_ideal:
                layout = self.space.place(problem, genome.word)
                candidate = Candidate(self.space.circuit(genome.word), layout)
                trials.append(batch.trial(row, candidate, meter.n_groups))
        after = self._errors()
        news = any(after[k] < (1 - NEWS) * before.get(k, np.inf) for k in after)
        self.idle = 0 if news else self.idle + 1
        return trials

    def _is_record(self, genome: Genome, energy: float) -> bool:
        """True if no archive before this one held as good a word of as many two-qubit gates."""
        pairs = self.space.n_pairs(genome.word)
        return pairs not in self.past.rows or energy < self.past.lowest(pairs) - TIE

    def _errors(self) -> dict[int, float]:
        """Lowest energy of each cell on the front above the floor, hartree."""
        front, cells = self.cells.front, self.cells
        floor = self.floor
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
        self.cells = Cells(self.space, KEPT)
        if self.begun % 3 == 2:
            self.cells.load_rows(self.past.to_rows())

    def _trained(
        self,
        problem: Problem,
        children: list[tuple[Genome, float]],
        meter: Meter,
        rng: np.random.Generator,
    ) -> Batch:
        """Children optimised without noise, each from its angles with so large a kick."""
        starts = [genome.angles + rng.normal(0, kick, genome.size) for genome, kick in children]
        population = self.space.population([genome.word for genome, _ in children], starts)
        return score_batch(problem, population, None, meter, Gradient(GROWTH), rng)

    def _extended(
        self, problem: Problem, meter: Meter, rng: np.random.Generator
    ) -> list[tuple[Genome, float]]:
        """Members with the letter behind them that lowers their energy most, and the next ones."""
        front = self.cells.front
        if not front or not len(self.space) or meter.exhausted:
            return []
        drawn = [self.cells.drawn(int(rng.choice(front)), rng).genome for _ in range(SWEPT)]
        parents = list({genome.word: genome for genome in drawn}.values())
        started, space = time.perf_counter(), self.space
        population = space.population([g.word for g in parents], [g.angles for g in parents])
        found = problem.exact.score_extensions(population, problem.task.observable, space.letters)
        meter.charge(len(parents) * int(space.prices.sum()), started, sweeps=len(parents))
        children: list[tuple[Genome, float]] = []
        for row, genome in enumerate(parents):
            order = np.argsort(found.energy[row], kind="stable").tolist()
            facing = (x for x in order if space.facing[x] == x)
            fresh = (x for x in facing if self._is_wanted((*genome.word, x)))
            for letter, _ in zip(fresh, range(TAKEN), strict=False):
                turns = tuple(found.angles[row, letter, : space.turns[letter]].tolist())
                children.append((genome.put(len(genome.word), (letter,), (turns,)), TWIST))
        return children

    def _edited(self, rng: np.random.Generator) -> list[tuple[Genome, float]]:
        """Edits of members; the word without letters where there are none."""
        if not self.cells.rows:
            return [(Genome.of(self.space, ()), KICK)]
        front, children = self.cells.front, list[tuple[Genome, float]]()
        for _ in range(TRIES * EDITED):
            if len(children) >= EDITED:
                break
            parent = self.cells.drawn(int(rng.choice(front)), rng).genome
            if rng.random() < AGAIN:
                children.append((parent, ANYWHERE))
                continue
            child = mutated(self.space, parent, rng)
            if child is not None:
                child = replace(child, word=self.space.faced(child.word))
                if self._is_wanted(child.word):
                    children.append((child, KICK))
        return children

    def _is_wanted(self, word: Word) -> bool:
        """True for a legal word that is new and not longer than one that is solved."""
        front = self.cells.front
        solved = bool(front) and self.cells.lowest(front[-1]) < self.floor
        if solved and self.space.n_pairs(word) >= front[-1]:
            return False
        if not self.space.is_legal(word):
            return False
        self.tally.note(self.space, word)
        return self.known.note(self.space, word)

    # --- under noise ----------------------------------------------------------------------

    def _native_generation(
        self, problem: Problem, meter: Meter, rng: np.random.Generator
    ) -> list[Trial]:
        genomes = self._newcomers() + self._edited_native(rng)
        if not genomes:
            return []
        starts = self._starts(problem, genomes, meter, rng)
        choice = self._screened(problem, starts, meter)
        trials: list[Trial] = []
        for layout in sorted({number for number, _ in choice.values()}):
            if meter.exhausted:
                break
            some = [genome for number, genome in choice.values() if number == layout]
            trials += self._natively(problem, some, layout, meter, rng)
        trials.sort(key=lambda trial: trial.rank)
        best: dict[int, Trial] = {}
        for trial in trials:
            best.setdefault(trial.two_qubit_gates, trial)
        news = [t for pairs, t in best.items() if t.energy < self.raw.get(pairs, np.inf)]
        return [*self._finished(problem, trials, meter), *news]

    def _newcomers(self) -> list[Genome]:
        """The best words without noise that were not measured under it, of all cells in turn."""
        front, found = self.cells.front, list[Genome]()
        for place in range(KEPT):
            for pairs in front:
                cell = self.cells.rows[pairs]
                if place < len(cell) and len(found) < NEW:
                    genome = cell[place].genome
                    if self.placed.note(self.space, genome.word):
                        found.append(genome)
        return found

    def _edited_native(self, rng: np.random.Generator) -> list[Genome]:
        """Edits of words that hold well under noise."""
        rows = self.native.rows
        if not rows:
            return []
        best = min(rows, key=self.native.lowest)
        near = [pairs for pairs in sorted(rows) if best - FEW <= pairs <= best + MORE]
        found: list[Genome] = []
        for _ in range(TRIES * EDITED_NATIVE):
            if len(found) >= EDITED_NATIVE:
                break
            parent = self.native.drawn(int(rng.choice(near)), rng).genome
            again = rng.random() < AGAIN
            child = parent if again else mutated(self.space, parent, rng)
            if child is not None and (self.placed.note(self.space, child.word) or again):
                found.append(child)
        return found

    def _starts(
        self, problem: Problem, genomes: list[Genome], meter: Meter, rng: np.random.Generator
    ) -> list[Genome]:
        """The words at noise-free optima: near their own angles, with X last, and anywhere."""
        late = [self._late(genome) for genome in genomes]
        turned = [self._turned(genome, rng) for genome in genomes]
        children = [
            *((genome, TWIST) for genome in genomes),
            *((genome, KICK) for genome in late),
            *((genome, ANYWHERE) for genome in turned),
        ]
        batch = self._trained(problem, children, meter, rng)
        found = [
            Genome.of(self.space, children[row][0].word, batch.turns(row))
            for row in range(len(batch))
        ]
        for row, genome in enumerate(found):
            if genome.word == self.space.faced(genome.word):
                self.cells.keep(Member(float(batch.energy[row]), genome))
        return found

    def _turned(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """The word with some of its cx turned round: the same without noise, not under it."""
        around = rng.random(len(genome.word)) < 0.5
        word = tuple(
            self.space.turned[letter] if turn else letter
            for letter, turn in zip(genome.word, around.tolist(), strict=True)
        )
        return replace(genome, word=word)

    def _late(self, genome: Genome) -> Genome:
        """All rotations at zero but the last one of each qubit that Hartree-Fock occupies."""
        circuit, angles = self.space.circuit(genome.word), np.zeros(genome.size)
        last = {
            circuit.gates[place].qubits[0]: number
            for number, place in enumerate(circuit.free)
            if circuit.gates[place].name == "ry"
        }
        for qubit in self.occupied:
            if qubit in last:
                angles[last[qubit]] = np.pi
        return Genome.of(self.space, genome.word, angles)

    def _screened(
        self, problem: Problem, starts: list[Genome], meter: Meter
    ) -> dict[Word, tuple[int, Genome]]:
        """For each word the layout and the start that are best under noise as they stand."""
        best: dict[Word, tuple[float, int, Genome]] = {}
        for number, layout in enumerate(problem.layouts):
            if meter.exhausted:
                break
            fits = [g for g in starts if number in self.space.layouts(g.word)]
            if not fits:
                continue
            population = self.space.population([g.word for g in fits], [g.angles for g in fits])
            _, energies = value_batch(problem, population, layout, meter)
            for genome, energy in zip(fits, energies.tolist(), strict=True):
                if genome.word not in best or energy < best[genome.word][0]:
                    best[genome.word] = energy, number, genome
        return {word: (number, genome) for word, (_, number, genome) in best.items()}

    def _natively(
        self,
        problem: Problem,
        genomes: list[Genome],
        number: int,
        meter: Meter,
        rng: np.random.Generator,
    ) -> list[Trial]:
        """Words trained under noise on a layout."""
        layout, space = problem.layouts[number], self.space
        population = space.population([g.word for g in genomes], [g.angles for g in genomes])
        batch = score_batch(problem, population, layout, meter, Gradient(NATIVE), rng)
        trials: list[Trial] = []
        for row, genome in enumerate(genomes[: len(batch)]):
            self.native.keep(Member(float(batch.energy[row]), genome, number))
            candidate = Candidate(space.circuit(genome.word), layout)
            trials.append(batch.trial(row, candidate, meter.n_groups))
        return trials

    def _finished(self, problem: Problem, trials: list[Trial], meter: Meter) -> list[Trial]:
        """The most promising few pruned, moved and refined: dressing costs pulses.

        Args:
            problem: scores.
            trials: lowest energy first.
            meter: charged.

        Promising is what is close to the lowest energy before pruning, of as many two-qubit gates
        or of all; what was pruned from the same energy before is not pruned again.
        """
        for trial in trials:
            pairs = trial.two_qubit_gates
            self.raw[pairs] = min(trial.energy, self.raw.get(pairs, np.inf))
        lowest, finished = min(self.raw.values(), default=np.inf), list[Trial]()
        for trial in trials:
            mark = (trial.two_qubit_gates, round(trial.energy / WORTH))
            first = trial.energy <= self.raw[trial.two_qubit_gates]
            near = trial.energy < lowest + (FAR if first else CLOSE)
            if meter.exhausted or len(finished) == PRUNED or not near or mark in self.pruned:
                continue
            self.pruned.add(mark)
            short = prune(problem, trial, meter, tolerance=1e-7, effort=QUICK)
            finished.append(refine(problem, vary(problem, short, meter, effort=QUICK), meter))
        return finished

    # --- state ----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Seed, steps, both archives and what was seen."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "idle": self.idle,
            "begun": self.begun,
            "cells": self.cells.to_rows(),
            "past": self.past.to_rows(),
            "native": self.native.to_rows(),
            "raw": [list(pair) for pair in self.raw.items()],
            "pruned": [list(mark) for mark in sorted(self.pruned)],
            "tally": self.tally.to_dict(),
            "known": self.known.to_dict(),
            "placed": self.placed.to_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
        self.idle, self.begun = int(state["idle"]), int(state["begun"])
        self.cells.load_rows(state["cells"])
        self.past.load_rows(state["past"])
        self.native.load_rows(state["native"])
        self.raw = {int(pairs): float(energy) for pairs, energy in state["raw"]}
        self.pruned = {(int(pairs), int(energy)) for pairs, energy in state["pruned"]}
        self.tally = Tally.from_dict(state["tally"])
        self.known = Tally.from_dict(state["known"])
        self.placed = Tally.from_dict(state["placed"])
