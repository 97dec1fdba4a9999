"""Every strategy on a classifier: it lowers losses and is charged by the sample."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from qas import load_device, load_task
from qas.errors import InputError
from qas.execute import ExactSimulator, NoisySimulator
from qas.problem import Limits, Problem, Trial
from qas.task import Classifier
from search.campaign import Settings
from search.campaign.ledger import without_times
from search.strategy import STRATEGIES, check_suits, make_strategy

SAMPLES = 24
OFFERED = [name for name, entry in STRATEGIES.items() if not entry.of_energies]
REFUSED = [name for name, entry in STRATEGIES.items() if entry.of_energies]
SPACED = [f"{name}:{space}" for name in OFFERED for space in STRATEGIES[name].spaces]
BOTH = [*SPACED, *(name for name in OFFERED if not STRATEGIES[name].spaces)]
BUDGET = 150_000


@cache
def problem_of(kind: str) -> Problem:
    """digits2 with few samples, short circuits."""
    data = load_task("digits2")
    assert isinstance(data, Classifier)
    small = replace(data, train=data.train.some(np.arange(SAMPLES)))
    device = load_device(kind, n_qubits=4)
    qubits = None if device.is_ideal else (0, 1, 2, 3)
    return Problem.of(small, device, qubits=qubits, limits=Limits(gates=16, two_qubit_gates=3))


def play(name: str, problem: Problem, seed: int = 1) -> tuple[list[Trial], Any]:
    meter, strategy, trials = problem.meter(BUDGET), make_strategy(name, problem, seed), []
    while not meter.exhausted:
        trials += strategy.step(problem, meter)
    return trials, meter.spent


@pytest.mark.parametrize("kind", ["ideal", "FakeManilaV2"])
@pytest.mark.parametrize("name", BOTH)
def test_losses_are_those_of_the_native_circuits(name: str, kind: str) -> None:
    problem = problem_of(kind)
    trials, spent = play(name, problem)
    assert trials
    assert spent.evaluations % SAMPLES == 0
    best = min(trials, key=lambda trial: trial.rank)
    assert best.energy < np.log(2)
    for trial in (best, trials[-1]):
        layout = trial.candidate.layout
        simulator = (
            ExactSimulator() if problem.device.is_ideal else NoisySimulator(problem.patch(layout))
        )
        again = simulator.estimate(trial.native, problem.task.observable, trial.angles).mean[0]
        assert abs(again - trial.energy) < 1e-8
        assert trial.two_qubit_gates <= 3


@pytest.mark.parametrize("name", ["archive", "evolve", "tpe", "ddqn", "ppo"])
def test_the_same_seed_finds_the_same(name: str) -> None:
    problem = problem_of("FakeManilaV2")
    one, other = ([trial.to_dict() for trial in play(name, problem)[0]] for _ in range(2))
    assert without_times(one) == without_times(other)


@pytest.mark.parametrize("name", REFUSED)
def test_what_sweeps_over_energies_is_refused_by_name(name: str) -> None:
    problem = problem_of("ideal")
    with pytest.raises(InputError, match=rf"{name} sweeps .* there are .*archive"):
        make_strategy(name, problem, 0)
    with pytest.raises(InputError, match="a classifier"):
        Settings(problem.task, problem.device, (name,), budget=10)
    check_suits(name, load_task("h2"))
