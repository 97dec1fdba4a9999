"""Hard constraints on the native circuit: "cx<=8", "depth<=20", "duration<=5us".

A strategy may explore what breaks them; it cannot report it. Growth itself respects the
number of two-qubit gates, since a circuit without swaps has as many native ones as it was
grown with: `Problem.of` lowers the limit of growth. Depth and duration are those of the
lowered, scheduled circuit, which growth does not know: a trial that is too deep or too long
is left out when the strategy hands it over, and polishing takes no step that would make it so.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import Any

from qas.circuit import Circuit
from qas.device import Device
from qas.device.schedule import duration
from qas.errors import InputError

_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_NAMES = {
    **dict.fromkeys(("cx", "cz", "ecr", "two_qubit_gates", "two-qubit gates"), "two_qubit_gates"),
    "depth": "depth",
    "duration": "duration",
}
_FORM = 'constraints read like "cx<=8", "depth<=20", "duration<=5us", separated by commas'


@dataclass(frozen=True)
class Constraints:
    """At most so much of each, of the native circuit; None: as much as you like.

    >>> Constraints.parse("cx<=8, duration<=5us")
    Constraints(two_qubit_gates=8, depth=None, duration=5e-06)
    """

    two_qubit_gates: int | None = None
    depth: int | None = None
    """As Qiskit counts it; rz counts."""
    duration: float | None = None
    """Seconds from the first gate to the measurement, scheduled as late as possible."""

    def __post_init__(self) -> None:
        for name in ("two_qubit_gates", "depth"):
            number = getattr(self, name)
            whole = isinstance(number, int) and not isinstance(number, bool)
            if number is not None and not (whole and number >= 0):
                raise InputError(f"at most how many {name}? a whole number from 0, not {number!r}")
        seconds = self.duration
        if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
            raise InputError(f"at most what duration? seconds above 0, not {seconds!r}")

    @classmethod
    def parse(cls, text: str) -> Constraints:
        """The constraints of a text.

        Raises:
            InputError: something else than such a text, or the same one twice.
        """
        found: dict[str, Any] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, sign, bound = part.partition("<=")
            key = _NAMES.get(name.strip().lower())
            if not sign or key is None or key in found:
                raise InputError(f"{part!r} is no constraint, or a second one: {_FORM}")
            found[key] = parse_seconds(bound) if key == "duration" else _whole(bound, part)
        return cls(**found)

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not None for field in fields(self))

    def __str__(self) -> str:
        parts = (("cx", self.two_qubit_gates), ("depth", self.depth))
        said = [f"{name}<={bound}" for name, bound in parts if bound is not None]
        if self.duration is not None:
            said.append(f"duration<={self.duration * 1e6:.9g}us")
        return ",".join(said)

    def excess(self, native: Circuit, patch: Device) -> dict[str, float]:
        """By how much a native circuit breaks each bound, as a share of it; empty if none.

        Sampling with constraints takes such numbers: at most 0 is feasible.
        """
        found = {}
        for name, value in self._measured(native, patch).items():
            bound = float(getattr(self, name))
            # Durations are sums of floats: equal ones may differ in the last digits.
            if value > bound * (1 + 1e-9):
                found[name] = value / bound - 1 if bound else value
        return found

    def admit(self, native: Circuit, patch: Device) -> bool:
        """True if a native circuit keeps every bound."""
        return not self.excess(native, patch)

    def _measured(self, native: Circuit, patch: Device) -> dict[str, float]:
        values: dict[str, float] = {}
        if self.two_qubit_gates is not None:
            values["two_qubit_gates"] = native.two_qubit_gates
        if self.depth is not None:
            values["depth"] = native.depth
        if self.duration is not None:
            values["duration"] = duration(native, patch)
        return values

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def parse_seconds(text: str) -> float:
    """Seconds of a text with its unit.

    Raises:
        InputError: no positive number, or no unit of time.

    >>> parse_seconds("5us"), parse_seconds("300 ns")
    (5e-06, 3e-07)
    """
    match = re.fullmatch(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([mnuµμ]?s)\s*", text)
    try:
        seconds = float(match[1]) / round(1 / _UNITS[match[2]]) if match else math.nan
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"a duration has a number and a unit (s, ms, us, ns); given {text!r:.40}")
    return seconds


def _whole(bound: str, part: str) -> int:
    try:
        return int(bound)
    except ValueError:
        raise InputError(f"{part!r} needs a whole number: {_FORM}") from None
