"""COBYLA: the lowest point seen, counted, the same every time."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas.errors import InputError
from qas.train import Lowest, cobyla


def waves(seed: int, size: int):
    """A function with many minima."""
    rng = np.random.default_rng(seed)
    turns, weights = rng.integers(-2, 3, (8, size)), rng.normal(size=8)
    return lambda x: float(weights @ np.cos(turns @ x + np.arange(8)))


@given(seed=st.integers(0, 99), size=st.integers(1, 6), most=st.integers(1, 80))
def test_the_lowest_of_all_values_stands_with_its_point(seed: int, size: int, most: int) -> None:
    function, seen = waves(seed, size), []

    def watched(x: np.ndarray) -> float:
        seen.append((function(x), x.copy()))
        return seen[-1][0]

    start = np.random.default_rng(seed).normal(size=size)
    found = cobyla(watched, start, evaluations=most)
    assert found.evaluations == len(seen) <= most
    np.testing.assert_array_equal(seen[0][1], start)
    assert found.value == min(value for value, _ in seen) <= function(start)
    assert function(found.at) == found.value


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_it_finds_the_bottom_of_a_bowl(size: int) -> None:
    target = np.linspace(-1.0, 1.0, size)
    found = cobyla(lambda x: -float(np.cos(x - target).sum()), np.zeros(size))
    np.testing.assert_allclose(found.at, target, atol=2e-3)
    assert found.evaluations < 500


def test_it_is_the_same_every_time() -> None:
    first, second = (cobyla(waves(1, 6), np.zeros(6), evaluations=300) for _ in range(2))
    assert (first.value, first.evaluations) == (second.value, second.evaluations)
    np.testing.assert_array_equal(first.at, second.at)


def test_the_start_is_measured_whatever_the_time() -> None:
    found = cobyla(waves(0, 3), np.ones(3), deadline=time.monotonic() - 1.0)
    assert isinstance(found, Lowest)
    assert (found.value, found.evaluations) == (waves(0, 3)(np.ones(3)), 1)
    started = time.monotonic()

    def slow(x: np.ndarray) -> float:
        time.sleep(0.005)
        return waves(0, 3)(x)

    hurried = cobyla(slow, np.ones(3), tolerance=1e-12, deadline=started + 0.05)
    assert 1 <= hurried.evaluations <= 12


def test_nothing_free_is_one_measurement() -> None:
    assert cobyla(lambda x: 2.5, []).evaluations == 1


def test_errors_of_the_function_come_through_and_bad_values_are_refused() -> None:
    def broken(x: np.ndarray) -> float:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        cobyla(broken, [0.0])
    with pytest.raises(InputError, match="finite"):
        cobyla(lambda x: float("nan"), [0.0, 1.0])
    with pytest.raises(InputError, match="evaluations"):
        cobyla(waves(0, 1), [0.0], evaluations=0)
    with pytest.raises(InputError, match="start"):
        cobyla(waves(0, 1), [np.inf])
