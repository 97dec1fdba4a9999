"""Circuits as integer arrays: the form in which populations travel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qas.circuit.circuit import Circuit
from qas.circuit.gate import GATE_NAMES, Gate
from qas.errors import InputError

_NUMBER = {name: number for number, name in enumerate(GATE_NAMES)}


def to_arrays(circuits: Sequence[Circuit]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Gates, shape (n_circuits, longest, 3), and angles, shape (n_circuits, longest).

    A gate is (number in `GATE_NAMES`, qubit, second qubit or -1); rows past the end of a
    circuit are -1. Angles are fixed angles in radians, NaN where a gate has none or is free.

    >>> to_arrays([Circuit(2).then("ry", 1).then("cx", 1, 0)])[0].tolist()
    [[[1, 1, -1], [14, 1, 0]]]
    """
    longest = max((len(circuit.gates) for circuit in circuits), default=0)
    gates = np.full((len(circuits), longest, 3), -1, dtype=np.int64)
    angles = np.full((len(circuits), longest), np.nan)
    for row, circuit in enumerate(circuits):
        for at, gate in enumerate(circuit.gates):
            gates[row, at, 0] = _NUMBER[gate.name]
            gates[row, at, 1 : 1 + len(gate.qubits)] = gate.qubits
            if gate.angle is not None:
                angles[row, at] = gate.angle
    return gates, angles


def from_arrays(
    n_qubits: int, gates: NDArray[np.int64], angles: NDArray[np.float64]
) -> tuple[Circuit, ...]:
    """The circuits that `to_arrays` wrote.

    Raises:
        InputError: shapes that do not fit, or a row that is no gate.
    """
    if gates.ndim != 3 or gates.shape[2] != 3 or angles.shape != gates.shape[:2]:
        raise InputError(
            "gates must have shape (n_circuits, longest, 3) and angles (n_circuits, longest); "
            f"given {gates.shape} and {angles.shape}"
        )
    if gates.size and gates[:, :, 0].max() >= len(GATE_NAMES):
        raise InputError(f"gate numbers are 0..{len(GATE_NAMES) - 1}; given {gates[:, :, 0].max()}")
    return tuple(
        Circuit.of(n_qubits, [_gate(row, a) for row, a in zip(g, b, strict=True) if row[0] >= 0])
        for g, b in zip(gates, angles, strict=True)
    )


def _gate(row: NDArray[np.int64], angle: float) -> Gate:
    qubits = tuple(int(q) for q in row[1:] if q >= 0)
    return Gate(GATE_NAMES[row[0]], qubits, None if np.isnan(angle) else float(angle))
