"""Gates: the names a circuit may use, their matrices, and one placed gate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError

ROTATIONS = ("rx", "ry", "rz")
FIXED_ONE = ("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "id")
FIXED_TWO = ("cx", "cz", "ecr", "swap")
GATE_NAMES = ROTATIONS + FIXED_ONE + FIXED_TWO
MAX_INPUTS = 10_000

_WIDTH = dict.fromkeys(ROTATIONS + FIXED_ONE, 1) | dict.fromkeys(FIXED_TWO, 2)

_R = 1 / math.sqrt(2)
_MATRIX: dict[str, list[list[complex]]] = {
    "id": [[1, 0], [0, 1]],
    "x": [[0, 1], [1, 0]],
    "y": [[0, -1j], [1j, 0]],
    "z": [[1, 0], [0, -1]],
    "h": [[_R, _R], [_R, -_R]],
    "s": [[1, 0], [0, 1j]],
    "sdg": [[1, 0], [0, -1j]],
    "t": [[1, 0], [0, _R + _R * 1j]],
    "tdg": [[1, 0], [0, _R - _R * 1j]],
    "sx": [[0.5 + 0.5j, 0.5 - 0.5j], [0.5 - 0.5j, 0.5 + 0.5j]],
    "sxdg": [[0.5 - 0.5j, 0.5 + 0.5j], [0.5 + 0.5j, 0.5 - 0.5j]],
    "cx": [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]],
    "cz": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, -1]],
    "swap": [[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]],
    "ecr": [
        [0, _R, 0, _R * 1j],
        [_R, 0, -_R * 1j, 0],
        [0, _R * 1j, 0, _R],
        [-_R * 1j, 0, _R, 0],
    ],
}


def gate_width(name: str) -> int:
    """Number of qubits the gate called ``name`` acts on.

    Raises:
        InputError: the name is not one of `GATE_NAMES`.
    """
    try:
        return _WIDTH[name]
    except (KeyError, TypeError):
        raise InputError(f"unknown gate {name!r}; known gates: {', '.join(GATE_NAMES)}") from None


@cache
def fixed_matrix(name: str) -> NDArray[np.complex128]:
    """Unitary of a gate without an angle, shape (2, 2) or (4, 4).

    Little-endian as in Qiskit: of a two-qubit gate the first qubit is the less
    significant bit of the index.
    """
    matrix = np.array(_MATRIX[name], dtype=np.complex128)
    matrix.setflags(write=False)
    return matrix


def rotation_matrix(name: str, angle: float) -> NDArray[np.complex128]:
    """exp(-i angle P / 2) for P = X, Y, Z (rx, ry, rz); angle in radians, shape (2, 2)."""
    c, s = math.cos(angle / 2), math.sin(angle / 2)
    if name == "rx":
        return np.array([[c, -1j * s], [-1j * s, c]])
    if name == "ry":
        return np.array([[c, -s], [s, c]], dtype=np.complex128)
    return np.array([[c - 1j * s, 0], [0, c + 1j * s]])


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate on its qubits. Build circuits with `Circuit.then`, which checks it."""

    name: str
    """One of `GATE_NAMES`."""
    qubits: tuple[int, ...]
    """Qubits in the gate's order: (control, target) for cx."""
    angle: float | None = None
    """Radians; None on a rotation means a free parameter, or an offset of 0 to a data input."""
    input: int | None = None
    """Number of the data input that a rotation turns by, in radians; ``angle`` is added to it."""

    @property
    def is_rotation(self) -> bool:
        """True for rx, ry and rz."""
        return self.name in ROTATIONS

    @property
    def is_free(self) -> bool:
        """True for a rotation whose angle is a parameter of the circuit."""
        return self.angle is None and self.input is None and self.name in ROTATIONS

    def matrix(self, angle: float | None = None) -> NDArray[np.complex128]:
        """Unitary of the gate; ``angle``, radians, stands in where it is free or takes data."""
        if not self.is_rotation:
            return fixed_matrix(self.name)
        value = self.angle if self.angle is not None and self.input is None else angle
        if value is None:
            raise InputError(f"{self.name} on qubit {self.qubits[0]} is free: give its angle")
        return rotation_matrix(self.name, value)


def checked_gate(
    name: str,
    qubits: tuple[int, ...],
    angle: float | None,
    n_qubits: int,
    input: int | None = None,
) -> Gate:
    """The gate, after checking that it fits a circuit of ``n_qubits``.

    Raises:
        InputError: unknown name, wrong number of qubits, qubits out of range or
            repeated, an angle or input on a gate that has none, or one that cannot be.
    """
    width = gate_width(name)
    if len(qubits) != width:
        raise InputError(f"{name} acts on {width} qubit(s); given {len(qubits)}: {qubits}")
    for q in qubits:
        if isinstance(q, bool) or not isinstance(q, (int, np.integer)) or not 0 <= q < n_qubits:
            raise InputError(f"qubit {q!r} of {name} is outside 0..{n_qubits - 1}")
    if len(set(qubits)) != width:
        raise InputError(f"{name} needs {width} different qubits; given {qubits}")
    if angle is not None:
        if name not in ROTATIONS:
            raise InputError(f"{name} takes no angle; rotations are {', '.join(ROTATIONS)}")
        if isinstance(angle, (bool, str)) or not math.isfinite(angle):
            raise InputError(f"angle of {name} must be a finite number of radians; given {angle!r}")
        angle = float(angle)
    if input is not None:
        _check_input(name, input)
        input = int(input)
    return Gate(name, tuple(int(q) for q in qubits), angle, input)


def _check_input(name: str, number: object) -> None:
    if name not in ROTATIONS:
        raise InputError(f"{name} takes no data input; rotations are {', '.join(ROTATIONS)}")
    whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if not whole or not 0 <= number < MAX_INPUTS:  # type: ignore[operator]
        raise InputError(f"a data input is a number 0..{MAX_INPUTS - 1}; given {number!r}")
