"""Training on a chip: a stream of training states."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit
from qas.circuit.tie import Ties
from qas.device.lowering import is_native
from qas.errors import InputError
from qas.execute.backend import Backend
from qas.execute.cost import reseeded
from qas.task import Observable
from qas.task.loss import Loss
from qas.train.cost import Cost, device_of, paid, price, with_shots
from qas.train.method import AdaptiveShots, Method, Request, Shift
from qas.train.objective import Objective, batch, bound, check_circuit, observables_of
from qas.train.optimiser import Optimiser
from qas.train.plan import Gradient, GradientPlan
from qas.train.prune import Pruning
from qas.train.readout import Calibration, Readout, calibrate, calibration_price, mitigated
from qas.train.seed import step_seed
from qas.train.state import StepRecord, TrainState

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class TuneSettings:
    """How to train, and where to stop. Budgets count from the first step of the state."""

    max_steps: int = 30
    optimiser: Optimiser = field(default_factory=Optimiser)
    pruning: Pruning = field(default_factory=Pruning)
    seed: int = 0
    """Seed of the run: pruning, batches, directions and shots of step k follow from (seed, k)."""
    max_shots: int | None = None
    """Shots that may be spent, mitigation included; None: no limit."""
    max_circuits: int | None = None
    """Circuits that may be executed, mitigation included; None: no limit."""
    max_qpu_seconds: float | None = None
    """Estimated seconds on the machine (`qas.train.cost`); None: no limit."""
    method: Method = field(default_factory=Shift)
    """`Shift`, `SPSA`, `GuidedSPSA` or `AdaptiveShots`."""
    batch_size: int | None = None
    """Samples of a loss in each step; None: all."""
    readout: Readout | None = None
    """Mitigation by the training itself; None: as the backend measures, its own mitigation
    (a RuntimeBackend's TREX) included."""

    def __post_init__(self) -> None:
        for name in ("max_steps", "max_shots", "max_circuits", "seed", "batch_size"):
            value, least = getattr(self, name), 1 if name == "batch_size" else 0
            if value is None and name not in ("max_steps", "seed"):
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name} must be a whole number >= {least}; given {value!r}")
        seconds = self.max_qpu_seconds
        if seconds is not None and not seconds >= 0:
            raise InputError(f"max_qpu_seconds must be 0 or more; given {seconds!r}")

    def covers(self, spent: Cost) -> bool:
        """Whether no budget is exceeded by so much."""
        limits = (self.max_circuits, self.max_shots, self.max_qpu_seconds)
        costs = (spent.circuits, spent.shots, spent.qpu_seconds)
        return all(
            limit is None or cost <= limit for limit, cost in zip(limits, costs, strict=True)
        )


