"""The exact simulator against slow, obvious twins: dense matrices and Qiskit's Statevector."""

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from qas import Circuit, ExactSimulator, InputError, Observable
from qas.circuit import GATE_NAMES, ROTATIONS, Gate, Population
from qas.circuit.gate import FIXED_TWO
from qas.execute.state_circuit import encode
from qas.execute.state_gate import are_real, fill_turns, run
from qas.execute.state_insertion import expectation_columns
from qas.execute.state_observable import BLOCK, apply_observable, expectation, sign_rows

REAL = ("ry", "x", "y", "z", "h", "id", "cx", "cz", "swap")
FEW = ("ry", "rz", "h", "cx")


def random_circuit(n_qubits, rng, size=30, names=GATE_NAMES, bound=0.2):
    """Gates drawn at random; a share ``bound`` of the rotations with a fixed angle."""
    names = [name for name in names if n_qubits > 1 or name not in FIXED_TWO]
    circuit = Circuit(n_qubits)
    for name in rng.choice(names, size):
        width = 2 if name in FIXED_TWO else 1
        qubits = rng.choice(n_qubits, width, replace=False)
        fixed = name in ROTATIONS and rng.random() < bound
        angle = float(rng.uniform(-7, 7)) if fixed else None
        circuit = circuit.then(str(name), *map(int, qubits), angle=angle)
    return circuit


def random_observable(n_qubits, rng, terms=12):
    paulis = ["".join(rng.choice(list("IXYZ"), n_qubits)) for _ in range(terms)]
    return Observable.of(paulis, rng.normal(size=terms).tolist())


def without_odd_y(observable):
    """Its real part: what a real state sees."""
    kept = [i for i, p in enumerate(observable.paulis) if p.count("Y") % 2 == 0]
    paulis, coeffs = observable.paulis, observable.coeffs
    identity = "I" * observable.n_qubits
    return Observable.of([identity, *[paulis[i] for i in kept]], [0.25, *[coeffs[i] for i in kept]])


def angles(circuit, rng, batch=1):
    return rng.uniform(-np.pi, np.pi, (batch, circuit.n_params))


def dense_state(circuit):
    """The state by matrices of 2^n x 2^n: the slow twin."""
    n = circuit.n_qubits
    state = np.zeros((2,) * n, dtype=complex)
    state[(0,) * n] = 1.0
    for gate in circuit.gates:
        # Axis of qubit q is n - 1 - q; of a gate's matrix the first qubit is the last axis.
        axes = [n - 1 - q for q in reversed(gate.qubits)]
        matrix = gate.matrix().reshape((2,) * (2 * len(axes)))
        state = np.tensordot(matrix, state, (range(len(axes), 2 * len(axes)), axes))
        state = np.moveaxis(state, range(len(axes)), axes)
    return state.reshape(-1)


def kernel_state(circuit, real=False):
    """The state as the kernels make it, complex; of a bound circuit."""
    program = encode(circuit)
    gates, plane = program.gates[0], 2**circuit.n_qubits
    turns = np.empty((len(gates), 2))
    fill_turns(gates, program.slots, program.angles[0], np.empty(0), turns)
    vector = np.zeros(plane if real else 2 * plane)
    vector[0] = 1.0
    run(vector, plane, 1, gates, turns, 0, len(gates), 1.0)
    return vector.astype(complex) if real else vector[:plane] + 1j * vector[plane:]


@pytest.mark.parametrize("n_qubits", [1, 2, 3, 5, 7, 9])
def test_every_gate_equals_its_matrix_up_to_a_phase(n_qubits):
    """After a random circuit, so that every amplitude counts; of octets and of fewer."""
    rng = np.random.default_rng(n_qubits)
    for name in GATE_NAMES:
        if name in FIXED_TWO and n_qubits == 1:
            continue
        for _ in range(4):
            start = random_circuit(n_qubits, rng, 12, bound=1.0)
            qubits = rng.choice(n_qubits, 2 if name in FIXED_TWO else 1, replace=False)
            angle = float(rng.uniform(-7, 7)) if name in ROTATIONS else None
            circuit = start.then(name, *map(int, qubits), angle=angle)
            overlap = np.vdot(dense_state(circuit), kernel_state(circuit))
            assert abs(overlap) == pytest.approx(1.0, abs=1e-12), (name, qubits)


