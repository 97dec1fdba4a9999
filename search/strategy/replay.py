"""Replay memory: transitions in arrays, the oldest overwritten first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Transition:
    """What n steps did: n-step return, and the state and legal actions behind them."""

    state: Vector
    """Zeros and ones but for the last number; shape (size,)."""
    action: int
    reward: float
    """Discounted sum over the n steps."""
    discount: float
    """Of the value behind them: gamma^n, or 0 where the episode ended."""
    following: Vector
    legal: NDArray[np.bool_]
    """Actions that may follow, shape (n_actions,)."""


@dataclass(frozen=True)
class Batch:
    """Transitions by column; first axis: which of them."""

    states: Vector
    actions: NDArray[np.int64]
    rewards: Vector
    discounts: Vector
    following: Vector
    legal: NDArray[np.bool_]


class Replay:
    """The last ``capacity`` transitions; of a state, zeros and ones take one bit each.

    Args:
        capacity: most transitions.
        size: numbers in a state.
        n_actions: numbers in a mask.
    """

    def __init__(self, capacity: int, size: int, n_actions: int) -> None:
        self.capacity, self.size, self.added = capacity, size, 0
        self._n_actions = n_actions
        packed = -(-(size - 1) // 8)
        self._columns: dict[str, NDArray[Any]] = {
            "bits": np.zeros((capacity, packed), dtype=np.uint8),
            "number": np.zeros(capacity, dtype=np.float32),
            "action": np.zeros(capacity, dtype=np.int64),
            "reward": np.zeros(capacity, dtype=np.float32),
            "discount": np.zeros(capacity, dtype=np.float32),
            "next_bits": np.zeros((capacity, packed), dtype=np.uint8),
            "next_number": np.zeros(capacity, dtype=np.float32),
            "legal": np.zeros((capacity, n_actions), dtype=np.bool_),
        }

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    def add(self, transition: Transition) -> None:
        """Keep a transition, over the oldest if there is no room."""
        at, column = self.added % self.capacity, self._columns
        column["bits"][at] = np.packbits(transition.state[:-1] > 0)
        column["number"][at] = transition.state[-1]
        column["action"][at] = transition.action
        column["reward"][at] = transition.reward
        column["discount"][at] = transition.discount
        column["next_bits"][at] = np.packbits(transition.following[:-1] > 0)
        column["next_number"][at] = transition.following[-1]
        column["legal"][at] = transition.legal
        self.added += 1

    def sample(self, n: int, rng: np.random.Generator) -> Batch:
        """``n`` transitions, drawn evenly with replacement."""
        at = rng.integers(len(self), size=n)
        column = {name: values[at] for name, values in self._columns.items()}
        return Batch(
            self._states(column["bits"], column["number"]),
            column["action"],
            column["reward"],
            column["discount"],
            self._states(column["next_bits"], column["next_number"]),
            column["legal"],
        )

    def _states(self, bits: NDArray[np.uint8], number: Vector) -> Vector:
        cells = np.unpackbits(bits, axis=1, count=self.size - 1).astype(np.float32)
        return np.concatenate([cells, number[:, None]], axis=1)

    def state_dict(self) -> dict[str, Any]:
        """What is kept, as arrays, and how many were ever added."""
        kept = {name: values[: len(self)].copy() for name, values in self._columns.items()}
        return {"added": self.added, **kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned, with the same sizes."""
        self.added = int(state["added"])
        for name, values in self._columns.items():
            values[: len(self)] = state[name]
