"""What an agent may append: single gates, or blocks of a cx dressed with rotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit, Gate, Population
from qas.errors import InputError
from qas.problem import Problem, dressed, ordered_pairs
from qas.problem.pool import dressing
from qas.problem.problem import Layout

Action = tuple[Gate, ...]
"""Gates that are appended together."""


def gate_actions(problem: Problem, layout: Layout) -> tuple[Action, ...]:
    """Every gate of the problem's pool by itself; n (n + 2) of them where all pairs are coupled.

    >>> from qas import load_device, load_task
    >>> problem = Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4))
    >>> len(gate_actions(problem, problem.layouts[0])), len(block_actions(problem, (0, 1, 2, 3)))
    (24, 12)
    """
    return tuple((gate,) for gate in problem.tokens(layout))


def block_actions(problem: Problem, layout: Layout, axis: str = "ry") -> tuple[Action, ...]:
    """A cx on each ordered pair that shares an edge, with a rotation on both wires behind it."""
    pairs = ordered_pairs(problem.patch(layout))
    return tuple(dressed(Circuit(problem.n_qubits), [pair], axis).gates for pair in pairs)


def axis_of(problem: Problem) -> str:
    """The rotation that blocks are dressed with; of one qubit, which has none, any of the pool."""
    if problem.n_qubits > 1:
        return dressing(problem.pool)
    return next((gate for gate in ("ry", "rx", "rz") if gate in problem.pool), "ry")


def rotation_layer(n_qubits: int, axis: str = "ry") -> Circuit:
    """A rotation on every qubit: what circuits of blocks start with."""
    circuit = Circuit(n_qubits)
    for qubit in range(n_qubits):
        circuit = circuit.then(axis, qubit)
    return circuit


@dataclass(frozen=True, eq=False)
class ActionTable:
    """Actions as integer arrays, padded with -1."""

    actions: tuple[Action, ...]

    def __post_init__(self) -> None:
        if not self.actions or not all(self.actions):
            raise InputError("an agent needs at least one action, of at least one gate each")

    @classmethod
    def of(cls, actions: Sequence[Action]) -> ActionTable:
        """The table of some actions, in their order."""
        return cls(tuple(tuple(action) for action in actions))

    def __len__(self) -> int:
        return len(self.actions)

    @cached_property
    def rows(self) -> NDArray[np.int16]:
        """Shape (n_actions, longest, 3), as `Population.gates`."""
        width = 1 + max(q for action in self.actions for gate in action for q in gate.qubits)
        return Population.of([Circuit(width, action) for action in self.actions]).gates

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Gates of each action, shape (n_actions,)."""
        return np.array([len(action) for action in self.actions])

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """Two-qubit gates of each action, shape (n_actions,)."""
        return np.array([sum(len(g.qubits) == 2 for g in action) for action in self.actions])

    @cached_property
    def wires(self) -> NDArray[np.int64]:
        """The qubits of each action's first gate, shape (n_actions, 2); one twice if alone."""
        return np.array([(a[0].qubits[0], a[0].qubits[-1]) for a in self.actions])

    @cached_property
    def prices(self) -> NDArray[np.int64]:
        """Energies a device would have to measure to know an action's best one, (n_actions,).

        An energy in k angles has 3^k coefficients; without a two-qubit gate one is known.
        """
        turns = [sum(gate.is_free for gate in action) for action in self.actions]
        return np.asarray(3 ** np.array(turns) - (self.pairs == 0))
