"""Environments of a classifier: circuits grow behind the encoder, without gains of actions."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import envs  # noqa: F401
from envs.make import make_problem
from envs.reward import Shaping
from envs.setup import Rules, Setup
from qas.errors import InputError


@pytest.mark.parametrize("device", ["ideal", "FakeManilaV2"])
@pytest.mark.parametrize("name", ["CircuitGrowth", "BlockGrowth"])
def test_an_episode_lowers_the_loss(name: str, device: str) -> None:
    env = gymnasium.make(f"envs:qas/{name}-v0", task="digits2", device=device, two_qubit_gates=2)
    rng = np.random.default_rng(3)
    observation, info = env.reset(seed=1)
    first, spent = info["energy"], 0
    for _ in range(4):
        assert env.observation_space.contains(observation)
        legal = np.flatnonzero(env.unwrapped.action_masks())  # type: ignore[attr-defined]
        observation, reward, over, cut, info = env.step(int(rng.choice(legal)))
        spent += info["cost"]["evaluations"]
        assert info["energy"] <= first + 1e-9
        assert info["error"] is None
        assert np.isfinite(float(reward))
        if over or cut:
            break
    assert spent > 0
    assert spent % 164 == 0


def test_gains_are_refused_before_anything_is_grown() -> None:
    problem = make_problem("digits2", "ideal")
    for settings in ({"sweep": True}, {"rules": Rules(3, shaping=Shaping())}):
        with pytest.raises(InputError, match="asks for a loss"):
            Setup.of(problem, **settings)  # type: ignore[arg-type]
