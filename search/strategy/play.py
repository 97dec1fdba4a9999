"""What learners on the growth environment share: the space, what they see, what they hand over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.game import Game
from envs.observation import View
from envs.setup import STEP, Setup, sequence
from qas.problem import Meter, Problem, Trial, pareto_front, relayout

Vector = NDArray[np.float32]
CALLS = 20
"""Values with gradients that a scoring takes, about."""
WORTH = 1e-6
"""Hartree by which a circuit must be better than all before to be tried on other layouts."""


def blocks(problem: Problem) -> Setup:
    """Dressed cx blocks, the actions as a sequence: the space in which short circuits are found."""
    inner = replace(STEP, kicks=(0.2, 0.7))
    return Setup.of(problem, blocks=True, gates=False, encoding=sequence, inner=inner)


def swept(problem: Problem) -> Setup:
    """The same with one descent a step: the sweep knows where new angles should start."""
    return replace(blocks(problem), inner=replace(STEP, kicks=(0.0,)))


def features(observations: Vector, target: float, view: View) -> Vector:
    """Observations with log10 of the distance from the target (hartree) for the energy."""
    at, shown = view.encoding.size, observations.copy()
    gap = np.maximum(np.abs(shown[..., at].astype(np.float64) - target), 1e-7)
    shown[..., at] = np.log10(gap)
    return shown


class Front:
    """The best circuits of a round by number of two-qubit gates, as trials."""

    def __init__(self) -> None:
        self._best: dict[int, float] = {}
        self.trials: list[Trial] = []

    def see(self, game: Game, members: NDArray[np.intp]) -> None:
        """Keep members that no other so far beats at as few two-qubit gates."""
        crowd = game.crowd
        for member in members[np.argsort(crowd.energy[members], kind="stable")]:
            pairs, energy = int(crowd.n_pairs[member]), float(crowd.energy[member])
            known = [seen for count, seen in self._best.items() if count <= pairs]
            if energy < min(known, default=np.inf):
                self._best[pairs] = energy
                self.trials.append(crowd.trial(int(member)))


def affordable(members: int, setup: Setup, meter: Meter) -> int:
    """Members whose episodes a small budget allows, about: one that it cuts teaches nothing."""
    most = setup.start.n_params + setup.rules.steps * max(map(len, setup.actions))
    left = min(meter.left, 2.0**60)
    return max(1, min(members, int(left / (setup.rules.steps * CALLS * (1 + 2 * most)))))


def placed(problem: Problem, trials: list[Trial], best: float, meter: Meter) -> list[Trial]:
    """The front of some trials; a circuit better than ``best`` is tried on other layouts.

    Args:
        problem: its layouts are tried.
        trials: of a round.
        best: lowest energy before, hartree.
        meter: charged with the placements.
    """
    front = pareto_front(trials)
    better = bool(front) and front[0].energy < best - WORTH
    if better and len(problem.layouts) > 1 and not meter.exhausted:
        front = pareto_front([relayout(problem, front[0], meter), *front])
    return front
