"""Fine-tuning on the stand-in chip: progress, budgets, resume, refusal, comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.device import load_device
from qas.errors import InputError
from qas.execute import Estimate, NoisySimulator
from qas.execute.chip import local_chip
from qas.execute.runtime import RuntimeBackend
from qas.task import Observable, load_task
from qas.train import Adam, Pruning, TrainState, TuneSettings, compare, tune

H2 = load_task("h2").observable
START = np.array([0.3, 2.2, 0.4, -0.3])


def native() -> Circuit:
    first = Circuit(2).then("rz", 0).then("sx", 0).then("rz", 0).then("sx", 0).then("rz", 0)
    return first.then("rz", 1).then("cx", 0, 1).then("x", 1)


@pytest.fixture(scope="module")
def simulator() -> NoisySimulator:
    return NoisySimulator(load_device("FakeManilaV2").patch([1, 2]))


@pytest.fixture(scope="module")
def chip() -> RuntimeBackend:
    return RuntimeBackend(local_chip(load_device("FakeManilaV2").patch([1, 2])), shots=256)


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


@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_reaches_the_optimum_without_shot_noise(simulator: NoisySimulator, ratio: float) -> None:
    settings = TuneSettings(max_steps=120, adam=Adam(0.2), pruning=Pruning(ratio))
    *_, last = tune(native(), H2, simulator, TrainState.start(START), settings)
    value, slope = simulator.value_and_grad(native(), H2, last.params)
    assert value[0] < simulator.estimate(native(), H2, START).mean[0] - 0.1
    assert np.abs(slope).max() < 0.02


def test_lowers_the_energy_on_the_chip(chip: RuntimeBackend, simulator: NoisySimulator) -> None:
    settings = TuneSettings(max_steps=12, adam=Adam(0.2), seed=4)
    states = list(tune(native(), H2, chip, TrainState.start(START), settings))
    before, after = (
        simulator.estimate(native(), H2, p).mean[0] for p in (START, states[-1].params)
    )
    assert after < before - 0.1
    assert states[-1].shots == sum(r.shots for r in states[-1].history)
    assert [len(r.kept) for r in states[-1].history[:4]] == [4, 2, 2, 4]


def test_resume_is_bit_identical(chip: RuntimeBackend) -> None:
    settings = TuneSettings(max_steps=5, seed=11)
    whole = list(tune(native(), H2, chip, TrainState.start(START), settings))
    for stop in (1, 2):
        text = whole[stop - 1].to_json()
        again = list(tune(native(), H2, chip, TrainState.from_json(text), settings))
        assert again == whole[stop:]


def test_every_step_has_fresh_shots(chip: RuntimeBackend) -> None:
    frozen = TuneSettings(max_steps=3, adam=Adam(1e-12), pruning=Pruning(0.0))
    *_, last = tune(native(), H2, chip, TrainState.start(START), frozen)
    assert len({record.value for record in last.history}) == 3


def test_frozen_parameters_stand_still(simulator: NoisySimulator) -> None:
    states = list(
        tune(native(), H2, simulator, TrainState.start(START), TuneSettings(max_steps=6, seed=2))
    )
    for before, after in pairwise(states):
        n_kept = len(after.history[-1].kept)
        moved = [a != b for a, b in zip(before.params, after.params, strict=True)]
        counted = [b > a for a, b in zip(before.moments.steps, after.moments.steps, strict=True)]
        assert sum(counted) == n_kept
        for k in range(4):
            if not counted[k]:
                assert not moved[k]
                assert before.moments.first[k] == after.moments.first[k]
                assert before.moments.second[k] == after.moments.second[k]


def test_budgets_are_kept_before_submission(chip: RuntimeBackend) -> None:
    start = TrainState.start(START)
    full, pruned = (chip.cost(native(), H2, rows) for rows in (9, 5))
    within = TuneSettings(max_shots=full.shots + pruned.shots, pruning=Pruning(0.5))
    states = list(tune(native(), H2, chip, start, within))
    assert [s.shots for s in states] == [full.shots, full.shots + pruned.shots]
    assert [s.circuits for s in states] == [full.circuits, full.circuits + pruned.circuits]
    short = TuneSettings(max_circuits=full.circuits - 1)
    assert list(tune(native(), H2, chip, start, short)) == []


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
    for other in (replace(longer, seed=1), replace(longer, adam=Adam(0.01))):
        with pytest.raises(InputError, match="another circuit"):
            list(tune(native(), H2, simulator, state, other))
    with pytest.raises(InputError, match="4 angles"):
        list(tune(native().then("rz", 0), H2, simulator, state, longer))


def test_a_circuit_without_angles_has_nothing_to_tune(simulator: NoisySimulator) -> None:
    empty = Circuit(2).then("x", 0)
    assert not list(tune(empty, H2, simulator, TrainState.start([]), TuneSettings()))


def test_compare_keeps_the_untuned_unless_beaten(chip: RuntimeBackend) -> None:
    better = START - np.array([0, 0.8, 0, 0])
    worse, same = (
        compare(chip, native(), H2, better, START),
        compare(chip, native(), H2, better, better, repeats=2, sigmas=3.0),
    )
    gain = compare(chip, native(), H2, START, better, repeats=4)
    assert gain.tuned_is_better
    assert gain.tuned < gain.untuned
    assert not worse.tuned_is_better
    assert not same.tuned_is_better
    price = chip.cost(native(), H2, 2)
    assert (gain.shots, gain.circuits) == (4 * price.shots, 4 * price.circuits)
    assert 0 < gain.tuned_stderr < 0.05
    with pytest.raises(InputError, match="at least 1 repeat"):
        compare(chip, native(), H2, START, START, repeats=0)
