"""One noise model of one patch: its tables, and what runs on them in compiled code."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import GATE_NAMES, Circuit, Population, paired_rows
from qas.device import Device
from qas.device.lowering import Lowering, is_native
from qas.device.noise import readout_transfer
from qas.errors import InputError
from qas.execute import pauli_kernel as kernel
from qas.execute.channel import Channels, Key, channels_of
from qas.execute.octet import aligned
from qas.execute.pauli_vector import size
from qas.execute.share import frozen, share_out
from qas.task import Observable, Target

MEMORY = 8 * 2**30
"""Bytes that the states of one reverse sweep may take."""
CACHE = 2**21
"""Bytes up to which kept states are quicker than inverse maps: about a core's own cache."""
GROWTH = np.log(1e4)
"""Largest growth of rounding errors at which states are recovered by inverse maps."""
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Native:
    """A native circuit as arrays, and how it came about (None: it was native)."""

    lowering: Lowering | None
    gates: NDArray[np.int16]
    """Shape (1, G, 3)."""
    angles: Reals
    """Shape (1, G): the fixed angles."""
    free: NDArray[np.int64]
    """Places of the free angles."""
    places: NDArray[np.int64]
    """Places of the rotations by data."""
    inputs: NDArray[np.int64]
    """The number of the data input at each of these places."""


