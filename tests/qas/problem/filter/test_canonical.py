"""Laws of the normal form: same class, same form; same form, same energies."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qas import Circuit, ExactSimulator, NoisySimulator, load_device, load_task
from qas.circuit import Gate, Population
from qas.problem.filter.canonical import canonical, canonical_population, distinct

NAMES = ("rz", "rx", "ry", "x", "s", "cx", "cz")
VIRTUAL = {"rz", "s"}
KIND = {"rz": "Z", "s": "Z", "rx": "X", "x": "X", "ry": "Y"}
PAIRS = {"cx": ("Z", "X"), "cz": ("Z", "Z")}


def action(gate: Gate, qubit: int) -> str:
    if len(gate.qubits) == 2:
        return PAIRS[gate.name][gate.qubits.index(qubit)]
    return KIND[gate.name]


def commute(a: Gate, b: Gate, ideal: bool) -> bool:
    """The slow twin of the rule."""
    for qubit in set(a.qubits) & set(b.qubits):
        if action(a, qubit) != action(b, qubit):
            return False
        if not ideal and not (action(a, qubit) == "Z" and {a.name, b.name} & VIRTUAL):
            return False
    return True


@st.composite
def circuits(draw: st.DrawFn, most: int = 12, n_qubits: int = 3) -> Circuit:
    gates = []
    for _ in range(draw(st.integers(0, most))):
        name = draw(st.sampled_from(NAMES))
        first = draw(st.integers(0, n_qubits - 1))
        if name in PAIRS:
            other = (first + draw(st.sampled_from([1, -1]))) % n_qubits
            if abs(other - first) > 1:
                continue
            gates.append(Gate(name, (first, other)))
        else:
            gates.append(Gate(name, (first,)))
    return Circuit(n_qubits, tuple(gates))


def shuffled(circuit: Circuit, ideal: bool, rng: np.random.Generator) -> tuple[Circuit, list[int]]:
    """Neighbours that commute exchanged many times; where each gate came from."""
    order = list(range(len(circuit.gates)))
    for at in rng.integers(max(len(order) - 1, 1), size=60).tolist():
        some = order[at : at + 2]
        if len(some) == 2 and commute(*(circuit.gates[k] for k in some), ideal):
            order[at : at + 2] = some[::-1]
    return Circuit(circuit.n_qubits, tuple(circuit.gates[k] for k in order)), order


@given(circuits(), st.booleans(), st.integers(0, 2**32))
def test_exchanging_commuting_neighbours_changes_nothing(
    circuit: Circuit, ideal: bool, seed: int
) -> None:
    other, _ = shuffled(circuit, ideal, np.random.default_rng(seed))
    normal = canonical(circuit, ideal=ideal)
    assert canonical(other, ideal=ideal) == normal
    assert canonical(normal, ideal=ideal) == normal


@pytest.mark.parametrize("ideal", [False, True])
def test_classes_are_those_of_brute_force(ideal: bool) -> None:
    """Of all words of three letters two have one form only if exchanges lead to the other."""
    letters = [Gate("rz", (0,)), Gate("ry", (1,)), Gate("cx", (0, 1)), Gate("cx", (2, 1))]
    letters += [Gate("cx", (0, 2)), Gate("rx", (1,))]
    words = [(a, b, c) for a in letters for b in letters for c in letters]
    parent = {word: word for word in words}

    def root(word: tuple[Gate, ...]) -> tuple[Gate, ...]:
        while parent[word] != word:
            word = parent[word]
        return word

    for word in words:
        for at, (a, b) in enumerate(pairwise(word)):
            if commute(a, b, ideal):
                swapped = (*word[:at], b, a, *word[at + 2 :])
                parent[root(word)] = root(swapped)
    first, which = distinct(Population.of([Circuit(3, word) for word in words]), ideal=ideal)
    by_root: dict[tuple[Gate, ...], set[int]] = {}
    for word, number in zip(words, which.tolist(), strict=True):
        by_root.setdefault(root(word), set()).add(number)
    assert len(first) == len(by_root)
    assert all(len(numbers) == 1 for numbers in by_root.values())


@settings(max_examples=25)
@given(circuits(most=9), st.integers(0, 2**32))
def test_circuits_of_one_form_have_the_same_noisy_energies(circuit: Circuit, seed: int) -> None:
    rng = np.random.default_rng(seed)
    other, order = shuffled(circuit, False, rng)
    angles = rng.uniform(-3, 3, len(circuit.gates))
    both = [
        Circuit(3, tuple(Gate(g.name, g.qubits, a if g.is_rotation else None) for g, a in rows))
        for rows in (
            zip(circuit.gates, angles.tolist(), strict=True),
            zip(other.gates, angles[order].tolist(), strict=True),
        )
    ]
    patch = load_device("FakeManilaV2").patch([1, 2, 3])
    observable = load_task("h2-3").observable
    for options in ({}, {"pessimistic": True}):
        simulator = NoisySimulator(patch, **options)
        energies = [simulator.estimate(one, observable, []).mean[0] for one in both]
        assert energies[0] == pytest.approx(energies[1], abs=1e-10)


@settings(max_examples=40)
@given(circuits(), st.integers(0, 2**32))
def test_a_population_keeps_its_energies(circuit: Circuit, seed: int) -> None:
    angles = np.random.default_rng(seed).uniform(-3, 3, circuit.n_params)
    population = Population.of([circuit, Circuit(3).then("x", 0)], [angles, []])
    observable = load_task("h2-3").observable
    before, after = (
        ExactSimulator().values(one, observable)
        for one in (population, canonical_population(population, ideal=True))
    )
    np.testing.assert_allclose(after, before, atol=1e-12)


def test_distinct_names_the_first_of_each() -> None:
    one, two = Circuit(3).then("cx", 0, 1).then("ry", 2), Circuit(3).then("ry", 2).then("cx", 0, 1)
    fixed = Circuit(3).then("ry", 2, angle=0.5).then("cx", 0, 1)
    population = Population.of([two, Circuit(3), one, fixed, one], [[1.0], [], [2.0], [], [3.0]])
    first, which = distinct(population)
    assert first.tolist() == [0, 1, 3]
    assert which.tolist() == [0, 1, 0, 2, 0]


def test_cz_has_no_direction() -> None:
    assert canonical(Circuit(2).then("cz", 1, 0)) == canonical(Circuit(2).then("cz", 0, 1))
    assert canonical(Circuit(2).then("cx", 1, 0)) != canonical(Circuit(2).then("cx", 0, 1))
