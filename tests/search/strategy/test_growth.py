"""Ladders: letters and the same backwards, which change nothing, and what their slopes say."""

import itertools

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Pauli

from qas import load_device, load_task
from qas.problem import Problem, Space
from search.strategy import growth
from search.strategy.genome import Genome
from search.strategy.growth import can_grow, grown, laddered, ladders_of

PROBLEM = Problem.of(load_task("lih-4-2.2"), load_device("ideal", n_qubits=4))
SPACE = Space.of(PROBLEM)
ALL = tuple(range(len(SPACE)))
START = len(SPACE.start.gates)


def genome_of(length, seed):
    rng = np.random.default_rng(seed)
    word = SPACE.faced(SPACE.random_word(length, rng))
    return Genome.of(SPACE, word, rng.normal(size=SPACE.circuit(word).n_params))


def energy(genome):
    population = SPACE.population([genome.word], [genome.angles])
    return PROBLEM.exact.values(population, PROBLEM.energy)[0]


def slopes_of_letter(genome, at):
    """Of the rotations of one letter, by differences."""
    found, step = [], 1e-5
    for turn in (0, 1):
        ends = []
        for sign in (1, -1):
            turns = list(genome.turns[at])
            turns[turn] += sign * step
            ends.append(energy(genome.put(at, genome.word[at : at + 1], (tuple(turns),), gone=1)))
        found.append((ends[0] - ends[1]) / (2 * step))
    return found


@pytest.mark.parametrize("length", [0, 1, 4])
def test_a_ladder_changes_nothing_anywhere(length):
    genome, rng = genome_of(length, 3), np.random.default_rng(length)
    for depth in (1, 1, 2, 3):
        for place in range(length + 1):
            chain = tuple(rng.choice(ALL, size=depth).tolist())
            child = laddered(SPACE, genome, chain, place)
            assert len(child.word) == length + 2 * depth
            assert SPACE.faced(child.word) == child.word
            assert energy(child) == pytest.approx(energy(genome), abs=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_rotations_in_its_middle_turn_by_the_string_that_it_names(depth):
    """Whatever way round the letters are spelled."""
    genome, ladders = genome_of(4, 5), ladders_of(SPACE, ALL, depth)
    turned = 0
    for x, z, chain in zip(*(part[::5] for part in ladders), strict=True):
        letters = tuple(chain.tolist())
        turned += any(SPACE.facing[letter] != letter for letter in letters)
        for place in (0, 2, 4):
            slopes = PROBLEM.exact.rotation_slopes(
                SPACE.circuit(genome.word),
                PROBLEM.energy,
                genome.angles,
                [x],
                [z],
                [START + 3 * place],
            )
            child = laddered(SPACE, genome, letters, place)
            inside = np.abs(slopes_of_letter(child, place + depth - 1))
            assert np.abs(inside - abs(slopes[0, 0])).min() < 1e-8
    assert turned


def test_ladders_reach_what_letters_make_of_rotations_each_string_once():
    def reached(depth):
        found = set()
        for chain in itertools.product(ALL, repeat=depth):
            cx = QuantumCircuit(4)
            for letter in chain:
                cx.cx(*SPACE.letters[letter][0].qubits)
            for q in range(4):
                string = Pauli("".join("IY"[k == q] for k in (3, 2, 1, 0))).evolve(cx)
                found.add((int(string.x @ (1, 2, 4, 8)), int(string.z @ (1, 2, 4, 8))))
        return found

    known = reached(0)
    for depth in (1, 2):
        x, z, chains = ladders_of(SPACE, ALL, depth)
        named = list(zip(x.tolist(), z.tolist(), strict=True))
        assert chains.shape == (len(named), depth)
        assert len(set(named)) == len(named)
        assert set(named) == reached(depth) - known
        known |= set(named)


def test_the_steepest_ladder_of_all_comes_first_and_each_flips_other_qubits(monkeypatch):
    monkeypatch.setattr(growth, "DEPTHS", (1.0,))
    genome, meter = genome_of(3, 8), PROBLEM.meter(None)
    found = grown(PROBLEM, SPACE, genome, meter, np.random.default_rng(0), 5)
    assert 1 < len(found) <= 5
    n_strings = len(ladders_of(SPACE, ALL, 1).x)
    assert meter.spent.evaluations == 1 + 2 * 4 * n_strings
    assert all(SPACE.is_legal(child.word) for child in found)
    assert all(energy(child) == pytest.approx(energy(genome), abs=1e-12) for child in found)
    best = 0.0
    for letter in ALL:
        for place in range(4):
            child = laddered(SPACE, genome, (letter,), place)
            if SPACE.is_legal(child.word):
                best = max(best, *np.abs(slopes_of_letter(child, place)))
    first = next(k for k in range(5) if found[0].word[k] == found[0].word[k + 1])
    inside = np.abs([slopes_of_letter(found[0], k) for k in range(first, 4)])
    assert inside.max() == pytest.approx(best, rel=growth.ALIKE)


def test_no_more_slopes_than_they_may_cost():
    rng, genome = np.random.default_rng(1), genome_of(6, 2)
    for budget in (None, 200, 3):
        for _ in range(6):
            meter = PROBLEM.meter(budget)
            grown(PROBLEM, SPACE, genome, meter, rng, 5)
            assert 3 <= meter.spent.evaluations <= min(growth.PRICE, budget or growth.PRICE)


def test_nothing_is_done_beyond_the_budget():
    meter = PROBLEM.meter(2)
    assert grown(PROBLEM, SPACE, genome_of(2, 1), meter, np.random.default_rng(0), 5) == []
    assert meter.spent.evaluations == 0


def test_on_a_line_ladders_keep_to_its_couplings():
    problem = Problem.of(load_task("lih-4-2.2"), load_device("ideal:line", n_qubits=4))
    space = Space.of(problem, anywhere=True)
    rng, lengths = np.random.default_rng(3), set()
    word = space.faced(space.random_word(4, rng))
    genome = Genome.of(space, word, rng.normal(size=space.circuit(word).n_params))
    for _ in range(12):
        for child in grown(problem, space, genome, problem.meter(None), rng, 5):
            assert space.fits(child.word)
            lengths.add(len(child.word))
    assert lengths == {6, 8, 10}


def test_gates_one_by_one_do_not_grow():
    assert can_grow(SPACE)
    assert not can_grow(Space.of(PROBLEM, "gates"))
