"""Forecasts: what a tuning is said to cost is what it does cost, and limits are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from qas import Circuit, NoisySimulator, load_device, load_task
from qas.errors import InputError
from qas.execute import SampledSimulator
from qas.problem import Candidate, Problem, Trial
from qas.task import Classifier
from qas.train import Cost, Pruning, TrainState, tune
from search.campaign import Campaign, TuneOptions
from search.campaign.aim import Aim
from search.campaign.forecast import forecast, training_of
from search.campaign.tuning import SPENT, check_backend

Invoke = Callable[..., Any]
OPTIONS = TuneOptions(steps=13, shots=32, seed=5, batch_size=7)
PLANS = {
    "probabilistic": OPTIONS,
    "deterministic": replace(OPTIONS, pruning=Pruning(0.7, method="deterministic")),
    "random": replace(OPTIONS, pruning=Pruning(method="random"), optimiser="SGD"),
    "wsbd": replace(OPTIONS, pruning=Pruning(0.6, 1, 3, method="wsbd"), optimiser="RMSprop"),
    "none": replace(OPTIONS, pruning=Pruning(method="none"), resilience_level=0),
    "spsa": replace(OPTIONS, method="spsa", pruning=Pruning(method="none")),
    "guided": replace(OPTIONS, method="guided"),
    "adaptive": replace(OPTIONS, method="adaptive", shots=256),
}
DEVICE = load_device("FakeManilaV2")


def place(name: str) -> tuple[Aim, SampledSimulator, TrainState, Problem]:
    """A circuit of a task, on shots of the compiled simulator."""
    problem = Problem.of(load_task(name), DEVICE)
    circuit = Circuit(problem.n_qubits)
    for q in range(problem.n_qubits):
        circuit = circuit.then("ry", q)
    trial = scored(problem, circuit.then("cx", 0, 1).then("ry", 1))
    simulator = NoisySimulator(problem.patch(trial.candidate.layout))
    aim, state = Aim.of(problem, trial), TrainState.start(trial.angles)
    return aim, SampledSimulator(simulator, OPTIONS.shots, 0), state, problem


def scored(problem: Problem, circuit: Circuit) -> Trial:
    layout = next(own for own in problem.layouts if problem.fits(circuit, own))
    lowered = problem.lowering(circuit, layout)
    angles = tuple(lowered.angles([0.3] * circuit.n_params)[0].tolist())
    return Trial(Candidate(circuit, layout), lowered.native, angles, 0.0)


@pytest.fixture(scope="module", params=["h2", "digits2"])
def placed(request: pytest.FixtureRequest) -> tuple[Aim, SampledSimulator, TrainState, Problem]:
    return place(request.param)


Placed = tuple[Aim, SampledSimulator, TrainState, Problem]


def plan(name: str, placed: Placed) -> TuneOptions:
    """The options of a plan; an energy has no batches."""
    return replace(PLANS[name], batch_size=None) if placed[0].task is None else PLANS[name]


def spent(placed: Placed, options: TuneOptions, state: TrainState, most: int) -> TrainState:
    """The state after at most so many steps of the training."""
    aim, backend, *_ = placed
    backend = SampledSimulator(backend.simulator, options.shots, 0)
    stream = tune(aim.circuit, aim.target, backend, state, training_of(aim, backend, options))
    return [state, *islice(stream, most)][-1]


def told(placed: Placed, options: TuneOptions, state: TrainState) -> tuple[int, Cost]:
    """What is said of the training alone."""
    aim, backend, *_ = placed
    backend = SampledSimulator(backend.simulator, options.shots, 0)
    steps, cost = forecast(aim, backend, options, state)
    last = aim.verdict_price(backend, options)
    return steps, Cost(
        cost.circuits - last.circuits,
        cost.shots - last.shots,
        cost.jobs - last.jobs,
        cost.qpu_seconds - last.qpu_seconds,
    )


@pytest.mark.parametrize("name", PLANS)
def test_what_is_said_is_what_is_paid(name: str, placed: Placed) -> None:
    options, start = plan(name, placed), placed[2]
    steps, cost = told(placed, options, start)
    half = spent(placed, options, start, 5)
    more, left = told(placed, options, half)
    end = spent(placed, options, half, 99)
    assert (steps, more, end.step) == (13, 8, 13)
    for key in SPENT:
        paid, later = getattr(end.spent, key), getattr(end.spent, key) - getattr(half.spent, key)
        if name == "adaptive":
            assert paid <= getattr(cost, key) + 1e-9
            assert later <= getattr(left, key) + 1e-9
        else:
            assert getattr(cost, key) == pytest.approx(paid, rel=1e-12)
            assert getattr(left, key) == pytest.approx(later, rel=1e-9)


@pytest.mark.parametrize("limit", ["circuits", "shots", "qpu_seconds"])
@pytest.mark.parametrize("name", ["probabilistic", "guided", "adaptive"])
def test_limits_leave_room_for_the_comparison(name: str, limit: str, placed: Placed) -> None:
    aim, backend, start, _ = placed
    options = replace(plan(name, placed), shots=32)
    _, cost = forecast(aim, backend, replace(options, steps=6), start)
    most = getattr(cost, limit)
    limited = replace(options, **{f"max_{limit}": most + 1e-6 if "_" in limit else most})
    end = spent(placed, limited, start, 99)
    assert 6 <= end.step < 13
    used = end.spent + aim.verdict_price(backend, options)
    assert getattr(used, limit) <= most + 1e-6
    if name != "adaptive":
        assert forecast(aim, backend, limited, start)[0] == end.step == 6


def test_the_comparison_costs_what_is_said(placed: Placed) -> None:
    """Of a classifier; an energy's is the Runtime's, below."""
    aim, backend, start, _ = placed
    if isinstance(aim.task, Classifier):
        options = replace(OPTIONS, shots=64)
        sampled = SampledSimulator(backend.simulator, 64, 0)
        angles = start.settled
        verdict = aim.verdict(sampled, angles, angles, options)
        price = aim.verdict_price(sampled, options)
        assert [verdict[key] for key in SPENT[:3]] == [getattr(price, key) for key in SPENT[:3]]
        assert verdict["qpu_seconds"] == pytest.approx(price.qpu_seconds)
    else:
        assert aim.verdict_price(backend, OPTIONS).jobs == 24


def test_a_rate_that_adaptive_shots_cannot_bear_is_refused_at_once(placed: Placed) -> None:
    *_, problem = placed
    check_backend(PLANS["adaptive"], 1, problem)
    with pytest.raises(InputError, match="lower the rate"):
        check_backend(replace(PLANS["adaptive"], learning_rate=9.0), 1, problem)


# --- on the command line ------------------------------------------------------------------------


def test_a_limit_that_covers_no_step_is_refused_and_nothing_is_written(
    invoke: Invoke, campaign_copy: Path
) -> None:
    before = (campaign_copy / "ledger.jsonl").read_bytes()
    for name in ("--max-circuits", "--max-shots", "--max-qpu-seconds"):
        result = invoke("tune", campaign_copy, name, "1")
        assert result.exit_code == 2
        assert "do not cover one step and the comparison" in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert (campaign_copy / "ledger.jsonl").read_bytes() == before


def test_the_cost_is_said_before_anything_is_sent(invoke: Invoke, campaign_copy: Path) -> None:
    words = ("--steps", "2", "--shots", "16", "--method", "spsa", "--optimiser", "SGD")
    result = invoke("tune", campaign_copy, *words)
    assert result.exit_code == 0
    campaign = Campaign.open(campaign_copy)
    (row,) = campaign.ledger.of_kind("tuned")
    first = next(line for line in result.stderr.splitlines() if line)
    assert first.startswith(f"tune {row['id']} on local: 2 steps and the comparison")
    cost = f"{row['circuits']:,} circuits, {row['shots']:,} shots, {row['jobs']} jobs"
    assert cost in first
    assert cost in result.stdout
    used = row["settings"]
    assert (used["method"], used["optimiser"]) == ("spsa", "SGD")
    assert used["pruning"]["method"] == "none"
    steps = campaign.ledger.of_kind("tuning")
    for key in SPENT:
        assert 0 < steps[0][key] < steps[1][key] < row[key]
    summary = json.loads((campaign_copy / "summary.json").read_text())
    assert summary["spent_tuning"] == {key: row[key] for key in SPENT}
    assert list(campaign.forecasts()) == []
