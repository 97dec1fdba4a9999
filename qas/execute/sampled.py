"""The noisy simulator with finite shots: what a device would report, error bars included."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Population
from qas.device import Device
from qas.errors import InputError
from qas.execute import pauli_kernel, shot_kernel
from qas.execute.backend import Estimate, observable_list
from qas.execute.cost import ShotCost
from qas.execute.noisy import NoisySimulator
from qas.execute.share import frozen, share_out
from qas.task import Observable

MAX_SHOTS = 10**9
"""Shots of one measurement; a device takes less, and this takes seconds."""
Reals = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class SampledSimulator:
    """Expectation values from simulated shots of a noisy device; nothing is mitigated.

    Each group of terms that commute qubit by qubit (`Observable.groups`; of several observables,
    the groups of their union) is one measurement circuit: outcomes are drawn from their exact
    distribution under the gate noise of ``simulator`` and the readout error of each qubit. Basis
    changes are ideal, as in the exact simulators. Standard errors come from the same shots, the
    covariances of terms that share them included.

    A shot is a pure function of the seed, the native circuit with its angles, the measured basis
    and the shot's number. So results depend neither on what else is in a batch nor on threads,
    more shots continue fewer, and equal circuits at equal angles have *equal* shots: to repeat a
    measurement, take another seed.

    >>> import qas
    >>> device = qas.load_device("FakeManilaV2").patch([0, 1])
    >>> zz = qas.Observable.of(["ZZ"], [1.0])
    >>> bell = qas.Circuit(2).then("h", 0).then("cx", 0, 1)
    >>> measured = SampledSimulator(qas.NoisySimulator(device), shots=1000).estimate(bell, zz, [])
    >>> exact = qas.NoisySimulator(device, readout=True).estimate(bell, zz, [])
    >>> bool(abs(measured.mean - exact.mean)[0] < 4 * measured.stderr[0] < 0.1)
    True
    """

    simulator: NoisySimulator
    """The device and its gate noise; its own option ``readout`` plays no part."""
    shots: int = 4096
    """Shots of every measurement circuit, 1 to 10^9."""
    seed: int = 0
    """Of all shots, 0 to 2^64 - 1."""
    readout: bool = True
    """Include asymmetric readout error (unmitigated), times the simulator's noise scale."""

    def __post_init__(self) -> None:
        if not _is_whole(self.shots) or not 1 <= self.shots <= MAX_SHOTS:
            raise InputError(
                f"shots must be a whole number from 1 to {MAX_SHOTS:,}; given {self.shots!r}: "
                "for expectation values without shot noise use NoisySimulator"
            )
        if not _is_whole(self.seed) or not 0 <= self.seed < 2**64:
            raise InputError(f"seed must be a whole number from 0 to 2^64 - 1; given {self.seed!r}")

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        return f"{self.simulator.name}, {self.shots} shots"

    @property
    def fingerprint(self) -> str:
        """What decides the estimates, but for the seed: device, noise model, shots, readout."""
        own = self.simulator.model
        given = [(key, np.asarray(matrix).tolist()) for key, matrix in sorted(own.given.items())]
        model = repr((own.pessimistic, own.idle, own.scale, self.readout, given))
        digest = hashlib.sha256(model.encode()).hexdigest()
        return f"{own.device.name}/{own.device.hash}/{digest}/{self.shots}"

    def with_seed(self, seed: int) -> SampledSimulator:
        """The same device with other shots, independent of these."""
        return replace(self, seed=seed)

    def with_shots(self, shots: int) -> SampledSimulator:
        """The same device with more or fewer shots; the first ones stay the same."""
        return replace(self, shots=shots)

    def cost(
        self, circuit: Circuit, observables: Observable | Sequence[Observable], n_rows: int
    ) -> ShotCost:
        """What `estimate` will spend on ``n_rows`` parameter vectors."""
        what, _ = _measurement(observables, circuit.n_qubits)
        circuits = n_rows * len(what.letters)
        return ShotCost(circuits, circuits * int(self.shots))

    def estimate(
        self,
        circuit: Circuit,
        observables: Observable | Sequence[Observable],
        params: ArrayLike,
        inputs: ArrayLike | None = None,
    ) -> Estimate:
        """Measured means and their standard errors; see `Backend.estimate`.

        The identity term is exact. One shot alone says nothing about its spread: its standard
        error is the largest that is possible.

        Raises:
            InputError: observables, angles or gates that do not fit, or a given channel that
                is not physical, so that some outcome has a negative probability.
        """
        what, single = _measurement(observables, circuit.n_qubits)
        native, angles = self.simulator.model.native_at(circuit, params, inputs)
        made = self._measure(native.gates, angles, what)
        return _first(made) if single else made

    def values(
        self, population: Population, observable: Observable, *, threads: int = 1
    ) -> Estimate:
        """As `estimate` for many different circuits, native or not: mean of shape (n_circuits,).

        Args:
            population: the circuits at their angles.
            observable: of as many qubits.
            threads: circuits are shared out among so many.
        """
        what, _ = _measurement(observable, population.n_qubits)
        native = self.simulator.model.native_population(population)
        return _first(self._measure(native.gates, native.angles, what, threads=threads))

    def probabilities(self, circuit: Circuit, basis: str, params: ArrayLike) -> Reals:
        """Exact distribution of the outcomes, readout error included, shape (batch, 2^n).

        Args:
            circuit: native, or un-lowered.
            basis: one of X, Y, Z for every qubit, the rightmost for qubit 0; I counts as Z.
            params: shape (batch, n_params), radians.
        """
        return self._outcomes(circuit, basis, params)[0]

    def counts(self, circuit: Circuit, basis: str, params: ArrayLike) -> Integers:
        """How often each outcome occurs in the shots, shape (batch, 2^n); see `probabilities`.

        Bit q of an outcome's number is qubit q. The shots are those that `estimate` takes in this
        basis.
        """
        return self._outcomes(circuit, basis, params)[1]

    # --- what the public methods share ----------------------------------------------------

    def _outcomes(self, circuit: Circuit, basis: str, params: ArrayLike) -> tuple[Reals, Integers]:
        what, _ = _measurement(_product(basis), circuit.n_qubits)
        native, angles = self.simulator.model.native_at(circuit, params)
        room = shot_kernel.make_room(what.n_qubits, len(angles))
        self._measure(native.gates, angles, what, room=room)
        return room.probabilities, room.counts

    def _measure(
        self,
        gates: NDArray[np.int16],
        angles: Reals,
        what: _Measurement,
        *,
        threads: int = 1,
        room: shot_kernel.Room | None = None,
    ) -> Estimate:
        """Estimate with mean of shape (batch, n_observables); ``room`` is for one thread."""
        n, shape = what.n_qubits, (len(angles), len(what.constants))
        channels = self.simulator.model.channels(n)
        readout = _readout(
            self.simulator.device, n, self.simulator.model.scale if self.readout else 0.0
        )
        plan = shot_kernel.Plan(
            what.letters, what.values, readout, np.uint64(self.seed), int(self.shots)
        )
        mean, variance = np.zeros(shape) + what.constants, np.zeros(shape)
        lowest = np.zeros(shape[0])

        def part(some: slice) -> None:
            own, values = gates[some] if len(gates) > 1 else gates, frozen(angles[some])
            work = pauli_kernel.work_for(channels, own, False)
            shot_kernel.measure(
                channels, plan, own, values, values.view(np.uint64), mean[some], variance[some],
                lowest[some], work, room or shot_kernel.make_room(n),
            )  # fmt: skip

        share_out(part, len(angles), threads)
        _require_probabilities(lowest)
        circuits = len(angles) * len(what.letters)
        return Estimate(mean, np.sqrt(variance), circuits * int(self.shots), circuits)


