"""The environment: circuits grow gate by gate and are scored under the device's noise."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from envs.curriculum import Curriculum
from envs.drawing import draw
from envs.game import Game, Outcome
from envs.setup import Setup
from qas.circuit import Circuit
from qas.errors import InputError
from qas.problem import Cost, Meter, Trial

Observation = NDArray[np.float32]
ONE = np.zeros(1, dtype=np.intp)
"""The only member."""


class CircuitGrowth(gymnasium.Env[Observation, np.int64]):
    """Append one action a step to a circuit.

    Actions index ``setup.actions``. `action_masks` says which are legal; an illegal one
    leaves the circuit as it is, costs a step and a small penalty, and sets ``info["illegal"]``.
    An observation is that of ``setup.view``. An episode terminates when the energy
    comes within the threshold of the target, and is truncated when its steps are used up or
    nothing is legal. ``info`` carries energy (hartree), error (against the ground energy, None
    where that is unknown), cost (of this step; its seconds stand on the meter only, so that
    equal seeds give equal infos), trial, threshold, success and illegal.

    Args:
        setup: what is grown and how it is scored.
        meter: charged with every energy; an unlimited one by default.
        render_mode: None, "ansi" (text) or "rgb_array" (needs matplotlib).

    Raises:
        InputError: no such render mode.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # as the base class declares it
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
    }

    def __init__(
        self, setup: Setup, *, meter: Meter | None = None, render_mode: str | None = None
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            modes = " or ".join(self.metadata["render_modes"])
            raise InputError(f"render_mode is {modes}; given {render_mode!r}")
        self.setup, self.problem, self.render_mode = setup, setup.problem, render_mode
        self.meter = meter or setup.problem.meter(None)
        self.game: Game = setup.game(1, self.meter)
        self.actions, self.view = setup.actions, setup.view
        self.observation_space, self.action_space = spaces(setup)
        self._begun = False
        self._trial: Trial | None = None

    @property
    def trial(self) -> Trial:
        """The circuit as it stands, scored."""
        if not self._begun:
            raise ResetNeeded("call reset() before anything else")
        if self._trial is None:
            self._trial = self.game.crowd.trial(0)
        return self._trial

    @property
    def circuit(self) -> Circuit:
        """The un-lowered circuit as it stands."""
        return self.game.crowd.circuit(0)

    @property
    def target(self) -> float:
        """The energy that is aimed at, hartree."""
        return self.game.target

    @property
    def curriculum(self) -> Curriculum:
        """The threshold of success as it stands."""
        return self.game.curriculum

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start from the setup's circuit; ``seed`` seeds kicks, shots and halting."""
        super().reset(seed=seed)
        before = self.meter.spent
        self.game.begin(ONE, self.np_random)
        self._begun, self._trial = True, None
        return self._observe(), self._info(before)

    def step(
        self, action: np.int64 | int
    ) -> tuple[Observation, SupportsFloat, bool, bool, dict[str, Any]]:
        """Append an action.

        Raises:
            InputError: the action is not a whole number in range; nothing has changed then.
            gymnasium.error.ResetNeeded: the episode is over, or none has begun.
        """
        index, before = self._checked(action), self.meter.spent
        outcome = self.game.step(ONE, np.array([index]), self.np_random)
        success, over = bool(outcome.success[0]), bool(outcome.over[0])
        if over or not outcome.illegal[0]:
            self._trial = None
        observation, info = self._observe(), self._info(before, outcome)
        return observation, float(outcome.reward[0]), success, over and not success, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (n_actions,)."""
        return np.asarray(self.game.crowd.masks()[0])

    @property
    def gap(self) -> float:
        """|target - energy| of the circuit as it stands, hartree."""
        return float(self.game.gap[0])

    def render(self) -> Any:
        """The circuit as text, or as an image of that text, shape (height, width, 3)."""
        if self.render_mode is None:
            gymnasium.logger.warn('choose a render_mode, "ansi" or "rgb_array", to render')
            return None
        energy = float(self.game.crowd.energy[0])
        text = f"{draw(self.circuit)}\nenergy {energy:.6f} hartree"
        if self.render_mode == "ansi":
            return text
        from envs.picture import picture

        return picture(text)

    def _checked(self, action: object) -> int:
        if not self._begun or self.game.left[0] == 0:
            raise ResetNeeded("the episode is over: call reset() before the next step()")
        try:
            index = -1 if isinstance(action, (bool, np.bool_)) else operator.index(action)  # type: ignore[arg-type]
        except TypeError:
            index = -1
        if not 0 <= index < len(self.actions):
            raise InputError(
                f"an action is a whole number in 0..{len(self.actions) - 1}; given {action!r}"
            )
        return index

    def _observe(self) -> Observation:
        return np.asarray(self.view.observe(self.game.crowd)[0])

    def _info(self, before: Cost, outcome: Outcome | None = None) -> dict[str, Any]:
        ground, energy = self.problem.task.ground_energy, float(self.game.crowd.energy[0])
        trial, spent = self.trial, self.meter.spent
        cost = Cost(
            spent.evaluations - before.evaluations,
            spent.sweeps - before.sweeps,
            spent.measurement_circuits - before.measurement_circuits,
        )
        return {
            "energy": energy,
            "error": None if ground is None else energy - ground,
            "cost": cost.to_dict(),
            "trial": replace(trial, cost=cost) if outcome is None else trial,
            "threshold": self.curriculum.threshold,
            "success": outcome is not None and bool(outcome.success[0]),
            "illegal": outcome is not None and bool(outcome.illegal[0]),
        }


def spaces(
    setup: Setup,
) -> tuple[gymnasium.Space[Observation], gymnasium.Space[np.int64]]:
    """Observation and action space of one member."""
    bound = setup.problem.task.observable.bound() * 1.001 + 1e-6
    low, high = setup.view.box(bound)
    observations: gymnasium.Space[Any] = gymnasium.spaces.Box(low, high, dtype=np.float32)
    return observations, gymnasium.spaces.Discrete(len(setup.actions))
