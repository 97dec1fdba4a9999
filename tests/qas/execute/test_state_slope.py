"""Slopes of Pauli rotations anywhere in a circuit, against the circuits themselves."""

import numpy as np
import pytest
from qiskit.quantum_info import Pauli, SparsePauliOp, Statevector
from scipy.linalg import expm

from qas import Circuit, InputError, Observable
from qas.execute import ExactSimulator

EXACT = ExactSimulator()
REAL, COMPLEX = ("ry", "cx"), ("rx", "ry", "rz", "cx", "h", "s")


def circuit_of(n_qubits, names, length, rng):
    circuit = Circuit(n_qubits)
    for _ in range(length):
        name = names[rng.integers(len(names))]
        wires = rng.choice(n_qubits, size=2 if name == "cx" else 1, replace=False)
        circuit = circuit.then(name, *wires.tolist())
    return circuit


def observable_of(n_qubits, count, rng, letters="IXYZ"):
    labels = {"".join(rng.choice(list(letters), size=n_qubits)) for _ in range(count)}
    return Observable.of(sorted(labels), rng.normal(size=len(labels)))


def matrix(n_qubits, x, z):
    bits = [(x >> q & 1, z >> q & 1) for q in reversed(range(n_qubits))]
    return Pauli("".join("IZXY"[2 * a + b] for a, b in bits)).to_matrix()


def energy_with(circuit, angles, place, string, turn, target):
    """By Qiskit, the rotation put in as a matrix."""
    bound, state = circuit.to_qiskit().assign_parameters(list(angles)), None
    state = Statevector.from_int(0, 2**circuit.n_qubits)
    for number, step in enumerate([*bound.data, None]):
        if number == place:
            state = Statevector(expm(-0.5j * turn * string) @ state.data)
        if step is not None:
            state = state.evolve(step.operation, [bound.find_bit(q).index for q in step.qubits])
    return state.expectation_value(target).real


@pytest.mark.parametrize("names", [REAL, COMPLEX])
@pytest.mark.parametrize("n_qubits", [1, 2, 3])
def test_slopes_are_those_of_the_circuit_with_the_rotation_in_it(names, n_qubits):
    rng = np.random.default_rng(n_qubits)
    usable = names if n_qubits > 1 else tuple(name for name in names if name != "cx")
    circuit = circuit_of(n_qubits, usable, 6, rng)
    observable = observable_of(n_qubits, 5, rng)
    angles = rng.normal(size=circuit.n_params)
    masks = np.array([(x, z) for x in range(2**n_qubits) for z in range(2**n_qubits)])
    found = EXACT.rotation_slopes(circuit, observable, angles, *masks.T)
    assert found.shape == (7, len(masks))
    target, step = observable.to_qiskit(), 1e-5
    assert isinstance(target, SparsePauliOp)
    for place in (0, 3, 6):
        for k in rng.choice(len(masks), size=6):
            string = matrix(n_qubits, *masks[k].tolist())
            ends = [energy_with(circuit, angles, place, string, t, target) for t in (step, -step)]
            assert found[place, k] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)


def test_the_rotations_of_a_circuit_have_the_slopes_of_its_gradient():
    rng = np.random.default_rng(7)
    circuit = circuit_of(5, COMPLEX, 30, rng)
    observable, angles = observable_of(5, 20, rng), rng.normal(size=circuit.n_params)
    gradient = EXACT.value_and_grad(circuit, observable, angles)[1][0]
    bit = {"rx": (1, 0), "ry": (1, 1), "rz": (0, 1)}
    for slope, at in zip(gradient, circuit.free, strict=True):
        gate = circuit.gates[at]
        masks = [b << gate.qubits[0] for b in bit[gate.name]]
        found = EXACT.rotation_slopes(circuit, observable, angles, *masks, places=[at])
        assert found[0, 0] == pytest.approx(slope, abs=1e-12)


def test_chosen_places_and_strings_are_those_of_all():
    rng = np.random.default_rng(3)
    circuit, observable = circuit_of(4, REAL, 9, rng), observable_of(4, 8, rng, "IXZ")
    angles = rng.normal(size=circuit.n_params)
    x, z = rng.integers(16, size=(2, 40))
    whole = EXACT.rotation_slopes(circuit, observable, angles, x, z)
    some = EXACT.rotation_slopes(circuit, observable, angles, x[::3], z[::3], places=[2, 2, 9])
    assert some == pytest.approx(whole[[2, 2, 9]][:, ::3], abs=1e-14)
    assert EXACT.rotation_slopes(circuit, observable, angles, x, z, places=[]).shape == (0, 40)


@pytest.mark.parametrize(
    ("masks", "places", "said"),
    [
        (([4], [0]), None, "2 bits"),
        (([1, 2], [0]), None, "pairs of masks"),
        (([], []), None, "2 bits"),
        ((np.empty(0, int), np.empty(0, int)), None, "one or more"),
        (([1.0], [0.0]), None, "2 bits"),
        (([1], [0]), [3], "ascend"),
        (([1], [0]), [1, 0], "ascend"),
        (([1], [0]), [1.0], "ascend"),
    ],
)
def test_strings_and_places_that_do_not_fit_are_refused(masks, places, said):
    circuit, observable = Circuit(2).then("ry", 0).then("cx", 0, 1), Observable.of(["ZZ"], [1.0])
    with pytest.raises(InputError, match=said):
        EXACT.rotation_slopes(circuit, observable, [0.1], *masks, places=places)
