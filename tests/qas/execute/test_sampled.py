"""Laws of finite shots: their distribution, means and errors, and where the randomness is from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix
from scipy.stats import chi2, chi2_contingency

from qas import Circuit, InputError, NoisySimulator, Observable, load_device, load_task
from qas.circuit import Population
from qas.compiled import compiled
from qas.execute import Backend, shot_kernel
from qas.execute.cost import ShotBackend, reseeded
from qas.execute.sampled import SampledSimulator

PATCHES = {
    "cx": ("FakeManilaV2", [1, 2, 3, 4]),
    "ecr": ("FakeSherbrooke", [2, 1, 0, 14]),
    "cz": ("FakeTorino", [3, 4, 5, 6]),
}
MASK = 2**64 - 1
TURN = {"X": ("h",), "Y": ("sdg", "h"), "Z": ()}


def patch_of(name):
    device, qubits = PATCHES[name]
    return load_device(device).patch(qubits)


def misread_often(device):
    """The device with readout errors that cannot be overlooked, all different."""
    return replace(
        device,
        qubits=tuple(
            replace(q, p01=0.12 - 0.02 * k, p10=0.02 + 0.01 * k)
            for k, q in enumerate(device.qubits)
        ),
    )


@pytest.fixture(scope="module", params=["cx", "ecr", "cz"])
def patch(request):
    return misread_often(patch_of(request.param))


@pytest.fixture(scope="module")
def manila():
    return misread_often(patch_of("cx"))


def random_circuit(device, seed, size=24):
    """Gates drawn at random on the device, and one vector of angles."""
    rng = np.random.default_rng(seed)
    circuit = Circuit(device.n_qubits)
    for _ in range(size):
        name = rng.choice(["rx", "ry", "rz", "h", "t", "sx", "cx", "cz"])
        if name in ("cx", "cz"):
            circuit = circuit.then(name, *device.couplings[rng.integers(len(device.couplings))])
        else:
            circuit = circuit.then(name, int(rng.integers(device.n_qubits)))
    return circuit, rng.uniform(-np.pi, np.pi, circuit.n_params)


def random_observable(n_qubits, seed, terms=14):
    rng = np.random.default_rng(seed)
    paulis = ["".join(rng.choice(list("IXYZ"), n_qubits)) for _ in range(terms)]
    return Observable.of(["I" * n_qubits, *paulis], rng.normal(size=terms + 1).tolist())


def ideal(n_qubits):
    return NoisySimulator(load_device("ideal", n_qubits=n_qubits))


# --- the distribution ---------------------------------------------------------------------


def qiskit_probabilities(device, circuit, params, basis):
    """Aer's density matrix, an ideal turn to the basis, then each qubit's readout matrix."""
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator as Aer

    from qas.execute.aer import noise_model

    lowering = device.lowering(circuit)
    run = lowering.native.bind(lowering.angles(params)[0]).to_qiskit()
    run.save_density_matrix()
    aer = Aer(method="density_matrix", noise_model=noise_model(device))
    state = DensityMatrix(aer.run(run).result().data()["density_matrix"])
    turn = QuantumCircuit(device.n_qubits)
    for q, letter in enumerate(reversed(basis)):
        for gate in TURN[letter]:
            getattr(turn, gate)(q)
    table = state.evolve(turn).probabilities().reshape((2,) * device.n_qubits)
    for q, qubit in enumerate(device.qubits):
        axis = device.n_qubits - 1 - q
        read = np.array([[1 - qubit.p10, qubit.p01], [qubit.p10, 1 - qubit.p01]])
        table = np.moveaxis(np.tensordot(read, table, (1, axis)), 0, axis)
    return table.ravel()


@pytest.mark.parametrize("basis", ["ZZZZ", "XYZY"])
def test_distribution_is_qiskits(patch, basis):
    circuit, params = random_circuit(patch, 1)
    sampled = SampledSimulator(NoisySimulator(patch), shots=400_000, seed=5)
    expected = qiskit_probabilities(patch, circuit, params, basis)
    np.testing.assert_allclose(
        sampled.probabilities(circuit, basis, params)[0], expected, atol=1e-9
    )
    counts = sampled.counts(circuit, basis, params)[0]
    assert counts.sum() == 400_000
    statistic = ((counts - 400_000 * expected) ** 2 / (400_000 * expected)).sum()
    assert 0.001 < chi2.sf(statistic, len(counts) - 1) < 0.999


def test_counts_are_distributed_as_aers(manila):
    from qiskit_aer import AerSimulator as Aer
    from qiskit_aer.noise import ReadoutError

    from qas.execute.aer import noise_model

    circuit, params = random_circuit(manila, 2)
    lowering = manila.lowering(circuit)
    model = noise_model(manila)
    for q, qubit in enumerate(manila.qubits):
        flips = [[1 - qubit.p10, qubit.p10], [qubit.p01, 1 - qubit.p01]]
        model.add_readout_error(ReadoutError(flips), [q])
    run = lowering.native.bind(lowering.angles(params)[0]).to_qiskit()
    run.measure_all()
    aer = Aer(method="density_matrix", noise_model=model, seed_simulator=3)
    found = aer.run(run, shots=100_000).result().get_counts()
    theirs = [found.get(f"{k:04b}", 0) for k in range(16)]
    ours = SampledSimulator(NoisySimulator(manila), 100_000).counts(circuit, "ZZZZ", params)[0]
    assert 0.001 < chi2_contingency([theirs, ours]).pvalue < 0.999
    without = SampledSimulator(NoisySimulator(manila), 100_000, readout=False)
    ours = without.counts(circuit, "ZZZZ", params)[0]
    assert chi2_contingency([theirs, ours]).pvalue < 1e-9


def test_readout_error_grows_with_the_noise_scale(manila):
    stay = Circuit(4).then("x", 0)
    half = SampledSimulator(NoisySimulator(manila, scale=0.5)).probabilities(stay, "IIII", [])
    none = SampledSimulator(NoisySimulator(manila, scale=0.0)).probabilities(stay, "ZZZZ", [])
    assert none[0, 1] == pytest.approx(1.0, abs=1e-12)
    wrong_0 = half[0, 0::2].sum()
    assert wrong_0 == pytest.approx(0.5 * manila.qubits[0].p01, abs=1e-3)
    with pytest.raises(InputError, match="smaller scale"):
        SampledSimulator(NoisySimulator(manila, scale=10.0)).probabilities(stay, "ZZZZ", [])


# --- means and errors ---------------------------------------------------------------------


@pytest.mark.parametrize("readout", [True, False])
def test_mean_converges(patch, readout):
    observable = random_observable(4, 3)
    for seed in range(4):
        circuit, params = random_circuit(patch, seed)
        exact = NoisySimulator(patch, readout=readout).estimate(circuit, observable, params)
        sampled = SampledSimulator(NoisySimulator(patch), 10**6, seed, readout=readout)
        found = sampled.estimate(circuit, observable, params)
        assert 0 < found.stderr[0] < 1e-2
        assert abs(found.mean - exact.mean)[0] < 5 * found.stderr[0]


def test_errors_are_calibrated(manila):
    """600 seeds tell a standard deviation to 3 %."""
    observable, scores = random_observable(4, 4), np.zeros((4, 600))
    for number, score in enumerate(scores):
        circuit, params = random_circuit(manila, number)
        native, angles = manila.lower(circuit), manila.lowering(circuit).angles(params)
        exact = NoisySimulator(manila, readout=True).estimate(native, observable, angles).mean
        sampled = SampledSimulator(NoisySimulator(manila), shots=500)
        for seed in range(600):
            found = sampled.with_seed(seed).estimate(native, observable, angles)
            score[seed] = (found.mean - exact)[0] / found.stderr[0]
    assert np.abs(scores.mean(axis=1)).max() < 4 / np.sqrt(600)
    assert scores.std(axis=1).min() > 0.9
    assert scores.std(axis=1).max() < 1.1


@pytest.mark.parametrize(
    ("terms", "variance"),
    [
        ({"ZI": 1.0, "IZ": 1.0}, 4.0),  # terms by themselves would give 2
        ({"ZI": 1.0, "IZ": -1.0}, 0.0),
        ({"ZI": 0.6, "IZ": 0.3, "ZZ": 5.0, "II": 7.0}, 0.81),
        ({"XI": 1.0, "ZI": 1.0}, 2.0),  # two circuits: no covariance
    ],
)
def test_covariance_within_groups(terms, variance):
    """On a Bell state <Z> = 0 on both qubits, and both are always equal."""
    bell = Circuit(2).then("h", 0).then("cx", 0, 1)
    observable = Observable.of(terms, terms.values())
    found = SampledSimulator(ideal(2), shots=10**6).estimate(bell, observable, [])
    assert found.stderr[0] ** 2 * 10**6 == pytest.approx(variance, rel=1e-4)


def test_an_eigenstate_has_no_error():
    ghz = Circuit(3).then("h", 0).then("cx", 0, 1).then("cx", 1, 2)
    stabilisers = {"XXX": 0.1, "IZZ": 0.2, "ZZI": 0.3, "YYX": -0.7, "III": 0.123}
    observable = Observable.of(stabilisers, stabilisers.values())
    found = SampledSimulator(ideal(3), shots=999).estimate(ghz, observable, [])
    assert found.stderr[0] == 0.0
    assert found.mean[0] == pytest.approx(0.1 + 0.2 + 0.3 + 0.7 + 0.123, abs=1e-15)


def test_one_shot_admits_that_it_knows_nothing():
    one = SampledSimulator(ideal(1), shots=1).estimate(
        Circuit(1), Observable.of(["Z", "I"], [3.0, 9.0]), []
    )
    assert (one.mean[0], one.stderr[0]) == (12.0, 3.0)


# --- where the randomness comes from ------------------------------------------------------


@compiled
def mixed(z):
    return shot_kernel.mix(z)


def splitmix(state):
    """The output function, on Python's own integers."""
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return state ^ state >> 31


