"""The arms on Optuna's samplers: what all promise is in the conformance suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from optuna.samplers import GPSampler

from qas import load_device, load_task
from qas.errors import InputError
from qas.problem import Candidate, Problem, Space, Trial
from qas.problem.constraint import Constraints
from search.strategy import gp, nsga2, tpe
from search.strategy.ask_tell import AskTell, excess, hartree_fock
from search.strategy.encoding import Choice, Tokens
from search.strategy.sampling import Recipe, Sampling, latest_and_best

MAKERS: dict[str, Callable[..., AskTell]] = {"tpe": tpe.tpe, "nsga2": nsga2.nsga2}
RECIPES = {"tpe": tpe.RECIPE, "gp": gp.RECIPE, "nsga2": nsga2.RECIPE}
H2 = Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4))
every_maker = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def played(arm: AskTell, problem: Problem, steps: int) -> list[Trial]:
    meter = problem.meter(None)
    return [trial for _ in range(steps) for trial in arm.step(problem, meter)]


@every_maker
def test_hartree_fock_is_first_then_the_words_given(make: Callable[..., AskTell]) -> None:
    space, rng = Space.of(H2, "blocks"), np.random.default_rng(0)
    known = [space.random_word(length, rng) for length in (3, 5)]
    arm = make(H2, 7, known=known)
    circuits = {trial.candidate.circuit for trial in played(arm, H2, 1)}
    assert {space.circuit(word) for word in [(), *known]} <= circuits
    numbers = range(len(arm.sampling.told))
    told = [arm.sampling.choice.read(_params(arm.sampling, k))[0] for k in numbers]
    assert {(), *known} <= set(told)


@pytest.mark.parametrize("space", ["blocks", "gates"])
@pytest.mark.parametrize("task", ["h2", "h2-4", "lih-4-2.2"])
def test_hartree_focks_word_reaches_its_energy(task: str, space: str) -> None:
    loaded = load_task(task)
    problem = Problem.of(loaded, load_device("ideal", n_qubits=loaded.n_qubits))
    own = Space.of(problem, space)
    circuit = own.circuit(hartree_fock(problem, own))
    bits = loaded.hf_circuit()
    assert bits is not None
    flipped = {gate.qubits[0] for gate in bits.gates}
    turns = [np.pi if gate.qubits[0] in flipped else 0.0 for gate in circuit.gates]
    exact = problem.exact
    reached = exact.estimate(circuit, loaded.observable, turns).mean[0]
    assert reached == pytest.approx(exact.estimate(bits, loaded.observable, []).mean[0])


def test_an_illegal_known_word_is_refused() -> None:
    with pytest.raises(InputError, match="not legal in the space of blocks"):
        tpe.tpe(H2, 0, known=[(0,) * 40])


@every_maker
def test_no_circuit_is_scored_twice(make: Callable[..., AskTell]) -> None:
    arm = make(H2, 3)
    keys = [
        (arm.space.key(word), layout)
        for word, layout in (
            arm.sampling.choice.read(_params(arm.sampling, k))
            for k in range(len(played(arm, H2, 8)))
        )
    ]
    assert len(set(keys)) == len(keys) == arm.tally.different


def test_when_all_is_known_known_circuits_are_trained_again() -> None:
    problem = Problem.of(load_task("h2"), load_device("ideal", n_qubits=2))
    arm, meter = tpe.tpe(problem, 0), problem.meter(None)
    for _ in range(12):
        before = meter.spent.evaluations
        arm.step(problem, meter)
        assert meter.spent.evaluations > before
    assert arm.tally.different < arm.tally.proposed


@every_maker
def test_a_learner_comes_down_below_what_is_drawn(make: Callable[..., AskTell]) -> None:
    """The median told late is below the median told early, on one objective."""
    arm = make(H2, 5)
    arm = AskTell(H2, 5, arm.space, replace(arm.recipe, objectives=1))
    played(arm, H2, 160 // arm.recipe.batch)
    values, startup = [told.values for told in arm.sampling.told], arm.recipe.startup
    assert np.median(values[-startup:]) < np.median(values[:startup])


def test_a_breach_of_constraints_is_told() -> None:
    problem = replace(H2, constraints=Constraints(depth=6))
    arm = tpe.tpe(problem, 1)
    trials = played(arm, problem, 12)
    told = arm.sampling.told
    assert {excess(problem, trial) > 0 for trial in trials} == {True, False}
    assert sorted(t.excess for t in told) == sorted(excess(problem, trial) for trial in trials)
    held = arm.sampling.study.get_trials(deepcopy=False)
    assert [t.constraints["excess"] for t in held if t.values] == [t.excess for t in told]
    again = tpe.tpe(problem, 1)
    again.load_state_dict(arm.state_dict())
    again.sampling.begin(0)
    held = again.sampling.study.get_trials(deepcopy=False)
    assert [t.constraints["excess"] for t in held] == [t.excess for t in told]


@every_maker
def test_a_sampler_keeps_within_constraints(make: Callable[..., AskTell]) -> None:
    """Of circuits drawn at random most are too deep, of those proposed late most are not."""
    problem = replace(H2, constraints=Constraints(depth=10))
    arm = make(problem, 1)
    startup = arm.recipe.startup
    played(arm, problem, 200 // arm.recipe.batch)
    broken = [told.excess > 0 for told in arm.sampling.told]
    assert sum(broken[-startup:]) < sum(broken[:startup])


def test_two_objectives_are_energy_and_two_qubit_gates() -> None:
    one, two = nsga2.nsga2(H2, 0, objectives=1), nsga2.nsga2(H2, 0)
    for arm, width in ((one, 1), (two, 2)):
        trials = played(arm, H2, 2)
        values = [told.values for told in arm.sampling.told]
        assert {len(own) for own in values} == {width}
        if width == 2:
            assert sorted(values) == sorted((round(t.energy, 9), t.two_qubit_gates) for t in trials)


def test_of_equal_energies_fewest_two_qubit_gates_are_best() -> None:
    values = tpe.RECIPE.values
    assert values(-1.0 + 2e-11, 3) < values(-1.0, 4)
    assert values(-1.0 - 1e-8, 12) < values(-1.0, 0)


@pytest.mark.parametrize("name", RECIPES)
def test_a_restored_sampling_proposes_what_the_unbroken_one_does(name: str) -> None:
    recipe = RECIPES[name]
    if name == "gp":  # a second a proposal
        recipe = replace(recipe, sampler=lambda seed: GPSampler(seed=seed, n_startup_trials=2))
    steps, batch = (3, 2) if name == "gp" else (8, 8)
    if name != "nsga2":
        recipe = replace(recipe, shown=latest_and_best(6, 12))
    whole, broken = (sampled(recipe, steps, batch, restart) for restart in (False, True))
    assert whole.told == broken.told
    assert whole.shown == broken.shown


def sampled(recipe: Recipe, steps: int, batch: int, restart: bool = False) -> Sampling:
    """Steps on a made-up energy, the sampling restored before every one of them."""
    space = Space.of(H2, "blocks")
    choice = Choice(space, recipe.encoding(space, 0))
    sampling = Sampling(choice, recipe)
    for step in range(steps):
        if restart:
            state, sampling = sampling.state_dict(), Sampling(choice, recipe)
            sampling.load_state_dict(state)
        sampling.begin(step)
        asked = [sampling.ask() for _ in range(batch)]
        for trial in asked[:-1]:  # one ask comes to nothing
            word, _ = choice.read(trial.params)
            energy = -1.0 - 0.1 * len(set(word)) + 0.01 * (sum(word) % 7)
            sampling.tell(trial, recipe.values(energy, len(word)))
        sampling.add(dict(asked[0].params), recipe.values(-0.5, 0))
        sampling.end()
    return sampling


def test_what_is_shown_is_bounded_and_keeps_the_best() -> None:
    space, rng = Space.of(H2, "blocks"), np.random.default_rng(4)
    recipe = replace(tpe.RECIPE, shown=latest_and_best(5, 15))
    sampling = Sampling(Choice(space, Tokens(space)), recipe)
    for step in range(24):
        sampling.begin(step)
        for _ in range(4):
            sampling.tell(sampling.ask(), [float(rng.normal())])
        sampling.end()
        assert len(sampling.shown) < 40
        best = sorted(range(len(sampling.told)), key=lambda k: sampling.told[k].values)[:5]
        assert set(best) <= set(sampling.shown)
        assert sampling.shown[-4:] == list(range(len(sampling.told)))[-4:]


def test_survivors_are_the_elite_of_all() -> None:
    """NSGA-II on one objective: nothing that was dropped is better than what was kept."""
    recipe = replace(nsga2.RECIPE, objectives=1)
    born = 16
    sampling = sampled(recipe, 6, born)
    kept = {k: sampling.told[k].values for k in sampling.shown}
    parents = [k for k in kept if k < len(sampling.told) - born]
    dropped = [t.values for k, t in enumerate(sampling.told) if k not in kept]
    assert dropped
    assert max(kept[k] for k in parents) <= min(dropped)


def test_where_a_circuit_was_placed_is_told() -> None:
    """Every trial on a layout that words have is told, a pruned one apart."""
    problem = Problem.of(load_task("h2"), load_device("FakeManilaV2"))
    arm = tpe.tpe(problem, 2)
    trials = played(arm, problem, 3)
    numbers = range(len(arm.sampling.told))
    told = [arm.sampling.choice.read(_params(arm.sampling, k)) for k in numbers]
    words = {arm.space.circuit(word) for word, _ in told}
    known = {Candidate(arm.space.circuit(word), problem.layouts[k]) for word, k in told}
    mine = [t.candidate for t in trials
            if t.candidate.circuit in words and t.candidate.layout in problem.layouts]  # fmt: skip
    assert len(mine) > 3
    assert set(mine) == known


def _params(sampling: Sampling, number: int) -> dict[str, Any]:
    names = sampling.choice.distributions
    choices = sampling.told[number].choices
    return {name: own.to_external_repr(value)
            for (name, own), value in zip(names.items(), choices, strict=True)}  # fmt: skip
