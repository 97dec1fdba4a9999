"""Merits say what the circuit, the plan and the device say."""

from __future__ import annotations

import numpy as np
import pytest

from qas import Circuit, load_device, load_task
from qas.device.schedule import duration
from qas.device.success import success_probability
from qas.errors import InputError
from qas.problem import Candidate, Problem, dressed
from qas.problem.merit.merit import OBJECTIVES, USUAL, Box, Merit, parse_objectives, points
from qas.train.plan import parameter_shift


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(load_task("h2-3"), load_device("FakeManilaV2"), qubits=[1, 2, 3])


def trial_of(problem: Problem, pairs: list[tuple[int, int]]):
    circuit = dressed(Circuit(3).then("ry", 0), pairs)
    start = np.linspace(0.1, 1.0, circuit.n_params)
    return problem.score(Candidate(circuit, (1, 2, 3)), problem.meter(200), start=start)


def test_merits_are_those_of_what_runs(problem: Problem) -> None:
    trial, patch = trial_of(problem, [(0, 1), (1, 2)]), problem.patch((1, 2, 3))
    merit = Merit.of(problem, trial)
    assert (merit.energy, merit.two_qubit_gates) == (trial.energy, trial.two_qubit_gates)
    assert (merit.depth, merit.duration) == (trial.native.depth, duration(trial.native, patch))
    groups = problem.task.observable.n_groups
    plan = parameter_shift(trial.params)
    assert merit.gradient_circuits == (plan.evaluations - 1) * groups
    assert merit.measurement_groups == groups
    assert merit.success_probability == success_probability(trial.native, patch)
    assert merit.failure == 1 - merit.success_probability


def test_points_are_minimised_and_rounded(problem: Problem) -> None:
    short, long = (trial_of(problem, pairs) for pairs in ([(0, 1)], [(0, 1), (1, 2), (0, 1)]))
    names = ["two_qubit_gates", "depth", "duration", "gradient_circuits", "failure"]
    table = points([Merit.of(problem, short), Merit.of(problem, long)], names)
    assert table.shape == (2, 5)
    assert (table[0] < table[1]).all()


def test_the_box_holds_what_growth_can_reach(problem: Problem) -> None:
    trial = trial_of(problem, [(0, 1), (1, 2)] * 4 + [(0, 1)])
    assert trial.two_qubit_gates == problem.limits.two_qubit_gates
    names = [name for name in OBJECTIVES if name not in ("energy", "worst", "spread")]
    box = Box.of(problem, names, -1.1)
    scaled = box.scaled(points([Merit.of(problem, trial)], names))
    assert (scaled > 0).all()
    assert (scaled < 1).all()


def test_a_better_front_has_more_volume_and_the_reference_has_none(problem: Problem) -> None:
    ground = problem.task.ground_energy
    box = Box.of(problem, USUAL, ground + 0.02)
    assert box.hypervolume(np.array([[ground + 0.02, 0]])) == 0.0
    assert box.hypervolume(np.array([[ground, 0]])) == pytest.approx(1.0)
    one, two = np.array([[ground + 0.01, 2]]), np.array([[ground + 0.01, 2], [ground + 0.015, 0]])
    assert 0 < box.hypervolume(one) < box.hypervolume(two) < 1


def test_objectives_are_named_by_what_people_say() -> None:
    assert parse_objectives("energy,cx") == USUAL
    for text in ("", "energy,energy", "cx,two_qubit_gates", "cost", "energy,,cx"):
        with pytest.raises(InputError, match="objective"):
            parse_objectives(text)


def test_what_needs_rescoring_says_so(problem: Problem) -> None:
    with pytest.raises(InputError, match="re-scored trials alone"):
        points([Merit.of(problem, trial_of(problem, []))], ["spread"])
