"""Populations: many different circuits as integer arrays, the form in which they travel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit.circuit import MAX_QUBITS, Circuit, checked_params, paired_rows
from qas.circuit.gate import FIXED_TWO, GATE_NAMES, ROTATIONS, Gate
from qas.errors import InputError

_NUMBER = {name: number for number, name in enumerate(GATE_NAMES)}
_FIRST_FIXED = len(ROTATIONS)
_FIRST_PAIR = len(GATE_NAMES) - len(FIXED_TWO)


@dataclass(frozen=True, eq=False)
class Population:
    """Circuits on the same number of qubits, with the angles at which they stand.

    The constructor trusts its arrays beyond their shapes, as kernels write them; pass
    arrays from elsewhere through `Population.checked`. The arrays are read-only. Compare
    populations circuit by circuit: equal ones may be padded to different lengths.

    >>> bell = Circuit(2).then("ry", 0).then("cx", 0, 1)
    >>> pair = Population.of([bell, Circuit(2).then("x", 1)], [[0.5], []])
    >>> pair.gates.tolist()
    [[[1, 0, -1], [14, 0, 1]], [[3, 1, -1], [-1, -1, -1]]]
    >>> pair.n_gates.tolist(), pair.two_qubit_gates.tolist(), pair.n_params.tolist()
    ([2, 1], [1, 0], [1, 0])
    >>> pair.circuit(0) == (bell, [0.5])
    True
    """

    n_qubits: int
    """Number of qubits of every circuit."""
    gates: NDArray[np.int16]
    """Shape (n_circuits, longest, 3): number in `GATE_NAMES`, qubit, second qubit or -1.
    Rows past the end of a circuit are -1."""
    angles: NDArray[np.float64]
    """Shape (n_circuits, longest): radians of every rotation, free or fixed; 0 elsewhere."""
    free: NDArray[np.bool_]
    """Shape (n_circuits, longest): True at rotations that are trained."""

    def __post_init__(self) -> None:
        shape = self.gates.shape
        fits = len(shape) == 3 and shape[2] == 3
        if not (fits and self.angles.shape == self.free.shape == shape[:2]):
            raise InputError(
                "gates need shape (n_circuits, longest, 3), angles and free (n_circuits, longest); "
                f"given {shape}, {self.angles.shape} and {self.free.shape}"
            )
        for name, kind in (("gates", np.int16), ("angles", np.float64), ("free", np.bool_)):
            array = np.ascontiguousarray(getattr(self, name), dtype=kind).view()
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def of(
        cls,
        circuits: Sequence[Circuit],
        params: Sequence[ArrayLike] | None = None,
        inputs: ArrayLike | None = None,
    ) -> Population:
        """The population of these circuits, each with its angle vector from ``params``.

        Args:
            circuits: at least one, all on the same number of qubits.
            params: for each circuit its free angles, shape (n_params,), radians; zeros
                where absent.
            inputs: the sample, shape (n_inputs,), that circuits with data inputs are fed.

        Raises:
            InputError: no circuit, unequal numbers of qubits, or angles that do not fit.
        """
        sizes = {circuit.n_qubits for circuit in circuits}
        if len(sizes) != 1:
            raise InputError(
                "a population holds at least one circuit, all on the same number of qubits; "
                f"given {len(circuits)} circuits on {sorted(sizes)} qubits"
            )
        if params is not None and len(params) != len(circuits):
            raise InputError(f"{len(circuits)} circuits need as many vectors; given {len(params)}")
        circuits = [c.feed(inputs) if c.n_inputs else c for c in circuits]
        shape = len(circuits), max(len(circuit.gates) for circuit in circuits)
        gates = np.full((*shape, 3), -1, dtype=np.int16)
        angles, free = np.zeros(shape), np.zeros(shape, dtype=np.bool_)
        for i, circuit in enumerate(circuits):
            if circuit.gates:
                end = len(circuit.gates)
                gates[i, :end] = [_row(gate) for gate in circuit.gates]
                angles[i, :end] = [gate.angle or 0.0 for gate in circuit.gates]
            places = list(circuit.free)
            free[i, places] = True
            if params is not None:
                angles[i, places] = _one_vector(circuit, params[i])
        return cls(sizes.pop(), gates, angles, free)

    @classmethod
    def bindings(
        cls, circuit: Circuit, params: ArrayLike, inputs: ArrayLike | None = None
    ) -> Population:
        """One circuit at many bindings: a row for each row of ``params`` and ``inputs``.

        Args:
            circuit: any gates.
            params: shape (batch, n_params), radians; one row serves all samples.
            inputs: shape (batch, n_inputs), radians; one sample serves all rows of angles.

        Raises:
            InputError: shapes that do not fit the circuit or each other.
        """
        rows, data = paired_rows(circuit, params, inputs)
        one = cls.of([circuit], inputs=np.zeros(circuit.n_inputs))
        angles = np.repeat(one.angles, len(rows), axis=0)
        angles[:, list(circuit.free)] = rows
        for place in circuit.input_places:
            angles[:, place] += data[:, circuit.gates[place].input]
        return cls(
            circuit.n_qubits,
            np.repeat(one.gates, len(rows), axis=0),
            angles,
            np.repeat(one.free, len(rows), axis=0),
        )

    @classmethod
    def checked(
        cls, n_qubits: int, gates: ArrayLike, angles: ArrayLike, free: ArrayLike
    ) -> Population:
        """The population of arrays from elsewhere, every gate checked.

        Raises:
            InputError: shapes that do not fit, or a row that is no gate; the first is named.
        """
        if isinstance(n_qubits, bool) or not isinstance(n_qubits, int | np.integer):
            raise InputError(f"n_qubits is a whole number; given {n_qubits!r}")
        if not 1 <= n_qubits <= MAX_QUBITS:
            raise InputError(f"a circuit has 1..{MAX_QUBITS} qubits; given {n_qubits}")
        rows, values, trained = np.asarray(gates), np.asarray(angles), np.asarray(free)
        for name, array, kinds in (
            ("gates", rows, "iu"),
            ("angles", values, "fiu"),
            ("free", trained, "b"),
        ):
            if array.dtype.kind not in kinds and array.size:
                kind = {"iu": "integers", "fiu": "real numbers", "b": "booleans"}[kinds]
                raise InputError(f"{name} must be {kind}; given dtype {array.dtype}")
        made = cls(int(n_qubits), rows, values, trained)
        _require_gates(made.n_qubits, rows, made.angles, made.free)
        return made

    def __len__(self) -> int:
        return len(self.gates)

    def __getitem__(self, index: slice | Sequence[int] | NDArray[np.integer]) -> Population:
        """The circuits of a slice, or those at the given positions in that order."""
        if isinstance(index, int | np.integer):
            raise InputError(f"[{index}] names one circuit; take .circuit({index}) or a slice")
        places = index if isinstance(index, slice) else np.asarray(index, dtype=np.intp)
        return Population(self.n_qubits, self.gates[places], self.angles[places], self.free[places])

    def circuit(self, index: int) -> tuple[Circuit, NDArray[np.float64]]:
        """One circuit, its free rotations free, and their angles, shape (n_params,)."""
        end = int(self.n_gates[index])
        made = tuple(
            Gate(
                GATE_NAMES[number],
                (a,) if b < 0 else (a, b),
                None if number >= _FIRST_FIXED or trained else angle,
            )
            for (number, a, b), angle, trained in zip(
                self.gates[index, :end].tolist(),
                self.angles[index, :end].tolist(),
                self.free[index, :end].tolist(),
                strict=True,
            )
        )
        return Circuit(self.n_qubits, made), self.angles[index][self.free[index]]

    @cached_property
    def n_gates(self) -> NDArray[np.int64]:
        """Number of gates of each circuit, shape (n_circuits,)."""
        return _counts(self.gates[:, :, 0] >= 0)

    @cached_property
    def two_qubit_gates(self) -> NDArray[np.int64]:
        """Number of gates on two qubits of each circuit, shape (n_circuits,)."""
        return _counts(self.gates[:, :, 2] >= 0)

    @cached_property
    def n_params(self) -> NDArray[np.int64]:
        """Number of free angles of each circuit, shape (n_circuits,)."""
        return _counts(self.free)

    def with_angles(self, angles: NDArray[np.float64]) -> Population:
        """The same circuits, their free rotations at ``angles``, shape (n_circuits, longest).

        Fixed rotations keep their angles, whatever stands at their places.

        Raises:
            InputError: another shape, or a free angle that is not finite.
        """
        if np.shape(angles) != self.angles.shape:
            raise InputError(f"angles need shape {self.angles.shape}; given {np.shape(angles)}")
        values = np.where(self.free, angles, self.angles)
        if not np.isfinite(values).all():
            raise InputError("angles must be finite; given NaN or infinity at a free rotation")
        return Population(self.n_qubits, self.gates, values, self.free)


def _counts(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = marks.sum(axis=1)
    return counts


def _row(gate: Gate) -> tuple[int, int, int]:
    return _NUMBER[gate.name], gate.qubits[0], gate.qubits[1] if len(gate.qubits) == 2 else -1


def _one_vector(circuit: Circuit, params: ArrayLike) -> NDArray[np.float64]:
    values = checked_params(circuit, params)
    if len(values) != 1:
        raise InputError(f"each circuit takes one vector of angles; given {len(values)}")
    vector: NDArray[np.float64] = values[0]
    return vector


def _require_gates(
    n_qubits: int, gates: NDArray[np.integer], angles: NDArray[np.float64], free: NDArray[np.bool_]
) -> None:
    """Raise InputError at the first row that is neither a gate nor past the end."""
    number, a, b = gates[:, :, 0], gates[:, :, 1], gates[:, :, 2]
    past, pair = number == -1, number >= _FIRST_PAIR
    rotation = (number >= 0) & (number < _FIRST_FIXED)
    gap = np.zeros_like(past)
    gap[:, :-1] = past[:, :-1] & ~past[:, 1:]
    for wrong, why in (
        ((number < -1) | (number >= len(GATE_NAMES)), f"numbers are 0..{len(GATE_NAMES) - 1}"),
        (past & ((a != -1) | (b != -1)), "a row past the end is -1, -1, -1"),
        (gap, "a gate follows the end: rows past the end stand together, last"),
        (~past & ((a < 0) | (a >= n_qubits)), f"the qubit is outside 0..{n_qubits - 1}"),
        (pair & (b == -1), "this gate acts on two qubits: give the second"),
        (~pair & ~past & (b != -1), "this gate acts on one qubit: the second is -1"),
        (pair & ((b < 0) | (b >= n_qubits)), f"the second qubit is outside 0..{n_qubits - 1}"),
        (pair & (a == b), "the two qubits must differ"),
        (~np.isfinite(angles), "the angle must be a finite number of radians"),
        (~rotation & (angles != 0.0), "only rx, ry and rz have an angle: 0 elsewhere"),
        (~rotation & free, "only rx, ry and rz can be free"),
    ):
        if wrong.any():
            i, at = np.argwhere(wrong)[0].tolist()
            raise InputError(
                f"circuit {i}, row {at}: {why}; given {gates[i, at].tolist()}, "
                f"angle {angles[i, at]}, free {bool(free[i, at])}"
            )
