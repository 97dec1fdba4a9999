"""The exact simulator: state vectors without noise."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Gate, checked_params, fixed_matrix
from qas.errors import InputError
from qas.execute import state_kernel as kernel
from qas.execute.backend import Estimate, observable_list, refuse_inputs
from qas.execute.insertion import Insertions
from qas.task import Observable

MAX_QUBITS = 24
_ROTATION = {"rx": 0, "ry": 1, "rz": 2}
_ONE, _TWO = 3, 4


class ExactSimulator:
    """Noise-free expectation values, all gradients, every one-gate extension.

    It runs any circuit as it stands, native or not.

    >>> import qas
    >>> circuit = qas.Circuit(1).then("ry", 0)
    >>> z = qas.Observable.of(["Z"], [1.0])
    >>> ExactSimulator().value_and_grad(circuit, z, [0.0])[0].tolist()
    [1.0]
    """

    def __init__(self) -> None:
        self._table = _MatrixTable()
        self._encoded = lru_cache(maxsize=4096)(self._table.encode)

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        return "exact simulator"

    def estimate(
        self,
        circuit: Circuit,
        observables: Observable | Sequence[Observable],
        params: ArrayLike,
        inputs: ArrayLike | None = None,
    ) -> Estimate:
        """Exact expectation values; see `Backend.estimate`."""
        refuse_inputs(inputs)
        wanted, single = observable_list(observables)
        mean = np.stack([self._values(circuit, one, params) for one in wanted], axis=1)
        mean = mean[:, 0] if single else mean
        return Estimate(mean, np.zeros_like(mean))

    def value_and_grad(
        self, circuit: Circuit, observable: Observable, params: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values, shape (batch,), and gradients, shape (batch, n_params), per radian."""
        arguments = self._arguments(circuit, observable)
        value, slope = kernel.gradients(*arguments, checked_params(circuit, params))
        return value, slope

    def score_insertions(
        self,
        circuit: Circuit,
        observable: Observable,
        params: ArrayLike,
        gates: Sequence[Gate] | None = None,
    ) -> Insertions:
        """Every one-gate extension, exact, with its best angle.

        Args:
            circuit: the parent.
            observable: of as many qubits.
            params: one vector of angles, radians.
            gates: what may be inserted; by default rx, ry, rz on every qubit and cx on
                every ordered pair.
        """
        values = checked_params(circuit, params)
        if len(values) != 1:
            raise InputError(f"score_insertions takes one vector of angles; given {len(values)}")
        tried = tuple(gates) if gates is not None else all_gates(circuit.n_qubits)
        children = np.array([self._table.row(g, -1) for g in tried], dtype=np.int64)
        arguments = self._arguments(circuit, observable)
        energies, angles = kernel.insertions(*arguments, values[0], children.reshape(-1, 5))
        position, choice = np.indices(energies.shape)
        return Insertions(
            circuit,
            values[0],
            tried,
            position.ravel(),
            choice.ravel(),
            energies.ravel(),
            angles.ravel(),
        )

    def _values(
        self, circuit: Circuit, observable: Observable, params: ArrayLike
    ) -> NDArray[np.float64]:
        arguments = self._arguments(circuit, observable)
        result: NDArray[np.float64] = kernel.values(*arguments, checked_params(circuit, params))
        return result

    def _arguments(self, circuit: Circuit, observable: Observable) -> tuple[Any, ...]:
        if circuit.n_qubits > MAX_QUBITS:
            raise InputError(
                f"{circuit.n_qubits} qubits are too many for a state vector; the limit is "
                f"{MAX_QUBITS}"
            )
        if observable.n_qubits != circuit.n_qubits:
            raise InputError(
                f"the observable has {observable.n_qubits} qubits, "
                f"the circuit {circuit.n_qubits}: they must agree"
            )
        ops, angles = self._encoded(circuit)
        tables = self._table.arrays()
        return (ops, angles, *tables, *_phased_terms(observable), circuit.n_qubits)


class _MatrixTable:
    """Matrices of the gates without an angle, each once, and circuits as integer rows."""

    def __init__(self) -> None:
        self._matrices: dict[int, list[NDArray[np.complex128]]] = {1: [], 2: []}
        self._row: dict[str, int] = {}

    def row(self, gate: Gate, slot: int) -> tuple[int, int, int, int, int]:
        if gate.is_rotation:
            return _ROTATION[gate.name], gate.qubits[0], 0, 0, slot
        width = len(gate.qubits)
        if gate.name not in self._row:
            self._row[gate.name] = len(self._matrices[width])
            self._matrices[width].append(fixed_matrix(gate.name))
        row = self._row[gate.name]
        if width == 1:
            return _ONE, gate.qubits[0], 0, row, -1
        return _TWO, gate.qubits[0], gate.qubits[1], row, -1

    def encode(self, circuit: Circuit) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        slots = {at: number for number, at in enumerate(circuit.free)}
        rows = [self.row(gate, slots.get(at, -1)) for at, gate in enumerate(circuit.gates)]
        angles = [gate.angle or 0.0 for gate in circuit.gates]
        return np.array(rows, dtype=np.int64).reshape(-1, 5), np.array(angles, dtype=np.float64)

    def arrays(self) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        one = np.array(self._matrices[1], dtype=np.complex128).reshape(-1, 2, 2)
        two = np.array(self._matrices[2], dtype=np.complex128).reshape(-1, 4, 4)
        return one, two


def all_gates(n_qubits: int) -> tuple[Gate, ...]:
    """rx, ry, rz on every qubit and cx on every ordered pair, rotations free."""
    turns = [Gate(name, (q,)) for q in range(n_qubits) for name in _ROTATION]
    pairs = [Gate("cx", (a, b)) for a in range(n_qubits) for b in range(n_qubits) if a != b]
    return (*turns, *pairs)


@lru_cache(maxsize=64)
def _phased_terms(
    observable: Observable,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.complex128]]:
    """Masks and coefficients times i^(number of Y): Y|k> = i (-1)^k |k ^ 1>."""
    y_count = np.array([label.count("Y") for label in observable.paulis])
    factors = observable.coeff_array * 1j**y_count
    return observable.x_masks, observable.z_masks, factors.astype(np.complex128)
