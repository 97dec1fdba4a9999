"""Fine-tuning of a finalist on a chip, saved after every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qas.errors import InputError
from qas.execute import NoisySimulator
from qas.execute.chip import parse_backend
from qas.problem import Problem, Trial
from qas.train import Cost, Request, TrainState, tune
from qas.train.method import ShotMemory
from qas.train.objective import bound
from search.campaign.aim import (
    LOSS_REPEATS,
    REPEATS,
    Aim,
    Machine,
    machine,
    mitigation,
    opened,
    other_values,
)
from search.campaign.checkpoint import load_checkpoint, save_checkpoint
from search.campaign.forecast import Forecast, forecast, training_of
from search.campaign.ledger import Ledger, Row
from search.campaign.option import TuneOptions

SPENT = ("shots", "circuits", "jobs", "qpu_seconds")
"""What rows say of a tuning's cost; seconds on the machine are estimated (`qas.train.cost`)."""


@dataclass(frozen=True)
class TuneProgress:
    """Where a tuning stands after a step."""

    id: str
    step: int
    steps: int
    value: float
    """Measured energy, hartree, or loss of the step's samples, nats."""
    stderr: float
    shots: int


def check_backend(options: TuneOptions, count: int, problem: Problem) -> None:
    """Raise InputError now, before anything is spent, if the plan cannot be carried out."""
    if count < 1:
        raise InputError(f"--finalists must be at least 1; given {count}")
    if problem.device.is_ideal:
        raise InputError("an ideal device has no chip to tune on: search on a calibration instead")
    chip = parse_backend(options.backend, problem.patch(problem.layouts[0]), options.account)
    machine(problem, chip, options, "")
    # One angle says whether the method bears this objective at all.
    steepest, memory = bound(problem.task.observable), ShotMemory.zeros(1)
    request = Request((0.0,), (0,), 1, 0, steepest, options.shots, memory)
    options.gradient.plan(request, np.random.default_rng(0))


def check_limits(
    problem: Problem, entry: dict[str, Any], trial: Trial, options: TuneOptions
) -> None:
    """Raise InputError where a limit does not cover one step and the comparison."""
    if not options.is_limited or not trial.params:
        return
    aim, backend = _opened(problem, entry, trial, options)
    state = TrainState.start(trial.angles, options.pruning)
    if not forecast(aim, backend, options, state)[0]:
        free = replace(options, steps=1, max_shots=None, max_circuits=None, max_qpu_seconds=None)
        _, least = forecast(aim, backend, free, state)
        raise InputError(
            f"the limits do not cover one step and the comparison of {entry['id']}: these take "
            f"{least.circuits:,} circuits, {least.shots:,} shots and about "
            f"{least.qpu_seconds:.0f} s of QPU time; raise --max-circuits, --max-shots or "
            "--max-qpu-seconds, or ask for fewer --shots"
        )


def forecast_of(
    problem: Problem,
    entry: dict[str, Any],
    trial: Trial,
    options: TuneOptions,
    ledger: Ledger,
    folder: Path,
) -> Forecast | None:
    """What is left to do of a finalist's tuning; None where nothing is."""
    if _is_done(ledger, entry, trial, options):
        return None
    aim, backend = _opened(problem, entry, trial, options)
    state = _begun(folder, entry, trial, options)
    steps, cost = forecast(aim, backend, options, state)
    return Forecast(
        entry["id"], options.backend, state.step, steps, cost, options.method == "adaptive"
    )


def tune_finalist(
    problem: Problem,
    entry: dict[str, Any],
    trial: Trial,
    options: TuneOptions,
    ledger: Ledger,
    folder: Path,
) -> Iterator[TuneProgress]:
    """Tune one finalist; rows go to the ledger, the last one with the comparison.

    A killed tuning goes on from its last saved step; a finished one is left alone, and so
    is a circuit without angles, and one whose limits do not cover a single step.
    """
    if _is_done(ledger, entry, trial, options):
        return
    match = _match(entry, options)
    aim, backend = _opened(problem, entry, trial, options)
    path = _checkpoint(folder, entry, options)
    begun = _begun(folder, entry, trial, options)
    search_model = NoisySimulator(problem.patch(trial.candidate.layout))
    ledger.append(_missing_steps(ledger, match, begun, search_model, aim))
    state = begun
    for state in _steps(aim, backend, begun, options):
        save_checkpoint(path, {"state": state.to_json()})
        ledger.append(_missing_steps(ledger, match, state, search_model, aim))
        last = state.history[-1]
        yield TuneProgress(
            entry["id"], state.step, options.steps, last.value, last.stderr, state.shots
        )
    if state.history:
        ledger.append([_compared(aim, trial, state, backend, options, match, search_model)])


