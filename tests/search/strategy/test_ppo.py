"""Masked PPO: the adapter's laws, exact resumption, no trace outside, and learning."""

from __future__ import annotations

import random as python_random
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.crowd import Members
from envs.game import Game
from envs.setup import Setup
from qas import load_device, load_task
from qas.errors import InputError
from qas.problem import Limits, Problem
from search.campaign.checkpoint import load_checkpoint, save_checkpoint
from search.strategy.play import blocks, features
from search.strategy.ppo import MaskablePPOSearch, Settings, batch_size

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what importing the library says about others
    import torch

    from search.strategy.sb3 import GameEnv, global_streams

SMALL = Settings(members=4, width=16, epochs=3, batch=8)
ENOUGH = 60_000


@pytest.fixture(scope="module")
def problem() -> Problem:
    """H2 on four qubits: three dressed cx are needed, and not any three."""
    device = load_device("ideal", n_qubits=4)
    return Problem.of(load_task("h2-4"), device, limits=Limits(gates=13, two_qubit_gates=3))


@pytest.fixture
def setup(problem: Problem) -> Setup:
    return replace(blocks(problem), sweep=True)


def environment(setup: Setup, members: int = 3, budget: int | None = None) -> GameEnv:
    game = setup.game(members, setup.problem.meter(budget))
    return GameEnv(game, setup.view, np.random.default_rng(0), lambda *_: None)


def legal(env: GameEnv) -> Any:
    """The first legal action of each member."""
    return np.stack(env.env_method("action_masks")).argmax(axis=1)


def through_a_file(state: dict[str, Any], folder: Path) -> dict[str, Any]:
    save_checkpoint(folder / "state.npz", state)
    loaded = load_checkpoint(folder / "state.npz")
    assert loaded is not None
    return loaded


def weights(agent: MaskablePPOSearch) -> dict[str, Any]:
    kept: dict[str, Any] = agent.state_dict()["policy"]["weights"]
    return kept


