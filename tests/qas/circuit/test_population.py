"""Laws of populations: the circuits that went in come out, and wrong arrays are explained."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas import Circuit, InputError
from qas.circuit import GATE_NAMES, ROTATIONS, Population
from qas.circuit.gate import FIXED_TWO

angles = st.floats(-10, 10, allow_nan=False)


@st.composite
def members(draw, n_qubits=3, max_gates=8):
    """A circuit with its angle vector."""
    circuit = Circuit(n_qubits)
    for _ in range(draw(st.integers(0, max_gates))):
        name = draw(st.sampled_from(GATE_NAMES))
        qubits = draw(st.permutations(range(n_qubits)))[: 2 if name in FIXED_TWO else 1]
        angle = draw(st.one_of(st.none(), angles)) if name in ROTATIONS else None
        circuit = circuit.then(name, *qubits, angle=angle)
    return circuit, [draw(angles) for _ in range(circuit.n_params)]


populations = st.lists(members(), min_size=1, max_size=5)


@given(populations)
def test_round_trip_is_identical(pairs):
    circuits, params = zip(*pairs, strict=True)
    population = Population.of(circuits, params)
    assert len(population) == len(circuits)
    for i, (circuit, vector) in enumerate(pairs):
        again, values = population.circuit(i)
        assert again == circuit
        assert again.id == circuit.id
        assert values.tolist() == vector


@given(populations)
def test_what_of_makes_passes_the_check(pairs):
    made = Population.of(*zip(*pairs, strict=True))
    again = Population.checked(3, made.gates.astype(int), made.angles, made.free)
    for name in ("gates", "angles", "free"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))


@given(populations)
def test_counts_are_the_circuits(pairs):
    circuits = [circuit for circuit, _ in pairs]
    population = Population.of(circuits)
    assert population.n_gates.tolist() == [len(c.gates) for c in circuits]
    assert population.two_qubit_gates.tolist() == [c.two_qubit_gates for c in circuits]
    assert population.n_params.tolist() == [c.n_params for c in circuits]
    assert not population.angles[population.free].any()


@given(populations, st.data())
def test_a_part_holds_the_named_circuits(pairs, data):
    population = Population.of(*zip(*pairs, strict=True))
    order = data.draw(st.lists(st.integers(0, len(pairs) - 1)))
    for part, places in ((population[order], order), (population[1:], range(1, len(pairs)))):
        assert [part.circuit(i)[0] for i in range(len(part))] == [pairs[k][0] for k in places]


def test_with_angles_moves_the_free_rotations_alone():
    circuit = Circuit(1).then("rx", 0).then("rz", 0, angle=0.5).then("h", 0)
    moved = Population.of([circuit, Circuit(1).then("rz", 0)]).with_angles(np.full((2, 3), 7.0))
    assert moved.angles.tolist() == [[7.0, 0.5, 0.0], [7.0, 0.0, 0.0]]
    assert moved.circuit(0)[0] == circuit


def test_arrays_are_read_only_and_the_callers_are_not():
    gates = np.array([[[0, 0, -1]]])
    population = Population.checked(1, gates, [[0.5]], [[True]])
    with pytest.raises(ValueError, match="read-only"):
        population.gates[0, 0, 0] = 1
    gates[0, 0, 0] = 1


GOOD = ([[[0, 0, -1], [14, 0, 1], [-1, -1, -1]]], [[0.5, 0, 0]], [[True, False, False]])


def wrong(row, values, angle=0.0, free=False):
    """The check of GOOD with one row replaced."""
    gates, angles, frees = (np.array(part) for part in GOOD)
    gates[0, row], angles[0, row], frees[0, row] = values, angle, free
    return lambda: Population.checked(2, gates, angles, frees)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (wrong(0, [18, 0, -1]), r"circuit 0, row 0: numbers are 0\.\.17; given \[18, 0, -1\]"),
        (wrong(0, [70_000, 0, -1]), "numbers are"),
        (wrong(0, [-2, 0, -1]), "numbers are"),
        (wrong(0, [-1, -1, -1]), "a gate follows the end"),
        (wrong(2, [-1, 0, -1]), "past the end is -1, -1, -1"),
        (wrong(0, [0, 2, -1]), r"the qubit is outside 0\.\.1"),
        (wrong(0, [0, -1, -1]), r"the qubit is outside 0\.\.1"),
        (wrong(0, [0, 0, 1]), "acts on one qubit"),
        (wrong(1, [14, 0, -1]), "acts on two qubits"),
        (wrong(1, [14, 0, 2]), r"second qubit is outside 0\.\.1"),
        (wrong(1, [14, 1, 1]), "must differ"),
        (wrong(0, [0, 0, -1], angle=np.nan), "finite"),
        (wrong(1, [14, 0, 1], angle=0.1), "only rx, ry and rz have an angle"),
        (wrong(1, [14, 0, 1], free=True), "only rx, ry and rz can be free"),
        (lambda: Population.checked(2, GOOD[0], GOOD[1], [[True]]), "need shape"),
        (lambda: Population.checked(2, GOOD[0][0], GOOD[1], GOOD[2]), "need shape"),
        (lambda: Population.checked(0, *GOOD), r"1\.\.1024 qubits"),
        (lambda: Population.checked(True, *GOOD), "whole number"),
        (lambda: Population.checked(2, [[[0.5, 0, -1]]], [[0.0]], [[False]]), "integers"),
        (lambda: Population.checked(2, [[[0, 0, -1]]], [["a"]], [[False]]), "real numbers"),
        (lambda: Population.checked(2, [[[0, 0, -1]]], [[0.0]], [[1]]), "booleans"),
        (lambda: Population.of([]), "at least one circuit"),
        (lambda: Population.of([Circuit(1), Circuit(2)]), r"\[1, 2\] qubits"),
        (lambda: Population.of([Circuit(1)], []), "as many vectors"),
        (lambda: Population.of([Circuit(1).then("rx", 0)], [[]]), "1 free angles"),
        (lambda: Population.of([Circuit(1).then("rx", 0)], [[[1.0], [2.0]]]), "one vector"),
        (lambda: Population.of([Circuit(1)])[0], r"take \.circuit\(0\)"),
        (lambda: Population.of([Circuit(1)]).with_angles(np.zeros((2, 2))), "need shape"),
        (
            lambda: Population.of([Circuit(1).then("rx", 0)]).with_angles(np.array([[np.inf]])),
            "finite",
        ),
    ],
)
def test_errors_teach(make, says):
    with pytest.raises(InputError, match=says):
        make()
