"""Other calibrations of a chip: from a folder or a file of saved ones, none of them ours.

Two forms are read: what `load_device` reads from a file (.json, .json.gz), one calibration
each; and daily histories (.npz), one row a day: ``T1_s``, ``T2_s``, ``prob_meas0_prep1``,
``prob_meas1_prep0``, ``readout_error`` and, for sx, x and rz, ``<gate>_error`` and
``<gate>_length_s``, of shape (days, qubits); ``<pair>_edges`` (edges, 2) with ``<pair>_error``
and ``<pair>_length_s`` (days, edges) for cx, ecr or cz; SI units, holes as not-a-number. Days
of the old basis have u1, u2 and u3 in place of rz, sx and x. Every calibration passes the
policy of `qas.device.calibration`: a hole makes a gate or qubit unavailable on that day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from qas.device.calibration import calibrated
from qas.device.device import TWO_QUBIT_GATES, Device
from qas.device.load import load_device
from qas.device.reading import SINGLE_GATES, GateReading, QubitReading, Readings
from qas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_VENDOR = re.compile(r"^(fake|ibmq|ibm)+|v2$")
LEGACY = {"rz": "u1", "sx": "u2", "x": "u3"}
"""As `qas.device.reading` takes old calibrations."""
_COLUMNS = {
    "t1": "T1_s",
    "t2": "T2_s",
    "p01": "prob_meas0_prep1",
    "p10": "prob_meas1_prep0",
    "readout_error": "readout_error",
}


def load_calibrations(
    path: str | Path, device: Device, *, most: int | None = None
) -> tuple[Device, ...]:
    """Other calibrations of a device's chip, oldest first; equal ones and its own are left out.

    Args:
        path: a file, or a folder of which the files that name the chip are read: those of
            FakeManilaV2 have ``manila`` in their names.
        device: the whole chip; what differs from it in qubits or native gates is refused.
        most: keep so many, spread evenly over the dates.

    Raises:
        InputError: nothing there that fits, or a file that cannot be read.
    """
    source = Path(path)
    found = [_named(one, device) for file in _files(source, device) for one in _read(file, device)]
    kinds = {(one.n_qubits, one.native) for one in found}
    if kinds and (device.n_qubits, device.native) not in kinds:
        raise InputError(
            f"{source} holds calibrations of {sorted(n for n, _ in kinds)} qubits with "
            f"{', '.join(sorted({native[-1] for _, native in kinds}))}; {device.name} has "
            f"{device.n_qubits} with {device.two_qubit_gate}: give those of the same chip"
        )
    others = _distinct((one for one in found if one.native == device.native), device)
    if not others:
        raise InputError(f"{source} holds no other calibration of {device.name}")
    return others if most is None else _spread(others, most)


def chip_words(name: str) -> tuple[str, ...]:
    """The words by which a chip and files about it are told.

    >>> chip_words("FakeManilaV2"), chip_words("ibmq_manila_daily"), chip_words("ibm_fez")
    (('manila',), ('manila', 'daily'), ('fez',))
    """
    words = (_VENDOR.sub("", word) for word in re.split(r"[\W_]+", name.lower()))
    return tuple(word for word in words if word)


def _files(source: Path, device: Device) -> list[Path]:
    try:
        if source.is_file():
            return [source]
        inside = sorted(file for file in source.iterdir() if _is_calibration(file))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InputError(f"calibrations cannot be read from {str(source)!r}: {why}") from None
    wanted = set(chip_words(device.name))
    mine = [file for file in inside if wanted <= set(chip_words(file.name))]
    if not mine:
        names = ", ".join(file.name for file in inside[:6]) or "no calibration"
        raise InputError(
            f"{source} has no file that names {' '.join(sorted(wanted))}, the chip of "
            f"{device.name}; it has {names}"
        )
    return mine


def _is_calibration(file: Path) -> bool:
    return file.is_file() and file.name.lower().endswith((".npz", ".json", ".json.gz"))


def _read(file: Path, device: Device) -> Iterator[Device]:
    if file.suffix.lower() != ".npz":
        yield load_device(file)
        return
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            columns = {name: data[name] for name in data.files}
        for readings in _days(columns, device):
            yield calibrated(readings)
    except (OSError, ValueError, KeyError, IndexError, EOFError, BadZipFile) as error:
        raise InputError(f"{str(file)!r} is no daily history: {str(error)[:120]}") from None


def _days(columns: Mapping[str, NDArray[Any]], device: Device) -> Iterator[Readings]:
    """What each row of a history says."""
    pair = next((gate for gate in TWO_QUBIT_GATES if f"{gate}_error" in columns), None)
    if pair is None:
        raise KeyError(f"no error of {', '.join(TWO_QUBIT_GATES)}")
    edges = [(int(a), int(b)) for a, b in columns[f"{pair}_edges"]]
    n_days, n_qubits = columns["T1_s"].shape
    if not all(0 <= q < n_qubits for edge in edges for q in edge):
        raise IndexError(f"an edge leaves the {n_qubits} qubits")
    for day in range(n_days):
        qubits = (
            QubitReading(**{key: _value(columns, name, day, q) for key, name in _COLUMNS.items()})
            for q in range(n_qubits)
        )
        places: list[tuple[str, tuple[int, ...], int]] = [
            *((gate, (q,), q) for gate in SINGLE_GATES for q in range(n_qubits)),
            *((pair, edge, k) for k, edge in enumerate(edges)),
        ]
        gates = (
            GateReading(
                name,
                where,
                _of_gate(columns, name, "error", day, k),
                _of_gate(columns, name, "length_s", day, k),
            )
            for name, where, k in places
        )
        date = str(columns["last_update_date"][day]) if "last_update_date" in columns else None
        yield Readings(
            device.name, tuple(qubits), tuple(gates), (*SINGLE_GATES, pair), date, device.dt
        )


def _of_gate(
    columns: Mapping[str, NDArray[Any]], name: str, what: str, day: int, at: int
) -> float | None:
    """A gate's number, else that of the gate of the old basis that stood for it."""
    number = _value(columns, f"{name}_{what}", day, at)
    if number is None and name in LEGACY:
        number = _value(columns, f"{LEGACY[name]}_{what}", day, at)
    return number


