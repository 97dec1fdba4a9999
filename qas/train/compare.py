"""Tuned against untuned angles, on fresh shots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, checked_params
from qas.errors import InputError
from qas.execute.backend import Backend, Estimate
from qas.execute.cost import reseeded
from qas.task.loss import Loss
from qas.train.objective import Objective, check_circuit, observables_of
from qas.train.seed import step_seed

Pair = NDArray[np.float64]
"""Shape (2,): untuned, tuned."""


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
    objective: Objective,
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
        objective: an observable, or a loss: all its samples are measured.
        untuned: angles of the circuit, shape (n_angles,), radians.
        tuned: the same.
        repeats: requests, each with all the backend's shots for both.
        seed: of simulated shots; no other request of the run should share it.
        sigmas: how many standard errors of the difference the tuned must win by.

    Raises:
        InputError: angles that do not fit the circuit, or no repeat.
    """
    if repeats < 1:
        raise InputError(f"a comparison needs at least 1 repeat; given {repeats}")
    check_circuit(circuit, objective)
    rows = np.concatenate([checked_params(circuit, untuned), checked_params(circuit, tuned)])
    if len(rows) != 2:
        raise InputError("compare takes one vector of untuned and one of tuned angles")
    loss = objective if isinstance(objective, Loss) else None
    inputs = None
    if loss is not None:
        rows, inputs = np.repeat(rows, loss.n_samples, axis=0), np.tile(loss.inputs, (2, 1))
    observables = observables_of(objective)
    runs = [
        reseeded(backend, step_seed(seed, k, "compare")).estimate(
            circuit, observables, rows, inputs
        )
        for k in range(repeats)
    ]
    mean, stderr = _pooled([_both(run, loss) for run in runs])
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


def _both(run: Estimate, loss: Loss | None) -> tuple[Pair, Pair]:
    """What is lowered at both sets of angles, and its errors, from one request."""
    if loss is None:
        return run.mean[:, 0], run.stderr[:, 0]
    means, errors = np.zeros(2), np.zeros(2)
    for k, own in enumerate(np.split(np.arange(len(run.mean)), 2)):
        losses, slopes = loss.per_sample(run.mean[own])
        means[k] = losses.mean()
        errors[k] = np.sqrt((slopes**2 * run.stderr[own] ** 2).sum()) / len(own)
    return means, errors


def _pooled(runs: list[tuple[Pair, Pair]]) -> tuple[Pair, Pair]:
    means = np.stack([mean for mean, _ in runs])
    reported = np.sqrt((np.stack([error for _, error in runs]) ** 2).sum(axis=0)) / len(runs)
    if len(runs) < 4:
        return means.mean(axis=0), reported
    spread = means.std(axis=0, ddof=1) / np.sqrt(len(runs))
    return means.mean(axis=0), np.maximum(reported, spread)