def equal(one: Any, other: Any) -> bool:
    """Equal, arrays bit for bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and one.tobytes() == other.tobytes())
    return bool(one == other)


def global_states() -> tuple[bytes, str, Any]:
    numpy_state = repr(np.random.get_state())  # noqa: NPY002
    return torch.get_rng_state().numpy().tobytes(), numpy_state, python_random.getstate()


# --- the adapter -------------------------------------------------------------------------------


def test_observations_are_those_of_the_double_q_network() -> None:
    chain = Problem.of(load_task("tfim-4"), load_device("ideal:line", n_qubits=4))
    setup = replace(blocks(chain), sweep=True)
    env = environment(setup)
    first = env.reset()
    second, *_ = env.step(legal(env))
    crowd, view = env.game.crowd, setup.view
    assert np.array_equal(second, features(view.observe(crowd), env.game.target, view))
    assert first.shape == second.shape == (3, *env.observation_space.shape)
    assert first.dtype == second.dtype == env.observation_space.dtype
    assert (second[:, -view.n_actions :] > 0).any()


def test_masks_are_the_games_for_all_and_for_some(setup: Setup) -> None:
    env = environment(setup)
    env.reset()
    env.step(np.array([0, 1, 2]))
    masks = env.game.crowd.masks()
    assert env.has_attr("action_masks")
    assert np.array_equal(np.stack(env.env_method("action_masks")), masks)
    assert np.array_equal(env.env_method("action_masks", indices=[2])[0], masks[2])
    with pytest.raises(InputError, match="action_masks"):
        env.set_attr("action_masks", None)


def test_an_episode_at_its_limit_failed_and_the_next_begins_at_once(setup: Setup) -> None:
    seen: list[tuple[list[int], list[float]]] = []

    def see(game: Game, members: Members) -> None:
        crowd = game.crowd
        seen.append((crowd.n_chosen[members].tolist(), crowd.energy[members].tolist()))

    game, steps = setup.game(2, setup.problem.meter(None)), setup.rules.steps
    env = GameEnv(game, setup.view, np.random.default_rng(0), see)
    first, plans = env.reset(), np.array([[0, 1, 0], [1, 0, 1]])  # a qubit stays alone
    for step in range(steps):
        last, reward, done, infos = env.step(plans[:, step])
        assert done.tolist() == [step == steps - 1] * 2
    assert reward.tolist() == [setup.rules.reward.failure] * 2
    assert np.array_equal(last, first)
    assert [lengths for lengths, _ in seen] == [[n, n] for n in range(steps + 1)]
    assert env.outcomes == np.min([energies for _, energies in seen], axis=0).tolist()
    n_actions, size = setup.view.n_actions, setup.view.encoding.size
    for info, plan in zip(infos, plans, strict=True):
        assert not info["TimeLimit.truncated"]
        ended = info["terminal_observation"]
        assert ended[:size].reshape(steps, n_actions).argmax(axis=1).tolist() == plan.tolist()
        assert not ended[-n_actions:].any()


def test_terminal_observations_cost_nothing(setup: Setup) -> None:
    """Steps of as many members cost sweeps of as many circuits, ends of episodes or not."""
    env = environment(setup)
    env.reset()
    crowd = env.game.crowd
    price = env.num_envs * int(crowd.table.prices.sum())
    for _ in range(2 * setup.rules.steps):
        before, crowd.evaluations[:] = crowd.meter.spent.evaluations, 0
        scored: list[int] = []
        env.see = lambda game, _, into=scored: into.append(int(game.crowd.evaluations.sum()))
        env.step(legal(env))
        assert crowd.meter.spent.evaluations - before == scored[0] + price


def test_a_spent_budget_is_left_alone(setup: Setup) -> None:
    env = environment(setup, budget=200)
    env.reset()
    while not env.stopped:
        env.step(legal(env))
    spent, chosen = env.game.crowd.meter.spent, env.game.crowd.n_chosen.copy()
    observed, reward, done, _ = env.step(legal(env))
    assert env.game.crowd.meter.spent == spent
    assert np.array_equal(env.game.crowd.n_chosen, chosen)
    assert not reward.any()
    assert not done.any()
    assert np.isfinite(observed).all()


# --- state and randomness ----------------------------------------------------------------------


def test_resumed_weights_are_equal_bit_for_bit(problem: Problem, tmp_path: Path) -> None:
    straight, broken = MaskablePPOSearch(problem, 4, SMALL), MaskablePPOSearch(problem, 4, SMALL)
    fresh = weights(straight)
    for _ in range(4):
        expected = [t.energy for t in straight.step(problem, problem.meter(None))]
        state = through_a_file(broken.state_dict(), tmp_path)
        broken = MaskablePPOSearch(problem, 99, SMALL)
        broken.load_state_dict(state)
        found = [t.energy for t in broken.step(problem, problem.meter(None))]
        assert found == expected
        assert equal(broken.state_dict(), straight.state_dict())
    assert straight.updates == 4 * SMALL.epochs
    assert not any(equal(fresh[name], layer) for name, layer in weights(straight).items())


def test_saved_state_does_not_move_with_the_agent(problem: Problem, tmp_path: Path) -> None:
    agent = MaskablePPOSearch(problem, 0, SMALL)
    agent.step(problem, problem.meter(None))
    kept = agent.state_dict()
    copy = through_a_file(kept, tmp_path)
    agent.step(problem, problem.meter(None))
    assert equal(kept, copy)
    assert not equal(kept, agent.state_dict())


def test_seeds_make_the_weights(problem: Problem) -> None:
    one, same, other = (weights(MaskablePPOSearch(problem, seed, SMALL)) for seed in (0, 0, 1))
    assert equal(one, same)
    assert not equal(one, other)


def test_global_generators_neither_matter_nor_change(problem: Problem) -> None:
    def played(seed: int) -> dict[str, Any]:
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the very thing that must not matter
        python_random.seed(seed)
        before = global_states()
        agent = MaskablePPOSearch(problem, 2, SMALL)
        agent.step(problem, problem.meter(None))
        assert global_states() == before
        return agent.state_dict()

    assert equal(played(5), played(6))


def test_global_generators_come_back_after_a_failure() -> None:
    def failing() -> None:
        with global_streams(np.random.default_rng(0)):
            torch.rand(3)
            np.random.random(3)  # noqa: NPY002
            raise ZeroDivisionError

    before = global_states()
    with pytest.raises(ZeroDivisionError):
        failing()
    assert global_states() == before


def test_state_of_another_problem_is_refused(problem: Problem) -> None:
    other = Problem.of(load_task("h2"), load_device("FakeManilaV2"), limits=Limits(8, 2))
    agent = MaskablePPOSearch(other, 0, SMALL)
    before = agent.state_dict()
    with pytest.raises(InputError, match="saved network"):
        agent.load_state_dict(MaskablePPOSearch(problem, 1, SMALL).state_dict())
    assert equal(agent.state_dict(), before)


# --- rollouts ----------------------------------------------------------------------------------


def test_it_says_and_writes_nothing(
    problem: Problem, capfd: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    agent = MaskablePPOSearch(problem, 0, SMALL)
    agent.step(problem, problem.meter(None))
    assert agent.updates
    assert capfd.readouterr() == ("", "")
    assert not list(tmp_path.iterdir())


def test_only_legal_actions_are_played(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[bool] = []

    def step_async(env: GameEnv, actions: Any) -> None:
        masks = env.action_masks()
        checked.append(bool(masks[env.everyone, actions].all()) and not bool(masks.all()))
        env._actions = actions

    monkeypatch.setattr(GameEnv, "step_async", step_async)
    agent = MaskablePPOSearch(problem, 0, replace(SMALL, members=16, setup=with_gates))
    agent.step(problem, problem.meter(None))
    assert len(checked) == agent.setup.rules.steps
    assert all(checked[1:])


def with_gates(problem: Problem) -> Setup:
    """Single gates: from the second on masks bite, since one never repeats the last."""
    return Setup.of(problem)


def test_a_rollout_cut_short_teaches_nothing_and_returns_what_it_found(problem: Problem) -> None:
    agent, meter = MaskablePPOSearch(problem, 0, SMALL), problem.meter(400)
    before = weights(agent)
    trials = agent.step(problem, meter)
    assert trials
    assert meter.spent.evaluations < 600
    assert 0 < agent.env_steps < problem.limits.two_qubit_gates * SMALL.members
    assert agent.updates == 0
    assert equal(weights(agent), before)


def test_a_small_budget_still_holds_whole_rollouts(problem: Problem) -> None:
    agent, meter = MaskablePPOSearch(problem, 0), problem.meter(ENOUGH)
    while not meter.exhausted:
        agent.step(problem, meter)
    assert agent.updates > agent.settings.epochs


def test_an_episode_of_a_single_step_leaves_the_weights_finite(problem: Problem) -> None:
    tight = Problem.of(problem.task, problem.device, limits=Limits(gates=7, two_qubit_gates=1))
    agent = MaskablePPOSearch(tight, 0, replace(SMALL, members=1))
    for _ in range(3):
        agent.step(tight, tight.meter(None))
    assert agent.updates == 3 * SMALL.epochs
    assert all(np.isfinite(layer).all() for layer in weights(agent).values())


@given(total=st.integers(2, 5000), wanted=st.integers(8, 600))
def test_no_batch_has_a_single_transition(total: int, wanted: int) -> None:
    size = batch_size(total, wanted)
    batches = [size] * (total // size) + [total % size] * (total % size > 0)
    assert sum(batches) == total
    assert min(batches) > 1
    assert size <= 2 * wanted
    assert len(batches) == 1 or size >= 0.6 * wanted


@pytest.mark.parametrize("wrong", [{"batch": 1}, {"members": 0}, {"epochs": 0}, {"episodes": 0}])
def test_wrong_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(wrong))} is a whole number from"):
        Settings(**wrong)


def test_it_learns(problem: Problem) -> None:
    agent, meter = MaskablePPOSearch(problem, 1), problem.meter(400_000)
    while not meter.exhausted:
        agent.step(problem, meter)
    solved = np.array(agent.outcomes) - problem.task.ground_energy < 1.6e-3
    assert solved[-100:].mean() > 2 * solved[:64].mean()
