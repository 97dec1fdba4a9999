"""The calibration policy: what of a calibration is believed.

A hole must never look better than the device, because a search finds every hole:

- a gate whose error is missing, not a number, negative or >= 1, or whose duration is
  missing, not a number or negative, is unavailable; so is one marked as not operational;
- a qubit is out, with all its gates, if T1 or T2 is missing, not a number or <= 0, if a
  readout flip is not a probability, or if rz, sx or x is unavailable on it;
- an infinite T1 or T2 is believed only of a saved device that says so in a word: then it is
  a model's statement (`qas.device.uniform`) and no hole;
- T2 > 2 T1 is impossible physics and clipped to 2 T1, as Qiskit Aer does silently;
- values that no chip has (T1, T2 or a duration above a second; a pulse without duration and
  without error) count as holes; rz is virtual, so 0 and 0 are right for it.

A qubit that reports neither readout flip gets ``readout_error`` for both. Everything that
was refused or changed is written into the device's notes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from qas.device.device import INFINITE, TWO_QUBIT_GATES, Device, GateCalibration, QubitCalibration
from qas.device.reading import GateReading, QubitReading, Readings, iso_date

LONGEST = 1.0  # seconds: a thousand times the longest T1 of today's chips


def calibrated(readings: Readings) -> Device:
    """The device that the readings support; its notes say what they do not."""
    if readings.is_ideal:
        return _ideal(readings)
    notes = _Notes(readings.notes)
    qubits, reasons = _judged_qubits(readings, notes)
    gates, refused = _judged_gates(readings)
    _require_singles(readings, gates, refused, reasons)
    listed = {q for gate in readings.gates for q in gate.qubits}
    for qubit in sorted(reasons):
        if qubit in listed or not readings.is_saved:
            notes.add(f"qubit {qubit} is out: {', '.join(reasons[qubit])}")
    for name, places in sorted(refused):
        if len(places) > 1:
            notes.add(f"{name}{places} is out: {refused[name, places]}")
    date = iso_date(readings.date)
    if date is None and not readings.is_saved:
        notes.add("no calibration date")
    return Device(
        name=readings.name,
        qubits=qubits,
        gates=tuple(sorted(g for g in gates.values() if not reasons.keys() & set(g.qubits))),
        native=readings.native,
        calibration_date=date,
        dt=_in_range(readings.dt, LONGEST),
        notes=notes.lines,
        physical_qubits=readings.physical_qubits,
    )


def summary(device: Device) -> str:
    """One line on what the policy refused or changed, empty where nothing was."""
    refused = [note for note in device.notes if " is out: " in note]
    clipped = [note for note in device.notes if " clipped to " in note]
    qubits = sum(note.startswith("qubit ") for note in refused)
    counts = {
        "qubits unavailable": qubits,
        "two-qubit gates unavailable": len(refused) - qubits,
        "T2 clipped to 2 T1": len(clipped),
    }
    parts = [f"{label}: {count}" for label, count in counts.items() if count]
    parts += [note[:80] for note in device.notes if note not in refused + clipped]
    if not parts:
        return ""
    date = (device.calibration_date or "undated")[:10]
    return f"{device.name} ({date}): {'; '.join(parts)} (device.notes lists all)"


class _Notes:
    """Lines in the order of their first saying."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = dict.fromkeys(lines)

    def add(self, line: str) -> None:
        self._lines[line] = None

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self._lines)


def _judged_qubits(
    readings: Readings, notes: _Notes
) -> tuple[tuple[QubitCalibration, ...], dict[int, list[str]]]:
    qubits: list[QubitCalibration] = []
    reasons: dict[int, list[str]] = {}
    symmetric: list[int] = []
    for index, reading in enumerate(readings.qubits):
        faults: list[str] = []
        t1, t2 = _times(index, reading, faults, notes, readings.is_saved)
        p01, p10 = _flips(reading, faults)
        if not _is_operational(reading.operational):
            faults.append("not operational")
        if p01 is not None and reading.p01 is None:
            symmetric.append(index)
        qubits.append(QubitCalibration(t1, t2, p01, p10))
        if faults:
            reasons[index] = faults
    if symmetric:
        notes.add(f"readout taken as symmetric on qubits {', '.join(map(str, symmetric))}")
    return tuple(qubits), reasons