def training_key(
    circuit: Circuit,
    objective: Objective,
    backend: Backend,
    settings: TuneSettings,
    ties: Ties | None = None,
) -> str:
    """Hash of all that makes a training what it is; limits may change between resumes."""
    where = getattr(backend, "fingerprint", backend.name)
    aim: Any = objective.id if isinstance(objective, Loss) else [objective.paulis, objective.coeffs]
    shared = None if ties is None else [ties.slope.tolist(), ties.offset.tolist()]
    how = {
        name: repr(getattr(settings, name))
        for name in ("optimiser", "method", "pruning", "readout", "batch_size", "seed")
    }
    what = [circuit.id, aim, where, shared, how]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def tune(
    circuit: Circuit,
    objective: Objective,
    backend: Backend,
    state: TrainState,
    settings: TuneSettings,
    *,
    ties: Ties | None = None,
) -> Iterator[TrainState]:
    """Training on ``backend``; yields the state after every step.

    The caller saves each state; given back, it continues as if it had not stopped, bit
    by bit on a simulated chip. A step is one request: all samples of its batch at all shifted
    angles (adaptive shots: one for each number of shots; with a readout calibration two more).
    The stream ends at ``max_steps`` or before the first step that a budget does not cover.

    Args:
        circuit: native, every free angle in one rotation; of a loss encoder and ansatz together
            (`qas.train.trainable`).
        objective: what is lowered: an observable, hartree, or a loss, nats.
        backend: where it runs; a `ShotBackend` gets fresh shots for every step.
        state: `TrainState.start(...)`, or a saved one.
        settings: optimiser, gradient method, pruning, mitigation, seed and limits.
        ties: angles of the circuit as an affine map of the parameters that are trained.

    Raises:
        InputError: a circuit that is not native on the backend, or a state that belongs to
            another circuit, backend or settings.
        FloatingPointError: a value or gradient that is not finite; the last state stands.
    """
    n_params = _check(circuit, objective, backend, state, settings, ties)
    key = training_key(circuit, objective, backend, settings, ties)
    if state.step == 0:
        state = replace(state, key=key, pruner=replace(state.pruner, settings=settings.pruning))
    if state.key != key:
        raise InputError(
            "the saved training belongs to another circuit, observable, backend, shots, "
            "mitigation, step size, pruning or seed: resume with those, or start anew"
        )
    run = _Run(circuit, objective, backend, settings, ties)
    while state.step < settings.max_steps and n_params:
        after = run.step(state)
        if after is None:
            return
        state = after
        yield state


def _check(
    circuit: Circuit,
    objective: Objective,
    backend: Backend,
    state: TrainState,
    settings: TuneSettings,
    ties: Ties | None,
) -> int:
    """The number of parameters; InputError where these do not belong together."""
    check_circuit(circuit, objective)
    settings.optimiser.check()
    device = device_of(backend)
    if device is not None and not is_native(circuit, device):
        raise InputError(
            f"the circuit is not native on {device.name}, where its angles would stand in several "
            "gates and the shift rule would be wrong: lower it first (qas.train.trainable)"
        )
    n_params = circuit.n_params if ties is None else ties.n_params
    if len(state.params) != n_params:
        raise InputError(f"{len(state.params)} angles for {n_params} free rotations")
    if ties is not None and ties.n_angles != circuit.n_params:
        raise InputError(f"ties give {ties.n_angles} angles for {circuit.n_params} free rotations")
    if settings.readout is not None and getattr(backend, "resilience_level", None):
        raise InputError(
            "the backend mitigates readout itself: give it resilience_level=0, or leave the "
            "training's readout mitigation out"
        )
    return n_params


class _Part(NamedTuple):
    """A request, priced."""

    backend: Backend
    rows: NDArray[np.int64]
    """Bindings of the plan."""
    price: Cost