def _match(entry: dict[str, Any], options: TuneOptions) -> dict[str, Any]:
    """What rows of this tuning share."""
    return {"id": entry["id"], "backend": options.backend, "plan": options.key}


def _is_done(ledger: Ledger, entry: dict[str, Any], trial: Trial, options: TuneOptions) -> bool:
    return not trial.params or bool(ledger.of_kind("tuned", **_match(entry, options)))


def _opened(
    problem: Problem, entry: dict[str, Any], trial: Trial, options: TuneOptions
) -> tuple[Aim, Machine]:
    patch = problem.patch(trial.candidate.layout)
    chip = parse_backend(options.backend, patch, options.account)
    return Aim.of(problem, trial), machine(problem, chip, options, entry["id"])


def _checkpoint(folder: Path, entry: dict[str, Any], options: TuneOptions) -> Path:
    return folder / "checkpoints" / f"tune-{entry['id']}-{options.key}.npz"


def _begun(folder: Path, entry: dict[str, Any], trial: Trial, options: TuneOptions) -> TrainState:
    saved = _saved(_checkpoint(folder, entry, options))
    return saved or TrainState.start(trial.angles, options.pruning)


def _steps(
    aim: Aim, backend: Machine, state: TrainState, options: TuneOptions
) -> Iterator[TrainState]:
    """The stream of states, inside one session or batch where the mode has one."""
    settings = training_of(aim, backend, options)
    with opened(backend) as connected:
        yield from tune(aim.circuit, aim.target, connected, state, settings)


def _saved(path: Path) -> TrainState | None:
    saved = load_checkpoint(path)
    return None if saved is None else TrainState.from_json(saved["state"])


def _missing_steps(
    ledger: Ledger,
    match: dict[str, Any],
    state: TrainState,
    model: NoisySimulator,
    aim: Aim,
) -> list[Row]:
    """Rows of the state's steps that the ledger does not hold."""
    held = {row["step"] for row in ledger.of_kind("tuning", **match)}
    rows: list[Row] = []
    spent = Cost()
    for step, record in enumerate(state.history, start=1):
        spent += Cost(record.circuits, record.shots, record.jobs, record.qpu_seconds)
        if step not in held:
            rows.append(
                {
                    "kind": "tuning",
                    **match,
                    "step": step,
                    aim.word: record.value,
                    "stderr": record.stderr,
                    f"{aim.word}_noisy": aim.noisy(model, record.params),
                    "kept": list(record.kept),
                    **_spent(spent),
                }
            )
    return rows


def _spent(cost: Cost) -> Row:
    return {key: getattr(cost, key) for key in SPENT}


def _compared(
    aim: Aim,
    trial: Trial,
    state: TrainState,
    backend: Machine,
    options: TuneOptions,
    match: dict[str, Any],
    model: NoisySimulator,
) -> Row:
    """The last row: tuned against untuned angles on fresh shots."""
    settled = state.settled
    verdict = aim.verdict(backend, trial.angles, settled, options)
    return {
        "kind": "tuned",
        **match,
        "params": settled.tolist(),
        **verdict,
        f"{aim.word}_tuned_noisy": aim.noisy(model, settled),
        **other_values(aim, model, settled),
        "steps": state.step,
        **{key: getattr(state, key) + verdict[key] for key in SPENT},
        "resilience": {
            "level": options.resilience_level,
            "readout": mitigation(backend, options),
        },
        "settings": {
            "shots": options.shots,
            "mode": options.mode,
            "learning_rate": options.learning_rate,
            "pruning": asdict(options.pruning),
            "method": options.method,
            "optimiser": options.optimiser,
            "repeats": REPEATS if aim.task is None else LOSS_REPEATS,
            "batch_size": aim.batch(options.batch_size),
            "seed": options.seed,
        },
    }
