"""The noisy simulator's own ways: populations, kept and recovered states, given channels."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import PTM, DensityMatrix, Operator, SuperOp, random_quantum_channel

from qas import (
    Circuit,
    InputError,
    NoisySimulator,
    Observable,
    SampledSimulator,
    load_device,
)
from qas.circuit import GATE_NAMES, Gate, Population
from qas.circuit.gate import FIXED_TWO
from qas.device.ideal import ideal_device
from qas.device.noise import gate_noise, unitary_transfer
from qas.device.population import lower_population
from qas.execute import noise_model, pauli_kernel
from qas.execute.channel import channels_of, has_gate

PATCHES = {
    "cx": ("FakeManilaV2", [1, 2, 3, 4]),
    "ecr": ("FakeSherbrooke", [2, 1, 0]),
    "cz": ("FakeTorino", [3, 4, 5]),
}


@pytest.fixture(params=PATCHES)
def patch(request):
    name, qubits = PATCHES[request.param]
    return load_device(name).patch(qubits)


def random_native(patch, rng, size=20):
    gates = []
    for name in rng.choice(["rz", "sx", "x", patch.two_qubit_gate], size, p=[0.4, 0.2, 0.1, 0.3]):
        if name == patch.two_qubit_gate:
            gates.append(Gate(str(name), patch.couplings[rng.integers(len(patch.couplings))]))
        else:
            gates.append(Gate(str(name), (int(rng.integers(patch.n_qubits)),)))
    return Circuit(patch.n_qubits, tuple(gates))


def random_observable(n_qubits, rng, terms=8):
    paulis = ["".join(rng.choice(list("IXYZ"), n_qubits)) for _ in range(terms)]
    return Observable.of(paulis, rng.normal(size=terms).tolist())


def random_population(patch, rng, count=9):
    circuits = [random_native(patch, rng, int(rng.integers(0, 25))) for _ in range(count)]
    return Population.of(circuits, [rng.uniform(-3, 3, c.n_params) for c in circuits])


@pytest.mark.parametrize("options", [{}, {"idle": True}, {"pessimistic": True, "readout": True}])
def test_a_population_is_its_circuits(patch, options):
    rng = np.random.default_rng(1)
    population, observable = random_population(patch, rng), random_observable(patch.n_qubits, rng)
    simulator = NoisySimulator(patch, **options)
    values, slopes = simulator.gradients(population, observable)
    np.testing.assert_allclose(simulator.values(population, observable), values, atol=1e-13)
    for number in range(len(population)):
        circuit, params = population.circuit(number)
        value, slope = simulator.value_and_grad(circuit, observable, params)
        assert values[number] == pytest.approx(value[0], abs=1e-13)
        np.testing.assert_allclose(slopes[number, list(circuit.free)], slope[0], atol=1e-13)
        rest = np.delete(slopes[number], list(circuit.free))
        assert not rest.any()


def test_threads_change_nothing(patch):
    rng = np.random.default_rng(2)
    population, observable = random_population(patch, rng), random_observable(patch.n_qubits, rng)
    simulator = NoisySimulator(patch)
    for threads in (2, 3, 50):
        one, two = (simulator.gradients(population, observable, threads=t) for t in (1, threads))
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])


def test_an_unlowered_population_is_lowered():
    patch = load_device("FakeManilaV2").patch([1, 2, 3])
    circuits = [Circuit(3).then("ry", 0).then("cx", 0, 1).then("h", 2), Circuit(3).then("cz", 1, 2)]
    population = Population.of(circuits, [[0.4], []])
    observable = random_observable(3, np.random.default_rng(0))
    simulator = NoisySimulator(patch)
    expected = [
        simulator.estimate(c, observable, p).mean[0]
        for c, p in zip(circuits, [[0.4], []], strict=True)
    ]
    np.testing.assert_allclose(simulator.values(population, observable), expected, atol=1e-12)
    with pytest.raises(InputError, match="lower the population first"):
        simulator.gradients(population, observable)


@pytest.mark.parametrize("name", ["rx", "ry"])
def test_a_rotation_that_the_device_lacks_is_lowered(patch, name):
    """Its pulses are noisy, although every other gate of the population is native."""
    native, pair = patch.two_qubit_gate, patch.couplings[0]
    circuits = [
        Circuit(patch.n_qubits).then(name, 0).then(native, *pair),
        Circuit(patch.n_qubits).then("rz", 1).then(native, *pair).then(name, 1),
    ]
    params = [[0.4], [1.1, -0.7]]
    population = Population.of(circuits, params)
    zs = ["I" * (patch.n_qubits - 1 - q) + "Z" + "I" * q for q in range(patch.n_qubits)]
    observable, simulator = Observable.of(zs, [1.0] * len(zs)), NoisySimulator(patch)
    expected = [
        simulator.estimate(c, observable, p).mean[0] for c, p in zip(circuits, params, strict=True)
    ]
    np.testing.assert_allclose(simulator.values(population, observable), expected, atol=1e-12)
    sampled = SampledSimulator(simulator, shots=100)
    made, lowered = (
        sampled.values(some, observable)
        for some in (population, lower_population(population, patch))
    )
    np.testing.assert_array_equal(made.mean, lowered.mean)
    for method in (simulator.gradients, simulator.best_neighbours, simulator.minimise_population):
        with pytest.raises(InputError, match=rf"circuit 0 holds {name} on \[0\]"):
            method(population, observable)


def test_the_tables_hold_the_gates_of_the_device(patch):
    channels, wires = channels_of(patch), range(-1, patch.n_qubits + 1)
    for qubits in [(a,) for a in wires] + [(a, b) for a in wires for b in wires]:
        for name in GATE_NAMES:
            there = patch.gate(name, qubits) is not None
            assert has_gate(channels, name, qubits) == there, (name, qubits)
            row = [GATE_NAMES.index(name), qubits[0], qubits[1] if len(qubits) == 2 else -1]
            if qubits[-1] >= 0:
                missing = pauli_kernel.first_missing(channels, np.array([[row]], np.int16))
                assert (missing == (-1, -1)) == there, (name, qubits)


def test_an_ideal_device_has_every_gate_on_its_wires_and_couplings():
    line = ideal_device("ideal:line", 3)
    channels = channels_of(line)
    for name in GATE_NAMES:
        places = [(q,) for q in range(3)] if name not in FIXED_TWO else line.couplings
        assert all(has_gate(channels, name, qubits) for qubits in places)
    for name, qubits in [("cx", (0, 2)), ("ry", (3,)), ("h", (0, 1)), ("cz", (1,)), ("no", (0,))]:
        assert not has_gate(channels, name, qubits)


@pytest.mark.parametrize("idle", [False, True])
def test_recovered_states_give_the_same_gradients(patch, idle, monkeypatch):
    rng = np.random.default_rng(3)
    population, observable = random_population(patch, rng), random_observable(patch.n_qubits, rng)
    simulator = NoisySimulator(patch, idle=idle)
    assert simulator.model.keeps(population.gates, patch.n_qubits)
    kept = simulator.gradients(population, observable)
    monkeypatch.setattr(noise_model, "CACHE", 0)
    assert not simulator.model.keeps(population.gates, patch.n_qubits)
    recovered = simulator.gradients(population, observable)
    np.testing.assert_allclose(kept[0], recovered[0], atol=1e-13)
    np.testing.assert_allclose(kept[1], recovered[1], atol=1e-11)


def test_what_cannot_be_undone_is_kept(patch, monkeypatch):
    """A two-qubit gate that depolarizes all: inverse maps would divide by zero."""
    rng = np.random.default_rng(4)
    monkeypatch.setattr(noise_model, "CACHE", 0)
    pair = patch.couplings[0]
    dead = np.zeros((16, 16))
    dead[0, 0] = 1.0
    simulator = NoisySimulator(patch, channels={(patch.two_qubit_gate, pair): dead})
    circuit = random_native(patch, rng)
    circuit = Circuit(patch.n_qubits, (*circuit.gates, Gate(patch.two_qubit_gate, pair)))
    gates = Population.of([circuit]).gates
    assert simulator.model.keeps(gates, patch.n_qubits)
    observable, params = random_observable(patch.n_qubits, rng), rng.normal(size=circuit.n_params)
    _, slope = simulator.value_and_grad(circuit, observable, params)
    eye = np.pi / 2 * np.eye(len(params))
    plus = simulator.estimate(circuit, observable, params + eye).mean
    minus = simulator.estimate(circuit, observable, params - eye).mean
    np.testing.assert_allclose(slope[0], (plus - minus) / 2, atol=1e-12)
    monkeypatch.setattr(noise_model, "MEMORY", 10_000)
    with pytest.raises(InputError, match="too strong to be undone"):
        simulator.gradients(Population.of([circuit], [params]), observable)


def test_given_channels_that_are_the_calibrations_change_nothing(patch):
    rng = np.random.default_rng(5)
    circuit, observable = random_native(patch, rng), random_observable(patch.n_qubits, rng)
    params = rng.uniform(-3, 3, circuit.n_params)
    channels = {
        (g.name, g.qubits): gate_noise(patch, g.name, g.qubits) @ unitary_transfer(g.matrix())
        for g in {Gate(c.name, c.qubits) for c in patch.gates if c.name != "rz"}
        if g.name in ("sx", "x", patch.two_qubit_gate)
    }
    standard, given = NoisySimulator(patch), NoisySimulator(patch, channels=channels)
    for one, two in zip(
        standard.value_and_grad(circuit, observable, params),
        given.value_and_grad(circuit, observable, params),
        strict=True,
    ):
        np.testing.assert_allclose(one, two, atol=1e-12)
    scores = [s.score_neighbours(circuit, observable, params) for s in (standard, given)]
    np.testing.assert_allclose(scores[0].energy, scores[1].energy, atol=1e-11)


def test_given_channels_are_what_qiskit_makes_of_them():
    patch = load_device("FakeManilaV2").patch([3, 2, 1])
    rng = np.random.default_rng(6)
    drawn = {
        ("cx", pair): random_quantum_channel(4, rank=3, seed=k)
        for k, pair in enumerate(patch.couplings)
    } | {("sx", (1,)): random_quantum_channel(2, rank=2, seed=99)}
    channels = {key: PTM(channel).data.real for key, channel in drawn.items()}
    circuit, observable = random_native(patch, rng, 14), random_observable(3, rng)
    params = rng.uniform(-3, 3, circuit.n_params)
    state = DensityMatrix.from_label("000")
    for gate in circuit.bind(params).gates:
        channel = drawn.get((gate.name, gate.qubits))
        if channel is None:
            state = state.evolve(Operator(gate.matrix()), list(gate.qubits))
            if gate.name != "rz":
                noise = gate_noise(patch, gate.name, gate.qubits)
                state = state.evolve(SuperOp(PTM(noise)), list(gate.qubits))
        else:
            state = state.evolve(SuperOp(channel), list(gate.qubits))
    expected = state.expectation_value(observable.to_qiskit()).real
    value = NoisySimulator(patch, channels=channels).estimate(circuit, observable, params).mean[0]
    assert value == pytest.approx(expected, abs=1e-12)


def test_memory_is_the_formula():
    """Bytes of the large arrays, as results/simulator states them."""
    for n, passes in [(1, 3), (2, 7), (3, 5), (5, 9)]:
        vector = max(4**n, 128)
        kept = pauli_kernel.make_work(n, 20, passes, True)
        bare = pauli_kernel.make_work(n, 20, passes, False)
        assert kept.states.nbytes + kept.dual.nbytes == 8 * (passes + 2) * vector
        assert bare.states.nbytes + bare.dual.nbytes == 16 * vector
        small = sum(a.nbytes for a in bare) - 16 * vector
        assert small < 8 * (48 * passes + 4 * (20 + n) + 24 * n + 1000)


def test_errors_teach():
    patch = load_device("FakeManilaV2").patch([0, 1])
    zz = Observable.of(["ZZ"], [1.0])
    simulator = NoisySimulator(patch)
    with pytest.raises(InputError, match="3 qubits"):
        simulator.estimate(Circuit(3), Observable.of(["ZZZ"], [1.0]), [])
    with pytest.raises(InputError, match="must agree"):
        simulator.values(Population.of([Circuit(2)]), Observable.of(["Z"], [1.0]))
    outside = Population(
        2, np.array([[[3, 9, -1]]], np.int16), np.zeros((1, 1)), np.zeros((1, 1), bool)
    )
    with pytest.raises(InputError):
        simulator.values(outside, zz)
    with pytest.raises(InputError, match="lacks"):
        NoisySimulator(patch, channels={("ecr", (0, 1)): np.eye(16)}).values(
            Population.of([Circuit(2)]), zz
        )
    with pytest.raises(InputError, match="shape"):
        NoisySimulator(patch, channels={("cx", (0, 1)): np.eye(4)}).estimate(Circuit(2), zz, [])
    with pytest.raises(InputError, match="trace"):
        NoisySimulator(patch, channels={("cx", (0, 1)): 0.9 * np.eye(16)}).estimate(
            Circuit(2), zz, []
        )
