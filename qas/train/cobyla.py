"""COBYLA: a minimum from values alone, by linear models on a simplex."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import nlopt
import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lowest:
    """The lowest value that was measured, where, and how many measurements there were."""

    value: float
    at: Reals
    """Shape (P,), radians."""
    evaluations: int


def cobyla(
    function: Callable[[Reals], float],
    start: ArrayLike,
    *,
    evaluations: int = 1000,
    step: float = 0.5,
    tolerance: float = 1e-4,
    deadline: float = np.inf,
) -> Lowest:
    """The lowest point that COBYLA sees from ``start``, which it measures first.

    Powell, in Advances in Optimization and Numerical Analysis (1994), p. 51; here without
    constraints, NLopt's LN_COBYLA. Equal functions give equal results: nothing is random.

    Args:
        function: of an array of shape (P,), radians, that it neither keeps nor writes.
        start: shape (P,), radians; with P = 0 there is one measurement.
        evaluations: at most so many measurements.
        step: radians by which each angle is first turned.
        tolerance: radians; the search ends where the simplex has become so small.
        deadline: when to break off, on the clock of `time.monotonic`; the start is measured.

    Raises:
        InputError: a start or a value that is not finite, or limits that are not positive.

    >>> import math
    >>> found = cobyla(lambda x: -math.cos(x[0] - 1.0) - math.cos(x[1]), [0.0, 0.5])
    >>> [round(float(x), 2) + 0.0 for x in found.at], found.evaluations < 100
    ([1.0, 0.0], True)
    """
    first = np.array(start, dtype=np.float64)
    _check(first, evaluations, step, tolerance)
    best, at, calls = np.inf, first, 0

    def measured(x: Reals, _: Reals) -> float:
        nonlocal best, at, calls
        value = function(x)
        calls += 1
        if not -np.inf < value < np.inf:  # NLopt would search on for ever
            raise InputError(f"COBYLA needs finite values; measured {value} at {x.tolist()}")
        if value < best:
            best, at = value, x.copy()
        return value

    seconds = deadline - time.monotonic()
    if len(first) == 0 or evaluations == 1 or seconds <= 0:
        measured(first, first)
        return Lowest(best, at, calls)
    search = nlopt.opt(nlopt.LN_COBYLA, len(first))
    search.set_min_objective(measured)
    search.set_maxeval(evaluations)
    search.set_initial_step(step)
    search.set_xtol_abs(tolerance)
    if np.isfinite(seconds):
        search.set_maxtime(seconds)
    with suppress(nlopt.RoundoffLimited):  # no finer: the lowest point seen stands
        search.optimize(first)
    return Lowest(best, at, calls)


def _check(start: Reals, evaluations: int, step: float, tolerance: float) -> None:
    if start.ndim != 1 or not np.isfinite(start).all():
        raise InputError(f"a start is one vector of finite radians; given {start.tolist()}")
    for name, number in (("evaluations", evaluations), ("step", step), ("tolerance", tolerance)):
        if not (np.isfinite(number) and number > 0):
            raise InputError(f"{name} must be positive and finite; given {number!r}")
