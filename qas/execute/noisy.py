"""The noisy simulator: exact expectations under the gate errors of a calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import GATE_NAMES, Circuit, Gate, Population, checked_params
from qas.device import Device
from qas.device.lowering import Lowering, is_native
from qas.device.noise import readout_transfer
from qas.errors import InputError
from qas.execute import pauli_kernel as kernel
from qas.execute.backend import Estimate, observable_list, refuse_inputs
from qas.execute.block import Blocks, score_blocks
from qas.execute.channel import Channels, Key, channels_of
from qas.execute.descent import NORMAL, Descent, descend, descend_population
from qas.execute.model import FunctionModel, Model, PauliModel
from qas.execute.neighbour import BestNeighbours, Neighbours
from qas.execute.neighbourhood import Neighbourhood
from qas.execute.pauli_vector import aligned, size
from qas.execute.stop import Limits
from qas.task import Observable

MEMORY = 8 * 2**30
"""Bytes that the states of one reverse sweep may take."""
CACHE = 2**21
"""Bytes up to which kept states are quicker than inverse maps: about a core's own cache."""
GROWTH = np.log(1e4)
"""Largest growth of rounding errors at which states are recovered by inverse maps."""
Reals = NDArray[np.float64]


class NoisySimulator:
    """Exact noisy expectation values, all gradients, and every one-gate extension.

    The gate errors are those of Qiskit Aer's `NoiseModel.from_backend`; agreement with Aer
    to 1e-10 is under test.

    Args:
        device: the patch that circuits run on; circuit qubit i is its qubit i.
        readout: include asymmetric readout error (unmitigated).
        idle: qubits that wait decohere, the circuit being scheduled as late as possible.
        pessimistic: whole reported gate error as depolarizing on top of relaxation, and idle.
        scale: multiplies reported errors and durations; 0 is noise-free.
        channels: measured channels that replace the calibration's, {(gate, qubits): Pauli
            transfer matrix of gate and noise together}; see `qas.execute.channel.channels_of`.

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
        channels: Mapping[Key, ArrayLike] | None = None,
    ) -> None:
        if not (np.isfinite(scale) and scale >= 0):
            raise InputError(f"noise scale must be 0 or more; given {scale!r}")
        self.device = device
        self.readout, self.pessimistic, self.scale = readout, pessimistic, scale
        self.idle = idle or pessimistic
        self._given = dict(channels or {})
        self._channels = lru_cache(maxsize=8)(self._make_channels)
        self._prepared = lru_cache(maxsize=4096)(self._prepare)
        self._dual = lru_cache(maxsize=64)(self._make_dual)
        self._native_gates = lru_cache(maxsize=8)(partial(native_gates, device))
        self._neighbourhood = lru_cache(maxsize=8)(self._make_neighbourhood)

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
        native, angles = self._native(circuit, params)
        for one in wanted:
            self._agree(circuit.n_qubits, one)
        mean = np.stack([self._values(native.gates, angles, one) for one in wanted], axis=1)
        mean = mean[:, 0] if single else mean
        return Estimate(mean, np.zeros_like(mean))

    def value_and_grad(
        self, circuit: Circuit, observable: Observable, params: ArrayLike
    ) -> tuple[Reals, Reals]:
        """Values, shape (batch,), and gradients, shape (batch, n_params), by the adjoint sweep.

        Of an un-lowered circuit the gradient is in its own parameters.
        """
        self._agree(circuit.n_qubits, observable)
        native, angles = self._native(circuit, params)
        value, slopes = self._gradients(native.gates, angles, observable)
        slope = slopes[:, native.free]
        if native.lowering is not None:
            slope = native.lowering.pullback(params, slope)
        return value, slope

    def values(self, population: Population, observable: Observable, *, threads: int = 1) -> Reals:
        """Expectation values of many different circuits, shape (n_circuits,).

        Args:
            population: native, or un-lowered; lowered then without Python per circuit.
            observable: of as many qubits.
            threads: circuits are shared out among so many.
        """
        self._agree(population.n_qubits, observable)
        native = self._native_population(population)
        return self._values(native.gates, native.angles, observable, threads)

    def gradients(
        self, population: Population, observable: Observable, *, threads: int = 1
    ) -> tuple[Reals, Reals]:
        """Values, shape (n_circuits,), and derivatives in every angle of native circuits.

        The derivatives, shape (n_circuits, longest), stand where the rotations do, 0 elsewhere.

        Raises:
            InputError: the population is not native: lower it first (`lower_population`), the
                derivatives are in native angles.
        """
        self._agree(population.n_qubits, observable)
        self._check_native(population)
        return self._gradients(population.gates, population.angles, observable, threads)

    def score_insertions(
        self,
        circuit: Circuit,
        observable: Observable,
        params: ArrayLike,
        gates: Sequence[Gate] | None = None,
    ) -> Neighbours:
        """Every one-gate extension of the native circuit, exact, with its best angle.

        Args:
            circuit: native; an un-lowered one is lowered first.
            observable: of as many qubits.
            params: one vector of angles, radians.
            gates: what may be inserted; by default every native gate of the patch.
        """
        return self._scored(circuit, observable, params, gates, edits=False)

    def score_neighbours(
        self,
        circuit: Circuit,
        observable: Observable,
        params: ArrayLike,
        gates: Sequence[Gate] | None = None,
    ) -> Neighbours:
        """Every insertion, deletion and replacement of one gate; see `score_insertions`.

        In place of a one-qubit gate stand gates that act on its qubit, in place of a two-qubit gate
        any.
        """
        return self._scored(circuit, observable, params, gates, edits=True)

    def best_neighbours(
        self,
        population: Population,
        observable: Observable,
        k: int = 1,
        gates: Sequence[Gate] | None = None,
        *,
        edits: bool = True,
    ) -> BestNeighbours:
        """The ``k`` best neighbours of every circuit of a native population.

        Args:
            population: native circuits at their angles.
            observable: of as many qubits.
            k: how many of each.
            gates: what may come in; by default every native gate of the patch.
            edits: deletions and replacements as well as insertions.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise InputError(f"k is the number of neighbours wanted, from 1; given {k!r}")
        self._agree(population.n_qubits, observable)
        self._check_native(population)
        neighbourhood = self._neighbourhood(
            population.n_qubits, self._tried(population.n_qubits, gates)
        )
        return neighbourhood.best(population, self._dual(observable), k, edits)

    def score_blocks(
        self,
        circuit: Circuit,
        observable: Observable,
        params: ArrayLike,
        gates: Sequence[Gate] | None = None,
        dressing: Sequence[str] | None = None,
    ) -> Blocks:
        """Every two-qubit gate dressed with rotations on both wires, at every cut.

        Args:
            circuit: native; an un-lowered one is lowered first.
            observable: of as many qubits.
            params: one vector of angles, radians.
            gates: the two-qubit gates tried; by default the native ones of the patch.
            dressing: names of the gates behind it on each wire; by default any rotation, as
                rz sx rz sx rz (rz ry rz on an ideal device).

        Raises:
            InputError: with idle decoherence, where a block moves the schedule.
        """
        if self.idle:
            raise InputError("score_blocks needs a model without idle decoherence (idle=False)")
        one, parent = self._one(circuit, observable, params)
        tried = tuple(g for g in self._tried(one.n_qubits, gates) if len(g.qubits) == 2)
        if dressing is None:
            dressing = ("rz", "ry", "rz") if self.device.is_ideal else ("rz", "sx") * 2 + ("rz",)
        neighbourhood = self._neighbourhood(one.n_qubits, tried)
        return score_blocks(neighbourhood, one, parent, self._dual(observable), dressing)

    def _scored(
        self,
        circuit: Circuit,
        observable: Observable,
        params: ArrayLike,
        gates: Sequence[Gate] | None,
        edits: bool,
    ) -> Neighbours:
        one, parent = self._one(circuit, observable, params)
        neighbourhood = self._neighbourhood(one.n_qubits, self._tried(one.n_qubits, gates))
        return neighbourhood.score(one, parent, self._dual(observable), edits)

    def _one(
        self, circuit: Circuit, observable: Observable, params: ArrayLike
    ) -> tuple[Population, Circuit]:
        """The native circuit, and a population of it alone at one vector of angles."""
        self._agree(circuit.n_qubits, observable)
        native, angles = self._native(circuit, params)
        if len(angles) != 1:
            raise InputError(f"a neighbourhood takes one vector of angles; given {len(angles)}")
        free = np.zeros(angles.shape, dtype=np.bool_)
        free[:, native.free] = True
        one = Population(circuit.n_qubits, native.gates, angles, free)
        return one, circuit if native.lowering is None else native.lowering.native

    def _tried(self, n_qubits: int, gates: Sequence[Gate] | None) -> tuple[Gate, ...]:
        if gates is None:
            return self._native_gates(n_qubits)
        for gate in gates:
            if gate.angle is not None:
                raise InputError(
                    f"{gate.name} on {gate.qubits} comes with an angle of its own; rotations are "
                    "tried at their best angle: give it without one"
                )
            if self.device.gate(gate.name, gate.qubits) is None and not self.device.is_ideal:
                raise InputError(
                    f"{self.device.name} has no {gate.name} on {gate.qubits}: try native gates"
                )
        return tuple(gates)

    def minimise(
        self,
        circuit: Circuit,
        observable: Observable,
        starts: ArrayLike,
        limits: Limits = NORMAL,
        *,
        method: str = "lbfgs",
        threads: int = 1,
        deadline: float = np.inf,
    ) -> Descent:
        """The angles of one circuit optimised from each of many starts, in compiled code.

        Args:
            circuit: native; of any other the native form is measured, at its own angles.
            observable: of as many qubits.
            starts: shape (runs, n_params) or (n_params,), radians.
            limits: when a run stops.
            method: "lbfgs" (exact gradients) or "rotosolve" (one angle after the other).
            threads: runs are shared out among so many.
            deadline: when to break off, on the clock of `time.monotonic`.
        """
        self._agree(circuit.n_qubits, observable)
        native = self._prepared(circuit)
        first = np.atleast_2d(checked_params(circuit, starts))
        options: Any = {"method": method, "threads": threads, "deadline": deadline}
        if native.lowering is not None:
            model: Model = FunctionModel(lambda angles: self._at(circuit, observable, angles))
            return descend(model, first, limits, **options)
        keep = self._keeps(native.gates, circuit.n_qubits, threads)
        model = PauliModel(*self._tables(observable), native.gates, keep)
        return descend(model, first, limits, angles=native.angles[0], free=native.free, **options)

    def minimise_population(
        self,
        population: Population,
        observable: Observable,
        limits: Limits = NORMAL,
        *,
        method: str = "lbfgs",
        threads: int = 1,
        deadline: float = np.inf,
    ) -> Descent:
        """Every circuit of a native population optimised from the angles at which it stands.

        ``population.with_angles(found.params)`` are the optimised ones; see `minimise`.
        """
        self._agree(population.n_qubits, observable)
        self._check_native(population)
        keep = self._keeps(population.gates, population.n_qubits, threads)
        model = PauliModel(*self._tables(observable), population.gates, keep)
        return descend_population(
            model, population, limits, method=method, threads=threads, deadline=deadline
        )

    def _at(self, circuit: Circuit, observable: Observable, angles: Reals) -> tuple[float, Reals]:
        value, slope = self.value_and_grad(circuit, observable, angles)
        return float(value[0]), slope[0]

    # --- what the public methods share ----------------------------------------------------

    def _native(self, circuit: Circuit, params: ArrayLike) -> tuple[_Native, Reals]:
        """The native circuit as arrays, and its angles at every row of ``params``: (batch, G)."""
        native = self._prepared(circuit)
        rows = checked_params(circuit, params)
        if native.lowering is not None:
            rows = native.lowering.angles(rows)
        angles = np.repeat(native.angles, len(rows), axis=0)
        angles[:, native.free] = rows
        return native, angles

    def _prepare(self, circuit: Circuit) -> _Native:
        self._check_width(circuit.n_qubits)
        lowering = None if is_native(circuit, self.device) else self.device.lowering(circuit)
        one = Population.of([circuit if lowering is None else lowering.native])
        return _Native(lowering, one.gates, one.angles, np.flatnonzero(one.free[0]))

    def _native_population(self, population: Population) -> Population:
        self._check_width(population.n_qubits)
        if kernel.first_missing(self._channels(population.n_qubits), population.gates)[0] < 0:
            return population
        from qas.device.population import lower_population

        return lower_population(population, self.device)

    def _check_native(self, population: Population) -> None:
        self._check_width(population.n_qubits)
        row, at = kernel.first_missing(self._channels(population.n_qubits), population.gates)
        if row >= 0:
            code, *qubits = population.gates[row, at].tolist()
            wires = [q for q in qubits if q >= 0]
            raise InputError(
                f"circuit {row} holds {GATE_NAMES[code]} on {wires}, which {self.device.name} "
                f"does not have there: lower the population first"
            )

    def _values(
        self, gates: NDArray[np.int16], angles: Reals, observable: Observable, threads: int = 1
    ) -> Reals:
        channels, dual = self._tables(observable)
        result = np.empty(len(angles))

        def part(some: slice) -> None:
            own = gates[some] if len(gates) > 1 else gates
            work = kernel.work_for(channels, own, False)
            kernel.values(channels, dual, own, _frozen(angles[some]), result[some], work)

        _share_out(part, len(angles), threads)
        return result

    def _gradients(
        self, gates: NDArray[np.int16], angles: Reals, observable: Observable, threads: int = 1
    ) -> tuple[Reals, Reals]:
        channels, dual = self._tables(observable)
        value, slopes = np.empty(len(angles)), np.empty(angles.shape)

        def part(some: slice) -> None:
            own = gates[some] if len(gates) > 1 else gates
            keep = self._keeps(own, observable.n_qubits, threads)
            work = kernel.work_for(channels, own, keep)
            kernel.gradients(
                channels, dual, own, _frozen(angles[some]), value[some], slopes[some], work
            )

        _share_out(part, len(angles), threads)
        return value, slopes

    def _keeps(self, gates: NDArray[np.int16], n_qubits: int, threads: int = 1) -> bool:
        """Whether a reverse sweep keeps its states.

        Raises:
            InputError: it must, since a channel can hardly be inverted, and they do not fit.
        """
        channels = self._channels(n_qubits)
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

    def _tables(self, observable: Observable) -> tuple[Channels, Reals]:
        return self._channels(observable.n_qubits), self._dual(observable)

    def _make_channels(self, n_qubits: int) -> Channels:
        device = self.device
        if n_qubits < device.n_qubits:
            device = device.patch(range(n_qubits))
        given = {key: value for key, value in self._given.items() if max(key[1]) < n_qubits}
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
        return _frozen(result)

    def _make_neighbourhood(self, n_qubits: int, tried: tuple[Gate, ...]) -> Neighbourhood:
        return Neighbourhood(self._channels(n_qubits), tried)

    def _agree(self, n_qubits: int, observable: Observable) -> None:
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


@dataclass(frozen=True, eq=False)
class _Native:
    """A native circuit as arrays, and how it came about (None: it was native)."""

    lowering: Lowering | None
    gates: NDArray[np.int16]
    """Shape (1, G, 3)."""
    angles: Reals
    """Shape (1, G): the fixed angles."""
    free: NDArray[np.int64]
    """Places of the free angles."""


def _share_out(work: Callable[[slice], None], count: int, threads: int) -> None:
    """Call ``work`` on slices of range(count), one for each thread; kernels run side by side."""
    if threads <= 1 or count <= 1:
        work(slice(0, count))
        return
    edges = np.linspace(0, count, min(threads, count) + 1).astype(int).tolist()
    slices = [slice(a, b) for a, b in pairwise(edges)]
    with ThreadPoolExecutor(len(slices)) as pool:
        list(pool.map(work, slices))


def _frozen(array: NDArray[np.float64]) -> NDArray[np.float64]:
    """A read-only view: kernels are compiled once, for inputs that they do not write."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view
