"""The compiled lowering gives what `Device.lowering` gives, circuit by circuit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator

from qas import Circuit, InputError, load_device
from qas.circuit import GATE_NAMES, ROTATIONS, Gate, Population
from qas.circuit.gate import FIXED_TWO
from qas.device import Device, GateCalibration, QubitCalibration
from qas.device.population import lower_population

LINE = [(0, 1), (1, 2), (2, 3)]
WAYS = {"forward": LINE, "backward": [(b, a) for a, b in LINE], "mixed": [(0, 1), (2, 1), (3, 2)]}
WAYS["both"] = WAYS["forward"] + WAYS["backward"]
ONE_QUBIT = [name for name in GATE_NAMES if name not in FIXED_TWO]


def line(native, way):
    """A machine of four qubits in a row whose two-qubit gate has the given directions."""
    gates = tuple(GateCalibration(native, pair, 0.0, 0.0) for pair in WAYS[way])
    return Device("line", (QubitCalibration(),) * 4, gates, ("rz", "sx", "x", native))


def draw_circuit(rng, names, size, angle):
    gates = []
    for name in rng.choice(names, size):
        if name in FIXED_TWO:
            a, b = rng.permutation(LINE[rng.integers(3)]).tolist()
            gates.append(Gate(str(name), (a, b)))
        else:
            fixed = name in ROTATIONS and rng.random() < 0.3
            gates.append(Gate(str(name), (int(rng.integers(4)),), angle() if fixed else None))
    return Circuit.of(4, gates)


def require_twins(circuits, params, device):
    lowered = lower_population(Population.of(circuits, params), device)
    for i, (circuit, vector) in enumerate(zip(circuits, params, strict=True)):
        native, values = lowered.circuit(i)
        twin = device.lowering(circuit)
        for mine, theirs in zip(native.gates, twin.native.gates, strict=True):
            assert (mine.name, mine.qubits, mine.is_free) == (
                theirs.name,
                theirs.qubits,
                theirs.is_free,
            )
            assert (mine.angle or 0.0) == pytest.approx(theirs.angle or 0.0, abs=1e-12)
        np.testing.assert_allclose(values, twin.angles(vector)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("native", ["cx", "ecr", "cz"])
@pytest.mark.parametrize("names", [GATE_NAMES, ("rx", "ry", "rz", "cx", "h", "x", "sx")])
def test_any_circuit_on_any_machine(native, way, names):
    """At angles drawn evenly and, where cuts and poles are, at multiples of a quarter of pi."""
    rng = np.random.default_rng(1)
    for angle in (lambda: rng.uniform(-7, 7), lambda: rng.integers(-8, 9) * np.pi / 4):
        circuits = [draw_circuit(rng, names, rng.integers(60), angle) for _ in range(12)]
        params = [[float(angle()) for _ in range(c.n_params)] for c in circuits]
        require_twins(circuits, params, line(native, way))


@pytest.mark.parametrize("native", ["cx", "ecr", "cz"])
@pytest.mark.parametrize("name", GATE_NAMES)
def test_every_gate_alone(native, name):
    for way in WAYS:
        pairs = [(0, 1), (1, 0)] if name in FIXED_TWO else [(2,)]
        circuits = [Circuit.of(4, [Gate(name, qubits)]) for qubits in pairs]
        require_twins(circuits, [[0.0] * c.n_params for c in circuits], line(native, way))


turns = st.integers(-12, 12).map(lambda k: k * np.pi / 6)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(ONE_QUBIT), st.none() | turns), max_size=7), st.data())
def test_any_run(items, data):
    gates = [Gate(name, (0,), angle if name in ROTATIONS else None) for name, angle in items]
    circuit = Circuit.of(4, gates)
    params = [data.draw(turns) for _ in range(circuit.n_params)]
    require_twins([circuit], [params], line("cx", "both"))


@pytest.mark.parametrize("name", ["FakeManilaV2", "FakeSherbrooke", "FakeTorino"])
def test_the_unitary_is_the_same(name):
    rng = np.random.default_rng(2)
    device = load_device(name).patch({"FakeManilaV2": [1, 2, 3, 4]}.get(name, [0, 1, 2, 3]))
    circuits = [draw_circuit(rng, GATE_NAMES, 15, lambda: rng.uniform(-7, 7)) for _ in range(3)]
    logical = Population.of(circuits, [rng.uniform(-7, 7, c.n_params) for c in circuits])
    lowered = lower_population(logical, device)
    for i in range(len(circuits)):
        before, after = (
            Operator(c.bind(values).to_qiskit())
            for c, values in (logical.circuit(i), lowered.circuit(i))
        )
        assert before.equiv(after)


def test_an_ideal_device_changes_nothing():
    population = Population.of([Circuit(3).then("h", 0).then("swap", 0, 2)])
    assert lower_population(population, load_device("ideal").patch([0, 1, 2])) is population
    with pytest.raises(InputError, match="circuit 0 of the population, gate 1: qubits 0 and 2 sh"):
        lower_population(population, load_device("ideal:line").patch([0, 1, 2]))


def test_fewer_qubits_than_the_device_use_the_first():
    device = load_device("FakeManilaV2")
    circuit = Circuit(2).then("ry", 0).then("cz", 0, 1)
    lowered = lower_population(Population.of([circuit]), device)
    assert lowered.circuit(0)[0] == device.lowering(circuit).native


def test_a_device_of_one_qubit_has_no_pairs():
    device = load_device("FakeArmonkV2")
    lowered = lower_population(Population.of([Circuit(1).then("h", 0), Circuit(1)]), device)
    assert [len(lowered.circuit(i)[0].gates) for i in (0, 1)] == [3, 0]


def test_empty_populations_and_circuits():
    device = line("cx", "both")
    assert lower_population(Population.of([Circuit(4)]), device).gates.shape == (1, 0, 3)
    assert len(lower_population(Population.of([Circuit(4).then("x", 0)])[:0], device)) == 0


def test_errors_name_the_first_circuit():
    device = line("cx", "both")
    good, bad = Circuit(4).then("cx", 0, 1), Circuit(4).then("x", 0).then("cx", 1, 3)
    with pytest.raises(
        InputError,
        match="circuit 1 of the population, gate 1: qubits 1 and 3 share no edge on line; "
        "connected neighbours of 1 are 0, 2",
    ):
        lower_population(Population.of([good, bad, bad]), device)
    with pytest.raises(InputError, match="the circuits have 5 qubits, line only 4"):
        lower_population(Population.of([Circuit(5)]), device)
    unchecked = Population(4, np.array([[[3, 9, -1]]]), np.zeros((1, 1)), np.zeros((1, 1)))
    with pytest.raises(InputError, match="the qubit is outside"):
        lower_population(unchecked, device)
