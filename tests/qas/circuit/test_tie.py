"""Laws of shared parameters: affine both ways, controlled gates as Qiskit has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from qiskit import QuantumCircuit
from qiskit.circuit.library import CRXGate, CRYGate, CRZGate, CU3Gate, U3Gate
from qiskit.quantum_info import Operator

from qas import Circuit, ExactSimulator, InputError, Observable
from qas.circuit.tie import Tied, Ties

KNOWN = {"crx": CRXGate, "cry": CRYGate, "crz": CRZGate, "cu3": CU3Gate, "u3": U3Gate}
numbers = st.floats(-4, 4, allow_nan=False)


@given(name=st.sampled_from(sorted(KNOWN)), swapped=st.booleans(), data=st.data())
def test_written_out_gates_are_qiskits(name, swapped, data):
    pair = (0,) if name == "u3" else (1, 0) if swapped else (0, 1)
    tied = Tied(2).then(name, *pair)
    params = data.draw(arrays(float, tied.n_params, elements=numbers))
    bound = tied.circuit.bind(tied.ties.angles(params)[0])
    wanted = QuantumCircuit(2)
    wanted.append(KNOWN[name](*params), pair)
    assert Operator(bound.to_qiskit()).equiv(Operator(wanted), atol=1e-9)


@given(data=st.data(), m=st.integers(1, 4), n=st.integers(1, 5))
def test_the_pullback_is_the_transpose(data, m, n):
    ties = Ties(
        data.draw(arrays(float, (n, m), elements=numbers)),
        data.draw(arrays(float, n, elements=numbers)),
    )
    theta = data.draw(arrays(float, (3, m), elements=numbers))
    slopes = data.draw(arrays(float, (3, n), elements=numbers))
    left = ((ties.angles(theta) - ties.offset) * slopes).sum(axis=1)
    np.testing.assert_allclose(left, (theta * ties.pullback(slopes)).sum(axis=1), atol=1e-9)
    moved = ties.turned(np.ones(n))
    np.testing.assert_allclose(moved.angles(theta), ties.angles(theta) + 1.0)
    assert moved != ties
    assert ties == Ties(ties.slope.copy(), ties.offset.copy())
    assert hash(ties) == hash(Ties(ties.slope.copy(), ties.offset.copy()))


def test_shared_parameters_have_the_chain_rules_slope():
    tied = (
        Tied(2)
        .then("ry", 0, param=0)
        .then("rx", 1, param=0)
        .then("cu3", 0, 1, param=(1, 0, 2))
        .then("rzz", 0, 1, param=2)
        .then("crx", 1, 0, param=1)
    )
    assert tied.n_params == 3
    observable = Observable.of(["XZ", "ZI", "IY"], [0.7, 1.0, -0.4])

    def value(theta):
        angles = tied.ties.angles(theta)
        return ExactSimulator().value_and_grad(tied.circuit, observable, angles)

    theta, step = np.array([0.3, -1.1, 0.8]), 1e-6
    slope = tied.ties.pullback(value(theta)[1])[0]
    for k, row in enumerate(np.eye(3) * step):
        rise = (value(theta + row)[0] - value(theta - row)[0])[0] / (2 * step)
        assert slope[k] == pytest.approx(rise, abs=1e-8)


def test_a_tied_circuit_without_sharing_is_the_circuit():
    circuit = Circuit(2).then("ry", 0).then("h", 1).then("rxx", 0, 1).then("rz", 1, input=0)
    grown = Tied(2).then("ry", 0).then("h", 1).then("rxx", 0, 1).then("rz", 1, input=0)
    assert grown == Tied.of(circuit) == Tied(2).append(circuit)
    assert grown.circuit == circuit
    assert grown.ties == Ties.identity(2)


def test_appended_circuits_bring_new_parameters():
    tied = Tied(1).then("ry", 0, param=4).append(Circuit(1).then("rx", 0).then("rz", 0))
    assert tied.terms == (((4, 1.0),), ((5, 1.0),), ((6, 1.0),))
    assert tied.ties.slope.shape == (3, 7)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: Ties([[1.0]], [0.0, 1.0]), "slope of shape"),
        (lambda: Ties([[np.nan]], [0.0]), "finite"),
        (lambda: Ties.identity(2).angles([1.0]), "2 parameters"),
        (lambda: Ties.identity(2).pullback([[1.0]]), "2 slopes"),
        (lambda: Tied(2).then("crz", 0, 0), "different qubits"),
        (lambda: Tied(2).then("u3", 2), "outside"),
        (lambda: Tied(2).then("crz", 0, 1, angle=1.0), "parameters only"),
        (lambda: Tied(2).then("rzz", 0, 1, input=0), "no data input"),
        (lambda: Tied(2).then("cu3", 0, 1, param=1), "3 free parameters"),
        (lambda: Tied(2).then("h", 0, param=1), "0 free parameters"),
        (lambda: Tied(2).then("ry", 0, param=-1), "number from 0"),
        (lambda: Tied(1, Circuit(1).then("ry", 0).gates), "build it by then"),
    ],
)
def test_what_cannot_be_is_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        wrong()
