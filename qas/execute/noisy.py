"""The noisy simulator: exact expectations under the gate errors of a calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Gate, Population, checked_params, paired_rows
from qas.device import Device
from qas.errors import InputError
from qas.execute.backend import Estimate, observable_list, refuse_inputs
from qas.execute.block import Blocks, score_blocks
from qas.execute.channel import Key, has_gate
from qas.execute.descent import NORMAL, Descent, descend, descend_population
from qas.execute.extension import Extensions, extend_natives, native_table
from qas.execute.extension_table import Tables
from qas.execute.model import FunctionModel, Model, PauliModel
from qas.execute.neighbour import BestNeighbours, Neighbours
from qas.execute.neighbourhood import Neighbourhood
from qas.execute.noise_model import NoiseModel
from qas.execute.samples import PreparedLoss, sample_by_sample
from qas.execute.stop import Limits
from qas.task import Loss, Observable, Target

PREPARED = 3
"""Losses that a simulator keeps prepared: training, validation and test."""
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
        self.device = device
        self.model = NoiseModel(
            device, readout=readout, idle=idle, pessimistic=pessimistic, scale=scale,
            given=channels or {},
        )  # fmt: skip
        self._native_gates = lru_cache(maxsize=8)(partial(native_gates, device))
        self._neighbourhood = lru_cache(maxsize=8)(self._make_neighbourhood)
        self._extensions = Tables(partial(native_table, self.model))
        self.prepared = lru_cache(maxsize=PREPARED)(partial(PreparedLoss, self.model))

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        return f"noisy simulator of {self.device.name}"

    @property
    def fingerprint(self) -> str:
        """What decides the estimates: device, calibration and every option of the noise."""
        return self.model.fingerprint

    def estimate(
        self,
        circuit: Circuit,
        observables: Target | Sequence[Observable],
        params: ArrayLike,
        inputs: ArrayLike | None = None,
    ) -> Estimate:
        """Exact expectation values; see `Backend.estimate`. Of a `Loss`, mean losses."""
        if isinstance(observables, Loss):
            refuse_inputs(inputs)  # a loss brings its own
            mean = self.values(Population.bindings(circuit, params), observables)
            return Estimate(mean, np.zeros_like(mean))
        wanted, single = observable_list(observables)
        native, angles = self.model.native_at(circuit, params, inputs)
        for one in wanted:
            self.model.agree(circuit.n_qubits, one)
        mean = np.stack([self.model.values(native.gates, angles, one) for one in wanted], axis=1)
        mean = mean[:, 0] if single else mean
        return Estimate(mean, np.zeros_like(mean))

    def value_and_grad(
        self,
        circuit: Circuit,
        observable: Target,
        params: ArrayLike,
        inputs: ArrayLike | None = None,
    ) -> tuple[Reals, Reals]:
        """Values, shape (batch,), and gradients, shape (batch, n_params), by the adjoint sweep.

        Of an un-lowered circuit the gradient is in its own parameters. Of a `Loss` the circuit is
        the one behind the encoder, native.
        """
        self.model.agree(circuit.n_qubits, observable)
        if isinstance(observable, Loss):
            refuse_inputs(inputs)
            many = Population.bindings(circuit, params)
            value, slopes = self.prepared(observable).gradients(many)
            return value, slopes[:, list(circuit.free)]
        native, angles = self.model.native_at(circuit, params, inputs)
        value, slopes = self.model.gradients(native.gates, angles, observable)
        slope = slopes[:, native.free]
        if native.lowering is not None:
            rows, _ = paired_rows(circuit, params, inputs)
            slope = native.lowering.pullback(rows, slope)
        return value, slope

    def values(self, population: Population, observable: Target, *, threads: int = 1) -> Reals:
        """Expectation values, or mean losses, of many different circuits, shape (n_circuits,).

        Args:
            population: native, or un-lowered; lowered then without Python per circuit. Of a loss
                the circuits behind its encoder.
            observable: of as many qubits.
            threads: circuits are shared out among so many.
        """
        self.model.agree(population.n_qubits, observable)
        native = self.model.native_population(population)
        if isinstance(observable, Loss):
            if self.model.idle:
                return sample_by_sample(self.model, native, observable)
            return self.prepared(observable).values(native, threads=threads)
        return self.model.values(native.gates, native.angles, observable, threads)

    def gradients(
        self, population: Population, observable: Observable, *, threads: int = 1
    ) -> tuple[Reals, Reals]:
        """Values, shape (n_circuits,), and derivatives in every angle of native circuits.

        The derivatives, shape (n_circuits, longest), stand where the rotations do, 0 elsewhere.

        Raises:
            InputError: the population is not native: lower it first (`lower_population`), the
                derivatives are in native angles.
        """
        self.model.agree(population.n_qubits, observable)
        self.model.require_native(population)
        return self.model.gradients(population.gates, population.angles, observable, threads)

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
        self.model.agree(population.n_qubits, observable)
        self.model.require_native(population)
        neighbourhood = self._neighbourhood(
            population.n_qubits, self._tried(population.n_qubits, gates)
        )
        return neighbourhood.best(population, self.model.dual(observable), k, edits)

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
        if self.model.idle:
            raise InputError("score_blocks needs a model without idle decoherence (idle=False)")
        one, parent = self._one(circuit, observable, params)
        tried = tuple(g for g in self._tried(one.n_qubits, gates) if len(g.qubits) == 2)
        if dressing is None:
            dressing = ("rz", "ry", "rz") if self.device.is_ideal else ("rz", "sx") * 2 + ("rz",)
        neighbourhood = self._neighbourhood(one.n_qubits, tried)
        return score_blocks(neighbourhood, one, parent, self.model.dual(observable), dressing)

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
        return neighbourhood.score(one, parent, self.model.dual(observable), edits)

    def _one(
        self, circuit: Circuit, observable: Observable, params: ArrayLike
    ) -> tuple[Population, Circuit]:
        """The native circuit, and a population of it alone at one vector of angles."""
        self.model.agree(circuit.n_qubits, observable)
        native, angles = self.model.native_at(circuit, params)
        if len(angles) != 1:
            raise InputError(f"a neighbourhood takes one vector of angles; given {len(angles)}")
        free = np.zeros(angles.shape, dtype=np.bool_)
        free[:, native.free] = True
        one = Population(circuit.n_qubits, native.gates, angles, free)
        return one, circuit if native.lowering is None else native.lowering.native

    def _tried(self, n_qubits: int, gates: Sequence[Gate] | None) -> tuple[Gate, ...]:
        if gates is None:
            return self._native_gates(n_qubits)
        channels = self.model.channels(n_qubits)
        for gate in gates:
            if gate.angle is not None:
                raise InputError(
                    f"{gate.name} on {gate.qubits} comes with an angle of its own; rotations are "
                    "tried at their best angle: give it without one"
                )
            if not has_gate(channels, gate.name, gate.qubits):
                raise InputError(
                    f"{self.device.name} has no {gate.name} on {gate.qubits} for a circuit of "
                    f"{n_qubits} qubit(s): try native gates on its qubits"
                )
        return tuple(gates)

    def minimise(
        self,
        circuit: Circuit,
        observable: Target,
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
        self.model.agree(circuit.n_qubits, observable)
        if isinstance(observable, Loss):
            how: Any = {"method": method, "threads": threads, "deadline": deadline}
            return self.prepared(observable).minimise(circuit, starts, limits, **how)
        native = self.model.native(circuit)
        first = np.atleast_2d(checked_params(circuit, starts))
        options: Any = {"method": method, "threads": threads, "deadline": deadline}
        if native.lowering is not None:
            model: Model = FunctionModel(lambda angles: self._at(circuit, observable, angles))
            return descend(model, first, limits, **options)
        keep = self.model.keeps(native.gates, circuit.n_qubits, threads)
        model = PauliModel(*self.model.tables(observable), native.gates, keep)
        return descend(model, first, limits, angles=native.angles[0], free=native.free, **options)

    def minimise_population(
        self,
        population: Population,
        observable: Target,
        limits: Limits = NORMAL,
        *,
        method: str = "lbfgs",
        threads: int = 1,
        deadline: float = np.inf,
    ) -> Descent:
        """Every circuit of a native population optimised from the angles at which it stands.

        ``population.with_angles(found.params)`` are the optimised ones; see `minimise`.
        """
        self.model.agree(population.n_qubits, observable)
        if isinstance(observable, Loss):
            how: Any = {"method": method, "threads": threads, "deadline": deadline}
            return self.prepared(observable).minimise_population(population, limits, **how)
        self.model.require_native(population)
        keep = self.model.keeps(population.gates, population.n_qubits, threads)
        model = PauliModel(*self.model.tables(observable), population.gates, keep)
        return descend_population(
            model, population, limits, method=method, threads=threads, deadline=deadline
        )

    def score_extensions(
        self, population: Population, observable: Observable, actions: Sequence[Sequence[Gate]]
    ) -> Extensions:
        """Every action appended to every circuit of a native population, at its best angles.

        An action is un-lowered: any gates, of which at most two are free rotations, each the last
        on its qubit. Its two-qubit gates are written by the native one, with its noise; its
        one-qubit gates, and those of that writing, are free of noise, since they merge into runs
        that end the circuit anyway. Exact for this model; the extended circuit as lowered differs
        by the noise of the pulses that it has more or less (about 1e-4 of the energy).

        Args:
            population: native circuits at their angles.
            observable: of as many qubits.
            actions: given the same tuple of tuples again, the preparations are not repeated.

        Raises:
            InputError: with idle decoherence, where an action moves the schedule.
        """
        if self.model.idle:
            raise InputError("score_extensions needs a model without idle decoherence (idle=False)")
        self.model.agree(population.n_qubits, observable)
        self.model.require_native(population)
        kept, table = self._extensions.of(observable, actions)
        return extend_natives(population, kept, table, self.model.channels(population.n_qubits))

    def _at(self, circuit: Circuit, observable: Observable, angles: Reals) -> tuple[float, Reals]:
        value, slope = self.value_and_grad(circuit, observable, angles)
        return float(value[0]), slope[0]

    def _make_neighbourhood(self, n_qubits: int, tried: tuple[Gate, ...]) -> Neighbourhood:
        return Neighbourhood(self.model.channels(n_qubits), tried)


def native_gates(device: Device, n_qubits: int) -> tuple[Gate, ...]:
    """Every native gate of the device on its first ``n_qubits``, rotations free."""
    singles = [
        Gate(name, (q,))
        for q in range(n_qubits)
        for name in device.native
        if device.gate(name, (q,)) is not None
    ]
    pairs = [Gate(device.two_qubit_gate, pair) for pair in device.couplings if max(pair) < n_qubits]
    return (*singles, *pairs)
