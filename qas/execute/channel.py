"""The channels of one patch as tables that the kernels read by gate and qubits.

A one-qubit gate with its noise is one map. A two-qubit gate of a calibration is a Clifford gate,
which permutes Pauli strings up to a sign, then depolarizing, which shrinks all of them but the
identity alike, then each qubit's relaxation. The first two are one *scatter* of 16 rows; the
relaxations join the map of the run that follows on their wire. Any other channel given for a gate
stands as a dense 16 x 16 matrix.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import GATE_NAMES, ROTATIONS, fixed_matrix
from qas.circuit.gate import gate_width
from qas.device import Device
from qas.device.noise import noise_parts, unitary_transfer
from qas.errors import InputError

Key = tuple[str, tuple[int, ...]]

Channels = namedtuple(  # numba takes named tuples of arrays, not dataclasses
    "Channels",
    "n_qubits row one place factor after dense timing rate idle",
)
"""Tables of a patch under one noise model.

- row, shape (gates, n, n): of gate [number in GATE_NAMES, qubit, second qubit or the same], its
  row in the tables of its width; -1 where it is not available. Rotations are free of noise and
  stand in no table: 0 where they are available.
- one, shape (rows, 2, 12): map of each one-qubit gate, noise included, and its inverse.
- place, factor, shape (rows + 1, 16): scatters of two-qubit gates, index p_low + 4 p_high; the
  last one changes nothing.
- after, shape (rows, 4, 12): relaxation of the lower and of the higher qubit, and their inverses.
- dense, shape (rows, 2, 16, 16): matrix and inverse of each gate whose ``place[row, 0]`` is -1,
  zero for the others; no rows at all where there are none.
- timing, shape (gates, n, n, 2): seconds, and by how much undoing the gate may amplify errors
  (logarithm).
