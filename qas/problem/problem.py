"""The problem: a task on a device, what may be built for it, and how that is scored."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Gate, Population
from qas.device import Device
from qas.device.lowering import Lowering
from qas.device.pattern import varied_layouts
from qas.device.population import lower_population
from qas.errors import InputError
from qas.execute import ExactSimulator, Neighbours, NoisySimulator
from qas.execute.noisy import native_gates
from qas.problem.candidate import Candidate, Trial
from qas.problem.constraint import Constraints
from qas.problem.cost import Cost, Meter
from qas.problem.moves import tokens
from qas.problem.optimise import NORMAL, Effort, minimise
from qas.problem.pool import POOLS, gate_pool, is_commuting_pool
from qas.task import Classifier, Observable, Task
from qas.train.commuting import is_commuting

Layout = tuple[int, ...]
KEPT_LOWERINGS = 4096
LAYOUTS = 48
"""Layouts that growth is offered on a device."""
ORDERS = 400
"""And without noise, where they only say which pairs are coupled and are not simulated."""


@dataclass(frozen=True)
class Limits:
    """How large a circuit may grow (un-lowered gates)."""

    gates: int
    two_qubit_gates: int

    @classmethod
    def for_qubits(cls, n_qubits: int) -> Limits:
        """Room for a few layers: 40 gates and 12 two-qubit gates at 4 qubits."""
        return cls(gates=10 * n_qubits, two_qubit_gates=3 * n_qubits)

    def within(self, constraints: Constraints) -> Limits:
        """These limits, lowered to the two-qubit gates that the constraints allow."""
        most = self.two_qubit_gates
        if constraints.two_qubit_gates is not None:
            most = min(most, constraints.two_qubit_gates)
        return Limits(self.gates, most)


@dataclass(frozen=True)
class Problem:
    """Task, device, limits and gate pool; equal by content.

    Every strategy and the environment build from the same `tokens` and are scored by the
    same `score`, so that a comparison between them is fair.
    """

    task: Task | Classifier
    device: Device
    """The whole chip."""
    layouts: tuple[Layout, ...]
    """Ordered physical qubits that circuits may grow on, best calibration first: between them
    they couple different pairs. A grown circuit may move on to any place of the chip
    (`qas.problem.relayout`), unless ``is_fixed``."""
    limits: Limits
    pool: tuple[str, ...] = POOLS["free"]
    """Names of the gates that circuits are grown from; see `qas.problem.pool`."""
    constraints: Constraints = Constraints()
    """What every reported circuit keeps; see `qas.problem.constraint`."""
    is_fixed: bool = False
    """True where the qubits were named: circuits stay on the one layout."""
    _patches: dict[Layout, Device] = field(default_factory=dict, compare=False, repr=False)
    _lowerings: dict[tuple[Layout, Circuit], Lowering] = field(
        default_factory=dict, compare=False, repr=False
    )
    _simulators: dict[Layout, NoisySimulator] = field(
        default_factory=dict, compare=False, repr=False
    )
    exact: ExactSimulator = field(default_factory=ExactSimulator, compare=False, repr=False)
    """The simulator without noise."""

    @classmethod
    def of(
        cls,
        task: Task | Classifier,
        device: Device,
        *,
        qubits: Sequence[int] | None = None,
        limits: Limits | None = None,
        constraints: Constraints | None = None,
        n_layouts: int | None = None,
        pool: str | Sequence[str] = "free",
    ) -> Problem:
        """The problem with the usual limits; without ``qubits`` the engine offers layouts.

        ``constraints`` lower the limits of growth where they can; see `qas.problem.constraint`.
        ``pool`` names gates, or a pool that has a name; see `qas.problem.pool`.

        Raises:
            InputError: too few qubits, ``qubits`` that do not fit the task, or an unknown gate.

        >>> from qas import load_device, load_task
        >>> task, device = load_task("h2"), load_device("FakeManilaV2")
        >>> Problem.of(task, device, pool="commuting").pool
        ('rx', 'cx')
        """
        n = task.n_qubits
        if qubits is None:
            usual = ORDERS if device.is_ideal else LAYOUTS
            layouts = varied_layouts(device, n, n_layouts or usual)
        else:
            if len(qubits) != n:
                raise InputError(f"task {task.name} has {n} qubits; --qubits names {len(qubits)}")
            device.patch(qubits)
            layouts = (tuple(qubits),)
        kept = constraints or Constraints()
        room = (limits or Limits.for_qubits(n)).within(kept)
        fixed = qubits is not None
        return cls(task, device, layouts, room, gate_pool(pool), kept, is_fixed=fixed)

    @property
    def n_qubits(self) -> int:
        """Qubits of the task."""
        return self.task.n_qubits

    def patch(self, layout: Layout) -> Device:
        """The device restricted to a layout, made once."""
        if layout not in self._patches:
            self._patches[layout] = self.device.patch(layout)
        return self._patches[layout]

    def simulator(self, layout: Layout) -> NoisySimulator | ExactSimulator:
        """What scores circuits on a layout: without noise states do, and are far smaller."""
        return self.exact if self.device.is_ideal else self.noisy(layout)

    def noisy(self, layout: Layout) -> NoisySimulator:
        """The noisy simulator of a layout, made once."""
        if layout not in self._simulators:
            self._simulators[layout] = NoisySimulator(self.patch(layout))
        return self._simulators[layout]

    @property
    def is_commuting(self) -> bool:
        """True if the gate pool makes circuits of commuting generators alone.

        On a device these are lowered with one native angle for each rotation: all that a run of
        pulses can do would have generators that do not commute.
        """
        return is_commuting_pool(self.pool)

    def lowered(self, population: Population, layout: Layout) -> Population:
        """The native circuits of a population on a layout, at its angles; native ones stay.

        Those of a commuting pool one by one, through Python: about a hundred times slower.
        """
        if not self.is_commuting or self.device.is_ideal:
            return lower_population(population, self.patch(layout))
        rows = [population.circuit(row) for row in range(len(population))]
        made = [self.lowering(circuit, layout) for circuit, _ in rows]
        angles = [own.angles(turns)[0] for own, (_, turns) in zip(made, rows, strict=True)]
        return Population.of([own.native for own in made], angles)

    def lowering(self, circuit: Circuit, layout: Layout) -> Lowering:
        """How a circuit is lowered onto a layout; the latest ones are kept."""
        key = (layout, circuit)
        if key not in self._lowerings:
            if len(self._lowerings) >= KEPT_LOWERINGS:
                del self._lowerings[next(iter(self._lowerings))]
            patch = self.patch(layout)
            self._lowerings[key] = patch.lowering(circuit, apart=self.is_commuting)
        return self._lowerings[key]

    def tokens(self, layout: Layout) -> tuple[Gate, ...]:
        """Every gate that may be placed on a layout, in a fixed order."""
        return tokens(self.patch(layout), self.pool)

    def meter(
        self, budget: int | None, spent: Cost | None = None, seconds: float | None = None
    ) -> Meter:
        """A meter that counts this task's measurement circuits; see `Meter`."""
        return Meter(budget, self.task.observable.n_groups, spent, seconds)

    @property
    def molecule(self) -> Task:
        """The task, where what it asks for is an energy.

        Raises:
            InputError: a loss, of which no sweep knows all extensions of a circuit at once.
        """
        if isinstance(self.task, Classifier):
            raise InputError(
                f"task {self.task.name} asks for a loss, and this needs an energy: exact sweeps "
                "over all extensions of a circuit are of expectation values"
            )
        return self.task

    @property
    def energy(self) -> Observable:
        """The observable of `molecule`; it raises InputError for a loss."""
        return self.molecule.observable

    def admits(self, trial: Trial) -> bool:
        """True if a trial's native circuit keeps the constraints and what the pool promises."""
        if self.is_commuting and not is_commuting(trial.native):
            return False
        return self.constraints.admit(trial.native, self.patch(trial.candidate.layout))

    def fits(self, circuit: Circuit, layout: Layout) -> bool:
        """True if every two-qubit gate joins qubits that share an edge on the layout."""
        patch = self.patch(layout)
        return all(b in patch.neighbours(a) for a, b in circuit.pairs)

    def value(
        self, circuit: Circuit, layout: Layout, params: ArrayLike, meter: Meter
    ) -> NDArray[np.float64]:
        """Noisy energies, shape (batch,), of a circuit at given angles; one evaluation each."""
        started = time.perf_counter()
        mean = self.simulator(layout).estimate(circuit, self.task.observable, params).mean
        meter.charge(len(mean) * self.task.observable.price, started, sweeps=len(mean))
        return mean

    def insertions(self, trial: Trial, meter: Meter) -> Neighbours:
        """Exact energies of every one-gate extension of a trial's native circuit."""
        started = time.perf_counter()
        layout = trial.candidate.layout
        gates = native_gates(self.patch(layout), self.n_qubits)
        if trial.two_qubit_gates >= self.limits.two_qubit_gates:
            gates = tuple(gate for gate in gates if len(gate.qubits) == 1)
        simulator, observable = self.simulator(layout), self.energy
        scores = simulator.score_insertions(trial.native, observable, trial.angles, gates)
        meter.charge(scores.evaluations, started, sweeps=1)
        return scores

    def score(
        self,
        candidate: Candidate,
        meter: Meter,
        *,
        start: ArrayLike | None = None,
        native: Circuit | None = None,
        effort: Effort = NORMAL,
    ) -> Trial:
        """Lower the candidate, optimise its native angles under noise, return the trial.

        Args:
            candidate: circuit and layout.
            meter: charged with the evaluations.
            start: angles to start from, of ``native`` where that is given, else of the
                candidate's circuit (zeros by default); radians.
            native: a native circuit of the candidate, if not the one lowering makes.
            effort: how hard to optimise.
        """
        before = meter.spent
        layout = candidate.layout
        if native is None:
            lowering = self.lowering(candidate.circuit, layout)
            first = np.zeros(candidate.circuit.n_params) if start is None else start
            native, angles = lowering.native, lowering.angles(first)[0]
        else:
            angles = np.zeros(native.n_params) if start is None else np.asarray(start)
        simulator, observable = self.simulator(layout), self.task.observable
        energy, best = minimise(simulator, native, observable, angles, meter, effort)
        cost = Cost(
            meter.spent.evaluations - before.evaluations,
            meter.spent.sweeps - before.sweeps,
            meter.spent.measurement_circuits - before.measurement_circuits,
            0,
            meter.spent.simulator_seconds - before.simulator_seconds,
        )
        return Trial(candidate, native, tuple(best.tolist()), energy, cost)

    def grow(
        self, trial: Trial, extension: Sequence[Gate], meter: Meter, effort: Effort = NORMAL
    ) -> Trial:
        """Score the trial's circuit with gates added at its end, starting where it stands.

        The new rotations start at zero: where the added gates contain no cx, the search
        starts at the parent's own state.
        """
        circuit, native = trial.candidate.circuit, trial.native
        for gate in extension:
            circuit = circuit.then(gate.name, *gate.qubits)
            native = native.then(gate.name, *gate.qubits)
        candidate = Candidate(circuit, trial.candidate.layout)
        lowering = self.lowering(native, candidate.layout)
        start = np.concatenate([trial.angles, np.zeros(native.n_params - len(trial.params))])
        return self.score(
            candidate,
            meter,
            native=lowering.native,
            start=lowering.angles(start)[0],
            effort=effort,
        )