@dataclass(frozen=True, eq=False)
class _Measurement:
    """The measurement circuits of some observables, and how to read their outcomes."""

    n_qubits: int
    letters: Integers
    """Shape (groups, n): measured basis of each qubit, X, Y, Z = 1, 2, 3."""
    values: Reals
    """Shape (n_observables, groups, 2^n): what an outcome of a group adds to an observable."""
    constants: Reals
    """Shape (n_observables,): coefficients of the identity."""


def _measurement(
    observables: Observable | Sequence[Observable], n_qubits: int
) -> tuple[_Measurement, bool]:
    """How to measure the observables together, and whether one alone was given."""
    wanted, single = observable_list(observables)
    if not wanted:
        raise InputError("no observable given")
    for one in wanted:
        if one.n_qubits != n_qubits:
            raise InputError(
                f"the observable has {one.n_qubits} qubits, the circuit {n_qubits}: they must agree"
            )
    return _grouped(tuple(wanted)), single


@lru_cache(maxsize=16)
def _grouped(observables: tuple[Observable, ...]) -> _Measurement:
    n, identity = observables[0].n_qubits, "I" * observables[0].n_qubits
    paulis = sorted({p for one in observables for p in one.paulis} - {identity})
    union = Observable.of(paulis, [1.0] * len(paulis)) if paulis else None
    groups = union.groups() if union else ()
    group_of = {paulis[k]: g for g, group in enumerate(groups) for k in group}
    letters = np.zeros((len(groups), n), dtype=np.int64)
    values = np.zeros((len(observables), len(groups), 2**n))
    constants = np.zeros(len(observables))
    outcomes = np.arange(2**n)
    for o, one in enumerate(observables):
        digits = (one.pauli_index[:, None] >> 2 * np.arange(n)) & 3
        for pauli, coeff, letter in zip(one.paulis, one.coeffs, digits, strict=True):
            if pauli == identity:
                constants[o] = coeff
                continue
            g, support = group_of[pauli], int((1 << np.flatnonzero(letter)).sum())
            letters[g] = np.maximum(letters[g], letter)
            values[o, g] += coeff * (1.0 - 2.0 * (np.bitwise_count(outcomes & support) & 1))
    letters[letters == 0] = 3
    return _Measurement(n, letters, values, constants)


