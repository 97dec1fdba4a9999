"""Slopes from commuting strings: the exact gradient, from as few circuits as promised."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qas import (
    Circuit,
    ExactSimulator,
    InputError,
    NoisySimulator,
    Observable,
    SampledSimulator,
    load_device,
    load_task,
)
from qas.circuit import GATE_NAMES, ROTATIONS
from qas.circuit.encoder import angle_encoder
from qas.circuit.gate import FIXED_TWO
from qas.train.commuting import commuting_gradient, gradient_circuits, is_commuting


@st.composite
def observables(draw, n):
    texts = st.text("IXYZ", min_size=n, max_size=n)
    paulis = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    return Observable.of(paulis, [0.5 + k for k in range(len(paulis))])


@st.composite
def circuits(draw, n, names, most=14):
    circuit = Circuit(n)
    for _ in range(draw(st.integers(1, most))):
        name = draw(st.sampled_from(names))
        qubits = draw(st.permutations(range(n)))[: 2 if name in FIXED_TWO else 1]
        kind = draw(st.sampled_from(["free", "fixed", "data"])) if name in ROTATIONS else ""
        angle, data = 0.7 if kind == "fixed" else None, 0 if kind == "data" else None
        circuit = circuit.then(name, *qubits, angle=angle, input=data)
    return circuit


def require_exact(circuit, observable, plan):
    rng = np.random.default_rng(3)
    params = rng.uniform(-3, 3, (2, circuit.n_params))
    inputs = rng.uniform(-3, 3, (2, circuit.n_inputs)) if circuit.n_inputs else None
    found, stderr = plan.combine(plan.run(ExactSimulator(), params, inputs))
    wanted = ExactSimulator().value_and_grad(circuit, observable, params, inputs)[1]
    np.testing.assert_allclose(np.broadcast_to(found, wanted.shape), wanted, atol=1e-9)
    assert not stderr.any()
    for one in plan.readings:
        terms = sorted({p for o in one.observables for p in o.paulis})
        assert Observable.of(terms, [1.0] * len(terms)).n_groups == 1


@settings(max_examples=60)
@given(data=st.data(), n=st.integers(2, 4))
def test_any_circuit(data, n):
    circuit = data.draw(circuits(n, GATE_NAMES + ROTATIONS * 4))
    observable = data.draw(observables(n))
    plan = commuting_gradient(circuit, observable)
    require_exact(circuit, observable, plan)
    assert plan.evaluations <= circuit.n_params * len(observable.paulis)
    assert is_commuting(circuit) == all(one.circuit.n_qubits == n for one in plan.readings) or (
        plan.evaluations == 0
    )


@given(data=st.data(), n=st.integers(2, 4))
def test_the_pool_of_rx_and_cx_needs_one_circuit_a_term(data, n):
    grown = data.draw(circuits(n, ("rx", "cx", "rx"), most=20))
    circuit = angle_encoder(3, n, ("ry", "rz")).append(
        Circuit(n, tuple(g for g in grown.gates if g.input is None and g.angle is None))
    )
    observable = data.draw(observables(n))
    assert is_commuting(circuit)
    plan = commuting_gradient(circuit, observable, ancilla=False)
    assert plan.evaluations <= len(observable.paulis)
    require_exact(circuit, observable, plan)


def x_generators(n):
    """Every X string of weight 1 and 2, by rx and rxx."""
    circuit = Circuit(n)
    for q in range(n):
        circuit = circuit.then("rx", q)
    for a, b in combinations(range(n), 2):
        circuit = circuit.then("rxx", a, b)
    return circuit


def test_all_slopes_of_one_z_come_from_the_circuit_itself():
    circuit, z = x_generators(6), Observable.of(["IIIIIZ"], [1.0])
    plan = commuting_gradient(circuit, z, ancilla=False)
    require_exact(circuit, z, plan)
    assert [one.circuit for one in plan.readings] == [circuit]
    assert [gradient_circuits(circuit, z, rule) for rule in ("shift", "commuting", "spsa")] == [
        42, 1, 2,
    ]  # fmt: skip


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_blocks_take_one_circuit_each(blocks):
    """Generators of a block commute; of neighbouring blocks all anticommute."""
    n, circuit = 4, Circuit(4)
    for b in range(blocks):
        # X on an odd number of the first three qubits, Z on all three: they anticommute
        for q in range(3) if b % 2 == 0 else ():
            circuit = circuit.then("rx", q)
        if b % 2:
            wall = Circuit(n).then("cx", 0, 1).then("cx", 1, 2)
            circuit = circuit.append(wall).then("rz", 2)
            circuit = circuit.then("cx", 2, 3).then("rz", 3).then("cx", 2, 3)
            circuit = circuit.append(Circuit(n, wall.gates[::-1]))
    z = Observable.of(["IIYZ"], [1.0])  # against generators of both kinds
    plan = commuting_gradient(circuit, z)
    require_exact(circuit, z, plan)
    assert plan.evaluations == blocks <= 2 * blocks - 1
    with_ancilla = [one.circuit.n_qubits == n + 1 for one in plan.readings]
    assert sum(with_ancilla) == blocks - 1


def test_native_circuits_and_eighth_turns():
    device = load_device("FakeManilaV2").patch([0, 1, 2])
    logical = (
        Circuit(3).then("rzz", 0, 1).then("rx", 1).then("rzz", 1, 2).then("t", 0).then("ry", 0)
    )
    native = device.lower(logical)
    observable = Observable.of(["IIZ", "ZZI", "XIY"], [1.0, 0.5, -0.3])
    require_exact(native, observable, commuting_gradient(native, observable))


def test_shots_are_shared_and_scatter_about_the_exact_slopes():
    device = load_device("FakeManilaV2").patch([0, 1, 2])
    simulator = NoisySimulator(device, scale=0.0)
    circuit = Circuit(3).then("rx", 0).then("cx", 0, 1).then("rx", 0).then("cx", 1, 2).then("rx", 1)
    z = Observable.of(["IIZ", "IZI"], [1.0, 0.5])
    plan = commuting_gradient(circuit, z, ancilla=False)
    params = [0.4, -1.0, 0.9]
    exact = ExactSimulator().value_and_grad(circuit, z, params)[1]
    runs = [
        plan.run(SampledSimulator(simulator, shots=500, seed=seed, readout=False), params)
        for seed in range(40)
    ]
    assert {(one.circuits, one.shots) for run in runs for one in run} == {(1, 500)}
    slopes = np.array([plan.combine(run)[0][0] for run in runs])
    errors = np.array([plan.combine(run)[1][0] for run in runs])
    moving = errors.mean(0) > 0
    assert moving.sum() == 3
    away = np.abs(slopes.mean(0) - exact[0])
    assert (away <= 4 * errors.mean(0) / math.sqrt(40)).all()
    ratio = slopes.std(0, ddof=1)[moving] / errors.mean(0)[moving]
    assert ((ratio > 0.6) & (ratio < 1.5)).all()


def test_what_the_pool_of_rx_and_cx_can_express():
    h2 = load_task("h2").observable
    diagonal = [h2.basis_energy(bits) for bits in ("00", "01", "10", "11")]
    rng = np.random.default_rng(0)
    found = ExactSimulator().minimise(x_generators(2), h2, rng.uniform(-3, 3, (30, 3)))
    assert found.energy.min() == pytest.approx(min(diagonal), abs=1e-6)
    one = Circuit(2).then("x", 0).then("ry", 1).then("cx", 1, 0)
    best = ExactSimulator().minimise(one, h2, rng.uniform(-3, 3, (5, 1))).energy.min()
    assert is_commuting(one)
    assert best == pytest.approx(load_task("h2").ground_energy, abs=1e-8)


def test_what_cannot_be_is_refused():
    circuit, z = Circuit(1).then("rx", 0).then("rz", 0), Observable.of(["Y"], [1.0])
    with pytest.raises(InputError, match=r"positions 0 and 1 anticommute"):
        commuting_gradient(circuit, z, ancilla=False)
    with pytest.raises(InputError, match="there are shift"):
        gradient_circuits(circuit, z, "adjoint")
    plan = commuting_gradient(circuit, z)
    assert plan.evaluations == 2
    with pytest.raises(InputError, match="2 readings"):
        plan.combine([])
