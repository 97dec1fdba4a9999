"""One strategy under its budget: a stream of finished trials that can be killed and resumed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from qas.problem import Cost, Problem, Trial
from search.campaign.checkpoint import load_checkpoint, save_checkpoint
from search.campaign.ledger import Ledger, Row, without_times
from search.strategy import make_strategy

SAVE_EVERY = 2.0


@dataclass(frozen=True)
class ArmProgress:
    """Where an arm stands after a step."""

    strategy: str
    spent: Cost
    seconds: float
    trials: int
    best: Trial | None


def run_arm(
    problem: Problem,
    name: str,
    seed: int,
    budget: int | None,
    seconds_allowed: float | None,
    ledger: Ledger,
    folder: Path,
) -> Iterator[ArmProgress]:
    """Run one strategy until its budget or its time is spent: a progress report at the start,
    then one a step.

    Every finished trial is in the ledger before the report comes. A checkpoint is keyed to
    the number of trials it has seen; trials that the ledger holds beyond it are made again
    and, being the same, not written again. A checkpoint that has seen more trials than the
    ledger holds is left aside.
    """
    path = folder / "checkpoints" / f"{name.replace(':', '-')}.npz"
    strategy = make_strategy(name, problem, seed)
    spent, number, before = Cost(), 0, 0.0
    known = ledger.of_kind("trial", strategy=name)
    state = load_checkpoint(path, lambda state: state["number"] <= len(known))
    if state is not None:
        strategy.load_state_dict(state["strategy"])
        spent = Cost(**state["spent"])
        number, before = int(state["number"]), float(state["seconds"])
    left = None if seconds_allowed is None else seconds_allowed - before
    meter = problem.meter(budget, spent, left)
    best = _best([Trial.from_dict(row["trial"]) for row in known[:number]])
    held = {row["number"]: without_times(row) for row in known}
    started = saved = time.monotonic()
    idle_steps = 0
    yield ArmProgress(name, meter.spent, before, number, best)
    while not meter.exhausted and idle_steps < 1000:
        spent_before = meter.spent.evaluations
        # What breaks a constraint may be explored, and is not reported.
        trials = [trial for trial in strategy.step(problem, meter) if problem.admits(trial)]
        idle_steps = idle_steps + 1 if meter.spent.evaluations == spent_before else 0
        seconds = before + time.monotonic() - started
        rows = [trial_row(name, number + k, t, meter.spent, seconds) for k, t in enumerate(trials)]
        number += len(rows)
        ledger.append(r for r in rows if held.get(r["number"]) != without_times({**r, "schema": 1}))
        best = _best([*trials, *([best] if best else [])])
        if time.monotonic() - saved > SAVE_EVERY or meter.exhausted:
            save_checkpoint(path, _state(strategy.state_dict(), meter.spent, number, seconds))
            saved = time.monotonic()
        yield ArmProgress(name, meter.spent, seconds, number, best)
    save_checkpoint(
        path,
        _state(strategy.state_dict(), meter.spent, number, before + time.monotonic() - started),
    )


def trial_row(name: str, number: int, trial: Trial, spent: Cost, seconds: float) -> Row:
    """The ledger's row of a trial, with what the arm had spent when it was there."""
    return {
        "kind": "trial",
        "strategy": name,
        "number": number,
        "trial": trial.to_dict(),
        "spent": spent.to_dict(),
        "seconds": round(seconds, 3),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _state(
    strategy: dict[str, object], spent: Cost, number: int, seconds: float
) -> dict[str, object]:
    return {"strategy": strategy, "spent": spent.to_dict(), "number": number, "seconds": seconds}


def _best(trials: list[Trial]) -> Trial | None:
    return min(trials, key=lambda trial: trial.rank, default=None)
