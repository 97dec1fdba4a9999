"""Rotosolve as a state machine, compiled: one angle after the other to its exact minimum.

The energy is a + b cos x + c sin x in each native angle, gate noise included, so that its values
at x = 0, pi/2 and -pi/2 give its minimum a - sqrt(b^2 + c^2). That becomes the value at x = 0 of
the next angle: two evaluations an angle (Nakanishi, Fujii, Todo, arXiv 1903.12166; Ostaszewski,
Grant, Benedetti, arXiv 1905.09692).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.compiled import compiled, inlined
from qas.execute.stop import (
    BUDGET,
    DECREASE,
    GO_ON,
    ITERATIONS,
    NOISE,
    NOT_FINITE,
    SLOPE,
    Runs,
    settled,
)

_STATE = np.dtype(
    [(name, np.int64) for name in ("run", "calls", "sweeps", "at")]
    + [(name, np.float64) for name in ("energy", "before", "steepest")]
)
"""Of the run that goes on: values measured, sweeps done, number of the angle that is measured,
energy now and when the sweep began, and the largest slope met in it."""


class Work(NamedTuple):
    """Work arrays of one thread."""

    state: NDArray[np.void]
    """Shape (1,), see `_STATE`."""
    pair: NDArray[np.float64]
    """The two points to measure, shape (2, G)."""
    shown: NDArray[np.float64]
    """A read-only view of them, as kernels take them."""
    values: NDArray[np.float64]
    """Shape (2,): where the simulator writes their values."""


def make_work(runs: Runs, memory: int) -> Work:
    """Work arrays for some runs, the start of the first one written down; ``memory`` is unused."""
    pair = np.repeat(runs.angles[:1], 2, axis=0)
    shown = pair.view()
    shown.setflags(write=False)
    return Work(np.zeros(1, _STATE), pair, shown, np.zeros(2))


def settle(runs: Runs, work: Work, reason: int) -> None:
    """Break off the run that goes on."""
    state, b = work.state[0], int(work.state[0]["run"])
    runs.energies[b], runs.calls[b], runs.reasons[b] = state["energy"], state["calls"], reason


@compiled
def advance(runs, limits, work):
    """Take in ``work.values`` at the two points ``work.pair``; write the next two.

    A run begins with its start as both points, measured as one value.

    Args:
        runs: see `qas.execute.stop.Runs`.
        limits: see `qas.execute.stop.Limits`; a sweep over all angles is an iteration.
        work: from `make_work`.

    Returns:
        The run to measure next, ``len(runs.angles)`` when all are done.
    """
    s = work.state[0]
    b = s.run
    reason = _take_in(runs, work, s, b)
    if reason == GO_ON and s.calls >= limits.evaluations:
        reason = BUDGET
    if reason == GO_ON and s.at == runs.sizes[b]:
        reason = _end_sweep(limits, s)
    if reason != GO_ON:
        runs.energies[b], runs.calls[b], runs.reasons[b] = s.energy, s.calls, reason
        s.run += 1
        s.calls = s.sweeps = 0
        if s.run == len(runs.angles):
            return s.run
    for g in range(work.pair.shape[1]):
        work.pair[0, g] = work.pair[1, g] = runs.angles[s.run, g]
    if reason == GO_ON:
        work.pair[0, runs.free[b, s.at]] += 0.5 * math.pi
        work.pair[1, runs.free[b, s.at]] -= 0.5 * math.pi
    return s.run


@inlined
def _take_in(runs, work, s, b):
    """Move the angle that was measured to its minimum; why the run stops, or GO_ON."""
    plus, minus = work.values[0], work.values[1]
    if s.calls == 0:
        s.calls, s.at = 1, 0
        s.energy = s.before = plus
        s.steepest = 0.0
        if not math.isfinite(plus):
            return NOT_FINITE
        return GO_ON if runs.sizes[b] > 0 else SLOPE
    s.calls += 2
    if not math.isfinite(plus + minus):
        return NOT_FINITE
    middle, slope = 0.5 * (plus + minus), 0.5 * (plus - minus)
    along = s.energy - middle
    size = math.sqrt(along * along + slope * slope)
    if size > NOISE * max(abs(middle), 1.0):
        runs.angles[b, runs.free[b, s.at]] += math.atan2(-slope, -along)
        s.energy = min(s.energy, middle - size)
        # On a crest the slope is small, and yet the angle turns round.
        s.steepest = max(s.steepest, size if along > 0.0 else abs(slope))
    s.at += 1
    return GO_ON


@inlined
def _end_sweep(limits, s):
    """Whether another sweep follows."""
    s.sweeps += 1
    before, steepest = s.before, s.steepest
    s.at, s.before, s.steepest = 0, s.energy, 0.0
    if steepest <= limits.slope:
        return SLOPE
    if settled(limits, before, s.energy):
        return DECREASE
    return ITERATIONS if s.sweeps >= limits.iterations else GO_ON
