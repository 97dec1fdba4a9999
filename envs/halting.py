"""Episodes of random length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError


@dataclass(frozen=True)
class Halting:
    """Lengths drawn from a negative binomial distribution, clipped.

    An agent that may be stopped early learns to gain early, and so finds shorter circuits.

    Source: Patel et al., arXiv 2402.03500, section 4 (random halting); their code draws
    NB(70, 0.573), the failures before 70 successes, and clips it to 25 .. 70.
    """

    successes: float = 70.0
    probability: float = 0.573
    least: int = 25
    most: int = 70

    def __post_init__(self) -> None:
        if not (self.successes > 0 and 0 < self.probability <= 1):
            raise InputError(
                "halting needs a positive number of successes and a probability in (0, 1]; "
                f"given {self.successes} and {self.probability}"
            )
        if not 1 <= self.least <= self.most:
            raise InputError(f"lengths are 1 <= least <= most; given {self.least}, {self.most}")

    @classmethod
    def for_steps(cls, steps: int) -> Halting:
        """The published distribution, scaled from 70 steps to some others.

        >>> Halting.for_steps(14)
        Halting(successes=14, probability=0.573, least=5, most=14)
        """
        return cls(steps, 0.573, max(1, round(25 * steps / 70)), steps)

    def lengths(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """So many lengths, in steps."""
        drawn = rng.negative_binomial(self.successes, self.probability, count)
        return np.clip(drawn, self.least, self.most)
