"""Bayesian search: Optuna's Gaussian process with expected improvement.

Sources: Jones, Schonlau and Welch, J. Global Optim. 13, 455 (1998); Ament et al.,
arXiv:2310.20708.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qas.problem import Problem, Space, Word
from search.strategy.ask_tell import AskTell
from search.strategy.encoding import Embedded
from search.strategy.sampling import Recipe, latest_and_best

if TYPE_CHECKING:
    import optuna

BEST, LATEST = 50, 75
"""A fit takes the cube of their number: 125 to 250 circuits are shown."""
STARTUP = 24
"""Circuits drawn at random to begin with."""


def sampler(seed: int) -> optuna.samplers.GPSampler:
    """A sampler; circuits of a batch that are asked already are integrated out."""
    import optuna

    return optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP)


RECIPE = Recipe(
    "gp",
    lambda space, seed: Embedded(space, seed=seed),
    sampler,
    latest_and_best(BEST, LATEST),
    STARTUP,
)


def gp(problem: Problem, seed: int, space: str = "blocks", known: Sequence[Word] = ()) -> AskTell:
    """A Gaussian process over a few numbers that spell words; arguments as of `AskTell`."""
    return AskTell(problem, seed, Space.of(problem, space), RECIPE, known)
