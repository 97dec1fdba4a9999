"""Laws of extensions: one table scores what optimising every extended circuit would."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import minimize

from qas import Circuit, ExactSimulator, InputError, NoisySimulator, Observable, load_device
from qas.circuit import Gate, Population
from qas.circuit.gate import FIXED_TWO
from qas.device.ideal import ideal_device
from qas.device.population import lower_population
from qas.execute import extension
from qas.execute.neighbourhood import transfers

REAL = ("ry", "cx", "h", "z", "x", "cz")
ANY = ("rx", "ry", "rz", "cx", "h", "s", "t", "sx", "ecr", "swap")
PATCHES = {
    "cx": ("FakeManilaV2", [1, 2, 3, 4]),
    "ecr": ("FakeSherbrooke", [2, 1, 0]),
    "cz": ("FakeTorino", [3, 4]),
}


def singles(n_qubits):
    turns = [(Gate(name, (q,)),) for q in range(n_qubits) for name in ("rx", "ry", "rz")]
    pairs = [(Gate("cx", pair),) for pair in ordered_pairs(n_qubits)]
    return (*turns, *pairs)


def blocks(n_qubits, first="ry", second="ry"):
    return tuple(
        (Gate("cx", (a, b)), Gate(first, (a,)), Gate(second, (b,)))
        for a, b in ordered_pairs(n_qubits)
    )


def ordered_pairs(n_qubits):
    return [(a, b) for a in range(n_qubits) for b in range(n_qubits) if a != b]


def random_circuit(n_qubits, rng, names, size=12, pairs=None):
    """Gates drawn at random, those of two qubits on ``pairs`` (by default on any)."""
    pairs = ordered_pairs(n_qubits) if pairs is None else pairs
    circuit = Circuit(n_qubits)
    for name in rng.choice(names, size):
        wires = (int(rng.integers(n_qubits)),)
        if name in FIXED_TWO:
            wires = pairs[rng.integers(len(pairs))]
        circuit = circuit.then(str(name), *wires)
    return circuit


def random_parents(patch, rng, count=2):
    """Un-lowered circuits that the patch can run."""
    names = ("ry", "rx", "rz", "h", "cx", "cx", "cx")
    return population(
        [random_circuit(patch.n_qubits, rng, names, 14, patch.couplings) for _ in range(count)], rng
    )


def random_observable(n_qubits, rng, terms=10):
    paulis = ["".join(rng.choice(list("IXYZ"), n_qubits)) for _ in range(terms)]
    return Observable.of(paulis, rng.normal(size=terms).tolist())


def population(circuits, rng):
    return Population.of(circuits, [rng.uniform(-np.pi, np.pi, c.n_params) for c in circuits])


def extended(parent, params, action):
    """The circuit with the action behind it, and a function from its angles to all angles."""
    child = Circuit(parent.n_qubits, (*parent.gates, *action))
    return child, lambda own: np.concatenate([params, own])


def lowest_by_grid(energies, n_free, fine=40):
    """The slow twin: a grid, then a polish from its lowest points. ``energies`` takes rows."""
    if n_free == 0:
        return float(energies(np.zeros((1, 0)))[0])
    axis = np.linspace(-np.pi, np.pi, fine, endpoint=False)
    points = np.stack(np.meshgrid(*[axis] * n_free), axis=-1).reshape(-1, n_free)
    values = energies(points)
    starts = points[np.argsort(values)[:5]]
    found = [
        minimize(lambda x: float(energies(x[None])[0]), start, tol=1e-12, options={"gtol": 1e-8})
        for start in starts
    ]
    return min(float(result.fun) for result in found)


@pytest.mark.parametrize("names", [REAL, ANY], ids=["real", "complex"])
@pytest.mark.parametrize("n_qubits", [2, 3, 4, 5])
def test_energy_is_the_minimum_over_the_angles(n_qubits, names):
    rng = np.random.default_rng(n_qubits)
    simulator, observable = ExactSimulator(), random_observable(n_qubits, rng)
    circuits = [random_circuit(n_qubits, rng, names, size) for size in (12, 0, 20)]
    parents = population(circuits, rng)
    mixed = (Gate("s", (1,)), Gate("ecr", (1, 0)), Gate("ry", (0,), 0.3), Gate("rx", (1,)))
    actions = (
        *singles(n_qubits), *blocks(n_qubits), *blocks(n_qubits, "rx", "rz"), (), mixed,
        (Gate("rz", (1,)), Gate("swap", (0, n_qubits - 1))) if n_qubits > 2 else (Gate("h", (0,)),),
        (Gate("rx", (0,)), Gate("ry", (1,))),
    )  # fmt: skip
    found = simulator.score_extensions(parents, observable, actions)
    assert found.energy.shape == (3, len(actions))
    assert found.angles.shape == (3, len(actions), 2)
    for b in range(3):
        parent, params = parents.circuit(b)
        for a in rng.permutation(len(actions))[:9].tolist():
            child, full = extended(parent, params, actions[a])
            n_free = child.n_params - parent.n_params

            def energies(rows, child=child, full=full):
                return simulator.estimate(
                    child, observable, [full(own) for own in rows]
                ).mean  # fmt: skip

            expected = lowest_by_grid(energies, n_free)
            assert found.energy[b, a] == pytest.approx(expected, abs=1e-9)
            attained = energies(found.angles[b, a, :n_free][None])[0]
            assert found.energy[b, a] == pytest.approx(attained, abs=1e-11)
            assert not found.angles[b, a, n_free:].any()


def test_molecule(data_folder):
    """Hydrogen on four qubits from Hartree-Fock: the energies are those of estimate."""
    rng = np.random.default_rng(4)
    observable = hamiltonian(data_folder, "H2_4q_jw_r0.7414")
    simulator, start = ExactSimulator(), Circuit(4).then("x", 0).then("x", 1)
    parents = population([start, start.then("ry", 2).then("cx", 2, 0).then("rx", 1)], rng)
    actions = (*singles(4), *blocks(4))
    found = simulator.score_extensions(parents, observable, actions)
    for b, a in np.ndindex(found.energy.shape):
        child, full = extended(*parents.circuit(b), actions[a])
        own = found.angles[b, a, : sum(gate.is_free for gate in actions[a])]
        value = simulator.estimate(child, observable, full(own)).mean[0]
        assert found.energy[b, a] == pytest.approx(value, abs=1e-11)
        nearby = [full(own + rng.normal(size=own.shape)) for _ in range(20)]
        assert (simulator.estimate(child, observable, nearby).mean >= value - 1e-11).all()


def hamiltonian(folder, name):
    entries = json.loads((folder / "hamiltonians" / "hamiltonians.json").read_text())
    entry = next(e for e in entries["hamiltonians"] if e["name"] == name)
    return Observable.of(entry["paulis"], entry["coeffs"])


@pytest.mark.parametrize("n_qubits", [1, 3])
def test_rotations_never_raise_the_energy(n_qubits):
    """Their angle 0 is the parent itself."""
    rng = np.random.default_rng(8)
    parents = population([random_circuit(n_qubits, rng, ("rx", "ry", "h")) for _ in range(5)], rng)
    observable, simulator = random_observable(n_qubits, rng, 5), ExactSimulator()
    turns = [Gate(name, (q,)) for q in range(n_qubits) for name in ("rx", "ry", "rz")]
    pairs = [(s, t) for s in turns for t in turns if s.qubits < t.qubits]
    found = simulator.score_extensions(parents, observable, [*((t,) for t in turns), *pairs, ()])
    before = simulator.values(parents, observable)
    assert (found.energy <= before[:, None] + 1e-12).all()
    assert (found.energy.min(axis=1) < before - 1e-3).all()
    np.testing.assert_allclose(found.energy[:, -1], before, atol=1e-12)


@pytest.mark.parametrize("make", [ExactSimulator, lambda: NoisySimulator(ideal_device("ideal", 3))])
def test_agrees_with_insertions_at_the_end(make):
    rng = np.random.default_rng(9)
    circuit, observable = (
        random_circuit(3, rng, ("rx", "ry", "rz", "cx")),
        random_observable(3, rng),
    )
    params = rng.uniform(-np.pi, np.pi, circuit.n_params)
    simulator, actions = make(), singles(3)
    swept = simulator.score_insertions(
        circuit, observable, params, [action[0] for action in actions]
    )
    last = np.flatnonzero(swept.position == len(circuit.gates))
    expected = np.full(len(actions), np.nan)
    expected[swept.choice[last]] = swept.energy[last]
    found = simulator.score_extensions(Population.of([circuit], [params]), observable, actions)
    np.testing.assert_allclose(found.energy[0], expected, atol=1e-10)


@pytest.mark.parametrize("key", PATCHES)
@pytest.mark.parametrize("options", [{}, {"readout": True, "scale": 3.0}])
def test_noisy_energies_are_the_channel_of_the_pair(key, options):
    """The extended circuit, written in the native gate with pulses and rotations free of noise.

    Rotations and pulses carry no noise where their channels are given as the ideal ones. The
    parent keeps its noise in the two-qubit gates.
    """
    patch, rng = patch_of(key), np.random.default_rng(11)
    free = {
        (gate.name, gate.qubits): extension.unitary_transfer(Gate(gate.name, gate.qubits).matrix())
        for gate in patch.gates
        if gate.name in ("sx", "x", "id")
    }
    simulator = NoisySimulator(patch, channels=free, **options)
    n = patch.n_qubits
    observable = random_observable(n, rng)
    parents = random_parents(patch, rng)
    natives = lower_population(parents, patch)
    actions = (*singles(n), *blocks(n), *blocks(n, "rz", "rx"), (Gate("swap", (0, 1)),))
    found = simulator.score_extensions(natives, observable, actions)
    assert np.isfinite(found.energy).any()
    for b, a in np.ndindex(found.energy.shape):
        pair = next((gate.qubits for gate in actions[a] if len(gate.qubits) == 2), None)
        if pair is not None and pair[1] not in patch.neighbours(pair[0]):
            assert np.isinf(found.energy[b, a])
            assert not found.angles[b, a].any()
            continue
        child, full = extended(*parents.circuit(b), actions[a])
        own = found.angles[b, a, : child.n_params - parents.circuit(b)[0].n_params]
        rows = [full(own), *(full(own + rng.normal(size=own.shape)) for _ in range(10))]
        values = simulator.estimate(child, observable, rows).mean
        assert found.energy[b, a] == pytest.approx(values[0], abs=1e-10)
        assert (values >= values[0] - 1e-10).all()


def patch_of(key):
    name, qubits = PATCHES[key]
    return load_device(name).patch(qubits)


@pytest.mark.parametrize("key", PATCHES)
def test_channel_by_hand(key):
    """A block is its native channel between free unitaries: what a dense matrix gives."""
    patch, rng = patch_of(key), np.random.default_rng(12)
    a, b = patch.couplings[0]
    simulator, observable = NoisySimulator(patch), random_observable(patch.n_qubits, rng)
    native = Gate(patch.two_qubit_gate, (a, b))
    parent = lower_population(random_parents(patch, rng, 1), patch)
    found = simulator.score_extensions(parent, observable, [(native, Gate("rx", (b,)))])
    circuit, params = parent.circuit(0)
    channels = simulator.model.channels(patch.n_qubits)
    row = channels.row[extension.GATE_NAMES.index(native.name), a, b]
    ideal = extension.unitary_transfer(native.matrix())
    assert np.abs(transfers(channels)[row]).sum() < np.abs(ideal).sum()  # there is noise
    child = Circuit(circuit.n_qubits, (*circuit.gates, native))
    paulis = [
        "".join("IXYZ"[(k >> 2 * q) & 3] for q in reversed(range(patch.n_qubits)))
        for k in range(4**patch.n_qubits)
    ]
    behind = simulator.estimate(
        child, [Observable.of([pauli], [1.0]) for pauli in paulis], params
    ).mean[0]  # fmt: skip
    values = []
    for angle in np.linspace(-np.pi, np.pi, 721):
        turn = extension.unitary_transfer(Gate("rx", (b,), angle).matrix())
        cube = np.moveaxis(behind.reshape((4,) * patch.n_qubits), patch.n_qubits - 1 - b, 0)
        cube = np.moveaxis(np.tensordot(turn, cube, 1), 0, patch.n_qubits - 1 - b)
        values.append(observable.coeff_array @ cube.reshape(-1)[observable.pauli_index])
    assert found.energy[0, 0] <= min(values) + 1e-10
    assert found.energy[0, 0] == pytest.approx(min(values), abs=1e-4)


@pytest.mark.parametrize("key", PATCHES)
def test_without_noise_it_is_the_exact_simulator(key):
    patch, rng = patch_of(key), np.random.default_rng(13)
    n = patch.n_qubits
    observable = random_observable(n, rng)
    parents = random_parents(patch, rng, 3)
    actions = (*singles(n), *blocks(n), *blocks(n, "rx", "rz"))
    noisy = NoisySimulator(patch, scale=0.0).score_extensions(
        lower_population(parents, patch), observable, actions
    )
    exact = ExactSimulator().score_extensions(parents, observable, actions)
    coupled = np.isfinite(noisy.energy)
    assert coupled.any(axis=1).all()
    np.testing.assert_allclose(noisy.energy[coupled], exact.energy[coupled], atol=1e-10)


def test_noise_of_the_lowered_circuit_is_near():
    """The model leaves out what the pulses of an action do, and nothing else."""
    patch, rng = patch_of("cx"), np.random.default_rng(14)
    simulator, observable = NoisySimulator(patch), random_observable(4, rng)
    parents = random_parents(patch, rng, 1)
    actions = blocks(4)
    found = simulator.score_extensions(lower_population(parents, patch), observable, actions)
    for a in np.flatnonzero(np.isfinite(found.energy[0])):
        child, full = extended(*parents.circuit(0), actions[a])
        value = simulator.estimate(child, observable, full(found.angles[0, a])).mean[0]
        assert value != found.energy[0, a]
        assert found.energy[0, a] == pytest.approx(value, abs=5e-3)


def test_batches_and_repeats_do_not_matter(monkeypatch):
    rng = np.random.default_rng(15)
    parents = population([random_circuit(4, rng, ANY) for _ in range(7)], rng)
    observable, simulator, actions = random_observable(4, rng), ExactSimulator(), blocks(4)
    whole = simulator.score_extensions(parents, observable, actions)
    changed = simulator.score_extensions(parents, observable, list(actions[:3]))
    monkeypatch.setattr(extension, "CACHE", 1)
    one_by_one = simulator.score_extensions(parents, observable, actions)
    np.testing.assert_array_equal(whole.energy, one_by_one.energy)
    np.testing.assert_array_equal(whole.angles, one_by_one.angles)
    np.testing.assert_allclose(changed.energy, whole.energy[:, :3], atol=1e-12)


@pytest.mark.parametrize("kind", ["random", "sparse", "whole", "product", "scales"])
def test_two_angles_reach_the_global_minimum(kind):
    """Against a grid of the form itself, over forms of every sort that observables give."""
    rng = np.random.default_rng(16)
    forms = rng.normal(size=(300, 3, 3))
    if kind == "sparse":
        forms *= rng.random(forms.shape) < 0.5
    elif kind == "whole":
        forms = np.rint(forms)
    elif kind == "product":
        forms = forms[:, :, :1] * forms[:, :1, :]
    elif kind == "scales":
        forms *= 10.0 ** rng.uniform(-6, 0, forms.shape)
    axis = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    basis = np.stack([np.ones_like(axis), np.cos(axis), np.sin(axis)])
    for form in forms:
        energy, best = lowest_of(form)
        grid = np.einsum("ij,is,jt->st", form, basis, basis)
        slack = 1e-9
        assert energy <= grid.min() + slack
        one, two = ([1.0, np.cos(t), np.sin(t)] for t in best)
        assert energy == pytest.approx(one @ form @ two, abs=1e-12)
        # Not below the true minimum either: a grid point is within the curvature's reach.
        assert energy >= grid.min() - np.abs(form).sum() * (axis[1]) ** 2


def lowest_of(form):
    """The kernel on one form, each of whose entries is a string of its own."""
    energy, angles = np.empty((1, 1)), np.empty((1, 1, 2))
    entries = np.append(form.reshape(-1), 0.0)
    table = extension.Table(
        np.arange(10), np.arange(11), np.arange(10, dtype=np.uint32), entries, np.array([2])
    )
    for name in ("strings", "first", "columns", "weights", "n_free"):
        getattr(table, name).setflags(write=False)
    table.lowest(np.ones((1, 10)), energy, angles)
    return energy[0, 0], angles[0, 0]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ((Gate("ry", (0,)), Gate("cx", (0, 1))), "last gate on its qubit"),
        ((Gate("ry", (0,)), Gate("rz", (0,))), "last gate on its qubit"),
        (tuple(Gate("ry", (q,)) for q in range(3)), "at most 2"),
        ((Gate("ry", (3,)),), "outside 0..2"),
        ((Gate("cx", (1, 1)),), "different qubits"),
    ],
)
def test_actions_that_cannot_be_scored(action, message):
    with pytest.raises(InputError, match=message):
        ExactSimulator().score_extensions(
            Population.of([Circuit(3)]), Observable.of(["ZZZ"], [1.0]), [(), action]
        )


def test_nothing_measured_is_nothing():
    patch, nothing = patch_of("cz"), Observable.of(["ZZ"], [0.0])
    parents, actions = Population.of([Circuit(2)]), (*singles(2), *blocks(2), ())
    for simulator in (ExactSimulator(), NoisySimulator(patch)):
        assert not simulator.score_extensions(parents, nothing, actions).energy.any()


def test_what_is_refused():
    patch, observable = patch_of("cz"), Observable.of(["ZZ"], [1.0])
    logical = Population.of([Circuit(2).then("h", 0)])
    with pytest.raises(InputError, match="idle"):
        NoisySimulator(patch, idle=True).score_extensions(logical, observable, [])
    with pytest.raises(InputError, match="lower the population"):
        NoisySimulator(patch).score_extensions(logical, observable, [])
    with pytest.raises(InputError, match="must agree"):
        ExactSimulator().score_extensions(logical, Observable.of(["Z"], [1.0]), [])
    assert ExactSimulator().score_extensions(logical, observable, []).energy.shape == (1, 0)