class NoiseModel:
    """Arrays of native circuits run under the noise of a patch; see `NoisySimulator`."""

    def __init__(
        self,
        device: Device,
        *,
        readout: bool,
        idle: bool,
        pessimistic: bool,
        scale: float,
        given: Mapping[Key, ArrayLike],
    ) -> None:
        if not (np.isfinite(scale) and scale >= 0):
            raise InputError(f"noise scale must be 0 or more; given {scale!r}")
        self.device, self.readout, self.pessimistic = device, readout, pessimistic
        self.scale, self.idle, self.given = scale, idle or pessimistic, dict(given)
        self.channels = lru_cache(maxsize=8)(self._make_channels)
        self.native = lru_cache(maxsize=4096)(self._prepare)
        self.dual = lru_cache(maxsize=64)(self._make_dual)

    @property
    def fingerprint(self) -> str:
        """What decides the values: device, calibration and every option."""
        given = [(key, np.asarray(matrix).tolist()) for key, matrix in sorted(self.given.items())]
        options = (self.readout, self.pessimistic, self.idle, self.scale, given)
        digest = hashlib.sha256(repr(options).encode()).hexdigest()
        return f"{self.device.name}/{self.device.hash}/{digest}"

    def native_at(
        self, circuit: Circuit, params: ArrayLike, inputs: ArrayLike | None = None
    ) -> tuple[Native, Reals]:
        """The native circuit as arrays, and its angles at every binding: (batch, G)."""
        native = self.native(circuit)
        rows, data = paired_rows(circuit, params, inputs)
        if native.lowering is not None:
            rows = native.lowering.angles(rows)
        angles = np.repeat(native.angles, len(rows), axis=0)
        angles[:, native.free] = rows
        angles[:, native.places] += data[:, native.inputs]
        return native, angles

    def _prepare(self, circuit: Circuit) -> Native:
        self._check_width(circuit.n_qubits)
        lowering = None if is_native(circuit, self.device) else self.device.lowering(circuit)
        final = circuit if lowering is None else lowering.native
        one = Population.of([final], inputs=np.zeros(final.n_inputs))
        if kernel.first_missing(self.channels(circuit.n_qubits), one.gates)[0] >= 0:
            Circuit.of(circuit.n_qubits, circuit.gates)  # says what is wrong
        numbers = [final.gates[place].input for place in final.input_places]
        return Native(
            lowering, one.gates, one.angles, np.flatnonzero(one.free[0]),
            np.array(final.input_places, dtype=np.int64), np.array(numbers, dtype=np.int64),
        )  # fmt: skip

    def native_population(self, population: Population) -> Population:
        """The population, lowered if a gate of it is not native."""
        self._check_width(population.n_qubits)
        if kernel.first_missing(self.channels(population.n_qubits), population.gates)[0] < 0:
            return population
        from qas.device.population import lower_population

        return lower_population(population, self.device)

    def require_native(self, population: Population) -> None:
        """Raise InputError, naming the first gate that the patch does not have, if there is one."""
        self._check_width(population.n_qubits)
        row, at = kernel.first_missing(self.channels(population.n_qubits), population.gates)
        if row >= 0:
            code, *qubits = population.gates[row, at].tolist()
            wires = [q for q in qubits if q >= 0]
            raise InputError(
                f"circuit {row} holds {GATE_NAMES[code]} on {wires}, which {self.device.name} "
                f"does not have there: lower the population first"
            )

    def values(
        self, gates: NDArray[np.int16], angles: Reals, observable: Observable, threads: int = 1
    ) -> Reals:
        """Expectation values of native circuits, or of one at many rows of angles: (batch,).

        Args:
            gates: shape (batch, G, 3), or (1, G, 3) for one circuit, read-only.
            angles: shape (batch, G), radians.
            observable: of as many qubits.
            threads: circuits are shared out among so many.
        """
        channels, dual = self.tables(observable)
        result = np.empty(len(angles))

        def part(some: slice) -> None:
            own = gates[some] if len(gates) > 1 else gates
            work = kernel.work_for(channels, own, False)
            kernel.values(channels, dual, own, frozen(angles[some]), result[some], work)

        share_out(part, len(angles), threads)
        return result

    def gradients(
        self, gates: NDArray[np.int16], angles: Reals, observable: Observable, threads: int = 1
    ) -> tuple[Reals, Reals]:
        """As `values`, and the derivatives in every angle, shape (batch, G)."""
        channels, dual = self.tables(observable)
        value, slopes = np.empty(len(angles)), np.empty(angles.shape)

        def part(some: slice) -> None:
            own = gates[some] if len(gates) > 1 else gates
            keep = self.keeps(own, observable.n_qubits, threads)
            work = kernel.work_for(channels, own, keep)
            kernel.gradients(
                channels, dual, own, frozen(angles[some]), value[some], slopes[some], work
            )

        share_out(part, len(angles), threads)
        return value, slopes

    def keeps(self, gates: NDArray[np.int16], n_qubits: int, threads: int = 1) -> bool:
        """Whether a reverse sweep keeps its states.

        Raises:
            InputError: it must, since a channel can hardly be inverted, and they do not fit.
        """
        channels = self.channels(n_qubits)
        need = 8 * (kernel.n_passes(channels, gates) + 1) * 4**n_qubits
        if need <= CACHE:
            return True
        result = np.empty(len(gates))
        kernel.growths(channels, gates, result, kernel.work_for(channels, gates, False))
        if result.max(initial=0.0) <= GROWTH:
            return False
        if need * threads > MEMORY:
            raise InputError(
                f"the noise of these circuits is too strong to be undone, and keeping the states "
                f"of a reverse sweep on {n_qubits} qubits needs {need * threads / 2**30:.1f} GiB, "
                f"the limit is {MEMORY / 2**30:.0f}: shorten them, or avoid the worst gates"
            )
        return True

    def tables(self, observable: Observable) -> tuple[Channels, Reals]:
        """What every kernel takes first: the patch's channels, and the observable as a vector."""
        return self.channels(observable.n_qubits), self.dual(observable)

    def _make_channels(self, n_qubits: int) -> Channels:
        device = self.device
        if n_qubits < device.n_qubits:
            device = device.patch(range(n_qubits))
        given = {key: value for key, value in self.given.items() if max(key[1]) < n_qubits}
        return channels_of(
            device, pessimistic=self.pessimistic, scale=self.scale, idle=self.idle, given=given
        )

    def _make_dual(self, observable: Observable) -> Reals:
        """The observable as a vector, readout error folded in: <O> = dual . state."""
        n = observable.n_qubits
        dual = np.zeros((4,) * n)
        np.add.at(dual.reshape(-1), observable.pauli_index, observable.coeff_array)
        if self.readout:
            for qubit in range(n):
                transfer = readout_transfer(self.device, qubit, self.scale)
                dual = np.moveaxis(
                    np.tensordot(transfer, dual, (0, n - 1 - qubit)), 0, n - 1 - qubit
                )
        result = aligned(size.py_func(n))
        result[: 4**n] = dual.reshape(-1)
        return frozen(result)

    def agree(self, n_qubits: int, observable: Target) -> None:
        """Raise InputError unless the observable is of as many qubits as the circuits."""
        if observable.n_qubits != n_qubits:
            raise InputError(
                f"the observable has {observable.n_qubits} qubits, the circuit {n_qubits}: "
                "they must agree"
            )

    def _check_width(self, n_qubits: int) -> None:
        if n_qubits > self.device.n_qubits:
            raise InputError(
                f"the circuits have {n_qubits} qubits, {self.device.name} only "
                f"{self.device.n_qubits}"
            )
        if 3 * 8 * 4**n_qubits > MEMORY:
            raise InputError(
                f"{n_qubits} qubits need {8 * 4**n_qubits / 2**30:.0f} GiB a noisy state; "
                "the simulator stops at 14. Use a smaller task"
            )
