"""Pairs of letters that change nothing, and what their slopes say."""

import numpy as np
import pytest

from qas import load_device, load_task
from qas.problem import Problem, Space
from search.strategy.genome import Genome
from search.strategy.growth import can_grow, grown, paired

PROBLEM = Problem.of(load_task("lih-4-2.2"), load_device("ideal", n_qubits=4))
SPACE = Space.of(PROBLEM)


def genome_of(length, seed):
    rng = np.random.default_rng(seed)
    word = SPACE.faced(SPACE.random_word(length, rng))
    return Genome.of(SPACE, word, rng.normal(size=SPACE.circuit(word).n_params))


def energy(genome):
    population = SPACE.population([genome.word], [genome.angles])
    return PROBLEM.exact.values(population, PROBLEM.energy)[0]


@pytest.mark.parametrize("length", [0, 1, 4])
def test_a_pair_changes_nothing_anywhere(length):
    genome = genome_of(length, 3)
    for letter in range(len(SPACE)):
        for place in range(length + 1):
            child = paired(SPACE, genome, letter, place)
            assert len(child.word) == length + 2
            assert SPACE.faced(child.word) == child.word
            assert energy(child) == pytest.approx(energy(genome), abs=1e-12)


def test_a_letter_that_another_stands_for_has_the_slopes_of_its_own():
    """Spelled with quarter turns it moves the energy as the cx turned round does."""
    genome = genome_of(4, 5)
    turned = [x for x in range(len(SPACE)) if SPACE.facing[x] != x]
    assert turned
    for letter in turned:
        for place in range(5):
            child = paired(SPACE, genome, letter, place)
            plain = genome.put(place, (letter, letter), ((0.0, 0.0), (0.0, 0.0)))
            slopes = []
            for own, order in ((child, [1, 0]), (plain, [0, 1])):
                population = SPACE.population([own.word], [own.angles])
                found = PROBLEM.exact.gradients(population, PROBLEM.energy)[1][0]
                slopes.append(found[4 + 3 * place + 1 + np.array(order)])
            # The wire that was the control is the target now: the letters' rotations swap places.
            assert slopes[0] == pytest.approx(slopes[1], abs=1e-10)


def steepness(child, place):
    """The larger slope of the pair's inner rotations, by differences."""
    found, step = [], 1e-5
    for turn in (0, 1):
        ends = []
        for sign in (1, -1):
            inner = [0.0, 0.0]
            inner[turn] = sign * step
            ends.append(energy(child.put(place, child.word[place : place + 1], (tuple(inner),), 1)))
        found.append(abs(ends[0] - ends[1]) / (2 * step))
    return max(found)


def test_each_letter_stands_where_it_is_steepest_and_the_steepest_first():
    genome, meter = genome_of(3, 8), PROBLEM.meter(None)
    found = grown(PROBLEM, SPACE, genome, meter)
    assert meter.spent.evaluations == 1 + 4 * 4 * len(SPACE)
    table = {}
    for letter in range(len(SPACE)):
        for place in range(4):
            child = paired(SPACE, genome, letter, place)
            table[child] = letter, steepness(child, place)
    assert [table[child][1] for child in found] == pytest.approx(
        sorted((table[child][1] for child in found), reverse=True), abs=1e-8
    )
    for child in found:
        letter, own = table[child]
        assert own == pytest.approx(max(x for k, x in table.values() if k == letter), abs=1e-8)


def test_nothing_is_done_beyond_the_budget():
    meter = PROBLEM.meter(10)
    assert grown(PROBLEM, SPACE, genome_of(2, 1), meter) == []
    assert meter.spent.evaluations == 0


def test_gates_one_by_one_do_not_grow_in_pairs():
    assert can_grow(SPACE)
    assert not can_grow(Space.of(PROBLEM, "gates"))
