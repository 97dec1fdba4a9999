"""What a step is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qas.task import Task


@dataclass(frozen=True)
class Reward:
    """Success, failure at the limit, and in between the share of the error that was removed.

    Source: Patel et al., arXiv 2402.03500, eq. 2; the no-op for an illegal action is ours.
    """

    success: float = 5.0
    """When the energy comes within the threshold of the target."""
    failure: float = -5.0
    """When the steps are used up without success."""
    illegal: float = -0.1
    """For an action that the mask forbids: the circuit stays, the step is used."""

    def of_step(
        self,
        before: float,
        after: float,
        target: float,
        *,
        success: bool = False,
        at_limit: bool = False,
        illegal: bool = False,
    ) -> float:
        """Reward of one step between two energies (hartree).

        >>> Reward().of_step(-1.0, -1.1, -1.2)
        0.5
        >>> Reward().of_step(-1.0, -1.2, -1.2, success=True, at_limit=True)
        5.0
        """
        if success:
            return self.success
        if at_limit:
            return self.failure
        return self.illegal if illegal else improvement(before, after, target)


def improvement(before: float, after: float, target: float) -> float:
    """(before - after) / |before - target|, clipped to -1 .. 1; 0 at the target itself."""
    gap = abs(before - target)
    if gap == 0:
        return 0.0
    return round(float(np.clip((before - after) / gap, -1, 1)), 12)


def target_energy(task: Task) -> float:
    """The ground energy, or where nobody knows it the fake minimum -sum |c_i|, hartree."""
    if task.ground_energy is not None:
        return task.ground_energy
    return -task.observable.bound()
