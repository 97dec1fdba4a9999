"""What optimisers measure: the circuits of a simulator as functions of their angles.

A model steps an optimiser (`qas.execute.lbfgs`, `qas.execute.rotosolve`) through measurements.
For a simulator that loop is compiled, a few lines for each pair of optimiser and simulator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qas.compiled import compiled, inlined
from qas.execute import lbfgs, pauli_kernel, rotosolve, state_kernel
from qas.execute.channel import Channels
from qas.execute.state_observable import SignRows
from qas.execute.stop import Limits, Runs

PAUSE = 0.05
"""Seconds after which compiled code comes back, to see whether time is up."""
_pauli_slopes, _pauli_values = pauli_kernel.value_and_slopes, pauli_kernel.values
_state_slopes = state_kernel.value_and_slopes
_lbfgs, _rotosolve = lbfgs.advance, rotosolve.advance

Step = Callable[[Runs, Limits, Any], int]
"""Goes on with some runs: (runs, limits, work of the optimiser) -> the run that is under way,
``len(runs.angles)`` when all are done."""


class Model(Protocol):
    """Circuits whose angles can be optimised."""

    def part(self, some: slice) -> Model:
        """The model of some of the runs."""
        ...

    def step(self, method: str) -> Step:
        """Measurements for an optimiser by name, with work arrays of their own."""
        ...


@dataclass(frozen=True, eq=False)
class PauliModel:
    """Native circuits under noise: `qas.execute.pauli_kernel`."""

    channels: Channels
    observable: NDArray[np.float64]
    """Shape (V,), read-only."""
    gates: NDArray[np.int16]
    """Shape (B, G, 3), or (1, G, 3) if all runs are of one circuit; read-only."""
    keep: bool
    """Whether reverse sweeps keep their states."""

    def part(self, some: slice) -> PauliModel:
        """The model of some of the runs."""
        return replace(self, gates=self.gates[some]) if len(self.gates) > 1 else self

    def step(self, method: str) -> Step:
        """Measurements for an optimiser, about `PAUSE` seconds of them at a time."""
        sloped = method == "lbfgs"
        work = pauli_kernel.work_for(self.channels, self.gates, self.keep and sloped)
        loop = pauli_lbfgs if sloped else pauli_rotosolve
        model = self.channels, self.observable, self.gates, work
        patience = 1 + int(PAUSE / (5e-9 * (len(work.maps) + 1) * len(self.observable)))
        return lambda runs, limits, search: loop(*model, runs, limits, search, patience)


@dataclass(frozen=True, eq=False)
class StateModel:
    """Circuits without noise: `qas.execute.state_kernel`."""

    n_qubits: int
    observable: SignRows
    gates: NDArray[np.int16]
    """Shape (B, G, 3), or (1, G, 3) if all runs are of one circuit; read-only."""
    slots: NDArray[np.int64]
    """Shape (B, G) or (1, G): a free rotation's own place, -1 elsewhere; read-only."""

    def part(self, some: slice) -> StateModel:
        """The model of some of the runs."""
        if len(self.gates) == 1:
            return self
        return replace(self, gates=self.gates[some], slots=self.slots[some])

    def step(self, method: str) -> Step:
        """Measurements for an optimiser, about `PAUSE` seconds of them at a time."""
        n_gates = self.gates.shape[1]
        work = state_kernel.make_work(self.n_qubits, n_gates)
        loop = state_lbfgs if method == "lbfgs" else state_rotosolve
        model = self.gates, self.slots, self.n_qubits, self.observable, work
        patience = 1 + int(PAUSE / (1e-8 * (n_gates + 1) * 2**self.n_qubits))
        return lambda runs, limits, search: loop(*model, runs, limits, search, patience)


@dataclass(frozen=True, eq=False)
class FunctionModel:
    """Any energy with its slopes, measured through Python.

    Rotosolve takes it to be a + b cos x + c sin x in each of its angles x.
    """

    value_and_slopes: Callable[[NDArray[np.float64]], tuple[float, NDArray[np.float64]]]
    """Of angles, shape (P,), radians: the energy, and its gradient of the same shape."""

    def part(self, some: slice) -> FunctionModel:
        """The same: all runs are of one function."""
        return self

    def step(self, method: str) -> Step:
        """One measurement at a time."""
        return self._lbfgs if method == "lbfgs" else self._rotosolve

    def _lbfgs(self, runs: Runs, limits: Limits, search: lbfgs.Work) -> int:
        value, search.slopes[:] = self.value_and_slopes(runs.shown[search.state[0]["run"]])
        return int(lbfgs.advance(runs, limits, search, float(value)))

    def _rotosolve(self, runs: Runs, limits: Limits, search: rotosolve.Work) -> int:
        search.values[:] = [self.value_and_slopes(row)[0] for row in search.shown]
        return int(rotosolve.advance(runs, limits, search))


@compiled
def pauli_lbfgs(channels, observable, gates, work, runs, limits, search, patience):
    """A `Step` of up to ``patience`` measurements; circuits and work as in the kernel."""
    b = search.state[0].run
    while b < len(runs.angles) and patience > 0:
        one = gates[b if len(gates) > 1 else 0]
        angles, slopes = runs.shown[b], search.slopes
        value = _pauli_slopes(channels, observable, one, angles, slopes, work)
        b = _lbfgs(runs, limits, search, value)
        patience -= 1
    return b


@compiled
def pauli_rotosolve(channels, observable, gates, work, runs, limits, search, patience):
    """A `Step` of up to ``patience`` pairs of measurements; circuits and work as in the kernel."""
    b = search.state[0].run
    while b < len(runs.angles) and patience > 0:
        at = b if len(gates) > 1 else 0
        one = gates[at : at + 1]
        _pauli_values(channels, observable, one, search.shown, search.values, work)
        b = _rotosolve(runs, limits, search)
        patience -= 1
    return b


@compiled
def state_lbfgs(gates, slots, n_qubits, rows, work, runs, limits, search, patience):
    """As `pauli_lbfgs`, without noise."""
    b = search.state[0].run
    while b < len(runs.angles) and patience > 0:
        at = b if len(gates) > 1 else 0
        end = state_length(gates, at)
        one, angles, slopes = gates[at, :end], runs.shown[b], search.slopes
        value = _state_slopes(one, slots[at], angles, n_qubits, rows, angles, slopes, work)
        b = _lbfgs(runs, limits, search, value)
        patience -= 1
    return b


@compiled
def state_rotosolve(gates, slots, n_qubits, rows, work, runs, limits, search, patience):
    """As `pauli_rotosolve`, without noise."""
    b = search.state[0].run
    while b < len(runs.angles) and patience > 0:
        at = b if len(gates) > 1 else 0
        end = state_length(gates, at)
        one, nothing = gates[at, :end], search.values[:0]
        for k in range(2):
            angles = search.shown[k]
            search.values[k] = _state_slopes(
                one, slots[at], angles, n_qubits, rows, angles, nothing, work
            )
        b = _rotosolve(runs, limits, search)
        patience -= 1
    return b


@inlined
def state_length(gates, row):
    """Gates of a circuit before its rows of -1."""
    end = 0
    while end < gates.shape[1] and gates[row, end, 0] >= 0:
        end += 1
    return end
