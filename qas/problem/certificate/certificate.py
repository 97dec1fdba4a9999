"""Certificates: what no circuit of so few two-qubit gates was found to reach."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from qas.circuit import Circuit
from qas.errors import InputError
from qas.problem.moves import dressed
from qas.problem.wiring import Pair

SCHEMA = "qas-certificate-1"
GAPS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""Edges of the histogram, hartree above the lowest energy."""
GAIN = 1e-6
"""Energies closer than this (hartree) are the same."""


@dataclass(frozen=True)
class Certificate:
    """The lowest energy found over every dressed skeleton of ``n_cx`` two-qubit gates.

    The list of skeletons is complete (`skeleton_class`), and covers all circuits of real gates with
    at most so many cx. The angles of each come from optimisation from random starts, which may miss
    an optimum: it is a numerical certificate, not a proof. ``hits`` and
    ``improved`` say how sure it is. Without noise.
    """

    task: str
    task_id: str
    """Hash of the observable."""
    n_qubits: int
    device: str
    """Whose couplings were allowed."""
    couplings: tuple[Pair, ...]
    """Pairs of the circuit's qubits that a gate may join."""
    host: tuple[Pair, ...] | None
    """Where circuits may lie anywhere on these couplings, they; see `Wiring`."""
    n_cx: int
    n_skeletons: int
    """Up to the order of commuting gates, without repeats that add nothing."""
    n_classes: int
    """The same up to symmetry: what was optimised."""
    n_symmetries: int
    """Relabellings of the qubits, the identity included, that keep observable and wiring."""
    rungs: tuple[tuple[int, int], ...]
    """(classes, starts of each in all) after each pass: every class, then the best quarter, ..."""
    energy: float
    """The lowest, hartree."""
    ground_energy: float | None
    skeleton: tuple[Pair, ...]
    """Of the lowest energy."""
    params: tuple[float, ...]
    """Its angles, radians."""
    gaps: tuple[int, ...]
    """Classes whose best energy lies up to each of `GAPS` above the lowest, and beyond the last.

    Classes that fell out early were optimised loosely, so that these are upper bounds."""
    hits: tuple[float, ...]
    """For the best few classes, the share of fresh starts that reached the best of its own."""
    improved: tuple[float, ...]
    """Share of a random sample of classes whose 2nd, 3rd, ... start went lower by over `GAIN`."""
    sample: int
    """Classes in that sample."""
    seconds: float
    seed: int | None = None
    """What the starts were drawn from, where known."""

    @property
    def error(self) -> float | None:
        """Hartree above the ground state; None where that is unknown."""
        return None if self.ground_energy is None else self.energy - self.ground_energy

    @property
    def starts(self) -> int:
        """Starts that every class had."""
        return self.rungs[0][1]

    @property
    def miss_chance(self) -> float:
        """Chance that the first pass misses a class's optimum, mean over those of ``hits``."""
        return sum((1.0 - share) ** self.starts for share in self.hits) / len(self.hits)

    @property
    def circuit(self) -> Circuit:
        """The circuit of the lowest energy, its angles bound."""
        start = Circuit(self.n_qubits)
        for qubit in range(self.n_qubits):
            start = start.then("ry", qubit)
        return dressed(start, self.skeleton).bind(self.params)

    def __str__(self) -> str:
        """One line: what is certified, and by how much work."""
        if self.error is None:
            limit = f"{self.energy:.6f} Ha"
        else:
            limit = f"{1e3 * max(self.error, 0.0):.4g} mHa above the ground state"  # rounding
        return (
            f"nothing below {limit} with at most {self.n_cx} two-qubit gates: "
            f"{self.n_skeletons:,} skeletons ({self.n_classes:,} classes), "
            f"{self.starts} starts each, {self.rungs[-1][1]} for the best {self.rungs[-1][0]}, "
            f"{self.seconds:.1f} s"
        )

    def to_json(self) -> str:
        """All fields as a JSON object of schema "qas-certificate-1"."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """The certificate that `to_json` wrote.

        Raises:
            InputError: it is not one, or its angles do not fit its skeleton.
        """
        try:
            record = json.loads(text)
            if record.pop("schema") != SCHEMA:
                raise ValueError("another schema")
            made = cls(**{name: _tuples(record.pop(name)) for name in _names() & record.keys()})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"not a certificate of schema {SCHEMA}: {error}") from error
        if record:
            raise InputError(f"a certificate has no {', '.join(record)}")
        made.circuit.to_json()  # refuses angles that do not fit
        return made


def _names() -> set[str]:
    return {field.name for field in fields(Certificate)}


def _tuples(value: Any) -> Any:
    """Lists as tuples, throughout."""
    if isinstance(value, Mapping):
        raise TypeError("no field is an object")
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
