"""The published loop's simulator and inner optimisers, re-stated with Qiskit Aer.

After Patel et al., arXiv 2402.03500, written anew from its description: after every step all angles
are optimised, with one call of the simulator for each evaluation (two evaluations in one call for
a pair of SPSA, a whole gradient in one for parameter shift). Aer gets what a careful user would
give it: the circuit is lowered and built once a step and bound by ``parameter_binds``, the
observable is a ``save_expectation_value``, one thread, one shot. Noise stands as channels in the
circuit: a noise model computes the same, but is loaded anew by every call of run().
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.problem import Problem
from qas.problem.inner import AdamSPSA, Cobyla, Optimised
from qas.task import Observable
from qas.train.cobyla import Lowest, cobyla

Reals = NDArray[np.float64]
LATE = {"runtime_parameter_bind_enable": True}
"""Option of Aer: circuits are bound in C++; pays from some dozens of points in a call."""


@dataclass(frozen=True, eq=False)
class Aer:
    """Aer's simulator, made once."""

    simulator: Any
    channels: dict[tuple[str, tuple[int, ...]], Any] = field(default_factory=dict)
    """Instructions that stand behind gates (name, qubits); none where a noise model does it."""


def aer(problem: Problem, **options: Any) -> Aer:
    """Aer in its quickest form for a problem's first layout; ``options`` over its own."""
    from qiskit.quantum_info import SuperOp
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise.device import basic_device_gate_errors

    from qas.execute.aer import target_of

    usual = {"max_parallel_threads": 1, "shots": 1}
    if problem.device.is_ideal:
        return Aer(AerSimulator(**{**usual, "method": "statevector", **options}))
    errors = basic_device_gate_errors(target=target_of(problem.patch(problem.layouts[0])))
    channels = {
        (name, tuple(qubits)): SuperOp(error).to_instruction() for name, qubits, error in errors
    }
    return Aer(AerSimulator(**{**usual, "method": "density_matrix", **options}), channels)


def aer_modelled(problem: Problem, *, kraus: bool = True) -> Aer:
    """Aer with a noise model of the patch, each error one Kraus channel, or left as Aer made it.

    The errors are those of `NoiseModel.from_backend`, of the qubits in use alone.
    """
    from qas.execute.aer import noise_model

    model = noise_model(problem.patch(problem.layouts[0]), kraus=kraus)
    return Aer(aer(problem, noise_model=model).simulator)


class Measured:
    """Energies of one circuit by Aer: built once, bound at every call."""

    def __init__(self, way: Aer, one: Population, observable: Observable) -> None:
        from qiskit_aer.library import SaveExpectationValue

        plain = one.circuit(0)[0].to_qiskit()
        run = plain.copy_empty_like()
        for item in plain.data:
            run.append(item)
            wires = tuple(plain.find_bit(qubit).index for qubit in item.qubits)
            if (item.operation.name, wires) in way.channels:
                run.append(way.channels[item.operation.name, wires], wires)
        run.append(SaveExpectationValue(observable.to_qiskit(), label="value"), range(one.n_qubits))
        self.simulator, self.run, self.thetas = way.simulator, run, list(run.parameters)
        self.inside = 0.0
        """Seconds of Aer's C++ by its own clock: noise model, simulation, output."""

    def __call__(self, rows: Reals) -> Reals:
        """Hartree, shape (B,), at free angles of shape (B, P), radians; in one call of run()."""
        binds = [dict(zip(self.thetas, rows.T.tolist(), strict=True))] if self.thetas else None
        result = self.simulator.run([self.run], parameter_binds=binds).result()
        self.inside += result.metadata["time_taken_execute"]
        if not self.thetas:
            return np.full(len(rows), result.data(0)["value"])
        return np.array([result.data(row)["value"] for row in range(len(rows))])

    def assigned(self, row: Reals) -> float:
        """The energy at one vector of angles, bound by Qiskit before the run."""
        bound = self.run.assign_parameters(dict(zip(self.thetas, row, strict=True)))
        return float(self.simulator.run([bound]).result().data(0)["value"])

    def values(self, population: Population, _: Observable) -> Reals:
        """As the simulators' own method, for populations of this one structure."""
        return self(population.angles[:, population.free[0]])

    def lowest(self, one: Population, like: Cobyla, deadline: float = np.inf) -> Lowest:
        """By COBYLA with the settings of ours."""
        return cobyla(
            lambda x: float(self(x[None])[0]), one.angles[one.free], step=like.step,
            tolerance=like.tolerance, evaluations=like.evaluations, deadline=deadline,
        )  # fmt: skip


@dataclass(frozen=True)
class AerCobyla:
    """`Cobyla` of one circuit with Aer measuring: the published inner optimiser without noise."""

    way: Aer
    like: Cobyla
    name: str = "cobyla, Aer"

    def __call__(
        self, _: Any, population: Population, observable: Observable, rng: np.random.Generator,
        *, most: float = np.inf, deadline: float = np.inf,
    ) -> Optimised:  # fmt: skip
        measured = Measured(self.way, population, observable)
        found = measured.lowest(population, self.like, deadline)
        angles, spent = population.angles.copy(), np.array([found.evaluations])
        angles[0, population.free[0]] = found.at
        return Optimised(np.array([found.value]), angles, spent, spent)


# --- One step, timed ------------------------------------------------------------------------


@dataclass(frozen=True)
class Timed:
    """The inner optimisation of one step."""

    wall: float
    cpu: float
    inside: float
    """Seconds: by the clock, of the processor, in Aer's C++."""
    deviation: float
    """Hartree between Aer's energy at the end and ours at the same angles."""


Work = Callable[[Measured, Population, Observable], tuple[float, Reals]]
"""Gives an energy and its free angles."""


def by_cobyla(like: Cobyla) -> Work:
    """COBYLA to its end."""

    def work(measured: Measured, one: Population, _: Observable) -> tuple[float, Reals]:
        found = measured.lowest(one, like)
        return found.value, found.at

    return work


def by_spsa(like: AdamSPSA) -> Work:
    """All stages of Adam-SPSA, two points in each call of run()."""

    def work(measured: Measured, one: Population, observable: Observable) -> tuple[float, Reals]:
        found = like(measured, one, observable, np.random.default_rng(0))  # type: ignore[arg-type]
        return float(found.energy[0]), found.angles[one.free]

    return work


def by_shift(measured: Measured, one: Population, _: Observable) -> tuple[float, Reals]:
    """One value with its gradient by parameter shift, in one call of run()."""
    here = one.angles[one.free]
    shifts = np.pi / 2 * np.eye(len(here))
    return float(measured(np.vstack([here[None], here + shifts, here - shifts]))[0]), here


def timed(problem: Problem, way: Aer, one: Population, work: Work, times: int = 1) -> Timed:
    """Build the circuit, do the work; it counts ``times`` times, the building once."""
    observable = problem.task.observable
    clocks = np.array([[time.perf_counter(), time.process_time()]] * 3)
    measured = Measured(way, one, observable)
    clocks[1] = time.perf_counter(), time.process_time()
    energy, at = work(measured, one, observable)
    clocks[2] = time.perf_counter(), time.process_time()
    wall, cpu = np.diff(clocks, axis=0).T @ [1, times]
    angles = one.angles.copy()
    angles[one.free] = at
    ours = problem.simulator(problem.layouts[0]).values(one.with_angles(angles), observable)
    return Timed(wall, cpu, times * measured.inside, abs(float(ours[0]) - energy))