def test_splitmix_is_the_published_one():
    """The first numbers of seed 1234567, as in the reference implementation."""
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    for k, number in enumerate(published, start=1):
        state = (1234567 + k * 0x9E3779B97F4A7C15) & MASK
        assert int(mixed(np.uint64(state))) == splitmix(state) == number


def slow_counts(seed, native, letters, probabilities, shots):
    """Twin: the key by absorbing word after word, the outcomes by binary search."""

    def absorb(key, word):
        return splitmix(((key ^ word) + 0x9E3779B97F4A7C15) & MASK)

    population = Population.of([native])
    key = absorb(absorb(0, seed), native.n_qubits)
    for (code, a, b), angle in zip(population.gates[0], population.angles[0], strict=True):
        key = absorb(key, (int(code) << 32) + (int(a) << 16) + int(b) + 1)
        if code < 3:
            key = absorb(key, int(np.float64(angle + 0.0).view(np.uint64)))
    for letter in letters:
        key = absorb(key, letter)
    drawn = np.array(
        [splitmix(key + s * 0x9E3779B97F4A7C15 & MASK) >> 11 for s in range(1, shots + 1)]
    )
    found = np.searchsorted(np.cumsum(probabilities), drawn / 2**53, side="right")
    return np.bincount(found, minlength=len(probabilities))


