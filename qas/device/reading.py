"""What a calibration file says, before anything in it is believed.

Three sources end in one `Readings`: IBM's properties + configuration, a device saved by
`Device.to_json`, and (through the first) a live backend. Values stay as found, holes
included, with IBM's units turned to SI by the same arithmetic as Qiskit's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qas.device.device import SCHEMA, TWO_QUBIT_GATES
from qas.errors import InputError

SINGLE_GATES = ("rz", "sx", "x")
IDEAL_GATES = ("rx", "ry", "rz", "cx")
MOST_QUBITS = 10_000
_POWERS = {"f": 15, "p": 12, "n": 9, "u": 6, "µ": 6, "μ": 6, "m": 3}
_LEGACY = {"rz": "u1", "sx": "u2", "x": "u3"}


@dataclass(frozen=True)
class QubitReading:
    """One qubit's values as found: seconds, probabilities, None where missing."""

    t1: object = None
    t2: object = None
    p01: object = None
    p10: object = None
    readout_error: object = None
    operational: object = 1


@dataclass(frozen=True)
class GateReading:
    """One gate's values as found; ``error`` and ``duration`` (seconds) None where missing."""

    name: str
    qubits: tuple[int, ...]
    error: object = None
    duration: object = None
    operational: object = 1


@dataclass(frozen=True)
class Readings:
    """All that a source says about a device."""

    name: str
    qubits: tuple[QubitReading, ...]
    gates: tuple[GateReading, ...]
    native: tuple[str, ...]
    date: object = None
    dt: object = None
    notes: tuple[str, ...] = ()
    physical_qubits: tuple[int, ...] = ()
    is_ideal: bool = False
    is_saved: bool = False
    """True for a saved device: what it leaves out was refused when it was made."""


def read_runtime(
    properties: Mapping[str, Any], configuration: Mapping[str, Any], name: str | None = None
) -> Readings:
    """Readings of IBM's properties and configuration (both as their JSON's dictionaries).

    Raises:
        InputError: the shape is wrong or the basis cannot express sx, x, rz.
    """
    title = name or _text(configuration.get("backend_name")) or "unnamed device"
    n_qubits = _count(configuration.get("n_qubits"), title)
    rows = _rows(properties, "qubits", title)
    if len(rows) > n_qubits:
        raise InputError(f"{title}: properties of {len(rows)} qubits, but n_qubits is {n_qubits}")
    source, notes = _basis(configuration, title)
    found = dict(_runtime_gates(properties, configuration, n_qubits, title))
    gates = tuple(
        GateReading(native, reading.qubits, reading.error, reading.duration, reading.operational)
        for native, original in source.items()
        for (gate_name, _), reading in found.items()
        if gate_name == original
    )
    qubits = tuple(_qubit_reading(rows[q] if q < len(rows) else ()) for q in range(n_qubits))
    dt = configuration.get("dt")
    return Readings(
        title,
        qubits,
        gates,
        native=tuple(source),
        date=properties.get("last_update_date"),
        dt=dt * 1e-9 if isinstance(dt, (int, float)) else None,
        notes=notes,
    )


def _basis(configuration: Mapping[str, Any], title: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Which listed gate each native gate is; chosen from the configuration alone, so that a
    hole in the calibration cannot change the choice."""
    basis = configuration.get("basis_gates")
    names = [b for b in basis if isinstance(b, str)] if isinstance(basis, (list, tuple)) else []
    notes: list[str] = []
    if set(SINGLE_GATES) <= set(names):
        source = {gate: gate for gate in SINGLE_GATES}
    elif set(_LEGACY.values()) <= set(names):
        source = dict(_LEGACY)
        notes.append("old basis: rz is u1, sx is u2(-pi/2, pi/2), x is u3(pi, 0, pi)")
    else:
        raise InputError(
            f"{title} has the basis gates {names}; needed are rz, sx and x (or u1, u2, u3) "
            "and one of cx, ecr, cz: choose another device"
        )
    edges = Counter({gate: _n_edges(configuration, gate) for gate in TWO_QUBIT_GATES})
    both = [gate for gate in TWO_QUBIT_GATES if gate in names]
    if both:
        chosen = max(both, key=lambda gate: edges[gate])
        source[chosen] = chosen
        notes += [
            f"{gate} is left out: {chosen} covers more edges" for gate in both if gate != chosen
        ]
    elif configuration.get("n_qubits") != 1:
        raise InputError(f"{title} has none of cx, ecr, cz in its basis {names}")
    return source, tuple(notes)


def _n_edges(configuration: Mapping[str, Any], gate: str) -> int:
    return sum(1 for name, _ in _listed(configuration) if name == gate)


def _listed(configuration: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Gates and qubits that the configuration lists."""
    gates = configuration.get("gates")
    for entry in gates if isinstance(gates, (list, tuple)) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            places = entry.get("coupling_map")
            for qubits in places if isinstance(places, (list, tuple)) else ():
                yield entry["name"], qubits


def _runtime_gates(
    properties: Mapping[str, Any], configuration: Mapping[str, Any], n_qubits: int, title: str
) -> Iterator[tuple[tuple[str, tuple[int, ...]], GateReading]]:
    """Each gate's reading; one listed without properties comes first, as a hole."""
    for name, listed in _listed(configuration):
        qubits = _indices(listed, n_qubits, f"{title}: the configuration's {name}")
        yield (name, qubits), GateReading(name, qubits)
    for position, entry in enumerate(_rows(properties, "gates", title)):
        where = f"{title}: gates[{position}] of the properties"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("gate"), str):
            raise InputError(f"{where} is no gate: it needs 'gate', 'qubits' and 'parameters'")
        qubits = _indices(entry.get("qubits"), n_qubits, where)
        values = _values(entry.get("parameters"))
        yield (
            (entry["gate"], qubits),
            GateReading(
                entry["gate"],
                qubits,
                values.get("gate_error"),
                values.get("gate_length"),
                values.get("operational", 1),
            ),
        )


