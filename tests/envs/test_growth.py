from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from envs import CircuitGrowth, Curriculum, Reward
from qas.device import load_device
from qas.errors import InputError
from qas.problem import Effort, Limits, Problem
from qas.task import load_task

QUICK = Effort(3, 1e-4, 1e-2)


def make(**settings: Any) -> CircuitGrowth:
    made = gymnasium.make("envs:qas/CircuitGrowth-v0", **settings)
    assert isinstance(made.unwrapped, CircuitGrowth)
    return made.unwrapped


@pytest.fixture
def env() -> CircuitGrowth:
    made = make(gates=6, effort=QUICK)
    made.reset(seed=0)
    return made


@pytest.fixture
def checked() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.usefixtures("checked")
def test_gymnasium_checker_passes() -> None:
    from gymnasium.utils.env_checker import check_env

    check_env(make(gates=6, effort=QUICK))


def sb3_checker(env: CircuitGrowth) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what importing the library says about others
        from stable_baselines3.common.env_checker import check_env
    check_env(env, warn=True)


@pytest.mark.usefixtures("checked")
def test_stable_baselines_checker_passes() -> None:
    sb3_checker(make(gates=6, effort=QUICK))


def test_maskable_ppo_trains() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from sb3_contrib import MaskablePPO
    torch.set_num_threads(1)
    env = make(gates=6, effort=QUICK, kicks=(0.2,))
    agent = MaskablePPO("MlpPolicy", env, n_steps=500, batch_size=100, n_epochs=2, seed=1)
    agent.learn(2000)
    assert agent.num_timesteps == 2000
    observation, _ = env.reset(seed=2)
    action, _ = agent.predict(observation, action_masks=env.action_masks(), deterministic=True)
    assert not env.step(action)[4]["illegal"]


def test_names_and_values_make_the_same_environment() -> None:
    named = make(task="h2", device="FakeManilaV2", qubits=(1, 0), gates=4, two_qubit_gates=2)
    problem = Problem.of(
        load_task("h2"), load_device("FakeManilaV2"), qubits=(1, 0), limits=Limits(4, 2)
    )
    valued = CircuitGrowth(problem)
    assert named.problem == valued.problem
    for action in (1, 6, 0):
        named.reset(seed=3), valued.reset(seed=3)
        assert named.step(action)[4] == valued.step(action)[4]


def test_ideal_device_of_the_tasks_width() -> None:
    env = make(task="h2-3", device="ideal")
    assert env.problem.device.n_qubits == 3
    assert env.action_space.n == 3 * 3 + 3 * 2


def test_actions_are_the_tokens_of_the_problem(env: CircuitGrowth) -> None:
    assert env.tokens == env.problem.tokens(env.layout)
    assert env.action_space.n == len(env.tokens) == 2 * 3 + 2
    assert env.layout == env.problem.layouts[0]


def test_info_of_a_step(env: CircuitGrowth) -> None:
    before = env.meter.spent.evaluations
    observation, _, _, _, info = env.step(1)
    assert info["trial"].candidate.circuit.gates == (env.tokens[1],)
    assert info["energy"] == info["trial"].energy == env.trial.energy
    assert info["error"] == info["energy"] - env.problem.task.ground_energy
    assert info["cost"]["evaluations"] == env.meter.spent.evaluations - before > 0
    assert observation[-1] == np.float32(info["energy"])
    assert observation.dtype == np.float32


def test_scored_energy_is_the_simulators(env: CircuitGrowth) -> None:
    for action in (1, 6, 0):
        trial = env.step(action)[4]["trial"]
        simulator = env.problem.simulator(env.layout)
        value = simulator.estimate(trial.native, env.problem.task.observable, trial.angles).mean[0]
        assert value == pytest.approx(trial.energy, abs=1e-12)


def test_illegal_action_is_a_costly_no_op(env: CircuitGrowth) -> None:
    env.step(1)
    assert not env.action_masks()[1]
    before, spent = env.trial, env.meter.spent
    observation, reward, terminated, truncated, info = env.step(1)
    assert (reward, terminated, truncated) == (env.reward.illegal, False, False)
    assert info["illegal"]
    assert info["cost"]["evaluations"] == 0
    assert env.trial is before
    assert env.meter.spent == spent
    assert observation[-1] == np.float32(before.energy)


