"""Shared parameters: the angles of a circuit as affine functions of fewer parameters.

phi = A theta + b. Every angle still stands in one rotation of its own, so each is shifted by the
two-term rule, and the chain rule of A gives the right derivative where a parameter occurs twice
or, as in a controlled rotation, at half its size (four shifts in all: the "four-term rule" of
Anselmetti et al., New J. Phys. 23, 113010 (2021), without its factors).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit.circuit import Circuit
from qas.circuit.gate import ROTATIONS, Gate, checked_gate
from qas.circuit.motif import MOTIFS, motif
from qas.errors import InputError

Reals = NDArray[np.float64]
Terms = tuple[tuple[int, float], ...]
"""One angle: the sum of weight * parameter over (parameter, weight)."""


@dataclass(frozen=True, eq=False)
class Ties:
    """Parameters theta -> angles phi = slope @ theta + offset, radians; equal by content.

    >>> twice = Ties([[0.5], [-0.5]], [0.0, 1.0])
    >>> twice.angles([2.0]).tolist(), twice.pullback([[1.0, 3.0]]).tolist()
    ([[1.0, 0.0]], [[-1.0]])
    """

    slope: Reals
    """A, shape (n_angles, n_params)."""
    offset: Reals
    """b, shape (n_angles,), radians."""

    def __post_init__(self) -> None:
        slope, offset = np.array(self.slope, dtype=float), np.array(self.offset, dtype=float)
        if slope.ndim != 2 or offset.shape != slope.shape[:1]:
            raise InputError(
                "ties need a slope of shape (n_angles, n_params) and an offset of shape "
                f"(n_angles,); given {slope.shape} and {offset.shape}"
            )
        if not (np.isfinite(slope).all() and np.isfinite(offset).all()):
            raise InputError("slopes and offsets of ties must be finite; given NaN or infinity")
        for name, array in (("slope", slope), ("offset", offset)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def identity(cls, n: int) -> Ties:
        """Every angle is its own parameter."""
        return cls(np.eye(n), np.zeros(n))

    @property
    def n_angles(self) -> int:
        """Angles of the circuit."""
        return len(self.offset)

    @property
    def n_params(self) -> int:
        """Parameters that they follow from."""
        return int(self.slope.shape[1])

    def angles(self, params: ArrayLike) -> Reals:
        """Angles, shape (batch, n_angles), of parameters (batch, n_params), radians.

        Raises:
            InputError: another shape; one vector is a batch of one.
        """
        rows = _rows(params, self.n_params, "parameters")
        found: Reals = rows @ self.slope.T + self.offset
        return found

    def pullback(self, slopes: ArrayLike) -> Reals:
        """Slopes in the parameters, (batch, n_params), of slopes in the angles (batch, n_angles).

        Raises:
            InputError: another shape; one vector is a batch of one.
        """
        found: Reals = _rows(slopes, self.n_angles, "slopes in angles") @ self.slope
        return found

    def turned(self, offset: ArrayLike) -> Ties:
        """The same ties with radians added to each angle, shape (n_angles,).

        So ties go along when a circuit is lowered with ``apart``, which keeps its parameters and
        adds constants: ``ties.turned(lowering.angles(zeros)[0])``.
        """
        return Ties(self.slope, self.offset + np.asarray(offset, dtype=float))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ties):
            return NotImplemented
        return np.array_equal(self.slope, other.slope) and np.array_equal(self.offset, other.offset)

    def __hash__(self) -> int:
        return hash((self.slope.shape, self.slope.tobytes(), self.offset.tobytes()))


@dataclass(frozen=True)
class Tied:
    """A circuit whose rotations share parameters; grows gate by gate as a `Circuit` does.

    >>> shared = Tied(2).then("ry", 0, param=0).then("ry", 1, param=0).then("crz", 0, 1)
    >>> shared.circuit.n_params, shared.n_params
    (4, 2)
    >>> shared.ties.angles([1.0, 3.0]).tolist()
    [[1.0, 1.0, 1.5, -1.5]]
    """

    n_qubits: int
    """Number of qubits."""
    gates: tuple[Gate, ...] = ()
    """Gates in the order of time."""
    terms: tuple[Terms, ...] = ()
    """For each free rotation in gate order, what its angle is made of."""

    def __post_init__(self) -> None:
        if len(self.terms) != Circuit(self.n_qubits, self.gates).n_params:
            raise InputError(
                f"{len(self.terms)} terms for a circuit of "
                f"{Circuit(self.n_qubits, self.gates).n_params} free rotations: build it by then"
            )

    @classmethod
    def of(cls, circuit: Circuit) -> Tied:
        """The circuit, every angle its own parameter."""
        terms = tuple(((k, 1.0),) for k in range(circuit.n_params))
        return cls(circuit.n_qubits, circuit.gates, terms)

    @cached_property
    def circuit(self) -> Circuit:
        """The circuit with one free angle for each rotation."""
        return Circuit(self.n_qubits, self.gates)

    @cached_property
    def n_params(self) -> int:
        """Parameters: one more than the highest number used."""
        return 1 + max((k for terms in self.terms for k, _ in terms), default=-1)

    @cached_property
    def ties(self) -> Ties:
        """How the circuit's angles follow from the parameters."""
        slope = np.zeros((len(self.terms), self.n_params))
        for row, terms in zip(slope, self.terms, strict=True):
            for k, weight in terms:
                row[k] += weight
        return Ties(slope, np.zeros(len(slope)))

    def then(
        self,
        name: str,
        *qubits: int,
        param: int | Sequence[int] | None = None,
        angle: float | None = None,
        input: int | None = None,
    ) -> Tied:
        """This circuit followed by one gate, whose angle is parameter ``param``.

        Without ``param`` a free gate takes new parameters, numbered on. Besides the names that
        `Circuit.then` knows, these stand for other gates, up to a global phase: u3 (of three
        parameters theta, phi, lambda), and crx, cry, crz, cu3, whose first qubit controls.

        Raises:
            InputError: an unknown gate, qubits that do not fit, another number of parameters, or
                a parameter for a gate that has no free angle.

        >>> Tied(2).then("u3", 0).then("cu3", 0, 1).n_params
        6
        """
        pieces, n_free = _pieces(name, qubits, angle, input, self.n_qubits)
        numbers = self._numbers(name, param, n_free)
        gates = tuple(gate for gate, _ in pieces)
        terms = tuple(
            tuple((numbers[i], weight) for i, weight in weights)
            for gate, weights in pieces
            if gate.is_free
        )
        return Tied(self.n_qubits, self.gates + gates, self.terms + terms)

    def append(self, other: Circuit) -> Tied:
        """This circuit followed by another, whose angles are new parameters."""
        joined = Circuit(self.n_qubits, self.gates).append(other)
        first = self.n_params
        terms = tuple(((first + k, 1.0),) for k in range(other.n_params))
        return Tied(self.n_qubits, joined.gates, self.terms + terms)

    def _numbers(self, name: str, param: int | Sequence[int] | None, n_free: int) -> list[int]:
        if param is None:
            return list(range(self.n_params, self.n_params + n_free))
        given = [param] if isinstance(param, int | np.integer) else list(param)
        if len(given) != n_free:
            raise InputError(f"{name} has {n_free} free parameters here; given {param!r}")
        for k in given:
            if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 0:
                raise InputError(f"a parameter is a number from 0; given {k!r}")
        return [int(k) for k in given]


