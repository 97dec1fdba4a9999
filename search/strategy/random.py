"""Random search: the control arm of every comparison."""

from __future__ import annotations

from typing import Any

import numpy as np

from qas.problem import Meter, Problem, Space, Trial, score_words
from search.strategy.strategy import START, Tally

BATCH = 8


class RandomSearch:
    """Draws layouts, lengths and legal letters evenly; angles are optimised like all others'."""

    name = "random"

    def __init__(self, problem: Problem, seed: int, space: str = "gates") -> None:
        self.space, self.seed, self.steps = Space.of(problem, space), seed, 0
        self.tally = Tally()

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """Some random words, scored."""
        rng = np.random.default_rng([self.seed, self.steps])
        self.steps += 1
        layouts = rng.integers(len(problem.layouts), size=BATCH).tolist()
        lengths = rng.integers(1, max(self.space.longest, 1) + 1, size=BATCH).tolist()
        drawn = [
            (self.space.random_word(length, rng, layout), layout)
            for length, layout in zip(lengths, layouts, strict=True)
        ]
        fresh = [pair for pair in drawn if self.tally.note(self.space, *pair)]
        words, layouts = [word for word, _ in fresh], [layout for _, layout in fresh]
        trials = score_words(problem, self.space, words, layouts, meter, START, rng)
        return [trial for trial in trials if trial is not None]

    def state_dict(self) -> dict[str, Any]:
        """Seed and number of steps: each step has its own stream."""
        return {"seed": self.seed, "steps": self.steps, "tally": self.tally.to_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
        self.tally = Tally.from_dict(state["tally"])
