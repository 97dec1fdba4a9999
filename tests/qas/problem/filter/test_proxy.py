"""Proxies against slow twins and closed forms; filters against what they promise."""

from __future__ import annotations

import networkx
import numpy as np
import pytest

from qas import Circuit, ExactSimulator, NoisySimulator, load_device, load_task
from qas.circuit import Population
from qas.circuit.gate import FIXED_ONE, FIXED_TWO
from qas.device.population import lower_population
from qas.device.success import success_probability
from qas.errors import InputError
from qas.problem import Problem, Space
from qas.problem.filter import proxy
from qas.problem.filter.filter import DRAWS, FILTERS, REPLICAS, Filter, make_filter, select


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(load_task("h2-3"), load_device("FakeManilaV2"), qubits=[1, 2, 3])


@pytest.fixture(scope="module")
def population(problem: Problem) -> Population:
    space, rng = Space.of(problem, "gates"), np.random.default_rng(4)
    words = [space.random_word(length, rng, 0) for length in (1, 3, 6, 10, 14, 20)]
    return space.population([(), *words])


def test_paths_are_those_of_the_graph(population: Population) -> None:
    counted = proxy.path_count(population)
    for row, found in enumerate(counted):
        circuit, _ = population.circuit(row)
        graph = networkx.MultiDiGraph()
        ends: list[object] = ["in"] * circuit.n_qubits
        for at, gate in enumerate(circuit.gates):
            for qubit in gate.qubits:
                graph.add_edge(ends[qubit], at)
                ends[qubit] = at
        for end in ends:
            graph.add_edge(end, "out")
        paths = sum(1 for _ in networkx.all_simple_edge_paths(graph, "in", "out"))
        assert found == pytest.approx(np.log2(paths))


def test_a_circuit_without_angles_always_comes_back() -> None:
    """Every fixed gate is undone: all fidelities are 1, where Haar has almost none."""
    circuit = Circuit(3)
    for name in FIXED_ONE:
        circuit = circuit.then(name, 0).then("h", 1)
    for name in FIXED_TWO:
        circuit = circuit.then(name, 0, 1).then("t", 1).then(name, 2, 1).then("sx", 2)
    found = proxy.expressibility(Population.of([circuit]), np.random.default_rng(0), 20)
    assert found[0] == pytest.approx(np.log((1 / 75) ** 7))


def test_a_rotation_alone_has_the_known_distribution() -> None:
    """ry on one qubit: F = cos^2((a - b) / 2), P(F < x) = 1 - (2 / pi) arccos(sqrt x); Haar: x."""
    edges = np.linspace(0, 1, 76)
    share = np.diff(1 - 2 / np.pi * np.arccos(np.sqrt(edges)))
    exact = float((share * np.log(share * 75)).sum())
    one = Population.of([Circuit(1).then("ry", 0)])
    found = -proxy.expressibility(one, np.random.default_rng(1), 40_000)[0]
    assert found == pytest.approx(exact, abs=75 / 40_000 + 0.01)


def test_a_deep_circuit_is_close_to_haar() -> None:
    circuit = Circuit(2)
    for _ in range(5):
        for qubit in (0, 1):
            circuit = circuit.then("rz", qubit).then("ry", qubit).then("rz", qubit)
        circuit = circuit.then("cx", 0, 1)
    shallow = Circuit(2).then("ry", 0).then("ry", 1)
    found = proxy.expressibility(Population.of([circuit, shallow]), np.random.default_rng(2), 4000)
    assert -0.03 < found[0] <= 0
    assert found[1] < found[0] - 0.1


def test_clifford_resilience_is_the_mean_change_of_the_energy(
    problem: Problem, population: Population
) -> None:
    layout, observable = problem.layouts[0], problem.task.observable
    native = lower_population(population, problem.patch(layout))
    found = proxy.clifford_noise_resilience(
        problem, layout, population, np.random.default_rng(7), replicas=3
    )
    rng = np.random.default_rng(7)
    draws = [np.pi / 2 * rng.integers(4, size=native.angles.shape) for _ in range(3)]
    noisy, exact = NoisySimulator(problem.patch(layout)), ExactSimulator()
    for row, value in enumerate(found):
        circuit, _ = native.circuit(row)
        angles = [draw[row][native.free[row]] for draw in draws]
        change = [
            noisy.estimate(circuit, observable, a).mean[0]
            - exact.estimate(circuit, observable, a).mean[0]
            for a in angles
        ]
        assert value == pytest.approx(-np.mean(np.abs(change)), abs=1e-10)
    assert found[0] == 0.0


def test_success_is_the_product_of_the_gates(problem: Problem, population: Population) -> None:
    layout = problem.layouts[0]
    patch = problem.patch(layout)
    native = lower_population(population, patch)
    found = proxy.log_success(problem, layout, population)
    for row, value in enumerate(found):
        gates = native.circuit(row)[0].gates
        errors = [patch.gate(g.name, g.qubits).error for g in gates]
        assert np.exp(value) == pytest.approx(np.prod(1 - np.array(errors)))
        assert np.exp(value) >= success_probability(native.circuit(row)[0], patch) - 1e-12


def test_gradients_without_angles_are_zero(problem: Problem, population: Population) -> None:
    layout = problem.layouts[0]
    found = proxy.gradient_norm(problem, layout, population, np.random.default_rng(3))
    assert found[0] == 0
    assert (found[1:] >= 0).all()
    assert found.max() > 0


@pytest.mark.parametrize("name", FILTERS)
def test_filters_pass_their_share_and_charge_what_they_measure(
    name: str, problem: Problem, population: Population
) -> None:
    layout, meter = problem.layouts[0], problem.meter(None)
    chosen = make_filter(name, keep=0.5)
    kept = select(chosen, problem, layout, population, meter, np.random.default_rng(5))
    assert len(kept) == len(set(kept.tolist())) == round(0.5 * len(population))
    again = chosen.judge(problem, layout, population, np.random.default_rng(5), problem.meter(None))
    assert (np.diff(again[kept]) <= 0).all()
    assert again[kept].min() >= np.sort(again)[::-1][len(kept) - 1]
    native = lower_population(population, problem.patch(layout))
    price = {"clifford": REPLICAS * len(population), "gradient": 2 * DRAWS * native.n_params.sum()}
    if name != "descent":
        assert meter.spent.evaluations == price.get(name, 0)
    else:
        assert meter.spent.evaluations > len(population)


def test_a_descent_without_budget_judges_what_it_can(
    problem: Problem, population: Population
) -> None:
    judged = FILTERS["descent"].judge(
        problem, problem.layouts[0], population, np.random.default_rng(6), problem.meter(30)
    )
    assert np.isfinite(judged[0])
    assert np.isneginf(judged[-1])


def test_bad_filters_teach() -> None:
    with pytest.raises(InputError, match="filters are clifford"):
        make_filter("magic")
    for keep in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(InputError, match="share"):
            Filter("paths", FILTERS["paths"].judge, keep)
