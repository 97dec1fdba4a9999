"""When gates run: a circuit scheduled as late as possible (ALAP) from its durations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qas.circuit import Circuit, Gate

if TYPE_CHECKING:
    from qas.device.device import Device


def idle_after(circuit: Circuit, device: Device) -> list[tuple[float, ...]]:
    """Seconds each qubit of each gate waits after it, until its next gate or the end.

    All qubits are measured together, at the end. What a qubit waits before its first
    gate is left out: it is still in |0>, on which relaxation does nothing.
    """
    to_end = [0.0] * circuit.n_qubits
    waits: list[tuple[float, ...]] = []
    for gate in reversed(circuit.gates):
        finish = max(to_end[q] for q in gate.qubits)
        waits.append(tuple(finish - to_end[q] for q in gate.qubits))
        for q in gate.qubits:
            to_end[q] = finish + _length(gate, device)
    return waits[::-1]


def duration(circuit: Circuit, device: Device) -> float:
    """Seconds from the first gate to the measurement."""
    to_end = [0.0] * circuit.n_qubits
    for gate in reversed(circuit.gates):
        start = max(to_end[q] for q in gate.qubits) + _length(gate, device)
        for q in gate.qubits:
            to_end[q] = start
    return max(to_end)


def _length(gate: Gate, device: Device) -> float:
    calibration = device.gate(gate.name, gate.qubits)
    return calibration.duration if calibration else 0.0