- rate, shape (n, 2): 1/T2 and 1/T1 per second, times the noise scale; 0 where unknown.
- idle: whether waiting qubits relax.
"""


def channels_of(
    device: Device,
    *,
    pessimistic: bool = False,
    scale: float = 1.0,
    idle: bool = False,
    given: Mapping[Key, ArrayLike] | None = None,
) -> Channels:
    """The tables of a patch.

    Args:
        device: the patch.
        pessimistic: see `qas.device.noise.gate_noise`.
        scale: multiplies reported errors and durations.
        idle: whether waiting qubits relax.
        given: channels that replace the calibration's: {(gate, qubits): Pauli transfer matrix of
            gate and noise together}, index p_first + 4 p_second with I, X, Y, Z = 0..3.

    Raises:
        InputError: a given channel of a gate that the device does not have, of the wrong
            shape, or that does not preserve the trace.
    """
    tables = _Tables(device.n_qubits)
    for key in _rotations(device):
        tables.row[tables.key(*key)] = 0
    replaced = {key: _checked(key, matrix, device) for key, matrix in (given or {}).items()}
    for name, qubits in _gates(device):
        if (name, qubits) in replaced:
            tables.add_matrix(name, qubits, replaced[name, qubits])
        else:
            relaxations, probability = [np.eye(4)] * len(qubits), 0.0
            if not device.is_ideal:
                relaxations, probability = noise_parts(
                    device, name, qubits, pessimistic=pessimistic, scale=scale
                )
            tables.add_gate(name, qubits, relaxations, 1.0 - probability)
        calibration = device.gate(name, qubits)
        tables.timing[(*tables.key(name, qubits), 0)] = calibration.duration if calibration else 0.0
    rate = np.zeros((device.n_qubits, 2))
    for q, qubit in enumerate(device.qubits):
        if qubit.t1 is not None and qubit.t2 is not None and not device.is_ideal:
            rate[q] = scale / qubit.t2, scale / qubit.t1
    return tables.channels(rate, idle)


def has_gate(channels: Channels, name: str, qubits: tuple[int, ...]) -> bool:
    """Whether circuits on the patch may hold a gate on these qubits, in this order."""
    if name not in GATE_NAMES or len(qubits) != gate_width(name):
        return False
    inside = all(0 <= q < channels.n_qubits for q in qubits)
    return inside and bool(channels.row[_Tables.key(name, qubits)] >= 0)


def _rotations(device: Device) -> list[Key]:
    """Every rotation that circuits on the patch may hold: a noisy device has rz alone."""
    return [
        (name, (q,))
        for name in ROTATIONS
        for q in range(device.n_qubits)
        if device.is_ideal or device.gate(name, (q,)) is not None
    ]


def _gates(device: Device) -> list[Key]:
    """Every gate without an angle that circuits on the patch may hold."""
    if device.is_ideal:
        wires = [(q,) for q in range(device.n_qubits)]
        names = [name for name in GATE_NAMES if name not in ROTATIONS]
        return [
            (name, qubits)
            for name in names
            for qubits in (device.couplings if len(fixed_matrix(name)) == 4 else wires)
        ]
    return [(gate.name, gate.qubits) for gate in device.gates if gate.name not in ROTATIONS]


def _checked(key: Key, matrix: ArrayLike, device: Device) -> NDArray[np.float64]:
    name, qubits = key
    if name in ROTATIONS or key not in _gates(device):
        raise InputError(f"a channel is given for {name} on {qubits}, which {device.name} lacks")
    value = np.asarray(matrix, dtype=np.float64)
    size = 4 ** len(qubits)
    if value.shape != (size, size) or not np.isfinite(value).all():
        raise InputError(
            f"the channel of {name} on {qubits} must be a real Pauli transfer matrix of shape "
            f"({size}, {size}); given shape {value.shape}"
        )
    if np.abs(value[0] - np.eye(size)[0]).max() > 1e-9:
        raise InputError(
            f"the channel of {name} on {qubits} does not preserve the trace: its first row "
            "must be (1, 0, ..., 0)"
        )
    return value


class _Tables:
    """Collects rows; lives for one call of `channels_of`."""

    def __init__(self, n_qubits: int) -> None:
        shape = (len(GATE_NAMES), n_qubits, n_qubits)
        self.n_qubits = n_qubits
        self.row = np.full(shape, -1, dtype=np.int64)
        self.timing = np.zeros((*shape, 2))
        self.one: list[NDArray[np.float64]] = []
        self.place: list[NDArray[np.int64]] = []
        self.factor: list[NDArray[np.float64]] = []
        self.after: list[NDArray[np.float64]] = []
        self.dense: dict[int, NDArray[np.float64]] = {}

    @staticmethod
    def key(name: str, qubits: tuple[int, ...]) -> tuple[int, int, int]:
        return GATE_NAMES.index(name), qubits[0], qubits[-1]

    def add_gate(
        self,
        name: str,
        qubits: tuple[int, ...],
        relaxations: list[NDArray[np.float64]],
        shrink: float,
    ) -> None:
        """A Clifford gate, what depolarizing leaves of every string but I, and relaxations."""
        if len(qubits) == 1:
            noise = relaxations[0] @ np.diag([1.0, *[shrink] * 3])
            self.add_matrix(name, qubits, noise @ _ideal(name))
            return
        if qubits[0] > qubits[1]:
            relaxations = relaxations[::-1]
        place, sign = _scatter(name, qubits[0] > qubits[1])
        self.row[self.key(name, qubits)] = len(self.place)
        self.place.append(place)
        self.factor.append(sign * np.array([1.0, *[shrink] * 15]))
        self.after.append(np.stack([r[1:].ravel() for r in relaxations]))
        weakest = min([shrink, *(min(r.diagonal()) for r in relaxations)])
        self.timing[(*self.key(name, qubits), 1)] = -np.log(weakest) if weakest > 0 else np.inf

    def add_matrix(self, name: str, qubits: tuple[int, ...], matrix: NDArray[np.float64]) -> None:
        """Any channel, by its Pauli transfer matrix."""
        weakest = float(np.linalg.svd(matrix, compute_uv=False)[-1])
        self.timing[(*self.key(name, qubits), 1)] = -np.log(weakest) if weakest > 0 else np.inf
        if len(qubits) == 1:
            self.row[self.key(name, qubits)] = len(self.one)
            self.one.append(matrix[1:].ravel())
            return
        row = self.row[self.key(name, qubits)] = len(self.place)
        self.place.append(np.array([-1, *range(1, 16)]))
        self.factor.append(np.ones(16))
        self.after.append(np.stack([np.eye(4)[1:].ravel()] * 2))
        self.dense[int(row)] = _swapped(matrix) if qubits[0] > qubits[1] else matrix

    def channels(self, rate: NDArray[np.float64], idle: bool) -> Channels:
        self.place.append(np.arange(16))
        self.factor.append(np.ones(16))
        after = np.array(self.after).reshape(-1, 2, 12)
        dense = np.zeros((len(after) if self.dense else 0, 2, 16, 16))
        for row, matrix in self.dense.items():
            dense[row] = matrix, _inverse(matrix)
        return Channels(
            self.n_qubits,
            self.row,
            _with_inverses(np.array(self.one).reshape(-1, 1, 12)),
            np.array(self.place, dtype=np.int64),
            np.array(self.factor),
            _with_inverses(after),
            dense,
            self.timing,
            rate,
            idle,
        )


@cache
def _ideal(name: str) -> NDArray[np.float64]:
    """Pauli transfer matrix of a gate without an angle."""
    return unitary_transfer(fixed_matrix(name))


@cache
def _scatter(name: str, swapped: bool) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Where a Clifford gate on two qubits sends each string, and with which sign."""
    ideal = _swapped(_ideal(name)) if swapped else _ideal(name)
    place = np.abs(ideal).argmax(axis=0)
    sign = np.rint(ideal[place, np.arange(16)])
    assert np.allclose(np.abs(ideal).sum(axis=0), np.abs(sign)), f"{name} is no Clifford gate"
    return place, sign


def _swapped(transfer: NDArray[np.float64]) -> NDArray[np.float64]:
    """A two-qubit transfer matrix with its qubits exchanged."""
    order = np.arange(16).reshape(4, 4).T.ravel()
    return transfer[np.ix_(order, order)]


def _with_inverses(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maps, shape (rows, k, 12), followed by their inverses: (rows, 2 k, 12).

    Not-a-number stands where there is no inverse.
    """
    full = np.zeros((*maps.shape[:2], 4, 4))
    full[..., 0, 0] = 1.0
    full[..., 1:, :] = maps.reshape(*maps.shape[:2], 3, 4)
    inverses = [[_inverse(m)[1:].ravel() for m in row] for row in full]
    return np.concatenate([maps, np.array(inverses).reshape(maps.shape)], axis=1)


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        return np.asarray(np.linalg.inv(matrix))
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)
