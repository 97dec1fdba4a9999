"""Laws of the environment: Gymnasium's contract, and infos that are true."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from envs import CircuitGrowth, Curriculum, Reward, Rules, Setup
from envs.make import SETUPS, gate_setup
from qas.device import load_device
from qas.errors import InputError
from qas.problem import Cobyla, Effort, Gradient, Limits, Meter, Problem
from qas.task import load_task

QUICK = Gradient(Effort(3, 1e-4, 1e-2))
KICKED = Gradient(Effort(3, 1e-4, 1e-2), kicks=(0.0, 0.5))
IDS = sorted(SETUPS)


def make(name: str = "qas/CircuitGrowth-v0", **settings: Any) -> CircuitGrowth:
    made = gymnasium.make(f"envs:{name}", **{"inner": QUICK, **settings})
    assert isinstance(made.unwrapped, CircuitGrowth)
    return made.unwrapped


@pytest.fixture
def env() -> CircuitGrowth:
    made = make(gates=6)
    made.reset(seed=0)
    return made


def legal(env: CircuitGrowth, rng: np.random.Generator) -> int:
    return int(rng.choice(np.flatnonzero(env.action_masks())))


# --- other people's checkers and agents ---------------------------------------------------


@pytest.mark.parametrize("name", IDS)
def test_gymnasium_checker_passes(name: str) -> None:
    from gymnasium.utils.env_checker import check_env

    check_env(make(name, task="h2", render_mode="ansi"))


@pytest.mark.parametrize("name", IDS)
def test_stable_baselines_checker_passes(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what importing the library says about others
        from stable_baselines3.common.env_checker import check_env
    check_env(make(name, task="h2-3", sweep=True), warn=True)


@pytest.mark.parametrize("name", IDS)
def test_wrappers_of_make_have_nothing_to_say(name: str) -> None:
    """`gymnasium.make` wraps in a checker of every step; its warnings are errors here."""
    rng, env = np.random.default_rng(0), gymnasium.make(f"envs:{name}", task="h2", inner=QUICK)
    for seed in (1, None):
        observation, _ = env.reset(seed=seed)
        over = False
        while not over:
            observation, _, terminated, truncated, _ = env.step(np.int64(legal(env.unwrapped, rng)))
            assert env.observation_space.contains(observation)
            over = terminated or truncated
    env.close()


def test_maskable_ppo_trains() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from sb3_contrib import MaskablePPO
    torch.set_num_threads(1)
    env = make(gates=6, inner=Gradient(Effort(3, 1e-4, 1e-2), kicks=(0.2,)))
    agent = MaskablePPO("MlpPolicy", env, n_steps=200, batch_size=100, n_epochs=2, seed=1)
    agent.learn(600)
    assert agent.num_timesteps == 600
    observation, _ = env.reset(seed=2)
    action, _ = agent.predict(observation, action_masks=env.action_masks(), deterministic=True)
    assert not env.step(action)[4]["illegal"]


# --- making -------------------------------------------------------------------------------


def test_names_and_values_make_the_same_environment() -> None:
    named = make(task="h2", device="FakeManilaV2", qubits=(1, 0), gates=4, two_qubit_gates=2)
    problem = Problem.of(
        load_task("h2"), load_device("FakeManilaV2"), qubits=(1, 0), limits=Limits(4, 2)
    )
    valued = CircuitGrowth(Setup.of(problem, inner=QUICK))
    passed = make(task=load_task("h2"), device=problem.device, layout=(1, 0), gates=4)
    assert named.problem == valued.problem
    assert passed.setup.layout == named.setup.layout == (1, 0)
    named.reset(seed=3), valued.reset(seed=3), passed.reset(seed=3)
    for action in (1, 6, 0):
        assert named.step(action)[4] == valued.step(action)[4] == passed.step(action)[4]


def test_actions_are_the_tokens_of_the_problem(env: CircuitGrowth) -> None:
    assert env.actions == tuple((gate,) for gate in env.problem.tokens(env.setup.layout))
    assert env.action_space.n == len(env.actions) == 2 * 3 + 2
    ideal = make(task="h2-3", device="ideal")
    assert ideal.problem.device.n_qubits == 3
    assert ideal.action_space.n == 3 * 3 + 3 * 2


def test_the_three_that_are_registered() -> None:
    gate, block, published = (make(f"qas/{kind}-v0", task="h2-4", device="ideal")
                              for kind in ("CircuitGrowth", "BlockGrowth", "CRLQAS"))  # fmt: skip
    assert gate.observation_space.shape == (40 * 7 * 4 + 1,)
    assert block.observation_space.shape == (12 * 12 + 1 + 12,)
    assert published.observation_space.shape == (40 * 7 * 4 + 1,)
    assert [env.action_space.n for env in (gate, block, published)] == [24, 12, 24]
    assert [env.setup.rules.steps for env in (gate, block, published)] == [40, 12, 40]
    assert published.setup.rules.halting is not None
    small = make("qas/BlockGrowth-v0", task="h2", gates=9, two_qubit_gates=2)
    assert small.problem.limits == Limits(9, 2)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"task": "h9"}, "h9"),
        ({"device": "FakeNowhere"}, "FakeNowhere"),
        ({"qubits": (0,)}, "2 qubits"),
        ({"qubits": (0, 9)}, "9"),
        ({"gates": 0}, "gates"),
        ({"gates": 2.5}, "gates"),
        ({"two_qubit_gates": -1}, "two_qubit_gates"),
        ({"two_qubit_gates": True}, "two_qubit_gates"),
        ({"steps": 0}, "steps"),
        ({"layout": (0, 1, 2)}, "layout"),
        ({"render_mode": "human"}, "render_mode"),
    ],
)
@pytest.mark.parametrize("name", ["qas/CircuitGrowth-v0", "qas/BlockGrowth-v0"])
def test_bad_settings_teach(name: str, settings: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        make(name, **settings)


# --- a step -------------------------------------------------------------------------------


def test_info_of_a_step(env: CircuitGrowth) -> None:
    before = env.meter.spent.evaluations
    observation, _, _, _, info = env.step(1)
    assert info["trial"].candidate.circuit.gates == env.actions[1]
    assert info["energy"] == info["trial"].energy == env.trial.energy
    assert info["error"] == info["energy"] - env.problem.task.ground_energy
    assert info["cost"]["evaluations"] == env.meter.spent.evaluations - before > 0
    assert info["threshold"] == env.curriculum.threshold
    assert observation[-1] == np.float32(info["energy"])
    assert observation.dtype == np.float32
    assert env.gap == abs(info["energy"] - env.target)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("settings", [{}, {"shots": 50, "inner": Cobyla(5)}, {"blind": True}])
def test_costs_of_steps_add_up_to_what_the_meter_counts(
    name: str, settings: dict[str, Any]
) -> None:
    env, rng = make(name, task="h2", device="FakeManilaV2", **settings), np.random.default_rng(1)
    costs = [env.reset(seed=0)[1]["cost"]]
    for _ in range(3):
        _, _, terminated, truncated, info = env.step(legal(env, rng))
        costs.append(info["cost"])
        if terminated or truncated:
            costs.append(env.reset()[1]["cost"])
    spent = env.meter.spent
    for kind in ("evaluations", "sweeps", "measurement_circuits"):
        assert sum(cost[kind] for cost in costs) == getattr(spent, kind)
    assert spent.evaluations > 3
    assert spent.measurement_circuits == 2 * spent.evaluations


@pytest.mark.parametrize("device", ["ideal", "FakeManilaV2", "FakeTorino"])
def test_scored_energy_is_the_simulators(device: str) -> None:
    env, rng = make(task="h2-3", device=device, inner=KICKED), np.random.default_rng(2)
    env.reset(seed=0)
    for _ in range(8):
        trial = env.step(legal(env, rng))[4]["trial"]
        simulator = env.problem.simulator(env.setup.layout)
        value = simulator.estimate(trial.native, env.problem.task.observable, trial.angles).mean[0]
        assert trial.energy == pytest.approx(value, abs=1e-12)
        assert trial.candidate.circuit == env.circuit


def test_a_trial_is_true_between_two_scorings() -> None:
    env, rng = make(gates=8, rules=Rules(8, edits=3), inner=KICKED), np.random.default_rng(3)
    env.reset(seed=0)
    fresh = []
    for _ in range(6):
        info = env.step(legal(env, rng))[4]
        trial = info["trial"]
        value = env.problem.value(trial.native, env.setup.layout, trial.angles, env.meter)
        assert trial.energy == pytest.approx(value[0], abs=1e-12)
        fresh.append(info["energy"] == trial.energy)
    assert fresh[2]
    assert fresh[5]
    assert not all(fresh)


def test_illegal_action_is_a_costly_no_op(env: CircuitGrowth) -> None:
    env.step(1)
    assert not env.action_masks()[1]
    before, spent = env.trial, env.meter.spent
    observation, reward, terminated, truncated, info = env.step(1)
    assert (reward, terminated, truncated) == (env.setup.rules.reward.illegal, False, False)
    assert info["illegal"]
    assert info["cost"]["evaluations"] == 0
    assert env.trial is before
    assert env.meter.spent == spent
    assert observation[-1] == np.float32(before.energy)


def test_illegal_steps_use_the_episode_up(env: CircuitGrowth) -> None:
    env.step(1)
    outcomes = [env.step(1) for _ in range(5)]
    assert [o[3] for o in outcomes] == [False] * 4 + [True]
    assert outcomes[-1][1] == env.setup.rules.reward.failure


@pytest.mark.parametrize("action", [-1, 8, 1.0, "1", None, True, np.bool_(1), np.array([1, 2])])
def test_bad_action_changes_nothing(env: CircuitGrowth, action: Any) -> None:
    before, rng, left = env.trial, env.np_random.bit_generator.state, env.game.left.copy()
    with pytest.raises(InputError, match=r"0\.\.7"):
        env.step(action)
    assert env.trial is before
    assert env.np_random.bit_generator.state == rng
    assert env.game.left == left


def test_step_after_the_end_and_before_the_start() -> None:
    env = make(gates=1)
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(0)
    with pytest.raises(ResetNeeded, match="reset"):
        _ = env.trial
    env.reset(seed=0)
    assert env.step(1)[3]
    last, curriculum = env.trial, env.curriculum
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(0)
    assert env.trial is last
    assert env.curriculum == curriculum


def test_success_terminates_and_moves_the_curriculum() -> None:
    rules = Rules(6, curriculum=Curriculum(threshold=2.0, every=1, slack=1e-3))
    env = make(gates=6, rules=rules)
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(1)
    assert (reward, terminated, truncated, info["success"]) == (5.0, True, False, True)
    assert env.curriculum.best is not None
    assert env.curriculum.threshold == env.curriculum.best + 1e-3
    assert env.reset()[1]["threshold"] == env.curriculum.threshold


def test_reward_settings_are_used() -> None:
    env = make(gates=1, rules=Rules(1, Reward(failure=-7.0)))
    env.reset(seed=0)
    assert env.step(1)[1] == -7.0


@pytest.mark.parametrize("name", ["qas/CircuitGrowth-v0", "qas/BlockGrowth-v0"])
def test_equal_seeds_equal_episodes(name: str) -> None:
    """In a fresh environment and again in the same one."""
    new = partial(make, name, task="h2-3", inner=KICKED)

    def run(env: CircuitGrowth, seed: int) -> list[Any]:
        first, _ = env.reset(seed=seed)
        steps = [env.step(action)[:2] for action in (0, 1, 2, 3)]
        return [first.tolist(), *((seen.tolist(), reward) for seen, reward in steps)]

    env = new()
    first = run(env, 11)
    assert run(env, 11) == first == run(new(), 11)
    if name == "qas/BlockGrowth-v0":
        assert run(env, 12) != first


def test_the_meter_is_charged_and_its_budget_holds() -> None:
    meter = Meter(60, n_groups=2)
    env = CircuitGrowth(gate_setup("h2", inner=QUICK), meter=meter)
    env.reset(seed=0)
    for action in (1, 6, 0, 7, 3, 1, 6):
        env.step(action)
    assert meter.exhausted
    assert meter.spent.evaluations < 60 + 200


# --- physics ------------------------------------------------------------------------------


def test_h2_is_solved_without_noise() -> None:
    env = make(device="ideal", gates=6, inner=Gradient(kicks=(0.2, 1.5, 3.0, 3.0)))
    env.reset(seed=0)
    errors = [env.step(action)[4]["error"] for action in (1, 6, 1)]
    assert -1e-9 < errors[-1] < 1e-5
    assert min(errors[:-1]) > 1e-2


def test_unknown_ground_energy_uses_the_fake_minimum() -> None:
    task = replace(load_task("h2"), ground_energy=None)
    env = make(task=task, gates=4)
    env.reset(seed=0)
    assert env.target == -task.observable.bound()
    assert env.step(1)[4]["error"] is None


# --- pictures -----------------------------------------------------------------------------


def test_text_and_picture() -> None:
    env = make(gates=4, render_mode="ansi")
    env.reset(seed=0)
    env.step(1), env.step(6)
    lines = env.render().splitlines()
    assert lines[:2] == ["q0: -ry--o--", "q1: -----+--"]
    assert lines[2] == f"energy {env.trial.energy:.6f} hartree"
    image = make(gates=4, render_mode="rgb_array")
    image.reset(seed=0)
    pixels = image.render()
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.min() < 100 < pixels.max()


def test_rendering_needs_a_mode(env: CircuitGrowth) -> None:
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None


def test_the_inner_optimiser_goes_by_name_or_value() -> None:
    from qas.problem.inner import AdamSPSA, Cobyla

    assert make(inner="spsa").setup.inner == AdamSPSA()
    assert make(inner=Cobyla(7)).setup.inner == Cobyla(7)
    with pytest.raises(InputError, match="gradient, cobyla"):
        make(inner="adam")
