"""Devices without noise: what a circuit could do if nothing went wrong."""

from __future__ import annotations

from numbers import Integral

from qas.device.device import Device, GateCalibration, QubitCalibration
from qas.device.reading import IDEAL_GATES
from qas.errors import InputError

IDEAL_NAMES = ("ideal", "ideal:line")
MOST_IDEAL_QUBITS = 64


def _require_size(n_qubits: object) -> None:
    whole = isinstance(n_qubits, Integral) and not isinstance(n_qubits, bool)
    if not whole or n_qubits not in range(1, MOST_IDEAL_QUBITS + 1):
        raise InputError(f"an ideal device has 1 to {MOST_IDEAL_QUBITS} qubits, not {n_qubits!r}")


def ideal_device(name: str, n_qubits: int) -> Device:
    """A noiseless device, all-to-all for "ideal", a line for "ideal:line".

    Raises:
        InputError: ``n_qubits`` is not 1 to 64.
    """
    _require_size(n_qubits)
    far = 1 if name == "ideal:line" else n_qubits
    rotations = [
        GateCalibration(gate, (q,), 0.0, 0.0)
        for gate in ("rx", "ry", "rz")
        for q in range(n_qubits)
    ]
    pairs = [
        GateCalibration("cx", (a, b), 0.0, 0.0)
        for a in range(n_qubits)
        for b in range(n_qubits)
        if 0 < abs(a - b) <= far
    ]
    return Device(
        name=name,
        qubits=(QubitCalibration(),) * n_qubits,
        gates=tuple(sorted(rotations + pairs)),
        native=IDEAL_GATES,
        is_ideal=True,
    )
