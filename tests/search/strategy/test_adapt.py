from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator, Pauli, Statevector
from scipy.linalg import expm

from qas import Circuit, Observable, load_device, load_task
from qas.circuit import Gate, Population
from qas.problem import Limits, Problem
from qas.task import Task
from search.strategy import make_strategy
from search.strategy.adapt import appended, basis_state, pool_of
from search.strategy.ladder import excitations, rotation, shortest_paths, simplified

COUPLINGS = {
    "all": nx.complete_graph(4),
    "line": nx.path_graph(4),
    "star": nx.star_graph(3),
    "turned": nx.Graph([(2, 0), (0, 3), (3, 1)]),
}
POOL = excitations(4)

every_coupling = pytest.mark.parametrize("name", COUPLINGS)


@every_coupling
def test_gates_are_the_rotation_of_the_string_and_join_coupled_qubits(name: str) -> None:
    graph, angle = COUPLINGS[name], 0.7
    paths = shortest_paths(4, graph.edges)
    for pauli in POOL:
        letters = dict(pauli)
        string = "".join(letters.get(q, "I") for q in reversed(range(4)))
        circuit = Circuit(4, rotation(pauli, paths))
        assert circuit.n_params == 1
        assert all(graph.has_edge(*pair) for pair in circuit.pairs)
        unitary = Operator(circuit.bind([angle]).to_qiskit()).data
        wanted = expm(-0.5j * angle * Pauli(string).to_matrix())
        np.testing.assert_allclose(unitary, wanted, atol=1e-12)


def test_on_neighbours_a_rotation_takes_two_cx_for_each_qubit_but_the_root() -> None:
    paths = shortest_paths(4, COUPLINGS["all"].edges)
    for pauli in POOL:
        assert Circuit(4, rotation(pauli, paths)).two_qubit_gates == 2 * (len(pauli) - 1)


@every_coupling
@settings(max_examples=25, deadline=None)
@given(
    chosen=st.lists(st.integers(0, len(POOL) - 1), max_size=5),
    ones=st.sets(st.integers(0, 3)),
    seed=st.integers(0, 99),
)
def test_simplified_circuits_prepare_the_same_state(
    name: str, chosen: list[int], ones: set[int], seed: int
) -> None:
    paths = shortest_paths(4, COUPLINGS[name].edges)
    flips = [Gate("x", (q,)) for q in sorted(ones)]
    gates = [gate for number in chosen for gate in rotation(POOL[number], paths)]
    whole = Circuit(4, (*flips, *gates))
    short = simplified(whole)
    assert short.n_params == whole.n_params
    assert len(short.gates) <= len(whole.gates)
    angles = np.random.default_rng(seed).normal(size=whole.n_params)
    one, other = (Statevector(c.bind(angles).to_qiskit()) for c in (whole, short))
    assert abs(one.inner(other)) == pytest.approx(1.0, abs=1e-12)


def test_the_first_double_excitation_of_a_basis_state_takes_three_cx() -> None:
    paths = shortest_paths(4, COUPLINGS["all"].edges)
    start = Circuit(4).then("x", 0).then("x", 2)
    for pauli in (p for p in POOL if len(p) == 4):
        whole = Circuit(4, (*start.gates, *rotation(pauli, paths)))
        assert simplified(whole).two_qubit_gates == 3


def test_slopes_are_the_derivatives() -> None:
    task, rng = load_task("lih-4-2.2"), np.random.default_rng(0)
    problem = Problem.of(task, load_device("ideal", n_qubits=4))
    pool = pool_of(4, tuple((a, b) for a in range(4) for b in range(4) if a != b))
    circuit = simplified(Circuit(4, (*basis_state(task, problem.limits).gates, *pool.gates[-1])))
    angles = rng.normal(size=circuit.n_params)
    energy = problem.exact.values(appended(circuit, angles, pool.tails), task.observable)
    slopes = (energy[: len(pool.gates)] - energy[len(pool.gates) : -1]) / 2
    for gates, slope in zip(pool.gates, slopes, strict=True):
        child = Circuit(4, (*circuit.gates, *gates))
        exact = problem.exact.value_and_grad(child, task.observable, [*angles, 0.0])[1]
        assert slope == pytest.approx(exact[0, -1], abs=1e-12)


def test_without_a_known_reference_it_starts_from_a_low_basis_state() -> None:
    known = load_task("lih-4-2.2")
    unknown = Task("unknown", known.observable)
    limits = Limits.for_qubits(4)
    energies = []
    for task in (known, unknown):
        population = Population.of([basis_state(task, limits)])
        problem = Problem.of(task, load_device("ideal", n_qubits=4))
        energies.append(float(problem.exact.values(population, task.observable)[0]))
    assert energies[1] <= energies[0] + 1e-12


def test_one_qubit_is_enough() -> None:
    task = Task("field", Observable.of(["X", "Z"], [0.6, 0.8]), -1.0)
    problem = Problem.of(task, load_device("ideal", n_qubits=1))
    trials = make_strategy("adapt", problem, 0).step(problem, problem.meter(1000))
    assert min(trial.energy for trial in trials) == pytest.approx(-1.0, abs=1e-9)


def test_water_is_solved_with_fewer_cx_than_ladders_take() -> None:
    """Two double excitations: 12 cx as plain ladders, 6 from a basis state."""
    task = load_task("h2o-8-published")
    problem = Problem.of(task, load_device("ideal", n_qubits=8))
    trials = make_strategy("adapt", problem, 0).step(problem, problem.meter(60_000))
    errors = {trial.two_qubit_gates: trial.energy - task.ground_energy for trial in trials}
    assert errors[3] == pytest.approx(1.17e-3, abs=1e-5)
    assert errors[6] == pytest.approx(1.74e-4, abs=1e-6)
