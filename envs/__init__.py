"""The Gymnasium door onto the problem: ``gymnasium.make("envs:qas/CircuitGrowth-v0", ...)``.

``qas/CircuitGrowth-v0`` appends single gates, ``qas/BlockGrowth-v0`` dressed cx blocks with the
gain of every action in view, ``qas/CRLQAS-v0`` is the published environment. Each comes alone
(``gymnasium.make``) and as many members scored together (``gymnasium.make_vec``).
"""

from functools import partial

import gymnasium

from envs.curriculum import Curriculum
from envs.game import Game, Rules
from envs.growth import CircuitGrowth
from envs.halting import Halting
from envs.make import SETUPS, make_single, make_vector
from envs.observation import SequenceEncoding, TensorEncoding
from envs.reward import Reward, Shaping
from envs.setup import Setup
from envs.vector import VectorGrowth

__all__ = [
    "CircuitGrowth",
    "Curriculum",
    "Game",
    "Halting",
    "Reward",
    "Rules",
    "SequenceEncoding",
    "Setup",
    "Shaping",
    "TensorEncoding",
    "VectorGrowth",
]

for _name, _setup in SETUPS.items():
    if _name not in gymnasium.registry:
        gymnasium.register(
            _name,
            entry_point=partial(make_single, setup=_setup),
            vector_entry_point=partial(make_vector, setup=_setup),
        )