def _times(
    index: int, reading: QubitReading, faults: list[str], notes: _Notes, is_saved: bool
) -> tuple[float | None, float | None]:
    t1, t2 = _time(reading.t1, is_saved), _time(reading.t2, is_saved)
    for label, found, value in (("T1", reading.t1, t1), ("T2", reading.t2, t2)):
        if not value:
            faults.append(f"{label} {_shown(found)}")
    if t1 and t2 and t2 > 2 * t1:
        notes.add(f"qubit {index}: T2 {t2 * 1e6:.4g} us clipped to 2 T1 = {2e6 * t1:.4g} us")
        t2 = 2 * t1
    return t1 or None, t2 or None


def _time(value: object, is_saved: bool) -> float | None:
    return math.inf if is_saved and value == INFINITE else _in_range(value, LONGEST)


def _flips(reading: QubitReading, faults: list[str]) -> tuple[float | None, float | None]:
    found = (reading.p01, reading.p10)
    if found == (None, None):
        found = (reading.readout_error, reading.readout_error)
    p01, p10 = (_in_range(value, 1.0) for value in found)
    if p01 is None or p10 is None:
        faults.append(f"readout {_shown(found[0])} / {_shown(found[1])}")
        return None, None
    return p01, p10


_Key = tuple[str, tuple[int, ...]]


def _judged_gates(readings: Readings) -> tuple[dict[_Key, GateCalibration], dict[_Key, str]]:
    gates: dict[_Key, GateCalibration] = {}
    refused: dict[_Key, str] = {}
    for reading in readings.gates:
        key = reading.name, reading.qubits
        error, duration = _in_range(reading.error, 1.0), _in_range(reading.duration, LONGEST)
        fault = _fault(reading, error, duration, readings.is_ideal)
        if fault is None and error is not None and duration is not None:
            gates[key] = GateCalibration(*key, error, duration)
        else:
            refused[key] = fault or "unusable"
    return gates, refused


def _fault(
    reading: GateReading, error: float | None, duration: float | None, is_ideal: bool
) -> str | None:
    if len(reading.qubits) != (2 if reading.name in TWO_QUBIT_GATES else 1):
        return f"on {len(reading.qubits)} qubits"
    if not _is_operational(reading.operational):
        return "not operational"
    if error is None or error >= 1:
        return f"error {_shown(reading.error)}"
    if duration is None:
        return f"duration {_shown(reading.duration)}"
    if is_ideal:
        return "not ideal" if error or duration else None
    if reading.name != "rz" and error == 0 and duration == 0:
        return "error 0 and duration 0"
    return None


def _require_singles(
    readings: Readings,
    gates: dict[_Key, GateCalibration],
    refused: dict[_Key, str],
    reasons: dict[int, list[str]],
) -> None:
    for qubit in range(len(readings.qubits)):
        for name in readings.native:
            key = name, (qubit,)
            if name not in TWO_QUBIT_GATES and key not in gates:
                reasons.setdefault(qubit, []).append(f"{name} {refused.get(key, 'missing')}")


def _in_range(value: object, most: float) -> float | None:
    """The value as a float if it is a number from 0 to ``most``, else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and 0 <= number <= most else None


def _is_operational(value: object) -> bool:
    number = _in_range(int(value) if isinstance(value, bool) else value, 1.0)
    return number == 1.0


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    return f"{value:.4g}" if isinstance(value, float) else f"{value!r:.20}"


def _ideal(readings: Readings) -> Device:
    gates, refused = _judged_gates(readings)
    lines = [f"{name}{places} is out: {why}" for (name, places), why in sorted(refused.items())]
    return Device(
        name=readings.name,
        qubits=tuple(QubitCalibration() for _ in readings.qubits),
        gates=tuple(sorted(gates.values())),
        native=readings.native,
        notes=tuple(dict.fromkeys([*readings.notes, *lines])),
        physical_qubits=readings.physical_qubits,
        is_ideal=True,
    )
