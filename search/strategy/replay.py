"""Replay memory: transitions in arrays, the oldest overwritten first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Transition:
    """What n steps did: n-step return, and the state and legal actions behind them."""

    state: Vector
    """Zeros and ones, then numbers; shape (size,)."""
    action: int
    reward: float
    """Discounted sum over the n steps."""
    discount: float
    """Of the value behind them: gamma^n, or 0 where the episode ended."""
    following: Vector
    legal: NDArray[np.bool_]
    """Actions that may follow, shape (n_actions,)."""
    taught: bool = False
    """The action was the teacher's."""


@dataclass(frozen=True)
class Batch:
    """Transitions by column; first axis: which of them."""

    states: Vector
    actions: NDArray[np.int64]
    rewards: Vector
    discounts: Vector
    following: Vector
    legal: NDArray[np.bool_]
    taught: NDArray[np.bool_]

    def and_(self, other: Batch) -> Batch:
        """This batch and another behind it."""
        columns = (
            np.concatenate([getattr(self, field.name), getattr(other, field.name)])
            for field in fields(self)
        )
        return Batch(*columns)


class Replay:
    """The last ``capacity`` transitions; of a state, zeros and ones take one bit each.

    Args:
        capacity: most transitions.
        n_bits: zeros and ones at the beginning of a state.
        n_numbers: numbers behind them.
        n_actions: numbers in a mask.
    """

    def __init__(self, capacity: int, n_bits: int, n_numbers: int, n_actions: int) -> None:
        self.capacity, self.n_bits, self.added = capacity, n_bits, 0
        packed = -(-n_bits // 8)
        self._columns: dict[str, NDArray[Any]] = {
            "bits": np.zeros((capacity, packed), dtype=np.uint8),
            "numbers": np.zeros((capacity, n_numbers), dtype=np.float32),
            "action": np.zeros(capacity, dtype=np.int64),
            "reward": np.zeros(capacity, dtype=np.float32),
            "discount": np.zeros(capacity, dtype=np.float32),
            "next_bits": np.zeros((capacity, packed), dtype=np.uint8),
            "next_numbers": np.zeros((capacity, n_numbers), dtype=np.float32),
            "legal": np.zeros((capacity, n_actions), dtype=np.bool_),
            "taught": np.zeros(capacity, dtype=np.bool_),
        }

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, transition: Transition) -> None:
        """Keep a transition, over the oldest if there is no room."""
        self.put(self.added % self.capacity, transition)
        self.added += 1

    def put(self, at: int, transition: Transition) -> None:
        """Write a transition at a place."""
        column, n = self._columns, self.n_bits
        column["bits"][at] = np.packbits(transition.state[:n] > 0)
        column["numbers"][at] = transition.state[n:]
        column["action"][at] = transition.action
        column["reward"][at] = transition.reward
        column["discount"][at] = transition.discount
        column["next_bits"][at] = np.packbits(transition.following[:n] > 0)
        column["next_numbers"][at] = transition.following[n:]
        column["legal"][at] = transition.legal
        column["taught"][at] = transition.taught

    def sample(self, n: int, rng: np.random.Generator) -> Batch:
        """``n`` transitions, drawn evenly with replacement."""
        return self.batch(rng.integers(len(self), size=n))

    def batch(self, at: NDArray[np.integer]) -> Batch:
        """The transitions at some places."""
        column = self._columns
        return Batch(
            self._states("", at),
            column["action"][at],
            column["reward"][at],
            column["discount"][at],
            self._states("next_", at),
            column["legal"][at],
            column["taught"][at],
        )

    def _states(self, which: str, at: NDArray[np.integer]) -> Vector:
        bits = np.unpackbits(self._columns[f"{which}bits"][at], axis=1, count=self.n_bits)
        numbers = self._columns[f"{which}numbers"][at]
        return np.concatenate([bits.astype(np.float32), numbers], axis=1)

    def state_dict(self) -> dict[str, Any]:
        """What is in use, as arrays."""
        used = {name: column[: len(self)].copy() for name, column in self._columns.items()}
        return {"added": self.added, **used}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.added = int(state["added"])
        for name, column in self._columns.items():
            column[: len(self)] = state[name]


class Elite:
    """The best episodes so far, none twice; their transitions count as taught.

    Args:
        count: most episodes.
        longest: most steps of one.
        sizes: zeros and ones, numbers, actions, as `Replay` takes them.
    """

    def __init__(self, count: int, longest: int, sizes: tuple[int, int, int]) -> None:
        self.gaps = np.full(count, np.inf)
        """Smallest gap of each episode, hartree; infinite where none stands."""
        self.actions = np.full((count, longest), -1, dtype=np.int64)
        self._replay = Replay(count * longest, *sizes)

    def offer(self, gap: float, transitions: Sequence[Transition]) -> None:
        """Keep an episode in the place of the worst, if it is better and not known."""
        if not len(self.gaps) or not transitions or not gap < self.gaps.max():
            return
        row = np.full(self.actions.shape[1], -1, dtype=np.int64)
        row[: len(transitions)] = [transition.action for transition in transitions]
        known = np.flatnonzero((self.actions == row).all(axis=1))
        place = int(known[0]) if len(known) else int(np.argmax(self.gaps))
        if len(known) and gap >= self.gaps[place]:
            return
        self.gaps[place], self.actions[place] = gap, row
        for step, transition in enumerate(transitions):
            self._replay.put(place * len(row) + step, replace(transition, taught=True))

    def sample(self, n: int, rng: np.random.Generator) -> Batch:
        """``n`` transitions, drawn evenly with replacement; there must be an episode."""
        places = np.flatnonzero(self.actions.reshape(-1) >= 0)
        return self._replay.batch(places[rng.integers(len(places), size=n)])

    def __len__(self) -> int:
        return int(np.isfinite(self.gaps).sum())

    def state_dict(self) -> dict[str, Any]:
        """Everything, as arrays."""
        self._replay.added = self._replay.capacity
        kept = self._replay.state_dict()
        return {"gaps": self.gaps.copy(), "actions": self.actions.copy(), "replay": kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.gaps, self.actions = np.array(state["gaps"]), np.array(state["actions"])
        self._replay.load_state_dict(state["replay"])