@lru_cache(maxsize=16)
def _readout(device: Device, n_qubits: int, scale: float) -> Reals:
    """p01 and p10 of each qubit, shape (n, 2); zeros where they are not known."""
    rates = np.zeros((n_qubits, 2))
    for rate, qubit in zip(rates, device.qubits, strict=False):
        if qubit.p01 is not None and qubit.p10 is not None:
            rate[:] = qubit.p01 * scale, qubit.p10 * scale
    if rates.max() > 1.0:
        raise InputError(
            f"a noise scale of {scale} makes a readout error of qubit "
            f"{rates.max(axis=1).argmax()} the probability {rates.max():.3g}: take a smaller "
            "scale, or readout=False"
        )
    return rates


def _product(basis: str) -> Observable:
    """The Pauli string that is measured in a basis, I counting as Z."""
    if not isinstance(basis, str) or not basis:
        raise InputError(f"a basis is a letter X, Y or Z for each qubit; given {basis!r}")
    return Observable.of([basis.replace("I", "Z")], [1.0])


def _first(estimate: Estimate) -> Estimate:
    """The estimate of the only observable, shape (batch,)."""
    return replace(estimate, mean=estimate.mean[:, 0], stderr=estimate.stderr[:, 0])


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _require_probabilities(lowest: Reals) -> None:
    wrong = np.flatnonzero(~(lowest > -shot_kernel.TOLERANCE))
    if len(wrong):
        raise InputError(
            f"circuit {wrong[0]} of the batch has an outcome of probability "
            f"{lowest[wrong[0]]:.3g}: the channels given to the simulator must be completely "
            "positive, and all angles finite"
        )
