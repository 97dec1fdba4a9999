"""Evolution by sorting into fronts: Optuna's NSGA-II.

Source: Deb et al., IEEE Trans. Evol. Comput. 6, 182 (2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qas.problem import Problem, Space, Word
from search.strategy.ask_tell import AskTell
from search.strategy.encoding import Tokens
from search.strategy.sampling import Recipe, Told

if TYPE_CHECKING:
    import optuna

POPULATION = 32
CHILDREN = 16
"""Of a generation; a child that is known already is not born."""


def sampler(seed: int) -> optuna.samplers.NSGAIISampler:
    """Uniform crossover, and one parameter mutated on the average."""
    import optuna

    return optuna.samplers.NSGAIISampler(seed=seed, population_size=POPULATION)


def generation_zero(own: Any) -> dict[str, Any]:
    """What the sampler writes on the trials of its first generation.

    All that survive and their children are shown as one generation: the best of it are the
    parents of the next.
    """
    return {own._get_generation_key(): 0}


def survivors(told: list[Told], seen: list[int], own: Any, study: Any) -> list[int]:
    """The parents of the generation just born, and all that was told since."""
    from optuna.trial import TrialState

    if study is None:
        return seen
    key, everyone = own._get_generation_key(), study.get_trials(deepcopy=False)
    born = [trial.number for trial in everyone if trial.system_attrs.get(key) == 1]
    if not born:
        return seen
    complete = [trial for trial in everyone if trial.state == TrialState.COMPLETE]
    parents = {trial.number for trial in own.get_parent_population(study, 1)}
    kept = {t.number for t in complete if t.number in parents or t.number >= min(born)}
    rows = zip(complete, seen, strict=True)
    return [number for trial, number in rows if trial.number in kept]


RECIPE = Recipe(
    "nsga2",
    lambda space, seed: Tokens(space),
    sampler,
    survivors,
    POPULATION,
    CHILDREN,
    objectives=2,
    attributes=generation_zero,
)


def nsga2(
    problem: Problem,
    seed: int,
    space: str = "blocks",
    known: Sequence[Word] = (),
    objectives: int = 2,
) -> AskTell:
    """NSGA-II over slots of letters; arguments as of `AskTell`.

    Args:
        objectives: 1: energy alone; 2: the front of energy and two-qubit gates.
    """
    recipe = replace(RECIPE, objectives=objectives)
    return AskTell(problem, seed, Space.of(problem, space), recipe, known)
