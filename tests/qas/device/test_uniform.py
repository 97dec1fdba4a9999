"""Laws of uniform devices: depolarizing by the textbook, one model in every simulator."""

from __future__ import annotations

import json
import math
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import DensityMatrix, Operator, partial_trace

from qas import (
    AerSimulator,
    Circuit,
    InputError,
    NoisySimulator,
    Observable,
    SampledSimulator,
    load_device,
)
from qas.device import Device, device_names, load, uniform_device
from qas.device.noise import average_fidelity, gate_noise
from qas.device.uniform import UNIFORM_NAMES

KEYS = ("props", "conf")
NAMES = (
    *UNIFORM_NAMES,
    "uniform:p1=0.001,p2=0.01",
    "uniform:p1=0.0,p2=0.0,readout=0.1",
    "uniform:line,p1=0.002,p2=0.03,readout=0.05,t1=0.0001,t2=8e-05",
    "uniform:p1=0.001,p2=0.02,t1=5e-05",
    "uniform:line,p1=1e-05,p2=0.0004,t2=5e-05",
)


def random_circuit(device, rng, size=30):
    circuit = Circuit(device.n_qubits)
    for name in rng.choice(["ry", "rx", "rz", "h", "t", "x", "cx"], size):
        if name == "cx":
            circuit = circuit.then("cx", *device.couplings[rng.integers(len(device.couplings))])
        else:
            circuit = circuit.then(str(name), int(rng.integers(device.n_qubits)))
    return circuit


def random_observable(n_qubits, rng, terms=10):
    paulis = ["".join(rng.choice(list("IXYZ"), n_qubits)) for _ in range(terms)]
    return Observable.of(paulis, rng.normal(size=terms).tolist())