@pytest.mark.parametrize("n_qubits", [1, 2, 4, 6, 8])
def test_expectations_equal_qiskit(n_qubits):
    rng = np.random.default_rng(10 + n_qubits)
    circuit, observable = random_circuit(n_qubits, rng, 40), random_observable(n_qubits, rng)
    params = angles(circuit, rng, 3)
    mean = ExactSimulator().estimate(circuit, observable, params).mean
    for row, value in zip(params, mean, strict=True):
        state = Statevector(circuit.bind(row).to_qiskit())
        expected = state.expectation_value(observable.to_qiskit()).real
        assert value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n_qubits", [1, 2, 4, 7])
def test_real_path_equals_complex_path(n_qubits):
    """One rz by 0 forces complex numbers and changes nothing else."""
    rng = np.random.default_rng(20 + n_qubits)
    simulator = ExactSimulator()
    for observable in (
        random_observable(n_qubits, rng),
        without_odd_y(random_observable(n_qubits, rng)),
    ):
        circuit = random_circuit(n_qubits, rng, 25, REAL)
        forced = circuit.then("rz", 0, angle=0.0)
        assert are_real(encode(circuit).gates[0])
        assert not are_real(encode(forced).gates[0])
        params = angles(circuit, rng, 2)
        for ours, theirs in zip(
            simulator.value_and_grad(circuit, observable, params),
            simulator.value_and_grad(forced, observable, params),
            strict=True,
        ):
            np.testing.assert_allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("names", [REAL, GATE_NAMES])
@pytest.mark.parametrize("n_qubits", [1, 3, 5])
def test_gradient_is_shift_is_difference(n_qubits, names):
    rng = np.random.default_rng(30 + n_qubits)
    simulator = ExactSimulator()
    circuit, observable = random_circuit(n_qubits, rng, 30, names), random_observable(n_qubits, rng)
    params = angles(circuit, rng, 3)
    value, slope = simulator.value_and_grad(circuit, observable, params)
    np.testing.assert_allclose(
        value, simulator.estimate(circuit, observable, params).mean, atol=1e-12
    )
    eye = np.eye(circuit.n_params)
    for row, found in zip(params, slope, strict=True):

        def mean(shifts, row=row):
            return simulator.estimate(circuit, observable, row + shifts).mean

        shift = (mean(np.pi / 2 * eye) - mean(-np.pi / 2 * eye)) / 2
        np.testing.assert_allclose(found, shift, atol=1e-11)
        difference = (mean(1e-5 * eye) - mean(-1e-5 * eye)) / 2e-5
        np.testing.assert_allclose(found, difference, atol=1e-8)


def test_population_equals_one_by_one():
    """Circuits of different lengths, an empty one and real ones among them."""
    rng = np.random.default_rng(4)
    simulator, observable = ExactSimulator(), random_observable(4, rng)
    kinds = [GATE_NAMES, REAL, FEW]
    circuits = [random_circuit(4, rng, int(rng.integers(1, 25)), kinds[i % 3]) for i in range(30)]
    circuits.append(Circuit(4))
    population = Population.of(circuits, [rng.uniform(-3, 3, c.n_params) for c in circuits])
    values = simulator.values(population, observable)
    both, slopes = simulator.gradients(population, observable)
    np.testing.assert_allclose(values, both, atol=1e-12)
    np.testing.assert_array_equal(values, simulator.values(population, observable, threads=3))
    for b, circuit in enumerate(circuits):
        positions = [i for i, gate in enumerate(circuit.gates) if gate.is_rotation]
        free = Circuit(4, tuple(Gate(g.name, g.qubits) for g in circuit.gates))
        row = population.angles[b, positions]
        value, slope = simulator.value_and_grad(free, observable, row)
        assert values[b] == pytest.approx(value[0], abs=1e-12)
        np.testing.assert_allclose(slopes[b, positions], slope[0], atol=1e-12)
        assert not np.delete(slopes[b], positions).any()


