"""Laws of neighbourhoods: one sweep scores what simulating every child would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qas import Circuit, InputError, NoisySimulator, Observable, load_device
from qas.circuit import Gate, Population
from qas.device.ideal import ideal_device
from qas.device.population import lower_population
from qas.execute import neighbourhood
from qas.execute.neighbour import DELETE, INSERT, REPLACE

PATCHES = {
    "cx": ("FakeManilaV2", [1, 2, 3, 4]),
    "ecr": ("FakeSherbrooke", [2, 1, 0]),
    "cz": ("FakeTorino", [3, 4]),
    "one qubit": ("FakeManilaV2", [2]),
}


@pytest.fixture(params=PATCHES)
def patch(request):
    name, qubits = PATCHES[request.param]
    return load_device(name).patch(qubits)


def random_native(patch, rng, size=9):
    gates = []
    names = ["rz", "sx", "x", *([patch.two_qubit_gate] if patch.couplings else [])]
    for _ in range(size):
        name = str(rng.choice(names))
        if name == patch.two_qubit_gate:
            gates.append(Gate(name, patch.couplings[rng.integers(len(patch.couplings))]))
        else:
            gates.append(Gate(name, (int(rng.integers(patch.n_qubits)),)))
    return Circuit(patch.n_qubits, tuple(gates))


def random_observable(n_qubits, rng, terms=6):
    paulis = ["".join(rng.choice(list("IXYZ"), n_qubits)) for _ in range(terms)]
    return Observable.of(paulis, rng.normal(size=terms).tolist())


def case(patch, seed, **options):
    rng = np.random.default_rng(seed)
    circuit, observable = random_native(patch, rng), random_observable(patch.n_qubits, rng)
    params = rng.uniform(-np.pi, np.pi, circuit.n_params)
    return NoisySimulator(patch, **options), circuit, observable, params


def energies_of(simulator, scores, observable, indices):
    """Every child simulated by itself."""
    children = [scores.child(int(index)) for index in indices]
    return [simulator.estimate(c, observable, p).mean[0] for c, p in children]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("options", [{}, {"readout": True, "scale": 1.7}, {"idle": True}])
def test_neighbours_are_what_simulation_gives(patch, seed, options):
    simulator, circuit, observable, params = case(patch, seed, **options)
    scores = simulator.score_neighbours(circuit, observable, params)
    indices = np.random.default_rng(seed).permutation(len(scores))[:150]
    expected = energies_of(simulator, scores, observable, indices)
    np.testing.assert_allclose(scores.energy[indices], expected, atol=1e-10)


def test_every_edit_is_there_once(patch):
    simulator, circuit, observable, params = case(patch, 3)
    scores = simulator.score_neighbours(circuit, observable, params)
    n_gates, tried = len(circuit.gates), scores.gates
    of_kind = {kind: int((scores.kind == kind).sum()) for kind in (INSERT, REPLACE, DELETE)}
    assert of_kind[INSERT] == (n_gates + 1) * len(tried)
    assert of_kind[DELETE] == n_gates
    wires = [set(gate.qubits) for gate in circuit.gates]
    replaced = sum(len(w) == 2 or bool(w & set(g.qubits)) for w in wires for g in tried)
    assert of_kind[REPLACE] == replaced
    keys = set(zip(scores.kind, scores.position, scores.choice, strict=True))
    assert len(keys) == len(scores)


def test_copies_are_the_same_circuit(patch):
    """A child that is not fresh has the energy of the one before it, and best skips it."""
    simulator, circuit, observable, params = case(patch, 4)
    scores = simulator.score_insertions(circuit, observable, params)
    for index in np.flatnonzero(~scores.fresh):
        at, choice = scores.position[index], scores.choice[index]
        same = (scores.position == at - 1) & (scores.choice == choice)
        assert scores.energy[same] == scores.energy[index]
    best = scores.best(5)
    assert scores.fresh[best].all()
    assert (np.diff(scores.energy[best]) >= 0).all()
    assert scores.energy[best[0]] == scores.energy.min()


def test_sweep_equals_its_slow_twin(patch, monkeypatch):
    simulator, circuit, observable, params = case(patch, 5)
    swept = simulator.score_neighbours(circuit, observable, params)
    monkeypatch.setattr(neighbourhood, "GROWTH", -np.inf)  # nothing may be undone any more
    simulated = simulator.score_neighbours(circuit, observable, params)
    np.testing.assert_array_equal(swept.fresh, simulated.fresh)
    np.testing.assert_array_equal(swept.position, simulated.position)
    np.testing.assert_allclose(swept.energy, simulated.energy, atol=1e-11)


def test_a_singular_gate_is_simulated(patch):
    """A pulse that leaves nothing but |0> cannot be undone: its children are simulated."""
    reset = np.zeros((4, 4))
    reset[0, 0] = reset[3, 0] = 1.0
    channels = {("sx", (0,)): reset}
    simulator, circuit, observable, params = case(patch, 6, channels=channels)
    circuit = Circuit(patch.n_qubits, (*circuit.gates, Gate("sx", (0,)), Gate("rz", (0,))))
    params = np.append(params, 0.3)
    scores = simulator.score_neighbours(circuit, observable, params)
    indices = np.arange(0, len(scores), 7)
    expected = energies_of(simulator, scores, observable, indices)
    np.testing.assert_allclose(scores.energy[indices], expected, atol=1e-10)


def logical_population(patch, rng, count=7):
    circuits = []
    for _ in range(count):
        circuit = Circuit(patch.n_qubits)
        for _ in range(int(rng.integers(1, 8))):
            if patch.couplings and rng.random() < 0.4:
                circuit = circuit.then("cx", *patch.couplings[rng.integers(len(patch.couplings))])
            else:
                circuit = circuit.then("ry", int(rng.integers(patch.n_qubits)))
        circuits.append(circuit)
    return Population.of(circuits, [rng.uniform(-3, 3, c.n_params) for c in circuits])


@pytest.mark.parametrize("edits", [True, False])
def test_best_of_a_population_is_best_of_each(patch, edits):
    rng = np.random.default_rng(7)
    population = lower_population(logical_population(patch, rng), patch)
    observable, simulator = random_observable(patch.n_qubits, rng), NoisySimulator(patch)
    best = simulator.best_neighbours(population, observable, 4, edits=edits)
    for rank in range(4):
        children = best.children(rank)
        found = np.isfinite(best.energy[:, rank])
        values = simulator.values(children, observable)
        np.testing.assert_allclose(values[found], best.energy[found, rank], atol=1e-10)
    for number in range(len(population)):
        circuit, params = population.circuit(number)
        score = simulator.score_neighbours if edits else simulator.score_insertions
        alone = score(circuit, observable, params)
        energies = alone.energy[alone.best(4)]
        np.testing.assert_allclose(best.energy[number, : len(energies)], energies, atol=1e-11)
    pieces = simulator._neighbourhood(patch.n_qubits, best.gates).best(
        population, simulator.model.dual(observable), 4, edits, room=1
    )
    np.testing.assert_array_equal(pieces.energy, best.energy)


def test_a_circuit_without_such_a_neighbour_stays_as_it_is():
    """The empty circuit has 3 insertions; a longer one has more, and deletions and replacements."""
    patch = load_device("FakeManilaV2").patch([2])
    circuits = [Circuit(1), Circuit(1).then("rz", 0).then("sx", 0).then("rz", 0)]
    population = Population.of(circuits, [[], [0.3, -0.9]])
    z, simulator = Observable.of(["Z"], [1.0]), NoisySimulator(patch)
    best = simulator.best_neighbours(population, z, 8)
    found = np.isfinite(best.energy)
    assert found.sum(axis=1).tolist() == [3, 8]
    for rank in range(8):
        children = best.children(rank)
        for number, parent in enumerate(circuits):
            child, params = children.circuit(number)
            same = child == parent and np.array_equal(params, population.circuit(number)[1])
            assert same != found[number, rank]


def test_only_gates_that_are_there_are_tried():
    """A hole in the calibration is no gate without noise."""
    whole = load_device("FakeManilaV2").patch([1, 2, 3])
    gates = tuple(g for g in whole.gates if (g.name, g.qubits) != ("sx", (1,)))
    device = replace(whole, gates=gates)
    circuit, observable = Circuit(3).then("cx", 0, 1), Observable.of(["ZZZ"], [1.0])
    scores = NoisySimulator(device).score_insertions(circuit, observable, [])
    tried = {(gate.name, gate.qubits) for gate in scores.gates}
    assert tried == {(gate.name, gate.qubits) for gate in gates if gate.name in device.native}


IDEAL = ideal_device("ideal:line", 4)
MANILA = load_device("FakeManilaV2").patch([1, 2, 3, 4])


@pytest.mark.parametrize(
    ("device", "gate"),
    [
        (IDEAL, Gate("cx", (0, 2))),
        (IDEAL, Gate("cz", (1,))),
        (IDEAL, Gate("h", (0, 1))),
        (IDEAL, Gate("ry", (3,))),
        (IDEAL, Gate("cx", (2, 3))),
        (IDEAL, Gate("sx", (-1,))),
        (IDEAL, Gate("no", (0,))),
        (MANILA, Gate("ry", (0,))),
        (MANILA, Gate("cx", (0, 2))),
        (MANILA, Gate("sx", (3,))),
        (MANILA, Gate("cx", (2, 3))),
    ],
)
def test_gates_that_a_circuit_of_three_qubits_cannot_hold_are_refused(device, gate):
    circuit, observable = Circuit(3).then("cx", 0, 1), Observable.of(["ZZZ"], [1.0])
    simulator = NoisySimulator(device)
    for score in (simulator.score_insertions, simulator.score_neighbours, simulator.score_blocks):
        with pytest.raises(InputError, match=f"has no {gate.name} on"):
            score(circuit, observable, [], [gate])
    with pytest.raises(InputError, match=f"has no {gate.name} on"):
        simulator.best_neighbours(Population.of([circuit]), observable, 1, [gate])


def test_any_gate_is_tried_on_an_ideal_device():
    gates = [Gate("h", (2,)), Gate("ry", (0,)), Gate("cz", (2, 1)), Gate("swap", (0, 1))]
    circuit, params = Circuit(3).then("ry", 0).then("cx", 0, 1).then("rx", 2), [0.4, -1.3]
    observable, simulator = random_observable(3, np.random.default_rng(2)), NoisySimulator(IDEAL)
    scores = simulator.score_neighbours(circuit, observable, params, gates)
    expected = energies_of(simulator, scores, observable, range(len(scores)))
    np.testing.assert_allclose(scores.energy, expected, atol=1e-12)


def test_blocks_are_what_simulation_gives(patch):
    simulator, circuit, observable, params = case(patch, 8)
    blocks = simulator.score_blocks(circuit, observable, params)
    n_pairs = sum(len(gate.qubits) == 2 for gate in blocks.gates)
    assert len(blocks) >= n_pairs == len(patch.couplings)
    for index in range(len(blocks)):
        child, angles = blocks.child(index)
        value = simulator.estimate(child, observable, angles).mean[0]
        assert value == pytest.approx(blocks.energy[index], abs=1e-10)


def test_block_angles_are_stationary():
    patch = load_device("FakeManilaV2").patch([0, 1])
    simulator, circuit, observable, params = case(patch, 9)
    blocks = simulator.score_blocks(circuit, observable, params)
    index = int(blocks.best()[0])
    child, angles = blocks.child(index)
    _, slope = simulator.value_and_grad(child, observable, angles)
    number = sum(place < blocks.position[index] for place in circuit.free)
    own = slope[0, number : number + blocks.angles.shape[1]]
    assert np.abs(own).max() < 1e-3
    insertion = simulator.score_insertions(circuit, observable, params, blocks.gates)
    assert blocks.energy.min() <= insertion.energy.min() + 0.02  # pulses of the dressing cost noise


def test_errors_teach():
    patch = load_device("FakeManilaV2").patch([0, 1])
    simulator, circuit, observable, params = case(patch, 1)
    with pytest.raises(InputError, match="one vector"):
        simulator.score_neighbours(circuit, observable, [params, params])
    with pytest.raises(InputError, match="has no ecr"):
        simulator.score_insertions(circuit, observable, params, [Gate("ecr", (0, 1))])
    with pytest.raises(InputError, match="angle"):
        simulator.score_insertions(circuit, observable, params, [Gate("rz", (0,), 0.1)])
    with pytest.raises(InputError, match="needs a rotation"):
        simulator.score_blocks(circuit, observable, params, dressing=("sx",))
    with pytest.raises(InputError, match="cannot dress"):
        simulator.score_blocks(circuit, observable, params, dressing=("rz", "cx"))
    with pytest.raises(InputError, match="cannot dress with 'ry'"):  # Manila has rz alone
        simulator.score_blocks(circuit, observable, params, dressing=("ry",))
    with pytest.raises(InputError, match="idle"):
        NoisySimulator(patch, idle=True).score_blocks(circuit, observable, params)
    population = Population.of([Circuit(2).then("h", 0)])
    with pytest.raises(InputError, match="holds h on"):
        simulator.best_neighbours(population, observable)
    with pytest.raises(InputError, match="from 1"):
        simulator.best_neighbours(population, observable, 0)