def _qubit_reading(row: object) -> QubitReading:
    values = _values(row)
    return QubitReading(
        t1=values.get("T1"),
        t2=values.get("T2"),
        p01=values.get("prob_meas0_prep1"),
        p10=values.get("prob_meas1_prep0"),
        readout_error=values.get("readout_error"),
        operational=values.get("operational", 1),
    )


def _values(row: object) -> dict[str, object]:
    """Name -> value in SI units; a value that has no known unit becomes text, so unusable."""
    values: dict[str, object] = {}
    for entry in row if isinstance(row, (list, tuple)) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            values[entry["name"]] = _in_si(entry.get("value"), entry.get("unit"))
    return values


def _in_si(value: object, unit: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if unit is None or unit in ("", "s"):
        return value
    if isinstance(unit, str) and len(unit) == 2 and unit[1] == "s" and unit[0] in _POWERS:
        try:
            return float(value / 10 ** _POWERS[unit[0]])
        except OverflowError:
            return value
    return f"{value} {unit}"


def read_saved(data: Mapping[str, Any]) -> Readings:
    """Readings of a device saved by `Device.to_json`.

    Raises:
        InputError: a field is missing or of the wrong shape.
    """
    title = _text(data.get("name"))
    if data.get("schema") != SCHEMA or not title:
        raise InputError(f"a saved device needs a name and the schema {SCHEMA!r}")
    rows = _rows(data, "qubits", title)
    n_qubits = _count(len(rows), title)
    is_ideal = data.get("is_ideal") is True
    native = tuple(_rows(data, "native", title))
    if not _is_native(native, is_ideal):
        raise InputError(f"{title}: the native gates {native!r} are not a set this engine knows")
    physical = _indices(data.get("physical_qubits"), MOST_QUBITS, f"{title}: physical_qubits")
    if len(physical) != n_qubits:
        raise InputError(f"{title}: {len(physical)} physical_qubits for {n_qubits} qubits")
    return Readings(
        title,
        tuple(_saved_qubit(row, title) for row in rows),
        tuple(_saved_gate(row, n_qubits, native, title) for row in _rows(data, "gates", title)),
        native,
        date=data.get("calibration_date"),
        dt=data.get("dt"),
        notes=tuple(str(note) for note in _rows(data, "notes", title)),
        physical_qubits=physical,
        is_ideal=is_ideal,
        is_saved=True,
    )


def _is_native(native: tuple[Any, ...], is_ideal: bool) -> bool:
    if is_ideal:
        return native == IDEAL_GATES
    return native[:3] == SINGLE_GATES and native[3:] in ((), *((g,) for g in TWO_QUBIT_GATES))


def _saved_qubit(row: object, title: str) -> QubitReading:
    if not isinstance(row, Mapping):
        raise InputError(f"{title}: a qubit is an object with t1, t2, p01, p10, not {row!r:.40}")
    return QubitReading(row.get("t1"), row.get("t2"), row.get("p01"), row.get("p10"))


def _saved_gate(row: object, n_qubits: int, native: tuple[str, ...], title: str) -> GateReading:
    if not isinstance(row, Mapping) or row.get("name") not in native:
        raise InputError(f"{title}: a gate is an object with a native name, not {row!r:.40}")
    qubits = _indices(row.get("qubits"), n_qubits, f"{title}: gate {row['name']}")
    return GateReading(row["name"], qubits, row.get("error"), row.get("duration"))


def iso_date(value: object) -> str | None:
    """An ISO 8601 date of a date or of text that is one; None of anything else."""
    if isinstance(value, datetime):
        return value.isoformat()
    try:
        datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return str(value)


def _rows(data: Mapping[str, Any], key: str, title: str) -> list[Any]:
    rows = data.get(key)
    if not isinstance(rows, (list, tuple)):
        raise InputError(f"{title}: {key!r} must be a list, not {type(rows).__name__}")
    return list(rows)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: object, title: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_QUBITS:
        raise InputError(f"{title}: n_qubits must be 1 to {MOST_QUBITS}, not {value!r:.40}")
    return value


def _indices(value: object, n_qubits: int, where: str) -> tuple[int, ...]:
    qubits = tuple(value) if isinstance(value, (list, tuple)) else ()
    good = all(type(q) is int and 0 <= q < n_qubits for q in qubits)
    if not qubits or not good or len(set(qubits)) < len(qubits):
        raise InputError(
            f"{where} names the qubits {value!r:.40}; needed are different whole numbers "
            f"from 0 to {n_qubits - 1}"
        )
    return qubits
