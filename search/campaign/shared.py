"""Shared campaigns: any number of workers on one storage, on one machine or on many.

A worker takes the ticket of a dead one, or draws the next ticket, scores it, and writes down what
came out, until all are scored. What the campaign does is frozen in the study by the first.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qas.errors import InputError
from qas.problem import Meter, Space, Trial, score_words
from search.campaign.settings import Settings
from search.campaign.ticket import (
    HOLDER,
    LAYOUT,
    NUMBER,
    RESULT,
    SPENT,
    WORD,
    Holder,
    Ticket,
    tickets,
)
from search.strategy.ask_tell import excess, hartree_fock, random_choice
from search.strategy.encoding import Choice, Params, Tokens
from search.strategy.sampling import EXCESS, Recipe, Sampling
from search.strategy.strategy import START, check_strategy

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

SETTINGS = "campaign"
LED = ("random", "tpe", "gp", "nsga2")
"""Strategies that workers can share: those that learn from what is in the study alone."""
REDRAWS = 8
"""Choices asked for one ticket, at most, until one is new."""
WORDS, ANGLES, ASKS = 1, 2, 3
"""Streams of random numbers that a ticket has: for its word, its angles, its sampler."""


@dataclass(frozen=True)
class Plan:
    """What a shared campaign does."""

    settings: Settings
    """Its one strategy is one of `LED`; its budget is a matter of tickets."""
    trials: int
    """Circuits to score."""

    def __post_init__(self) -> None:
        names = self.settings.strategies
        if len(names) != 1 or names[0].partition(":")[0] not in LED:
            raise InputError(
                f"workers share one strategy of {', '.join(LED)}; given {', '.join(names)}"
            )
        if self.trials < 1:
            raise InputError(f"--trials is 1 or more circuits; given {self.trials}")

    @property
    def strategy(self) -> str:
        """Its name, with the space."""
        return self.settings.strategies[0]

    @property
    def objectives(self) -> int:
        """How many values a ticket has."""
        recipe = self.recipe
        return 1 if recipe is None else recipe.objectives

    @cached_property
    def recipe(self) -> Recipe | None:
        """The sampler that leads; None for random tickets."""
        from search.strategy import gp, nsga2, tpe

        recipes = {"tpe": tpe.RECIPE, "gp": gp.RECIPE, "nsga2": nsga2.RECIPE}
        return recipes.get(self.strategy.partition(":")[0])

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        row = json.loads(json.dumps(self.settings.to_row()))
        return {"trials": self.trials, "settings": row}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Plan:
        """What `to_dict` returned."""
        return cls(Settings.from_row(record["settings"]), int(record["trials"]))


@dataclass(frozen=True)
class SharedProgress:
    """Where a shared campaign stands."""

    done: int
    total: int
    own: int
    """Scored by this worker."""
    best: float | None
    """Lowest energy, hartree, to a nanohartree."""


def opened(storage: optuna.storages.BaseStorage, name: str, plan: Plan | None) -> Shared:
    """The shared campaign of a name; made where it is not there and a plan is given.

    Raises:
        InputError: it is not there and there is no plan, or it has another plan.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.RandomSampler()
    try:
        study = optuna.load_study(study_name=name, storage=storage, sampler=sampler)
    except KeyError:
        if plan is None:
            raise InputError(
                f"there is no study {name!r}: say what it is to do (--task, --trials, ...)"
            ) from None
        study = optuna.create_study(
            study_name=name, storage=storage, sampler=sampler, load_if_exists=True,
            directions=["minimize"] * plan.objectives,
        )  # fmt: skip
    if plan is not None and SETTINGS not in study.user_attrs:
        study.set_user_attr(SETTINGS, plan.to_dict())
    frozen = study.user_attrs.get(SETTINGS)
    if frozen is None:
        raise InputError(f"study {name!r} is no campaign of workers: choose another --study")
    if plan is not None:
        _check_same(name, frozen, plan.to_dict())
    return Shared(storage, study, Plan.from_dict(frozen))