def case(device, seed):
    """A circuit, an observable and two rows of angles."""
    rng = np.random.default_rng(seed)
    circuit = random_circuit(device, rng)
    angles = rng.uniform(-math.pi, math.pi, (2, circuit.n_params))
    return circuit, random_observable(device.n_qubits, rng), angles


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", NAMES)
def test_ours_equals_aer(name, seed):
    device = load_device(name, n_qubits=3)
    circuit, observable, angles = case(device, seed)
    ours = NoisySimulator(device).estimate(circuit, observable, angles).mean
    aer = AerSimulator(device).estimate(circuit, observable, angles).mean
    np.testing.assert_allclose(ours, aer, atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_shots_follow_the_exact_values(name):
    device = load_device(name, n_qubits=3)
    circuit, observable, angles = case(device, 5)
    simulator = NoisySimulator(device, readout=True)
    exact = simulator.estimate(circuit, observable, angles).mean
    drawn = SampledSimulator(simulator, shots=20_000).estimate(circuit, observable, angles)
    assert (np.abs(drawn.mean - exact) < 4.5 * drawn.stderr).all()
    parities = np.array([(-1) ** bin(outcome).count("1") for outcome in range(8)])
    outcomes = SampledSimulator(simulator).probabilities(circuit, "ZZZ", angles)
    zzz = simulator.estimate(circuit, Observable.of(["ZZZ"], [1.0]), angles).mean
    np.testing.assert_allclose(outcomes @ parities, zzz, atol=1e-12)


def depolarized(state, parameter, qubits, n_qubits):
    """rho -> (1 - q) rho + q I/d on some ``qubits``, the others kept, by partial trace."""
    d = 2 ** len(qubits)
    both = partial_trace(state, list(qubits)).tensor(DensityMatrix(np.eye(d) / d)).data
    # Qubit k of ``both`` is the k-th of ``order``: put each where it belongs.
    order = [*qubits, *(q for q in range(n_qubits) if q not in qubits)]
    rows = [n_qubits - 1 - order.index(n_qubits - 1 - axis) for axis in range(n_qubits)]
    axes = rows + [n_qubits + axis for axis in rows]
    mixed = both.reshape([2] * (2 * n_qubits)).transpose(axes).reshape(state.data.shape)
    return DensityMatrix((1 - parameter) * state.data + parameter * mixed)


def by_hand(native, errors, observable):
    """Expectation value of a bound native circuit under depolarizing noise after each gate."""
    n_qubits = native.n_qubits
    state = DensityMatrix.from_label("0" * n_qubits)
    for gate in native.gates:
        alone = Circuit.of(n_qubits, (gate,)).to_qiskit()
        state = state.evolve(Operator(alone))
        if gate.name != "rz":
            d = 2 ** len(gate.qubits)
            parameter = errors[len(gate.qubits) - 1] * d / (d - 1)
            state = depolarized(state, parameter, gate.qubits, n_qubits)
    return float(state.expectation_value(observable.to_qiskit()).real)


@settings(max_examples=12)
@given(p1=st.floats(0, 2 / 3), p2=st.floats(0, 4 / 5), seed=st.integers(0, 99))
def test_the_error_is_depolarizing_of_parameter_p_d_over_d_minus_1(p1, p2, seed):
    device = uniform_device(3, p1, p2)
    rng = np.random.default_rng(seed)
    native = device.lower(random_circuit(device, rng, 8))
    native = native.bind(rng.uniform(-math.pi, math.pi, native.n_params))
    observable = random_observable(3, rng)
    ours = NoisySimulator(device).estimate(native, observable, []).mean[0]
    assert ours == pytest.approx(by_hand(native, (p1, p2), observable), abs=1e-11)


@pytest.mark.parametrize(
    ("name", "p1", "p2"),
    [("mumbai-medians", 2.44e-4, 8.25e-3), (NAMES[4], 2e-3, 3e-2), (NAMES[5], 1e-3, 2e-2)],
)
def test_each_gate_has_the_stated_infidelity(name, p1, p2):
    device = load_device(name, n_qubits=3)
    stated = {"rz": 0.0, "sx": p1, "x": p1, "cx": p2}
    for gate in device.gates:
        infidelity = 1 - average_fidelity(gate_noise(device, gate.name, gate.qubits))
        assert infidelity == pytest.approx(stated[gate.name], abs=1e-14)


def test_relaxation_stronger_than_the_error_stays():
    device = uniform_device(1, 1e-6, 0.0, t1=1e-5, durations=(1e-7, 1e-6))
    # A relaxation of T2 = 2 T1 over t: F = (2 + e^(-t/T1) + 2 e^(-t/2T1) + 1) / 6
    decay = math.exp(-1e-7 / 1e-5)
    expected = 1 - (3 + decay + 2 * math.sqrt(decay)) / 6
    assert 1 - average_fidelity(gate_noise(device, "sx", (0,))) == pytest.approx(expected)
    assert expected > 1e-3


def test_without_times_the_pessimistic_model_is_the_standard_one():
    still, relaxing = uniform_device(3, 1e-3, 1e-2), uniform_device(3, 1e-3, 1e-2, t1=2e-5)
    circuit, observable, angles = case(still, 3)
    values = {
        device.name: [
            NoisySimulator(device, **options).estimate(circuit, observable, angles).mean
            for options in ({}, {"pessimistic": True}, {"idle": True})
        ]
        for device in (still, relaxing)
    }
    for other in values[still.name][1:]:
        np.testing.assert_allclose(other, values[still.name][0], atol=1e-13)
    for other in values[relaxing.name][1:]:
        assert np.abs(other - values[relaxing.name][0]).max() > 1e-4


def test_readout_shrinks_a_pauli_by_its_weight():
    device = load_device("mumbai-medians", n_qubits=3)
    circuit, _, angles = case(device, 4)
    for pauli in ("IIZ", "ZIX", "YZZ"):
        observable = Observable.of([pauli], [1.0])
        plain, read = (
            NoisySimulator(device, readout=on).estimate(circuit, observable, angles).mean
            for on in (False, True)
        )
        weight = 3 - pauli.count("I")
        np.testing.assert_allclose(read, plain * (1 - 2 * 2.25e-2) ** weight, atol=1e-13)
    silent = load_device("ourense-medians", n_qubits=3)
    plain, read = (
        NoisySimulator(silent, readout=on).estimate(circuit, observable, angles).mean
        for on in (False, True)
    )
    np.testing.assert_allclose(read, plain, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_makes_its_device_again(name):
    device = load_device(name, n_qubits=5)
    assert device.name == name
    assert load_device(device.name.upper(), n_qubits=5) == device
    assert device.n_qubits == 5
    assert load_device(name).n_qubits == 16
    assert len(device.couplings) == (8 if "line" in name else 20)


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded(name, tmp_path):
    device = load_device(name, n_qubits=4)
    path = tmp_path / "device.json"
    path.write_text(device.to_json())
    assert load_device(path) == device
    assert load_device(path).hash == device.hash
    patch = device.patch([2, 1])
    assert Device.from_json(patch.to_json()) == patch
    assert load_device(path).available_qubits == (0, 1, 2, 3)


def test_spellings_and_functions_agree():
    device = load_device("Uniform: p2=8.25e-3, p1=2.44e-4, line, t1=100e-6", n_qubits=3)
    made = uniform_device(3, 2.44e-4, 8.25e-3, t1=1e-4, line=True)
    assert device == made
    assert device.hash == made.hash
    hashes = {
        uniform_device(3, *values, **options).hash
        for values in ((1e-3, 1e-2), (1e-3, 2e-2), (2e-3, 1e-2))
        for options in ({}, {"line": True}, {"readout": 0.1}, {"t1": 1e-4}, {"t2": 1e-4})
    }
    assert len(hashes) == 15


def test_the_published_medians():
    mumbai, ourense = (load_device(name, n_qubits=4) for name in UNIFORM_NAMES)
    assert {g.error for g in mumbai.gates} == {0.0, 2.44e-4, 8.25e-3}
    assert {g.error for g in ourense.gates} == {0.0, 5.22e-4, 1.25e-2}
    assert {(q.p01, q.p10) for q in mumbai.qubits} == {(2.25e-2, 2.25e-2)}
    assert {(q.p01, q.p10) for q in ourense.qubits} == {(0.0, 0.0)}
    assert any("no readout error is stated" in note for note in ourense.notes)
    assert not any("readout" in note for note in mumbai.notes)
    assert set(UNIFORM_NAMES) <= set(device_names())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("uniform", "p1 and p2 must be given"),
        ("uniform:", "p1 and p2 must be given"),
        ("uniform:p1=1e-3", ": p2 must be given"),
        ("uniform:p1=1e-3,p2=1e-2,p3=1", "'p3=1' is none of line, p1, p2"),
        ("uniform:lines,p1=1e-3,p2=1e-2", "'lines' is none of"),
        ("uniform:p1=1e-3,p2", "'p2' is none of"),
        ("uniform:p1=1e-3,p1=1e-2,p2=0", "p1 is given twice"),
        ("uniform:p1=1/1000,p2=1e-2", "p1 is '1/1000', which is no number"),
        ("uniform:p1=-1e-3,p2=1e-2", "p1.* from 0 to 0.6667; given -0.001"),
        ("uniform:p1=nan,p2=1e-2", "p1.* given nan"),
        ("uniform:p1=0.67,p2=1e-2", "p1.* from 0 to 0.6667; given 0.67"),
        ("uniform:p1=1e-3,p2=0.81", "p2.* from 0 to 0.8; given 0.81"),
        ("uniform:p1=1e-3,p2=1", "p2.* from 0 to 0.8; given 1.0"),
        ("uniform:p1=0,p2=0,readout=0.6", "readout.* from 0 to 0.5"),
        ("uniform:p1=0,p2=0,t1=0", "t1 in seconds must be a number above 0, at most 1"),
        ("uniform:p1=0,p2=0,t1=100", "t1 in seconds .* at most 1; given 100.0"),
        ("uniform:p1=0,p2=0,t2=inf", "t2 in seconds .* given inf"),
        ("uniform:p1=0,p2=0,t1=1e-4,t2=3e-4", "t2 can be at most 2 t1 = 0.0002 s"),
        ("unifrom:p1=1e-3,p2=1e-2", "did you mean uniform:p1=...,p2=..."),
        ("mumbai-median", "did you mean mumbai-medians"),
    ],
)
def test_a_wrong_name_is_explained(name, says):
    with pytest.raises(InputError, match=says):
        load_device(name)


