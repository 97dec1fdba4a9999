"""Training through the Runtime on a stand-in chip: resume, budgets, mitigation, comparison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.device import Device, load_device
from qas.errors import InputError
from qas.execute import NoisySimulator
from qas.execute.chip import local_chip
from qas.execute.runtime import RuntimeBackend
from qas.task import load_task
from qas.task.loss import Loss
from qas.train import (
    SPSA,
    AdaptiveShots,
    Optimiser,
    Pruning,
    Readout,
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


@pytest.fixture(scope="module")
def chip() -> RuntimeBackend:
    return RuntimeBackend(local_chip(load_device("FakeManilaV2").patch([1, 2])), shots=256)


def test_adaptive_shots_on_the_runtime(chip: RuntimeBackend) -> None:
    method = AdaptiveShots(rate=0.1, least=16, most=64)
    settings = TuneSettings(2, method=method, pruning=Pruning(method="none"))
    states = list(tune(native(), H2, chip, TrainState.start(START), settings))
    assert states[0].history[0].shots < chip.cost(native(), H2, 9).shots
    assert states[1].shot_memory.steps == (2, 2, 2, 2)


def test_lowers_the_energy_on_the_chip(chip: RuntimeBackend, simulator: NoisySimulator) -> None:
    settings = TuneSettings(max_steps=6, optimiser=Optimiser("Adam", 0.3), seed=4)
    states = list(tune(native(), H2, chip, TrainState.start(START), settings))
    before, after = (
        simulator.estimate(native(), H2, p).mean[0] for p in (START, states[-1].params)
    )
    assert after < before - 0.1
    assert states[-1].shots == sum(r.shots for r in states[-1].history)
    assert [len(r.kept) for r in states[-1].history[:4]] == [4, 2, 2, 4]


def test_resume_is_bit_identical(chip: RuntimeBackend) -> None:
    settings = TuneSettings(max_steps=3, seed=11)
    whole = list(tune(native(), H2, chip, TrainState.start(START), settings))
    for stop in (1, 2):
        text = whole[stop - 1].to_json()
        again = list(tune(native(), H2, chip, TrainState.from_json(text), settings))
        assert again == whole[stop:]


def test_every_step_has_fresh_shots(chip: RuntimeBackend) -> None:
    frozen = TuneSettings(max_steps=3, optimiser=Optimiser("Adam", 1e-12), pruning=Pruning(0.0))
    *_, last = tune(native(), H2, chip, TrainState.start(START), frozen)
    assert len({record.value for record in last.history}) == 3


def test_budgets_are_kept_before_submission(chip: RuntimeBackend) -> None:
    start = TrainState.start(START)
    full, pruned = (chip.cost(native(), H2, rows) for rows in (9, 5))
    within = TuneSettings(max_shots=full.shots + pruned.shots, pruning=Pruning(0.5))
    states = list(tune(native(), H2, chip, start, within))
    assert [s.shots for s in states] == [full.shots, full.shots + pruned.shots]
    assert [s.circuits for s in states] == [full.circuits, full.circuits + pruned.circuits]
    short = TuneSettings(max_circuits=full.circuits - 1)
    assert list(tune(native(), H2, chip, start, short)) == []


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


def test_the_runtime_trains_a_classifier(circuit: Circuit, loss: Loss, patch: Device) -> None:
    """Its own mitigation, or the training's: never both."""
    mitigating = RuntimeBackend(local_chip(patch), shots=128)
    plain = replace(mitigating, resilience_level=0)
    few = loss.some([0, 1])
    start = TrainState.start(np.zeros(circuit.n_params))
    settings = TuneSettings(1, Optimiser("Adam", 0.1), method=SPSA())
    for backend, readout in ((mitigating, None), (plain, Readout())):
        (state,) = tune(circuit, few, backend, start, replace(settings, readout=readout))
        price = backend.cost(circuit, few.observables, 4)
        extra = 0 if readout is None else 2
        assert (state.circuits, state.jobs) == (price.circuits + extra, 1 + extra)
        assert state.qpu_seconds > 2 * state.jobs
    with pytest.raises(InputError, match="resilience_level=0"):
        next(tune(circuit, few, mitigating, start, replace(settings, readout=Readout())))
