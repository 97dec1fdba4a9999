"""Tuned against untuned angles, on fresh shots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, checked_params
from qas.errors import InputError
from qas.execute.backend import Backend, Estimate
from qas.execute.cost import reseeded
from qas.task import Observable
from qas.train.state import step_seed


@dataclass(frozen=True)
class Comparison:
    """Untuned against tuned angles, on fresh shots of the same backend."""

    untuned: float
    untuned_stderr: float
    tuned: float
    tuned_stderr: float
    tuned_is_better: bool
    """True where the tuned angles are lower by more than the asked-for number of errors."""
    shots: int
    circuits: int


def compare(
    backend: Backend,
    circuit: Circuit,
    observable: Observable,
    untuned: ArrayLike,
    tuned: ArrayLike,
    repeats: int = 4,
    *,
    seed: int = 0,
    sigmas: float = 1.0,
) -> Comparison:
    """Measure both sets of angles anew and decide: the untuned stay unless beaten.

    Each repeat is one request that holds both, so that they share drift and readout
    calibration. Errors are the larger of those reported and the spread over repeats.

    Args:
        repeats: requests, each with all the backend's shots for both.
        seed: of simulated shots; no other request of the run should share it.
        sigmas: how many standard errors of the difference the tuned must win by.

    Raises:
        InputError: angles that do not fit the circuit, or no repeat.
    """
    if repeats < 1:
        raise InputError(f"a comparison needs at least 1 repeat; given {repeats}")
    rows = np.concatenate([checked_params(circuit, untuned), checked_params(circuit, tuned)])
    if len(rows) != 2:
        raise InputError("compare takes one vector of untuned and one of tuned angles")
    runs = [
        reseeded(backend, step_seed(seed, k, "compare")).estimate(circuit, observable, rows)
        for k in range(repeats)
    ]
    mean, stderr = _pooled(runs)
    gain = float(mean[0] - mean[1])
    return Comparison(
        untuned=float(mean[0]),
        untuned_stderr=float(stderr[0]),
        tuned=float(mean[1]),
        tuned_stderr=float(stderr[1]),
        tuned_is_better=bool(gain > sigmas * float(np.hypot(*stderr))),
        shots=sum(run.shots for run in runs),
        circuits=sum(run.circuits for run in runs),
    )


def _pooled(runs: list[Estimate]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    means = np.stack([run.mean for run in runs])
    reported = np.sqrt((np.stack([run.stderr for run in runs]) ** 2).sum(axis=0)) / len(runs)
    if len(runs) < 4:
        return means.mean(axis=0), reported
    spread = means.std(axis=0, ddof=1) / np.sqrt(len(runs))
    return means.mean(axis=0), np.maximum(reported, spread)
