"""Where circuits are put: rankings against exact values, and what relayout promises."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import spearmanr

from qas import Circuit, load_device, load_task
from qas.device.embedding import embeddings
from qas.execute import AerSimulator, NoisySimulator
from qas.problem import QUICK, Candidate, Problem, Trial, dressed, relayout
from qas.problem.constraint import Constraints
from qas.problem.placement import (
    TRIED,
    energy_prices,
    layouts_for,
    n_slopes,
    placements,
    success_prices,
    valued,
)

PAIRS = ((0, 1), (1, 2), (2, 3), (1, 2))
CHIPS = ("FakeMumbaiV2", "FakeTorino", "FakeSherbrooke")


@cache
def problem_of(name: str, **options: object) -> Problem:
    return Problem.of(load_task("lih-4-2.2"), load_device(name), **options)


@cache
def trial_of(name: str) -> Trial:
    """A dressed circuit trained a little on some layout that couples its pairs."""
    problem = problem_of(name)
    circuit = Circuit(4)
    for qubit in range(4):
        circuit = circuit.then("ry", qubit)
    circuit = dressed(circuit, PAIRS)
    layout = [x for x in problem.layouts if problem.fits(circuit, x)][-1]
    start = np.random.default_rng(2).uniform(-2, 2, circuit.n_params)
    return problem.score(Candidate(circuit, layout), problem.meter(None), start=start, effort=QUICK)


def exact(problem: Problem, trial: Trial, layout: tuple[int, ...]) -> float:
    patch = problem.device.patch(layout)
    lowering = patch.lowering(trial.native)
    angles, observable = lowering.angles(trial.angles)[0], problem.task.observable
    return float(NoisySimulator(patch).estimate(lowering.native, observable, angles).mean[0])


def test_success_is_the_product_over_gates() -> None:
    """On a chip whose errors are above the relaxation limit: log(1 - error), gate by gate."""
    problem, trial = problem_of("FakeMumbaiV2"), trial_of("FakeMumbaiV2")
    found = embeddings(success_prices(trial.native, problem.device), 50)
    for layout, price in zip(found.places.tolist(), found.price, strict=True):
        patch = problem.device.patch(layout)
        errors = [patch.gate(g.name, g.qubits).error for g in trial.native.gates]
        # What a gate reports below its relaxation limit is raised to that: never cheaper.
        assert price >= -np.log1p(-np.array(errors)).sum() - 1e-12
        assert price <= 1.5 * -np.log1p(-np.array(errors)).sum() + 1e-2


@pytest.mark.parametrize(
    ("name", "least"), [("FakeMumbaiV2", 0.98), ("FakeTorino", 0.98), ("FakeSherbrooke", 0.9)]
)
def test_the_energy_ranking_is_nearly_the_exact_one(name: str, least: float) -> None:
    problem, trial = problem_of(name), trial_of(name)
    meter = problem.meter(None)
    prices = energy_prices(problem, trial, meter)
    assert prices is not None
    assert meter.spent.evaluations == n_slopes(trial.native)
    found = embeddings(success_prices(trial.native, problem.device), 10_000)
    chosen = np.random.default_rng(0).permutation(len(found.places))[:40]
    values = [exact(problem, trial, tuple(found.places[k].tolist())) for k in chosen]
    assert spearmanr(prices.of(found.places[chosen]), values).statistic > least


@pytest.mark.parametrize(("name", "many"), [("FakeMumbaiV2", 10_000), ("FakeTorino", 40)])
def test_the_chosen_placement_is_the_best_of_all(name: str, many: int) -> None:
    """Of all placements on one chip; of those most likely to succeed on the larger one."""
    problem, trial = problem_of(name), trial_of(name)
    every = embeddings(success_prices(trial.native, problem.device), many)
    energies = [exact(problem, trial, tuple(row)) for row in every.places.tolist()]
    meter = problem.meter(None)
    found = placements(problem, trial, meter)
    assert 0 <= n_slopes(trial.native) + TRIED - meter.spent.evaluations <= 1  # its own place
    assert min(found[0].energy, trial.energy) <= min(energies) + 1e-4
    assert [p.energy for p in found] == sorted(p.energy for p in found)


def test_a_circuit_finds_the_layout_that_is_likeliest_to_succeed() -> None:
    problem, circuit = problem_of("FakeTorino"), trial_of("FakeTorino").candidate.circuit
    (best,) = layouts_for(problem, circuit)
    assert problem.fits(circuit, best)
    found = layouts_for(problem, circuit, 20)
    assert found[0] == best
    assert all(problem.fits(circuit, layout) for layout in found)
    named = Problem.of(problem.task, problem.device, qubits=best)
    assert layouts_for(named, circuit, 20) == (best,)
    triangle = dressed(Circuit(4), [(0, 1), (1, 2), (2, 0)])
    assert layouts_for(problem, triangle, 20) == ()


def test_a_placement_is_what_aer_says() -> None:
    problem, trial = problem_of("FakeSherbrooke"), trial_of("FakeSherbrooke")
    place = placements(problem, trial, problem.meter(8))[0]
    aer = AerSimulator(problem.device.patch(place.layout), kraus=False)
    bound = place.native.bind(place.angles)
    energy = aer.estimate(bound, problem.task.observable, []).mean[0]
    assert energy == pytest.approx(place.energy, abs=1e-7)


def test_few_placements_are_all_valued_and_nothing_else_is_spent() -> None:
    problem, trial = problem_of("FakeManilaV2"), trial_of("FakeManilaV2")
    meter = problem.meter(None)
    found = placements(problem, trial, meter)
    assert len(found) == meter.spent.evaluations == 3  # a line of four on five, but its own
    assert trial.candidate.layout not in {p.layout for p in found}


@pytest.mark.parametrize("name", ["FakeManilaV2", *CHIPS])
def test_relayout_is_never_worse_and_runs_anywhere_on_the_chip(name: str) -> None:
    problem, trial = problem_of(name), trial_of(name)
    moved = relayout(problem, trial, problem.meter(None), effort=QUICK)
    assert moved.energy <= trial.energy
    assert set(moved.candidate.layout) <= set(problem.device.available_qubits)
    assert moved.candidate.circuit == trial.candidate.circuit
    assert problem.fits(moved.native, moved.candidate.layout)
    again = exact(problem, moved, moved.candidate.layout)
    assert again == pytest.approx(moved.energy, abs=1e-10)


def test_relayout_leaves_the_layouts_of_growth() -> None:
    """Growth is offered one layout here; the circuit is worth more elsewhere."""
    chip = load_device("FakeMumbaiV2")
    problem = Problem.of(load_task("lih-4-2.2"), chip, n_layouts=1)
    trial = trial_of("FakeMumbaiV2")
    moved = relayout(problem, trial, problem.meter(None), effort=QUICK)
    assert moved.energy < trial.energy - 1e-3
    assert moved.candidate.layout not in problem.layouts


def test_named_qubits_are_kept() -> None:
    trial, chip = trial_of("FakeMumbaiV2"), load_device("FakeMumbaiV2")
    problem = Problem.of(load_task("lih-4-2.2"), chip, qubits=trial.candidate.layout)
    meter = problem.meter(None)
    assert problem.is_fixed
    assert relayout(problem, trial, meter) is trial
    assert meter.spent.evaluations == 0
    assert not problem_of("FakeMumbaiV2").is_fixed


@pytest.mark.parametrize("name", ["ideal", "ideal:line", "uniform:line,p1=1e-3,p2=1e-2"])
def test_where_all_qubits_are_alike_nothing_moves(name: str) -> None:
    device = load_device(name, n_qubits=6)
    problem = Problem.of(load_task("lih-4-2.2"), device)
    circuit = Circuit(4).then("ry", 0).then("ry", 1)
    meter = problem.meter(None)
    trial = problem.score(Candidate(circuit, problem.layouts[0]), meter)
    spent = meter.spent.evaluations
    assert relayout(problem, trial, meter) is trial
    assert meter.spent.evaluations == spent


@pytest.mark.parametrize("budget", [1, 2, 12, 20, 40])
def test_budgets_are_kept(budget: int) -> None:
    problem, trial = problem_of("FakeTorino"), trial_of("FakeTorino")
    meter = problem.meter(budget)
    moved = relayout(problem, trial, meter)
    assert moved.energy <= trial.energy
    assert meter.exhausted or meter.spent.evaluations > 0
    assert meter.spent.evaluations < budget + 1 + 2 * trial.native.n_params


def test_constraints_hold_on_the_new_place() -> None:
    """Durations are the place's own: a quicker edge may be the only one allowed."""
    from qas.device.schedule import duration

    trial, chip = trial_of("FakeMumbaiV2"), load_device("FakeMumbaiV2")
    own = duration(trial.native, chip.patch(trial.candidate.layout))
    free = problem_of("FakeMumbaiV2")
    found = embeddings(success_prices(trial.native, chip), 10_000)
    lasting = [duration(p.native, chip.patch(p.layout)) for p in _some(free, trial, found)]
    assert min(lasting) < own or max(lasting) > own
    kept = Problem.of(load_task("lih-4-2.2"), chip, constraints=Constraints(duration=own + 1e-12))
    moved = relayout(kept, trial, kept.meter(None), keep=TRIED, effort=QUICK)
    assert kept.admits(moved)


def _some(problem, trial, found):
    return valued(problem, trial, found.first(20), problem.meter(None))
