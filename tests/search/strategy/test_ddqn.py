from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.setup import crlqas
from qas.device import load_device
from qas.errors import InputError
from qas.problem import Limits, Problem, Trial
from qas.task import load_task
from search.strategy.ddqn import (
    RANDOM,
    TEACHER,
    DoubleDQN,
    Episode,
    Settings,
    _drawn,
    transitions,
    values,
)
from search.strategy.replay import Elite, Replay, Transition

SMALL = Settings(width=32, batch=16, updates_per_step=2, sync=10)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(load_task("h2"), load_device("FakeManilaV2"))


def energies(trials: list[Trial]) -> list[float]:
    return [trial.energy for trial in trials]


def through_a_file(state: dict[str, Any]) -> dict[str, Any]:
    """Written to an npz and read without pickle: arrays as they are, the rest as JSON."""
    arrays: dict[str, Any] = {}

    def plain(value: Any, path: str) -> Any:
        if isinstance(value, dict):
            return {key: plain(one, f"{path}/{key}") for key, one in value.items()}
        if isinstance(value, np.ndarray):
            arrays[path] = value
            return {"array": path}
        return value

    def back(value: Any) -> Any:
        if isinstance(value, dict):
            if value.keys() == {"array"}:
                return loaded[value["array"]]
            return {key: back(one) for key, one in value.items()}
        return value

    text = json.dumps(plain(state, ""), allow_nan=False)
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as loaded:
        return dict(back(json.loads(text)))


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    return np.array_equal(one, other)


def test_resumed_training_is_bit_identical(problem: Problem) -> None:
    straight, first = DoubleDQN(problem, 4, SMALL), DoubleDQN(problem, 4, SMALL)
    expected = [energies(straight.step(problem, problem.meter(None))) for _ in range(6)]
    found = [energies(first.step(problem, problem.meter(None))) for _ in range(3)]
    second = DoubleDQN(problem, 99, SMALL)
    second.load_state_dict(through_a_file(first.state_dict()))
    found += [energies(second.step(problem, problem.meter(None))) for _ in range(3)]
    assert straight.updates > 60
    assert found == expected
    assert equal(second.state_dict(), straight.state_dict())


def test_other_seeds_differ(problem: Problem) -> None:
    one, other = (DoubleDQN(problem, seed, SMALL) for seed in (0, 1))
    assert not equal(one.state_dict()["online"], other.state_dict()["online"])


def test_saved_state_does_not_move_with_the_agent(problem: Problem) -> None:
    agent = DoubleDQN(problem, 0, SMALL)
    agent.step(problem, problem.meter(None))
    kept = agent.state_dict()
    copy = through_a_file(kept)
    for _ in range(2):
        agent.step(problem, problem.meter(None))
    assert equal(kept, copy)


def test_a_step_stops_when_the_budget_does(problem: Problem) -> None:
    agent, meter = DoubleDQN(problem, 0, SMALL), problem.meter(150)
    trials = agent.step(problem, meter)
    assert trials
    assert meter.exhausted
    assert meter.spent.evaluations < 200
    assert 0 < agent.env_steps < 10


def test_state_of_another_problem_is_refused(problem: Problem) -> None:
    other = Problem.of(load_task("h2"), load_device("FakeManilaV2"), limits=Limits(3, 1))
    with pytest.raises(InputError, match="saved network"):
        DoubleDQN(other, 0, SMALL).load_state_dict(DoubleDQN(problem, 0, SMALL).state_dict())


@pytest.mark.parametrize("settings", [SMALL, TEACHER, RANDOM])
def test_only_legal_actions_are_played(problem: Problem, settings: Settings) -> None:
    agent = DoubleDQN(problem, 1, settings)
    game = agent.setup.game(5, problem.meter(None))
    episodes, _ = agent._play(game, agent.setup.view, np.random.default_rng(0))
    for member, episode in enumerate(episodes):
        assert len(episode.states) == len(episode.masks) == len(episode.actions) + 1
        for mask, action in zip(episode.masks, episode.actions, strict=False):
            assert mask[action]
        played = game.crowd.chosen[member, : game.crowd.n_chosen[member]]
        assert played.tolist() == episode.actions


def test_without_masks_illegal_actions_are_played_too(problem: Problem) -> None:
    agent = DoubleDQN(problem, 1, replace(RANDOM, setup=crlqas, masked=False))
    game = agent.setup.game(4, problem.meter(20_000))
    episodes, _ = agent._play(game, agent.setup.view, np.random.default_rng(0))
    assert sum(len(e.actions) for e in episodes) > game.crowd.n_chosen.sum()


def states(n: int) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    return [np.array([k & 1, k >> 1 & 1, -float(k)], dtype=np.float32) for k in range(n)]


@pytest.mark.parametrize("over", [True, False])
def test_n_step_returns(over: bool) -> None:
    masks = [np.array([k % 2 == 0, True]) for k in range(4)]
    episode = Episode(states(4), masks, [0, 1, 0], [1.0, 2.0, 4.0], [True, False, False], over)
    made = transitions(episode, n_step=2, discount=0.5)
    assert [t.reward for t in made] == [2.0, 4.0, 4.0]
    assert [t.discount for t in made] == [0.25, 0.0 if over else 0.25, 0.0 if over else 0.5]
    assert [float(t.following[-1]) for t in made] == [-2.0, -3.0, -3.0]
    assert [t.taught for t in made] == [True, False, False]
    assert all(t.legal.any() for t in made)


