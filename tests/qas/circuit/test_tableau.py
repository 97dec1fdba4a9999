"""Pauli strings through Clifford gates, against Qiskit; diagonalisers by their law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.quantum_info import Operator, Pauli

from qas import Circuit, InputError
from qas.circuit import GATE_NAMES, ROTATIONS, Gate
from qas.circuit.gate import FIXED_TWO
from qas.circuit.tableau import Strings, diagonaliser, is_clifford

CLIFFORD = [name for name in GATE_NAMES if name not in ("t", "tdg")]


@st.composite
def cliffords(draw, n, most=20):
    circuit = Circuit(n)
    for _ in range(draw(st.integers(0, most))):
        name = draw(st.sampled_from(CLIFFORD))
        qubits = draw(st.permutations(range(n)))[: 2 if name in FIXED_TWO else 1]
        turns = draw(st.integers(-3, 3)) if name in ROTATIONS else None
        circuit = circuit.then(name, *qubits, angle=None if turns is None else turns * math.pi / 2)
    return circuit


@given(data=st.data(), n=st.integers(2, 4))
def test_strings_go_through_gates_as_in_qiskit(data, n):
    circuit = data.draw(cliffords(n))
    texts = data.draw(st.lists(st.text("IXYZ", min_size=n, max_size=n), min_size=1, max_size=4))
    # By matrices: a rotation is no Clifford by name in Qiskit.
    unitary = Operator(circuit.to_qiskit()).data
    for text, found in zip(texts, Strings.of(texts).through(circuit.gates).labels, strict=True):
        wanted = unitary @ Pauli(text).to_matrix() @ unitary.conj().T
        np.testing.assert_allclose(Pauli(found).to_matrix(), wanted, atol=1e-9)


@given(a=st.text("IXYZ", min_size=3, max_size=3), b=st.text("IXYZ", min_size=3, max_size=3))
def test_products_are_those_of_matrices(a, b):
    one, two = Strings.of([a]), Strings.of([b])
    against = bool(one.anticommute(two)[0, 0])
    assert against == Pauli(a).anticommutes(Pauli(b))
    wanted = (1j if against else 1) * Pauli(a).to_matrix() @ Pauli(b).to_matrix()
    found = Pauli(one.times(two).labels[0]).to_matrix()
    np.testing.assert_allclose(found, wanted, atol=1e-12)


@given(data=st.data(), n=st.integers(2, 5))
def test_behind_the_diagonaliser_each_qubit_has_one_letter(data, n):
    diagonal = data.draw(st.lists(st.text("IZ", min_size=n, max_size=n), min_size=1, max_size=6))
    strings = Strings.of(diagonal).through(data.draw(cliffords(n)).gates)
    gates = diagonaliser(strings)
    assert sum(g.name == "cx" for g in gates) <= n * (n - 1) // 2
    for column in zip(*strings.through(gates).paulis, strict=True):
        assert len(set(column) - {"I"}) <= 1


def test_letters_of_one_kind_need_no_gate():
    assert diagonaliser(Strings.of(["XYZ", "XIZ", "IYI"])) == ()
    assert diagonaliser(Strings.of(["III"])) == ()


@pytest.mark.parametrize(
    "gate", [Gate("t", (0,)), Gate("rz", (0,)), Gate("rx", (0,), 0.3), Gate("rz", (0,), None, 1)]
)
def test_other_gates_are_refused(gate):
    assert not is_clifford(gate)
    with pytest.raises(InputError, match="not a Clifford"):
        Strings.of(["X"]).through([gate])


def test_strings_that_do_not_commute_are_refused():
    with pytest.raises(InputError, match="do not commute"):
        diagonaliser(Strings.of(["XI", "ZI"]))
