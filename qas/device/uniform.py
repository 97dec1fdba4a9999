"""Devices whose qubits and couplings are all alike: a chip's medians, or depolarizing noise.

A published study often states two or three numbers in place of a calibration: the medians
of a chip, or the strength of a depolarizing channel. Here they are average gate
infidelities, as calibrations report them: the channel rho -> (1 - q) rho + q I/d after a
gate has the average infidelity p = q (d - 1) / d, with d = 2 or 4 (Nielsen, Phys. Lett. A
303, 249 (2002)), so a study that states q is entered as p. A bit that is read wrongly is
read so equally often from 0 and from 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from numbers import Integral, Real
from types import MappingProxyType

from qas.device.calibration import LONGEST
from qas.device.device import Device, GateCalibration, QubitCalibration
from qas.device.ideal import MOST_IDEAL_QUBITS
from qas.errors import InputError

NATIVE = ("rz", "sx", "x", "cx")
DURATIONS = (35e-9, 300e-9)
"""Seconds of a pulse and of a cx on a transmon chip; they matter where T1 or T2 is given."""
PRESETS = MappingProxyType(
    {
        "mumbai-medians": ("p1=2.44e-4,p2=8.25e-3,readout=2.25e-2", "ibmq_mumbai", ""),
        "ourense-medians": (
            "p1=5.22e-4,p2=1.25e-2",
            "ibmq_ourense",
            "no readout error is stated for it: taken as 0",
        ),
    }
)
"""Name -> the form of `uniform_device`'s values, the chip, and what the source leaves out."""
UNIFORM_NAMES = tuple(PRESETS)
UNIFORM_FORM = "uniform:p1=...,p2=..."
_KEYS = ("p1", "p2", "readout", "t1", "t2")


def uniform_device(
    n_qubits: int,
    p1: float,
    p2: float,
    *,
    readout: float = 0.0,
    t1: float | None = None,
    t2: float | None = None,
    line: bool = False,
    durations: tuple[float, float] = DURATIONS,
    name: str | None = None,
    notes: tuple[str, ...] = (),
) -> Device:
    """A device of n alike qubits with the native gates rz (virtual, free of error), sx, x, cx.

    Without ``t1`` and ``t2`` nothing relaxes and the whole of each error is depolarizing.
    With them relaxation over the gate's duration is a part of it, as in
    `qas.device.noise`: a gate that relaxes by more than its error is worse than its error.

    Args:
        n_qubits: 1 to 64.
        p1: average infidelity of sx and x, 0 to 2/3.
        p2: average infidelity of cx, 0 to 4/5.
        readout: probability of reading the other bit, 0 to 1/2.
        t1: relaxation time in seconds; None: none.
        t2: dephasing time in seconds, at most 2 t1; None: 2 t1, relaxation's own.
        line: couple neighbours only; otherwise every pair. Both directions alike.
        durations: seconds of sx and x, and of cx.
        name: of the device; None: the name by which `qas.load_device` makes it again.
        notes: where the values are from.

    Raises:
        InputError: a value that is out of its range.

    >>> device = uniform_device(3, 1e-3, 1e-2, line=True)
    >>> device.name, device.couplings
    ('uniform:line,p1=0.001,p2=0.01', ((0, 1), (1, 0), (1, 2), (2, 1)))
    """
    size = _size(n_qubits)
    pulse, pair = (_checked("a duration in seconds", value, LONGEST, 0.0) for value in durations)
    values = {
        "p1": _checked("p1, an average gate infidelity,", p1, 2 / 3),
        "p2": _checked("p2, an average gate infidelity,", p2, 4 / 5),
        "readout": _checked("readout, the probability of a wrong bit,", readout, 1 / 2),
    }
    times = {"t1": t1, "t2": t2}
    values |= {
        key: _checked(f"{key} in seconds", value, LONGEST, 0.0)
        for key, value in times.items()
        if value is not None
    }
    qubit = _qubit(values["readout"], values.get("t1"), values.get("t2"))
    return Device(
        name=_form(values, line) if name is None else name,
        qubits=(qubit,) * size,
        gates=tuple(sorted(_gates(size, values["p1"], values["p2"], pulse, pair, line))),
        native=NATIVE,
        notes=notes,
    )


