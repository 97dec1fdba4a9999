"""Encodings: words as the fixed set of named parameters that Optuna's samplers choose.

Every encoding offers the same parameters to every circuit (samplers model what all circuits
have in common) and reads any choice as a legal word: a letter that may not come next is left
out. The layout is one parameter more; see `Choice`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from qas.problem import Space, Word

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

LAYOUT, LENGTH = "layout", "length"
SLOTS_PER_QUBIT = 6
"""Room for so many letters; blocks take half of it with the usual limits."""

Params = dict[str, Any]


class Encoding(Protocol):
    """Words as parameters."""

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What Optuna chooses from, by name."""
        ...

    def word(self, params: Mapping[str, Any]) -> Word:
        """The legal word of a choice."""
        ...

    def params(self, word: Word) -> Params | None:
        """A choice that spells a word; None where the encoding has none."""
        ...


@dataclass(frozen=True)
class Tokens:
    """Fixed slots of one flat token: nothing (0) or a letter (its number plus 1)."""

    space: Space

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """One categorical choice for each slot."""
        from optuna.distributions import CategoricalDistribution

        tokens = tuple(range(len(self.space) + 1))
        return {_slot(k): CategoricalDistribution(tokens) for k in range(n_slots(self.space))}

    def word(self, params: Mapping[str, Any]) -> Word:
        """See `Encoding`."""
        tokens = [int(params[_slot(k)]) for k in range(n_slots(self.space))]
        return spelled(self.space, [token - 1 for token in tokens if token])

    def params(self, word: Word) -> Params | None:
        """See `Encoding`: the word in the first slots."""
        slots = n_slots(self.space)
        if len(word) > slots:
            return None
        tokens = [letter + 1 for letter in word] + [0] * (slots - len(word))
        return {_slot(k): token for k, token in enumerate(tokens)}


@dataclass(frozen=True)
class Letters:
    """A length, and fixed slots of one letter each."""

    space: Space

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """An integer and one categorical choice for each slot."""
        from optuna.distributions import CategoricalDistribution, IntDistribution

        slots, letters = n_slots(self.space), tuple(range(len(self.space)))
        if not slots:
            return {}
        own = {_slot(k): CategoricalDistribution(letters) for k in range(slots)}
        return {LENGTH: IntDistribution(0, slots), **own}

    def word(self, params: Mapping[str, Any]) -> Word:
        """See `Encoding`."""
        length = int(params.get(LENGTH, 0))
        return spelled(self.space, [int(params[_slot(k)]) for k in range(length)])

    def params(self, word: Word) -> Params | None:
        """See `Encoding`: the word over and over in slots that are not read."""
        slots = n_slots(self.space)
        if len(word) > slots or not slots:
            return None if word else {}
        filled = (word or (0,)) * slots
        return {LENGTH: len(word)} | {_slot(k): filled[k] for k in range(slots)}


@dataclass(frozen=True)
class Keys:
    """A length, and for each slot a number in [0, 1): a place among letters in a row.

    Neighbours in the row share wires, so that near numbers mean similar circuits.
    """

    space: Space

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """An integer and one float for each slot."""
        from optuna.distributions import FloatDistribution, IntDistribution

        slots = n_slots(self.space)
        if not slots:
            return {}
        floats = {_slot(k): FloatDistribution(0.0, 1.0) for k in range(slots)}
        return {LENGTH: IntDistribution(0, slots), **floats}

    def word(self, params: Mapping[str, Any]) -> Word:
        """See `Encoding`."""
        length = int(params.get(LENGTH, 0))
        keys = np.array([float(params[_slot(k)]) for k in range(length)])
        return spelled(self.space, self.letters(keys))

    def letters(self, keys: np.ndarray[Any, np.dtype[np.float64]]) -> list[int]:
        """The letter at each place, shape (slots,) in [0, 1]."""
        places = np.minimum((keys * len(self.space)).astype(np.int64), len(self.space) - 1)
        return [self.row[place] for place in places.tolist()]

    def params(self, word: Word) -> Params | None:
        """See `Encoding`: the middle of each letter's interval, 0.5 in slots that are not read."""
        slots = n_slots(self.space)
        if len(word) > slots:
            return None
        places = [(self.row.index(letter) + 0.5) / len(self.space) for letter in word]
        keys = {_slot(k): key for k, key in enumerate(places + [0.5] * (slots - len(word)))}
        return {LENGTH: len(word), **keys} if slots else {}

    @cached_property
    def row(self) -> Word:
        """All letters, each followed by the one left that shares most wires with it."""
        left, row = set(range(len(self.space))), []
        last: frozenset[int] = frozenset()
        while left:
            letter = min(left, key=lambda x: (-len(self.space.wires[x] & last), x))
            left.remove(letter)
            row.append(letter)
            last = self.space.wires[letter]
        return tuple(row)


