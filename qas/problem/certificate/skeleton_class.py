"""Dressed skeletons up to symmetry: every way to place k two-qubit gates, each counted once.

A dressed skeleton is RY on every qubit, then k times a cx with RY on both of its qubits behind
it, all angles free. Its letters are the unordered pairs of coupled qubits: a cx is a cz between
fixed RY, so its direction does not matter. Skeletons that make the same energies are listed once:

- **Order.** Letters on disjoint pairs commute. Of all orders the first in the alphabet stands: the
  lexicographic normal form of a trace (Anisimov and Knuth, Int. J. Comput. Inf. Sci. 8, 255, 1979).
- **Relabelling.** Permutations that keep the wiring and the observable (`symmetries`) map
  skeletons onto each other; the first of each orbit stands. All states of a skeleton are closed
  under real local unitaries: RY is there, and a Z moves to the front, where it meets |0>.
- **Repeats.** The real orthogonal group of a pair, det +1, is SU(2) x SU(2) / Z2 with generators
  {YI, XY, ZY} and {IY, YX, YZ}, and cz carries YI, IY to YZ, ZY. So RY cz RY cz RY is an Euler
  decomposition in both factors at once: two letters in a row make every rotation of the pair,
  four do no more, and three make the reflections, which are swap times a rotation. Where
  the wiring does not change by swapping the two qubits, that swap moves to the front, onto |0...0>,
  and three do no more than two. If one qubit is fresh (no gate before), a reflection does no more
  than a rotation; if both are, one letter makes every real state of the pair.

A skeleton left out by the last rule makes no state that a listed one with fewer letters does not.
Letters put in front of a skeleton keep all its states, since cz does nothing to |0>. So the lowest
energy over the listed skeletons of k letters is that of all real circuits of at most k.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, Population
from qas.errors import InputError
from qas.problem.certificate.symmetry import Relabelling
from qas.problem.wiring import Pair, Wiring, undirected

CHUNK = 2**15
"""Words that are worked on at a time: their tables stay small."""
_RY, _CX = GATE_NAMES.index("ry"), GATE_NAMES.index("cx")

Words = NDArray[np.int16]


class TooMany(InputError):
    """There are more classes than wanted."""


@dataclass(frozen=True, eq=False)
class SkeletonClasses:
    """One skeleton of each class, as words over the coupled pairs."""

    wiring: Wiring
    """Its pairs are the letters."""
    words: Words
    """Shape (n_classes, n_cx): numbers of letters, rows in lexicographic order."""
    sizes: NDArray[np.int64]
    """Shape (n_classes,): skeletons of each class, up to the order of commuting letters."""
    n_symmetries: int = 1
    """Relabellings that do not matter, the identity included."""

    def __len__(self) -> int:
        return len(self.words)

    @property
    def n_cx(self) -> int:
        """Two-qubit gates of every skeleton."""
        return int(self.words.shape[1])

    @property
    def n_skeletons(self) -> int:
        """Skeletons of all classes together."""
        return int(self.sizes.sum())

    def skeleton(self, row: int) -> tuple[Pair, ...]:
        """The pairs of one class's skeleton, in order."""
        return tuple(self.wiring.pairs[letter] for letter in self.words[row].tolist())

    def population(self, rows: NDArray[np.intp], angles: NDArray[np.float64]) -> Population:
        """Dressed circuits of some classes.

        Args:
            rows: which, shape (n_circuits,).
            angles: radians, shape (n_circuits, n_qubits + 2 n_cx).
        """
        n, gates = (
            self.wiring.n_qubits,
            self._letter_gates[self.words[rows]].reshape(len(rows), -1, 3),
        )
        first = np.full((len(rows), n, 3), -1, dtype=np.int16)
        first[:, :, 0], first[:, :, 1] = _RY, np.arange(n)
        gates = np.concatenate([first, gates], axis=1)
        free = gates[:, :, 0] == _RY
        values = np.zeros(free.shape)
        values[free] = angles.ravel()
        return Population(n, gates, values, free)

    @cached_property
    def _letter_gates(self) -> NDArray[np.int16]:
        rows = [[(_CX, a, b), (_RY, a, -1), (_RY, b, -1)] for a, b in self.wiring.pairs]
        return np.array(rows, dtype=np.int16).reshape(-1, 3, 3)


