"""Fine-tuning of a finalist on a chip, saved after every step."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from qas.circuit import Circuit
from qas.errors import InputError
from qas.execute import NoisySimulator
from qas.execute.chip import parse_backend
from qas.execute.runtime import RuntimeBackend
from qas.problem import Problem, Trial
from qas.train import Optimiser, Pruning, Schedule, TrainState, TuneSettings, compare, tune
from search.campaign.checkpoint import load_checkpoint, save_checkpoint
from search.campaign.ledger import Ledger, Row

DECAY = 0.1
"""Of the step size, see `Schedule.decay`."""
BETAS = (0.9, 0.99)
"""Of Adam: the second moment forgets within a training of some dozen steps."""
REPEATS = 24
"""Fresh measurements of each set of angles in the final comparison."""


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
        )

    @property
    def key(self) -> str:
        """Short hash of the options: equal plans are one plan."""
        text = json.dumps(asdict(self), sort_keys=True)
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
    energy: float
    stderr: float
    shots: int


def check_backend(options: TuneOptions, count: int, problem: Problem) -> None:
    """Raise InputError now, before anything is spent, if the plan cannot be carried out."""
    if count < 1:
        raise InputError(f"--finalists must be at least 1; given {count}")
    if problem.device.is_ideal:
        raise InputError("an ideal device has no chip to tune on: search on a calibration instead")
    chip = parse_backend(options.backend, problem.patch(problem.layouts[0]), options.account)
    RuntimeBackend(chip, options.shots, options.resilience_level, options.mode)


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
    backend = RuntimeBackend(
        chip,
        options.shots,
        options.resilience_level,
        options.mode,
        options.seed,
        ("qas", entry["id"]),
    )
    path = folder / "checkpoints" / f"tune-{entry['id']}-{options.key}.npz"
    begun = _saved(path) or TrainState.start(trial.angles, options.pruning)
    native, observable = trial.native, problem.task.observable
    search_model = NoisySimulator(patch)
    ledger.append(_missing_steps(ledger, match, begun, search_model, problem, native))
    state = begun
    for state in _steps(native, observable, backend, begun, options.training):
        save_checkpoint(path, {"state": state.to_json()})
        ledger.append(_missing_steps(ledger, match, state, search_model, problem, native))
        last = state.history[-1]
        yield TuneProgress(
            entry["id"], state.step, options.steps, last.value, last.stderr, state.shots
        )
    ledger.append([_compared(problem, trial, state, backend, options, match, search_model)])


def _steps(
    native: Circuit,
    observable: Any,
    backend: RuntimeBackend,
    state: TrainState,
    settings: TuneSettings,
) -> Iterator[TrainState]:
    """The stream of states, inside one session or batch where the mode has one."""
    with backend.opened() as connected:
        yield from tune(native, observable, connected, state, settings)


def _saved(path: Path) -> TrainState | None:
    saved = load_checkpoint(path)
    return None if saved is None else TrainState.from_json(saved["state"])


def _missing_steps(
    ledger: Ledger,
    match: dict[str, Any],
    state: TrainState,
    model: NoisySimulator,
    problem: Problem,
    native: Circuit,
) -> list[Row]:
    """Rows of the state's steps that the ledger does not hold."""
    held = {row["step"] for row in ledger.of_kind("tuning", **match)}
    rows: list[Row] = []
    shots = circuits = 0
    for step, record in enumerate(state.history, start=1):
        shots, circuits = shots + record.shots, circuits + record.circuits
        if step not in held:
            after = model.estimate(native, problem.task.observable, record.params).mean[0]
            rows.append(
                {
                    "kind": "tuning",
                    **match,
                    "step": step,
                    "energy": record.value,
                    "stderr": record.stderr,
                    "energy_noisy": float(after),
                    "kept": list(record.kept),
                    "shots": shots,
                    "circuits": circuits,
                }
            )
    return rows


def _compared(
    problem: Problem,
    trial: Trial,
    state: TrainState,
    backend: RuntimeBackend,
    options: TuneOptions,
    match: dict[str, Any],
    model: NoisySimulator,
) -> Row:
    """The last row: tuned against untuned angles on fresh shots."""
    native, observable = trial.native, problem.task.observable
    settled = state.settled
    verdict = compare(
        backend, native, observable, trial.angles, settled, REPEATS, seed=options.seed + 1
    )
    return {
        "kind": "tuned",
        **match,
        "params": settled.tolist(),
        "energy_untuned": verdict.untuned,
        "energy_untuned_stderr": verdict.untuned_stderr,
        "energy_tuned": verdict.tuned,
        "energy_tuned_stderr": verdict.tuned_stderr,
        "energy_tuned_noisy": float(model.estimate(native, observable, settled).mean[0]),
        "kept_tuned": verdict.tuned_is_better,
        "steps": state.step,
        "shots": state.shots + verdict.shots,
        "circuits": state.circuits + verdict.circuits,
        "resilience": {
            "level": options.resilience_level,
            "readout": "TREX" if options.resilience_level else "none",
        },
        "settings": {
            "shots": options.shots,
            "mode": options.mode,
            "learning_rate": options.learning_rate,
            "pruning": asdict(options.pruning),
            "repeats": REPEATS,
            "seed": options.seed,
        },
    }
