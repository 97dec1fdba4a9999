"""Spaces: the letters that circuits are spelled with, gate by gate or as dressed cx blocks.

A circuit is a *word*: the start of its space, then the gates of one letter after the other. Every
strategy takes either space, so that what is compared is the search and not the alphabet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from math import comb

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit, Gate, Population
from qas.errors import InputError
from qas.problem.moves import dressed, ordered_pairs
from qas.problem.pool import dressing
from qas.problem.problem import Layout, Limits, Problem
from qas.problem.wiring import Wiring

Word = tuple[int, ...]
Letter = tuple[Gate, ...]
SPACES = ("blocks", "gates")
IN_A_ROW, IN_A_ROW_APART = 2, 3
"""Most dressed cx on one pair, nothing else in between. Two make every rotation of four real
amplitudes; three a reflection too, an exchange of the qubits, which is free where all pairs are
coupled: it moves to the front."""


@dataclass(frozen=True)
class Space:
    """Letters, the circuit that every word begins with, and how long words may be."""

    name: str
    n_qubits: int
    start: Circuit
    letters: tuple[Letter, ...]
    """Gates that come together; a letter holds at most one two-qubit gate."""
    limits: Limits
    coupled: tuple[tuple[bool, ...], ...]
    """For each of the problem's layouts, which letters it couples."""
    wiring: Wiring | None = None
    """Where given, words may be of any order of the qubits, not only of the layouts'."""

    @classmethod
    def of(cls, problem: Problem, name: str = "blocks", *, anywhere: bool = False) -> Space:
        """The space of a problem by name, over the couplings of all its layouts.

        Args:
            problem: offers the layouts.
            name: of `SPACES`.
            anywhere: where there is no noise, allow every order of the qubits, more than there
                are layouts; `place` then finds one. No change on a device.

        A task of one qubit has no pairs: its blocks are single gates. Elsewhere blocks are
        dressed with RY, or what the pool has in its place (`qas.problem.pool.dressing`).

        Raises:
            InputError: no such space, or a pool that has no blocks.

        >>> from qas import load_device, load_task
        >>> problem = Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4))
        >>> [len(Space.of(problem, name).letters) for name in SPACES]
        [12, 24]
        """
        if name not in SPACES:
            raise InputError(f"spaces are {', '.join(SPACES)}; given {name!r}")
        n, start = problem.n_qubits, Circuit(problem.n_qubits)
        couplings = set(ordered_pairs(problem.device))
        edges = [
            {(a, b) for a, b in permutations(range(n), 2) if (layout[a], layout[b]) in couplings}
            for layout in problem.layouts
        ]
        pairs, wiring = sorted(set().union(*edges)), None
        if anywhere and problem.device.is_ideal and not problem.is_fixed and n > 1:
            wiring = Wiring.of(problem.device, n)
            pairs = sorted({*wiring.pairs, *((b, a) for a, b in wiring.pairs)})
        if name == "gates" or n == 1:
            singles = [Gate(g, (q,)) for q in range(n) for g in problem.pool if g != "cx"]
            doubles = [Gate("cx", pair) for pair in pairs] if "cx" in problem.pool else []
            letters: tuple[Letter, ...] = tuple((gate,) for gate in [*singles, *doubles])
        else:
            axis = dressing(problem.pool)
            for qubit in range(n):
                start = start.then(axis, qubit)
            letters = tuple(dressed(Circuit(n), [pair], axis).gates for pair in pairs)
        fits = tuple(
            tuple(len(x[0].qubits) == 1 or x[0].qubits in there for x in letters) for there in edges
        )
        return cls(name, n, start, letters, problem.limits, fits, wiring)

    # --- letters --------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.letters)

    @cached_property
    def rows(self) -> NDArray[np.int16]:
        """Gates of each letter as in `Population.gates`, shape (letters + 1, width, 3).

        The last row is no letter: -1 throughout.
        """
        if not self.letters:
            return np.full((1, 1, 3), -1, dtype=np.int16)
        made = Population.of([Circuit(self.n_qubits, x) for x in self.letters]).gates
        return np.concatenate([made, np.full_like(made[:1], -1)])

    @cached_property
    def wires(self) -> tuple[frozenset[int], ...]:
        """Qubits of each letter."""
        return tuple(frozenset(q for gate in x for q in gate.qubits) for x in self.letters)

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Two-qubit gates of each letter, shape (letters,)."""
        return np.array([sum(len(g.qubits) == 2 for g in x) for x in self.letters], dtype=np.int64)

    @cached_property
    def turns(self) -> NDArray[np.int64]:
        """Free rotations of each letter, shape (letters,)."""
        return np.array([sum(g.is_free for g in x) for x in self.letters], dtype=np.int64)

    @cached_property
    def prices(self) -> NDArray[np.int64]:
        """Energies a device would have to measure to know a letter's best one, shape (letters,).

        An energy in k angles has 3^k coefficients; without a two-qubit gate one is known.
        """
        prices: NDArray[np.int64] = 3**self.turns - (self.pairs == 0)
        return prices

    @cached_property
    def turned(self) -> Word:
        """For each letter the one with its two-qubit gate turned round; itself without one."""
        index = {x[0]: k for k, x in enumerate(self.letters)}
        return tuple(index[Gate(x[0].name, x[0].qubits[::-1], x[0].angle)] for x in self.letters)

    @cached_property
    def in_a_row(self) -> int:
        """Most blocks in a row on one pair."""
        complete = len({wires for wires in self.wires if len(wires) == 2}) == comb(self.n_qubits, 2)
        together = complete and all(map(all, self.coupled))
        return IN_A_ROW if together else IN_A_ROW_APART

    @cached_property
    def facing(self) -> Word:
        """For each letter the one that stands for it and the one turned round.

        With a free RY on both wires before and behind, a cx and the one turned round are the
        same but for angles: each is RY(pi/2) on its target, cz, RY(-pi/2) on its target. Dressed
        with another rotation, they are not.
        """
        alike = any(len(x) != 3 or x[-1].name != "ry" for x in self.letters)
        return tuple(k if alike else min(k, self.turned[k]) for k in range(len(self)))

    def faced(self, word: Word) -> Word:
        """The word with each letter facing the way that stands for both."""
        return tuple(self.facing[letter] for letter in word)

    def exchanged(self, a: int, b: int) -> Word:
        """For each letter the one with two qubits exchanged; -1 where there is none."""
        index = {x: k for k, x in enumerate(self.letters)}
        other = {a: b, b: a}
        return tuple(
            index.get(tuple(Gate(g.name, tuple(other.get(q, q) for q in g.qubits)) for g in x), -1)
            for x in self.letters
        )

    @property
    def longest(self) -> int:
        """Letters of the longest word."""
        if not self.letters:
            return 0
        room = (self.limits.gates - len(self.start.gates)) // min(map(len, self.letters))
        return max(0, min(room, self.limits.two_qubit_gates) if self.pairs.all() else room)

    # --- words ----------------------------------------------------------------------------

    def circuit(self, word: Word) -> Circuit:
        """The un-lowered circuit of a word."""
        gates = (gate for letter in word for gate in self.letters[letter])
        return Circuit(self.n_qubits, (*self.start.gates, *gates))

    def n_pairs(self, word: Word) -> int:
        """Two-qubit gates of a word."""
        pairs = self._pairs
        return sum(pairs[letter] for letter in word)

    def layouts(self, word: Word) -> list[int]:
        """Numbers of the problem's layouts that couple all pairs of a word."""
        common = self._common(word)
        return [number for number in range(len(self.coupled)) if common >> number & 1]

    def place(self, problem: Problem, word: Word) -> Layout:
        """A layout that couples all pairs of a word: the problem's first, else one that is found.

        Raises:
            InputError: there is none.
        """
        common = self._common(word)
        if common:
            return problem.layouts[(common & -common).bit_length() - 1]
        found = None if self.wiring is None else self.wiring.place(self._joined(word))
        if found is None:
            raise InputError(f"no layout couples the pairs {self._joined(word)}")
        return found

    def _joined(self, word: Word) -> list[tuple[int, int]]:
        """Pairs that a word joins."""
        joined = {tuple(sorted(self.wires[x])) for x in word if self._pairs[x]}
        return sorted((a, b) for a, b in joined)

    def fits(self, word: Word) -> bool:
        """True if a layout couples all pairs of a word."""
        if self.wiring is None:
            return bool(self._common(word))
        joined = 0
        for letter in word:
            joined |= self._pair_bits[letter]
        if joined not in self._fitting:
            self._fitting[joined] = self.wiring.fits(self._joined(word))
        return self._fitting[joined]

    def is_legal(self, word: Word) -> bool:
        """True if a word keeps the limits, fits a layout, and repeats nothing without use.

        Without use is a gate that repeats the last one on its wires, and a block too many in a
        row on one pair. Source of the first rule: Patel et al., arXiv 2402.03500, section 4.
        """
        sizes, limits, most = self._sizes, self.limits, self.in_a_row
        if len(self.start.gates) + sum(sizes[x] for x in word) > limits.gates:
            return False
        if self.n_pairs(word) > limits.two_qubit_gates or not self.fits(word):
            return False
        last: list[tuple[int, int] | None] = [None] * self.n_qubits  # a letter, how often in a row
        for letter in word:
            alone, wires = sizes[letter] == 1, self.wires[letter]
            same = letter if alone else min(letter, self.turned[letter])
            before = {last[q] for q in wires}
            repeated = before.pop() if len(before) == 1 else None
            count = repeated[1] + 1 if repeated is not None and repeated[0] == same else 1
            if count > (1 if alone else most):
                return False
            for q in wires:
                last[q] = same, count
        return True

    def _common(self, word: Word) -> int:
        """The layouts that couple a word, as bits."""
        common = (1 << len(self.coupled)) - 1
        for letter in word:
            common &= self._layout_bits[letter]
        return common

    @cached_property
    def _layout_bits(self) -> tuple[int, ...]:
        columns = zip(*self.coupled, strict=True)
        return tuple(sum(1 << k for k, there in enumerate(column) if there) for column in columns)

    @cached_property
    def _pair_bits(self) -> tuple[int, ...]:
        """The pair of each letter as a bit, none for one without."""
        pairs = [tuple(sorted(own)) if self._pairs[x] else None for x, own in enumerate(self.wires)]
        numbers = {pair: k for k, pair in enumerate(dict.fromkeys(filter(None, pairs)))}
        return tuple(0 if pair is None else 1 << numbers[pair] for pair in pairs)

    @cached_property
    def _fitting(self) -> dict[int, bool]:
        """Whether sets of pairs fit, of those that were asked for."""
        return {}

    @cached_property
    def _pairs(self) -> tuple[int, ...]:
        return tuple(self.pairs.tolist())

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(map(len, self.letters))

    def key(self, word: Word) -> Word:
        """The same for words that differ only in the order of letters on disjoint qubits.

        Of all such words the one whose letters come moment by moment, each as early as its
        wires allow, and within a moment in the order of the alphabet: Foata's normal form
        (Cartier and Foata, Lecture Notes in Mathematics 85, 1969).

        >>> from qas import load_device, load_task
        >>> space = Space.of(Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4)))
        >>> space.key((11, 0)), space.key((0, 11)), space.key((1, 0))
        ((0, 11), (0, 11), (1, 0))
        """
        return tuple(letter for _, letter in sorted(zip(self.moments(word), word, strict=True)))

    def moments(self, word: Word) -> list[int]:
        """For each letter the first moment in which its wires are free.

        >>> from qas import load_device, load_task
        >>> space = Space.of(Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4)))
        >>> space.moments((0, 11, 1))
        [0, 0, 1]
        """
        free, wires, found = [0] * self.n_qubits, self.wires, []
        for letter in word:
            own = wires[letter]
            moment = max([free[q] for q in own])
            found.append(moment)
            for q in own:
                free[q] = moment + 1
        return found

    def random_word(self, length: int, rng: np.random.Generator, layout: int | None = None) -> Word:
        """A legal word of so many letters, each drawn evenly among those that may come next.

        Args:
            length: in letters; the word is shorter where the limits allow no more.
            rng: draws.
            layout: number of the layout that has to couple it; any one by default.
        """
        offered = range(len(self)) if layout is None else np.flatnonzero(self.coupled[layout])
        word: Word = ()
        for _ in range(length):
            for letter in rng.permutation(offered).tolist():
                if self.is_legal((*word, letter)):
                    word = (*word, letter)
                    break
            else:
                break
        return word

    def population(
        self, words: Sequence[Word], turns: Sequence[NDArray[np.float64]] | None = None
    ) -> Population:
        """The un-lowered circuits of some words, every rotation free.

        Args:
            words: at least one.
            turns: angles of each word's rotations in their order, radians; zeros where absent.
        """
        most = max(map(len, words))
        chosen = np.full((len(words), most), len(self), dtype=np.int64)
        for row, word in zip(chosen, words, strict=True):
            row[: len(word)] = word
        start = Population.of([self.start]).gates[0]
        first = np.broadcast_to(start, (len(words), *start.shape))
        spelled = self.rows[chosen].reshape(len(words), -1, 3)
        gates = np.concatenate([first, spelled], axis=1)
        there = gates[:, :, 0] >= 0
        order = np.argsort(~there, axis=1, kind="stable")[:, : int(there.sum(1).max(initial=0))]
        gates = np.take_along_axis(gates, order[:, :, None], axis=1)
        free = (gates[:, :, 0] >= 0) & (gates[:, :, 0] < 3)
        angles = np.zeros(free.shape)
        if turns is not None:
            angles[free] = np.concatenate([np.asarray(row, dtype=np.float64) for row in turns])
        return Population(self.n_qubits, gates, angles, free)
