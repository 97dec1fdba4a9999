"""The noisy simulator: exact expectations under the gate errors of a calibration."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Gate, checked_params
from qas.device import Device
from qas.device.lowering import Lowering, is_native
from qas.device.noise import readout_transfer
from qas.errors import InputError
from qas.execute import pauli_kernel as kernel
from qas.execute.backend import Estimate, observable_list, refuse_inputs
from qas.execute.insertion import Insertions
from qas.execute.program import ChannelTable, Program, encode, operation
from qas.task import Observable

MEMORY = 8 * 2**30


class NoisySimulator:
    """Exact noisy expectation values, all gradients, and every one-gate extension.

    The gate errors are those of Qiskit Aer's `NoiseModel.from_backend`; agreement with Aer
    to 1e-9 is under test.

    Args:
        device: the patch that circuits run on; circuit qubit i is its qubit i.
        readout: include asymmetric readout error (unmitigated).
        idle: qubits that wait decohere, the circuit being scheduled as late as possible.
        pessimistic: whole reported gate error as depolarizing on top of relaxation, and idle.
        scale: multiplies reported errors and durations; 0 is noise-free.

    >>> import qas
    >>> device = qas.load_device("FakeManilaV2").patch([0, 1])
    >>> zz = qas.Observable.of(["ZZ"], [1.0])
    >>> bell = qas.Circuit(2).then("h", 0).then("cx", 0, 1)
    >>> round(float(NoisySimulator(device).estimate(bell, zz, []).mean[0]), 4)
    0.9884
    """

    def __init__(
        self,
        device: Device,
        *,
        readout: bool = False,
        idle: bool = False,
        pessimistic: bool = False,
        scale: float = 1.0,
    ) -> None:
        if not (np.isfinite(scale) and scale >= 0):
            raise InputError(f"noise scale must be 0 or more; given {scale!r}")
        self.device = device
        self.readout, self.pessimistic, self.scale = readout, pessimistic, scale
        self.idle = idle or pessimistic
        self._table = ChannelTable(device, pessimistic, scale)
        self._prepared = lru_cache(maxsize=4096)(self._prepare)
        self._dual = lru_cache(maxsize=64)(self._make_dual)

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        return f"noisy simulator of {self.device.name}"

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
        """Values, shape (batch,), and gradients, shape (batch, n_params), by the adjoint sweep.

        Of an un-lowered circuit the gradient is in its own parameters.
        """
        lowering, program = self._prepared(circuit)
        native, dual = self._ready(program, observable, lowering, circuit, params)
        self._check_memory(program)
        value, slope = kernel.gradients(*_arrays(program), dual, native)
        if lowering is not None:
            slope = lowering.pullback(params, slope)
        return value, slope

    def score_insertions(
        self,
        circuit: Circuit,
        observable: Observable,
        params: ArrayLike,
        gates: Sequence[Gate] | None = None,
    ) -> Insertions:
        """Every one-gate extension of the native circuit, exact, with its best angle.

        One forward and one backward sweep score all children: a rotation inserted between
        state s and dual vector o has energy a + C cos t + S sin t.

        Args:
            circuit: native; an un-lowered one is lowered first.
            observable: of as many qubits.
            params: one vector of angles, radians.
            gates: what may be inserted; by default every native gate of the patch.

        Raises:
            InputError: with idle decoherence, where an insertion moves the schedule.
        """
        if self.idle:
            raise InputError("score_insertions needs a model without idle decoherence (idle=False)")
        lowering, program = self._prepared(circuit)
        native, dual = self._ready(program, observable, lowering, circuit, params)
        if len(native) != 1:
            raise InputError(f"score_insertions takes one vector of angles; given {len(native)}")
        self._check_memory(program)
        parent = lowering.native if lowering is not None else circuit
        tried = tuple(gates) if gates is not None else native_gates(self.device, circuit.n_qubits)
        children = np.array([operation(g, self._table, -1) for g in tried], dtype=np.int64)
        program = encode(parent, self._table, False)
        energies, angles = kernel.insertions(
            *_arrays(program), dual, native[0], children.reshape(-1, 5)
        )
        position, choice = np.indices(energies.shape)
        return Insertions(
            parent,
            native[0],
            tried,
            position.ravel(),
            choice.ravel(),
            energies.ravel(),
            angles.ravel(),
        )

    def _values(
        self, circuit: Circuit, observable: Observable, params: ArrayLike
    ) -> NDArray[np.float64]:
        lowering, program = self._prepared(circuit)
        native, dual = self._ready(program, observable, lowering, circuit, params)
        result: NDArray[np.float64] = kernel.values(*_arrays(program), dual, native)
        return result

    def _prepare(self, circuit: Circuit) -> tuple[Lowering | None, Program]:
        """How to lower the circuit (None: it is native) and the program of its native form."""
        self._check_width(circuit.n_qubits)
        if is_native(circuit, self.device):
            return None, encode(circuit, self._table, self.idle)
        lowering = self.device.lowering(circuit)
        return lowering, encode(lowering.native, self._table, self.idle)

    def _ready(
        self,
        program: Program,
        observable: Observable,
        lowering: Lowering | None,
        circuit: Circuit,
        params: ArrayLike,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Native angles, shape (batch, P), and the observable as a vector, shape (4^n,)."""
        if observable.n_qubits != program.n_qubits:
            raise InputError(
                f"the observable has {observable.n_qubits} qubits, "
                f"the circuit {program.n_qubits}: they must agree"
            )
        native = checked_params(circuit, params) if lowering is None else lowering.angles(params)
        return np.ascontiguousarray(native), self._dual(observable)

    def _make_dual(self, observable: Observable) -> NDArray[np.float64]:
        dual = np.zeros(4**observable.n_qubits)
        np.add.at(dual, observable.pauli_index, observable.coeff_array)
        if self.readout:
            for qubit in range(observable.n_qubits):
                transfer = readout_transfer(self.device, qubit, self.scale)
                kernel.apply_one_transposed(dual, transfer, qubit)
        return dual

    def _check_width(self, n_qubits: int) -> None:
        if 3 * 8 * 4**n_qubits > MEMORY:
            raise InputError(
                f"{n_qubits} qubits need {8 * 4**n_qubits / 2**30:.0f} GiB a noisy state; "
                "the simulator stops at 12. Use a smaller task"
            )

    def _check_memory(self, program: Program) -> None:
        need = 8 * (len(program.ops) + 3) * 4**program.n_qubits
        if need > MEMORY:
            raise InputError(
                f"a reverse sweep over {len(program.ops)} operations on {program.n_qubits} qubits "
                f"needs {need / 2**30:.1f} GiB, the limit is {MEMORY / 2**30:.0f}: shorten it"
            )


def native_gates(device: Device, n_qubits: int) -> tuple[Gate, ...]:
    """Every native gate of the device on its first ``n_qubits``, rotations free."""
    singles = [
        Gate(name, (q,))
        for q in range(n_qubits)
        for name in device.native
        if name != device.two_qubit_gate
    ]
    pairs = [Gate(device.two_qubit_gate, pair) for pair in device.couplings if max(pair) < n_qubits]
    return (*singles, *pairs)


def _arrays(
    program: Program,
) -> tuple[
    NDArray[np.int64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.int64],
]:
    return program.ops, program.angles, program.one, program.two, program.where, program.filled
