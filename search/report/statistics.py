"""Statistics of runs: pure functions of arrays, one array a case with the seeds last.

Aggregates over cases and seeds and their bands are those of Agarwal et al., "Deep
reinforcement learning at the edge of the statistical precipice" (NeurIPS 2021). Their library
rliable is no longer maintained, draws from the global random state and resamples each arm on
its own; scipy's bootstrap, given one sample a case, resamples the seeds of each case, the
same ones for all arms and all points of a curve: stratified, paired, from a given generator.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Strata = Sequence[Reals]
"""Of each case an array of shape (..., seeds): cases may differ in their number of seeds."""
Statistic = Callable[..., Reals]
"""``statistic(*strata, axis=-1)``: the seeds are the last axis, resamples come before it."""
RESAMPLES = 2000
LEVEL = 0.95
TIE = 1e-3
"""log10 within which two errors are equal: 0.2%."""
BATCH = 50


@dataclass(frozen=True)
class Band:
    """A statistic with its interval; NaN bounds where two seeds or more are missing."""

    value: Reals
    low: Reals
    high: Reals


def score(errors: Reals, floor: float, reference: float) -> Reals:
    """Errors on a scale on which cases can be averaged, in 0..1, higher is better.

    log(reference / e) / log(reference / floor), e clipped to floor..reference: 0 is the
    reference circuit, or nothing found yet (an infinite error); 1 is ``floor`` or less.

    >>> score(np.array([np.inf, 1e-1, 1e-5, 1e-12]), 1e-9, 1e-1).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    clipped = np.clip(errors, floor, reference)
    return np.asarray(np.log(reference / clipped) / np.log(reference / floor))


def error_of(scores: Reals, floor: float, reference: float) -> Reals:
    """The error that has a score: the inverse of `score` between its ends."""
    return np.asarray(reference * (floor / reference) ** scores)


def interquartile_mean(*strata: Reals, axis: int = -1) -> Reals:
    """Mean of the middle half of all runs of all cases: robust as a median, steadier.

    Of N values int(N / 4) are cut off at either end.

    >>> float(interquartile_mean(np.array([0.0, 1.0, 2.0, 90.0])))
    1.5
    """
    from scipy.stats import trim_mean

    return np.asarray(trim_mean(np.concatenate(strata, axis=axis), 0.25, axis=axis))


def improvement(*strata: Reals, axis: int = -1) -> Reals:
    """Probability that an arm's run has a lower value than another's, shape (arms, arms, ...).

    P[x, y] = mean over cases of the share of pairs of runs with x < y, half where x = y
    (Mann and Whitney's U / n^2). Values shape (arms, ..., seeds).
    """
    assert axis in (-1, strata[0].ndim - 1)
    chances = []
    for values in strata:
        one, other = values[:, None, ..., :, None], values[None, :, ..., None, :]
        chances.append(((one < other) + 0.5 * (one == other)).mean((-2, -1)))
    return np.asarray(np.mean(chances, axis=0))


def share_within(limits: Reals) -> Statistic:
    """The performance profile: share of all runs at or below each limit, shape (..., limits)."""

    def share(*strata: Reals, axis: int = -1) -> Reals:
        pooled = np.concatenate(strata, axis=axis)[:, None]
        shaped = limits.reshape(1, -1, *(1,) * (pooled.ndim - 2))
        return np.asarray((pooled <= shaped).mean(-1))

    return share


def banded(
    strata: Strata, statistic: Statistic, rng: np.random.Generator, resamples: int = RESAMPLES
) -> Band:
    """A statistic with its stratified percentile bootstrap interval, 95%.

    Within each case the seeds are drawn with replacement, the same ones for every other
    axis: the interval says what other seeds would have changed, not other cases.

    Args:
        strata: of each case shape (..., seeds).
        statistic: of all of them.
        rng: draws the seeds.
        resamples: how often.
    """
    from scipy.stats import bootstrap

    value = np.asarray(statistic(*strata, axis=-1))
    if min(stratum.shape[-1] for stratum in strata) < 2:
        unknown = np.full(value.shape, np.nan)
        return Band(value, unknown, unknown)
    found = bootstrap(
        strata, statistic, n_resamples=resamples, batch=BATCH, vectorized=True,
        axis=-1, confidence_level=LEVEL, method="percentile", rng=rng,
    ).confidence_interval  # fmt: skip
    return Band(value, np.asarray(found.low), np.asarray(found.high))


def rounded(errors: Reals, floor: float) -> Reals:
    """log10 of errors in steps of `TIE`, at least ``floor``: what rounding decides is a tie."""
    return np.asarray(np.round(np.log10(np.maximum(errors, floor)) / TIE) * TIE)


def held(times: Reals, values: Reals, grid: Reals) -> Reals:
    """What a step curve stands at on a grid: the last value, infinity before the first.

    >>> held(np.array([1.0, 3.0]), np.array([5.0, 4.0]), np.array([0.5, 1.0, 2.9, 9.0])).tolist()
    [inf, 5.0, 5.0, 4.0]
    """
    at = np.searchsorted(times, grid, side="right")
    return np.asarray(np.concatenate([[np.inf], values])[at])


@dataclass(frozen=True)
class Arrival:
    """When runs reached a target."""

    runs: int
    reached: int
    share: tuple[float, float, float]
    """Share of the runs that reached it, and its interval (Wilson)."""
    median: float | None
    """When half had; None: not reached by half while they could be watched."""
    interval: tuple[float | None, float | None]
    """Of the median; None: open."""


def arrival(times: Reals, reached: NDArray[np.bool_]) -> Arrival:
    """Time to target of runs that are watched only until their budget is spent.

    The survival function is Kaplan and Meier's, so that a run which ended early is not taken
    for one that failed; the median is where it falls to a half, its interval where the
    log-log bounds do (Brookmeyer and Crowley, Biometrics 1982).

    Args:
        times: shape (runs,): of reaching the target, or of the end without it.
        reached: shape (runs,).
    """
    from scipy.stats import CensoredData, binomtest, ecdf

    count, runs = int(reached.sum()), len(times)
    share = binomtest(count, runs).proportion_ci(LEVEL, method="wilson")
    alive = ecdf(CensoredData.right_censored(times, ~reached)).sf
    with warnings.catch_warnings():
        # Where all or none are left the formula has no value; the estimate stands in for it.
        warnings.filterwarnings("ignore", "The confidence interval is undefined")
        bounds = alive.confidence_interval(LEVEL, method="log-log")
    low, middle, high = (
        _first_half(alive.quantiles, np.where(np.isnan(p), alive.probabilities, p))
        for p in (bounds.low.probabilities, alive.probabilities, bounds.high.probabilities)
    )
    return Arrival(
        runs, count, (count / runs, float(share.low), float(share.high)), middle, (low, high)
    )


def _first_half(times: Reals, alive: Any) -> float | None:
    """The first time at which at most half are left."""
    below = np.flatnonzero(alive <= 0.5)
    return float(times[below[0]]) if len(below) else None