@dataclass(frozen=True, eq=False)
class _Run:
    """What stays the same from step to step."""

    circuit: Circuit
    objective: Objective
    backend: Backend
    settings: TuneSettings
    ties: Ties | None

    def step(self, state: TrainState) -> TrainState | None:
        """The state after one more step; None where the budget does not cover it."""
        seed, k = self.settings.seed, state.step
        loss = None
        if isinstance(self.objective, Loss):
            chosen = batch(self.objective, self.settings.batch_size, seed, k)
            loss = self.objective.some(chosen)
        plan = self.plan(state, 1 if loss is None else loss.n_samples)
        known, overhead = state.calibration, Cost()
        due = self.settings.readout is not None and k % self.settings.readout.every == 0
        if due:
            overhead = calibration_price(self.backend, self.circuit.n_qubits)
            known = Calibration.unknown(self.circuit.n_qubits)
        requests = self.requests(plan, known)
        expected = overhead + sum((one.price for one in requests), start=Cost())
        if not self.settings.covers(state.spent + expected):
            return None
        if due:
            known, overhead = calibrate(self.backend, self.circuit.n_qubits, seed, k)
        mean, stderr, cost = self.measured(plan, requests, known, loss, k)
        measured = plan.combine(mean, stderr, loss)
        _refuse_nan(measured, state)
        return self.moved(replace(state, calibration=known), measured, plan, overhead + cost)

    def plan(self, state: TrainState, n_samples: int) -> GradientPlan:
        """The plan of the coming step."""
        seed = self.settings.seed
        pruned = np.random.default_rng(step_seed(seed, state.step, "prune"))
        request = Request(
            state.params,
            state.pruner.kept(pruned),
            n_samples,
            state.step,
            bound(self.objective),
            int(getattr(self.backend, "shots", 0)),
            state.shot_memory,
            self.ties,
        )
        rng = np.random.default_rng(step_seed(seed, state.step, "directions"))
        return self.settings.method.plan(request, rng)

    def requests(self, plan: GradientPlan, known: Calibration | None) -> list[_Part]:
        """What goes to the backend together: everything, unless the plan decides the shots."""
        everything = np.arange(plan.evaluations)
        chosen = [(self.backend, everything)]
        if plan.shots is not None:
            chosen = [
                (with_shots(self.backend, int(n)), everything[plan.shots == n])
                for n in np.unique(plan.shots)
            ]
        observables = self.observables(known)
        return [
            _Part(backend, rows, price(backend, self.circuit, observables, len(rows)))
            for backend, rows in chosen
        ]

    def observables(self, known: Calibration | None) -> Sequence[Observable]:
        """What is measured, readout mitigation included."""
        wanted = observables_of(self.objective)
        return wanted if known is None else tuple(mitigated(one, known) for one in wanted)

    def measured(
        self,
        plan: GradientPlan,
        requests: list[_Part],
        known: Calibration | None,
        loss: Loss | None,
        step: int,
    ) -> tuple[Reals, Reals, Cost]:
        """Means and errors, shape (evaluations, n_observables), and what they did cost."""
        observables, total = self.observables(known), Cost()
        mean = np.empty((plan.evaluations, len(observables)))
        stderr = np.empty_like(mean)
        for number, part in enumerate(requests):
            rows, purpose = part.rows, f"shots/{number}" if number else "shots"
            seeded = reseeded(part.backend, step_seed(self.settings.seed, step, purpose))
            inputs = None if loss is None else loss.inputs[plan.samples[rows]]
            found = seeded.estimate(self.circuit, observables, plan.bindings[rows], inputs)
            mean[rows], stderr[rows] = found.mean, found.stderr
            total += paid(part.backend, self.circuit, part.price, found)
        return mean, stderr, total

    def moved(
        self, state: TrainState, measured: Gradient, plan: GradientPlan, cost: Cost
    ) -> TrainState:
        """The state after the optimiser's step."""
        optimiser, method, kept = self.settings.optimiser, self.settings.method, plan.kept
        done = state.circuits if optimiser.schedule.unit == "circuits" else state.step
        values, moments = optimiser.update(
            state.params, measured.gradient, state.moments, kept, done
        )
        params, spent = tuple(values.tolist()), state.spent + cost
        record = StepRecord(
            measured.value, measured.value_stderr, kept, cost.shots, cost.circuits, params,
            cost.jobs, cost.qpu_seconds,
        )  # fmt: skip
        better = state.best_value is None or measured.value < state.best_value
        memory = state.shot_memory
        if isinstance(method, AdaptiveShots):
            memory = method.learnt(memory, measured, plan)
        return replace(
            state,
            params=params,
            moments=moments,
            pruner=state.pruner.update(measured.gradient, kept),
            best_params=state.params if better else state.best_params,
            best_value=measured.value if better else state.best_value,
            history=(*state.history, record),
            shot_memory=memory,
            **asdict(spent),
        )


def _refuse_nan(measured: Gradient, state: TrainState) -> None:
    if not (np.isfinite(measured.value) and np.isfinite(measured.gradient).all()):
        raise FloatingPointError(
            f"step {state.step + 1} measured a value or gradient that is not finite; "
            "the state before it stands: look at the backend, then resume"
        )
