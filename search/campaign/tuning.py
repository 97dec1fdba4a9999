"""Fine-tuning of a finalist on a chip, saved after every step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from qas.errors import InputError
from qas.execute import NoisySimulator
from qas.execute.chip import parse_backend
from qas.problem import Problem, Trial
from qas.train import Optimiser, Pruning, Schedule, TrainState, TuneSettings, tune
from search.campaign.aim import (
    LOSS_REPEATS,
    REPEATS,
    Aim,
    Machine,
    machine,
    mitigation,
    opened,
    other_values,
    readout_of,
)
from search.campaign.checkpoint import load_checkpoint, save_checkpoint
from search.campaign.ledger import Ledger, Row

DECAY = 0.1
"""Of the step size, see `Schedule.decay`."""
BETAS = (0.9, 0.99)
"""Of Adam: the second moment forgets within a training of some dozen steps."""


@dataclass(frozen=True)
class TuneOptions:
    """Where and how to tune."""

    backend: str = "local"
    """``local``, ``local:<snapshot>`` or ``ibm_<name>``."""
    steps: int = 30
    shots: int = 4096
    """Per measurement basis and binding."""
    mode: str = "job"
    """``job``, ``batch`` or ``session``."""
    resilience_level: int = 1
    """0: no mitigation; 1: readout (TREX); 2: also zero-noise extrapolation."""
    learning_rate: float = 0.02
    pruning: Pruning = field(default_factory=Pruning)
    seed: int = 0
    max_shots: int | None = None
    account: str | None = None
    batch_size: int | None = None
    """Samples of a classifier's step; None: the usual number."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"--steps must be at least 1; given {self.steps}")
        if self.shots < 1:
            raise InputError(f"--shots must be at least 1; given {self.shots}")
        if not 0 < self.learning_rate < 10:
            raise InputError(f"--learning-rate must be positive; given {self.learning_rate}")
        _ = self.training

    @property
    def training(self) -> TuneSettings:
        """What the training itself is told.

        Raises:
            InputError: a seed or a limit that cannot be.
        """
        return TuneSettings(
            self.steps,
            Optimiser("Adam", self.learning_rate, Schedule("inverse", DECAY), {"betas": BETAS}),
            self.pruning,
            self.seed,
            max_shots=self.max_shots,
            batch_size=self.batch_size,
        )

    @property
    def key(self) -> str:
        """Short hash of the options: equal plans are one plan."""
        content = asdict(self)
        if self.batch_size is None:
            del content["batch_size"]  # plans of before had none
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> TuneOptions:
        """The options that `dataclasses.asdict` wrote."""
        return cls(**{**record, "pruning": Pruning(**record["pruning"])})


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
    is a circuit without angles.
    """
    match = {"id": entry["id"], "backend": options.backend, "plan": options.key}
    if ledger.of_kind("tuned", **match) or not trial.params:
        return
    patch = problem.patch(trial.candidate.layout)
    chip = parse_backend(options.backend, patch, options.account)
    backend, aim = machine(problem, chip, options, entry["id"]), Aim.of(problem, trial)
    path = folder / "checkpoints" / f"tune-{entry['id']}-{options.key}.npz"
    begun = _saved(path) or TrainState.start(trial.angles, options.pruning)
    search_model = NoisySimulator(patch)
    ledger.append(_missing_steps(ledger, match, begun, search_model, aim))
    state = begun
    for state in _steps(aim, backend, begun, options):
        save_checkpoint(path, {"state": state.to_json()})
        ledger.append(_missing_steps(ledger, match, state, search_model, aim))
        last = state.history[-1]
        yield TuneProgress(
            entry["id"], state.step, options.steps, last.value, last.stderr, state.shots
        )
    ledger.append([_compared(aim, trial, state, backend, options, match, search_model)])


def _steps(
    aim: Aim, backend: Machine, state: TrainState, options: TuneOptions
) -> Iterator[TrainState]:
    """The stream of states, inside one session or batch where the mode has one."""
    settings = replace(
        options.training,
        batch_size=aim.batch(options.batch_size),
        readout=readout_of(backend, options),
    )
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
    shots = circuits = 0
    for step, record in enumerate(state.history, start=1):
        shots, circuits = shots + record.shots, circuits + record.circuits
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
                    "shots": shots,
                    "circuits": circuits,
                }
            )
    return rows


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
        "shots": state.shots + verdict["shots"],
        "circuits": state.circuits + verdict["circuits"],
        "resilience": {
            "level": options.resilience_level,
            "readout": mitigation(backend, options),
        },
        "settings": {
            "shots": options.shots,
            "mode": options.mode,
            "learning_rate": options.learning_rate,
            "pruning": asdict(options.pruning),
            "repeats": REPEATS if aim.task is None else LOSS_REPEATS,
            "batch_size": aim.batch(options.batch_size),
            "seed": options.seed,
        },
    }
