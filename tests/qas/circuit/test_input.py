"""Laws of data inputs and of motifs: what they mean in Qiskit, on paper, and after lowering."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import RXXGate, RYYGate, RZXGate, RZZGate
from qiskit.quantum_info import Operator

from qas import (
    AerSimulator,
    Circuit,
    ExactSimulator,
    InputError,
    NoisySimulator,
    Observable,
    load_device,
)
from qas.circuit import Population

PAIRS = {"rzz": RZZGate, "rxx": RXXGate, "ryy": RYYGate, "rzx": RZXGate}
OBSERVABLES = [Observable.of(["IIZ", "XYI"], [1.0, 0.5]), Observable.of(["ZXZ"], [1.0])]


@pytest.fixture(scope="module")
def patch():
    return load_device("FakeManilaV2").patch([1, 2, 3])


def classifier(rng: np.random.Generator, n_gates: int = 18) -> Circuit:
    """Rotations by data, by parameters and by angles, and pairs, in any order."""
    circuit = Circuit(3)
    for _ in range(n_gates):
        axis, qubit = ("rx", "ry", "rz")[rng.integers(3)], int(rng.integers(3))
        kind = rng.integers(4)
        if kind == 0:
            offset = float(rng.normal()) if rng.random() < 0.3 else None
            circuit = circuit.then(axis, qubit, input=int(rng.integers(4)), angle=offset)
        elif kind == 1:
            circuit = circuit.then(axis, qubit)
        elif kind == 2:
            circuit = circuit.then(list(PAIRS)[rng.integers(4)], *((0, 1), (2, 1))[rng.integers(2)])
        else:
            circuit = circuit.then("sqrth", qubit)
    return circuit.then("ry", 0, input=3)


def drawn(seed: int) -> tuple[Circuit, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    circuit = classifier(rng)
    params = rng.uniform(-np.pi, np.pi, (3, circuit.n_params))
    return circuit, params, rng.uniform(-np.pi, np.pi, (3, circuit.n_inputs))


@pytest.mark.parametrize("name", PAIRS)
def test_a_two_qubit_rotation_is_qiskits_with_its_angle_in_one_rz(name: str) -> None:
    own = Circuit(2).then(name, 0, 1)
    assert own.n_params == 1
    assert Operator(own.bind([0.7]).to_qiskit()).equiv(Operator(PAIRS[name](0.7)))
    assert Circuit(2).then(name, 0, 1, angle=0.7) == own.bind([0.7])


def test_sqrth_twice_is_h() -> None:
    twice = Circuit(1).then("sqrth", 0).then("sqrth", 0).to_qiskit()
    h = QuantumCircuit(1)
    h.h(0)
    assert Operator(twice).equiv(Operator(h))


@pytest.mark.parametrize("seed", range(4))
def test_feeding_and_binding_is_estimating(seed: int, patch) -> None:
    circuit, params, inputs = drawn(seed)
    plain = [circuit.feed(x).bind(p) for x, p in zip(inputs, params, strict=True)]
    by_hand = [ExactSimulator().estimate(one, OBSERVABLES, []).mean[0] for one in plain]
    exact = ExactSimulator().estimate(circuit, OBSERVABLES, params, inputs).mean
    assert np.allclose(exact, by_hand, atol=1e-12)
    noiseless = NoisySimulator(patch, scale=0)
    for apart in (False, True):
        lowering = patch.lowering(circuit, apart=apart)
        native, angles = lowering.native, lowering.angles(params)
        found = noiseless.estimate(native, OBSERVABLES, angles, inputs).mean
        assert np.allclose(found, exact, atol=1e-12)
        assert native.n_inputs == circuit.n_inputs


@pytest.mark.parametrize("seed", range(2))
def test_noise_on_data_is_aers(seed: int, patch) -> None:
    circuit, params, inputs = drawn(seed)
    found = NoisySimulator(patch).estimate(circuit, OBSERVABLES, params, inputs).mean
    aer = AerSimulator(patch).estimate(circuit, OBSERVABLES, params, inputs).mean
    assert np.allclose(found, aer, atol=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_slopes_with_data_are_differences(seed: int, patch) -> None:
    circuit, params, inputs = drawn(seed)
    for simulator in (ExactSimulator(), NoisySimulator(patch)):
        _, slopes = simulator.value_and_grad(circuit, OBSERVABLES[0], params, inputs)
        for k in range(min(circuit.n_params, 3)):
            step = np.zeros(circuit.n_params)
            step[k] = 1e-5
            ends = [
                simulator.estimate(circuit, OBSERVABLES[0], params + sign * step, inputs).mean
                for sign in (1, -1)
            ]
            assert np.allclose(slopes[:, k], (ends[0] - ends[1]) / 2e-5, atol=1e-7)


def test_apart_keeps_as_many_angles_each_in_one_rz(patch) -> None:
    circuit, params, _ = drawn(0)
    lowering = patch.lowering(circuit, apart=True)
    assert lowering.native.n_params == circuit.n_params
    slope = np.diff(lowering.angles(np.stack([params[0], params[0] + 0.25])), axis=0)
    assert np.allclose(slope, 0.25)


def test_one_sample_or_one_row_of_angles_serves_all() -> None:
    circuit, params, inputs = drawn(1)
    estimate = ExactSimulator().estimate
    many = estimate(circuit, OBSERVABLES[0], params, inputs[0]).mean
    assert np.allclose(many, estimate(circuit, OBSERVABLES[0], params, inputs[[0, 0, 0]]).mean)
    fed = estimate(circuit, OBSERVABLES[0], params[0], inputs).mean
    assert np.allclose(fed, estimate(circuit, OBSERVABLES[0], params[[0, 0, 0]], inputs).mean)


@given(st.integers(0, 10_000))
def test_json_keeps_inputs_and_offsets(seed: int) -> None:
    circuit = classifier(np.random.default_rng(seed))
    assert Circuit.from_json(circuit.to_json()) == circuit
    assert circuit.relabelled([2, 0, 1]).relabelled([1, 2, 0]) == circuit


def test_qiskit_and_qasm_name_data_x() -> None:
    circuit = Circuit(1).then("ry", 0, input=1, angle=0.5).then("rx", 0)
    names = sorted(parameter.name for parameter in circuit.to_qiskit().parameters)
    assert names == ["theta[0]", "x[1]"]
    assert "ry(x_1 + 0.5) q[0];" in circuit.to_qasm()
    assert Circuit.from_qasm(circuit.feed([0.0, 1.0]).bind([2.0]).to_qasm()).n_params == 0


def test_wrong_data_is_refused_by_what_is_needed() -> None:
    circuit = Circuit(2).then("ry", 0, input=1)
    with pytest.raises(InputError, match="takes 2 data inputs"):
        ExactSimulator().estimate(circuit, Observable.of(["ZZ"], [1.0]), [])
    with pytest.raises(InputError, match=r"shape \(1, 2\)"):
        circuit.feed([1.0])
    with pytest.raises(InputError, match="must be finite"):
        circuit.feed([1.0, np.nan])
    with pytest.raises(InputError, match="no data inputs"):
        ExactSimulator().estimate(Circuit(1), Observable.of(["Z"], [1.0]), [], [[1.0]])
    with pytest.raises(InputError, match="takes no data input"):
        Circuit(1).then("h", 0, input=0)
    with pytest.raises(InputError, match="a data input is a number"):
        Circuit(1).then("ry", 0, input=-1)
    with pytest.raises(InputError, match="takes 2 data inputs"):
        Population.of([circuit])