@pytest.mark.parametrize("seed", [0, 12345, 2**64 - 1])
def test_counts_equal_the_slow_twin(manila, seed):
    circuit, params = random_circuit(manila, 6)
    lowering = manila.lowering(circuit)
    native = lowering.native.bind(lowering.angles(params)[0])
    sampled = SampledSimulator(NoisySimulator(manila), 3000, seed)
    exact = sampled.probabilities(native, "XYZI", [])[0]
    expected = slow_counts(seed, native, [3, 3, 2, 1], exact, 3000)
    np.testing.assert_array_equal(sampled.counts(native, "XYZI", [])[0], expected)


def test_equal_seeds_equal_shots(manila):
    circuit, params = random_circuit(manila, 7)
    observable, simulator = random_observable(4, 7), NoisySimulator(manila)
    first = SampledSimulator(simulator, seed=11).estimate(circuit, observable, params)
    again = SampledSimulator(simulator).with_seed(11).estimate(circuit, observable, params)
    other = SampledSimulator(simulator, seed=12).estimate(circuit, observable, params)
    assert (first.mean, first.stderr) == (again.mean, again.stderr)
    assert first.mean != other.mean
    assert reseeded(SampledSimulator(simulator), 12).estimate(
        circuit, observable, params
    ).mean == pytest.approx(other.mean, abs=0)