def test_illegal_steps_use_the_episode_up(env: CircuitGrowth) -> None:
    env.step(1)
    outcomes = [env.step(1) for _ in range(5)]
    assert [o[3] for o in outcomes] == [False] * 4 + [True]
    assert outcomes[-1][1] == env.reward.failure


@pytest.mark.parametrize("action", [-1, 8, 1.0, "1", None, True, np.array([1, 2])])
def test_bad_action_changes_nothing(env: CircuitGrowth, action: Any) -> None:
    before, rng = env.trial, env.np_random.bit_generator.state
    with pytest.raises(InputError, match=r"0\.\.7"):
        env.step(action)
    assert env.trial is before
    assert env.np_random.bit_generator.state == rng


def test_step_after_the_end_and_before_the_start() -> None:
    env = make(gates=1, effort=QUICK)
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(0)
    env.reset(seed=0)
    assert env.step(1)[3]
    last, curriculum = env.trial, env.curriculum
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(0)
    assert env.trial is last
    assert env.curriculum == curriculum


def test_success_terminates_and_moves_the_curriculum() -> None:
    env = make(gates=6, effort=QUICK, curriculum=Curriculum(threshold=2.0, every=1, slack=1e-3))
    env.reset(seed=0)
    _, reward, terminated, truncated, info = env.step(1)
    assert (reward, terminated, truncated, info["success"]) == (5.0, True, False, True)
    assert env.curriculum.best is not None
    assert env.curriculum.threshold == env.curriculum.best + 1e-3


def test_dead_end_truncates() -> None:
    problem = Problem.of(load_task("h2"), load_device("FakeManilaV2"), limits=Limits(9, 1))
    env = CircuitGrowth(replace(problem, pool=("ry", "cx")), effort=QUICK)
    env.reset(seed=0)
    ends = [env.step(action)[3] for action in (2, 0, 1)]
    assert ends == [False, False, True]


def test_equal_seeds_equal_episodes() -> None:
    def run() -> list[Any]:
        env = make(gates=5, effort=QUICK)
        first, _ = env.reset(seed=11)
        steps = [env.step(action) for action in (1, 6, 3, 1)]
        return [first.tolist()] + [(o.tolist(), *rest) for o, *rest in steps]

    assert run() == run()


def test_h2_is_solved_without_noise() -> None:
    env = make(device="ideal", gates=6)
    env.reset(seed=0)
    errors = [env.step(action)[4]["error"] for action in (1, 6, 1)]
    assert errors[-1] < 1e-5


def test_unknown_ground_energy_uses_the_fake_minimum() -> None:
    task = replace(load_task("h2"), ground_energy=None)
    env = make(task=task, gates=4, effort=QUICK)
    env.reset(seed=0)
    assert env.target == -task.observable.bound()
    assert env.step(1)[4]["error"] is None


def test_text_and_picture() -> None:
    env = make(gates=4, effort=QUICK, render_mode="ansi")
    env.reset(seed=0)
    env.step(1), env.step(6)
    assert env.render().splitlines()[:2] == ["q0: -ry--o--", "q1: -----+--"]
    image = make(gates=4, effort=QUICK, render_mode="rgb_array")
    image.reset(seed=0)
    pixels = image.render()
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.min() < 100 < pixels.max()


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
        ({"steps": 0}, "steps"),
        ({"layout": (0, 1, 2)}, "layout"),
        ({"kicks": (-1.0,)}, "kicks"),
        ({"kicks": ()}, "kicks"),
        ({"render_mode": "human"}, "render_mode"),
    ],
)
def test_bad_settings_teach(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        make(**settings)


def test_pool_without_a_row_is_refused() -> None:
    problem = Problem.of(load_task("h2"), load_device("FakeManilaV2"))
    with pytest.raises(InputError, match="also names h"):
        CircuitGrowth(replace(problem, pool=("h", "ry", "cx")))


def test_reward_settings_are_used() -> None:
    env = make(gates=1, effort=QUICK, reward=Reward(failure=-7.0))
    env.reset(seed=0)
    assert env.step(1)[1] == -7.0
