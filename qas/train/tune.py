"""Fine-tuning on a chip: a stream of training states."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from qas.circuit import Circuit
from qas.errors import InputError
from qas.execute.backend import Backend, Estimate
from qas.execute.cost import ShotBackend, ShotCost, reseeded
from qas.task import Observable
from qas.train.adam import Adam
from qas.train.plan import Gradient, parameter_shift
from qas.train.prune import Pruning
from qas.train.state import StepRecord, TrainState, step_seed


@dataclass(frozen=True)
class TuneSettings:
    """How to tune, and where to stop. Budgets count from the first step of the state."""

    max_steps: int = 30
    adam: Adam = field(default_factory=Adam)
    pruning: Pruning = field(default_factory=Pruning)
    seed: int = 0
    """Seed of the run: pruning and simulated shots of step k follow from (seed, k)."""
    max_shots: int | None = None
    """Shots that may be spent, mitigation included; None: no limit."""
    max_circuits: int | None = None
    """Circuits that may be executed, mitigation included; None: no limit."""

    def __post_init__(self) -> None:
        for name in ("max_steps", "max_shots", "max_circuits", "seed"):
            value = getattr(self, name)
            if value is None and name in ("max_shots", "max_circuits"):
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InputError(f"{name} must be a whole number >= 0; given {value!r}")


def training_key(
    circuit: Circuit, observable: Observable, backend: Backend, settings: TuneSettings
) -> str:
    """Hash of all that makes a training what it is; limits may change between resumes."""
    where = getattr(backend, "fingerprint", backend.name)
    what = [circuit.id, observable.paulis, observable.coeffs, where]
    how = [asdict(settings.adam), asdict(settings.pruning), settings.seed]
    return hashlib.sha256(json.dumps([what, how]).encode()).hexdigest()


def tune(
    circuit: Circuit,
    observable: Observable,
    backend: Backend,
    state: TrainState,
    settings: TuneSettings,
) -> Iterator[TrainState]:
    """Parameter-shift training on ``backend``; yields the state after every step.

    The caller saves each state; given back, it continues as if it had not stopped, bit
    by bit on a simulated chip. A step is one request of 1 + 2k bindings. The stream ends
    at ``max_steps`` or before the first step that a budget does not cover.

    Args:
        circuit: native, every free angle in one rotation.
        observable: what is lowered, hartree.
        backend: where it runs; a `ShotBackend` gets fresh shots for every step.
        state: `TrainState.start(...)`, or a saved one.
        settings: step size, pruning, seed and limits.

    Raises:
        InputError: the state belongs to another circuit, backend or settings.
        FloatingPointError: a value or gradient that is not finite; the last state stands.
    """
    if len(state.params) != circuit.n_params:
        raise InputError(f"{len(state.params)} angles for {circuit.n_params} free rotations")
    key = training_key(circuit, observable, backend, settings)
    if state.step == 0:
        state = replace(state, key=key, pruner=replace(state.pruner, settings=settings.pruning))
    if state.key != key:
        raise InputError(
            "the saved training belongs to another circuit, observable, backend, shots, "
            "mitigation, step size, pruning or seed: resume with those, or start anew"
        )
    while state.step < settings.max_steps and circuit.n_params:
        after = _step(circuit, observable, backend, state, settings)
        if after is None:
            return
        state = after
        yield state


def _step(
    circuit: Circuit,
    observable: Observable,
    backend: Backend,
    state: TrainState,
    settings: TuneSettings,
) -> TrainState | None:
    """The state after one more step; None where the budget does not cover it."""
    rng = np.random.default_rng(step_seed(settings.seed, state.step, "prune"))
    plan = parameter_shift(state.params, state.pruner.kept(rng))
    price = _price(circuit, observable, backend, plan.evaluations)
    if not _affordable(price, state, settings):
        return None
    seeded = reseeded(backend, step_seed(settings.seed, state.step, "shots"))
    estimate = seeded.estimate(circuit, observable, plan.bindings)
    measured = plan.combine(estimate.mean, estimate.stderr)
    _refuse_nan(measured, state)
    return _moved(state, measured, plan.kept, estimate, settings)


def _moved(
    state: TrainState,
    measured: Gradient,
    kept: tuple[int, ...],
    estimate: Estimate,
    settings: TuneSettings,
) -> TrainState:
    params, moments = settings.adam.update(state.params, measured.gradient, state.moments, kept)
    shots, circuits = int(estimate.shots), int(estimate.circuits)
    record = StepRecord(
        measured.value, measured.value_stderr, kept, shots, circuits, tuple(params.tolist())
    )
    better = state.best_value is None or measured.value < state.best_value
    return replace(
        state,
        params=tuple(params.tolist()),
        moments=moments,
        pruner=state.pruner.update(measured.gradient),
        best_params=state.params if better else state.best_params,
        best_value=measured.value if better else state.best_value,
        shots=state.shots + shots,
        circuits=state.circuits + circuits,
        history=(*state.history, record),
    )


def _price(circuit: Circuit, observable: Observable, backend: Backend, n_rows: int) -> ShotCost:
    if isinstance(backend, ShotBackend):
        return backend.cost(circuit, observable, n_rows)
    return ShotCost(circuits=n_rows, shots=0)


def _affordable(price: ShotCost, state: TrainState, settings: TuneSettings) -> bool:
    shots = settings.max_shots is None or state.shots + price.shots <= settings.max_shots
    circuits = settings.max_circuits
    return shots and (circuits is None or state.circuits + price.circuits <= circuits)


def _refuse_nan(measured: Gradient, state: TrainState) -> None:
    if not (np.isfinite(measured.value) and np.isfinite(measured.gradient).all()):
        raise FloatingPointError(
            f"step {state.step + 1} measured a value or gradient that is not finite; "
            "the state before it stands: look at the backend, then resume"
        )
