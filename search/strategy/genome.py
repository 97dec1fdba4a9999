"""Genomes: words with the angles of their letters, and the edits that searches make of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from qas.problem import Space, Word

Angles = tuple[float, ...]
LONGEST_COPY = 3
"""Letters of the longest piece that `copied` doubles."""


@dataclass(frozen=True)
class Genome:
    """A word and the angles at which it stands, letter by letter."""

    word: Word
    first: Angles
    """Of the space's start, radians."""
    turns: tuple[Angles, ...]
    """Of each letter's rotations, radians."""

    @classmethod
    def of(cls, space: Space, word: Word, angles: NDArray[np.float64] | None = None) -> Genome:
        """A word with all its angles in their order, zeros where absent."""
        sizes = [space.start.n_params, *(int(space.turns[letter]) for letter in word)]
        ends = list(accumulate(sizes))
        flat = [0.0] * ends[-1] if angles is None else angles.tolist()
        first, *turns = (
            tuple(flat[end - size : end]) for size, end in zip(sizes, ends, strict=True)
        )
        return cls(word, first, tuple(turns))

    @property
    def angles(self) -> NDArray[np.float64]:
        """All angles in the order of the circuit's free rotations, radians."""
        return np.array([*self.first, *(angle for own in self.turns for angle in own)])

    @property
    def size(self) -> int:
        """Number of angles."""
        return len(self.first) + sum(map(len, self.turns))

    def put(self, at: int, letters: Word, turns: tuple[Angles, ...], gone: int = 0) -> Genome:
        """With letters put in at a place, where ``gone`` letters are taken out."""
        return Genome(
            (*self.word[:at], *letters, *self.word[at + gone :]),
            self.first,
            (*self.turns[:at], *turns, *self.turns[at + gone :]),
        )


Edit = Callable[[Space, Genome, np.random.Generator], Genome]


def inserted(space: Space, genome: Genome, rng: np.random.Generator) -> Genome:
    """With a letter more, anywhere; its rotations at zero."""
    letter, at = int(rng.integers(len(space))), int(rng.integers(len(genome.word) + 1))
    return genome.put(at, (letter,), (_still(space, letter),))


def deleted(space: Space, genome: Genome, rng: np.random.Generator) -> Genome:
    """With a letter less."""
    del space
    if not genome.word:
        return genome
    return genome.put(int(rng.integers(len(genome.word))), (), (), gone=1)


def replaced(space: Space, genome: Genome, rng: np.random.Generator) -> Genome:
    """With another letter in the place of one; of as many rotations it takes over the angles."""
    if not genome.word:
        return inserted(space, genome, rng)
    at, letter = int(rng.integers(len(genome.word))), int(rng.integers(len(space)))
    own, fits = genome.turns[at], len(genome.turns[at]) == space.turns[letter]
    return genome.put(at, (letter,), (own if fits else _still(space, letter),), gone=1)


def moved(space: Space, genome: Genome, rng: np.random.Generator) -> Genome:
    """With a letter in another place."""
    del space
    if len(genome.word) < 2:
        return genome
    at, to = rng.choice(len(genome.word), size=2, replace=False).tolist()
    rest = genome.put(at, (), (), gone=1)
    return rest.put(to, (genome.word[at],), (genome.turns[at],))


def copied(space: Space, genome: Genome, rng: np.random.Generator) -> Genome:
    """With a piece of one to three letters doubled elsewhere, its rotations at zero."""
    if not genome.word:
        return genome
    length = int(rng.integers(1, min(LONGEST_COPY, len(genome.word)) + 1))
    at = int(rng.integers(len(genome.word) - length + 1))
    piece, to = genome.word[at : at + length], int(rng.integers(len(genome.word) + 1))
    return genome.put(to, piece, tuple(_still(space, letter) for letter in piece))


def exchanged(space: Space, genome: Genome, rng: np.random.Generator) -> Genome:
    """With two qubits' roles exchanged from some letter on."""
    if not genome.word or space.n_qubits < 2:
        return genome
    a, b = rng.choice(space.n_qubits, size=2, replace=False).tolist()
    since = int(rng.integers(len(genome.word)))
    swapped = space.exchanged(a, b)
    tail = tuple(swapped[letter] for letter in genome.word[since:])
    if -1 in tail:
        return genome
    return genome.put(since, tail, genome.turns[since:], gone=len(tail))


def _still(space: Space, letter: int) -> Angles:
    return (0.0,) * int(space.turns[letter])
