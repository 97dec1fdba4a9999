"""What a run of a strategy leaves behind: how low it was when, and its best circuits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qas.problem import Trial

ALLOWANCE = 0.05
"""Share of the budget by which the last step may pass it and still count."""
GAIN = 1e-12
"""Hartree: less is no progress."""


@dataclass
class Trace:
    """Watches the trials of a run.

    A step that passes the budget a little, to finish the gradient in hand, counts at the
    budget; one that passes it by more than `ALLOWANCE` does not count at all.
    """

    budget: int
    """Evaluations."""
    counting: bool = True
    """False where the strategy itself knows how many circuits it proposed."""
    trials: int = 0
    lowest: float = np.inf
    """Hartree."""
    curve: list[list[float]] = field(default_factory=list)
    """[evaluations, seconds, energy] wherever the energy fell."""
    best: dict[int, Trial] = field(default_factory=dict)
    """Of every number of two-qubit gates."""
    circuits: set[tuple[str, tuple[int, ...]]] = field(default_factory=set)
    """Content and layout of the circuits that were scored, if ``counting``."""

    def see(self, trials: list[Trial], evaluations: int, seconds: float) -> None:
        """Take in a step's trials, with what was spent when it was done."""
        if evaluations > self.budget * (1 + ALLOWANCE):
            return
        self.trials += len(trials)
        if self.counting:
            keys = ((t.candidate.circuit.id, t.candidate.layout) for t in trials)
            self.circuits.update(keys)
        for trial in trials:
            self._keep(trial)
        if trials and (energy := min(t.energy for t in trials)) < self.lowest - GAIN:
            self.lowest = energy
            self.curve.append([min(evaluations, self.budget), round(seconds, 3), energy])

    def _keep(self, trial: Trial) -> None:
        held = self.best.get(trial.two_qubit_gates)
        if held is None or trial.rank < held.rank:
            self.best[trial.two_qubit_gates] = trial

    def proposals(self, tally: Any = None) -> dict[str, int]:
        """Trials, circuits proposed, and different ones among these.

        Args:
            tally: of the strategy: ``proposed`` and ``different``, repeats that it never
                scored included; without one what was scored is counted.
        """
        if tally is None:
            return {
                "trials": self.trials, "proposed": self.trials, "different": len(self.circuits)
            }  # fmt: skip
        return {
            "trials": self.trials,
            "proposed": int(tally.proposed),
            "different": int(tally.different),
        }
