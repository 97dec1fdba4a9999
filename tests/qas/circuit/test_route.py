"""Routing: coupled wires only, the same expectation values, parameters in the same order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qas import Circuit, ExactSimulator, InputError, NoisySimulator, Observable, load_device
from qas.circuit import GATE_NAMES, ROTATIONS
from qas.circuit.ansatz import TIED_ANSATZE, tied_ansatz
from qas.circuit.gate import FIXED_TWO
from qas.circuit.route import routed
from qas.task.classifier import usual_encoder

LINE = [(0, 1), (1, 2), (2, 3)]
STAR = [(1, 0), (1, 2), (1, 3)]


@st.composite
def circuits(draw):
    circuit = Circuit(4)
    for _ in range(draw(st.integers(1, 16))):
        name = draw(st.sampled_from(GATE_NAMES + FIXED_TWO * 2))
        qubits = draw(st.permutations(range(4)))[: 2 if name in FIXED_TWO else 1]
        rotation = name in ROTATIONS
        kind = draw(st.sampled_from(["free", "fixed", "data"])) if rotation else "none"
        circuit = circuit.then(
            name,
            *qubits,
            angle=0.3 if kind == "fixed" else None,
            input=draw(st.integers(0, 2)) if kind == "data" else None,
        )
    return circuit


def require_equal(circuit, found, couplings):
    """Expectation values agree, each angle where it was: random ones tell them apart."""
    allowed = {tuple(sorted(pair)) for pair in couplings}
    assert set(found.circuit.pairs) <= allowed or found.circuit == circuit
    assert found.circuit.n_params == circuit.n_params
    rng = np.random.default_rng(1)
    params = rng.uniform(-3, 3, (1, circuit.n_params))
    inputs = rng.uniform(-3, 3, (1, circuit.n_inputs)) if circuit.n_inputs else None
    paulis = ["IIIZ", "IIZI", "IZII", "ZIII", "XYZI", "ZZXX", "IYIX"]
    before = [Observable.of([p], [1.0]) for p in paulis]
    after = [Observable.of([found.moved(p)], [1.0]) for p in paulis]
    run = ExactSimulator().estimate
    np.testing.assert_allclose(
        run(found.circuit, after, params, inputs).mean,
        run(circuit, before, params, inputs).mean,
        atol=1e-10,
    )


@settings(max_examples=40)
@given(circuit=circuits(), couplings=st.sampled_from([LINE, STAR]))
def test_any_circuit_keeps_its_values(circuit, couplings):
    require_equal(circuit, routed(circuit, couplings), couplings)


@pytest.mark.parametrize("name", TIED_ANSATZE)
def test_hand_made_circuits_run_on_a_line(name):
    circuit = usual_encoder(16).append(tied_ansatz(name, 4).circuit)
    found = routed(circuit, LINE)
    require_equal(circuit, found, LINE)
    assert found == routed(circuit, LINE)
    device = load_device("FakeManilaV2").patch([0, 1, 2, 3])
    native = device.lower(found.circuit, apart=True)
    assert native.n_params == circuit.n_params
    z = Observable.of(["IIIZ"], [1.0])
    params, sample = np.zeros(native.n_params), np.linspace(0, 1, 16)
    assert abs(NoisySimulator(device).estimate(native, z, params, sample).mean[0]) < 1


def test_a_ring_of_rzz_on_a_line_takes_two_swaps():
    ring = tied_ansatz("rzz+ry", 4).circuit
    assert routed(ring, LINE).circuit.two_qubit_gates == 12  # 8 of the ring, 6 less 2 that cancel


def test_what_fits_stays_as_it_is():
    circuit = tied_ansatz("rxyz+cz-line", 4, 3).circuit
    found = routed(circuit, LINE)
    assert found.circuit == circuit
    assert found.final == (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("couplings", "says"),
    [
        ([(0, 1), (2, 3)], "not connected"),
        ([(0, 1), (1, 2), (2, 4)], "0..3"),
        ([(0, 0), (0, 1), (1, 2), (2, 3)], "different wires"),
    ],
)
def test_couplings_that_cannot_be_are_refused(couplings, says):
    with pytest.raises(InputError, match=says):
        routed(Circuit(4).then("cx", 0, 3), couplings)
