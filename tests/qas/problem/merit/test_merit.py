"""Merits say what the circuit, the plan and the device say."""

from __future__ import annotations

import numpy as np
import pytest

from qas import Circuit, Observable, load_device, load_task
from qas.circuit.encoder import angle_encoder
from qas.device.schedule import duration
from qas.device.success import success_probability
from qas.errors import InputError
from qas.problem import Candidate, Problem, dressed
from qas.problem.merit.gradient import gradient_price
from qas.problem.merit.merit import OBJECTIVES, USUAL, Box, Merit, parse_objectives, points
from qas.task import Loss
from qas.train.commuting import commuting_gradient, is_commuting
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


def test_a_gradient_costs_what_the_cheapest_exact_rule_runs() -> None:
    """By the shift rule the plan's circuits, by strings the readings', whichever are fewer."""
    observable, rng = load_task("h2-3").observable, np.random.default_rng(4)
    rules = set()
    for names in (["rx", "cx"], ["rx", "ry", "cx"]) * 6:
        circuit = Circuit(3)
        for _ in range(12):
            name = names[rng.integers(len(names))]
            circuit = circuit.then(name, *rng.permutation(3)[: 2 if name == "cx" else 1].tolist())
        price = gradient_price(circuit, observable)
        shift = 2 * circuit.n_params * observable.n_groups
        fewest = shift
        if is_commuting(circuit):
            fewest = min(shift, commuting_gradient(circuit, observable, ancilla=False).evaluations)
        assert price.circuits == fewest
        assert price.rule == ("shift" if fewest == shift > 0 else "commuting") or not fewest
        rules.add(price.rule)
    assert rules == {"shift", "commuting"}


def test_of_a_loss_all_that_is_measured_counts() -> None:
    z = [Observable.of([pauli], [1.0]) for pauli in ("IIZ", "IZI", "ZII")]
    data = angle_encoder(3, 3)
    loss = Loss(data, np.zeros((2, 3)), np.array([0, 1]), z, np.array([[1, 0, 0], [0, 1, 1]]))
    ansatz = Circuit(3).then("rx", 0).then("cx", 0, 1).then("rx", 1).then("rx", 0)
    union = Observable.of(["IIZ", "IZI", "ZII"], [1.0, 1.0, 1.0])
    assert gradient_price(ansatz, loss) == gradient_price(ansatz, union)
    whole = commuting_gradient(data.append(ansatz), union)
    assert gradient_price(ansatz, loss).circuits == whole.evaluations


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
