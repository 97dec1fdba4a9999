"""Statistics of runs beside slow, obvious twins and cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from search.report.statistics import (
    arrival,
    banded,
    error_of,
    held,
    improvement,
    interquartile_mean,
    rounded,
    score,
    share_within,
)

Reals = NDArray[np.float64]
VALUES = st.floats(-5, 5).map(lambda x: round(x, 1))  # ties happen


def cells(arms: int) -> st.SearchStrategy[list[Reals]]:
    """One to three cases of two to five seeds."""
    one = st.integers(2, 5).flatmap(lambda n: arrays(np.float64, (arms, n), elements=VALUES))
    return st.lists(one, min_size=1, max_size=3)


@given(cells(2))
def test_interquartile_mean_is_the_mean_of_the_middle_half(strata: list[Reals]) -> None:
    for arm in range(2):
        pooled = sorted(value for cell in strata for value in cell[arm])
        cut = len(pooled) // 4
        middle = pooled[cut : len(pooled) - cut]
        expected = sum(middle) / len(middle)
        assert interquartile_mean(*strata)[arm] == pytest.approx(expected, abs=1e-12)


def test_interquartile_mean_passes_over_what_is_far_out() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert interquartile_mean(values) == interquartile_mean(np.array([-1e9, 2.0, 3.0, 1e9])) == 2.5


@given(cells(3))
def test_probability_of_improvement_counts_pairs_of_runs(strata: list[Reals]) -> None:
    found = improvement(*strata)
    for x in range(3):
        for y in range(3):
            shares = []
            for cell in strata:
                pairs = [(a, b) for a in cell[x] for b in cell[y]]
                shares.append(sum(1.0 if a < b else 0.5 if a == b else 0.0 for a, b in pairs))
                shares[-1] /= len(pairs)
            assert found[x, y] == pytest.approx(np.mean(shares), abs=1e-12)
    assert found + found.T == pytest.approx(np.ones((3, 3)))


def test_probability_of_improvement_of_separated_runs_is_one() -> None:
    rng = np.random.default_rng(3)
    low, high = rng.uniform(0, 1, 8), rng.uniform(2, 3, 8)
    band = banded([np.array([low, high])] * 2, improvement, rng, 200)
    assert band.value.tolist() == [[0.5, 1.0], [0.0, 0.5]]
    assert band.low[0, 1] == band.high[0, 1] == 1.0
    assert band.low[1, 0] == band.high[1, 0] == 0.0


@given(cells(2), arrays(np.float64, 4, elements=VALUES))
def test_the_profile_is_the_share_of_runs_within_a_limit(
    strata: list[Reals], limits: Reals
) -> None:
    found = share_within(limits)(*strata, axis=-1)
    for arm in range(2):
        pooled = [value for cell in strata for value in cell[arm]]
        for at, limit in enumerate(limits):
            assert found[arm, at] == sum(v <= limit for v in pooled) / len(pooled)


def test_the_bootstrap_is_that_of_a_loop_over_resamples() -> None:
    rng = np.random.default_rng(5)
    strata = [rng.normal(size=(2, n)) for n in (6, 9)]
    drawn = []
    for _ in range(4000):
        picks = [rng.integers(cell.shape[1], size=cell.shape[1]) for cell in strata]
        again = [cell[:, pick] for cell, pick in zip(strata, picks, strict=True)]
        drawn.append(interquartile_mean(*again))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    band = banded(strata, interquartile_mean, rng, 4000)
    assert band.value.tolist() == interquartile_mean(*strata).tolist()
    assert band.low == pytest.approx(low, abs=0.05)
    assert band.high == pytest.approx(high, abs=0.05)


def test_the_bootstrap_draws_the_same_seeds_for_all_arms() -> None:
    """So that of an arm and the same arm, shifted, the difference is certain."""
    base = np.random.default_rng(7).normal(size=(1, 12))

    def difference(*strata: Reals, axis: int = -1) -> Reals:
        means = interquartile_mean(*strata, axis=axis)
        return means[1] - means[0]

    band = banded([np.concatenate([base, base + 0.25])], difference, np.random.default_rng(0), 300)
    assert [float(v) for v in (band.value, band.low, band.high)] == pytest.approx([0.25] * 3)


def test_the_bootstrap_stays_within_each_case() -> None:
    """Cases that differ, seeds that do not: nothing is uncertain."""
    band = banded([np.zeros((1, 5)), np.ones((1, 3))], interquartile_mean, np.random.default_rng(0))
    assert band.value == band.low == band.high


@pytest.mark.parametrize("points", [(), (7,)])
def test_a_single_seed_has_no_interval(points: tuple[int, ...]) -> None:
    strata = [np.ones((2, *points, 4)), np.ones((2, *points, 1))]
    band = banded(strata, interquartile_mean, np.random.default_rng(0))
    assert band.value.shape == band.low.shape == (2, *points)
    assert np.isnan(band.low).all()
    assert np.isnan(band.high).all()


@given(st.lists(st.floats(1e-9, 1e-1), min_size=2, max_size=9))
def test_scores_fall_with_errors_and_give_them_back(values: list[float]) -> None:
    errors = np.sort(np.array(values))
    scores = score(errors, 1e-9, 1e-1)
    assert (np.diff(scores) <= 0).all()
    assert ((scores >= 0) & (scores <= 1)).all()
    assert error_of(scores, 1e-9, 1e-1) == pytest.approx(errors, rel=1e-9)
    assert score(np.array([0.3, np.inf, 1e-30, -1e-12]), 1e-9, 1e-1).tolist() == [0, 0, 1, 1]


@given(
    st.lists(st.integers(0, 20), min_size=0, max_size=8, unique=True),
    st.lists(st.integers(-1, 21), min_size=1, max_size=8),
)
def test_a_step_curve_holds_its_last_value(times: list[int], grid: list[int]) -> None:
    times.sort()
    values = [float(100 - t) for t in times]
    found = held(np.array(times, float), np.array(values), np.array(grid, float))
    for at, now in zip(found, grid, strict=True):
        past = [value for time, value in zip(times, values, strict=True) if time <= now]
        assert at == (past[-1] if past else np.inf)


def test_errors_are_tied_below_the_floor_and_when_equal_to_the_digit() -> None:
    ranks = rounded(np.array([1e-14, 1e-9, 1.0001e-3, 1e-3, 1.01e-3, np.inf]), 1e-9)
    assert ranks[0] == ranks[1] < ranks[2] == ranks[3] < ranks[4] < ranks[5]


def test_time_to_target_of_a_trial_of_the_textbooks() -> None:
    """Remission under 6-mercaptopurine (Freireich et al., Blood 1963): median 23 weeks."""
    times = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    seen = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    found = arrival(np.array(times, float), np.array(seen, bool))
    assert (found.runs, found.reached, found.median) == (21, 9, 23.0)
    assert found.interval == (13.0, None)


def test_a_target_that_few_reach_has_no_median() -> None:
    found = arrival(np.array([3.0, 5.0, 9.0, 9.0, 9.0]), np.array([1, 1, 0, 0, 0], bool))
    assert found.median is None
    assert found.share[0] == 0.4
    assert 0 < found.share[1] < 0.4 < found.share[2] < 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=9))
def test_without_censoring_the_median_is_a_run_of_the_middle(times: list[int]) -> None:
    found = arrival(np.array(times, float), np.ones(len(times), bool))
    assert found.median == sorted(times)[(len(times) - 1) // 2]
    low, high = found.interval
    assert low is not None
    assert low <= found.median <= (np.inf if high is None else high)
    assert found.share[0] == 1.0


def test_of_none_that_reached_nothing_is_claimed() -> None:
    found = arrival(np.array([4.0, 4.0]), np.zeros(2, bool))
    assert (found.median, found.interval, found.reached) == (None, (None, None), 0)
    assert found.share[0] == 0.0