_Piece = tuple[Gate, Terms]
"""A gate and, where it is free, its angle in the parameters of the motif it belongs to."""
_AXIS = {"crx": "rz", "cry": "ry", "crz": "rz"}
_THETA, _PHI, _LAMBDA = 0, 1, 2


def _pieces(
    name: str, qubits: tuple[int, ...], angle: float | None, input: int | None, n_qubits: int
) -> tuple[list[_Piece], int]:
    """What a gate is made of, and how many parameters it has."""
    made: list[_Piece]
    if name in _AXIS or name in ("u3", "cu3"):
        if angle is not None or input is not None:
            raise InputError(f"{name} takes parameters only, neither a fixed angle nor an input")
        if name == "u3":
            checked_gate("rz", qubits, None, n_qubits)
            return _u3(qubits[0], _LAMBDA, _THETA, _PHI), 3
        checked_gate("cx", qubits, None, n_qubits)
        return (_cu3(*qubits), 3) if name == "cu3" else (_controlled(name, *qubits), 1)
    if name in MOTIFS:
        if input is not None:
            raise InputError(f"{name} takes no data input; rotations are {', '.join(ROTATIONS)}")
        gates = motif(name, qubits, angle, n_qubits)
    else:
        gates = (checked_gate(name, qubits, angle, n_qubits, input),)
    made = [(gate, ((0, 1.0),)) for gate in gates]
    return made, sum(gate.is_free for gate in gates)


def _u3(qubit: int, first: int, middle: int, last: int) -> list[_Piece]:
    names = (("rz", first), ("ry", middle), ("rz", last))
    return [(Gate(name, (qubit,)), ((k, 1.0),)) for name, k in names]


def _controlled(name: str, control: int, target: int) -> list[_Piece]:
    """R(t/2) cx R(-t/2) cx: the two turns cancel, or add up where x turns one of them round."""
    pair: _Piece = (Gate("cx", (control, target)), ())
    turn = Gate(_AXIS[name], (target,))
    basis: list[_Piece] = [(Gate("h", (target,)), ())] if name == "crx" else []
    return [*basis, (turn, ((0, 0.5),)), pair, (turn, ((0, -0.5),)), pair, *basis]


def _cu3(control: int, target: int) -> list[_Piece]:
    """As Qiskit writes its CU3Gate, up to a global phase."""
    pair: _Piece = (Gate("cx", (control, target)), ())
    turn, tilt = Gate("rz", (target,)), Gate("ry", (target,))
    return [
        (Gate("rz", (control,)), ((_PHI, 0.5), (_LAMBDA, 0.5))),
        (turn, ((_PHI, -0.5), (_LAMBDA, 0.5))),
        pair,
        (turn, ((_PHI, -0.5), (_LAMBDA, -0.5))),
        (tilt, ((_THETA, -0.5),)),
        pair,
        (tilt, ((_THETA, 0.5),)),
        (turn, ((_PHI, 1.0),)),
    ]


def _rows(values: ArrayLike, width: int, what: str) -> Reals:
    rows = np.asarray(values, dtype=np.float64)
    rows = rows.reshape(1, -1) if rows.ndim <= 1 else rows
    if rows.ndim != 2 or rows.shape[1] != width:
        raise InputError(
            f"these ties take {width} {what}: give shape (batch, {width}); given {np.shape(values)}"
        )
    return rows
