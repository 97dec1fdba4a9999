from __future__ import annotations

import numpy as np
import pytest

from qas import load_device, load_task
from qas.problem import SPACES, Problem, Space
from search.strategy.beam import SIBLINGS, TRAINED, BeamSearch, Extension
from search.strategy.genome import Genome

every_space = pytest.mark.parametrize("space", SPACES)


def ideal(name: str) -> Problem:
    task = load_task(name)
    return Problem.of(task, load_device("ideal", n_qubits=task.n_qubits))


@every_space
def test_a_sweep_knows_the_energies_of_its_extensions(space: str) -> None:
    problem, rng = ideal("lih-4-2.2"), np.random.default_rng(1)
    beam, meter = BeamSearch(problem, 0, space), problem.meter(None)
    word = beam.space.random_word(4, rng)
    size = len(Genome.of(beam.space, word).angles)
    parent = Genome.of(beam.space, word, rng.normal(size=size))
    found = [one.genome for one in beam._extended(problem, [Extension(parent, 0)], meter)]
    assert {g.word for g in found} == {
        (*word, letter) for letter in range(len(beam.space)) if beam.space.is_legal((*word, letter))
    }
    population = beam.space.population([g.word for g in found], [g.angles for g in found])
    energy = problem.exact.values(population, problem.task.observable)
    assert np.diff(energy).min() > -1e-10, "lowest first"
    for turn in (0.3, -0.3):  # nowhere lower in the angles of the new letter
        moved = [g.angles for g in found]
        for genome, angles in zip(found, moved, strict=True):
            if genome.turns[-1]:
                angles[-1] += turn
        other = beam.space.population([g.word for g in found], moved)
        assert (problem.exact.values(other, problem.task.observable) >= energy - 1e-10).all()


def test_a_sweep_costs_what_its_coefficients_take() -> None:
    problem = ideal("h2-4")
    for space, price in (("blocks", 12 * 9), ("gates", 12 * 2 + 12)):
        beam, meter = BeamSearch(problem, 0, space), problem.meter(None)
        parent = Extension(Genome.of(beam.space, ()), 0)
        list(beam._extended(problem, [parent, parent], meter))
        assert meter.spent.evaluations == 2 * price


def test_looking_ahead_finds_three_cx_that_must_arrive_together() -> None:
    """No single letter lowers the energy of four-qubit H2 below Hartree-Fock's."""
    problem = ideal("h2-4")
    beam, meter, trials = BeamSearch(problem, 0), problem.meter(100_000), []
    while not meter.exhausted:
        trials += beam.step(problem, meter)
    short = [trial for trial in trials if trial.two_qubit_gates == 3]
    assert min(trial.energy for trial in short) < problem.task.ground_energy + 1e-8


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_children_are_new_different_and_of_many_parents(depth: int) -> None:
    problem, rng = ideal("lih-4-2.2"), np.random.default_rng(0)
    beam, meter = BeamSearch(problem, 0), problem.meter(None)
    while len(beam.beam) < 2:
        beam.step(problem, meter)
    children = beam._children(problem, depth, meter, rng)
    keys = [beam.space.key(child.word) for child in children]
    assert 0 < len(children) <= TRAINED
    assert len({*keys}) == len(keys)
    lengths = {len(member.genome.word) + depth for member in beam.beam}
    assert {len(child.word) for child in children} <= lengths
    heads = [child.word[: len(child.word) - depth] for child in children]
    assert max(heads.count(head) for head in heads) <= SIBLINGS
    again = beam._children(problem, depth, meter, np.random.default_rng(0))
    assert {beam.space.key(child.word) for child in again}.isdisjoint(keys)


def test_words_fit_one_layout() -> None:
    task = load_task("h2-4")
    problem = Problem.of(task, load_device("FakeManilaV2"))
    beam, meter = BeamSearch(problem, 0), problem.meter(40_000)
    space = Space.of(problem)
    while not meter.exhausted:
        beam.step(problem, meter)
        for member in beam.beam:
            assert member.layout in space.layouts(member.genome.word)
