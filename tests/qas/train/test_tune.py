"""Training on stand-in chips: progress, budgets, resume, refusal, comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.circuit.tie import Ties
from qas.device import load_device
from qas.errors import InputError
from qas.execute import Estimate, NoisySimulator, SampledSimulator
from qas.execute.cost import ShotCost
from qas.task import Observable, load_task
from qas.task.loss import Loss
from qas.train import (
    SPSA,
    AdaptiveShots,
    Cost,
    GuidedSPSA,
    Method,
    Optimiser,
    Pruning,
    Readout,
    Schedule,
    Shift,
    TrainState,
    TuneSettings,
    compare,
    tune,
)

H2 = load_task("h2").observable
START = np.array([0.3, 2.2, 0.4, -0.3])


def native() -> Circuit:
    first = Circuit(2).then("rz", 0).then("sx", 0).then("rz", 0).then("sx", 0).then("rz", 0)
    return first.then("rz", 1).then("cx", 0, 1).then("x", 1)


@pytest.fixture(scope="module")
def simulator() -> NoisySimulator:
    return NoisySimulator(load_device("FakeManilaV2").patch([1, 2]))


class Spoiled:
    """A backend that returns NaN from its third request on."""

    name = "spoiled"

    def __init__(self, inner: NoisySimulator) -> None:
        self.inner, self.requests = inner, 0

    def estimate(
        self,
        circuit: Circuit,
        observables: Observable | Sequence[Observable],
        params: object,
        inputs: object = None,
    ) -> Estimate:
        self.requests += 1
        estimate = self.inner.estimate(circuit, observables, params)  # type: ignore[arg-type]
        return estimate if self.requests < 3 else replace(estimate, mean=estimate.mean * np.nan)


METHODS = [
    Shift(),
    SPSA(pairs=2),
    GuidedSPSA(share=0.5, ramp=5),
    AdaptiveShots(rate=0.1, least=32, most=512, lipschitz=2.0),
]
PRUNINGS = [Pruning(0.5, 1, 2, name) for name in ("probabilistic", "wsbd", "none")]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("pruning", PRUNINGS, ids=lambda p: p.method)
def test_a_classifier_trains_resumes_and_pays(
    method: Method,
    pruning: Pruning,
    circuit: Circuit,
    loss: Loss,
    sampled: SampledSimulator,
    exact: NoisySimulator,
) -> None:
    """Bit-identical from text after any step; what is spent is what the backend spent."""
    settings = TuneSettings(
        8, Optimiser("AdamW", 0.2, Schedule("cosine", span=800, unit="circuits")), pruning,
        seed=3, method=method, batch_size=3, readout=Readout(4),
    )  # fmt: skip
    start = TrainState.start(np.zeros(circuit.n_params), pruning)
    counted = Counted(sampled)
    states = list(tune(circuit, loss, counted, start, settings))
    assert len(states) == 8
    for stop in (2, 5):
        again = TrainState.from_json(states[stop].to_json())
        assert list(tune(circuit, loss, sampled, again, settings)) == states[stop + 1 :]
    last = states[-1]
    assert (last.circuits, last.shots) == (counted.spent.circuits, counted.spent.shots)
    assert last.jobs == counted.spent.jobs
    assert last.qpu_seconds == sum(record.qpu_seconds for record in last.history)
    before, after = (
        loss.of(exact.estimate(circuit, loss.observables, p, loss.inputs).mean)
        for p in (start.params, last.params)
    )
    assert after < before


@pytest.mark.parametrize("limit", ["max_circuits", "max_shots", "max_qpu_seconds"])
@pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
def test_no_budget_is_ever_exceeded(
    limit: str, method: Method, circuit: Circuit, loss: Loss, sampled: SampledSimulator
) -> None:
    """And the stream ends only where the next step would have exceeded it."""
    free = TuneSettings(6, method=method, batch_size=3, readout=Readout(2))
    start = TrainState.start(np.zeros(circuit.n_params))
    states = list(tune(circuit, loss, sampled, start, free))
    field = limit.removeprefix("max_")
    for step in (2, 3):
        spent, after = (getattr(states[k].spent, field) for k in (step, step + 1))
        whole = spent + (after - spent) / 2 if field == "qpu_seconds" else after - 1
        for enough in (spent, whole):
            limited = replace(free, **{limit: enough})
            assert list(tune(circuit, loss, sampled, start, limited)) == states[: step + 1]


class Counted:
    """A backend with shots that counts what it is asked for."""

    def __init__(self, inner: SampledSimulator, spent: Counted | None = None) -> None:
        self.inner, self.name, self.shots = inner, inner.name, inner.shots
        self.fingerprint, self.simulator = inner.fingerprint, inner.simulator
        self.circuits = self.total = self.jobs = 0
        self.owner = spent or self

    @property
    def spent(self) -> Cost:
        return Cost(self.circuits, self.total, self.jobs)

    def cost(self, *args: object) -> ShotCost:
        return self.inner.cost(*args)  # type: ignore[arg-type]

    def with_seed(self, seed: int) -> Counted:
        return Counted(self.inner.with_seed(seed), self.owner)

    def with_shots(self, shots: int) -> Counted:
        return Counted(self.inner.with_shots(shots), self.owner)

    def estimate(self, *args: object) -> Estimate:
        found = self.inner.estimate(*args)  # type: ignore[arg-type]
        self.owner.circuits += found.circuits
        self.owner.total += found.shots
        self.owner.jobs += 1
        return found


def test_shared_parameters_are_trained(exact: NoisySimulator) -> None:
    """Frozen, moved and resumed as parameters; only their angles are measured."""
    simulator = NoisySimulator(exact.device.patch([0, 1]))
    ties = Ties([[1.0, 0.0], [0.0, 1.0], [0.5, 0.0], [0.0, -1.0]], START)
    settings = TuneSettings(150, Optimiser("Adam", 0.2), Pruning(0.5), seed=1)
    start = TrainState.start([0.0, 0.0])
    states = list(tune(native(), H2, simulator, start, settings, ties=ties))
    assert [record.circuits for record in states[2].history] == [18, 10, 10]
    again = TrainState.from_json(states[10].to_json())
    assert list(tune(native(), H2, simulator, again, settings, ties=ties)) == states[11:]
    slope = simulator.value_and_grad(native(), H2, ties.angles(states[-1].params))[1]
    assert np.abs(ties.pullback(slope)).max() < 0.05
    assert np.abs(ties.pullback(simulator.value_and_grad(native(), H2, START)[1])).max() > 0.2
    with pytest.raises(InputError, match="2 angles"):
        next(tune(native(), H2, simulator, start, settings))


def test_mitigation_by_training_finds_what_the_chip_hides(sampled: SampledSimulator) -> None:
    """The measured energies are those without readout error, within their errors."""
    device = sampled.simulator.device.patch([0, 1])
    faulty = SampledSimulator(NoisySimulator(device), 100_000)
    frozen = TuneSettings(2, Optimiser("SGD", 1e-12), Pruning(method="none"))
    (truth,) = NoisySimulator(device).estimate(native(), H2, START).mean
    start = TrainState.start(START)
    *_, raw = tune(native(), H2, faulty, start, frozen)
    *_, clean = tune(native(), H2, faulty, start, replace(frozen, readout=Readout(1)))
    assert abs(clean.history[-1].value - truth) < 6 * clean.history[-1].stderr + 2e-3
    assert abs(raw.history[-1].value - truth) > 1e-2
    assert clean.circuits == raw.circuits + 4


def test_compare_measures_a_loss_over_all_samples(
    circuit: Circuit, loss: Loss, exact: NoisySimulator, sampled: SampledSimulator
) -> None:
    untuned, tuned = np.zeros(circuit.n_params), np.full(circuit.n_params, 0.3)
    sure = compare(exact, circuit, loss, untuned, tuned, 1)
    found = compare(sampled, circuit, loss, untuned, tuned, 12)
    for side, at in (("untuned", untuned), ("tuned", tuned)):
        values = exact.estimate(circuit, loss.observables, at, loss.inputs).mean
        assert getattr(sure, side) == pytest.approx(loss.of(values), abs=1e-12)
        error = getattr(found, f"{side}_stderr")
        assert 0 < error < 0.05
    assert found.circuits == 12 * 2 * loss.n_samples
    assert sure.tuned_is_better == (sure.tuned < sure.untuned)


def test_a_circuit_that_is_not_native_is_refused(simulator: NoisySimulator) -> None:
    plain = Circuit(2).then("ry", 0).then("cx", 0, 1)
    with pytest.raises(InputError, match="not native"):
        next(tune(plain, H2, simulator, TrainState.start([0.1]), TuneSettings()))


@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_reaches_the_optimum_without_shot_noise(simulator: NoisySimulator, ratio: float) -> None:
    settings = TuneSettings(max_steps=120, optimiser=Optimiser("Adam", 0.2), pruning=Pruning(ratio))
    *_, last = tune(native(), H2, simulator, TrainState.start(START), settings)
    value, slope = simulator.value_and_grad(native(), H2, last.params)
    assert value[0] < simulator.estimate(native(), H2, START).mean[0] - 0.1
    assert np.abs(slope).max() < 0.02


def test_frozen_parameters_stand_still(simulator: NoisySimulator) -> None:
    states = list(
        tune(native(), H2, simulator, TrainState.start(START), TuneSettings(max_steps=6, seed=2))
    )
    for before, after in pairwise(states):
        n_kept = len(after.history[-1].kept)
        moved = [a != b for a, b in zip(before.params, after.params, strict=True)]
        counted = [a != b for a, b in zip(before.moments, after.moments, strict=True)]
        assert sum(counted) == n_kept
        assert all(counted[k] or not moved[k] for k in range(4))


def test_a_nan_step_is_refused(simulator: NoisySimulator) -> None:
    stream = tune(
        native(), H2, Spoiled(simulator), TrainState.start(START), TuneSettings(max_steps=9)
    )
    next(stream), next(stream)
    with pytest.raises(FloatingPointError, match="step 3"):
        next(stream)


def test_a_state_of_another_training_is_refused(simulator: NoisySimulator) -> None:
    settings = TuneSettings(max_steps=1)
    (state,) = tune(native(), H2, simulator, TrainState.start(START), settings)
    longer = replace(settings, max_steps=2)
    assert len(list(tune(native(), H2, simulator, state, longer))) == 1
    for other in (
        replace(longer, seed=1),
        replace(longer, batch_size=2),
        replace(longer, optimiser=Optimiser("Adam", 0.01)),
    ):
        with pytest.raises(InputError, match="another circuit"):
            list(tune(native(), H2, simulator, state, other))
    with pytest.raises(InputError, match="4 angles"):
        list(tune(native().then("rz", 0), H2, simulator, state, longer))


def test_a_circuit_without_angles_has_nothing_to_tune(simulator: NoisySimulator) -> None:
    empty = Circuit(2).then("x", 0)
    assert not list(tune(empty, H2, simulator, TrainState.start([]), TuneSettings()))


def test_a_state_of_another_noise_model_is_refused(simulator: NoisySimulator) -> None:
    state = next(tune(native(), H2, simulator, TrainState.start(START), TuneSettings(3)))
    for options in ({"scale": 0.5}, {"readout": True}, {"idle": True}):
        other = NoisySimulator(simulator.device, **options)
        with pytest.raises(InputError, match="belongs to another"):
            next(tune(native(), H2, other, state, TuneSettings(3)))


def test_options_that_torch_refuses_cost_nothing(simulator: NoisySimulator) -> None:
    counted = Spoiled(simulator)
    wrong = TuneSettings(3, Optimiser("Adam", options={"momentum": 0.9}))
    with pytest.raises(InputError, match="torch's Adam refuses"):
        next(tune(native(), H2, counted, TrainState.start(START), wrong))
    assert counted.requests == 0