def numbered(k: int, state: np.ndarray[Any, Any]) -> Transition:
    return Transition(state, k, float(k), 0.5, -state * 0 + k, np.array([k > 4, True]))


def test_replay_gives_back_what_it_was_given() -> None:
    replay, rng = Replay(4, 2, 1, 2), np.random.default_rng(0)
    for k, state in enumerate(states(7)):
        replay.add(numbered(k, state))
    batch = replay.sample(64, rng)
    assert set(batch.actions.tolist()) == {3, 4, 5, 6}
    for state, action, legal in zip(batch.states, batch.actions, batch.legal, strict=True):
        assert np.array_equal(state, states(7)[action])
        assert legal.tolist() == [action > 4, True]
    assert not batch.taught.any()


def test_the_elite_holds_the_best_episodes_once() -> None:
    elite, rng = Elite(2, 3, (2, 1, 2)), np.random.default_rng(0)
    made = [numbered(k, state) for k, state in enumerate(states(4))]
    for gap, episode in ((0.3, made[:1]), (0.2, made[1:2]), (0.1, made[2:]), (0.15, made[2:])):
        elite.offer(gap, episode)
    assert sorted(elite.gaps) == [0.1, 0.2]
    batch = elite.sample(64, rng)
    assert set(batch.actions.tolist()) == {1, 2, 3}
    assert batch.taught.all()
    again = Elite(2, 3, (2, 1, 2))
    again.load_state_dict(through_a_file(elite.state_dict()))
    same = again.sample(64, np.random.default_rng(0))
    assert np.array_equal(same.states, batch.states)


def test_double_q_target_ignores_illegal_actions(problem: Problem) -> None:
    import torch

    agent = DoubleDQN(problem, 0, Settings(width=8, learning_rate=0.0))
    size, n_actions = agent.setup.view.size, len(agent.setup.actions)
    zeros, mask = np.zeros(size, dtype=np.float32), np.zeros(n_actions, dtype=np.bool_)
    mask[1] = True
    agent.replay.add(Transition(zeros, 0, 1.0, 0.5, zeros, mask))
    batch = agent.replay.sample(4, np.random.default_rng(0))
    later = values(agent.target, torch.from_numpy(batch.following))[:, 1]
    expected = 1.0 + 0.5 * later
    assert torch.allclose(agent.wanted(batch), expected)


def test_the_margin_raises_what_was_taught_above_the_rest(problem: Problem) -> None:
    import torch

    agent = DoubleDQN(problem, 0, Settings(width=16, learning_rate=1e-2, sync=10**9))
    size, n_actions = agent.setup.view.size, len(agent.setup.actions)
    state, legal = np.ones(size, dtype=np.float32), np.ones(n_actions, dtype=np.bool_)
    agent.replay.add(Transition(state, 1, 0.0, 0.0, state, legal, taught=True))
    for _ in range(200):
        agent._learn(agent.replay.sample(8, np.random.default_rng(0)))
    known = values(agent.online, torch.from_numpy(state)).detach().numpy()
    others = np.delete(known, 1)
    assert known[1] - others.max() > 0.8 * agent.settings.margin


def test_a_soft_target_follows_a_little_every_time(problem: Problem) -> None:
    agent = DoubleDQN(problem, 0, replace(SMALL, tau=0.25))
    before = [layer.clone() for layer in agent.target]
    agent.online = [layer.detach() + 1.0 for layer in agent.online]
    agent._follow()
    for slow, old in zip(agent.target, before, strict=True):
        assert np.allclose(slow.numpy(), old.numpy() + 0.25, atol=1e-6)


def test_the_teacher_draws_in_proportion_to_gains() -> None:
    weights = np.tile([0.0, 1.0, 3.0, 0.0], (40_000, 1))
    counts = np.bincount(_drawn(weights, np.random.default_rng(0)), minlength=4)
    assert counts[0] == counts[3] == 0
    assert abs(counts[2] / counts.sum() - 0.75) < 0.01


def test_blind_rounds_come_first_and_are_scored_under_noise(problem: Problem) -> None:
    agent = DoubleDQN(problem, 0, replace(SMALL, blind_rounds=1))
    trials = agent.step(problem, problem.meter(None))
    assert min(agent.outcomes) < problem.task.ground_energy + 1e-6  # no device gets there
    for trial in trials:
        simulator = problem.simulator(trial.candidate.layout)
        value = simulator.estimate(trial.native, problem.task.observable, trial.angles).mean[0]
        assert abs(value - trial.energy) < 1e-10
    assert agent.step(problem, problem.meter(None))
    assert min(agent.outcomes[-16:]) > problem.task.ground_energy + 1e-4


def test_it_learns() -> None:
    problem = Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4), limits=Limits(13, 3))
    agent, meter = DoubleDQN(problem, 0), problem.meter(800_000)
    while not meter.exhausted:
        agent.step(problem, meter)
    errors = np.array(agent.outcomes) - problem.task.ground_energy
    quarter = len(errors) // 4
    solved = [np.mean(part < 1.6e-3) for part in (errors[:quarter], errors[-quarter:])]
    assert solved[1] > 2 * solved[0]
    assert errors.min() < 1e-6
