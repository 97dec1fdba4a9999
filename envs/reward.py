"""What a step is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.task import Classifier, Task

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Reward:
    """Success, failure at the limit, and in between the share of the error that was removed.

    Source: Patel et al., arXiv 2402.03500, eq. 2. The no-op for an illegal action and the prices
    are ours: with them a step also costs what it adds to the circuit, success or not.
    """

    success: float = 5.0
    """When the energy comes within the threshold of the target."""
    failure: float = -5.0
    """When the steps are used up without success."""
    illegal: float = -0.1
    """For an action that the mask forbids: the circuit stays, the step is used."""
    per_pair: float = 0.0
    """Price of a two-qubit gate."""
    per_moment: float = 0.0
    """Price of a moment of depth."""
    per_microsecond: float = 0.0
    """Price of the native circuit's scheduled duration."""

    @property
    def has_prices(self) -> bool:
        """True if circuits cost something."""
        return bool(self.per_pair or self.per_moment or self.per_microsecond)

    def of_steps(
        self,
        before: ArrayLike,
        after: ArrayLike,
        target: float,
        *,
        success: ArrayLike = False,
        at_limit: ArrayLike = False,
        illegal: ArrayLike = False,
    ) -> Reals:
        """Rewards of steps between energies (hartree), prices left out; shapes broadcast.

        >>> Reward().of_steps([-1.0, -1.0], [-1.1, -1.2], -1.2, success=[False, True]).tolist()
        [0.5, 5.0]
        """
        step = np.where(illegal, self.illegal, improvement(before, after, target))
        rewards: Reals = np.where(success, self.success, np.where(at_limit, self.failure, step))
        return rewards

    def price(self, pairs: ArrayLike, moments: ArrayLike, seconds: ArrayLike) -> Reals:
        """What circuits cost, shape of the arguments."""
        return (
            self.per_pair * np.asarray(pairs, dtype=np.float64)
            + self.per_moment * np.asarray(moments, dtype=np.float64)
            + self.per_microsecond * 1e6 * np.asarray(seconds, dtype=np.float64)
        )


def improvement(before: ArrayLike, after: ArrayLike, target: float) -> Reals:
    """(before - after) / |before - target|, clipped to -1 .. 1; 0 at the target itself."""
    first, then = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    gap = np.abs(first - target)
    share = np.divide(first - then, gap, out=np.zeros_like(gap), where=gap > 0)
    return np.round(np.clip(share, -1, 1), 12)


@dataclass(frozen=True)
class Shaping:
    """A potential whose discounted difference is added to the reward of every step.

    phi(s) = weight * log10(gap of the start / gap of the best extension of s), with the gaps
    against the target and not below ``floor``: how near the circuit is, one action ahead. It is 0
    behind the end of an episode, so that the best policy stays the best.

    Source: Ng, Harada, Russell, ICML 1999 (potential-based shaping); the potential is ours.
    """

    weight: float = 1.0
    floor: float = 1e-6
    """Hartree."""

    def potential(self, first: ArrayLike, ahead: ArrayLike) -> Reals:
        """phi for a gap of the start and gaps one action ahead, hartree.

        >>> Shaping(weight=2.0).potential(1e-2, [1e-3, 1e-9]).tolist()
        [2.0, 8.0]
        """
        known = np.maximum(np.asarray(ahead, dtype=np.float64), self.floor)
        return np.round(self.weight * np.log10(np.maximum(first, self.floor) / known), 12)


def target_energy(task: Task | Classifier) -> float:
    """The ground energy, or where nobody knows it the fake minimum -sum |c_i|, hartree.

    Source: Patel et al., arXiv 2402.03500, section 4.
    """
    if task.ground_energy is not None:
        return task.ground_energy
    return fake_minimum(task)


def fake_minimum(task: Task | Classifier, shift: float = 0.0) -> float:
    """-sum |c_i| + shift, hartree: no state's energy is below it for a shift of 0 or less.

    No loss is below 0, which takes its place.
    """
    if isinstance(task, Classifier):
        return shift
    return -task.observable.bound() + shift