def test_the_rest_of_a_batch_does_not_matter(manila):
    circuit, _ = random_circuit(manila, 8)
    rows = np.random.default_rng(8).uniform(-np.pi, np.pi, (5, circuit.n_params))
    observable, sampled = random_observable(4, 8), SampledSimulator(NoisySimulator(manila))
    together = sampled.estimate(circuit, observable, rows)
    back = sampled.estimate(circuit, observable, rows[::-1])
    np.testing.assert_array_equal(together.mean, back.mean[::-1])
    np.testing.assert_array_equal(together.stderr, back.stderr[::-1])
    alone = sampled.estimate(circuit, observable, rows[3])
    assert (alone.mean[0], alone.stderr[0]) == (together.mean[3], together.stderr[3])


def test_a_population_equals_circuit_by_circuit(manila):
    """Whatever the padding, the order, and the number of threads; native or lowered on the way."""
    drawn = [random_circuit(manila, seed, size=6 + 3 * seed) for seed in range(7)]
    native = [(manila.lower(c), manila.lowering(c).angles(p)[0]) for c, p in drawn]
    population = Population.of([c for c, _ in native], [p for _, p in native])
    observable, sampled = random_observable(4, 9), SampledSimulator(NoisySimulator(manila))
    made = sampled.values(population, observable)
    for b, (circuit, params) in enumerate(native):
        one = sampled.estimate(circuit, observable, params)
        assert (one.mean[0], one.stderr[0]) == (made.mean[b], made.stderr[b])
    assert made.circuits == 7 * one.circuits
    shared = sampled.values(population[::-1], observable, threads=2)
    np.testing.assert_array_equal(shared.mean[::-1], made.mean)
    exact = NoisySimulator(manila, readout=True).values(population, observable)
    logical = Population.of([c for c, _ in drawn], [p for _, p in drawn])
    lowered = sampled.values(logical, observable)
    for found in (made, lowered):
        assert (abs(found.mean - exact) < 5 * found.stderr).all()


def test_more_shots_continue_fewer(manila):
    circuit, params = random_circuit(manila, 10)
    sampled = SampledSimulator(NoisySimulator(manila), shots=700)
    few = sampled.counts(circuit, "ZXZX", params)
    for more in (701, 900):
        added = sampled.with_shots(more).counts(circuit, "ZXZX", params) - few
        assert added.min() >= 0
        assert added.sum() == more - 700


def test_seeds_bases_and_circuits_are_independent():
    """Fair coins all: outcomes over seeds must be uncorrelated between measurements."""
    plus = Circuit(1).then("ry", 0)
    heads = []
    for seed in range(500):
        sampled = SampledSimulator(ideal(1), shots=16, seed=seed)
        rows = [[np.pi / 2], [-np.pi / 2]]
        measured = [*sampled.counts(plus, "Z", rows)[:, 0], sampled.counts(plus, "Y", rows)[0, 0]]
        heads.append(measured)
    table = np.array(heads, dtype=float)
    assert np.abs(table.mean(axis=0) - 8).max() < 4 * 2 / np.sqrt(500)
    between = np.corrcoef(table.T) - np.eye(3)
    assert np.abs(between).max() < 4 / np.sqrt(500)
    following = np.corrcoef(table[:-1, 0], table[1:, 0])[0, 1]
    assert abs(following) < 4 / np.sqrt(500)


# --- the role -----------------------------------------------------------------------------


