"""The circuit: a frozen list of gates. It *is* the architecture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit.gate import Gate, checked_gate, gate_width
from qas.circuit.motif import MOTIFS, motif
from qas.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

MAX_QUBITS = 1024
MAX_GATES = 1_000_000
MAX_TEXT = 64 * 2**20


@dataclass(frozen=True)
class Circuit:
    """Gates on qubits that start in |0...0>; equal by content, cheap to extend.

    Free rotations are numbered in gate order: parameter ``k`` is the angle, in
    radians, of the ``k``-th free rotation.

    >>> bell = Circuit(2).then("ry", 0).then("cx", 0, 1)
    >>> bell.n_params, bell.two_qubit_gates, bell.depth
    (1, 1, 2)
    >>> Circuit.from_json(bell.to_json()) == bell
    True
    """

    n_qubits: int
    """Number of qubits; state preparation is gates, visible and counted."""
    gates: tuple[Gate, ...] = ()
    """Gates in the order of time."""

    def __post_init__(self) -> None:
        n = self.n_qubits
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MAX_QUBITS:
            raise InputError(f"a circuit has 1..{MAX_QUBITS} qubits; given {n!r}")

    @cached_property
    def _hash(self) -> int:
        return hash((self.n_qubits, self.gates))

    def __hash__(self) -> int:
        return self._hash

    def then(
        self,
        name: str,
        *qubits: int,
        angle: float | None = None,
        input: int | None = None,
    ) -> Circuit:
        """This circuit followed by one gate; a rotation without ``angle`` is free.

        With ``input`` a rotation turns by that data input, in radians, plus ``angle``. The names
        of `qas.circuit.motif` (rxx, ryy, rzz, rzx, sqrth) are written out in other gates, the
        angle standing in one rz.

        Raises:
            InputError: the gate is unknown or does not fit.

        >>> Circuit(2).then("rzz", 0, 1).n_params, Circuit(1).then("ry", 0, input=3).n_inputs
        (1, 4)
        """
        if name in MOTIFS:
            return Circuit(self.n_qubits, (*self.gates, *motif(name, qubits, angle, self.n_qubits)))
        gate = checked_gate(name, qubits, angle, self.n_qubits, input)
        return Circuit(self.n_qubits, (*self.gates, gate))

    def append(self, other: Circuit) -> Circuit:
        """This circuit followed by all gates of ``other`` (same number of qubits)."""
        if other.n_qubits != self.n_qubits:
            raise InputError(f"cannot append {other.n_qubits} qubits to {self.n_qubits}")
        return Circuit(self.n_qubits, self.gates + other.gates)

    @classmethod
    def of(cls, n_qubits: int, gates: Sequence[Gate]) -> Circuit:
        """A circuit of the given gates, each checked.

        Raises:
            InputError: a gate does not fit ``n_qubits``.
        """
        empty = cls(n_qubits)
        checked = [checked_gate(g.name, g.qubits, g.angle, n_qubits, g.input) for g in gates]
        return cls(empty.n_qubits, tuple(checked))

    @cached_property
    def free(self) -> tuple[int, ...]:
        """Positions of the free rotations: parameter k stands in ``gates[free[k]]``."""
        return tuple(i for i, gate in enumerate(self.gates) if gate.is_free)

    @property
    def n_params(self) -> int:
        """Number of free angles."""
        return len(self.free)

    @cached_property
    def n_inputs(self) -> int:
        """Data inputs that the circuit takes: one more than the highest number used."""
        return 1 + max((g.input for g in self.gates if g.input is not None), default=-1)

    @cached_property
    def input_places(self) -> tuple[int, ...]:
        """Positions of the rotations that turn by a data input."""
        return tuple(i for i, gate in enumerate(self.gates) if gate.input is not None)

    @cached_property
    def two_qubit_gates(self) -> int:
        """Number of gates on two qubits."""
        return sum(len(gate.qubits) == 2 for gate in self.gates)

    @cached_property
    def depth(self) -> int:
        """Length of the longest chain of gates, as Qiskit counts it; rz counts."""
        level = [0] * self.n_qubits
        for gate in self.gates:
            top = 1 + max(level[q] for q in gate.qubits)
            for q in gate.qubits:
                level[q] = top
        return max(level)

    def counts(self) -> dict[str, int]:
        """Two-qubit gates, gates, depth and parameters, by the names of the summary."""
        return {
            "two_qubit_gates": self.two_qubit_gates,
            "gates": len(self.gates),
            "depth": self.depth,
            "n_params": self.n_params,
        }

    def bind(self, params: ArrayLike) -> Circuit:
        """The circuit with every free angle fixed to ``params``, shape (n_params,), radians.

        Raises:
            InputError: wrong number of values, or one that is not finite.
        """
        values = checked_params(self, params)
        if len(values) != 1:
            raise InputError(f"bind takes one vector of {self.n_params} angles")
        return self.fix(dict(zip(self.free, values[0].tolist(), strict=True)))

    def feed(self, inputs: ArrayLike | None) -> Circuit:
        """The circuit with every data input fixed to one sample, shape (n_inputs,), radians.

        Raises:
            InputError: no sample, or one that does not fit.
        """
        values = checked_inputs(self, inputs, 1)[0].tolist()
        return Circuit(
            self.n_qubits,
            tuple(
                g if g.input is None else Gate(g.name, g.qubits, (g.angle or 0.0) + values[g.input])
                for g in self.gates
            ),
        )

    def fix(self, angles: dict[int, float]) -> Circuit:
        """The circuit with the rotation at each given gate position fixed to its angle."""
        return Circuit(
            self.n_qubits,
            tuple(
                Gate(g.name, g.qubits, angles[i]) if i in angles else g
                for i, g in enumerate(self.gates)
            ),
        )

    def without(self, *positions: int) -> Circuit:
        """The circuit with the gates at these positions left out."""
        gone = set(positions)
        kept = tuple(g for i, g in enumerate(self.gates) if i not in gone)
        return Circuit(self.n_qubits, kept)

    def relabelled(self, order: Sequence[int]) -> Circuit:
        """The same gates with qubit q renamed to ``order[q]``."""
        return Circuit(
            self.n_qubits,
            tuple(replace(g, qubits=tuple(order[q] for q in g.qubits)) for g in self.gates),
        )

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The unordered pairs of qubits that two-qubit gates join, sorted, each once."""
        joined = {tuple(sorted(g.qubits)) for g in self.gates if len(g.qubits) == 2}
        return tuple(sorted((a, b) for a, b in joined))

    @cached_property
    def id(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON: ``{"gates": [[name, [qubits], angle?, input?], ...], "n_qubits": n}``."""
        gates: list[list[Any]] = []
        for g in self.gates:
            row: list[Any] = [g.name, list(g.qubits)]
            if g.input is not None:
                row += [g.angle, g.input]
            elif g.angle is not None:
                row.append(g.angle)
            gates.append(row)
        record = {"n_qubits": self.n_qubits, "gates": gates}
        return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Circuit:
        """The circuit that `to_json` wrote.

        Raises:
            InputError: not such a text, or a gate that does not fit.
        """
        if len(text) > MAX_TEXT:
            raise InputError(f"circuit text of {len(text)} characters; the limit is {MAX_TEXT}")
        try:
            record = json.loads(text)
            n_qubits, rows = record["n_qubits"], record["gates"]
            if len(rows) > MAX_GATES:
                raise InputError(f"{len(rows)} gates; the limit is {MAX_GATES}")
            gates = [_gate_of_row(row) for row in rows]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                'not a circuit: expected {"n_qubits": n, "gates": '
                "[[name, [qubits], angle?, input?], ...]}"
            ) from error
        return cls.of(n_qubits, gates)

    def to_qiskit(self) -> QuantumCircuit:
        """As a Qiskit circuit; free angles become elements of a ParameterVector "theta"."""
        from qas.circuit.qiskit import to_qiskit

        return to_qiskit(self)

    @classmethod
    def from_qiskit(cls, circuit: QuantumCircuit) -> Circuit:
        """From a Qiskit circuit of this module's gates (see `qas.circuit.qiskit`)."""
        from qas.circuit.qiskit import from_qiskit

        return from_qiskit(circuit)

    def to_qasm(self) -> str:
        """As OpenQASM 3 that Qiskit loads; ecr comes with its definition."""
        from qas.circuit.qasm import to_qasm

        return to_qasm(self)

    @classmethod
    def from_qasm(cls, text: str) -> Circuit:
        """From OpenQASM 3 text that Qiskit loads into this module's gates."""
        from qas.circuit.qasm import from_qasm

        return from_qasm(text)


def _gate_of_row(row: list[Any]) -> Gate:
    name, qubits, *rest = row
    gate_width(name)
    if len(rest) > 2:
        raise InputError(f"a gate is [name, [qubits], angle?, input?]; given {row!r}")
    return Gate(name, tuple(qubits), *rest)


def checked_inputs(circuit: Circuit, inputs: ArrayLike | None, n_rows: int) -> NDArray[np.float64]:
    """Data inputs as a float array, one row for each of ``n_rows``; one sample serves all rows.

    Raises:
        InputError: inputs for a circuit without any, none for one with, wrong shape, not finite.
    """
    if inputs is None:
        if circuit.n_inputs:
            raise InputError(
                f"the circuit takes {circuit.n_inputs} data inputs: give inputs of shape "
                f"(batch, {circuit.n_inputs}), or bind them with circuit.feed(sample)"
            )
        return np.zeros((n_rows, 0))
    values = np.asarray(inputs, dtype=np.float64)
    values = values.reshape(1, -1) if values.ndim <= 1 else values
    if not circuit.n_inputs:
        raise InputError("this circuit has no data inputs; leave inputs out")
    if values.ndim != 2 or values.shape[1] != circuit.n_inputs or len(values) not in (1, n_rows):
        raise InputError(
            f"the circuit takes {circuit.n_inputs} data inputs: give shape ({n_rows}, "
            f"{circuit.n_inputs}), or one sample for all; given {np.shape(inputs)}"
        )
    if not np.isfinite(values).all():
        raise InputError("data inputs must be finite; given NaN or infinity")
    return np.broadcast_to(values, (n_rows, circuit.n_inputs))


def paired_rows(
    circuit: Circuit, params: ArrayLike, inputs: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Angles, shape (batch, n_params), and data, (batch, n_inputs): one row of each a binding.

    One row of either serves all rows of the other.

    Raises:
        InputError: shapes that do not fit the circuit or each other.
    """
    rows = checked_params(circuit, params)
    if inputs is not None and len(rows) == 1 and np.ndim(inputs) == 2:
        rows = np.repeat(rows, len(np.asarray(inputs)), axis=0)
    return rows, checked_inputs(circuit, inputs, len(rows))


def checked_params(circuit: Circuit, params: ArrayLike) -> NDArray[np.float64]:
    """Angles as a float array of shape (batch, n_params); one vector becomes a batch of one.

    Raises:
        InputError: wrong shape, not numbers, or not finite.
    """
    try:
        values = np.asarray(params, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"angles must be numbers; given {params!r}") from error
    if values.ndim <= 1:
        values = values.reshape(1, -1)
    if values.ndim != 2 or values.shape[1] != circuit.n_params:
        raise InputError(
            f"the circuit has {circuit.n_params} free angles: give shape (batch, "
            f"{circuit.n_params}); given {np.shape(params)}"
        )
    if not np.isfinite(values).all():
        raise InputError("angles must be finite; given NaN or infinity")
    return values
