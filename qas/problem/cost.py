"""Costs and the meter that counts them against a budget."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, fields
from typing import Any

from qas.errors import InputError


@dataclass(frozen=True)
class Cost:
    """What was spent; costs add up.

    >>> Cost(evaluations=3) + Cost(evaluations=4, sweeps=1)
    Cost(evaluations=7, sweeps=1, measurement_circuits=0, shots=0, simulator_seconds=0.0)
    """

    evaluations: int = 0
    """Energies a device would have to measure: 1 a value, 1 + 2P a value with P slopes,
    an insertion sweep 2 per rotation child and 1 per other child."""
    sweeps: int = 0
    """Forward-and-backward passes of the simulator."""
    measurement_circuits: int = 0
    """Evaluations times commuting groups of the observable."""
    shots: int = 0
    """Shots taken; none by the exact simulators."""
    simulator_seconds: float = 0.0
    """Wall time inside the simulators."""

    def __add__(self, other: Cost) -> Cost:
        names = [field.name for field in fields(self)]
        return Cost(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def __sub__(self, other: Cost) -> Cost:
        names = [field.name for field in fields(self)]
        return Cost(**{name: getattr(self, name) - getattr(other, name) for name in names})

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers by name."""
        return asdict(self)


class Meter:
    """Counts what is spent and says when the budget is.

    The campaign makes one per strategy; whoever runs circuits charges it.

    Args:
        budget: evaluations that may be spent; None is unlimited.
        n_groups: commuting groups of the observable, for `Cost.measurement_circuits`.
        spent: what was spent before, when a campaign goes on.
        seconds: wall time from now after which the meter is exhausted too; None: no limit.
    """

    def __init__(
        self,
        budget: int | None,
        n_groups: int,
        spent: Cost | None = None,
        seconds: float | None = None,
    ) -> None:
        if budget is not None and budget < 1:
            raise InputError(f"the budget must be at least 1 evaluation; given {budget}")
        self.budget, self.n_groups = budget, n_groups
        self.spent = spent or Cost()
        self._deadline = None if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Evaluations that may still be spent."""
        return float("inf") if self.budget is None else self.budget - self.spent.evaluations

    @property
    def deadline(self) -> float:
        """When time is up, on the clock of `time.monotonic`; infinite without a limit."""
        return float("inf") if self._deadline is None else self._deadline

    @property
    def exhausted(self) -> bool:
        """True once no evaluation or no time is left."""
        return self.left <= 0 or time.monotonic() >= self.deadline

    def charge(self, evaluations: int, started: float, sweeps: int = 0) -> None:
        """Count work that began at ``started`` (seconds, of `time.perf_counter`)."""
        self.spent += Cost(
            evaluations,
            sweeps,
            evaluations * self.n_groups,
            simulator_seconds=time.perf_counter() - started,
        )
