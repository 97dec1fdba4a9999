"""The state of a training: everything that an exact resume needs, as a value."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError
from qas.train.cost import Cost
from qas.train.method import ShotMemory
from qas.train.optimiser import Moments
from qas.train.prune import Pruner, Pruning
from qas.train.readout import Calibration

SCHEMA = "qas-train-state-2"


@dataclass(frozen=True)
class StepRecord:
    """What one step measured, at the angles before it moved them."""

    value: float
    stderr: float
    kept: tuple[int, ...]
    """Numbers of the parameters that were shifted and moved."""
    shots: int
    """Shots of this step."""
    circuits: int
    """Circuits of this step, mitigation included."""
    params: tuple[float, ...]
    """Parameters after the step, radians."""
    jobs: int = 0
    qpu_seconds: float = 0.0
    """Estimated, see `qas.train.cost`."""


@dataclass(frozen=True)
class TrainState:
    """Training after ``step`` steps. Two equal states continue equally on equal backends."""

    key: str
    """Hash of circuit, objective, backend and settings: a resume with others is refused."""
    params: tuple[float, ...]
    """Parameters now, radians."""
    moments: Moments
    """What the optimiser remembers of each parameter."""
    pruner: Pruner
    best_params: tuple[float, ...]
    """With the lowest measured value so far (one noisy reading of one batch: see `compare`)."""
    best_value: float | None = None
    shots: int = 0
    """Shots spent so far."""
    circuits: int = 0
    """Circuits executed so far."""
    jobs: int = 0
    """Jobs submitted so far."""
    qpu_seconds: float = 0.0
    """Estimated, so far."""
    history: tuple[StepRecord, ...] = ()
    shot_memory: ShotMemory = field(default_factory=lambda: ShotMemory.zeros(0))
    """What adaptive shots follow from; zeros with other methods."""
    calibration: Calibration | None = None
    """Of the readout, where it is mitigated by the training itself."""

    @property
    def step(self) -> int:
        """Number of steps done."""
        return len(self.history)

    @property
    def spent(self) -> Cost:
        """All that the training has cost."""
        return Cost(self.circuits, self.shots, self.jobs, self.qpu_seconds)

    @property
    def settled(self) -> NDArray[np.float64]:
        """Mean angles over the second half of the steps, shape (n_params,), radians.

        Shot noise makes the angles wander about the optimum; their mean is closer to it
        than the last ones (Polyak and Juditsky, SIAM J. Control Optim. 30, 838 (1992)).
        """
        if not self.history:
            return np.array(self.params, dtype=np.float64)
        half = [record.params for record in self.history[self.step // 2 :]]
        return np.asarray(np.mean(half, axis=0), dtype=np.float64)

    @classmethod
    def start(cls, params: ArrayLike, pruning: Pruning | None = None, key: str = "") -> TrainState:
        """Before the first step.

        Raises:
            InputError: angles that are not one finite vector.
        """
        values = np.asarray(params, dtype=np.float64)
        if values.ndim != 1 or not np.isfinite(values).all():
            raise InputError(f"angles must be one finite vector; given shape {values.shape}")
        angles = tuple(values.tolist())
        n = len(angles)
        return cls(
            key,
            angles,
            ((),) * n,
            Pruner.start(n, pruning),
            angles,
            shot_memory=ShotMemory.zeros(n),
        )

    def to_json(self) -> str:
        """Canonical JSON; numbers keep all their digits."""
        record = {"schema": SCHEMA, **asdict(self)}
        return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> TrainState:
        """The state that `to_json` wrote.

        Raises:
            InputError: another schema, fields missing, unknown or of another form.
        """
        try:
            record = json.loads(text)
            schema = record.pop("schema", None)
            if schema != SCHEMA:
                raise InputError(f"a training state of schema {schema!r}; this reads {SCHEMA!r}")
            return _state(record)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"not a training state: {error}; start the tuning anew") from error


def _state(record: dict[str, Any]) -> TrainState:
    take, n = record.pop, len(record["params"])
    best, calibration = take("best_value"), take("calibration")
    state = TrainState(
        key=_text(take("key")),
        params=_reals(take("params"), n),
        moments=tuple(_moments(row) for row in _listed(take("moments"), n)),
        pruner=_pruner(take("pruner"), n),
        best_params=_reals(take("best_params"), n),
        best_value=None if best is None else _real(best),
        shots=_count(take("shots")),
        circuits=_count(take("circuits")),
        jobs=_count(take("jobs")),
        qpu_seconds=_real(take("qpu_seconds")),
        history=tuple(_step(row) for row in take("history")),
        shot_memory=_memory(take("shot_memory"), n),
        calibration=None if calibration is None else _calibration(calibration),
    )
    _require_empty(record)
    return state


def _moments(row: Any) -> tuple[tuple[str, float], ...]:
    return tuple((_text(name), _real(value)) for name, value in row)


def _pruner(record: dict[str, Any], n: int) -> Pruner:
    pruner = Pruner(
        _reals(record.pop("sums"), n),
        _count(record.pop("phase")),
        Pruning(**record.pop("settings")),
        tuple(_count(k) for k in record.pop("active")),
    )
    _require_empty(record)
    return pruner


def _memory(record: dict[str, Any], n: int) -> ShotMemory:
    memory = ShotMemory(
        _reals(record.pop("mean"), n),
        _reals(record.pop("variance"), n),
        tuple(_count(v) for v in _listed(record.pop("steps"), n)),
    )
    _require_empty(record)
    return memory


def _calibration(record: dict[str, Any]) -> Calibration:
    n = len(record["slope"])
    calibration = Calibration(_reals(record.pop("slope"), n), _reals(record.pop("offset"), n))
    _require_empty(record)
    return calibration


def _require_empty(record: dict[str, Any]) -> None:
    if record:
        raise InputError(f"a training state with unknown fields {[*record]}")


def _step(row: dict[str, Any]) -> StepRecord:
    kept, params = row["kept"], row["params"]
    record = StepRecord(
        **{
            **row,
            "kept": tuple(_count(number) for number in kept),
            "params": tuple(_real(angle) for angle in params),
        }
    )
    for number in (record.value, record.stderr, record.qpu_seconds):
        _real(number)
    for count in (record.shots, record.circuits, record.jobs):
        _count(count)
    return record


def _listed(values: Any, n: int) -> list[Any]:
    if not isinstance(values, list) or len(values) != n:
        raise ValueError(f"a list of {n} numbers is missing")
    return values


def _reals(values: Any, n: int) -> tuple[float, ...]:
    return tuple(_real(v) for v in _listed(values, n))


def _real(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a text")
    return value
