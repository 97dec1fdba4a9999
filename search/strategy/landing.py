"""Words on the device: an archive of those that hold best under its noise.

Equal circuits without noise are not equal under it. So a word comes down from several starts:
near its own angles; with all rotations at zero but the last of each qubit that Hartree-Fock
occupies, so that qubits stay near |0> and little relaxes; and from anywhere, some of its cx turned
round. Each is trained without noise and measured on every layout as it stands; the best is trained
under noise, and the most promising are pruned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from qas.problem import (
    QUICK,
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
    vary,
)
from search.strategy.cells import Cells, Member
from search.strategy.genome import Genome
from search.strategy.greedy import refine
from search.strategy.judge import valued
from search.strategy.mutation import mutated
from search.strategy.strategy import Tally

KEPT = 6
"""Members of a cell."""
NEW, EDITED = 4, 6
"""Words without noise that a generation takes over, and edits of words that hold well."""
TRIES = 20
"""Edits tried for each child that is wanted."""
AGAIN = 0.15
"""Share of children that are a member from other starts."""
FEW, MORE = 2, 3
"""How many two-qubit gates fewer and more than the best under noise parents there have."""
TWIST, KICK, ANYWHERE = 0.1, 0.3, 3.0
"""Radians of the normal added to a word's own angles, to the late ones, and to forget them."""
PRUNED = 2
"""Circuits that a generation prunes."""
CLOSE, FAR, WORTH = 1e-3, 5e-3, 1e-5
"""How far above the best of all a circuit may be to be pruned, and the best of as many two-qubit
gates; below what difference two circuits are taken for the same. Hartree."""
GROWTH, NATIVE = Effort(150, 1e-10, 1e-6), Effort(60, 1e-8, 1e-5)


