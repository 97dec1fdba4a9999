"""Spaces: words, their normal form, and the circuits that they spell."""

import numpy as np
import pytest

from qas import load_device, load_task
from qas.circuit import Circuit
from qas.errors import InputError
from qas.problem import (
    FINE,
    SPACES,
    Gradient,
    Problem,
    Space,
    is_legal,
    score_batch,
    score_words,
    value_batch,
)

IDEAL = Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4))
MANILA = Problem.of(load_task("h2-4"), load_device("FakeManilaV2"))
both_spaces = pytest.mark.parametrize("name", SPACES)


def drawn(space, count, length, seed=0):
    rng = np.random.default_rng(seed)
    return [space.random_word(length, rng) for _ in range(count)]


@both_spaces
def test_a_population_holds_the_circuits_of_its_words_at_their_angles(name):
    space, rng = Space.of(IDEAL, name), np.random.default_rng(1)
    words = [(), *(space.random_word(k, rng) for k in (1, 5, 9))]
    turns = [rng.normal(size=space.circuit(word).n_params) for word in words]
    population = space.population(words, turns)
    for row, (word, own) in enumerate(zip(words, turns, strict=True)):
        circuit, angles = population.circuit(row)
        assert circuit == space.circuit(word)
        assert np.array_equal(angles, own)


@both_spaces
@pytest.mark.parametrize("problem", [IDEAL, MANILA], ids=["ideal", "manila"])
def test_random_words_are_legal_and_fit_the_layout_that_was_asked_for(name, problem):
    space, rng = Space.of(problem, name), np.random.default_rng(2)
    for number in range(0, len(problem.layouts), 7):
        word = space.random_word(space.longest, rng, number)
        assert space.is_legal(word)
        assert number in space.layouts(word)
        assert problem.fits(space.circuit(word), problem.layouts[number])
        circuit = space.circuit(word)
        assert len(circuit.gates) <= problem.limits.gates
        assert circuit.two_qubit_gates <= problem.limits.two_qubit_gates


def test_gate_by_gate_the_rule_is_that_of_the_moves():
    space, rng = Space.of(IDEAL, "gates"), np.random.default_rng(3)
    seen = set()
    for _ in range(400):
        word = tuple(rng.integers(len(space), size=5).tolist())
        circuit, legal = Circuit(4), True
        for letter in word:
            (gate,) = space.letters[letter]
            legal &= is_legal(circuit, gate, 40, 12)
            circuit = circuit.then(gate.name, *gate.qubits)
        assert space.is_legal(word) == legal
        seen.add(legal)
    assert seen == {True, False}


def test_a_third_block_in_a_row_on_a_pair_is_refused_whichever_way_it_faces():
    space = Space.of(IDEAL)
    there, back = 0, space.turned[0]
    assert space.is_legal((there, back))
    assert not space.is_legal((there, back, there))
    assert space.is_legal((there, back, space.exchanged(1, 2)[there], there))


@both_spaces
def test_words_with_equal_keys_are_equal_states_and_keys_are_stable(name):
    space, rng = Space.of(IDEAL, name), np.random.default_rng(4)
    shuffled = 0
    for word in drawn(space, 40, 8):
        key = space.key(word)
        assert space.key(key) == key
        assert sorted(key) == sorted(word)
        # Neighbours on disjoint wires exchanged at random: the same trace.
        other = list(word)
        for _ in range(30):
            at = int(rng.integers(len(other) - 1))
            if space.wires[other[at]].isdisjoint(space.wires[other[at + 1]]):
                other[at], other[at + 1] = other[at + 1], other[at]
        shuffled += tuple(other) != word
        assert space.key(tuple(other)) == key
    assert shuffled > 10


def test_words_that_do_not_commute_have_different_keys():
    space = Space.of(IDEAL)
    shared = [
        (a, b)
        for a in range(len(space))
        for b in range(len(space))
        if a != b and not space.wires[a].isdisjoint(space.wires[b])
    ]
    assert all(space.key((a, b)) != space.key((b, a)) for a, b in shared)


def test_a_block_turned_round_reaches_the_same_energy():
    space, rng = Space.of(IDEAL), np.random.default_rng(5)
    inner, meter = Gradient(FINE, (3.0,) * 24), IDEAL.meter(None)
    words = [space.random_word(2, rng) for _ in range(6)]
    population = space.population([*words, *(space.faced(word) for word in words)])
    energy = score_batch(IDEAL, population, None, meter, inner, rng).energy
    assert np.allclose(energy[:6], energy[6:], atol=1e-8)
    assert any(space.faced(word) != word for word in words)


@both_spaces
def test_on_a_line_the_words_that_fit_are_those_whose_pairs_do(name):
    problem = Problem.of(load_task("h2-4"), load_device("ideal:line", n_qubits=4))
    space, rng, seen = Space.of(problem, name, anywhere=True), np.random.default_rng(5), set()
    for _ in range(200):
        word = tuple(rng.integers(len(space), size=int(rng.integers(6))).tolist())
        joined = {tuple(sorted(space.wires[x])) for x in word if space.pairs[x]}
        assert space.fits(word) == space.wiring.fits(sorted(joined))
        seen.add(space.fits(word))
    assert seen == {True, False}


def test_turning_and_exchanging_are_their_own_inverses():
    space = Space.of(IDEAL)
    letters = range(len(space))
    assert all(space.turned[space.turned[k]] == k for k in letters)
    swapped = space.exchanged(0, 3)
    assert all(swapped[swapped[k]] == k for k in letters)


def test_scored_words_have_the_energies_of_their_trials_and_the_meter_knows():
    space, rng = Space.of(MANILA), np.random.default_rng(6)
    layouts = [0, 5, 0, 11]
    words = [space.random_word(2, rng, number) for number in layouts]
    meter = MANILA.meter(None)
    trials = score_words(MANILA, space, words, layouts, meter, Gradient(), rng)
    assert sum(trial.cost.evaluations for trial in trials) == meter.spent.evaluations
    for trial, word, number in zip(trials, words, layouts, strict=True):
        layout = MANILA.layouts[number]
        assert trial.candidate.circuit == space.circuit(word)
        assert trial.candidate.layout == layout
        again = MANILA.value(trial.native, layout, trial.angles, MANILA.meter(None))
        assert trial.energy == pytest.approx(float(again[0]), abs=1e-12)
        population = space.population([word])
        native, energy = value_batch(MANILA, population, layout, MANILA.meter(None))
        assert native.circuit(0)[0] == trial.native
        assert trial.energy <= float(energy[0]) + 1e-12


def test_a_small_budget_scores_one_word_and_leaves_the_others():
    space, rng = Space.of(IDEAL), np.random.default_rng(7)
    words = drawn(space, 5, 6)
    trials = score_words(IDEAL, space, words, [0] * 5, IDEAL.meter(10), Gradient(), rng)
    assert trials[0] is not None
    assert trials[1:] == [None] * 4


def test_one_qubit_gets_single_gates():
    problem = Problem.of(load_task("h2"), load_device("FakeManilaV2"))
    assert len(Space.of(problem)) == 2
    with pytest.raises(InputError, match="spaces are blocks, gates"):
        Space.of(problem, "words")
