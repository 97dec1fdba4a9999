"""What every strategy promises: one suite, parametrised over all that there are."""

from __future__ import annotations

import random as python_random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qas import load_device, load_task
from qas.device.lowering import is_native
from qas.execute import AerSimulator, ExactSimulator, NoisySimulator
from qas.problem import Limits, Meter, Problem, Trial
from search.campaign.checkpoint import load_checkpoint, save_checkpoint
from search.campaign.ledger import without_times
from search.strategy import Strategy, make_strategy, strategy_names

BUDGET = 8000
STRATEGIES = strategy_names()
PROBLEMS = ("cx", "cz", "ideal", "ideal:line")
TIGHT = Limits(gates=4, two_qubit_gates=1)
COUNTED = (
    "values",
    "estimate", "value_and_grad", "score_insertions", "minimise", "minimise_population",
    "score_extensions", "gradients", "rotation_slopes",
)  # fmt: skip

every_strategy = pytest.mark.parametrize("name", STRATEGIES)
every_problem = pytest.mark.parametrize("kind", PROBLEMS)


@cache
def problem_of(kind: str, limits: Limits | None = None) -> Problem:
    """H2 on two qubits of a cx machine and of a cz machine, on three without noise."""
    if kind == "cx":
        return Problem.of(load_task("h2"), load_device("FakeManilaV2"), limits=limits)
    if kind == "cz":
        device = load_device("FakeMarrakesh")
        qubits = device.best_patch(2)
        return Problem.of(load_task("h2"), device, qubits=qubits, limits=limits)
    return Problem.of(load_task("h2-3"), load_device(kind, n_qubits=4), limits=limits)


@dataclass
class Run:
    """What a strategy did with a budget."""

    strategy: Strategy
    meter: Meter
    steps: list[list[Trial]] = field(default_factory=list)
    charges: list[tuple[int, bool]] = field(default_factory=list)
    """(evaluations, was the meter exhausted before?) of every charge."""

    @property
    def trials(self) -> list[Trial]:
        return [trial for step in self.steps for trial in step]

    @property
    def record(self) -> Any:
        """Everything but times."""
        steps = [[trial.to_dict() for trial in step] for step in self.steps]
        return without_times({"steps": steps, "spent": self.meter.spent.to_dict()})


class Watched(Meter):
    """A meter that remembers what it was charged with."""

    def __init__(self, problem: Problem, budget: int | None) -> None:
        super().__init__(budget, problem.task.observable.n_groups)
        self.charges: list[tuple[int, bool]] = []

    def charge(self, evaluations: int, started: float, sweeps: int = 0) -> None:
        self.charges.append((evaluations, self.exhausted))
        super().charge(evaluations, started, sweeps)


def play(name: str, problem: Problem, seed: int, budget: int) -> Run:
    """The strategy until its budget is spent; steps that only turn a page may spend nothing."""
    meter = Watched(problem, budget)
    run = Run(make_strategy(name, problem, seed), meter, charges=meter.charges)
    idle = 0
    while not meter.exhausted:
        before = meter.spent.evaluations
        run.steps.append(run.strategy.step(problem, meter))
        idle = idle + 1 if meter.spent.evaluations == before else 0
        assert idle < 5, "steps that spend nothing would never end"
    return run


@cache
def played(name: str, kind: str) -> Run:
    return play(name, problem_of(kind), 3, BUDGET)


@every_problem
@every_strategy
def test_energies_are_those_of_a_fresh_simulation(name: str, kind: str) -> None:
    problem, trials = problem_of(kind), played(name, kind).trials
    assert trials
    for trial in trials:
        fresh = NoisySimulator(problem.device.patch(trial.candidate.layout))
        value = fresh.estimate(trial.native, problem.task.observable, trial.angles).mean[0]
        assert abs(value - trial.energy) < 1e-10


@every_problem
@every_strategy
def test_the_best_energy_is_aers(name: str, kind: str) -> None:
    problem = problem_of(kind)
    best = min(played(name, kind).trials, key=lambda trial: trial.rank)
    aer = AerSimulator(problem.patch(best.candidate.layout), kraus=False)
    value = aer.estimate(best.bound, problem.task.observable, []).mean[0]
    assert abs(value - best.energy) < 1e-7


@every_problem
@every_strategy
def test_circuits_fit_the_device_and_the_limits(name: str, kind: str) -> None:
    check_fit(problem_of(kind), played(name, kind).trials)


@every_strategy
def test_tight_limits_are_kept(name: str) -> None:
    problem = problem_of("cx", TIGHT)
    check_fit(problem, play(name, problem, 1, 4000).trials)


def check_fit(problem: Problem, trials: list[Trial]) -> None:
    for trial in trials:
        circuit, native = trial.candidate.circuit, trial.native
        layout = trial.candidate.layout
        if problem.is_fixed or problem.device.is_ideal:
            assert layout in problem.layouts
        assert set(layout) <= set(problem.device.available_qubits)
        assert is_native(native, problem.patch(layout))
        assert problem.fits(native, layout)
        assert native.two_qubit_gates <= problem.limits.two_qubit_gates
        assert circuit.two_qubit_gates <= problem.limits.two_qubit_gates
        if {gate.name for gate in circuit.gates} <= {*problem.pool}:  # pruned ones have pulses
            assert problem.fits(circuit, layout)
            assert len(circuit.gates) <= problem.limits.gates
        assert len(trial.params) == native.n_params
        assert np.isfinite(trial.angles).all()