def insertion_case(n_qubits, rng, names, observable):
    """Every gate in every place, one rotation with its own angle among them."""
    circuit = random_circuit(n_qubits, rng, 9, names)
    tried = [
        Gate(name, tuple(map(int, rng.choice(n_qubits, 2 if name in FIXED_TWO else 1, False))))
        for name in names
        for _ in range(2)
        if n_qubits > 1 or name not in FIXED_TWO
    ]
    tried.append(Gate("ry", (0,), 0.3))
    return circuit, tried, observable, angles(circuit, rng)[0]


@pytest.mark.parametrize("names", [REAL, GATE_NAMES])
@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("n_qubits", [1, 2, 4])
def test_insertions_equal_full_simulation(n_qubits, odd, names):
    rng = np.random.default_rng(50 + n_qubits)
    simulator, observable = ExactSimulator(), random_observable(n_qubits, rng)
    observable = observable if odd else without_odd_y(observable)
    circuit, tried, observable, params = insertion_case(n_qubits, rng, names, observable)
    scores = simulator.score_insertions(circuit, observable, params, tried)
    assert len(scores) == (len(circuit.gates) + 1) * len(tried)
    np.testing.assert_array_equal(scores.choice[: len(tried)], np.arange(len(tried)))
    assert not scores.position[: len(tried)].any()
    for index in range(len(scores)):
        child, values = scores.child(index)
        energy = simulator.estimate(child, observable, values).mean[0]
        assert energy == pytest.approx(scores.energy[index], abs=1e-10)
        gate, at = scores.gates[scores.choice[index]], int(scores.position[index])
        if gate.is_free:
            grid = np.repeat(values[None], 25, axis=0)
            grid[:, child.free.index(at)] = np.linspace(-np.pi, np.pi, 25)
            lowest = simulator.estimate(child, observable, grid).mean.min()
            assert lowest >= scores.energy[index] - 1e-12
        else:
            assert scores.angle[index] == (gate.angle or 0.0)


def test_default_insertions_on_ten_qubits():
    """Octets, and several rounds of states side by side."""
    rng = np.random.default_rng(6)
    simulator, observable = ExactSimulator(), random_observable(10, rng, 6)
    circuit = random_circuit(10, rng, 12)
    params = angles(circuit, rng)[0]
    scores = simulator.score_insertions(circuit, observable, params)
    assert len(scores.gates) == 30 + 90
    for index in rng.choice(len(scores), 40, replace=False):
        child, values = scores.child(int(index))
        energy = simulator.estimate(child, observable, values).mean[0]
        assert energy == pytest.approx(scores.energy[index], abs=1e-10)


def test_an_angle_that_changes_nothing_is_zero():
    """rz on |0>: every angle is as good, and rounding must not choose one."""
    circuit, observable = Circuit(1).then("ry", 0), Observable.of(["Z"], [1.0])
    scores = ExactSimulator().score_insertions(circuit, observable, [0.3], [Gate("rz", (0,))])
    assert scores.angle.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("table_bytes", [2**28, 0])
@pytest.mark.parametrize("n_qubits", [1, 2, 6, 13])
def test_observable_equals_its_matrix(n_qubits, table_bytes):
    """With a table of signs and without; 13 qubits are more than a block."""
    rng = np.random.default_rng(70 + n_qubits)
    observable, size = random_observable(n_qubits, rng, 20), 2**n_qubits
    flips = {"III": 0.3, "ZII": -0.7, "ZIX": 0.4, "ZYY": 0.6, "IXI": 0.2, "XIX": -0.5, "YZY": 0.9}
    if n_qubits >= 3:  # of none, of low qubits, of high ones and of both, in every block
        wide = {string[0] + "Z" * (n_qubits - 3) + string[1:]: c for string, c in flips.items()}
        observable = Observable.of(
            [*observable.paulis, *wide], [*observable.coeffs, *wide.values()]
        )
    rows, scratch = sign_rows(observable, table_bytes), np.empty(min(size, BLOCK))
    assert bool(len(rows.table)) == bool(table_bytes)
    for real in (False, True):
        state = rng.normal(size=size) + (0 if real else 1j) * rng.normal(size=size)
        image = observable.matrix() @ state
        vector = state.real.copy() if real else np.concatenate([state.real, state.imag])
        found = np.empty_like(vector)
        apply_observable(rows, vector, found, size, scratch)
        np.testing.assert_allclose(found[:size], image.real, atol=1e-11)
        if not real:
            np.testing.assert_allclose(found[size:], image.imag, atol=1e-11)
        expected = np.vdot(state, image).real
        assert expectation(rows, vector, size, scratch) == pytest.approx(expected, abs=1e-8)
        energies = np.empty(8)
        columns = (vector[:, None] * np.arange(8.0)).reshape(-1)
        expectation_columns(rows, columns, size, 8, scratch, energies)
        np.testing.assert_allclose(energies, expected * np.arange(8.0) ** 2, rtol=1e-10, atol=1e-8)


