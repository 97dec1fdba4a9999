"""Sampling: one of Optuna's samplers, and what it is told.

Its study lives in memory and shows it a bounded part of what was told, so that a proposal costs
as much after ten thousand circuits as after some hundreds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qas.problem import Space
from search.strategy.encoding import Choice, Encoding, Params

if TYPE_CHECKING:
    import optuna

EXCESS = "excess"
"""Name of the one constraint."""
TIE = 1e-10
"""Hartree told for a two-qubit gate: energies are told to a nanohartree, of equal ones the
fewest gates are best, as in `Trial.rank`."""


@dataclass(frozen=True)
class Told:
    """What a sampler learns about one circuit."""

    choices: tuple[float, ...]
    """Its parameters in their order."""
    values: tuple[float, ...]
    """What is to be as low as it can."""
    excess: float = 0.0
    """By how much it breaks the constraints; above 0 it is not feasible."""


Shown = Callable[[list[Told], list[int], Any, Any], list[int]]


@dataclass(frozen=True)
class Recipe:
    """One of Optuna's samplers and how it is used."""

    name: str
    encoding: Callable[[Space, int], Encoding]
    """Words as parameters, of the space and the search's seed."""
    sampler: Callable[[int], optuna.samplers.BaseSampler]
    """Made afresh for every step from a seed of its own."""
    shown: Shown
    """Which circuits the next step's sampler sees: of (all told, numbers of those seen so far in
    the study's order, the sampler, its study). Where that is the very list of those seen so far,
    the study goes on; else it is made again."""
    startup: int
    """Circuits drawn at random before the sampler proposes."""
    batch: int = 8
    """Circuits of a step."""
    objectives: int = 1
    """1: energy, ties broken by two-qubit gates; 2: energy and two-qubit gates."""
    attributes: Callable[[Any], dict[str, Any]] = lambda sampler: {}
    """System attributes that the sampler expects of trials told before it was made."""

    def values(self, energy: float, two_qubit_gates: int) -> tuple[float, ...]:
        """What is told of a circuit: hartree, and with two objectives a number."""
        if self.objectives == 2:
            return round(energy, 9), float(two_qubit_gates)
        return (round(energy, 9) + TIE * two_qubit_gates,)


class Sampling:
    """Ask and tell, step by step.

    Between `begin` and `end` lies a step: first what is pending, then the asks, then what is told,
    in the order of the asks, then what is added.

    Args:
        choice: what there is to choose.
        recipe: the sampler.
        constrained: the constraint is told, too.
    """

    def __init__(self, choice: Choice, recipe: Recipe, constrained: bool = False) -> None:
        self.choice, self.recipe, self.constrained = choice, recipe, constrained
        self.told: list[Told] = []
        self.shown: list[int] = []
        """Numbers of those that the study holds, in its order."""
        self._study: optuna.Study | None = None
        self._sampler = recipe.sampler(0)

    @property
    def study(self) -> optuna.Study:
        """The study, made of what is shown where there is none; Optuna's log is shut."""
        import optuna

        if self._study is None:
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            self._study = optuna.create_study(directions=["minimize"] * self.recipe.objectives)
            attributes = self.recipe.attributes(self._sampler)
            for number in self.shown:
                self._study.add_trial(self._as_trial(self.told[number], attributes))
        return self._study

    def begin(self, seed: int) -> None:
        """Open a step: its sampler draws from this seed."""
        if self._study is None:
            self.shown = self.recipe.shown(self.told, self.shown, None, None)
        from search.strategy.fixed import Fixed

        self._sampler = self.recipe.sampler(seed)
        self.study.sampler = Fixed(self._sampler, self.choice.distributions)

    def pending(self, params: Params) -> None:
        """Say that this choice is being scored elsewhere; it counts until the step ends."""
        import optuna

        running, distributions = optuna.trial.TrialState.RUNNING, self.choice.distributions
        self.study.add_trial(
            optuna.create_trial(state=running, params=params, distributions=distributions)
        )

    def ask(self) -> optuna.Trial:
        """A choice that the sampler proposes."""
        return self.study.ask(self.choice.distributions)

    def tell(self, asked: optuna.Trial, values: Sequence[float], excess: float = 0.0) -> None:
        """Tell what an ask came to."""
        self._remember(asked.params, values, excess)
        if self.constrained:
            asked.set_constraint(EXCESS, excess)
        self.study.tell(asked, list(values))

    def add(self, params: Params, values: Sequence[float], excess: float = 0.0) -> None:
        """Tell what a choice came to that was not asked; at any time."""
        self._remember(params, values, excess)
        if self._study is None:
            return
        attributes = self.recipe.attributes(self._sampler)
        self.study.add_trial(self._as_trial(self.told[-1], attributes))

    def end(self) -> None:
        """Close a step: asks that nothing was told of are dropped, old circuits forgotten."""
        from optuna.trial import TrialState

        study = self.study
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
        shown = self.recipe.shown(self.told, self.shown, self._sampler, study)
        if shown is not self.shown:
            self.shown, self._study = shown, None

    def _remember(self, params: Params, values: Sequence[float], excess: float) -> None:
        choices = tuple(float(params[name]) for name in self.choice.distributions)
        self.shown.append(len(self.told))
        self.told.append(Told(choices, tuple(values), excess))

    def _as_trial(self, told: Told, attributes: dict[str, Any]) -> optuna.trial.FrozenTrial:
        import optuna

        pairs = zip(self.choice.distributions.items(), told.choices, strict=True)
        return optuna.create_trial(
            params={name: own.to_external_repr(choice) for (name, own), choice in pairs},
            distributions=self.choice.distributions,
            values=list(told.values),
            system_attrs=dict(attributes),  # constraints are written into it
            constraints={EXCESS: told.excess} if self.constrained else None,
        )

    def state_dict(self) -> dict[str, Any]:
        """All that was told, and what of it the sampler sees; between steps."""
        n_told, n_names = len(self.told), len(self.choice.distributions)
        values = np.array([told.values for told in self.told], dtype=np.float64)
        choices = np.array([told.choices for told in self.told], dtype=np.float64)
        return {
            "choices": choices.reshape(n_told, n_names),
            "values": values.reshape(n_told, self.recipe.objectives),
            "excess": np.array([told.excess for told in self.told], dtype=np.float64),
            "shown": np.array(self.shown, dtype=np.int64),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``; the study is made again."""
        columns = [np.asarray(state[key]).tolist() for key in ("choices", "values", "excess")]
        self.told = [Told(tuple(c), tuple(v), e) for c, v, e in zip(*columns, strict=True)]
        self.shown = np.asarray(state["shown"]).tolist()
        self._study = None


def latest_and_best(best: int, latest: int) -> Shown:
    """Show the best circuits and the latest; weeded whenever they have doubled."""

    def shown(told: list[Told], seen: list[int], *_: object) -> list[int]:
        if len(seen) < 2 * (best + latest):
            return seen
        ranked = sorted(seen, key=lambda k: (told[k].excess, told[k].values, k))
        return sorted({*ranked[:best], *seen[-latest:]})

    return shown