def _value(columns: Mapping[str, NDArray[Any]], name: str, day: int, at: int) -> float | None:
    """A number of the history; None where it has none."""
    column = columns.get(name)
    value = float("nan") if column is None else float(column[day, at])
    return value if np.isfinite(value) else None


def _named(one: Device, device: Device) -> Device:
    """The calibration under the device's own name and dt, so that equal ones are equal."""
    return replace(one, name=device.name, dt=device.dt)


def _distinct(found: Iterable[Device], device: Device) -> tuple[Device, ...]:
    """Calibrations of as many qubits, by date, each once, without the device's own."""
    known = {_content(device)}
    kept: list[Device] = []
    for one in sorted(found, key=lambda d: d.calibration_date or ""):
        content = _content(one)
        if one.n_qubits == device.n_qubits and content not in known:
            known.add(content)
            kept.append(one)
    return tuple(kept)


def _content(device: Device) -> tuple[object, ...]:
    """What a calibration says; files round times differently and write dates in their own way."""
    numbers = [n for q in device.qubits for n in (q.t1, q.t2, q.p01, q.p10)]
    numbers += [n for gate in device.gates for n in (gate.error, gate.duration)]
    places = tuple((gate.name, gate.qubits) for gate in device.gates)
    return places, tuple(None if n is None else float(f"{n:.9e}") for n in numbers)


def _spread(others: tuple[Device, ...], most: int) -> tuple[Device, ...]:
    if most < 1:
        raise InputError(f"keep at least one calibration; given {most}")
    places = np.unique(np.linspace(0, len(others) - 1, min(most, len(others))).round().astype(int))
    return tuple(others[k] for k in places)