@every_strategy
def test_same_seed_same_trials_other_seed_other_trials(name: str) -> None:
    first, again = played(name, "cx"), play(name, problem_of("cx"), 3, BUDGET)
    assert again.record == first.record
    assert play(name, problem_of("cx"), 4, BUDGET).record != first.record


@every_strategy
def test_global_random_states_neither_matter_nor_change(name: str) -> None:
    known = played(name, "ideal").record  # importing a library may draw: before the seeds
    np.random.seed(5)  # noqa: NPY002 - the very thing that must not matter
    python_random.seed(5)
    states = repr(np.random.get_state()), python_random.getstate()  # noqa: NPY002
    assert play(name, problem_of("ideal"), 3, BUDGET).record == known
    assert (repr(np.random.get_state()), python_random.getstate()) == states  # noqa: NPY002


@every_problem
@every_strategy
def test_the_budget_is_overrun_by_one_unit_of_work_at_most(name: str, kind: str) -> None:
    """Units cannot be split: a value with its gradient (1 + 2P evaluations) or one insertion
    sweep. The unit that crosses the budget is the last, except that a routine begun before
    may still take the one gradient without which it has nothing to return."""
    run = played(name, kind)
    late = [evaluations for evaluations, exhausted in run.charges if exhausted]
    crossing = next(charge for charge in reversed(run.charges) if not charge[1])[0]
    assert len(late) <= 1
    assert sum(late) <= max(evaluations for evaluations, _ in run.charges)
    assert run.meter.spent.evaluations - BUDGET < crossing + sum(late)


@pytest.mark.parametrize("budget", [1, 2, 40, 150])
@every_strategy
def test_small_budgets_end_as_well(name: str, budget: int) -> None:
    problem = problem_of("cx")
    run = play(name, problem, 0, budget)
    widest = 1 + 2 * 5 * problem.limits.gates
    assert budget <= run.meter.spent.evaluations < budget + widest


@every_strategy
def test_an_exhausted_meter_stops_a_step(name: str) -> None:
    problem = problem_of("cx")
    meter = problem.meter(10)
    strategy = make_strategy(name, problem, 0)
    while not meter.exhausted:
        strategy.step(problem, meter)
    before = meter.spent.evaluations
    strategy.step(problem, meter)
    assert meter.spent.evaluations - before <= 1 + 2 * 5 * problem.limits.gates


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Evaluations of every call of a simulator, counted at the simulators themselves."""
    counts: list[int] = []
    for simulator in (NoisySimulator, ExactSimulator):
        for method in filter(partial(hasattr, simulator), COUNTED):
            counted = partial(_counted, getattr(simulator, method), method, counts)
            monkeypatch.setattr(
                simulator, method, lambda *args, call=counted, **named: call(*args, **named)
            )
    yield counts
    assert counts


def _counted(original: Any, method: str, counts: list[int], *args: Any, **named: Any) -> Any:
    result = original(*args, **named)
    if method == "estimate":
        counts.append(int(result.mean.size))
    elif method == "values":
        counts.append(len(result))
    elif method == "minimise":
        counts.append(int(result.calls.sum()) * (1 + 2 * args[1].n_params))
    elif method == "gradients":
        counts.append(int((1 + 2 * args[1].n_params).sum()))
    elif method == "minimise_population":
        counts.append(int(result.evaluations.sum()))
    elif method == "score_extensions":
        # An energy in k angles has 3^k coefficients; without a two-qubit gate one is known.
        coefficients = [
            3 ** sum(gate.is_free for gate in action) - all(len(g.qubits) == 1 for g in action)
            for action in args[3]
        ]
        counts.append(len(args[1]) * sum(coefficients))
    elif method == "rotation_slopes":
        counts.append(1 + 2 * result.size)
    elif method == "value_and_grad":
        counts.append(len(result[0]) * (1 + 2 * args[1].n_params))
    else:
        counts.append(result.evaluations)
    return result


@every_strategy
def test_nothing_is_spent_uncounted(name: str, simulated: list[int]) -> None:
    run = play(name, problem_of("cx"), 5, BUDGET)
    assert sum(simulated) == run.meter.spent.evaluations
    spent = run.meter.spent
    groups = problem_of("cx").task.observable.n_groups
    assert spent.measurement_circuits == groups * spent.evaluations
    assert 0 < spent.sweeps <= spent.evaluations
    assert sum(trial.cost.evaluations for trial in run.trials) <= spent.evaluations


@every_strategy
def test_a_strategy_restored_before_every_step_goes_on_bit_for_bit(
    name: str, tmp_path: Path
) -> None:
    problem, path = problem_of("ideal"), tmp_path / "state.npz"
    budget = 25_000
    whole = play(name, problem, 8, budget)
    meter = problem.meter(budget)
    broken = Run(make_strategy(name, problem, 8), meter)
    while not meter.exhausted:
        save_checkpoint(path, broken.strategy.state_dict())
        state = load_checkpoint(path)
        assert state is not None
        broken.strategy = make_strategy(name, problem, 8)
        broken.strategy.load_state_dict(state)
        broken.steps.append(broken.strategy.step(problem, meter))
    assert len(broken.steps) > 1
    assert broken.record == whole.record
    save_checkpoint(tmp_path / "whole.npz", whole.strategy.state_dict())
    save_checkpoint(tmp_path / "broken.npz", broken.strategy.state_dict())
    assert same(load_checkpoint(tmp_path / "whole.npz"), load_checkpoint(tmp_path / "broken.npz"))


def same(one: Any, other: Any) -> bool:
    """Equal, arrays bit for bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return bool(one == other)
