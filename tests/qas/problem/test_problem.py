"""Laws of moves, scoring, pruning and placing."""

from __future__ import annotations

import numpy as np
import pytest

from qas import Circuit, InputError, load_device, load_task
from qas.circuit import Gate
from qas.execute import AerSimulator
from qas.problem import (
    FINE,
    Candidate,
    Cost,
    Limits,
    Meter,
    Problem,
    Trial,
    dressed,
    is_legal,
    pareto_front,
    prune,
    random_circuit,
    relayout,
    tokens,
    trim,
)


@pytest.fixture(scope="module")
def h2():
    return Problem.of(load_task("h2"), load_device("FakeManilaV2"))


def test_action_counts_are_crlqas():
    """n (n + 2) gates all-to-all; 18 on four qubits of Ourense's coupling map."""
    for n, wanted in ((4, 24), (6, 48), (8, 80)):
        assert len(tokens(load_device("ideal", n_qubits=n), ("rx", "ry", "rz", "cx"))) == wanted
    patch = load_device("FakeOurenseV2").patch([0, 1, 2, 3])
    assert len(tokens(patch, ("rx", "ry", "rz", "cx"))) == 18


def test_illegal_repeats():
    circuit = Circuit(3).then("ry", 0).then("cx", 0, 1)
    assert not is_legal(circuit, Gate("cx", (0, 1)), 9, 9)
    assert is_legal(circuit, Gate("cx", (1, 0)), 9, 9)
    assert is_legal(circuit, Gate("ry", (0,)), 9, 9)
    assert is_legal(circuit.then("rz", 2), Gate("cx", (1, 2)), 9, 9)
    assert not is_legal(circuit.then("rz", 2), Gate("cx", (0, 1)), 9, 9)
    assert is_legal(circuit.then("rz", 1), Gate("cx", (0, 1)), 9, 9)
    assert not is_legal(circuit.then("rz", 1), Gate("rz", (1,)), 9, 9)
    assert not is_legal(circuit, Gate("ry", (2,)), 2, 9)
    assert not is_legal(circuit, Gate("cx", (1, 2)), 9, 1)


def test_random_circuits_are_legal_and_limited(h2):
    rng = np.random.default_rng(0)
    for _ in range(50):
        circuit = random_circuit(h2.tokens(h2.layouts[0]), 2, 9, 2, rng)
        assert len(circuit.gates) <= 9
        assert circuit.two_qubit_gates <= 2
        grown = Circuit(2)
        for gate in circuit.gates:
            assert is_legal(grown, gate, 9, 2)
            grown = grown.then(gate.name, *gate.qubits)


def test_score_is_what_runs(h2):
    """A trial's energy is its native circuit's, at its angles, by Aer."""
    layout = h2.layouts[0]
    meter = h2.meter(None)
    circuit = dressed(Circuit(2).then("ry", 0).then("ry", 1), [(0, 1)])
    trial = h2.score(Candidate(circuit, layout), meter, start=[0.3, 2.8, 0.1, -0.2])
    aer = AerSimulator(h2.patch(layout))
    energy = aer.estimate(trial.native, h2.task.observable, trial.angles).mean[0]
    assert energy == pytest.approx(trial.energy, abs=1e-9)
    assert trial.cost.evaluations == trial.cost.sweeps * (1 + 2 * trial.native.n_params)
    assert trial.cost.measurement_circuits == 2 * trial.cost.evaluations
    assert Trial.from_dict(trial.to_dict()) == trial


@pytest.mark.parametrize("name", ["FakeManilaV2", "FakeSherbrooke", "FakeTorino", "ideal"])
def test_growing_with_a_rotation_starts_at_the_parent(name):
    problem = Problem.of(load_task("h2"), load_device(name), n_layouts=1)
    meter, layout = problem.meter(None), problem.layouts[0]
    parent = problem.score(Candidate(Circuit(2).then("ry", 0).then("cx", 0, 1), layout), meter)
    child = problem.grow(parent, [Gate("ry", (1,))], meter)
    assert child.energy <= parent.energy + 5e-3
    if name in ("ideal", "FakeManilaV2"):
        assert child.energy <= parent.energy + 1e-3
    assert child.candidate.circuit == parent.candidate.circuit.then("ry", 1)


def test_prune_finds_the_short_circuit(h2):
    meter = h2.meter(None)
    layout = (3, 4)
    circuit = dressed(Circuit(2).then("ry", 0).then("ry", 1), [(0, 1), (0, 1), (0, 1)])
    rng = np.random.default_rng(3)
    trial = min(
        (
            h2.score(Candidate(circuit, layout), meter, start=rng.uniform(-3, 3, circuit.n_params))
            for _ in range(4)
        ),
        key=lambda t: t.rank,
    )
    pruned = trim(h2, prune(h2, trial, meter), meter)
    assert pruned.energy <= trial.energy + 1e-9
    assert pruned.two_qubit_gates <= 1
    assert len(pruned.native.gates) < len(trial.native.gates)
    again = h2.score(
        pruned.candidate, meter, native=pruned.native, start=pruned.angles, effort=FINE
    )
    assert again.energy == pytest.approx(pruned.energy, abs=1e-9)


def test_relayout_is_never_worse_and_fits(h2):
    meter = h2.meter(None)
    circuit = Circuit(2).then("ry", 0).then("cx", 0, 1).then("x", 0)
    trial = h2.score(Candidate(circuit, (1, 2)), meter, start=[-0.2])
    moved = relayout(h2, trial, meter)
    assert moved.energy < trial.energy
    assert moved.candidate.layout in h2.layouts


def test_meter_counts_and_stops(h2):
    meter = h2.meter(200)
    circuit = random_circuit(h2.tokens(h2.layouts[0]), 2, 20, 6, np.random.default_rng(1))
    trial = h2.score(Candidate(circuit, h2.layouts[0]), meter)
    assert meter.exhausted
    assert meter.spent.evaluations < 200 + 1 + 2 * trial.native.n_params
    with pytest.raises(InputError, match="at least 1"):
        Meter(0, 1)
    assert Cost(1, 2, 3, 4, 5.0) + Cost(1) == Cost(2, 2, 3, 4, 5.0)


def test_insertions_cost_what_a_device_would_measure(h2):
    meter = h2.meter(None)
    trial = h2.score(Candidate(Circuit(2).then("ry", 0), h2.layouts[0]), meter)
    before = meter.spent.evaluations
    scores = h2.insertions(trial, meter)
    positions = len(trial.native.gates) + 1
    # rz, sx, x on two qubits, cx in two directions
    assert len(scores) == positions * 8
    assert meter.spent.evaluations - before == positions * (2 * 2 + 4 + 2)


def test_pareto_front():
    def trial(energy, pairs):
        circuit = Circuit(2)
        for _ in range(pairs):
            circuit = circuit.then("cx", 0, 1)
        return Trial(Candidate(circuit, (0, 1)), circuit, (), energy)

    front = pareto_front([trial(-1.0, 2), trial(-1.0, 1), trial(-0.5, 1), trial(-0.2, 0)])
    assert [(t.energy, t.two_qubit_gates) for t in front] == [(-1.0, 1), (-0.2, 0)]


def test_bad_problems_teach():
    task, device = load_task("h2-4"), load_device("FakeManilaV2")
    with pytest.raises(InputError, match="has 4 qubits"):
        Problem.of(task, device, qubits=[0, 1])
    with pytest.raises(InputError, match="7"):
        Problem.of(task, device, qubits=[0, 1, 2, 7])
    assert Limits.for_qubits(4).two_qubit_gates == 12
