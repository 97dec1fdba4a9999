"""Gradient methods: unbiased where they say so, at the price that they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.errors import InputError
from qas.execute import NoisySimulator, SampledSimulator
from qas.task import load_task
from qas.task.loss import Loss
from qas.train import SPSA, AdaptiveShots, Gradient, GuidedSPSA, Method, Request, Shift
from qas.train.method import ShotMemory

H2 = load_task("h2").observable
PARAMS = (0.3, 2.2, 0.4, -0.3)


def native() -> Circuit:
    first = Circuit(2).then("rz", 0).then("sx", 0).then("rz", 0).then("sx", 0).then("rz", 0)
    return first.then("rz", 1).then("cx", 0, 1).then("x", 1)


def request(n_samples: int = 1, **changes: object) -> Request:
    kept = tuple(range(len(PARAMS)))
    made = Request(PARAMS, kept, n_samples, 0, 1.0, 100, ShotMemory.zeros(len(PARAMS)))
    return replace(made, **changes)


def energy(method: Method, simulator: NoisySimulator, asked: Request, seed: int) -> Gradient:
    plan = method.plan(asked, np.random.default_rng(seed))
    found = simulator.estimate(native(), H2, plan.bindings)
    return plan.combine(found.mean, found.stderr)


@pytest.mark.parametrize(
    "method",
    [SPSA(pairs=300, shift=1e-3), GuidedSPSA(0.25, damping=np.inf, shift=1e-3)],
    ids=["spsa", "guided"],
)
@pytest.mark.parametrize("kept", [(0, 1, 2, 3), (1, 3)])
def test_random_directions_are_unbiased(
    method: Method, kept: tuple[int, ...], exact: NoisySimulator
) -> None:
    simulator = NoisySimulator(exact.device.patch([0, 1]))
    truth = simulator.value_and_grad(native(), H2, PARAMS)[1][0]
    asked = request(kept=kept)
    repeats = 4 if isinstance(method, SPSA) else 600
    seen = np.stack([energy(method, simulator, asked, s).gradient for s in range(repeats)])
    expected = np.where(np.isin(range(4), kept), truth, 0.0)
    # One pair's estimate of an entry has at most the spread of the whole gradient.
    pairs = repeats * (300 if isinstance(method, SPSA) else 1)
    spread = np.linalg.norm(expected) / np.sqrt(pairs)
    np.testing.assert_allclose(seen.mean(axis=0), expected, atol=5 * spread + 1e-6)
    assert not seen[:, ~np.isin(range(4), kept)].any()
    assert np.linalg.norm(expected) > 10 * spread


@pytest.mark.parametrize("method", [SPSA(2, 1e-3), GuidedSPSA(0.5, np.inf, 1e-3)])
def test_random_directions_are_unbiased_for_a_loss(
    method: Method, circuit: Circuit, loss: Loss, exact: NoisySimulator
) -> None:
    """The guided one on two halves of the batch that change places, each half shifted once."""
    params = tuple(np.linspace(-1, 1, circuit.n_params).tolist())
    asked = request(
        loss.n_samples, params=params, kept=tuple(range(len(params))),
        memory=ShotMemory.zeros(len(params)),
    )  # fmt: skip
    rng, halves = np.random.default_rng(3), np.roll(np.arange(loss.n_samples), 4)
    seen = []
    for k in range(60):
        own = loss if k % 2 else loss.some(halves)
        plan = method.plan(asked, rng)
        found = exact.estimate(circuit, own.observables, plan.bindings, own.inputs[plan.samples])
        seen.append(plan.combine(found.mean, found.stderr, own).gradient)
    shift = Shift().plan(asked, rng)
    found = exact.estimate(circuit, loss.observables, shift.bindings, loss.inputs[shift.samples])
    truth = shift.combine(found.mean, found.stderr, loss).gradient
    error = np.std(seen, axis=0, ddof=1) / np.sqrt(len(seen))
    assert (np.abs(np.mean(seen, axis=0) - truth) < 5 * error + 1e-6).all()
    assert np.linalg.norm(truth) > 5 * np.linalg.norm(error)


def test_every_method_says_what_it_costs() -> None:
    rng, n = np.random.default_rng(0), 4
    assert Shift().plan(request(6), rng).evaluations == 6 * (1 + 2 * n)
    assert SPSA(3).plan(request(6), rng).evaluations == 6 * 2 * 3
    guided = GuidedSPSA(0.5, ramp=10)
    assert guided.plan(request(6), rng).evaluations == 3 * 9 + 3 * 2
    assert guided.plan(request(6, step=10), rng).evaluations == 3 * 9 + 3 * 2 * n
    assert guided.plan(request(1), rng).evaluations == (1 + 2 * 2) + 2
    assert guided.plan(request(1, kept=(2,)), rng).evaluations == 3
    plan = AdaptiveShots(least=16).plan(request(), rng)
    assert plan.shots is not None
    assert plan.shots.tolist() == [16] * 9


def test_damping_bounds_what_is_not_shifted(exact: NoisySimulator) -> None:
    """Never longer, per parameter, than damping times the shifted part."""
    simulator = NoisySimulator(exact.device.patch([0, 1]))
    for seed in range(20):
        plan = GuidedSPSA(0.5, damping=0.1).plan(request(), np.random.default_rng(seed))
        found = simulator.estimate(native(), H2, plan.bindings)
        gradient = plan.combine(found.mean, found.stderr).gradient
        near, far = (gradient[part.kept] for part in plan.parts)
        assert np.sqrt((far**2).mean()) <= 0.1 * np.sqrt((near**2).mean()) * (1 + 1e-12)


def test_reported_errors_are_the_spread_over_shots(exact: NoisySimulator) -> None:
    simulator = SampledSimulator(NoisySimulator(exact.device.patch([0, 1])), 200)
    for method in (Shift(), SPSA(2)):
        plan = method.plan(request(), np.random.default_rng(1))
        seen = []
        for seed in range(300):
            found = simulator.with_seed(seed).estimate(native(), H2, plan.bindings)
            seen.append(plan.combine(found.mean, found.stderr))
        spread = np.std([one.gradient for one in seen], axis=0, ddof=1)
        reported = np.sqrt(np.mean([one.stderr**2 for one in seen], axis=0))
        np.testing.assert_allclose(reported[spread > 1e-9], spread[spread > 1e-9], rtol=0.25)
        values = np.std([one.value for one in seen], ddof=1)
        assert np.mean([one.value_stderr for one in seen]) == pytest.approx(values, rel=0.25)


def test_adaptive_shots_are_those_of_gcans() -> None:
    """s_i = 2 L a / (2 - L a) sigma_i sum sigma / |g|^2, rounded up on the ladder."""
    method = AdaptiveShots(rate=0.2, least=1, most=10**6, bias=0.0, lipschitz=2.0)
    mean, spread = np.array([0.3, -0.1, 0.2, 0.05]), np.array([0.5, 1.0, 0.25, 2.0])
    plan = method.plan(request(), np.random.default_rng(0))
    memory = ShotMemory.zeros(4)
    measured = Gradient(0.0, mean, spread, 0.0)  # at one shot each, errors are the spreads
    for _ in range(3):
        memory = method.learnt(memory, measured, plan)
    exact = 2 * 0.4 / (2 - 0.4) * spread * spread.sum() / (mean @ mean)
    shots = method.shots(request(memory=memory, step=3))
    assert (shots >= exact).all()
    assert (shots <= np.ceil(exact * np.sqrt(2)) + 1).all()
    assert len(set(shots.tolist())) > 1
    capped = replace(method, least=8, most=11).shots(request(memory=memory, step=3))
    assert set(capped.tolist()) <= {8, 11}


def test_adaptive_shots_need_shots_and_a_small_rate() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="backend with shots"):
        AdaptiveShots().plan(request(shots=0), rng)
    with pytest.raises(InputError, match="below 2"):
        AdaptiveShots(rate=0.5).plan(request(bound=4.0), rng)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (SPSA, {"pairs": 0}),
        (SPSA, {"shift": 0.0}),
        (GuidedSPSA, {"share": 0.0}),
        (GuidedSPSA, {"share": 1.5}),
        (GuidedSPSA, {"damping": -1.0}),
        (AdaptiveShots, {"least": 0}),
        (AdaptiveShots, {"most": 1}),
        (AdaptiveShots, {"memory": 1.0}),
    ],
)
def test_bad_settings_are_refused(kind: type, wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="given"):
        kind(**wrong)
