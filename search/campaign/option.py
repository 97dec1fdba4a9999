"""What a person chooses about a tuning, checked before anything is spent."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from qas.errors import InputError
from qas.train import (
    SPSA,
    AdaptiveShots,
    GuidedSPSA,
    Method,
    Optimiser,
    Pruning,
    Schedule,
    Shift,
    TuneSettings,
)

METHODS = ("shift", "spsa", "guided", "adaptive")
"""Of gradients: `Shift`, `SPSA`, `GuidedSPSA` and `AdaptiveShots` of `qas.train`."""
DECAY = 0.1
"""Of the step size, see `Schedule.decay`."""
BETAS = (0.9, 0.99)
"""Of Adam and its kind: the second moment forgets within a training of some dozen steps."""
WITH_BETAS = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax")
LEAST_SHOTS = 32
"""Of an angle, where shots are adaptive."""
LATER = ("batch_size", "method", "optimiser", "max_circuits", "max_qpu_seconds")
"""Options that came after plans had been written: at their defaults no part of a plan's key."""


@dataclass(frozen=True)
class TuneOptions:
    """Where and how to tune."""

    backend: str = "local"
    """``local``, ``local:<snapshot>`` or ``ibm_<name>``."""
    steps: int = 30
    shots: int = 4096
    """Per measurement basis and binding; of adaptive shots the most."""
    mode: str = "job"
    """``job``, ``batch`` or ``session``."""
    resilience_level: int = 1
    """0: no mitigation; 1: readout (TREX); 2: also zero-noise extrapolation."""
    learning_rate: float = 0.02
    """Radians for Adam and its kind; the rate that adaptive shots suppose, too."""
    pruning: Pruning = field(default_factory=Pruning)
    seed: int = 0
    max_shots: int | None = None
    """Of a finalist, its comparison included, like the other limits; None: no limit."""
    account: str | None = None
    batch_size: int | None = None
    """Samples of a classifier's step; None: the usual number."""
    method: str = "shift"
    """How a gradient is measured: one of `METHODS`."""
    optimiser: str = "Adam"
    """One of `qas.train.optimiser.NAMES`."""
    max_circuits: int | None = None
    max_qpu_seconds: float | None = None
    """Estimated seconds on the machine, see `qas.train.cost`."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"--steps must be at least 1; given {self.steps}")
        if self.shots < 1:
            raise InputError(f"--shots must be at least 1; given {self.shots}")
        if not 0 < self.learning_rate < 10:
            raise InputError(f"--learning-rate must be positive; given {self.learning_rate}")
        if self.method not in METHODS:
            raise InputError(f"--method is {', '.join(METHODS)}; given {self.method!r:.40}")
        seconds = self.max_qpu_seconds
        if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
            raise InputError(f"--max-qpu-seconds must be 0 or more; given {seconds}")
        _ = self.training

    @property
    def gradient(self) -> Method:
        """How a gradient is measured."""
        match self.method:
            case "spsa":
                return SPSA()
            case "guided":
                return GuidedSPSA(ramp=self.steps)
            case "adaptive":
                least = min(LEAST_SHOTS, self.shots)
                return AdaptiveShots(self.learning_rate, least, self.shots)
        return Shift()

    @property
    def training(self) -> TuneSettings:
        """What the training itself is told.

        Raises:
            InputError: a seed, an optimiser or a limit that cannot be.
        """
        betas = {"betas": BETAS} if self.optimiser in WITH_BETAS else {}
        schedule = Schedule("inverse", DECAY)
        return TuneSettings(
            self.steps,
            Optimiser(self.optimiser, self.learning_rate, schedule, betas),
            self.pruning,
            self.seed,
            max_shots=self.max_shots,
            max_circuits=self.max_circuits,
            max_qpu_seconds=self.max_qpu_seconds,
            method=self.gradient,
            batch_size=self.batch_size,
        )

    @property
    def is_limited(self) -> bool:
        """True where a budget may end the training before its last step."""
        limits = self.max_shots, self.max_circuits, self.max_qpu_seconds
        return any(limit is not None for limit in limits)

    @property
    def key(self) -> str:
        """Short hash of the options: equal plans are one plan."""
        content, usual = asdict(self), {own.name: own.default for own in fields(self)}
        for name in LATER:
            if content[name] == usual[name]:
                del content[name]
        if self.pruning.method == Pruning().method:
            del content["pruning"]["method"]  # plans of before had this one alone
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> TuneOptions:
        """The options that `dataclasses.asdict` wrote; what a plan of before lacks is usual."""
        return cls(**{**record, "pruning": Pruning(**record["pruning"])})