@pytest.mark.parametrize("n_qubits", [0, -1, 65, 2.0, True, "4"])
def test_a_wrong_size_is_explained(n_qubits):
    with pytest.raises(InputError, match="1 to 64 qubits"):
        load_device("mumbai-medians", n_qubits=n_qubits)
    with pytest.raises(InputError, match="duration in seconds"):
        uniform_device(2, 0.0, 0.0, durations=(0.0, 1e-7))


def test_only_a_saved_word_makes_a_time_infinite():
    saved = json.loads(uniform_device(2, 1e-3, 1e-2).to_json())
    assert saved["qubits"][0]["t1"] == "infinite"
    for hole in (None, math.inf, "Infinite", "inf", 2.0):
        saved["qubits"][0]["t1"] = hole
        assert Device.from_json(json.dumps(saved)).available_qubits == (1,)
    folder = load._fake_folders()["FakeManilaV2"]
    home = load._backends_folder() / folder
    files = {key: json.loads((home / f"{key}_{folder}.json").read_text()) for key in KEYS}
    assert Device.from_json(json.dumps(files)).available_qubits == (0, 1, 2, 3, 4)
    for unit in (None, "s", "us"):
        t1 = next(entry for entry in files["props"]["qubits"][0] if entry["name"] == "T1")
        t1 |= {"value": "infinite", "unit": unit}
        assert Device.from_json(json.dumps(files)).available_qubits == (1, 2, 3, 4)


def content(patch):
    """What a patch is, but for where it stands."""
    return patch.gates, patch.qubits


@pytest.mark.parametrize("n_qubits", [1, 2, 3, 4])
@pytest.mark.parametrize("name", ["mumbai-medians", NAMES[4]])
def test_layouts_are_different_patches_and_leave_none_out(name, n_qubits):
    device = load_device(name, n_qubits=5)
    offered = [content(device.patch(layout)) for layout in device.layouts(n_qubits)]
    assert len(set(offered)) == len(offered)
    sets = combinations(range(5), n_qubits)
    linked = [s for s in sets if "line" not in name or s[-1] - s[0] == n_qubits - 1]
    possible = {content(device.patch(order)) for s in linked for order in permutations(s)}
    assert set(offered) == possible
    assert len(offered) == (1 if "line" not in name else max(1, math.factorial(n_qubits) // 2))


def test_an_all_to_all_device_has_one_layout_of_any_size():
    device = load_device("mumbai-medians", n_qubits=64)
    for n_qubits in (8, 14, 64):
        assert device.layouts(n_qubits) == (tuple(range(n_qubits)),)
    with pytest.raises(InputError, match="no 65 connected"):
        device.layouts(65)
