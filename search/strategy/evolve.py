"""Evolutionary search of circuits together with their layouts.

A population of words at their angles. Parents win tournaments under a price for two-qubit
gates that is drawn for each tournament, so that short and long circuits evolve side by side;
children come by crossover and by edits and start at the angles that they inherit. Some are
started anywhere instead. On a device each member stands on the layout that suits it best, and
is judged there.

Sources: EVQE, Rattew et al., arXiv 1910.09694; QuantumNAS, Wang et al., HPCA 2022,
arXiv 2107.10845, for the co-search of circuit and layout.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qas.problem import Meter, Problem, Space, Trial, Word
from search.strategy.genome import Genome
from search.strategy.judge import Judge, Member, judged
from search.strategy.mutation import INHERITED, crossed, founders, loosened, mutated
from search.strategy.strategy import Tally

KEPT = 5
"""Members that survive for each number of two-qubit gates."""
CHILDREN = 16
"""Children of a generation, and founders."""
TOURNAMENT = 4
"""Members that compete to be a parent."""
CROSSED = 0.2
"""Share of children with two parents."""
ANYWHERE = 0.1
"""Share of children that are their parent, started anywhere."""
PRICES = -7.0, -2.0
"""log10 of hartree for each two-qubit gate, in a tournament."""
PATIENCE = 20
"""Draws for each child before a generation is smaller."""


class Evolution:
    """Generations of words; the best few for each number of two-qubit gates survive."""

    name = "evolve"

    def __init__(self, problem: Problem, seed: int, space: str = "blocks") -> None:
        self.space, self.seed, self.steps = Space.of(problem, space), seed, 0
        self.tally, self.judge = Tally(), Judge()
        self.members: list[Member] = []

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """One generation."""
        rng = np.random.default_rng([self.seed, self.steps])
        self.steps += 1
        genomes = self._children(rng)
        born, trials = judged(self.judge, problem, self.space, genomes, meter, rng, INHERITED)
        self._survive(born)
        return trials

    def _children(self, rng: np.random.Generator) -> list[Genome]:
        """New words, or members once more, from anywhere."""
        if not self.members:
            return founders(self.space, CHILDREN, self.tally, rng)
        found: list[Genome] = []
        for _ in range(PATIENCE * CHILDREN):
            if len(found) == CHILDREN:
                break
            child = self._child(rng)
            if child is not None:
                found.append(child)
        return found or [loosened(self.space, self._winner(rng), rng)]

    def _child(self, rng: np.random.Generator) -> Genome | None:
        """None where what was drawn is not legal, or known."""
        parent, way = self._winner(rng), rng.random()
        if way < ANYWHERE:
            return loosened(self.space, parent, rng)
        if way < ANYWHERE + CROSSED:
            child = crossed(self.space, parent, self._winner(rng), rng)
        else:
            child = mutated(self.space, parent, rng)
        new = child is not None and self.tally.note(self.space, child.word)
        return child if new else None

    def _winner(self, rng: np.random.Generator) -> Genome:
        """The best of a few members when a two-qubit gate has a price."""
        some = rng.integers(len(self.members), size=TOURNAMENT).tolist()
        price = 10.0 ** rng.uniform(*PRICES)
        drawn = [self.members[k] for k in some]
        best: Member = min(drawn, key=lambda one: one.energy + price * self._pairs(one))
        return best.genome

    def _survive(self, born: list[Member]) -> None:
        """Keep the best few different words for each number of two-qubit gates."""
        kept: dict[int, int] = {}
        keys: set[Word] = set()
        before, self.members = [*self.members, *born], []
        for member in sorted(before, key=lambda one: one.energy):
            pairs, key = self._pairs(member), self.space.key(member.genome.word)
            if kept.get(pairs, 0) < KEPT and key not in keys:
                keys.add(key)
                kept[pairs] = kept.get(pairs, 0) + 1
                self.members.append(member)

    def _pairs(self, member: Member) -> int:
        return self.space.n_pairs(member.genome.word)

    def state_dict(self) -> dict[str, Any]:
        """Seed, counters, and the members."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "tally": self.tally.to_dict(),
            "judge": self.judge.to_dict(),
            "members": [member.to_row() for member in self.members],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
        self.tally = Tally.from_dict(state["tally"])
        self.judge = Judge.from_dict(state["judge"])
        self.members = [Member.from_row(self.space, row) for row in state["members"]]
