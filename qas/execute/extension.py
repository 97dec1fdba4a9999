"""Extensions: every action appended to every circuit of a population, at its best angles.

An *action* is a few gates, of which at most two are free rotations, each the last gate on its
qubit. The energy behind it is

    E(t1, t2) = sum_ij f_i(t1) f_j(t2) c_ij . r,    f = (1, cos, sin),

linear in the vector r of Pauli expectations of the circuit. The c_ij of all actions are one sparse
matrix, made once for an observable (`qas.execute.extension_table`); a circuit then costs its own
simulation, the expectations of the strings that occur, one sparse product, and the arithmetic of
the angles (`qas.execute.extension_kernel`).

For a single rotation this is the closed form of Ostaszewski, Grant and Benedetti, Quantum 5, 391
(2021), https://doi.org/10.22331/q-2021-01-28-391.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, Gate, Population, fixed_matrix
from qas.device.noise import unitary_transfer
from qas.device.pair import pair_steps
from qas.execute import extension_kernel as kernel
from qas.execute import pauli_kernel
from qas.execute.channel import Channels
from qas.execute.extension_table import Action, Step, Table, table_of
from qas.execute.neighbourhood import transfers
from qas.execute.noise_model import NoiseModel
from qas.execute.octet import aligned
from qas.execute.share import frozen
from qas.task import Observable

CACHE = 2**20
"""Bytes that expectations may take at a time: about what a core's own cache holds."""
Reals = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Extensions:
    """Every circuit of a population with every action behind it."""

    actions: tuple[Action, ...]
    """What was appended."""
    energy: Reals
    """Hartree, shape (n_circuits, n_actions): lowest over the action's own angles, the circuit's
    kept; infinite where the device couples no such pair."""
    angles: Reals
    """Radians, shape (n_circuits, n_actions, 2): those of the action's free rotations in their
    order; 0 where it has fewer."""


class Flips(NamedTuple):
    """The strings of a table as the state-vector kernel reads them, grouped by what they flip."""

    groups: Integers
    """Shape (F, 5): x mask, its highest bit, 1 where the number of Y is odd, first string, last
    string + 1."""
    entry: NDArray[np.uint64]
    """Where in its group's transform a string stands, shape (S,)."""
    sign: Reals
    """What that entry is multiplied by, shape (S,)."""
    place: NDArray[np.uint64]
    """The string's column of expectations, shape (S,)."""


def state_table(observable: Observable, actions: tuple[Action, ...]) -> tuple[Table, Flips]:
    """The table of actions without noise, on any pair of qubits."""
    index, coeffs = observable.pauli_index, observable.coeff_array
    terms = np.zeros_like(index), index, coeffs

    def steps(gate: Gate) -> list[Step]:
        return [(gate.qubits, unitary_transfer(gate.matrix()))]

    table = table_of(terms, actions, observable.n_qubits, steps)
    return table, _flips(table.strings, observable.n_qubits)


def native_table(model: NoiseModel, observable: Observable, actions: tuple[Action, ...]) -> Table:
    """The table of actions on a patch: two-qubit gates by its channels, others without noise."""
    native = model.device.two_qubit_gate
    channels, dual = model.tables(observable)
    string = np.flatnonzero(dual)
    terms = np.zeros_like(string), string, dual[string]
    matrices = transfers(channels)

    def pair(name: str, a: int, b: int) -> Step:
        return (min(a, b), max(a, b)), matrices[channels.row[GATE_NAMES.index(name), a, b]]

    def has(name: str, a: int, b: int) -> bool:
        return bool(channels.row[GATE_NAMES.index(name), a, b] >= 0)

    def steps(gate: Gate) -> list[Step] | None:
        if len(gate.qubits) == 1:
            return [(gate.qubits, unitary_transfer(gate.matrix()))]
        a, b = gate.qubits
        if has(gate.name, a, b):
            return [pair(gate.name, a, b)]
        forward, backward = has(native, a, b), has(native, b, a)
        if not (forward or backward):
            return None
        found = []
        for name, wires in pair_steps(gate.name, native, forward, backward):
            qubits = tuple(gate.qubits[wire] for wire in wires)
            if len(qubits) == 2:
                found.append(pair(name, *qubits))
            else:
                found.append((qubits, unitary_transfer(fixed_matrix(name))))
        return found

    return table_of(terms, actions, observable.n_qubits, steps)


def extend_states(
    population: Population, actions: tuple[Action, ...], prepared: tuple[Table, Flips]
) -> Extensions:
    """Extensions of circuits without noise."""
    table, flips = prepared
    n_qubits, n_gates = population.n_qubits, population.gates.shape[1]
    state, scratch = aligned(2 * 2**n_qubits), aligned(2**n_qubits)
    slots, turns = np.full(n_gates, -1, dtype=np.int64), np.empty((n_gates, 2))

    def measure(some: slice, result: Reals) -> None:
        kernel.state_expectations(
            population.gates[some], population.angles[some], n_qubits, *flips, result,
            state, scratch, slots, turns,
        )  # fmt: skip

    return _extend(len(population), actions, table, measure)


def extend_natives(
    population: Population, actions: tuple[Action, ...], table: Table, channels: Channels
) -> Extensions:
    """Extensions of native circuits under noise."""

    def measure(some: slice, result: Reals) -> None:
        gates, angles = population.gates[some], population.angles[some]
        work = pauli_kernel.work_for(channels, gates, False)
        kernel.noisy_expectations(channels, gates, angles, table.strings, result, work)

    return _extend(len(population), actions, table, measure)


def _extend(
    count: int,
    actions: tuple[Action, ...],
    table: Table,
    measure: Callable[[slice, Reals], None],
) -> Extensions:
    energy, angles = np.empty((count, len(actions))), np.empty((count, len(actions), 2))
    step = max(1, CACHE // (8 * max(1, len(table.strings))))
    room = np.empty((min(step, count), len(table.strings)))
    for begin in range(0, count, step):
        some = slice(begin, min(begin + step, count))
        result = room[: some.stop - begin]
        measure(some, result)
        table.lowest(result, energy[some], angles[some])
    return Extensions(actions, energy, angles)


def _flips(strings: Integers, n_qubits: int) -> Flips:
    """i^#Y (-1)^|z & k| conj(psi[k ^ x]) psi[k] summed over k, where x is not 0 over half the k."""
    x, z = np.zeros_like(strings), np.zeros_like(strings)
    for q in range(n_qubits):
        letter = strings >> 2 * q & 3
        x |= (letter & 1 ^ letter >> 1) << q
        z |= (letter >> 1) << q
    n_y = np.bitwise_count(x & z).astype(np.int64)
    order = np.lexsort((n_y % 2, x))
    x, z, n_y = x[order], z[order], n_y[order]
    top = np.array([1 << int(mask).bit_length() >> 1 for mask in x], dtype=np.int64)
    below = np.where(top == 0, -1, top - 1)
    sign = np.where((n_y + 1) % 4 < 2, 1.0, -1.0) * np.where(x == 0, 1.0, 2.0)
    first = np.flatnonzero(np.r_[True, (np.diff(x) != 0) | (np.diff(n_y % 2) != 0)])
    last = np.r_[first[1:], len(x)]
    groups = np.column_stack([x[first], top[first], n_y[first] % 2, first, last])
    entry = (z & below | z >> 1 & ~below).astype(np.uint64)
    return Flips(frozen(groups), frozen(entry), frozen(sign), frozen(order.astype(np.uint64)))
