"""Laws of the vector environment: each member is the single environment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from envs import CircuitGrowth, Curriculum, Halting, Rules, Setup, Shaping, VectorGrowth
from envs.make import SETUPS, block_setup, gate_setup, make_problem
from qas.errors import InputError
from qas.problem import Effort, Gradient
from qas.task import load_task

QUICK = Gradient(Effort(3, 1e-4, 1e-2))
KICKED = Gradient(Effort(3, 1e-4, 1e-2), kicks=(0.0, 0.5))


def drawn(env: VectorGrowth, rng: np.random.Generator) -> Any:
    """A legal action for every member."""
    return np.array([rng.choice(np.flatnonzero(row)) if row.any() else 0
                     for row in env.action_masks()])  # fmt: skip


@pytest.mark.parametrize("mode", [None, "vector_entry_point"])
@pytest.mark.parametrize("name", sorted(SETUPS))
def test_make_vec(name: str, mode: str | None) -> None:
    env = gymnasium.make_vec(
        f"envs:{name}", num_envs=3, vectorization_mode=mode, task="h2-3", inner=QUICK
    )
    assert isinstance(env, VectorGrowth)
    assert env.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    observation, info = env.reset(seed=0)
    n_actions = int(env.single_action_space.n)
    assert env.action_space.shape == (3,)
    assert observation.shape == env.observation_space.shape == (3, env.setup.view.size)
    assert env.observation_space.contains(observation)
    assert info["action_mask"].shape == (3, n_actions)
    actions = info["action_mask"].argmax(axis=1)
    observation, reward, terminated, truncated, info = env.step(actions)
    assert env.observation_space.contains(observation)
    assert reward.shape == terminated.shape == truncated.shape == info["energy"].shape == (3,)
    assert terminated.dtype == truncated.dtype == np.bool_
    single = gymnasium.make(f"envs:{name}", task="h2-3", inner=QUICK)
    assert single.observation_space == env.single_observation_space
    assert single.action_space == env.single_action_space
    env.close()


def test_a_vector_of_single_environments_works_too() -> None:
    env = gymnasium.make_vec(
        "envs:qas/CircuitGrowth-v0", num_envs=2, vectorization_mode="sync", inner=QUICK
    )
    env.reset(seed=0)
    observation, *_ = env.step(np.array([1, 4]))
    assert env.observation_space.contains(observation)


@pytest.mark.parametrize("edits", [1, 2])
@pytest.mark.parametrize("blocks", [False, True])
def test_one_member_is_the_single_environment(blocks: bool, edits: int) -> None:
    """Step by step over several episodes, with the same seed and actions."""
    rules = Rules(
        7,
        edits=edits,
        curriculum=Curriculum(0.1, every=2, slack=0.05),
        halting=Halting(7, 0.5, 3, 7),
        shaping=Shaping(),
    )
    setup = Setup.of(
        make_problem("h2-3", gates=14), rules=rules, steps=7, blocks=blocks, sweep=True,
        inner=KICKED,
    )  # fmt: skip
    single, vector, rng = CircuitGrowth(setup), VectorGrowth(setup, 1), np.random.default_rng(0)
    seen, _ = single.reset(seed=5)
    shown, told = vector.reset(seed=5)
    assert np.array_equal(seen, shown[0])
    over, episodes, lengths = False, 0, []
    for _ in range(30):
        assert np.array_equal(single.action_masks(), told["action_mask"][0])
        action = int(rng.integers(len(setup.actions)))
        shown, reward, terminated, truncated, told = vector.step(np.array([action]))
        if over:
            seen, info = single.reset()
            expected = (0.0, False, False)
            episodes += 1
        else:
            seen, *expected, info = single.step(action)
        over = bool(expected[1] or expected[2])
        assert np.array_equal(seen, shown[0])
        assert [*expected] == [reward[0], terminated[0], truncated[0]]
        for key in ("energy", "error", "success", "illegal", "threshold"):
            assert info[key] == told[key][0]
        lengths.append(over)
    assert episodes >= 3
    assert single.curriculum == vector.game.curriculum
    assert single.curriculum != setup.rules.curriculum


def test_members_do_not_mind_each_other() -> None:
    setup = gate_setup("h2-3", gates=9, inner=QUICK)
    rng, many = np.random.default_rng(1), VectorGrowth(setup, 5)
    alone = [VectorGrowth(setup, 1) for _ in range(5)]
    first, _ = many.reset(seed=0)
    assert np.array_equal(first, np.concatenate([one.reset(seed=0)[0] for one in alone]))
    for _ in range(12):
        actions = drawn(many, rng)
        observation, reward, terminated, truncated, info = many.step(actions)
        for member, one in enumerate(alone):
            own = one.step(actions[member : member + 1])
            np.testing.assert_allclose(own[0][0], observation[member], atol=1e-6)
            assert own[1][0] == pytest.approx(reward[member], abs=1e-9)
            assert (own[2][0], own[3][0]) == (terminated[member], truncated[member])
            assert np.array_equal(own[4]["action_mask"][0], info["action_mask"][member])


def test_a_member_that_ended_is_reset_by_the_next_step() -> None:
    """Whatever its action, with reward 0 and not ended; the others go on."""
    rules = Rules(6, curriculum=Curriculum.fixed(1e-9), halting=Halting(6, 0.5, 2, 6))
    env = VectorGrowth(gate_setup("h2-3", gates=9, rules=rules, steps=6, inner=QUICK), 6)
    rng = np.random.default_rng(2)
    first, _ = env.reset(seed=3)
    ended, resets = np.zeros(6, dtype=np.bool_), 0
    for _ in range(20):
        gates = env.game.crowd.n_gates.copy()
        observation, reward, terminated, truncated, info = env.step(drawn(env, rng))
        assert np.array_equal(observation[ended], first[ended])
        assert (reward[ended] == 0).all()
        assert not (terminated | truncated | info["illegal"])[ended].any()
        assert (env.game.crowd.n_gates[ended] == 0).all()
        assert (env.game.crowd.n_gates[~ended] == gates[~ended] + 1).all()
        assert (reward[truncated] == -5.0).all()
        resets += int(ended.sum())
        ended = terminated | truncated
    assert resets > 12
    assert 0 < ended.sum() < 6


def test_infos_are_true() -> None:
    env, rng = VectorGrowth(gate_setup("h2-3", gates=9, inner=QUICK), 4), np.random.default_rng(4)
    env.reset(seed=0)
    for _ in range(3):
        *_, info = env.step(drawn(env, rng))
    trials = [env.game.crowd.trial(member) for member in range(4)]
    assert info["energy"].tolist() == [trial.energy for trial in trials]
    ground = env.setup.problem.task.ground_energy
    assert info["error"].tolist() == [trial.energy - ground for trial in trials]
    assert np.array_equal(info["action_mask"], env.action_masks())
    info["energy"][:] = 7.0
    info["action_mask"][:] = False
    assert env.game.crowd.energy.max() < 7.0
    assert env.action_masks().any()


def test_unknown_ground_energy_has_no_error() -> None:
    task = replace(load_task("h2"), ground_energy=None)
    env = VectorGrowth(gate_setup(task, inner=QUICK), 2)
    assert np.isnan(env.reset(seed=0)[1]["error"]).all()
    assert env.game.target == -task.observable.bound()


@pytest.mark.parametrize(
    "actions", [[0], [0, 8], [0, -1], [0.0, 1.0], [[0], [1]], "01", None, [True, False]]
)
def test_bad_actions_change_nothing(actions: Any) -> None:
    env = VectorGrowth(gate_setup("h2", gates=6, inner=KICKED), 2)
    env.reset(seed=0)
    env.step(np.array([1, 4]))
    crowd = env.game.crowd
    before = crowd.energy.tolist(), crowd.gates.tolist(), env.game.left.tolist(), env.meter.spent
    rng = env.np_random.bit_generator.state
    with pytest.raises(InputError, match=r"2 whole numbers in 0\.\.7"):
        env.step(actions)
    after = crowd.energy.tolist(), crowd.gates.tolist(), env.game.left.tolist(), env.meter.spent
    assert before == after
    assert env.np_random.bit_generator.state == rng


@pytest.mark.parametrize("count", [0, -1, 1.5, True])
def test_bad_numbers_of_members(count: Any) -> None:
    with pytest.raises(InputError, match="num_envs"):
        VectorGrowth(gate_setup("h2"), count)


def test_equal_seeds_equal_episodes() -> None:
    def run(env: VectorGrowth, seed: Any) -> list[list[float]]:
        env.reset(seed=seed)
        rng = np.random.default_rng(0)
        return [env.step(drawn(env, rng))[4]["energy"].tolist() for _ in range(5)]

    env = VectorGrowth(block_setup("h2-3", inner=KICKED), 3)
    first = run(env, 8)
    assert first == run(env, 8) == run(env, [8, None, 4])
    assert first != run(env, 9)


def test_statistics_of_gymnasium_add_up() -> None:
    rules, rng = Rules(3, curriculum=Curriculum.fixed(1e-9)), np.random.default_rng(6)
    inner = VectorGrowth(gate_setup("h2", gates=9, rules=rules, steps=3, inner=QUICK), 2)
    env: Any = RecordEpisodeStatistics(inner)
    env.reset(seed=0)
    total = np.zeros(2)
    for _ in range(3):
        _, reward, _, truncated, info = env.step(drawn(inner, rng))
        total += reward
    assert truncated.all()
    np.testing.assert_allclose(info["episode"]["r"], total)
    assert info["episode"]["l"].tolist() == [3, 3]


def test_text_of_every_member() -> None:
    env = VectorGrowth(gate_setup("h2", gates=4, inner=QUICK), 2, render_mode="ansi")
    env.reset(seed=0)
    env.step(np.array([1, 6]))
    assert env.render() == ("q0: -ry-\nq1: ----", "q0: -o--\nq1: -+--")
    assert VectorGrowth(gate_setup("h2"), 1).render() is None
    with pytest.raises(InputError, match="ansi"):
        VectorGrowth(gate_setup("h2"), 1, render_mode="rgb_array")