def test_role_and_cost(manila):
    sampled = SampledSimulator(NoisySimulator(manila), shots=100)
    assert isinstance(sampled, Backend)
    assert isinstance(sampled, ShotBackend)
    circuit, _ = random_circuit(manila, 11)
    rows = np.zeros((3, circuit.n_params))
    many = [random_observable(4, 12), random_observable(4, 13)]
    for observables in (many[0], many, Observable.of(["IIII"], [2.5])):
        price, found = (
            sampled.cost(circuit, observables, 3),
            sampled.estimate(circuit, observables, rows),
        )
        assert (price.circuits, price.shots) == (found.circuits, found.shots)
        assert price.shots == 100 * price.circuits
    assert sampled.cost(circuit, many[0], 3).circuits == 3 * many[0].n_groups
    assert (found.mean == 2.5).all()
    assert found.circuits == 0


def test_several_observables_share_their_shots(manila):
    """Groups of the union; where the groups are those of one observable, so are the shots."""
    circuit, params = random_circuit(manila, 14)
    energy = random_observable(4, 14)
    parts = [
        Observable.of([pauli], [coeff])
        for pauli, coeff in zip(energy.paulis, energy.coeffs, strict=True)
    ]
    sampled = SampledSimulator(NoisySimulator(manila))
    whole = sampled.estimate(circuit, energy, params)
    apart = sampled.estimate(circuit, parts, params)
    assert apart.mean.shape == (1, len(parts))
    assert apart.mean.sum() == pytest.approx(whole.mean[0], abs=1e-12)
    assert apart.circuits == whole.circuits == energy.n_groups


def test_fingerprint_knows_what_decides(manila):
    base = SampledSimulator(NoisySimulator(manila))
    swap = np.eye(4)
    others = [
        base.with_shots(5),
        replace(base, readout=False),
        replace(base, simulator=NoisySimulator(manila, idle=True)),
        replace(base, simulator=NoisySimulator(manila, channels={("sx", (0,)): swap})),
    ]
    assert len({o.fingerprint for o in others} | {base.fingerprint}) == 5
    assert base.with_seed(9).fingerprint == base.fingerprint


@pytest.mark.parametrize("shots", [0, -5, 10.0, True, 10**9 + 1, "9", None])
def test_bad_shots_are_refused_before_any_work(shots):
    with pytest.raises(InputError, match="whole number from 1 to 1,000,000,000"):
        SampledSimulator(None, shots)  # there is nothing to work with
    with pytest.raises(InputError, match="whole number"):
        SampledSimulator(None).with_shots(shots)


@pytest.mark.parametrize("seed", [-1, 2**64, 0.5, True])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(InputError, match="seed"):
        SampledSimulator(None, seed=seed)


def test_errors_teach(manila):
    sampled, circuit = SampledSimulator(NoisySimulator(manila)), Circuit(4).then("x", 0)
    with pytest.raises(InputError, match="2 qubits, the circuit 4"):
        sampled.estimate(circuit, load_task("h2").observable, [])
    with pytest.raises(InputError, match="no observable"):
        sampled.cost(circuit, [], 1)
    with pytest.raises(InputError, match="3 qubits, the circuit 4"):
        sampled.counts(circuit, "ZZZ", [])
    for basis in ("", 7, "ZZZQ"):
        with pytest.raises(InputError):
            sampled.counts(circuit, basis, [])


def test_a_channel_that_is_not_physical_is_refused():
    """It takes |0> to <Z> = 1.01: the outcome 1 would have the probability -0.005."""
    device = load_device("FakeManilaV2").patch([0, 1])
    channel = np.diag([1.0, 1.0, 1.0, 1.01])
    simulator = NoisySimulator(device, channels={("x", (0,)): channel})
    with pytest.raises(InputError, match=r"-0\.005.*completely positive"):
        SampledSimulator(simulator).estimate(
            Circuit(2).then("x", 0), Observable.of(["IZ"], [1.0]), []
        )


def test_an_angle_that_is_no_number_is_refused(manila):
    """The constructor of populations trusts its arrays; a measurement does not."""
    one = Population.of([Circuit(4).then("rz", 0).then("sx", 0)], [[0.3]])
    broken = Population(4, one.gates, np.full(one.angles.shape, np.nan), one.free)
    with pytest.raises(InputError, match="finite"):
        SampledSimulator(NoisySimulator(manila)).values(
            broken, Observable.of(["IIIZ", "IIIX"], [1.0, 1.0])
        )
