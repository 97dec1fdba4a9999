"""The energies behind actions as one sparse matrix of Pauli expectations.

In the Heisenberg picture every Pauli string of the observable goes backwards through an action:
through its free rotations, whose 1, cos t and sin t multiply terms of their own, then through the
channels of its other gates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Gate, rotation_matrix
from qas.circuit.gate import checked_gate
from qas.device.noise import unitary_transfer
from qas.errors import InputError
from qas.execute import extension_kernel as kernel
from qas.execute.share import frozen
from qas.task import Observable

ROUNDING = 1e-15
"""Weights below this, relative to the observable's largest coefficient, are rounding errors."""
Prepared = TypeVar("Prepared")
Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
Action = tuple[Gate, ...]
Step = tuple[tuple[int, ...], Reals]
"""Qubits, and the Pauli transfer matrix on them: shape (4, 4) or (16, 16)."""
Terms = tuple[Integers, Integers, Reals]
"""Row, Pauli string (sum_q p_q 4^q with I, X, Y, Z = 0..3) and weight of each term."""


@dataclass(frozen=True, eq=False)
class Table:
    """The energies behind actions as a sparse matrix of Pauli expectations, row by row."""

    strings: Integers
    """Pauli strings that occur, shape (S,), increasing."""
    first: Integers
    """Row k is entries first[k] to first[k + 1] - 1. Row 9 a + 3 i + j holds c_ij of action a, c_00
    without the observable, which is the last row of all."""
    columns: NDArray[np.uint32]
    """Index into ``strings`` of every entry."""
    weights: Reals
    """Every entry, hartree."""
    n_free: Integers
    """Free angles of each action; -1 where it cannot be taken."""

    def lowest(self, expectations: Reals, energy: Reals, angles: Reals) -> None:
        """Energies, shape (B, A), and angles (B, A, 2) from expectations, shape (B, S)."""
        kernel.lowest_energies(
            self.first, self.columns, self.weights, self.n_free, expectations, energy, angles,
            np.empty(9), np.empty(kernel.SAMPLES), np.empty(2),
        )  # fmt: skip


class Tables(Generic[Prepared]):
    """What one simulator has prepared for actions, made when first wanted.

    Args:
        make: prepares an observable and actions.
    """

    def __init__(self, make: Callable[[Observable, tuple[Action, ...]], Prepared]) -> None:
        self._made = lru_cache(maxsize=8)(make)
        self._latest: tuple[Observable, object, tuple[Action, ...], Prepared] | None = None

    def of(
        self, observable: Observable, actions: Sequence[Sequence[Gate]]
    ) -> tuple[tuple[Action, ...], Prepared]:
        """The actions as tuples, and what is prepared; the latest is known without hashing."""
        latest = self._latest
        if latest is None or latest[0] is not observable or latest[1] is not actions:
            kept = tuple(tuple(action) for action in actions)
            latest = observable, actions, kept, self._made(observable, kept)
            if isinstance(actions, tuple) and all(isinstance(one, tuple) for one in actions):
                self._latest = latest  # of what nobody can change
        return latest[2], latest[3]


def table_of(
    dual: Terms,
    actions: tuple[Action, ...],
    n_qubits: int,
    steps: Callable[[Gate], list[Step] | None],
) -> Table:
    """The table of actions.

    Args:
        dual: the observable, all in row 0.
        actions: gates, rotations free or not.
        n_qubits: of the circuits.
        steps: a gate without a free angle as transfer matrices in order; None where the device
            does not have it.

    Raises:
        InputError: gates that do not fit, more than two free rotations in an action, or one that
            is not the last gate on its qubit.
    """
    limit = ROUNDING * np.abs(dual[2]).max(initial=0.0)
    parts, n_free = [], np.zeros(len(actions), dtype=np.int64)
    for a, action in enumerate(actions):
        placed, free = _checked(a, action, n_qubits)
        known = [steps(gate) for gate in placed]
        n_free[a] = len(free) if None not in known else -1
        if n_free[a] < 0:
            continue
        terms = dual
        for k, gate in enumerate(free):
            terms = _turned_back(terms, gate, 3 if k == 0 else 1)
        for gate_steps in reversed(known):
            for qubits, transfer in reversed(gate_steps or []):
                terms = _merged([_pulled_back(terms, qubits, transfer)])
        row, string, weight = _merged([terms, (dual[0], dual[1], -dual[2])])
        kept = np.abs(weight) > limit
        parts.append((row[kept] + 9 * a, string[kept], weight[kept]))
    parts.append((dual[0] + 9 * len(actions), dual[1], dual[2]))
    row, string, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    strings, columns = np.unique(string, return_inverse=True)
    first = np.searchsorted(row, np.arange(9 * len(actions) + 2))
    return Table(
        frozen(strings), frozen(first.astype(np.int64)), frozen(columns.astype(np.uint32)),
        frozen(weight), frozen(n_free),
    )  # fmt: skip


def _checked(number: int, action: Action, n_qubits: int) -> tuple[Action, Action]:
    """The gates of an action without free angles, and its free rotations."""
    gates = tuple(checked_gate(g.name, g.qubits, g.angle, n_qubits) for g in action)
    free = tuple(gate for gate in gates if gate.is_free)
    for k, gate in enumerate(gates):
        if gate.is_free and any(gate.qubits[0] in later.qubits for later in gates[k + 1 :]):
            raise InputError(
                f"action {number} has gates behind its free {gate.name} on qubit "
                f"{gate.qubits[0]}: a free rotation must be the last gate on its qubit"
            )
    if len(free) > 2:
        raise InputError(f"action {number} has {len(free)} free rotations; at most 2 are scored")
    return tuple(gate for gate in gates if not gate.is_free), free


def _pulled_back(terms: Terms, qubits: tuple[int, ...], transfer: Reals) -> Terms:
    """The terms before a channel, of those behind it: weight[q] = sum_p weight[p] T[p, q]."""
    row, string, weight = terms
    letters, rest = np.zeros_like(string), string.copy()
    for k, qubit in enumerate(qubits):
        letters |= (string >> 2 * qubit & 3) << 2 * k
        rest &= ~(3 << 2 * qubit)
    term, before = np.nonzero(transfer[letters])
    moved = rest[term]
    for k, qubit in enumerate(qubits):
        moved |= (before >> 2 * k & 3) << 2 * qubit
    return row[term], moved, weight[term] * transfer[letters[term], before]


def _turned_back(terms: Terms, gate: Gate, step: int) -> Terms:
    """The terms before a rotation by t: what 1, cos t and sin t multiply, ``step`` rows apart."""
    start, quarter, half = (
        np.rint(unitary_transfer(rotation_matrix(gate.name, k * np.pi / 2))) for k in range(3)
    )
    middle = (start + half) / 2
    parts = []
    for k, transfer in enumerate((middle, (start - half) / 2, quarter - middle)):
        row, string, weight = _pulled_back(terms, gate.qubits, transfer)
        parts.append((row + k * step, string, weight))
    return _merged(parts)


def _merged(parts: Sequence[Terms]) -> Terms:
    """All terms, sorted by row, then string; equal ones are one."""
    row, string, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((string, row))
    row, string, weight = row[order], string[order], weight[order]
    new = np.flatnonzero(np.r_[True, (np.diff(row) != 0) | (np.diff(string) != 0)][: len(row)])
    return row[new], string[new], np.add.reduceat(weight, new) if len(new) else weight