def _check_same(name: str, frozen: dict[str, Any], given: dict[str, Any]) -> None:
    """Raise InputError where two plans differ in more than versions."""
    one, other = ({"trials": p["trials"], **p["settings"]} for p in (frozen, given))
    skipped = {"version", "packages"}
    differ = [key for key in one | other if key not in skipped and one.get(key) != other.get(key)]
    if differ:
        raise InputError(
            f"study {name!r} has another {', '.join(sorted(differ))}: leave the settings out to "
            "work on it as it is, or choose another --study"
        )


class Shared:
    """A shared campaign, seen by one worker."""

    def __init__(
        self, storage: optuna.storages.BaseStorage, study: optuna.Study, plan: Plan
    ) -> None:
        self.storage, self.study, self.plan = storage, study, plan
        self.seed, self.problem = plan.settings.seed, plan.settings.problem()
        self.space = Space.of(self.problem, check_strategy(plan.strategy)[1] or "blocks")
        recipe = plan.recipe
        encoding = Tokens(self.space) if recipe is None else recipe.encoding(self.space, self.seed)
        self.choice = Choice(self.space, encoding)
        constrained = bool(self.problem.constraints)
        self.sampling = None if recipe is None else Sampling(self.choice, recipe, constrained)
        self._told: set[int] = set()

    def tickets(self) -> dict[int, Ticket]:
        """All valid tickets by number, in their order."""
        found = tickets(self.study.get_trials(deepcopy=False))
        return {number: found[number] for number in sorted(found) if number < self.plan.trials}

    def work(self, lease: float, pause: float = 0.2) -> Iterator[SharedProgress]:
        """Score tickets until all are scored.

        Args:
            lease: seconds without a sign of life after which a ticket is taken from its holder.
            pause: seconds between looks while others hold the last tickets.
        """
        holder, own = Holder(lease), 0
        while True:
            held = self.tickets()
            done = [ticket for ticket in held.values() if ticket.is_done]
            best = min((ticket.values[0] for ticket in done if ticket.values), default=None)
            yield SharedProgress(len(done), self.plan.trials, own, best)
            if len(done) == self.plan.trials:
                self._drop_surplus()
                return
            ticket = self._taken(held, holder) or self._drawn(held, holder)
            if ticket is not None:
                own += self._finish(ticket, holder)
            elif len(held) == self.plan.trials:
                time.sleep(pause)

    # --- whose turn -----------------------------------------------------------------------

    def _taken(self, held: dict[int, Ticket], holder: Holder) -> Ticket | None:
        """An abandoned ticket, now ours."""
        from optuna.exceptions import UpdateFinishedTrialError

        for ticket in held.values():
            if not ticket.is_done and holder.is_abandoned(ticket):
                try:
                    self._sign(ticket, holder)
                except UpdateFinishedTrialError:  # its holder was faster
                    continue
                return ticket
        return None

    def _drawn(self, held: dict[int, Ticket], holder: Holder) -> Ticket | None:
        """A new ticket; None where all are drawn, or another worker drew it first."""
        import optuna

        free = [number for number in range(self.plan.trials) if number not in held]
        if not free:
            return None
        number = holder.pick(free, held)
        params, sign = self._chosen(number, held), holder.sign
        word, layout = self.choice.read(params)
        self.study.add_trial(
            optuna.create_trial(
                state=optuna.trial.TrialState.RUNNING,
                params=params,
                distributions=self.choice.distributions,
                user_attrs={NUMBER: number, WORD: list(word), LAYOUT: layout, HOLDER: sign},
            )
        )
        trials = self.study.get_trials(deepcopy=False)
        ticket = tickets(trials)[number]
        if ticket.holder == sign:
            return ticket
        self._fail(trial for trial in trials if trial.user_attrs.get(HOLDER) == sign)
        return None

    def _drop_surplus(self) -> None:
        """Fail tickets that were drawn a second time by workers who died of it."""
        from optuna.trial import TrialState

        self._fail(self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))

    def _fail(self, surplus: Iterable[FrozenTrial]) -> None:
        """Mark tickets that were drawn for a number that had one."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        for trial in surplus:
            # Another worker may do the same at this moment.
            with suppress(UpdateFinishedTrialError):
                self.study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    # --- what is drawn --------------------------------------------------------------------

    def _chosen(self, number: int, held: dict[int, Ticket]) -> Params:
        """The parameters of a ticket: Hartree-Fock's, random ones, or the sampler's."""
        if number == 0:
            word = hartree_fock(self.problem, self.space)
            params = self.choice.params(word, self.space.layouts(word)[0])
        elif self.plan.recipe is None or number <= self.plan.recipe.startup:
            rng = np.random.default_rng([self.seed, WORDS, number])
            params = self.choice.params(*random_choice(self.space, rng))
        else:
            params = None
        return self._sampled(number, held) if params is None else params

    def _sampled(self, number: int, held: dict[int, Ticket]) -> Params:
        """What the sampler proposes, new if it can be."""
        sampling = self.sampling
        assert sampling is not None, "slots of tokens spell every word that is drawn"
        self._learn(held)
        sampling.begin(int(np.random.default_rng([self.seed, ASKS, number]).integers(2**31)))
        for ticket in held.values():
            if not ticket.is_done:
                sampling.pending(ticket.params)
        known = {(self.space.key(t.word), t.layout) for t in held.values()}
        for _ in range(REDRAWS):
            params = dict(sampling.ask().params)
            word, layout = self.choice.read(params)
            if (self.space.key(word), layout) not in known:
                break
        sampling.end()
        return params

    def _learn(self, held: dict[int, Ticket]) -> None:
        """Tell the sampler what was scored since it last proposed."""
        assert self.sampling is not None
        for number, ticket in held.items():
            if ticket.values is not None and number not in self._told:
                self._told.add(number)
                self.sampling.add(ticket.params, ticket.values, ticket.outcome[EXCESS])

    # --- the work -------------------------------------------------------------------------

    def _finish(self, ticket: Ticket, holder: Holder) -> bool:
        """Score a ticket and write down what came out; False where another one has."""
        from optuna.exceptions import UpdateFinishedTrialError

        with self._alive(ticket, holder):
            trial, meter = self.scored(ticket)
        recipe, broken = self.plan.recipe, excess(self.problem, trial)
        outcome = {**trial.to_dict(), EXCESS: broken, SPENT: meter.spent.to_dict()}
        pairs = trial.two_qubit_gates
        values = (trial.energy,) if recipe is None else recipe.values(trial.energy, pairs)
        try:
            self.storage.set_trial_user_attr(ticket.trial_id, RESULT, json.dumps(outcome))
            self.study.tell(ticket.trial, list(values))
        except (UpdateFinishedTrialError, ValueError):
            if not self.tickets()[ticket.number].is_done:
                raise
            return False
        return True

    def scored(self, ticket: Ticket) -> tuple[Trial, Meter]:
        """What a ticket comes to, whoever scores it, and what that took."""
        meter = self.problem.meter(None)
        rng = np.random.default_rng([self.seed, ANGLES, ticket.number])
        words, layouts = [ticket.word], [ticket.layout]
        (trial,) = score_words(self.problem, self.space, words, layouts, meter, START, rng)
        assert trial is not None, "no budget can run out"
        return trial, meter

    def _sign(self, ticket: Ticket, holder: Holder) -> None:
        self.storage.set_trial_user_attr(ticket.trial_id, HOLDER, holder.sign)

    @contextmanager
    def _alive(self, ticket: Ticket, holder: Holder) -> Iterator[None]:
        """Give a sign of life three times a lease while the block runs."""
        over = threading.Event()
        thread = threading.Thread(target=self._sign_until, args=(over, ticket, holder), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _sign_until(self, over: threading.Event, ticket: Ticket, holder: Holder) -> None:
        from optuna.exceptions import OptunaError

        while not over.wait(holder.lease / 3):
            try:
                self._sign(ticket, holder)
            except OptunaError:  # finished by another, or the storage is away: scoring goes on
                return
