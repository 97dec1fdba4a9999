"""Laws of circuits: immutability, content identity, round trips."""

from __future__ import annotations

import math

import numpy as np
import pytest
import qiskit.qasm3
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import Operator

from qas import Circuit, InputError
from qas.circuit import GATE_NAMES, ROTATIONS, fixed_matrix
from qas.circuit.gate import FIXED_TWO

angles = st.floats(-10, 10, allow_nan=False)


@st.composite
def circuits(draw, max_gates=12, free=True):
    n = draw(st.integers(2, 4))
    circuit = Circuit(n)
    for _ in range(draw(st.integers(0, max_gates))):
        name = draw(st.sampled_from(GATE_NAMES))
        qubits = draw(st.permutations(range(n)))[: 2 if name in FIXED_TWO else 1]
        angle = None
        if name in ROTATIONS:
            angle = draw(st.one_of(st.none(), angles) if free else angles)
        circuit = circuit.then(name, *qubits, angle=angle)
    return circuit


@given(circuits())
def test_json_round_trip_is_identical(circuit):
    again = Circuit.from_json(circuit.to_json())
    assert again == circuit
    assert again.id == circuit.id
    assert hash(again) == hash(circuit)


@given(circuits())
def test_qiskit_round_trip_is_identical(circuit):
    assert Circuit.from_qiskit(circuit.to_qiskit()) == circuit


@given(circuits())
def test_counts_are_qiskits(circuit):
    theirs = circuit.to_qiskit()
    assert circuit.depth == theirs.depth()
    assert len(circuit.gates) == theirs.size()
    assert circuit.n_params == len(theirs.parameters)
    assert circuit.two_qubit_gates == sum(item.operation.num_qubits == 2 for item in theirs.data)


@given(circuits(max_gates=6, free=False))
def test_qasm_is_the_same_unitary(circuit):
    text = circuit.to_qasm()
    assert Operator(qiskit.qasm3.loads(text)).equiv(Operator(circuit.to_qiskit()))
    assert Circuit.from_qasm(text) == circuit


def test_qasm_keeps_free_angles():
    circuit = Circuit(2).then("ry", 0).then("ecr", 0, 1).then("rz", 1).then("sxdg", 0)
    assert Circuit.from_qasm(circuit.to_qasm()) == circuit


def test_qasm_from_qiskits_own_exporter():
    circuit = Circuit(2).then("ecr", 1, 0).then("rz", 0, angle=0.25).then("sx", 1)
    assert Circuit.from_qasm(qiskit.qasm3.dumps(circuit.to_qiskit())) == circuit


@pytest.mark.parametrize("name", GATE_NAMES)
def test_matrices_are_qiskits(name):
    circuit = QuantumCircuit(2)
    qubits = (0, 1) if name in FIXED_TWO else (0,)
    getattr(circuit, name)(*((0.3,) if name in ROTATIONS else ()), *qubits)
    gate = Circuit.from_qiskit(circuit).gates[0]
    np.testing.assert_allclose(gate.matrix(), circuit.data[0].operation.to_matrix(), atol=1e-15)
    if name not in ROTATIONS:
        with pytest.raises(ValueError, match="read-only"):
            fixed_matrix(name)[0, 0] = 2


def test_then_returns_a_new_value():
    empty = Circuit(2)
    longer = empty.then("ry", 0)
    assert empty.gates == ()
    assert longer != empty
    assert longer.bind([0.5]).gates[0].angle == 0.5
    assert longer.bind([0.5]).n_params == 0
    assert longer.id != longer.bind([0.5]).id


def test_parameters_are_numbered_in_gate_order():
    circuit = Circuit(2).then("rz", 1).then("x", 0).then("ry", 0, angle=0.1).then("rx", 0)
    assert circuit.free == (0, 3)
    assert [g.angle for g in circuit.bind([1.0, 2.0]).gates] == [1.0, None, 0.1, 2.0]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Circuit(0), "1..1024 qubits"),
        (lambda: Circuit(True), "1..1024 qubits"),
        (lambda: Circuit(2).then("foo", 0), "known gates"),
        (lambda: Circuit(2).then("cx", 0), "acts on 2"),
        (lambda: Circuit(2).then("cx", 0, 0), "different"),
        (lambda: Circuit(2).then("ry", 2), r"outside 0\.\.1"),
        (lambda: Circuit(2).then("ry", -1), r"outside 0\.\.1"),
        (lambda: Circuit(2).then("x", 0, angle=0.1), "takes no angle"),
        (lambda: Circuit(2).then("ry", 0, angle=math.nan), "finite"),
        (lambda: Circuit(1).then("ry", 0).bind([]), "1 free angles"),
        (lambda: Circuit(1).then("ry", 0).bind([math.inf]), "finite"),
        (lambda: Circuit(1).then("ry", 0).bind(["a"]), "numbers"),
        (lambda: Circuit.from_json("nonsense"), "not a circuit"),
        (lambda: Circuit.from_json('{"n_qubits":1,"gates":[["ry",[0],"x"]]}'), "finite"),
        (lambda: Circuit.from_json('{"n_qubits":1,"gates":[["ry",["0"]]]}'), "outside"),
        (lambda: Circuit.from_json("[" * 100_000), "not a circuit"),
        (lambda: Circuit.from_qasm("nonsense"), "OpenQASM"),
        (lambda: Circuit(2).append(Circuit(3)), "append"),
    ],
)
def test_errors_teach(make, says):
    with pytest.raises(InputError, match=says):
        make()


def test_foreign_circuits_are_refused_by_name():
    measured = QuantumCircuit(1, 1)
    measured.measure(0, 0)
    with pytest.raises(InputError, match="measure"):
        Circuit.from_qiskit(measured)
    liar = 'OPENQASM 3.0;\ninclude "stdgates.inc";\ngate ecr a, b { cx a, b; }\n'
    liar += "qubit[2] q;\necr q[0], q[1];\n"
    with pytest.raises(InputError, match="another gate"):
        Circuit.from_qasm(liar)
