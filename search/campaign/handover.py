"""A shared campaign that is finished, as an ordinary campaign folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from qas.errors import InputError
from qas.problem import Cost, Trial
from search.campaign.arm import ArmProgress, trial_row
from search.campaign.campaign import Campaign
from search.campaign.entry import arm_row
from search.campaign.ledger import Row
from search.campaign.shared import Shared
from search.campaign.ticket import SPENT, Ticket


def hand_over(shared: Shared, folder: str | Path) -> Campaign:
    """A new campaign folder with every scored circuit; its search has only finalists left to do.

    Its budget is what was spent.

    Raises:
        InputError: not all circuits are scored, or the folder holds something already.
    """
    held = [ticket for ticket in shared.tickets().values() if ticket.is_done]
    if len(held) < shared.plan.trials:
        raise InputError(
            f"{len(held)} of {shared.plan.trials} circuits are scored: let a worker finish"
        )
    held.sort(key=_finished)
    outcomes = [ticket.outcome for ticket in held]
    costs = [Cost(**outcome[SPENT]) for outcome in outcomes]
    total = sum(costs, Cost())
    settings = replace(shared.plan.settings, budget=total.evaluations, minutes=None)
    campaign, name = Campaign.create(folder, settings), shared.plan.strategy
    spent, best = Cost(), None
    rows: list[Row] = []
    for ticket, outcome, cost in zip(held, outcomes, costs, strict=True):
        trial, spent = Trial.from_dict(outcome), spent + cost
        seconds = (_finished(ticket)[0] - _finished(held[0])[0]).total_seconds()
        if shared.problem.admits(trial):
            rows.append(trial_row(name, len(rows), trial, spent, seconds))
            best = trial if best is None or trial.rank < best.rank else best
    done = arm_row(ArmProgress(name, total, seconds, len(rows), best))
    campaign.ledger.append([*rows, done])
    return campaign


def _finished(ticket: Ticket) -> tuple[datetime, int]:
    assert ticket.finished is not None
    return ticket.finished, ticket.number
