"""L-BFGS as a state machine, compiled: it asks for energy and slopes point by point.

Directions by the two-loop recursion, steps by a line search for the strong Wolfe conditions:
Nocedal and Wright, Numerical Optimization (2006), algorithms 7.4, 3.5 and 3.6 with cubic
interpolation (3.59). Near a minimum, where differences of energies drown in rounding, a step
also counts if the slopes alone say so: the approximate Wolfe conditions of Hager and Zhang, SIAM
J. Optim. 16, 170 (2005). Where a search fails, the memory is dropped and the gradient followed.
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
    NO_DESCENT,
    NOISE,
    NOT_FINITE,
    SLOPE,
    Runs,
    settled,
)

ARMIJO, CURVATURE = 1e-4, 0.9
"""c1 and c2 of the Wolfe conditions."""
TRIES = 20
"""Measurements that one line search may take."""
FIRST_STEP = 1.0
"""Length of the first step along the gradient, radians."""
Reals = NDArray[np.float64]
_SEARCHING, _FOUND, _FAILED = 0, 1, 2

_STATE = np.dtype(
    [(name, np.int64) for name in ("run", "calls", "iterations", "stored", "tries", "zooming")]
    + [(name, np.float64) for name in ("best", "energy", "descent", "step")]
    + [
        (f"{end}{what}", np.float64)
        for end in ("low", "high")
        for what in ("", "_energy", "_slope")
    ]
)
"""The numbers of a run that goes on.

