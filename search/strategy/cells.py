"""An archive: the best few words for each number of two-qubit gates."""

from __future__ import annotations

from bisect import bisect, insort
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np

from qas.problem import Space, Word
from search.strategy.genome import Genome

TIE = 1e-11
"""Hartree below which two energies are the same."""
AHEAD = 3
"""Two-qubit gates more than the front has at which words may still be parents."""


@dataclass(frozen=True)
class Member:
    """A word with its energy, hartree."""

    energy: float
    genome: Genome
    layout: int = 0
    """Number of the problem's layout on which it was measured."""


@dataclass
class Cells:
    """Members by number of two-qubit gates, the best first, each word once."""

    space: Space
    most: int
    """Members of a cell."""
    rows: dict[int, list[Member]] = field(default_factory=dict)
    _held: dict[Word, Member] = field(default_factory=dict, init=False, repr=False, compare=False)
    _front: tuple[int, ...] = field(default=(), init=False, repr=False, compare=False)

    def keep(self, member: Member) -> bool:
        """Take a member in if it is good enough; True if it is the first of its cell now."""
        pairs, key = self.space.n_pairs(member.genome.word), self.space.key(member.genome.word)
        cell, same = self.rows.setdefault(pairs, []), self._held.get(key)
        news = not cell or member.energy < cell[0].energy - TIE
        if same is not None:
            if same.energy <= member.energy:
                return False
            cell.remove(same)
        self._held[key] = member
        insort(cell, member, key=lambda own: own.energy)
        self._front = ()
        for gone in cell[self.most :]:
            del self._held[self.space.key(gone.genome.word)]
        del cell[self.most :]
        return news

    @property
    def front(self) -> tuple[int, ...]:
        """Numbers of two-qubit gates that no smaller number is as good as."""
        if not self._front:
            front: list[int] = []
            for pairs in sorted(self.rows):
                if not front or self.lowest(pairs) < self.lowest(front[-1]) - TIE:
                    front.append(pairs)
            self._front = tuple(front)
        return self._front

    def lowest(self, pairs: int) -> float:
        """Energy of the first member of a cell, hartree."""
        return self.rows[pairs][0].energy

    def drawn(self, pairs: int, rng: np.random.Generator) -> Member:
        """A member of a cell, the better the likelier."""
        cell = self.rows[pairs]
        return cell[int(len(cell) * rng.random() ** 2)]

    def parent(self, rng: np.random.Generator, longest: float = np.inf) -> Member:
        """A member to make children of, from any cell up to a few behind the front.

        Words that gain nothing over shorter ones count too: they are the way to those that do; not
        where no child of more than ``longest`` two-qubit gates is wanted. A cell is drawn the
        likelier the fewer its two-qubit gates, which evens out the time that their children take.
        """
        reach = min(self.front[-1], longest) + AHEAD
        cells = sorted(pairs for pairs in self.rows if pairs <= reach)
        edges = list(accumulate(1 / (1 + pairs) for pairs in cells))
        return self.drawn(cells[bisect(edges, rng.random() * edges[-1])], rng)

    def to_rows(self) -> list[list[Any]]:
        """For ``state_dict``."""
        return [
            [own.energy, list(own.genome.word), own.genome.angles.tolist(), own.layout]
            for pairs in sorted(self.rows)
            for own in self.rows[pairs]
        ]

    def load_rows(self, rows: list[list[Any]]) -> None:
        """Go on from ``to_rows``."""
        self.rows, self._held, self._front = {}, {}, ()
        for energy, word, angles, layout in rows:
            letters = tuple(int(letter) for letter in word)
            genome = Genome.of(self.space, letters, np.array(angles, dtype=np.float64))
            self.keep(Member(float(energy), genome, int(layout)))
