"""The Gymnasium door onto the problem: ``gymnasium.make("envs:qas/CircuitGrowth-v0", ...)``."""

import gymnasium

from envs.curriculum import Curriculum
from envs.growth import CircuitGrowth
from envs.observation import Encoding
from envs.reward import Reward

__all__ = ["CircuitGrowth", "Curriculum", "Encoding", "Reward"]

GROWTH = "qas/CircuitGrowth-v0"

if GROWTH not in gymnasium.registry:
    gymnasium.register(GROWTH, entry_point="envs.make:make_growth")
