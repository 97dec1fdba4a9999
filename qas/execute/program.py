"""Programs: a native circuit with its noise as integer arrays and tables of channels.

Each operation is a row of the integer array: kind, first qubit, second qubit, table row,
parameter number (-1: the angle is fixed). Rotations act on the vector of Pauli expectations
as plane rotations; every other gate is one channel, its unitary and its noise multiplied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit, Gate, fixed_matrix
from qas.device import Device
from qas.device.noise import gate_noise, qubit_relaxation, unitary_transfer
from qas.device.schedule import idle_after

RX, RY, RZ, ONE, TWO = range(5)
Tables = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]
_ROTATION = {"rx": RX, "ry": RY, "rz": RZ}


@dataclass(frozen=True)
class Program:
    """What the kernels read."""

    n_qubits: int
    ops: NDArray[np.int64]
    """Shape (n_ops, 5): kind, qubit, second qubit, table row, parameter number."""
    angles: NDArray[np.float64]
    """Shape (n_ops,): fixed angles in radians, 0 elsewhere."""
    one: NDArray[np.float64]
    """One-qubit channels, shape (rows, 4, 4)."""
    two: NDArray[np.float64]
    """Non-zeros of the two-qubit channels, shape (rows, 256); index i of entry in ``where``."""
    where: NDArray[np.int64]
    """Row and column of each non-zero, shape (rows, 256, 2)."""
    filled: NDArray[np.int64]
    """Number of non-zeros of each two-qubit channel, shape (rows,)."""
    n_params: int


class ChannelTable:
    """Channels of one device under one noise model, each computed once.

    Args:
        device: the patch that circuits run on.
        pessimistic: see `qas.device.noise.gate_noise`.
        scale: multiplies reported errors and durations.
    """

    def __init__(self, device: Device, pessimistic: bool, scale: float) -> None:
        self.device, self.pessimistic, self.scale = device, pessimistic, scale
        self.one: list[NDArray[np.float64]] = []
        self.two: list[NDArray[np.float64]] = []
        self._row: dict[object, int] = {}
        self._arrays: Tables | None = None

    def gate_row(self, gate: Gate) -> int:
        """Row of the gate's channel in the table of its width."""
        key = (gate.name, gate.qubits)
        if key not in self._row:
            channel = unitary_transfer(fixed_matrix(gate.name))
            if not self.device.is_ideal:
                noise = gate_noise(
                    self.device,
                    gate.name,
                    gate.qubits,
                    pessimistic=self.pessimistic,
                    scale=self.scale,
                )
                channel = noise @ channel
            self._row[key] = self._add(channel)
        return self._row[key]

    def wait_row(self, qubit: int, seconds: float) -> int:
        """Row of the relaxation of ``qubit`` over ``seconds``."""
        key = (qubit, seconds)
        if key not in self._row:
            self._row[key] = self._add(qubit_relaxation(self.device, qubit, seconds * self.scale))
        return self._row[key]

    def _add(self, channel: NDArray[np.float64]) -> int:
        table = self.one if len(channel) == 4 else self.two
        table.append(channel)
        self._arrays = None
        return len(table) - 1

    def arrays(self) -> Tables:
        """(one, two, where, filled) as in `Program`; made again only when a channel came in."""
        if self._arrays is None:
            self._arrays = _as_arrays(self.one, self.two)
        return self._arrays


def _as_arrays(one: list[NDArray[np.float64]], two: list[NDArray[np.float64]]) -> Tables:
    values = np.zeros((len(two), 256))
    where = np.zeros((len(two), 256, 2), dtype=np.int64)
    filled = np.zeros(len(two), dtype=np.int64)
    for row, channel in enumerate(two):
        rows, columns = np.nonzero(channel)
        filled[row] = len(rows)
        values[row, : len(rows)] = channel[rows, columns]
        where[row, : len(rows), 0], where[row, : len(rows), 1] = rows, columns
    return np.array(one).reshape(-1, 4, 4), values, where, filled


def encode(circuit: Circuit, table: ChannelTable, idle: bool) -> Program:
    """The program of a native circuit; with ``idle``, waiting qubits relax (ALAP schedule)."""
    rows, angles = [], []
    for row, angle in _operations(circuit, table, idle):
        rows.append(row)
        angles.append(angle)
    return Program(
        circuit.n_qubits,
        np.array(rows, dtype=np.int64).reshape(-1, 5),
        np.array(angles, dtype=np.float64),
        *table.arrays(),
        circuit.n_params,
    )


def _operations(
    circuit: Circuit, table: ChannelTable, idle: bool
) -> Iterator[tuple[tuple[int, int, int, int, int], float]]:
    waits = idle_after(circuit, table.device) if idle else None
    number = 0
    for at, gate in enumerate(circuit.gates):
        slot = number if gate.is_free else -1
        number += gate.is_free
        yield operation(gate, table, slot), gate.angle or 0.0
        if waits is not None:
            for qubit, seconds in zip(gate.qubits, waits[at], strict=True):
                if seconds > 0.0:
                    yield (ONE, qubit, 0, table.wait_row(qubit, seconds), -1), 0.0


def operation(gate: Gate, table: ChannelTable, slot: int) -> tuple[int, int, int, int, int]:
    """The integer row of one gate."""
    if gate.is_rotation:
        return _ROTATION[gate.name], gate.qubits[0], 0, 0, slot
    if len(gate.qubits) == 1:
        return ONE, gate.qubits[0], 0, table.gate_row(gate), -1
    return TWO, gate.qubits[0], gate.qubits[1], table.gate_row(gate), -1
