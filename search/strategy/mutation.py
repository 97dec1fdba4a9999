"""Children of genomes: random edits of one, crossover of two, and a first generation."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from qas.problem import Space
from search.strategy.genome import (
    Edit,
    Genome,
    copied,
    deleted,
    exchanged,
    inserted,
    moved,
    replaced,
)
from search.strategy.strategy import START, Tally

EDITS: tuple[tuple[Edit, float], ...] = (
    (inserted, 0.3),
    (replaced, 0.25),
    (deleted, 0.15),
    (moved, 0.15),
    (copied, 0.1),
    (exchanged, 0.05),
)
"""What is done to a genome, and how often."""
INHERITED = replace(START, kicks=START.kicks[:1])
"""How a child is trained from its parents' angles: as by `START`, but not from anywhere too."""
STOP = 0.6
"""Chance that an edit is the last of its child: 1.7 edits on average."""


def founders(space: Space, count: int, tally: Tally, rng: np.random.Generator) -> list[Genome]:
    """The empty word and random ones, up to half as long as words may be: they will grow."""
    longest = max(space.longest // 2, 1)
    lengths = [0, *rng.integers(1, longest + 1, size=count - 1).tolist()]
    words = [space.random_word(length, rng) for length in lengths]
    return [Genome.of(space, word) for word in words if tally.note(space, word)]


def mutated(
    space: Space,
    genome: Genome,
    rng: np.random.Generator,
    edits: Sequence[tuple[Edit, float]] = EDITS,
) -> Genome | None:
    """A genome after one edit or a few, its letters at the angles that they had.

    None where what comes out is not legal.
    """
    child = genome
    for _ in range(rng.geometric(STOP)):
        child = _drawn(edits, rng)(space, child, rng)
    return child if space.is_legal(child.word) else None


def _drawn(edits: Sequence[tuple[Edit, float]], rng: np.random.Generator) -> Edit:
    edges = list(accumulate(weight for _, weight in edits))
    return edits[bisect(edges, rng.random() * edges[-1])][0]


def loosened(space: Space, genome: Genome, rng: np.random.Generator) -> Genome:
    """The word at angles from anywhere, as far off as `START` kicks."""
    angles = rng.normal(0.0, START.kicks[-1], len(genome.angles))
    return Genome.of(space, genome.word, angles)


def crossed(space: Space, one: Genome, other: Genome, rng: np.random.Generator) -> Genome | None:
    """What one genome does up to a moment, then what another does from there on.

    Cut by moments and not by places, so that the child does not depend on the order in which
    letters on disjoint qubits happen to stand. None where it is not legal.

    Source: one-point crossover as in QuantumNAS, Wang et al., HPCA 2022, arXiv 2107.10845.
    """
    early, late = space.moments(one.word), space.moments(other.word)
    cut = int(rng.integers(1, max([*early, *late, 1]) + 1))
    head = [at for at, moment in enumerate(early) if moment < cut]
    tail = [at for at, moment in enumerate(late) if moment >= cut]
    child = Genome(
        (*(one.word[at] for at in head), *(other.word[at] for at in tail)),
        one.first,
        (*(one.turns[at] for at in head), *(other.turns[at] for at in tail)),
    )
    return child if space.is_legal(child.word) else None
