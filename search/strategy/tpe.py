"""Bayesian search: Optuna's tree-structured Parzen estimator.

Sources: Bergstra et al., NIPS 2011; Watanabe, arXiv:2304.11127.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from qas.problem import Problem, Space, Word
from search.strategy.ask_tell import AskTell
from search.strategy.encoding import Letters, Tokens
from search.strategy.sampling import Recipe, latest_and_best

if TYPE_CHECKING:
    import optuna

BEST, LATEST = 25, 225
"""The estimator's model of good circuits is made of the best 25 once there are 250: these are
always shown. That of the others weighs them by age; here the oldest are left out."""
STARTUP = 24
"""Circuits drawn at random to begin with."""


def sampler(seed: int) -> optuna.samplers.TPESampler:
    """Multivariate; circuits of a batch keep away from each other (constant liar)."""
    import optuna

    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP)


RECIPE = Recipe(
    "tpe", lambda space, seed: Tokens(space), sampler, latest_and_best(BEST, LATEST), STARTUP
)

SHORT = replace(RECIPE, encoding=lambda space, seed: Letters(space))
"""For constraints. Of a good circuit's slots the estimator redraws up to half, and of tokens only
one is nothing: its circuits are long. Here the length is a choice of its own."""


def tpe(problem: Problem, seed: int, space: str = "blocks", known: Sequence[Word] = ()) -> AskTell:
    """TPE over slots of letters; arguments as of `AskTell`."""
    recipe = SHORT if problem.constraints else RECIPE
    return AskTell(problem, seed, Space.of(problem, space), recipe, known)
