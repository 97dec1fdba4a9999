from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qas import load_device, load_task
from qas.problem import SPACES, Problem, Space
from search.strategy.evolve import KEPT, Evolution
from search.strategy.genome import Genome
from search.strategy.judge import Member, valued
from search.strategy.mutation import crossed, founders, loosened, mutated
from search.strategy.strategy import Tally

every_space = pytest.mark.parametrize("space", SPACES)
seeds = st.integers(0, 10**6)


def problem_on(device: str) -> Problem:
    task = load_task("lih-4-2.2")
    return Problem.of(
        task, load_device(device, n_qubits=4) if device == "ideal" else load_device(device)
    )


IDEAL, MANILA = problem_on("ideal"), problem_on("FakeManilaV2")


def random_genome(space: Space, rng: np.random.Generator) -> Genome:
    word = space.random_word(int(rng.integers(10)), rng)
    angles = rng.normal(size=len(Genome.of(space, word).angles))
    return Genome.of(space, word, angles)


@every_space
@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_children_are_legal_and_carry_the_angles_of_their_letters(space: str, seed: int) -> None:
    own, rng = Space.of(MANILA, space), np.random.default_rng(seed)
    one, other = random_genome(own, rng), random_genome(own, rng)
    inherited = {0.0, *one.angles.tolist(), *other.angles.tolist()}
    for child in (mutated(own, one, rng), crossed(own, one, other, rng)):
        if child is not None:
            assert own.is_legal(child.word)
            assert own.layouts(child.word)
            assert len(child.angles) == own.circuit(child.word).n_params
            assert {*child.angles.tolist()} <= inherited
    assert loosened(own, one, rng).word == one.word


@every_space
@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_moments_are_those_of_the_trace(space: str, seed: int) -> None:
    """Words that differ in the order of disjoint letters alone have the same moments."""
    own, rng = Space.of(IDEAL, space), np.random.default_rng(seed)
    word = own.random_word(8, rng)
    key = own.key(word)
    assert sorted(zip(word, own.moments(word), strict=True)) == sorted(
        zip(key, own.moments(key), strict=True)
    )


@settings(max_examples=60, deadline=None)
@given(seed=seeds)
def test_a_genome_crossed_with_itself_is_itself(seed: int) -> None:
    space, rng = Space.of(IDEAL), np.random.default_rng(seed)
    one = random_genome(space, rng)
    child = crossed(space, one, one, rng)
    assert child is not None
    assert space.key(child.word) == space.key(one.word)
    energies = [
        IDEAL.exact.values(space.population([g.word], [g.angles]), IDEAL.task.observable)[0]
        for g in (one, child)
    ]
    assert energies[0] == pytest.approx(energies[1], abs=1e-12)


def test_founders_hold_the_empty_word_and_no_word_twice() -> None:
    space, tally = Space.of(IDEAL), Tally()
    first = founders(space, 30, tally, np.random.default_rng(0))
    keys = [space.key(genome.word) for genome in first]
    assert keys[0] == ()
    assert len({*keys}) == len(keys) == tally.different
    assert max(map(len, keys)) <= space.longest // 2


def test_the_best_few_for_each_number_of_two_qubit_gates_survive() -> None:
    rng, evolution = np.random.default_rng(0), Evolution(IDEAL, 0)
    born = [Member(random_genome(evolution.space, rng), float(rng.normal()), 0) for _ in range(200)]
    evolution._survive(born)
    kept: dict[int, list[float]] = {}
    for member in evolution.members:
        kept.setdefault(len(member.genome.word), []).append(member.energy)
    lowest: dict[int, dict[tuple[int, ...], float]] = {}
    for member in born:
        key = evolution.space.key(member.genome.word)
        cell = lowest.setdefault(len(key), {})
        cell[key] = min(cell.get(key, np.inf), member.energy)
    for pairs, cell in lowest.items():
        assert sorted(kept[pairs]) == sorted(cell.values())[:KEPT]


def test_the_layout_of_a_word_is_the_one_of_lowest_energy() -> None:
    space, rng, meter = Space.of(MANILA), np.random.default_rng(3), MANILA.meter(None)
    genomes = [random_genome(space, rng) for _ in range(4)]
    population = space.population([g.word for g in genomes], [g.angles for g in genomes])
    fits = [space.layouts(genome.word) for genome in genomes]
    energy, layout = valued(MANILA, population, fits, meter)
    assert meter.spent.evaluations == sum(map(len, fits))
    for row, (circuit, angles) in enumerate(population.circuit(k) for k in range(4)):
        each = {
            number: float(
                MANILA.value(circuit, MANILA.layouts[number], angles, MANILA.meter(None))[0]
            )
            for number in fits[row]
        }
        assert energy[row] == pytest.approx(min(each.values()), abs=1e-12)
        assert each[int(layout[row])] == pytest.approx(energy[row], abs=1e-12)


def test_generations_lower_the_energy_and_repeat_no_word() -> None:
    evolution, meter, trials = Evolution(IDEAL, 0), IDEAL.meter(150_000), []
    first = []
    while not meter.exhausted:
        trials += evolution.step(IDEAL, meter)
        first = first or list(trials)
    lowest = [min(trial.energy for trial in some) for some in (first, trials)]
    assert lowest[1] < lowest[0]
    assert lowest[1] < IDEAL.task.ground_energy + 1e-4
    best: dict[int, float] = {}
    for trial in trials:  # every trial is the best so far for its number of two-qubit gates
        assert trial.energy < best.get(trial.two_qubit_gates, np.inf)
        best[trial.two_qubit_gates] = trial.energy
