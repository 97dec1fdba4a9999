"""Tickets: the circuits of a shared campaign, numbered, each drawn once and scored once.

A ticket is a trial of an Optuna study. It comes into being in one transaction with all that
scoring needs (number, word, layout, parameters), so that a killed worker leaves either nothing
or a whole ticket behind; and it is finished by one transaction, after which a storage lets
nobody change it. That makes every number scored exactly once, whoever is killed when. Holders
only keep two workers from scoring the same ticket side by side, which would waste time and do
no harm: what a ticket comes to depends on the ticket and the campaign's seed alone.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from qas.problem import Word

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

NUMBER, WORD, LAYOUT, HOLDER = "number", "word", "layout", "holder"
RESULT, SPENT = "result", "spent"


@dataclass(frozen=True)
class Ticket:
    """One circuit of a shared campaign."""

    number: int
    """In the campaign, from 0."""
    word: Word
    layout: int
    """Number of the layout."""
    params: dict[str, Any]
    """What the sampler chose."""
    holder: str
    """Who scores it, and a sign of life that changes."""
    trial: int
    """Its number in the study."""
    trial_id: int
    """Its number in the storage."""
    values: tuple[float, ...] | None
    """What the sampler is told, energy first; None while nobody has scored it."""
    result: str
    """The scored trial as JSON."""
    finished: datetime | None

    @property
    def is_done(self) -> bool:
        """True once it is scored."""
        return self.values is not None

    @property
    def outcome(self) -> dict[str, Any]:
        """The scored trial as a dictionary, what it took under ``spent``."""
        found: dict[str, Any] = json.loads(self.result)
        return found

    @classmethod
    def of(cls, frozen: FrozenTrial) -> Ticket:
        """The ticket that a trial of the study is."""
        from optuna.trial import TrialState

        own, done = frozen.user_attrs, frozen.state == TrialState.COMPLETE
        return cls(
            int(own[NUMBER]),
            tuple(own[WORD]),
            int(own[LAYOUT]),
            dict(frozen.params),
            str(own[HOLDER]),
            frozen.number,
            frozen._trial_id,  # storages know a trial by it, and have no other name for it
            tuple(frozen.values) if done else None,
            own[RESULT] if done else "",
            frozen.datetime_complete,
        )


def tickets(trials: Iterable[FrozenTrial]) -> dict[int, Ticket]:
    """The valid tickets by number.

    Of two that were drawn for the same number at the same time the first in the study is valid.
    """
    from optuna.trial import TrialState

    found: dict[int, Ticket] = {}
    for frozen in sorted(trials, key=lambda trial: trial.number):
        number = frozen.user_attrs.get(NUMBER)
        if frozen.state in (TrialState.RUNNING, TrialState.COMPLETE) and isinstance(number, int):
            found.setdefault(number, Ticket.of(frozen))
    return found


LATEST, SPREAD = 8, 8
"""Tickets that tell who is at work, and numbers for each other one to choose from."""


class Holder:
    """This worker as holder of tickets, and what it saw of the others."""

    def __init__(self, lease: float) -> None:
        self.lease, self.beats = lease, 0
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex}"
        self._rng = Random(self._name)
        self._seen: dict[int, tuple[str, float]] = {}

    @property
    def sign(self) -> str:
        """A sign of life that was never given before."""
        self.beats += 1
        return f"{self._name}:{self.beats}"

    def pick(self, free: Sequence[int], held: Mapping[int, Ticket]) -> int:
        """The number to draw next: the first; one of the first few while others draw, too."""
        latest = sorted(held.values(), key=lambda ticket: ticket.trial)[-LATEST:]
        others = {ticket.holder.rpartition(":")[0] for ticket in latest} - {self._name}
        alive = [name for name in others if not _is_dead_here(name)]
        return self._rng.choice(free[: max(1, SPREAD * len(alive))])

    def gave(self, sign: str) -> bool:
        """True for a sign of this worker."""
        return sign.startswith(self._name)

    def is_abandoned(self, ticket: Ticket) -> bool:
        """True where a ticket's holder is dead: a process of this machine that is no more, or
        one that gave no sign for as long as the lease, on this worker's own clock."""
        if self.gave(ticket.holder):
            return True  # a step of ours that broke off
        if _is_dead_here(ticket.holder):
            return True
        sign, since = self._seen.get(ticket.number, ("", 0.0))
        if sign != ticket.holder:
            self._seen[ticket.number] = ticket.holder, time.monotonic()
            return False
        return time.monotonic() - since > self.lease


def _is_dead_here(sign: str) -> bool:
    """True for a process of this machine that is no more."""
    host, pid, *_ = sign.split(":")
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