@dataclass(frozen=True)
class Embedded:
    """A length and few numbers: slot by slot one of them is read, or one minus it, as in `Keys`.

    Which one is drawn beforehand. Source: the hashed embedding of Nayebi, Munteanu and Poloczek,
    ICML 2019 (HeSBO): a Gaussian process models a handful of dimensions well, dozens badly.
    """

    space: Space
    dimensions: int = 6
    seed: int = 0

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """``dimensions`` floats and one for the length: all smooth, for slopes lead the way."""
        from optuna.distributions import FloatDistribution

        if not n_slots(self.space):
            return {}
        floats = {_slot(k): FloatDistribution(0.0, 1.0) for k in range(self.dimensions)}
        return {LENGTH: FloatDistribution(0.0, 1.0), **floats}

    def word(self, params: Mapping[str, Any]) -> Word:
        """See `Encoding`."""
        rng, slots = np.random.default_rng([self.seed, 53]), n_slots(self.space)
        length = min(int(float(params.get(LENGTH, 0.0)) * (slots + 1)), slots)
        if not length:
            return ()
        owner, mirrored = rng.integers(self.dimensions, size=slots), rng.random(slots) < 0.5
        own = np.array([float(params[_slot(k)]) for k in range(self.dimensions)])[owner]
        keys = np.where(mirrored, 1.0 - own, own)
        return spelled(self.space, Keys(self.space).letters(keys[:length]))

    def params(self, word: Word) -> Params | None:
        """See `Encoding`: of the words known beforehand only the empty one is sure to be here."""
        if word:
            return None
        halves = {_slot(k): 0.5 for k in range(self.dimensions)}
        return {LENGTH: 0.0, **halves} if n_slots(self.space) else {}


@dataclass(frozen=True)
class Choice:
    """An encoding with the layout: what a sampler chooses in all."""

    space: Space
    encoding: Encoding

    @cached_property
    def distributions(self) -> dict[str, BaseDistribution]:
        """What Optuna chooses from, by name; the layout stands first where there are several."""
        from optuna.distributions import CategoricalDistribution

        layouts = range(len(self.space.coupled))
        own: dict[str, BaseDistribution] = {}
        if len(layouts) > 1:
            own[LAYOUT] = CategoricalDistribution(tuple(layouts))
        return own | self.encoding.distributions

    def read(self, params: Mapping[str, Any]) -> tuple[Word, int]:
        """Word and number of the layout: the chosen one, or the first that couples the word.

        Layouts stand in the order of their calibration, best first.
        """
        word, chosen = self.encoding.word(params), int(params.get(LAYOUT, 0))
        fits = self.space.layouts(word)
        return word, chosen if chosen in fits else fits[0]

    def params(self, word: Word, layout: int) -> Params | None:
        """A choice that reads as a word on a layout; None where the encoding has none."""
        own = self.encoding.params(word)
        if own is None or len(self.space.coupled) < 2:
            return own
        return {LAYOUT: layout, **own}


def n_slots(space: Space) -> int:
    """Letters of the longest word that is searched."""
    return min(space.longest, SLOTS_PER_QUBIT * space.n_qubits)


def spelled(space: Space, letters: list[int]) -> Word:
    """The word of some letters without those that may not come next."""
    word: Word = ()
    for letter in letters:
        if space.is_legal((*word, letter)):
            word = (*word, letter)
    return word


def _slot(number: int) -> str:
    return f"slot{number:03d}"