``energy`` and ``descent`` are the energy and its derivative per unit of ``step`` where the line
search began; low and high are the ends of its bracket, low the better one (before a bracket is
found, the last step that was too short).
"""


class Work(NamedTuple):
    """Work arrays of one thread, for up to P free angles and a memory of m steps."""

    state: NDArray[np.void]
    """Shape (1,), see `_STATE`."""
    slopes: Reals
    """Shape (G,): where the simulator writes its slopes."""
    point: Reals
    slope: Reals
    """Shape (P,), like the next four: where the energy was measured last, and its gradient."""
    best: Reals
    origin: Reals
    uphill: Reals
    """The gradient at the origin of the line search."""
    direction: Reals
    moves: Reals
    turns: Reals
    """Shape (m, P): differences of points, and of gradients."""
    inverse: Reals
    """One over the products of moves and turns, shape (m,)."""
    share: Reals
    """Shape (m,)."""


def make_work(runs: Runs, memory: int) -> Work:
    """Work arrays for some runs; the last ``memory`` steps are remembered."""
    n_angles = runs.free.shape[1]
    vectors = [np.zeros(n_angles) for _ in range(6)]
    pairs = [np.zeros((memory, n_angles)) for _ in range(2)]
    numbers = [np.zeros(memory) for _ in range(2)]
    return Work(np.zeros(1, _STATE), np.zeros(runs.angles.shape[1]), *vectors, *pairs, *numbers)


def settle(runs: Runs, work: Work, reason: int) -> None:
    """Break off the run that goes on: its best point so far stands."""
    state, b = work.state[0], int(work.state[0]["run"])
    size = runs.sizes[b]
    runs.angles[b, runs.free[b, :size]] = work.best[:size]
    runs.energies[b], runs.calls[b], runs.reasons[b] = state["best"], state["calls"], reason


@compiled
def advance(runs, limits, work, value):
    """Take in the energy at ``runs.angles[b]`` and its slopes; write the next point.

    Args:
        runs: see `qas.execute.stop.Runs`.
        limits: see `qas.execute.stop.Limits`.
        work: from `make_work`; ``work.slopes`` holds the derivative in every angle of the circuit.
        value: the energy, hartree.

    Returns:
        The run b to measure next, ``len(runs.angles)`` when all are done.
    """
    s = work.state[0]
    b, n = s.run, runs.sizes[s.run]
    free = runs.free[b]
    steepest = _take_in(runs, work, s, free, n, value)
    reason, search = GO_ON, _FOUND
    if not math.isfinite(value + steepest):
        reason = NOT_FINITE
    elif s.calls * (1.0 + 2.0 * n) >= limits.evaluations:
        reason = BUDGET
    elif s.calls > 1:
        search = _search(s, value, _dot(work.slope, work.direction, n))
    if reason == GO_ON and search == _FOUND:
        reason = _arrive(limits, work, s, n, value, steepest)
    elif reason == GO_ON and search == _FAILED:
        reason = NO_DESCENT if s.stored == 0 else GO_ON
        s.stored = 0
    if reason != GO_ON:
        for k in range(n):
            runs.angles[b, free[k]] = work.best[k]
        runs.energies[b], runs.calls[b], runs.reasons[b] = s.best, s.calls, reason
        s.run += 1
        s.calls = s.iterations = s.stored = 0
        return s.run
    if search != _SEARCHING:
        _depart(work, s, n)
    for k in range(n):
        work.point[k] = work.origin[k] + s.step * work.direction[k]
        runs.angles[b, free[k]] = work.point[k]
    return b


@inlined
def _take_in(runs, work, s, free, n, value):
    """Copy slopes, note the best point; the largest slope, not-a-number if one is not finite."""
    s.calls += 1
    steepest = 0.0
    for k in range(n):
        work.slope[k] = work.slopes[free[k]]
        size = abs(work.slope[k])
        steepest = size if size > steepest or size != size else steepest
    if s.calls == 1:
        for k in range(n):
            work.point[k] = runs.angles[s.run, free[k]]
    if s.calls == 1 or (math.isfinite(value + steepest) and value < s.best):
        s.best = value
        for k in range(n):
            work.best[k] = work.point[k]
    return steepest


@inlined
def _arrive(limits, work, s, n, value, steepest):
    """End a line search, the first measurement counting as one: why the run stops, or GO_ON."""
    before = s.energy
    if s.calls > 1:
        s.iterations += 1
        _remember(work, s, n)
    s.energy = value
    for k in range(n):
        work.origin[k], work.uphill[k] = work.point[k], work.slope[k]
    if steepest <= limits.slope:
        return SLOPE
    if s.calls > 1 and settled(limits, before, value):
        return DECREASE
    return ITERATIONS if s.iterations >= limits.iterations else GO_ON


@inlined
def _depart(work, s, n):
    """Begin a line search at the origin: its direction and first step."""
    _set_direction(work, s, n)
    s.descent = _dot(work.uphill, work.direction, n)
    if not s.descent < 0.0:
        s.stored = 0
        for k in range(n):
            work.direction[k] = -work.uphill[k]
        s.descent = -_dot(work.uphill, work.uphill, n)
    s.step = 1.0 if s.stored > 0 else min(1.0, FIRST_STEP / math.sqrt(-s.descent))
    s.low, s.low_energy, s.low_slope = 0.0, s.energy, s.descent
    s.tries = s.zooming = 0


@inlined
def _search(s, value, slope):
    """One step of the line search: whether the step measured is taken, or which to try next."""
    s.tries += 1
    enough = value <= s.energy + ARMIJO * s.step * s.descent
    noise = NOISE * max(abs(s.energy), 1.0)
    nearly = value <= s.energy + noise and slope <= (2.0 * ARMIJO - 1.0) * s.descent
    if abs(slope) <= -CURVATURE * s.descent and (enough or nearly):
        return _FOUND
    if s.tries >= TRIES:
        return _FAILED
    if not enough or (value >= s.low_energy and (s.zooming or s.tries > 1)):
        s.zooming = 1
        s.high, s.high_energy, s.high_slope = s.step, value, slope
    else:
        if not s.zooming and slope < 0.0:
            return _lengthen(s, value, slope)
        if not s.zooming or slope * (s.high - s.low) >= 0.0:
            s.high, s.high_energy, s.high_slope = s.low, s.low_energy, s.low_slope
        s.zooming = 1
        s.low, s.low_energy, s.low_slope = s.step, value, slope
    width = s.high - s.low
    if abs(width) <= 1e-12 * max(abs(s.low), abs(s.high)):
        return _FAILED
    t = _lowest(s.low, s.low_energy, s.low_slope, s.high, s.high_energy, s.high_slope)
    share = (t - s.low) / width
    s.step = s.low + width * (min(max(share, 0.1), 0.9) if math.isfinite(share) else 0.5)
    return _SEARCHING


@inlined
def _lengthen(s, value, slope):
    """The minimum lies further out: try a longer step."""
    grown = s.step - s.low
    t = _lowest(s.low, s.low_energy, s.low_slope, s.step, value, slope)
    s.low, s.low_energy, s.low_slope = s.step, value, slope
    s.step += min(max(t - s.low, 1.1 * grown), 4.0 * grown) if math.isfinite(t) else 2.0 * grown
    return _SEARCHING


@inlined
def _lowest(a, energy_a, slope_a, b, energy_b, slope_b):
    """Minimum of the cubic with these values and slopes at a and b; not finite if none."""
    middle = slope_a + slope_b - 3.0 * (energy_a - energy_b) / (a - b)
    root = math.sqrt(max(middle * middle - slope_a * slope_b, 0.0))
    root = root if b > a else -root
    return b - (b - a) * (slope_b + root - middle) / (slope_b - slope_a + 2.0 * root)


@inlined
def _remember(work, s, n):
    """Store the step just taken, unless the slope did not rise along it."""
    product = square = 0.0
    for k in range(n):
        turn = work.slope[k] - work.uphill[k]
        product += (work.point[k] - work.origin[k]) * turn
        square += turn * turn
    if product > 2e-16 * square:
        row = s.stored % len(work.inverse)
        for k in range(n):
            work.moves[row, k] = work.point[k] - work.origin[k]
            work.turns[row, k] = work.slope[k] - work.uphill[k]
        work.inverse[row] = 1.0 / product
        s.stored += 1


@inlined
def _set_direction(work, s, n):
    """Minus the inverse Hessian times the gradient: the two-loop recursion."""
    d, moves, turns, memory = work.direction, work.moves, work.turns, len(work.inverse)
    for k in range(n):
        d[k] = -work.uphill[k]
    if s.stored == 0:
        return
    oldest = max(0, s.stored - memory)
    for i in range(s.stored - 1, oldest - 1, -1):
        row = i % memory
        work.share[row] = work.inverse[row] * _dot(moves[row], d, n)
        for k in range(n):
            d[k] -= work.share[row] * turns[row, k]
    newest = (s.stored - 1) % memory
    scale = 1.0 / (work.inverse[newest] * _dot(turns[newest], turns[newest], n))
    for k in range(n):
        d[k] *= scale
    for i in range(oldest, s.stored):
        row = i % memory
        rest = work.share[row] - work.inverse[row] * _dot(turns[row], d, n)
        for k in range(n):
            d[k] += rest * moves[row, k]


@inlined
def _dot(a, b, n):
    """Sum of a[k] b[k], in four running sums."""
    s0 = s1 = s2 = s3 = 0.0
    whole = n & -4
    for k in range(0, whole, 4):
        s0 += a[k] * b[k]
        s1 += a[k + 1] * b[k + 1]
        s2 += a[k + 2] * b[k + 2]
        s3 += a[k + 3] * b[k + 3]
    for k in range(whole, n):
        s0 += a[k] * b[k]
    return (s0 + s1) + (s2 + s3)
