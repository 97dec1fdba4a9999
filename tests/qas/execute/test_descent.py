"""Laws of the compiled optimisers; scipy's L-BFGS-B is the slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, rosen, rosen_der

from qas import Circuit, ExactSimulator, InputError, NoisySimulator, load_device, load_task
from qas.circuit import Population
from qas.execute.channel import channels_of
from qas.execute.descent import descend, descend_population
from qas.execute.model import FunctionModel, PauliModel, StateModel
from qas.execute.pauli_vector import aligned, size
from qas.execute.state_circuit import frozen
from qas.execute.state_observable import rows_of
from qas.execute.stop import Limits

METHODS = ("lbfgs", "rotosolve")
SKELETONS = {"h2": [(0, 1)], "h2-4": [(0, 1), (1, 2), (2, 3)]}
QUICK, NORMAL, FINE = Limits(40, 1e-7, 1e-4), Limits(), Limits(2000, 1e-15, 1e-9)


class Case:
    """A native circuit of dressed CX blocks on FakeManilaV2, with its slow twin."""

    def __init__(self, task, pairs):
        self.observable = load_task(task).observable
        n = self.observable.n_qubits
        self.patch = load_device("FakeManilaV2").patch(range(1, n + 1))
        circuit = Circuit(n)
        for qubit in range(n):
            circuit = circuit.then("ry", qubit)
        for a, b in pairs:
            circuit = circuit.then("cx", a, b).then("ry", a).then("ry", b)
        self.lowering = self.patch.lowering(circuit)
        self.native, self.logical = self.lowering.native, circuit
        self.one = Population.of([self.native])
        self.model = self.model_of(self.one)
        self.place = {
            "angles": self.one.angles[0],
            "free": np.flatnonzero(self.one.free[0]),
        }
        self.simulator = NoisySimulator(self.patch)

    def model_of(self, population, keep=True):
        dual = aligned(size.py_func(population.n_qubits))
        np.add.at(dual, self.observable.pauli_index, self.observable.coeff_array)
        dual.setflags(write=False)
        return PauliModel(channels_of(self.patch), dual, population.gates, keep)

    def starts(self, seed, count):
        rng = np.random.default_rng(seed)
        return self.lowering.angles(rng.uniform(-np.pi, np.pi, (count, self.logical.n_params)))

    def value_and_slopes(self, params):
        value, slopes = self.simulator.value_and_grad(self.native, self.observable, params)
        return float(value[0]), slopes[0]

    def values(self, params):
        return self.simulator.value_and_grad(self.native, self.observable, params)[0]

    def run(self, starts, limits=NORMAL, **options):
        return descend(self.model, starts, limits, **self.place, **options)

    def twin(self, start, limits):
        options = {
            "maxiter": int(limits.iterations),
            "ftol": limits.decrease,
            "gtol": limits.slope,
            "maxfun": 10**6,
        }
        return minimize(self.value_and_slopes, start, jac=True, method="L-BFGS-B", options=options)


@pytest.fixture(scope="module", params=SKELETONS)
def case(request):
    return Case(request.param, SKELETONS[request.param])


@pytest.fixture(scope="module")
def h2():
    return Case("h2", SKELETONS["h2"])


def test_near_a_minimum_the_same_one_as_scipy_in_no_more_calls(case):
    rough = case.run(case.starts(0, 24), FINE)
    starts = rough.params + np.random.default_rng(1).normal(0.0, 0.3, rough.params.shape)
    found, twins = case.run(starts, FINE), [case.twin(start, FINE) for start in starts]
    apart = np.abs(found.energy - [twin.fun for twin in twins])
    assert apart.max() < 1e-7
    assert np.mean(apart < 1e-8) > 0.9
    assert found.calls.mean() <= np.mean([twin.nfev for twin in twins])


@pytest.mark.parametrize("limits", [QUICK, NORMAL])
def test_from_random_starts_as_good_as_scipy_in_hardly_more_calls(case, limits):
    starts = case.starts(2, 40)
    found, twins = case.run(starts, limits), [case.twin(start, limits) for start in starts]
    assert found.calls.mean() <= 1.03 * np.mean([twin.nfev for twin in twins])
    # From afar two line searches may end in different minima: compare the typical run.
    assert found.energy.mean() < np.mean([twin.fun for twin in twins]) + 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_energies_are_those_at_the_angles_and_not_above_the_start(case, method):
    starts = case.starts(3, 4)
    found = case.run(starts, QUICK, method=method)
    np.testing.assert_allclose(found.energy, case.values(found.params), atol=1e-12)
    assert (found.energy <= case.values(starts) + 1e-13).all()


@pytest.mark.parametrize("method", METHODS)
def test_more_iterations_never_end_higher(case, method):
    start = case.starts(4, 1)
    ends = [case.run(start, Limits(n, 0.0, 0.0), method=method).energy[0] for n in range(1, 12)]
    assert (np.diff(ends) <= 1e-14).all()
    assert ends[-1] < ends[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(10**6, 0.0, 1e-2), "slope"),
        (Limits(10**6, 1e-4, 0.0), "decrease"),
        (Limits(3, 0.0, 0.0), "iterations"),
        (Limits(10**6, 0.0, 0.0, 200), "budget"),
    ],
)
def test_every_stopping_rule(h2, method, limits, reason):
    found = h2.run(h2.starts(5, 3), limits, method=method)
    assert set(found.reason) == {reason}
    if reason == "slope" and method == "lbfgs":
        assert max(np.abs(h2.value_and_slopes(row)[1]).max() for row in found.params) <= 1e-2


@pytest.mark.parametrize("allowed", [0, 1, 24, 25, 26, 50, 51, 99])
def test_the_budget_is_kept_to_one_measurement(h2, allowed):
    start, price = h2.starts(6, 1), 1 + 2 * h2.native.n_params
    limits = Limits(10**6, 0.0, 0.0, allowed)
    found = h2.run(start, limits)
    assert found.calls[0] == max(1, -(-allowed // price))
    assert found.evaluations[0] == found.calls[0] * price
    turned = h2.run(start, limits, method="rotosolve")
    assert turned.evaluations[0] == turned.calls[0] == 1 + 2 * max(0, -(-(allowed - 1) // 2))
    assert found.reason == turned.reason == ("budget",)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("threads", [1, 2])
def test_many_starts_are_runs_one_by_one(case, method, threads):
    starts = case.starts(7, 5)
    found = case.run(starts, QUICK, method=method, threads=threads)
    for b, start in enumerate(starts):
        alone = case.run(start, QUICK, method=method)
        assert alone.energy[0] == found.energy[b]
        assert alone.calls[0] == found.calls[b]
        assert alone.reason[0] == found.reason[b]
        np.testing.assert_array_equal(alone.params[0], found.params[b])
    assert found.best == np.argmin(found.energy)


def random_native(case, rng, size):
    circuit = Circuit(case.patch.n_qubits)
    for _ in range(size):
        if rng.random() < 0.3:
            pair = case.patch.couplings[rng.integers(len(case.patch.couplings))]
            circuit = circuit.then("cx", *pair)
        else:
            angle = float(rng.normal()) if rng.random() < 0.2 else None
            qubit = int(rng.integers(case.patch.n_qubits))
            circuit = circuit.then("sx", qubit).then("rz", qubit, angle=angle).then("sx", qubit)
    return circuit


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("threads", [1, 2])
def test_a_population_is_its_circuits_one_by_one(case, method, threads):
    rng = np.random.default_rng(8)
    circuits = [random_native(case, rng, size) for size in (0, 5, 30, 1, 17, 12)]
    starts = [rng.uniform(-np.pi, np.pi, circuit.n_params) for circuit in circuits]
    population = Population.of(circuits, starts)
    model = case.model_of(population)
    found = descend_population(model, population, QUICK, method=method, threads=threads)
    better = population.with_angles(found.params)
    np.testing.assert_array_equal(better.angles, found.params)
    for b, circuit in enumerate(circuits):
        one = population[b : b + 1]
        free = np.flatnonzero(one.free[0])
        alone = descend(
            case.model_of(one), starts[b], QUICK, angles=one.angles[0], free=free, method=method
        )
        assert alone.energy[0] == found.energy[b]
        assert alone.evaluations[0] == found.evaluations[b]
        np.testing.assert_array_equal(alone.params[0], better.circuit(b)[1])
        value, _ = case.simulator.value_and_grad(circuit, case.observable, alone.params)
        assert value[0] == pytest.approx(found.energy[b], abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_a_population_without_noise_is_its_circuits_one_by_one(case, method):
    rng = np.random.default_rng(15)
    circuits = [case.logical, *(random_native(case, rng, size) for size in (0, 20, 9))]
    starts = [rng.uniform(-np.pi, np.pi, circuit.n_params) for circuit in circuits]
    exact, rows = ExactSimulator(), rows_of(case.observable)
    population = Population.of(circuits, starts)

    def model(some):
        slots = np.where(some.free, np.arange(some.free.shape[1]), -1)
        return StateModel(some.n_qubits, rows, some.gates, frozen(slots))

    found = descend_population(model(population), population, QUICK, method=method, threads=2)
    for b, circuit in enumerate(circuits):
        one = population[b : b + 1]
        alone = descend_population(model(one), one, QUICK, method=method)
        assert (
            alone.energy[0]
            == found.energy[b]
            <= exact.estimate(circuit, case.observable, starts[b]).mean[0] + 1e-13
        )
        params = found.params[b][population.free[b]]
        value = exact.estimate(circuit, case.observable, params).mean[0]
        assert value == pytest.approx(found.energy[b], abs=1e-12)


def test_recovered_states_do_as_well_as_kept_ones(case):
    model = case.model_of(case.one, keep=False)
    start = case.run(case.starts(9, 1), FINE).params + 0.1
    found = descend(model, start, FINE, **case.place)
    assert found.energy[0] == pytest.approx(case.run(start, FINE).energy[0], abs=1e-8)


def test_rotosolve_ends_where_the_gradient_vanishes(h2):
    found = h2.run(h2.starts(10, 4), Limits(10**5, 0.0, 1e-5), method="rotosolve")
    assert set(found.reason) == {"slope"}
    for params in found.params:
        assert np.abs(h2.value_and_slopes(params)[1]).max() < 2e-5


def test_rotosolve_leaves_a_crest_in_one_sweep():
    wave = FunctionModel(lambda x: (float(np.cos(x).sum()), -np.sin(x)))
    found = descend(wave, np.zeros(3), method="rotosolve")
    assert found.energy[0] == pytest.approx(-3.0)
    assert found.calls[0] == 1 + 2 * 3 * 2


def test_a_circuit_without_parameters_is_measured_once(case):
    bell = Circuit(case.patch.n_qubits).then("sx", 0).then("cx", 0, 1)
    one = Population.of([bell])
    value = case.simulator.estimate(bell, case.observable, []).mean[0]
    for method, model in (("lbfgs", case.model_of(one)), ("rotosolve", case.model_of(one))):
        found = descend_population(model, one, method=method)
        assert found.calls.tolist() == found.evaluations.tolist() == [1]
        assert found.energy[0] == pytest.approx(value, abs=1e-13)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_bad_requests_are_refused(h2, method, wrong):
    start = h2.starts(11, 1)[0]
    with pytest.raises(InputError, match="finite"):
        h2.run(np.where(np.arange(len(start)) == 2, wrong, start), method=method)
    with pytest.raises(InputError, match="shape"):
        h2.run(start[1:], method=method)
    with pytest.raises(InputError, match="iterations"):
        h2.run(start, Limits(iterations=0), method=method)
    with pytest.raises(InputError, match="lbfgs, rotosolve"):
        h2.run(start, method=f"{method}s")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_broken_energy_ends_the_run_with_the_best_point_so_far(method, broken, after):
    seen = []

    def wave(x):
        value = float(np.cos(x).sum() + np.cos(x.sum()))
        seen.append(value if len(seen) < after else broken)
        return seen[-1], -np.sin(x) - np.sin(x.sum())

    found = descend(FunctionModel(wave), [0.3, 0.8, 1.1], Limits(99, 0.0, 0.0), method=method)
    assert found.reason == ("not finite",)
    assert found.energy[0] <= seen[0]
    if method == "lbfgs":
        assert found.energy[0] == min(seen[:-1])


def test_a_flat_energy_and_a_flat_direction_are_no_trouble():
    flat = FunctionModel(lambda x: (2.0, np.zeros_like(x)))
    assert descend(flat, [1.0, 2.0], Limits(9, 0.0, 0.0)).reason == ("slope",)
    valley = FunctionModel(lambda x: (float(np.cos(x[0])), np.array([-np.sin(x[0]), 0.0])))
    for method in METHODS:
        found = descend(valley, [1.0, 2.0], FINE, method=method)
        assert found.energy[0] == pytest.approx(-1.0, abs=1e-14)
        assert found.params[0, 1] == 2.0


def test_time_up_keeps_what_was_measured(h2):
    start = h2.starts(12, 1)[0]
    function = FunctionModel(h2.value_and_slopes)
    for method in METHODS:
        found = descend(function, [start, start, start], method=method, deadline=0.0)
        assert found.reason == ("time", "not begun", "not begun")
        assert found.energy[0] == pytest.approx(h2.values(start)[0], abs=1e-14)
        assert np.isnan(found.energy[1:]).all()
        assert found.calls.tolist() == [1, 0, 0]
        np.testing.assert_array_equal(found.params, [start] * 3)


def test_a_function_is_optimised_like_the_circuit_that_it_measures(case):
    starts = case.starts(13, 2)
    slow = descend(FunctionModel(case.value_and_slopes), starts, QUICK)
    np.testing.assert_allclose(slow.energy, case.run(starts, QUICK).energy, atol=1e-6)


def test_rosenbrock():
    starts = np.random.default_rng(14).normal(size=(20, 10))
    found = descend(FunctionModel(lambda x: (float(rosen(x)), rosen_der(x))), starts, FINE)
    options = {"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000}
    calls = [
        minimize(rosen, s, jac=rosen_der, method="L-BFGS-B", options=options).nfev for s in starts
    ]
    assert found.energy.max() < 4.0
    assert np.median(found.energy) < 1e-14
    assert found.calls.mean() <= np.mean(calls)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 12), st.floats(0.0, 5.0), st.integers(1, 40))
def test_convex_quadratics_are_solved(seed, size, spread, memory):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(size, size)))[0]
    matrix = turn @ np.diag(np.exp(rng.uniform(0, spread, size))) @ turn.T
    goal = rng.normal(size=size)
    bowl = FunctionModel(
        lambda x: (0.5 * float((x - goal) @ matrix @ (x - goal)), matrix @ (x - goal))
    )
    found = descend(bowl, rng.normal(size=size), Limits(1000, 0.0, 1e-8), memory=memory)
    assert found.reason[0] in ("slope", "decrease")
    np.testing.assert_allclose(found.params[0], goal, atol=1e-6)
