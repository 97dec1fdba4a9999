"""Gates that are written out in others: two-qubit rotations, and the square root of H.

A two-qubit rotation exp(-i angle P / 2) is a change of basis, cx, rz(angle), cx, and the basis
back: its angle stands in exactly one rz, so that the two-term shift rule holds, noise included.
"""

from __future__ import annotations

import math

from qas.circuit.gate import Gate, checked_gate
from qas.errors import InputError

_BASIS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "rzz": ((), ()),
    "rxx": (("h",), ("h",)),
    "ryy": (("sx",), ("sx",)),
    "rzx": ((), ("h",)),
}
_BACK = {"h": "h", "sx": "sxdg"}
MOTIFS = (*_BASIS, "sqrth")
"""Names that `Circuit.then` writes out; rzx turns by Z on its first qubit and X on its second."""


def motif(
    name: str, qubits: tuple[int, ...], angle: float | None, n_qubits: int
) -> tuple[Gate, ...]:
    """The gates of a motif; without ``angle`` (radians) a rotation is free.

    Raises:
        InputError: qubits or an angle that do not fit.

    >>> [gate.name for gate in motif("rzx", (0, 1), None, 2)]
    ['h', 'cx', 'rz', 'cx', 'h']
    """
    if name == "sqrth":
        return _square_root_of_h(qubits, angle, n_qubits)
    checked_gate("cx", qubits, None, n_qubits)
    turn = checked_gate("rz", qubits[1:], angle, n_qubits)
    wires = list(zip(qubits, _BASIS[name], strict=True))
    there = [Gate(gate, (q,)) for q, gates in wires for gate in gates]
    back = [Gate(_BACK[gate], (q,)) for q, gates in wires for gate in gates]
    pair = Gate("cx", tuple(qubits))
    return (*there, pair, turn, pair, *back)


def _square_root_of_h(
    qubits: tuple[int, ...], angle: float | None, n_qubits: int
) -> tuple[Gate, ...]:
    """A quarter turn about the axis half way between x and z."""
    if angle is not None:
        raise InputError("sqrth takes no angle")
    turns = (("ry", -math.pi / 4), ("rz", math.pi / 2), ("ry", math.pi / 4))
    return tuple(checked_gate(axis, qubits, by, n_qubits) for axis, by in turns)