def test_norm_is_preserved():
    circuit = random_circuit(6, np.random.default_rng(8), 400, bound=1.0)
    assert np.linalg.norm(kernel_state(circuit)) == pytest.approx(1.0, abs=1e-12)


def test_inputs_that_numpy_protects_are_taken():
    rng = np.random.default_rng(9)
    circuit, observable = random_circuit(3, rng, names=FEW), random_observable(3, rng)
    params = angles(circuit, rng, 2)
    expected = ExactSimulator().estimate(circuit, observable, params).mean
    params.setflags(write=False)
    for given in (params, np.asfortranarray(params), params.tolist()):
        found = ExactSimulator().estimate(circuit, observable, given).mean
        np.testing.assert_allclose(found, expected, atol=1e-14)


def test_fourteen_qubits():
    """A ring of cz and ry: a Clifford point has the value of its stabilizers."""
    n = 14
    circuit = Circuit(n)
    for q in range(n):
        circuit = circuit.then("ry", q)
    for q in range(n):
        circuit = circuit.then("cz", q, (q + 1) % n)
    labels = ["".join("X" if k == q else "Z" if (k - q) % n in (1, n - 1) else "I"
                      for k in reversed(range(n))) for q in range(n)]  # fmt: skip
    observable = Observable.of(labels, [1.0] * n)
    graph_state = np.full(n, np.pi / 2)
    value, slope = ExactSimulator().value_and_grad(circuit, observable, graph_state)
    assert value[0] == pytest.approx(n, abs=1e-10)
    np.testing.assert_allclose(slope, 0.0, atol=1e-10)


def test_errors_teach():
    simulator = ExactSimulator()
    z = Observable.of(["Z"], [1.0])
    with pytest.raises(InputError, match=r"GiB.*stops at 24"):
        simulator.estimate(Circuit(25), Observable.of(["I" * 25], [1.0]), [])
    with pytest.raises(InputError, match="must agree"):
        simulator.estimate(Circuit(2), z, [])
    with pytest.raises(InputError, match="outside"):
        simulator.estimate(Circuit(1, (Gate("cx", (0, 5)),)), z, [])
    with pytest.raises(InputError, match="unknown gate"):
        simulator.estimate(Circuit(1, (Gate("u", (0,)),)), z, [])
    with pytest.raises(InputError, match="outside"):
        simulator.score_insertions(Circuit(1), z, [], [Gate("x", (3,))])
    with pytest.raises(InputError, match="one vector"):
        simulator.score_insertions(Circuit(1).then("ry", 0), z, [[0.0], [1.0]])


@pytest.mark.parametrize(
    ("row", "angle"),
    [
        ([99, 0, -1], 0.0),
        ([3, 1, -1], 0.0),
        ([14, 0, 0], 0.0),
        ([14, 0, 7], 0.0),
        ([3, 0, 1], 0.0),
        ([14, 0, -1], 0.0),
        ([1, 0, -1], np.nan),
    ],
)
def test_a_population_with_a_fault_is_refused(row, angle):
    """The constructor trusts its arrays; compiled code must not."""
    gates, free = np.array([[[-1, -1, -1], [-1, -1, -1]]]), np.zeros((1, 2), dtype=bool)
    gates[0, 0] = row
    bad = Population(1, gates, np.array([[angle, 0.0]]), free)
    with pytest.raises(InputError, match="circuit 0, row 0"):
        ExactSimulator().values(bad, Observable.of(["Z"], [1.0]))
