"""A quantum device with one dated calibration, as a value."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from qas.errors import InputError

if TYPE_CHECKING:
    import networkx

    from qas.circuit import Circuit
    from qas.device.lowering import Lowering

SCHEMA = "qas-device-1"
INFINITE = "infinite"
"""How a saved device says that T1 or T2 is infinite, for which JSON has no number."""
TWO_QUBIT_GATES = ("cz", "ecr", "cx")


@dataclass(frozen=True, slots=True)
class QubitCalibration:
    """One qubit's times in seconds and readout flips as probabilities; None = unusable.

    An infinite time says that the qubit does not relax or dephase; no measured chip has one.
    """

    t1: float | None = None
    """Relaxation time in seconds."""
    t2: float | None = None
    """Dephasing time in seconds, at most 2 t1."""
    p01: float | None = None
    """Probability to read 0 where 1 was prepared."""
    p10: float | None = None
    """Probability to read 1 where 0 was prepared."""


@dataclass(frozen=True, slots=True, order=True)
class GateCalibration:
    """One available native gate on given qubits."""

    name: str
    qubits: tuple[int, ...]
    error: float
    """Average gate infidelity as reported, in [0, 1)."""
    duration: float
    """Seconds."""


@dataclass(frozen=True)
class Device:
    """A device: its qubits, available native gates and one calibration.

    Only gates that the calibration policy lets through are present; what it refused or
    clipped stands in ``notes``. Equal by content; the hash is one over the values and
    leaves the wording of the notes out.
    """

    name: str
    qubits: tuple[QubitCalibration, ...]
    gates: tuple[GateCalibration, ...]
    """Sorted by name, then qubits."""
    native: tuple[str, ...]
    """("rz", "sx", "x", and one of "cx", "ecr", "cz"); ideal: ("rx", "ry", "rz", "cx")."""
    calibration_date: str | None = None
    """ISO 8601."""
    dt: float | None = None
    """Time resolution in seconds."""
    notes: tuple[str, ...] = ()
    physical_qubits: tuple[int, ...] = ()
    """Index on the whole chip of each qubit; the identity for a whole chip."""
    is_ideal: bool = False

    def __post_init__(self) -> None:
        if not self.physical_qubits:
            object.__setattr__(self, "physical_qubits", tuple(range(len(self.qubits))))

    def __hash__(self) -> int:
        return int(self.hash[:15], 16)

    @property
    def n_qubits(self) -> int:
        """Number of qubits, unavailable ones included."""
        return len(self.qubits)

    @cached_property
    def hash(self) -> str:
        """SHA-256, in hex, over everything but the notes."""
        content = self._as_dict()
        del content["notes"]
        return hashlib.sha256(_canonical(content).encode()).hexdigest()

    @cached_property
    def _gate_table(self) -> dict[tuple[str, tuple[int, ...]], GateCalibration]:
        return {(gate.name, gate.qubits): gate for gate in self.gates}

    def gate(self, name: str, qubits: Sequence[int]) -> GateCalibration | None:
        """The calibration of a gate on ordered qubits, or None where it is unavailable."""
        return self._gate_table.get((name, tuple(qubits)))

    @cached_property
    def available_qubits(self) -> tuple[int, ...]:
        """Qubits whose native one-qubit gates are all available."""
        singles = [name for name in self.native if name not in TWO_QUBIT_GATES]
        return tuple(
            q for q in range(self.n_qubits) if all(self.gate(name, (q,)) for name in singles)
        )

    @property
    def two_qubit_gate(self) -> str:
        """Name of the native two-qubit gate; empty on a one-qubit device, which has none."""
        return next((name for name in self.native if name in TWO_QUBIT_GATES), "")

    @cached_property
    def couplings(self) -> tuple[tuple[int, int], ...]:
        """Directed pairs on which the native two-qubit gate is available, sorted."""
        pairs = [gate.qubits for gate in self.gates if gate.name == self.two_qubit_gate]
        return tuple(sorted((a, b) for a, b in pairs))

    @cached_property
    def _neighbour_table(self) -> tuple[tuple[int, ...], ...]:
        table: list[set[int]] = [set() for _ in range(self.n_qubits)]
        for a, b in self.couplings:
            table[a].add(b)
            table[b].add(a)
        return tuple(tuple(sorted(row)) for row in table)

    def neighbours(self, qubit: int) -> tuple[int, ...]:
        """Qubits that share an edge with this one, in either direction, sorted."""
        self._require_on_device(qubit)
        return self._neighbour_table[qubit]

    @cached_property
    def graph(self) -> networkx.DiGraph[int]:
        """The couplings as a networkx.DiGraph over all qubits; treat it as read-only."""
        import networkx

        graph: networkx.DiGraph[int] = networkx.DiGraph()
        graph.add_nodes_from(range(self.n_qubits))
        graph.add_edges_from(self.couplings)
        return graph

    def require_coupling(self, a: int, b: int) -> None:
        """Raise InputError unless the two qubits share an edge in either direction."""
        for qubit in (a, b):
            self._require_on_device(qubit)
        if b not in self.neighbours(a):
            near = ", ".join(map(str, self.neighbours(a))) or "none"
            raise InputError(
                f"qubits {a} and {b} share no edge on {self.name}; "
                f"connected neighbours of {a} are {near}"
            )

    def _require_on_device(self, qubit: int) -> None:
        if isinstance(qubit, bool) or not hasattr(qubit, "__index__"):
            raise InputError(f"{qubit!r} is not a qubit; qubits are whole numbers from 0")
        if not 0 <= qubit < self.n_qubits:
            raise InputError(
                f"qubit {qubit} is not on {self.name}, whose qubits are 0 to {self.n_qubits - 1}"
            )

    def patch(self, qubits: Sequence[int]) -> Device:
        """The device restricted to ``qubits`` in that order: qubit i of it is ``qubits[i]``.

        Raises:
            InputError: a qubit is out of range, named twice or unavailable.
        """
        chosen = self._checked_patch(qubits)
        place = {qubit: index for index, qubit in enumerate(chosen)}
        gates = (
            GateCalibration(g.name, tuple(place[q] for q in g.qubits), g.error, g.duration)
            for g in self.gates
            if all(q in place for q in g.qubits)
        )
        return Device(
            name=self.name,
            qubits=tuple(self.qubits[q] for q in chosen),
            gates=tuple(sorted(gates)),
            native=self.native,
            calibration_date=self.calibration_date,
            dt=self.dt,
            notes=self.notes,
            physical_qubits=tuple(self.physical_qubits[q] for q in chosen),
            is_ideal=self.is_ideal,
        )

    def _checked_patch(self, qubits: Sequence[int]) -> tuple[int, ...]:
        for qubit in qubits:
            self._require_on_device(qubit)
        chosen = tuple(int(q) for q in qubits)
        if not chosen:
            raise InputError(f"a patch of {self.name} needs at least one qubit; none was given")
        if len(set(chosen)) < len(chosen):
            twice = sorted({q for q in chosen if chosen.count(q) > 1})
            raise InputError(f"a patch names each qubit once; {twice} stand in {chosen} twice")
        unavailable = sorted(set(chosen) - set(self.available_qubits))
        if unavailable:
            raise InputError(
                f"qubits {unavailable} of {self.name} are unavailable in this calibration "
                f"(device.notes says why); available: {_shortened(self.available_qubits)}"
            )
        return chosen

    def layouts(self, n_qubits: int, limit: int = 64) -> tuple[tuple[int, ...], ...]:
        """Ordered connected layouts, best calibration first: `qas.device.patch.layouts`."""
        from qas.device import patch

        return patch.layouts(self, n_qubits, limit)

    def best_patch(self, n_qubits: int) -> tuple[int, ...]:
        """The best-calibrated connected qubits: `qas.device.patch.best_patch`."""
        from qas.device import patch

        return patch.best_patch(self, n_qubits)

    def lowering(
        self, circuit: Circuit, qubits: Sequence[int] | None = None, *, apart: bool = False
    ) -> Lowering:
        """Lower a circuit to native gates, circuit qubit i on ``qubits[i]``.

        Without ``qubits`` the first ``circuit.n_qubits`` of the device are used. With ``apart``
        rotations do not merge, and the native angles are the circuit's own.
        """
        from qas.device.lowering import lower_onto

        chosen = range(circuit.n_qubits) if qubits is None else qubits
        if len(chosen) != circuit.n_qubits:
            raise InputError(
                f"the circuit has {circuit.n_qubits} qubits, the patch {len(chosen)}: "
                f"name one qubit of {self.name} for each"
            )
        whole = qubits is None and circuit.n_qubits == self.n_qubits
        return lower_onto(circuit, self if whole else self.patch(chosen), apart=apart)

    def lower(
        self, circuit: Circuit, qubits: Sequence[int] | None = None, *, apart: bool = False
    ) -> Circuit:
        """The native circuit of `lowering`."""
        return self.lowering(circuit, qubits, apart=apart).native

    def _as_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "name": self.name,
            "calibration_date": self.calibration_date,
            "dt": self.dt,
            "native": list(self.native),
            "is_ideal": self.is_ideal,
            "physical_qubits": list(self.physical_qubits),
            "qubits": [
                {"t1": _written(q.t1), "t2": _written(q.t2), "p01": q.p01, "p10": q.p10}
                for q in self.qubits
            ],
            "gates": [
                {"name": g.name, "qubits": list(g.qubits), "error": g.error, "duration": g.duration}
                for g in self.gates
            ],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """The device as canonical JSON of schema "qas-device-1"."""
        return _canonical(self._as_dict())

    @classmethod
    def from_json(cls, text: str) -> Device:
        """Read what `to_json` wrote; edited values pass the calibration policy again.

        Raises:
            InputError: not JSON, or not of this schema.
        """
        from qas.device.load import device_from_json

        return device_from_json(text, "the given text")


def _canonical(content: dict[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _written(seconds: float | None) -> float | str | None:
    return INFINITE if seconds == math.inf else seconds


def _shortened(qubits: Sequence[int], most: int = 20) -> str:
    shown = ", ".join(map(str, qubits[:most])) or "none"
    return f"{shown}, ... ({len(qubits)} in all)" if len(qubits) > most else shown