class Landing:
    """Cells of words under noise, and what was pruned."""

    def __init__(self, problem: Problem, space: Space) -> None:
        self.space, self.cells, self.placed = space, Cells(space, KEPT), Tally()
        self.axis = "ry" if "ry" in problem.pool else "rx"
        """Of the rotations that turn an occupied qubit on."""
        self.raw: dict[int, float] = {}
        """Lowest energy before pruning, hartree, for each number of two-qubit gates."""
        self.pruned: set[tuple[int, int]] = set()
        """Two-qubit gates and energy, in units of `WORTH`, of what was pruned."""
        circuit = problem.task.hf_circuit()
        gates = () if circuit is None else circuit.gates
        self.occupied = tuple(sorted(gate.qubits[0] for gate in gates))

    def generation(
        self,
        problem: Problem,
        blind: Cells,
        tally: Tally,
        meter: Meter,
        rng: np.random.Generator,
    ) -> list[Trial]:
        """New words of an archive without noise and edits of words that hold well, landed.

        What training without noise finds goes back to that archive.
        """
        genomes = self._newcomers(blind) + self._edited(tally, rng)
        if not genomes:
            return []
        starts = self._starts(problem, genomes, blind, meter, rng)
        choice = self._screened(problem, starts, meter)
        trials: list[Trial] = []
        for layout in sorted({number for number, _ in choice.values()}):
            if meter.exhausted:
                break
            some = [genome for number, genome in choice.values() if number == layout]
            trials += self._trained(problem, some, layout, meter, rng)
        trials.sort(key=lambda trial: trial.rank)
        best: dict[int, Trial] = {}
        for trial in trials:
            best.setdefault(trial.two_qubit_gates, trial)
        news = [t for pairs, t in best.items() if t.energy < self.raw.get(pairs, np.inf)]
        return [*self._finished(problem, trials, meter), *news]

    def _newcomers(self, blind: Cells) -> list[Genome]:
        """The best words without noise that were not measured under it, of all cells in turn."""
        front, found = blind.front, list[Genome]()
        for place in range(blind.most):
            for pairs in front:
                cell = blind.rows[pairs]
                if place < len(cell) and len(found) < NEW:
                    genome = cell[place].genome
                    if self.placed.note(self.space, genome.word):
                        found.append(genome)
        return found

    def _edited(self, tally: Tally, rng: np.random.Generator) -> list[Genome]:
        """Edits of words that hold well under noise."""
        rows = self.cells.rows
        if not rows:
            return []
        best = min(rows, key=self.cells.lowest)
        near = [pairs for pairs in sorted(rows) if best - FEW <= pairs <= best + MORE]
        found: list[Genome] = []
        for _ in range(TRIES * EDITED):
            if len(found) >= EDITED:
                break
            parent = self.cells.drawn(int(rng.choice(near)), rng).genome
            again = rng.random() < AGAIN
            child = parent if again else mutated(self.space, parent, rng)
            if child is not None and (self.placed.note(self.space, child.word) or again):
                tally.note(self.space, child.word)
                found.append(child)
        return found

    def _starts(
        self,
        problem: Problem,
        genomes: list[Genome],
        blind: Cells,
        meter: Meter,
        rng: np.random.Generator,
    ) -> list[Genome]:
        """The words at noise-free optima."""
        late = [self.late(genome) for genome in genomes]
        turned = [self._turned(genome, rng) for genome in genomes]
        children = [
            *((genome, TWIST) for genome in genomes),
            *((genome, KICK) for genome in late),
            *((genome, ANYWHERE) for genome in turned),
        ]
        members = trained(problem, self.space, children, meter, rng)
        for member in members:
            if member.genome.word == self.space.faced(member.genome.word):
                blind.keep(member)
        return [member.genome for member in members]

    def _turned(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """The word with some of its cx turned round: the same without noise, not under it."""
        around = rng.random(len(genome.word)) < 0.5
        word = tuple(
            self.space.turned[letter] if turn else letter
            for letter, turn in zip(genome.word, around.tolist(), strict=True)
        )
        return replace(genome, word=word)

    def late(self, genome: Genome) -> Genome:
        """All rotations at zero but the last one of each qubit that Hartree-Fock occupies."""
        circuit, angles = self.space.circuit(genome.word), np.zeros(genome.size)
        last = {
            circuit.gates[place].qubits[0]: number
            for number, place in enumerate(circuit.free)
            if circuit.gates[place].name == self.axis
        }
        for qubit in self.occupied:
            if qubit in last:
                angles[last[qubit]] = np.pi
        return Genome.of(self.space, genome.word, angles)

    def _screened(
        self, problem: Problem, starts: list[Genome], meter: Meter
    ) -> dict[Word, tuple[int, Genome]]:
        """For each word the layout and the start that are best under noise as they stand."""
        words = [genome.word for genome in starts]
        population = self.space.population(words, [genome.angles for genome in starts])
        fits = [self.space.layouts(word) for word in words]
        energy, layout = valued(problem, population, fits, meter)
        best: dict[Word, int] = {}
        for row, word in enumerate(words):
            if np.isfinite(energy[row]) and energy[row] < energy[best.setdefault(word, row)]:
                best[word] = row
        return {word: (int(layout[row]), starts[row]) for word, row in best.items()}

    def _trained(
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
            self.cells.keep(Member(float(batch.energy[row]), genome, number))
            candidate = Candidate(space.circuit(genome.word), layout)
            trials.append(batch.trial(row, candidate, meter.n_groups))
        return trials

    def _finished(self, problem: Problem, trials: list[Trial], meter: Meter) -> list[Trial]:
        """The most promising few pruned, moved and refined: dressing costs pulses.

        Promising is what is close to the lowest energy before pruning, of as many two-qubit gates
        or of all; what was pruned from the same energy before is not pruned again.

        Args:
            problem: scores.
            trials: lowest energy first.
            meter: charged.
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

    def state_dict(self) -> dict[str, Any]:
        """The cells, and what was placed and pruned."""
        return {
            "cells": self.cells.to_rows(),
            "raw": [list(pair) for pair in self.raw.items()],
            "pruned": [list(mark) for mark in sorted(self.pruned)],
            "placed": self.placed.to_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.cells.load_rows(state["cells"])
        self.raw = {int(pairs): float(energy) for pairs, energy in state["raw"]}
        self.pruned = {(int(pairs), int(energy)) for pairs, energy in state["pruned"]}
        self.placed = Tally.from_dict(state["placed"])


def trained(
    problem: Problem,
    space: Space,
    children: Sequence[tuple[Genome, float]],
    meter: Meter,
    rng: np.random.Generator,
    effort: Effort = GROWTH,
) -> list[Member]:
    """Genomes optimised without noise, each from its angles with a kick of so many radians.

    As many as the budget has room for, the first ones.
    """
    starts = [genome.angles + rng.normal(0, kick, genome.size) for genome, kick in children]
    population = space.population([genome.word for genome, _ in children], starts)
    batch = score_batch(problem, population, None, meter, Gradient(effort), rng)
    return [
        Member(float(batch.energy[row]), Genome.of(space, children[row][0].word, batch.turns(row)))
        for row in range(len(batch))
    ]
