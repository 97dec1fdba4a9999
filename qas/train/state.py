"""The state of a training: everything that an exact resume needs, as a value."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError
from qas.train.adam import Moments
from qas.train.prune import Pruner, Pruning

SCHEMA = "qas-train-state-1"


def step_seed(seed: int, step: int, purpose: str) -> int:
    """A 63-bit seed for one purpose of one step of one run.

    Counting instead of remembering: no generator's state has to be saved.
    """
    digest = hashlib.sha256(f"{seed}/{step}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


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
    """Angles after the step, radians."""


@dataclass(frozen=True)
class TrainState:
    """Training after ``step`` steps. Two equal states continue equally on equal backends."""

    key: str
    """Hash of circuit, observable, backend and settings: a resume with others is refused."""
    params: tuple[float, ...]
    """Angles now, radians."""
    moments: Moments
    pruner: Pruner
    best_params: tuple[float, ...]
    """Angles with the lowest measured value so far (one noisy reading: see `compare`)."""
    best_value: float | None = None
    shots: int = 0
    """Shots spent so far."""
    circuits: int = 0
    """Circuits executed so far."""
    history: tuple[StepRecord, ...] = ()

    @property
    def step(self) -> int:
        """Number of steps done."""
        return len(self.history)

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
        return cls(key, angles, Moments.zeros(n), Pruner.start(n, pruning), angles)

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
    n = len(record["params"])
    moments, pruner = dict(record.pop("moments")), dict(record.pop("pruner"))
    best = record["best_value"]
    params, best_params = record.pop("params"), record.pop("best_params")
    history = record.pop("history")
    state = TrainState(
        params=_reals(params, n),
        best_params=_reals(best_params, n),
        moments=Moments(
            _reals(moments.pop("first"), n),
            _reals(moments.pop("second"), n),
            tuple(_count(v) for v in _listed(moments.pop("steps"), n)),
        ),
        pruner=Pruner(
            _reals(pruner.pop("sums"), n),
            _count(pruner.pop("phase")),
            Pruning(**pruner.pop("settings")),
        ),
        history=tuple(_step(row) for row in history),
        key=_text(record.pop("key")),
        best_value=None if record.pop("best_value") is None else _real(best),
        shots=_count(record.pop("shots")),
        circuits=_count(record.pop("circuits")),
    )
    unknown = [*record, *moments, *pruner]
    if unknown:
        raise InputError(f"a training state with unknown fields {unknown}")
    return state


def _step(row: dict[str, Any]) -> StepRecord:
    kept, params = row["kept"], row["params"]
    record = StepRecord(
        **{
            **row,
            "kept": tuple(_count(number) for number in kept),
            "params": tuple(_real(angle) for angle in params),
        }
    )
    _real(record.value), _real(record.stderr)
    _count(record.shots), _count(record.circuits)
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
