"""The environment: circuits grow gate by gate and are scored under the device's noise."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from envs.curriculum import Curriculum
from envs.drawing import draw
from envs.observation import AXES, Encoding
from envs.reward import Reward, target_energy
from qas.circuit import Circuit, Gate
from qas.errors import InputError
from qas.problem import Candidate, Cost, Effort, Meter, Problem, Trial, is_legal
from qas.problem.problem import Layout

STEP_EFFORT = Effort(iterations=15, tolerance=1e-7, slope=1e-4)
"""Of each step; the angles go on from where the last step left them."""
KICKS = (0.2, 1.5)
"""Radians."""

Observation = NDArray[np.float32]


class CircuitGrowth(gymnasium.Env[Observation, np.int64]):
    """Append one gate a step to a circuit that starts empty, in |0...0>.

    Actions index ``problem.tokens(layout)``. `action_masks` says which are legal; an illegal one
    leaves the circuit as it is, costs a step and a small penalty, and sets ``info["illegal"]``.
    An observation is the vector of `Encoding`. An episode terminates when the energy
    comes within the threshold of the target, and is truncated when its steps are used up or
    nothing is legal. ``info`` carries energy (hartree), error (against the ground energy, None
    where that is unknown), cost (of this step; its seconds stand on the meter only, so that
    equal seeds give equal infos), trial, threshold, success and illegal.

    Args:
        problem: what may be built and how it is scored.
        layout: physical qubits, one of the problem's device; its best by default.
        steps: length of an episode; by default the most gates a circuit may have.
        reward: what steps are worth.
        curriculum: threshold of success; moves at the end of an episode.
        effort: of the optimiser at each step.
        kicks: one start of the optimiser each, the best stands; standard deviation, in radians, of
            what is added to the angles first. A fresh rotation at 0 often stands where
            its slope vanishes, and a cx moves the state out of the valley it was in: a small
            kick helps the first, a large one the second.
        meter: charged with every energy; an unlimited one by default.
        render_mode: None, "ansi" (text) or "rgb_array" (needs matplotlib).

    Raises:
        InputError: an argument that does not fit.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # as the base class declares it
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
    }

    def __init__(
        self,
        problem: Problem,
        *,
        layout: Layout | None = None,
        steps: int | None = None,
        reward: Reward | None = None,
        curriculum: Curriculum | None = None,
        effort: Effort = STEP_EFFORT,
        kicks: Sequence[float] = KICKS,
        meter: Meter | None = None,
        render_mode: str | None = None,
    ) -> None:
        _check(problem, layout, steps, kicks, render_mode)
        self.problem = problem
        self.layout = problem.layouts[0] if layout is None else tuple(layout)
        self.steps = problem.limits.gates if steps is None else steps
        self.reward, self.curriculum = reward or Reward(), curriculum or Curriculum()
        self.effort, self.kicks, self.render_mode = effort, tuple(kicks), render_mode
        self.meter = meter or problem.meter(None)
        self.target = target_energy(problem.task)
        self.tokens: tuple[Gate, ...] = problem.tokens(self.layout)
        self.encoding = Encoding(problem.n_qubits, min(self.steps, problem.limits.gates))
        bound = problem.task.observable.bound() * 1.001 + 1e-6
        low, high = np.zeros(self.encoding.size), np.ones(self.encoding.size)
        low[-1], high[-1] = -bound, bound
        self.observation_space = gymnasium.spaces.Box(
            low.astype(np.float32), high.astype(np.float32), dtype=np.float32
        )
        self.action_space = gymnasium.spaces.Discrete(len(self.tokens))
        self._trial: Trial | None = None
        self._steps_left = 0
        self._best = 0.0

    @property
    def trial(self) -> Trial:
        """The circuit as it stands, scored."""
        if self._trial is None:
            raise ResetNeeded("call reset() before anything else")
        return self._trial

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start from the empty circuit; ``seed`` seeds the kicks."""
        super().reset(seed=seed)
        empty = Candidate(Circuit(self.problem.n_qubits), self.layout)
        self._trial = self.problem.score(empty, self.meter)
        self._steps_left = self.steps
        self._best = self.gap
        return self._observe(), self._info(self._trial.cost)

    def step(
        self, action: np.int64 | int
    ) -> tuple[Observation, SupportsFloat, bool, bool, dict[str, Any]]:
        """Append the gate of an action.

        Raises:
            InputError: the action is not a whole number in range; nothing has changed then.
            gymnasium.error.ResetNeeded: the episode is over, or none has begun.
        """
        gate = self.tokens[self._checked(action)]
        before = self.trial.energy
        legal = self._is_legal(gate)
        if legal:
            self._trial = self._extended(gate)
        self._steps_left -= 1
        self._best = min(self._best, self.gap)
        success = self.gap < self.curriculum.threshold
        at_limit = self._steps_left == 0 or not self.action_masks().any()
        reward = self.reward.of_step(
            before,
            self.trial.energy,
            self.target,
            success=success,
            at_limit=at_limit,
            illegal=not legal,
        )
        info = self._info(self.trial.cost if legal else Cost(), success, not legal)
        if success or at_limit:
            self._steps_left = 0
            self.curriculum = self.curriculum.after_episode(self._best, success)
        return self._observe(), reward, success, at_limit and not success, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, shape (n_actions,)."""
        return np.array([self._is_legal(gate) for gate in self.tokens], dtype=np.bool_)

    @property
    def gap(self) -> float:
        """|target - energy| of the circuit as it stands, hartree."""
        return abs(self.target - self.trial.energy)

    def render(self) -> Any:
        """The circuit as text, or as an image of that text, shape (height, width, 3)."""
        if self.render_mode is None:
            gymnasium.logger.warn('choose a render_mode, "ansi" or "rgb_array", to render')
            return None
        text = f"{draw(self.trial.candidate.circuit)}\nenergy {self.trial.energy:.6f} hartree"
        if self.render_mode == "ansi":
            return text
        from envs.picture import picture

        return picture(text)

    def _extended(self, gate: Gate) -> Trial:
        """The trial with a gate behind it, its angles optimised from a kick away."""
        trial = self.trial
        circuit = trial.candidate.circuit.then(gate.name, *gate.qubits)
        lowering = self.problem.lowering(trial.native.then(gate.name, *gate.qubits), self.layout)
        known = np.zeros(trial.native.n_params + gate.is_free)
        known[: trial.native.n_params] = trial.angles
        start, found = lowering.angles(known)[0], []
        for kick in self.kicks:
            child = self.problem.score(
                Candidate(circuit, self.layout),
                self.meter,
                native=lowering.native,
                start=start + kick * self.np_random.standard_normal(len(start)),
                effort=self.effort,
            )
            found.append(child)
            if self.meter.exhausted:
                break
        best = min(found, key=lambda child: child.energy)
        return replace(best, cost=sum((child.cost for child in found), Cost()))

    def _is_legal(self, gate: Gate) -> bool:
        limits = self.problem.limits
        circuit = self.trial.candidate.circuit
        return is_legal(circuit, gate, limits.gates, limits.two_qubit_gates)

    def _checked(self, action: object) -> int:
        if self._trial is None or self._steps_left == 0:
            raise ResetNeeded("the episode is over: call reset() before the next step()")
        try:
            index = -1 if isinstance(action, (bool, np.bool_)) else operator.index(action)  # type: ignore[arg-type]
        except TypeError:
            index = -1
        if not 0 <= index < len(self.tokens):
            raise InputError(
                f"an action is a whole number in 0..{len(self.tokens) - 1}; given {action!r}"
            )
        return index

    def _observe(self) -> Observation:
        return self.encoding.observe(self.trial.candidate.circuit, self.trial.energy)

    def _info(self, cost: Cost, success: bool = False, illegal: bool = False) -> dict[str, Any]:
        trial, ground = self.trial, self.problem.task.ground_energy
        cost = replace(cost, simulator_seconds=0.0)
        timeless = replace(trial.cost, simulator_seconds=0.0)
        return {
            "energy": trial.energy,
            "error": None if ground is None else trial.energy - ground,
            "cost": cost.to_dict(),
            "trial": replace(trial, cost=timeless),
            "threshold": self.curriculum.threshold,
            "success": success,
            "illegal": illegal,
        }


def _check(
    problem: Problem,
    layout: Layout | None,
    steps: int | None,
    kicks: Sequence[float],
    render_mode: str | None,
) -> None:
    if others := set(problem.pool) - {*AXES, "cx"}:
        raise InputError(
            f"the environment grows circuits of rx, ry, rz and cx; the pool also names "
            f"{', '.join(sorted(others))}"
        )
    if layout is not None and len(layout) != problem.n_qubits:
        raise InputError(
            f"task {problem.task.name} has {problem.n_qubits} qubits; the layout names "
            f"{len(layout)}"
        )
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise InputError(f"an episode has 1 or more steps; given {steps!r}")
    if not len(kicks) or not all(np.isfinite(kick) and kick >= 0 for kick in kicks):
        raise InputError(f"kicks are one or more numbers of radians, 0 or more; given {kicks!r}")
    if render_mode not in (None, *CircuitGrowth.metadata["render_modes"]):
        modes = " or ".join(CircuitGrowth.metadata["render_modes"])
        raise InputError(f"render_mode is {modes}; given {render_mode!r}")
