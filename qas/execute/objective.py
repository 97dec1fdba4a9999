"""One circuit's energy as a function of its free angles, for optimisers that take a callable.

What does not change between two calls is looked at, looked up and allocated once; a call then
costs little more than the compiled kernel.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.errors import InputError
from qas.execute import pauli_kernel, state_kernel
from qas.execute.exact import ExactSimulator
from qas.execute.noisy import NoisySimulator
from qas.execute.share import frozen
from qas.execute.state_circuit import check_population
from qas.execute.state_observable import rows_of
from qas.task import Observable

Reals = NDArray[np.float64]
Objective = Callable[[Reals], float]


def objective(
    simulator: NoisySimulator | ExactSimulator, one: Population, observable: Observable
) -> Objective:
    """The energy, hartree, of the only circuit in ``one`` at free angles of shape (P,), radians.

    It is ``simulator.values(one.with_angles(...), observable)[0]``. Call it from one thread.

    Raises:
        InputError: not one circuit, an observable of another size, or a gate that does not fit.

    >>> from qas.circuit import Circuit
    >>> one = Population.of([Circuit(1).then("ry", 0)])
    >>> energy = objective(ExactSimulator(), one, Observable.of(["X"], [2.0]))
    >>> round(energy(np.array([np.pi / 2])), 12)
    2.0
    """
    if len(one) != 1:
        raise InputError(
            f"an objective is of one circuit; given {len(one)}: take population[i:i+1]"
        )
    if observable.n_qubits != one.n_qubits:
        raise InputError(
            f"the observable has {observable.n_qubits} qubits, the circuit {one.n_qubits}: "
            "they must agree"
        )
    if isinstance(simulator, ExactSimulator):
        return _without_noise(one, observable)
    if simulator.model.native_population(one) is one:
        return _with_noise(simulator, one, observable)
    return _lowered(simulator, one, observable)


def _without_noise(one: Population, observable: Observable) -> Objective:
    check_population(one)
    n_gates, places = one.gates.shape[1], np.flatnonzero(one.free[0])
    angles, value, none = one.angles.copy(), np.empty(1), np.empty((1, 0))
    shown, slots = frozen(angles), frozen(np.arange(n_gates))
    program = one.gates, slots, shown, one.n_qubits, *rows_of(observable), shown, none, value
    work, sweep, row = state_kernel.make_work(one.n_qubits, n_gates), state_kernel.sweep, angles[0]

    def energy(free: Reals) -> float:
        row[places] = free
        sweep(*program, *work)
        return float(value[0])

    return energy


def _with_noise(simulator: NoisySimulator, one: Population, observable: Observable) -> Objective:
    channels, dual = simulator.model.tables(observable)
    places, angles, value = np.flatnonzero(one.free[0]), one.angles.copy(), np.empty(1)
    passes = int(pauli_kernel.n_passes(channels, one.gates))
    work = pauli_kernel.make_work(one.n_qubits, one.gates.shape[1], passes, False)
    shown, values, row = frozen(angles), pauli_kernel.values, angles[0]

    def energy(free: Reals) -> float:
        row[places] = free
        values(channels, dual, one.gates, shown, value, work)
        return float(value[0])

    return energy


def _lowered(simulator: NoisySimulator, one: Population, observable: Observable) -> Objective:
    """The native form depends on the angles here and there, and is made anew for each."""
    places, angles = np.flatnonzero(one.free[0]), one.angles.copy()

    def energy(free: Reals) -> float:
        angles[0, places] = free
        return float(simulator.values(one.with_angles(angles), observable)[0])

    return energy
