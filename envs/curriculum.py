"""The threshold of success, and how it moves from episode to episode."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

from qas.errors import InputError

CHEMICAL_ACCURACY = 1.6e-3
"""Hartree."""
MOST_LOWERED = 10
"""Times that successes may lower the threshold between two shifts."""


@dataclass(frozen=True)
class Curriculum:
    """A threshold that follows the best gap |target - energy| found so far; hartree.

    Under noise the ground energy is out of reach by an unknown amount. So every ``every``
    episodes the threshold becomes the best gap plus ``slack``; after ``after`` successes it
    falls by ``slack`` / 10, at most ten times until the next shift.

    Source: Patel et al., arXiv 2402.03500, section 4 (feedback-driven curriculum); their code
    takes (every, after, slack) = (500, 25, 5e-4) up to 4 qubits and (2000, 50, 1e-3) above.

    >>> moved = Curriculum(every=1, slack=1e-3).after_episode(gap=0.004, success=False)
    >>> moved.threshold, moved.best
    (0.005, 0.004)
    """

    threshold: float = CHEMICAL_ACCURACY
    """An energy within this of the target is a success."""
    every: int | None = 25
    """Episodes between two shifts; None keeps the threshold where it is."""
    after: int = 10
    """Successes that lower the threshold a little."""
    slack: float = 5e-4
    best: float | None = None
    """Smallest gap seen."""
    episodes: int = 0
    """Since the last shift."""
    successes: int = 0
    """Since the threshold last moved."""
    lowered: int = 0
    """Times it was lowered since the last shift."""

    def __post_init__(self) -> None:
        for name, value in (("threshold", self.threshold), ("slack", self.slack)):
            if not (isfinite(value) and value > 0):
                raise InputError(f"the {name} must be a positive number of hartree; given {value}")
        if self.after < 1 or (self.every is not None and self.every < 1):
            raise InputError("the threshold moves after 1 or more episodes or successes")

    @classmethod
    def published(cls, n_qubits: int) -> Curriculum:
        """The constants of CRLQAS's code for a task of so many qubits.

        >>> Curriculum.published(4).every, Curriculum.published(6).slack
        (500, 0.001)
        """
        if n_qubits <= 4:
            return cls(every=500, after=25, slack=5e-4)
        return cls(every=2000, after=50, slack=1e-3)

    @classmethod
    def stated(cls) -> Curriculum:
        """The constants that CRLQAS's text states, at odds with its code."""
        return cls(every=500, after=50, slack=1e-4)

    @classmethod
    def fixed(cls, threshold: float = CHEMICAL_ACCURACY) -> Curriculum:
        """A threshold that stays."""
        return cls(threshold=threshold, every=None)

    def after_episode(self, gap: float, success: bool) -> Curriculum:
        """The curriculum after an episode whose smallest gap was ``gap``."""
        if self.every is None:
            return self
        best = gap if self.best is None else min(self.best, gap)
        seen = replace(
            self, best=best, episodes=self.episodes + 1, successes=self.successes + success
        )
        if seen.episodes >= self.every:
            moved = best + self.slack
            return replace(seen, threshold=moved, episodes=0, successes=0, lowered=0)
        if seen.successes >= self.after and self.lowered < MOST_LOWERED:
            lower = max(seen.threshold - self.slack / MOST_LOWERED, self.slack / MOST_LOWERED)
            return replace(seen, threshold=lower, successes=0, lowered=self.lowered + 1)
        return seen

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values; ``Curriculum(**...)`` reads them."""
        return asdict(self)