def skeleton_classes(
    wiring: Wiring, n_cx: int, group: Sequence[Relabelling] = (), *, most: int | None = None
) -> SkeletonClasses:
    """Every dressed skeleton of ``n_cx`` two-qubit gates, one of each class.

    Words grow by one letter at a time. A prefix of a word that is first in its class is first in
    its own, so that nothing is built that is not kept, but for the last letter.

    Args:
        wiring: which pairs a circuit may join.
        n_cx: number of letters, from 0.
        group: relabellings that do not matter, from `symmetries`; a group.
        most: give up at more classes.

    Raises:
        InputError: a negative number of gates.
        TooMany: more than ``most`` classes, which is an InputError, too.

    >>> line = Wiring(3, ((0, 1), (1, 2)))
    >>> [len(skeleton_classes(line, k)) for k in range(5)]
    [1, 2, 2, 4, 6]
    >>> [len(skeleton_classes(line, k, [(0, 1, 2), (2, 1, 0)])) for k in range(5)]
    [1, 1, 1, 2, 3]
    """
    if n_cx < 0:
        raise InputError(f"a skeleton has 0 or more two-qubit gates; given {n_cx}")
    alphabet = _Alphabet(wiring)
    turns = [alphabet.renamed(relabelling) for relabelling in group]
    words, sizes = np.zeros((1, 0), dtype=np.int16), np.ones(1, dtype=np.int64)
    for length in range(1, n_cx + 1):
        none = np.zeros((0, length), dtype=np.int16), np.zeros(0, dtype=np.int64)
        grown = [none]
        for part in _chunks(words):
            grown.append(_firsts(alphabet, alphabet.extend(part), turns))
            if most is not None and sum(len(part) for part, _ in grown) > most:
                raise TooMany(
                    f"{n_cx} two-qubit gates on {wiring.n_qubits} qubits have more than {most:,} "
                    "classes of skeletons"
                )
        words, sizes = (np.concatenate(both) for both in zip(*grown, strict=True))
    return SkeletonClasses(wiring, words, sizes, max(1, len(turns)))


def trace_count(wiring: Wiring, n_cx: int) -> int:
    """Number of skeletons up to the order of commuting letters alone, without listing them.

    Of a wiring with a host those that do not fit on it are counted, too.
    sum_k a_k t^k = 1 / sum_j (-1)^j m_j t^j with m_j the sets of j disjoint pairs (Cartier and
    Foata, Lect. Notes Math. 85, 1969).

    >>> from itertools import combinations
    >>> [trace_count(Wiring(6, tuple(combinations(range(6), 2))), k) for k in range(4)]
    [1, 15, 180, 2040]
    """
    matchings = _matchings(wiring.n_qubits, wiring.pairs)
    counts = [1]
    for k in range(1, n_cx + 1):
        sizes = range(1, min(k, len(matchings) - 1) + 1)
        counts.append(sum((-1) ** (j + 1) * matchings[j] * counts[k - j] for j in sizes))
    return counts[n_cx]


