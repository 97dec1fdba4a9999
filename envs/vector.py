"""Many environments as one: a step of all members is scored in one call of the simulator."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.drawing import draw
from envs.game import Game
from envs.growth import spaces
from envs.setup import Setup
from qas.errors import InputError
from qas.problem import Meter


class VectorGrowth(VectorEnv[NDArray[np.float32], NDArray[np.int64], NDArray[Any]]):
    """`num_envs` members of a `Setup`; the curriculum is one for all.

    A member whose episode ended is reset by the next step, whatever its action (Gymnasium's
    next-step mode). ``infos`` has arrays of shape (num_envs,): energy, error (not-a-number where
    the ground energy is unknown), success, illegal, threshold; and ``action_mask`` of shape
    (num_envs, n_actions), of the state that the observation shows.

    Args:
        setup: what is grown and how it is scored.
        num_envs: number of members.
        meter: charged with every energy; an unlimited one by default.
        render_mode: None or "ansi".
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # as the base class declares it
        "render_modes": ["ansi"],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        setup: Setup,
        num_envs: int = 1,
        *,
        meter: Meter | None = None,
        render_mode: str | None = None,
    ) -> None:
        if isinstance(num_envs, bool) or not isinstance(num_envs, int) or num_envs < 1:
            raise InputError(f"num_envs is a whole number from 1; given {num_envs!r}")
        if render_mode not in (None, "ansi"):
            raise InputError(f"many circuits render as text, 'ansi'; given {render_mode!r}")
        self.setup, self.num_envs, self.render_mode = setup, num_envs, render_mode
        self.meter = meter or setup.problem.meter(None)
        self.game: Game = setup.game(num_envs, self.meter)
        self.single_observation_space, self.single_action_space = spaces(setup)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        self._begun = False

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start all members; one ``seed`` for all, of a list the first."""
        super().reset(seed=seed[0] if isinstance(seed, list) else seed)
        self.game.begin(np.arange(self.num_envs), self.np_random)
        self._ended[:], self._begun = False, True
        none = np.zeros(self.num_envs, dtype=np.bool_)
        return self._observe(), self._info(none, none)

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[
        NDArray[np.float32], NDArray[Any], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]
    ]:
        """One action of every member; those that ended are reset in its place.

        Raises:
            InputError: not one whole number in range for each member; nothing has changed then.
            gymnasium.error.ResetNeeded: there was no reset.
        """
        if not self._begun:
            raise ResetNeeded("call reset() before the first step()")
        chosen = self._checked(actions)
        rewards = np.zeros(self.num_envs)
        terminated, truncated, illegal = np.zeros((3, self.num_envs), dtype=np.bool_)
        playing = np.flatnonzero(~self._ended)
        waiting = np.flatnonzero(self._ended)
        if len(playing):
            outcome = self.game.step(playing, chosen[playing], self.np_random)
            rewards[playing], illegal[playing] = outcome.reward, outcome.illegal
            terminated[playing], truncated[playing] = outcome.success, outcome.at_limit
        if len(waiting):
            self.game.begin(waiting, self.np_random)
        self._ended = terminated | truncated
        return self._observe(), rewards, terminated, truncated, self._info(terminated, illegal)

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (num_envs, n_actions)."""
        return self.game.crowd.masks()

    def render(self) -> tuple[Any, ...] | None:
        """The circuit of every member as text."""
        if self.render_mode is None:
            return None
        return tuple(draw(self.game.crowd.circuit(member)) for member in range(self.num_envs))

    def _checked(self, actions: object) -> NDArray[np.int64]:
        given, most = np.asarray(actions), len(self.setup.actions)
        whole = given.shape == (self.num_envs,) and given.dtype.kind in "iu"
        if not whole or (given < 0).any() or (given >= most).any():
            raise InputError(
                f"actions are {self.num_envs} whole numbers in 0..{most - 1}; given {actions!r}"
            )
        return given.astype(np.int64)

    def _observe(self) -> NDArray[np.float32]:
        return self.setup.view.observe(self.game.crowd)

    def _info(self, success: NDArray[np.bool_], illegal: NDArray[np.bool_]) -> dict[str, Any]:
        energy, ground = self.game.crowd.energy.copy(), self.setup.problem.task.ground_energy
        return {
            "energy": energy,
            "error": energy - (np.nan if ground is None else ground),
            "success": success.copy(),
            "illegal": illegal,
            "threshold": np.full(self.num_envs, self.game.curriculum.threshold),
            "action_mask": self.action_masks(),
        }
