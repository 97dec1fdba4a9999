"""A game as Stable-Baselines3 wants environments, and its learner as the engine wants state.

Imported by its users only when they need it: it takes torch and seconds with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from numpy.typing import NDArray
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices

from envs.crowd import Members
from envs.game import Game
from envs.observation import View
from qas.errors import InputError
from search.strategy.play import features
from search.strategy.replay import Vector

Arrays = dict[str, NDArray[Any]]
Step = tuple[Vector, Vector, NDArray[np.bool_], list[dict[str, Any]]]


class GameEnv(VecEnv):
    """The members of a game; one whose episode ended begins the next at once.

    Observations are `search.strategy.play.features`, shape (members, view.size). An episode that
    ends at its limit is terminal, as in CRLQAS: its reward says that it failed, and no value is
    bootstrapped behind it. Where nothing follows, behind an end or on a spent budget, gains are
    shown as 0 and not measured. Once the budget allows no more, `stopped` is True and steps do
    nothing.

    Source: Patel et al., arXiv 2402.03500, section 4.

    Args:
        game: plays; its meter is the budget.
        view: what is shown of it.
        rng: for kicks, shots and lengths of episodes.
        see: told of members that were just scored, before any of them begins anew.
    """

    render_mode: str | None = None

    def __init__(
        self,
        game: Game,
        view: View,
        rng: np.random.Generator,
        see: Callable[[Game, Members], None],
    ) -> None:
        super().__init__(game.crowd.size, *spaces(view))
        self.game, self.view, self.rng, self.see = game, view, rng, see
        self.everyone = np.arange(game.crowd.size)
        self.played = 0
        """Steps of members."""
        self.outcomes: list[float] = []
        """Lowest energy of every episode that ended, hartree."""
        self.stopped = False
        self._lowest = np.full(game.crowd.size, np.inf)
        self._actions = np.zeros(game.crowd.size, dtype=np.int64)

    def reset(self) -> Vector:
        """Begin an episode of every member."""
        self._begin(self.everyone)
        self.see(self.game, self.everyone)
        return self._observe()

    def step_async(self, actions: NDArray[np.int64]) -> None:
        """Take note of one action of each member."""
        self._actions = actions

    def step_wait(self) -> Step:
        """Play them; those whose episode ended show the first observation of the next."""
        crowd, count = self.game.crowd, len(self.everyone)
        infos: list[dict[str, Any]] = [{} for _ in self.everyone]
        if self.stopped:
            nothing = np.zeros(count, np.float32)
            return self._observe(), nothing, np.zeros(count, np.bool_), infos
        outcome = self.game.step(self.everyone, self._actions, self.rng)
        self.played += count
        self.see(self.game, self.everyone[outcome.scored])
        self._lowest = np.minimum(self._lowest, crowd.energy)
        ended = self.everyone[outcome.over]
        if len(ended):
            last = self._shown(replace(self.view, sweep=False))
            for member in ended:
                infos[member] = {
                    "terminal_observation": last[member],
                    "TimeLimit.truncated": False,
                }
            self.outcomes += self._lowest[ended].tolist()
            self._begin(ended)
        self.stopped = not outcome.scored.all()
        return self._observe(), outcome.reward.astype(np.float32), outcome.over, infos

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (members, n_actions)."""
        return self.game.crowd.masks()

    def _begin(self, members: Members) -> None:
        self.game.begin(members, self.rng)
        self._lowest[members] = self.game.crowd.energy[members]

    def _observe(self) -> Vector:
        meter = self.game.crowd.meter
        self.stopped = self.stopped or meter.exhausted
        shown = self._shown(replace(self.view, sweep=self.view.sweep and not self.stopped))
        self.stopped = self.stopped or meter.exhausted  # the sweep may have been the last
        return shown

    def _shown(self, view: View) -> Vector:
        """What a view shows, zeros for gains that it leaves out."""
        seen = features(view.observe(self.game.crowd), self.game.target, view)
        shown = np.zeros((len(seen), self.view.size), np.float32)
        shown[:, : seen.shape[1]] = seen
        return shown

    # --- what Stable-Baselines3 asks members for one by one ------------------------------------

    def env_method(
        self,
        method_name: str,
        *method_args: Any,
        indices: VecEnvIndices = None,
        **method_kwargs: Any,
    ) -> list[Any]:
        """One row for each member of what a method of all returns."""
        rows = getattr(self, method_name)(*method_args, **method_kwargs)
        return [rows[member] for member in self._get_indices(indices)]

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The same for each member."""
        return [getattr(self, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refused.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"members of a game have no {attr_name!r} of their own; make another game instead"
        )

    def env_is_wrapped(self, wrapper_class: type, indices: VecEnvIndices = None) -> list[bool]:
        """None is."""
        return [False for _ in self._get_indices(indices)]

    def close(self) -> None:
        """Nothing is held."""


def spaces(view: View) -> tuple[Box, Discrete]:
    """Of one member; the logarithm of a gap has no bound that matters."""
    return Box(-np.inf, np.inf, (view.size,), np.float32), Discrete(view.n_actions)


@contextmanager
def global_streams(rng: np.random.Generator) -> Iterator[None]:
    """Torch's and numpy's global generators seeded from ``rng`` inside, as they were behind.

    Stable-Baselines3 draws weights and actions from torch's, the order of batches from numpy's.
    """
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    try:
        # `torch.manual_seed` would seed the generators of all accelerators as well.
        torch.default_generator.manual_seed(int(rng.integers(2**63)))
        np.random.seed(rng.integers(2**32, size=4))  # noqa: NPY002
        yield
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def policy_arrays(policy: MaskableActorCriticPolicy) -> dict[str, Any]:
    """Copies of the weights, and of what the optimiser keeps for each of them."""
    weights = {name: layer.numpy().copy() for name, layer in policy.state_dict().items()}
    kept = policy.optimizer.state_dict()["state"]
    moments = {
        str(k): {name: value.numpy().copy() for name, value in one.items()}
        for k, one in kept.items()
    }
    return {"weights": weights, "moments": moments}


def load_policy_arrays(policy: MaskableActorCriticPolicy, state: dict[str, Any]) -> None:
    """Give a policy what `policy_arrays` returned.

    Raises:
        InputError: the network has another shape; nothing has changed then.
    """
    shapes = {name: value.shape for name, value in state["weights"].items()}
    own = {name: tuple(layer.shape) for name, layer in policy.state_dict().items()}
    if shapes != own:
        raise InputError(f"the saved network has layers {shapes}, this problem needs {own}")
    policy.load_state_dict(_tensors(state["weights"]))
    moments = {int(k): _tensors(one) for k, one in state["moments"].items()}
    groups = policy.optimizer.state_dict()["param_groups"]
    policy.optimizer.load_state_dict({"state": moments, "param_groups": groups})


def _tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.array(value)) for name, value in arrays.items()}
