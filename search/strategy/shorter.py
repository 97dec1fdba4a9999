"""Words with a letter left out: how what is found with many two-qubit gates comes down."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from qas.problem import Space
from search.strategy.cells import Cells, Member
from search.strategy.genome import Genome

MUCH, ALIKE = 0.7, 0.02
"""Share of an error that is much less than it, and by how much errors differ that are as good."""
MOST = 500
"""Words that may wait."""
LEAST = 1e-9
"""Hartree below the lowest energy that stand for the ground energy where it is unknown."""


@dataclass
class Shorter:
    """Words that wait to be tried, the last ones first."""

    space: Space
    waiting: list[Genome] = field(default_factory=list)

    def note(
        self, members: list[Member], cells: Cells, before: dict[int, float], ground: float
    ) -> None:
        """Have each letter left out of members as good as the best of their length.

        Where a length is worth its gates, of all such members: of words of one energy some are a
        letter away from shorter ones and others are not. Elsewhere of one much better than before.

        Args:
            members: words that the cells were shown just now.
            cells: what is known.
            before: the lowest energy of each cell before that, hartree.
            ground: minus infinity where it is unknown.
        """
        front = cells.front
        floor = ground if np.isfinite(ground) else cells.lowest(front[-1]) - LEAST
        errors = {pairs: cells.lowest(pairs) - floor for pairs in front}
        corners = {k for last, k in pairwise(front) if errors[k] < MUCH * errors[last]}
        for own in members:
            pairs, word = self.space.n_pairs(own.genome.word), own.genome
            most = (1 + ALIKE) * errors[pairs] if pairs in corners else -1.0
            if pairs in errors and errors[pairs] < MUCH * (before.get(pairs, np.inf) - floor):
                most = errors[pairs]
            if own.energy - floor <= most:
                self.waiting += [word.put(at, (), (), gone=1) for at in range(len(word.word))]
        del self.waiting[:-MOST]

    def to_rows(self) -> list[list[Any]]:
        """For ``state_dict``."""
        return [[list(own.word), own.angles.tolist()] for own in self.waiting]

    def load_rows(self, rows: list[list[Any]]) -> None:
        """Go on from ``to_rows``."""
        self.waiting = [
            Genome.of(self.space, tuple(map(int, word)), np.array(angles, dtype=np.float64))
            for word, angles in rows
        ]
