"""Beam search on the exact sweep of all extensions, with look-ahead.

A level appends every letter to every word of the beam: one sweep knows the energies of all
children at the best angles of their new letters, for a fraction of what training one of them
takes. The best few are trained at all angles, the best of these are the next beam. Single
letters gain nothing where several must arrive together, as the three cx of four-qubit H2: so
the beam also looks two letters ahead, and three where that does not help. For this the words are
shaken, so that slopes that vanish by symmetry show, and sweep follows upon sweep before
anything is trained. A beam that ends makes way for one from a random prefix. Width one is
greedy search on the sweep.

The sweep is that of Ostaszewski, Grant and Benedetti, Quantum 5, 391 (2021), for whole letters.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from qas.problem import Meter, Problem, Space, Trial
from search.strategy.genome import Genome
from search.strategy.judge import Judge, Member, judged
from search.strategy.mutation import INHERITED, loosened
from search.strategy.strategy import START, Tally

WIDTH = 4
"""Words of a beam."""
TRAINED = 8
"""Children that are trained for each depth of look-ahead."""
SIBLINGS = 4
"""Children of one word among them, at most."""
DEPTHS = (1, 2), (3,)
"""Letters that a level looks ahead: together at first, then where those did not help."""
ROLLED = 24
"""Words that go on from one sweep of a look-ahead to the next, those of all parents together."""
SHAKE = 0.1
"""Radians of the normal added to all angles before looking further than one letter."""
GAIN = 1e-7
"""Hartree that a level must gain."""
PRICES = -6.0, -3.0
"""log10 of the hartree that each two-qubit gate costs in a beam."""
PREFIX = 3
"""Letters of the longest random prefix."""


class Extension(NamedTuple):
    """A word with a letter more, as a sweep saw it."""

    genome: Genome
    root: int
    """Number of the word of the beam that it comes from."""


class BeamSearch:
    """Beams of words, each grown from a prefix until no look-ahead gains."""

    name = "beam"

    def __init__(self, problem: Problem, seed: int, space: str = "blocks") -> None:
        self.space, self.seed, self.steps = Space.of(problem, space), seed, 0
        self.tally, self.judge = Tally(), Judge()
        self.beam: list[Member] = []
        self.beams, self.stuck, self.price = 0, 0, 0.0
        # An energy in k angles has 3^k coefficients; without a two-qubit gate one is known.
        self._sweep = int((3**self.space.turns - (self.space.pairs == 0)).sum())

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """A level of the beam, or the first word of another one."""
        rng = np.random.default_rng([self.seed, self.steps])
        self.steps += 1
        if not self.beam:
            return self._begin(problem, meter, rng)
        depths = DEPTHS[self.stuck]
        children = [c for d in depths for c in self._children(problem, d, meter, rng)]
        if not children and meter.left < self._sweep:
            children = [loosened(self.space, self.beam[0].genome, rng)]  # the last of the budget
        trials: list[Trial] = []
        if children:
            members, trials = judged(
                self.judge, problem, self.space, children, meter, rng, INHERITED
            )
            self._go_on(members)
        else:
            self._go_on([])
        return trials

    def _begin(self, problem: Problem, meter: Meter, rng: np.random.Generator) -> list[Trial]:
        """Train the empty word, in later beams a random prefix."""
        self.price = 10.0 ** rng.uniform(*PRICES)
        length = 0 if self.beams == 0 else int(rng.integers(PREFIX + 1))
        self.beams += 1
        word = self.space.random_word(length, rng)
        self.tally.note(self.space, word)
        genome = Genome.of(self.space, word)
        self.beam, trials = judged(self.judge, problem, self.space, [genome], meter, rng, START)
        return trials

    def _go_on(self, members: list[Member]) -> None:
        """Take the best members where they gain; else look further, at last end the beam."""
        members = sorted(members, key=self._cost)
        if members and self._cost(members[0]) < self._cost(self.beam[0]) - GAIN:
            self.beam, self.stuck = members[:WIDTH], 0
            return
        self.stuck += 1
        if self.stuck == len(DEPTHS):
            self.beam, self.stuck = [], 0

    def _cost(self, member: Member) -> float:
        return member.energy + self.price * self.space.n_pairs(member.genome.word)

    # --- children -------------------------------------------------------------------------

    def _children(
        self, problem: Problem, depth: int, meter: Meter, rng: np.random.Generator
    ) -> list[Genome]:
        """New words, most promising first, at the angles that the sweeps found."""
        reached = [Extension(member.genome, k) for k, member in enumerate(self.beam)]
        if depth > 1:
            reached = [Extension(self._shaken(one, rng), root) for one, root in reached]
        for _ in range(depth - 1):
            grown = self._unlike(self._extended(problem, reached, meter))
            reached = list(_fairly(grown, max(1, ROLLED // len(self.beam)), lambda _: True))
        grown = self._extended(problem, reached, meter)
        fair = _fairly(grown, SIBLINGS, lambda one: self.tally.note(self.space, one.genome.word))
        return [one.genome for one in islice(fair, TRAINED)]

    def _shaken(self, genome: Genome, rng: np.random.Generator) -> Genome:
        angles = genome.angles
        return Genome.of(self.space, genome.word, angles + rng.normal(0.0, SHAKE, len(angles)))

    def _extended(
        self, problem: Problem, parents: Sequence[Extension], meter: Meter
    ) -> Iterator[Extension]:
        """Every legal extension of the parents, lowest energy first, made when asked for."""
        parents = parents[: int(max(0.0, min(len(parents), meter.left / self._sweep)))]
        if not parents or meter.exhausted:
            return
        space, started = self.space, time.perf_counter()
        genomes = [one.genome for one in parents]
        population = space.population([g.word for g in genomes], [g.angles for g in genomes])
        swept = problem.exact.score_extensions(population, problem.energy, space.letters)
        meter.charge(self._sweep * len(parents), started, sweeps=len(parents))
        for place in np.argsort(swept.energy, axis=None, kind="stable").tolist():
            k, letter = divmod(place, len(space))
            word = genomes[k].word
            if space.is_legal((*word, letter)):
                turns = tuple(swept.angles[k, letter, : space.turns[letter]].tolist())
                yield Extension(genomes[k].put(len(word), (letter,), (turns,)), parents[k].root)

    def _unlike(self, grown: Iterator[Extension]) -> Iterator[Extension]:
        """The extensions without those that differ in the order of their letters alone."""
        keys = set()
        for one in grown:
            key = self.space.key(one.genome.word)
            if key not in keys:
                keys.add(key)
                yield one

    # --- state ----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Seed, counters, and the beam."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "beams": self.beams,
            "stuck": self.stuck,
            "price": self.price,
            "beam": [member.to_row() for member in self.beam],
            "tally": self.tally.to_dict(),
            "judge": self.judge.to_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
        self.beams, self.stuck = int(state["beams"]), int(state["stuck"])
        self.price = float(state["price"])
        self.beam = [Member.from_row(self.space, row) for row in state["beam"]]
        self.tally = Tally.from_dict(state["tally"])
        self.judge = Judge.from_dict(state["judge"])


def _fairly(
    grown: Iterable[Extension], most: int, wanted: Callable[[Extension], bool]
) -> Iterator[Extension]:
    """The extensions that are wanted, so many of each word of the beam at most."""
    count: dict[int, int] = {}
    for one in grown:
        if count.get(one.root, 0) < most and wanted(one):
            count[one.root] = count.get(one.root, 0) + 1
            yield one