def _matchings(n_qubits: int, pairs: tuple[Pair, ...]) -> tuple[int, ...]:
    """How many sets of j disjoint pairs there are, j = 0 to n_qubits // 2."""

    @cache
    def counts(free: int) -> tuple[int, ...]:
        """The same among free qubits, which are bits: the lowest is in no pair, or in one."""
        if free == 0:
            return (1,) + (0,) * (n_qubits // 2)
        lowest = (free & -free).bit_length() - 1
        total = counts(free ^ 1 << lowest)
        for a, b in pairs:
            if a == lowest and free >> b & 1:
                rest = counts(free ^ 1 << a ^ 1 << b)
                total = tuple(x + y for x, y in zip(total, (0, *rest), strict=False))
        return total

    return counts((1 << n_qubits) - 1)


class _Alphabet:
    """The letters, as tables: which share a qubit, and how often one may come in a row."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring, self.pairs = wiring, wiring.pairs
        pairs = self.pairs
        ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        self.touches = (ends[:, None, :, None] == ends[None, :, None, :]).any(axis=3)
        """Shape (letters, letters, 2): whether a letter's first, second qubit is of the other."""
        self.meets = self.touches.any(axis=2)
        self.most = np.array([2 if _swappable(pair, wiring) else 3 for pair in pairs])
        self.bits = 1 << np.arange(len(pairs), dtype=np.int64)

    def renamed(self, relabelling: Relabelling) -> Words:
        """What each letter becomes, shape (letters,)."""
        index = {pair: k for k, pair in enumerate(self.pairs)}
        moved = [sorted((relabelling[a], relabelling[b])) for a, b in self.pairs]
        return np.array([index[a, b] for a, b in moved], dtype=np.int16)

    def extend(self, words: Words) -> Words:
        """All words in normal form without useless repeats that continue these by one letter."""
        legal = np.zeros((len(words), len(self.pairs)), dtype=np.bool_)
        for letter in range(len(self.pairs)):
            legal[:, letter] = self._continues(words, letter)
        row, last = np.nonzero(legal)
        longer = np.concatenate([words[row], last[:, None].astype(np.int16)], axis=1)
        return longer if self.wiring.host is None else longer[self._fit(longer)]

    def _fit(self, words: Words) -> NDArray[np.bool_]:
        """Whether the host has room for all pairs of a word, shape (n_words,)."""
        masks, place = np.unique(
            np.bitwise_or.reduce(self.bits[words], axis=1), return_inverse=True
        )
        joined = ([p for k, p in enumerate(self.pairs) if m >> k & 1] for m in masks.tolist())
        fits = np.array([self.wiring.fits(pairs) for pairs in joined], dtype=np.bool_)
        return fits[place]

    def _continues(self, words: Words, letter: int) -> NDArray[np.bool_]:
        """Whether the letter may come next, shape (n_words,)."""
        legal, blocked = np.ones(len(words), dtype=np.bool_), np.zeros(len(words), dtype=np.bool_)
        running, in_row = legal.copy(), np.ones(len(words), dtype=np.int64)
        # Qubits of the letter that are used before its last run of repeats.
        used = np.zeros((len(words), 2), dtype=np.bool_)
        for column in words.T[::-1]:
            meets = self.meets[letter, column]
            blocked |= meets
            legal &= blocked | (column < letter)
            running &= ~meets | (column == letter)
            in_row += running & meets
            used |= self.touches[letter, column] & ~running[:, None]
        most = np.where(used.all(axis=1), self.most[letter], 1 + used.any(axis=1))
        return legal & (in_row <= most)

    def normal(self, words: Words) -> Words:
        """Lexicographic normal forms: the smallest letter that nothing waiting blocks, in turn."""
        length = words.shape[1]
        before = np.tri(length, k=-1, dtype=np.bool_).T
        blocks = self.meets[words[:, :, None], words[:, None, :]] & before
        waiting, found = np.ones(words.shape, dtype=np.bool_), np.empty_like(words)
        rows = np.arange(len(words))
        for place in range(length):
            free = waiting & ~(blocks & waiting[:, :, None]).any(axis=1)
            at = np.where(free, words, len(self.pairs)).argmin(axis=1)
            found[:, place] = words[rows, at]
            waiting[rows, at] = False
        return found


def _swappable(pair: Pair, wiring: Wiring) -> bool:
    """Whether what may be joined stays the same when the two qubits are swapped."""
    a, b = pair
    swap = {a: b, b: a}
    moved = undirected((swap.get(p, p), swap.get(q, q)) for p, q in wiring.pairs)
    return wiring.host is None and moved == wiring.pairs


def _firsts(
    alphabet: _Alphabet, words: Words, turns: Sequence[Words]
) -> tuple[Words, NDArray[np.int64]]:
    """The words that are first in their orbit, and the sizes of their orbits."""
    kept, sizes = [words[:0]], [np.zeros(0, dtype=np.int64)]
    for part in _chunks(words):
        first, fixed = np.ones(len(part), dtype=np.bool_), np.zeros(len(part), dtype=np.int64)
        for turn in turns:
            order = _compared(alphabet.normal(turn[part]), part)
            first &= order >= 0
            fixed += order == 0
        kept.append(part[first])
        sizes.append((max(len(turns), 1) // np.maximum(fixed, 1))[first])
    return np.concatenate(kept), np.concatenate(sizes)


def _compared(left: Words, right: Words) -> NDArray[np.int64]:
    """-1, 0 or 1 where a row on the left comes before, equals, or comes after that on the right."""
    differ = left != right
    at, rows = differ.argmax(axis=1), np.arange(len(left))
    signs: NDArray[np.int64] = np.sign(left[rows, at].astype(np.int64) - right[rows, at])
    return signs


def _chunks(words: Words) -> Iterator[Words]:
    for at in range(0, len(words), CHUNK):
        yield words[at : at + CHUNK]
