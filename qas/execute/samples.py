"""A data set prepared under one noise model, so that a circuit need not run for each sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Population
from qas.errors import InputError
from qas.execute import loss_kernel as kernel
from qas.execute import pauli_kernel
from qas.execute.channel import Channels
from qas.execute.descent import Descent, descend, descend_population
from qas.execute.model import PAUSE, Step
from qas.execute.noise_model import NoiseModel
from qas.execute.octet import aligned
from qas.execute.pauli_vector import size
from qas.execute.share import frozen, share_out
from qas.execute.stop import Limits
from qas.task.loss import Loss

MEMORY = 2 * 2**30
"""Bytes that the prepared samples, held in two orders, may take."""
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LossModel:
    """Native circuits behind prepared samples: `qas.execute.loss_kernel`, as optimisers take it."""

    channels: Channels
    samples: kernel.Samples
    gates: NDArray[np.int16]
    """Shape (B, G, 3), or (1, G, 3) if all runs are of one circuit; read-only."""

    def part(self, some: slice) -> LossModel:
        """The model of some of the runs."""
        return replace(self, gates=self.gates[some]) if len(self.gates) > 1 else self

    def step(self, method: str) -> Step:
        """Measurements for L-BFGS, about `PAUSE` seconds of them at a time.

        Raises:
            InputError: Rotosolve, which needs an energy.
        """
        if method != "lbfgs":
            raise InputError("a loss is no sinusoid of its angles: optimise it with lbfgs")
        work, room = self.room()
        model = self.channels, self.samples, self.gates, work, room
        patience = 1 + int(PAUSE / (1e-9 * kernel.size_of(self.samples) + 1e-5))

        def advance(runs: Any, limits: Any, search: Any) -> int:
            return int(kernel.loss_lbfgs(*model, runs, limits, search, patience))

        return advance

    def room(self) -> tuple[pauli_kernel.Work, kernel.Room]:
        """Work arrays for these circuits, not shared with anyone: the kernel holds two at once."""
        passes = int(pauli_kernel.n_passes(self.channels, self.gates))
        n_gates, n_qubits = self.gates.shape[1], int(self.channels.n_qubits)
        work = pauli_kernel.make_work(n_qubits, n_gates, passes, True)
        return work, kernel.make_room(self.samples, n_gates)


def sample_by_sample(model: NoiseModel, population: Population, loss: Loss) -> Reals:
    """Mean losses, shape (n_circuits,), of native circuits run whole, each sample by itself.

    For models with idling, where a circuit's schedule begins in the encoder.
    """
    native, angles = model.native_at(loss.encoder, [], loss.inputs)
    result = np.empty(len(population))
    for row in range(len(population)):
        gates = np.concatenate([native.gates, population.gates[row : row + 1]], axis=1)
        behind = np.repeat(population.angles[row : row + 1], len(angles), axis=0)
        whole = np.concatenate([angles, behind], axis=1)
        values = [model.values(gates, whole, one) for one in loss.observables]
        result[row] = loss.of(np.stack(values, axis=1))
    return result


class PreparedLoss:
    """A loss under one noise model: every sample has gone through the encoder once.

    Circuits are those behind the encoder. A whole data set then costs a few sweeps over the
    circuit and one product with the samples: see `qas.execute.loss_kernel`.

    Args:
        model: the noise; without idling, since schedules of encoder and circuit join.
        loss: samples, observables and head.

    Raises:
        InputError: idling, other numbers of qubits, or too many samples for memory.
    """

    def __init__(self, model: NoiseModel, loss: Loss) -> None:
        if model.idle:
            raise InputError(
                "a prepared loss needs a model without idle decoherence: take its value sample "
                "by sample, sim.estimate(encoder.append(circuit), loss.observables, params, inputs)"
            )
        self.model, self.loss = model, loss
        self.channels = model.channels(loss.n_qubits)
        states = self._prepared()
        self.samples = kernel.Samples(
            frozen(states), frozen(states.T), loss.labels, frozen(self._duals()), loss.head
        )

    def values(self, population: Population, *, threads: int = 1) -> Reals:
        """The mean loss of each circuit, shape (n_circuits,), nats."""
        return self._run(population, np.empty((0, 1, 1)), threads)

    def expectations(self, population: Population, *, threads: int = 1) -> Reals:
        """Expectation values, shape (n_circuits, n_samples, n_observables)."""
        shape = len(population), self.loss.n_samples, len(self.loss.observables)
        values = np.empty(shape)
        self._run(population, values, threads)
        return values

    def gradients(self, population: Population, *, threads: int = 1) -> tuple[Reals, Reals]:
        """Mean losses and their derivatives in every rotation's angle, (n_circuits, longest)."""
        model = self._of(population)
        result, slopes = np.empty(len(population)), np.empty(population.angles.shape)

        def part(some: slice) -> None:
            own = model.part(some)
            angles = frozen(population.angles[some])
            arrays = own.gates, angles, result[some], slopes[some]
            kernel.gradients(self.channels, self.samples, *arrays, *own.room())

        share_out(part, len(result), threads)
        return result, slopes

    def minimise(self, circuit: Circuit, starts: ArrayLike, limits: Limits, **how: Any) -> Descent:
        """One native circuit from many starts, shape (runs, n_params); see `descend`."""
        one = Population.of([circuit])
        free = np.flatnonzero(one.free[0])
        found = descend(
            self._of(one), np.atleast_2d(starts), self._fewer(limits), angles=one.angles[0],
            free=free, **how,
        )  # fmt: skip
        return self._priced(found)

    def minimise_population(self, population: Population, limits: Limits, **how: Any) -> Descent:
        """Every native circuit from the angles at which it stands; see `descend_population`."""
        model = self._of(population)
        return self._priced(descend_population(model, population, self._fewer(limits), **how))

    # --- what the public methods share ----------------------------------------------------

    def _of(self, population: Population) -> LossModel:
        self.model.require_native(population)
        return LossModel(self.channels, self.samples, population.gates)

    def _run(self, population: Population, values: Reals, threads: int) -> Reals:
        model, result = self._of(population), np.empty(len(population))

        def part(some: slice) -> None:
            own, angles = model.part(some), frozen(population.angles[some])
            seen = values[some] if len(values) else values
            arrays = own.gates, angles, result[some], seen
            kernel.losses(self.channels, self.samples, *arrays, *own.room())

        share_out(part, len(result), threads)
        return result

    def _fewer(self, limits: Limits) -> Limits:
        """Limits in measurements of the loss: each is an evaluation a sample."""
        return limits._replace(evaluations=max(limits.evaluations / self.loss.price, 1.0))

    def _priced(self, found: Descent) -> Descent:
        return replace(found, evaluations=found.evaluations * self.loss.price)

    def _prepared(self) -> Reals:
        loss, vector = self.loss, size.py_func(self.loss.n_qubits)
        need = 2 * 8 * loss.n_samples * vector
        if need > MEMORY:
            raise InputError(
                f"{loss.n_samples} samples on {loss.n_qubits} qubits need "
                f"{need / 2**30:.1f} GiB prepared; the limit is "
                f"{MEMORY / 2**30:.0f}: take fewer samples (loss.some(rows)) or fewer qubits"
            )
        native, angles = self.model.native_at(loss.encoder, [], loss.inputs)
        states = aligned(loss.n_samples, vector)
        work = pauli_kernel.work_for(self.channels, native.gates, False)
        kernel.prepare(self.channels, frozen(native.gates[0]), frozen(angles), states, work)
        return states

    def _duals(self) -> Reals:
        duals = aligned(len(self.loss.observables), size.py_func(self.loss.n_qubits))
        for row, one in zip(duals, self.loss.observables, strict=True):
            row[:] = self.model.dual(one)
        return duals
