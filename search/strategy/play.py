"""What learners on the growth environment share: the space, what they see, what they hand over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.game import Game
from envs.observation import View
from envs.setup import STEP, Setup, sequence
from qas.problem import QUICK, Meter, Problem, Trial, prune, relayout

Vector = NDArray[np.float32]
CALLS = 20
"""Values with gradients that a scoring takes, about."""
WORTH = 1e-4
"""Hartree by which a circuit must be better than all before to be placed and pruned."""


def blocks(problem: Problem) -> Setup:
    """Dressed cx blocks, the actions as a sequence: the space in which short circuits are found.

    A single qubit has no pairs: it gets single gates.
    """
    inner, alone = replace(STEP, kicks=(0.2, 0.7)), problem.n_qubits == 1
    return Setup.of(problem, blocks=True, gates=alone, encoding=sequence, inner=inner)


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
    """The best circuit of a round for each number of two-qubit gates, as trials."""

    def __init__(self) -> None:
        self._best: dict[int, float] = {}
        self._trials: dict[int, Trial] = {}

    @property
    def trials(self) -> list[Trial]:
        """Lowest energy first; ones with more two-qubit gates than a better one stand there too."""
        return sorted(self._trials.values(), key=lambda trial: trial.rank)

    def see(self, game: Game, members: NDArray[np.intp]) -> None:
        """Keep members that are better than all before with as many two-qubit gates."""
        crowd = game.crowd
        for member in members[np.argsort(crowd.energy[members], kind="stable")].tolist():
            pairs, energy = int(crowd.n_pairs[member]), float(crowd.energy[member])
            if energy < self._best.get(pairs, np.inf):
                self._best[pairs], self._trials[pairs] = energy, crowd.trial(member)


def affordable(members: int, setup: Setup, meter: Meter) -> int:
    """Members whose episodes a small budget allows, about: one that it cuts teaches nothing."""
    most = setup.start.n_params + setup.rules.steps * max(map(len, setup.actions))
    left, price = min(meter.left, 2.0**60), setup.problem.task.observable.price
    episode = setup.rules.steps * CALLS * (1 + 2 * most) * price
    return max(1, min(members, int(left / episode)))


def placed(problem: Problem, trials: list[Trial], best: float, meter: Meter) -> list[Trial]:
    """The trials, and the first one on the best other layout and pruned, if it is news.

    Blocks carry rotations that a device pays for in pulses, whether they turn or not.

    Args:
        problem: its layouts are tried.
        trials: of a round, lowest energy first.
        best: lowest energy of a trial before, hartree; by `WORTH` less is news.
        meter: charged with the work.
    """
    if problem.device.is_ideal or not trials or trials[0].energy > best - WORTH:
        return trials
    moved = relayout(problem, trials[0], meter)
    short = prune(problem, moved, meter, tolerance=1e-7, effort=QUICK)
    return [*(trial for trial in (short, moved) if trial is not trials[0]), *trials]
