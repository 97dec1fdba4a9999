from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest

from qas.device import load_device
from qas.errors import InputError
from qas.problem import Limits, Problem, Trial
from qas.task import load_task
from search.strategy.ddqn import DoubleDQN, Episode, Settings, transitions, values
from search.strategy.replay import Replay, Transition

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


def test_only_legal_gates_are_placed(problem: Problem) -> None:
    agent = DoubleDQN(problem, 1, Settings(width=16, epsilon=(0.5, 0.5)))
    env = agent._environment(problem, problem.meter(None))
    episode = agent._play(env, np.random.default_rng(0))
    for mask, action in zip(episode.masks, episode.actions, strict=False):
        assert mask[action]
    assert len(env.trial.candidate.circuit.gates) == len(episode.actions)


def states(n: int) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    return [np.array([k & 1, k >> 1 & 1, -float(k)], dtype=np.float32) for k in range(n)]


@pytest.mark.parametrize("over", [True, False])
def test_n_step_returns(over: bool) -> None:
    masks = [np.array([k % 2 == 0, True]) for k in range(4)]
    episode = Episode(states(4), masks, [0, 1, 0], [1.0, 2.0, 4.0], [], over)
    made = transitions(episode, n_step=2, discount=0.5)
    assert [t.reward for t in made] == [2.0, 4.0, 4.0]
    assert [t.discount for t in made] == [0.25, 0.0 if over else 0.25, 0.0 if over else 0.5]
    assert [float(t.following[-1]) for t in made] == [-2.0, -3.0, -3.0]
    assert all(t.legal.any() for t in made)


def test_replay_gives_back_what_it_was_given() -> None:
    replay, rng = Replay(capacity=4, size=3, n_actions=2), np.random.default_rng(0)
    for k, state in enumerate(states(7)):
        replay.add(Transition(state, k, float(k), 0.5, -state * 0 + k, np.array([k > 4, True])))
    batch = replay.sample(64, rng)
    assert set(batch.actions.tolist()) == {3, 4, 5, 6}
    for state, action, legal in zip(batch.states, batch.actions, batch.legal, strict=True):
        assert np.array_equal(state, states(7)[action])
        assert legal.tolist() == [action > 4, True]


def test_double_q_target_ignores_illegal_actions(problem: Problem) -> None:
    import torch

    agent = DoubleDQN(problem, 0, Settings(width=8, learning_rate=0.0))
    size, n_actions = agent.replay.size, len(problem.tokens(problem.layouts[0]))
    zeros, mask = np.zeros(size, dtype=np.float32), np.zeros(n_actions, dtype=np.bool_)
    mask[2] = True
    agent.replay.add(Transition(zeros, 0, 1.0, 0.5, zeros, mask))
    batch = agent.replay.sample(4, np.random.default_rng(0))
    later = values(agent.target, torch.from_numpy(batch.following))[:, 2]
    expected = 1.0 + 0.5 * later
    assert torch.allclose(agent.wanted(batch), expected)


def test_it_learns(problem: Problem) -> None:
    agent, meter = DoubleDQN(problem, 0), problem.meter(200_000)
    best = []
    while not meter.exhausted:
        best.append(agent.step(problem, meter)[0].energy - problem.task.ground_energy)
    third = len(best) // 3
    assert np.median(best[-third:]) < 0.75 * np.median(best[:third])
    assert min(best) < 2e-3