def named_uniform_device(name: str, n_qubits: int) -> Device | None:
    """The device of "uniform:[line,]p1=...,p2=...[,readout=...][,t1=...][,t2=...]" or of one of
    `UNIFORM_NAMES`, upper or lower case; None where the name is of neither kind.

    Raises:
        InputError: the form of the name is wrong, or a value in it.

    >>> named_uniform_device("uniform:p1=1e-3,p2=1e-2", 2).gate("cx", (0, 1)).error
    0.01
    >>> named_uniform_device("mumbai-medians", 4).qubits[0].p01
    0.0225
    """
    text = name.strip().lower()
    if text in PRESETS:
        form, chip, lack = PRESETS[text]
        said = (
            f"medians of {chip} as CRLQAS states them (arXiv:2402.03500): all qubits alike",
            "no T1, T2: all errors depolarizing; every pair is coupled",
        )
        noted = (*said, lack) if lack else said
        return replace(_formed(form, n_qubits, text), name=text, notes=noted)
    kind, _, form = text.partition(":")
    if kind != "uniform":
        return None
    return _formed(form, n_qubits, name)


def _formed(form: str, n_qubits: int, given: str) -> Device:
    values, line = _parsed(form, given)
    return uniform_device(
        n_qubits,
        values["p1"],
        values["p2"],
        readout=values.get("readout", 0.0),
        t1=values.get("t1"),
        t2=values.get("t2"),
        line=line,
    )


def _parsed(form: str, name: str) -> tuple[dict[str, float], bool]:
    """Values and whether the form says line."""
    values: dict[str, float] = {}
    words = [word.strip() for word in form.split(",") if word.strip()]
    for word in words:
        key, equals, number = (part.strip() for part in word.partition("="))
        if word == "line":
            continue
        if key not in _KEYS or not equals:
            raise _malformed(name, f"{word[:40]!r} is none of line, {', '.join(_KEYS)} = number")
        if key in values:
            raise _malformed(name, f"{key} is given twice")
        try:
            values[key] = float(number)
        except ValueError:
            raise _malformed(name, f"{key} is {number[:40]!r}, which is no number") from None
    missing = [key for key in ("p1", "p2") if key not in values]
    if missing:
        raise _malformed(name, f"{' and '.join(missing)} must be given")
    return values, "line" in words


def _malformed(name: str, why: str) -> InputError:
    return InputError(
        f"device {name[:120]!r}: {why}; needed is uniform:p1=2.44e-4,p2=8.25e-3 (average gate "
        "infidelities), with line, readout=2.25e-2, t1=100e-6, t2=80e-6 (seconds) as you like"
    )


def _size(n_qubits: object) -> int:
    if isinstance(n_qubits, Integral) and not isinstance(n_qubits, bool):
        size = int(n_qubits)
        if 1 <= size <= MOST_IDEAL_QUBITS:
            return size
    raise InputError(f"a uniform device has 1 to {MOST_IDEAL_QUBITS} qubits, not {n_qubits!r:.40}")


def _checked(label: str, value: object, most: float, above: float = -1.0) -> float:
    """The value as a float, if it is a number from 0 to ``most`` and above ``above``."""
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        if 0.0 <= number <= most and number > above:
            return number
    span = f"from 0 to {most:.4g}" if above < 0 else f"above 0, at most {most:.4g}"
    raise InputError(f"{label} must be a number {span}; given {value!r:.40}")


def _qubit(readout: float, t1: float | None, t2: float | None) -> QubitCalibration:
    relaxes = math.inf if t1 is None else t1
    dephases = 2 * relaxes if t2 is None else t2
    if dephases > 2 * relaxes:
        raise InputError(
            f"t2 can be at most 2 t1 = {2 * relaxes:.4g} s; given {dephases:.4g}: leave it out "
            "for a qubit that only relaxes"
        )
    return QubitCalibration(relaxes, dephases, readout, readout)


def _gates(
    n_qubits: int, p1: float, p2: float, pulse: float, pair: float, line: bool
) -> Iterator[GateCalibration]:
    for q in range(n_qubits):
        yield GateCalibration("rz", (q,), 0.0, 0.0)
        yield GateCalibration("sx", (q,), p1, pulse)
        yield GateCalibration("x", (q,), p1, pulse)
    far = 1 if line else n_qubits
    for a in range(n_qubits):
        for b in range(n_qubits):
            if 0 < abs(a - b) <= far:
                yield GateCalibration("cx", (a, b), p2, pair)


def _form(values: dict[str, float], line: bool) -> str:
    shown = [f"{key}={values[key]!r}" for key in _KEYS if values.get(key) or key in ("p1", "p2")]
    return f"uniform:{','.join((['line'] if line else []) + shown)}"
