"""Adam-SPSA: its slope on average, its moments, where it arrives."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas.errors import InputError
from qas.train.spsa import Gains, Walk, descend, move, pair, signs, slope

FREE = np.array([[True, True, True], [True, False, True]])


@given(seed=st.integers(0, 99), shift=st.floats(1e-3, 2.0))
def test_the_slope_is_the_gradient_on_average_over_all_directions(seed: int, shift: float) -> None:
    """Of a quadratic exactly, however far the points are apart."""
    rng = np.random.default_rng(seed)
    bend, tilt = rng.normal(size=(4, 4)), rng.normal(size=4)
    gains, at = Gains(c=shift), rng.normal(size=4)
    every = np.array(list(itertools.product([-1.0, 1.0], repeat=4)))
    walk = Walk.begin(np.repeat(at[None], len(every), axis=0))
    points = pair(walk, every, gains)
    values = np.einsum("bi,ij,bj->b", points, bend, points) + points @ tilt
    mean = slope(values, every, gains.shift(0)).mean(axis=0)
    np.testing.assert_allclose(mean, (bend + bend.T) @ at + tilt, atol=1e-9)


def test_directions_are_even_and_zero_where_nothing_is_free() -> None:
    drawn = np.stack([signs(FREE, np.random.default_rng(seed)) for seed in range(2000)])
    assert set(np.unique(drawn[:, FREE])) == {-1.0, 1.0}
    assert not drawn[:, ~FREE].any()
    flat = drawn[:, FREE]
    second = flat.T @ flat / len(flat)  # independent: the identity, within five deviations
    np.testing.assert_allclose(second, np.eye(5), atol=5 / np.sqrt(len(flat)))
    np.testing.assert_allclose(flat.mean(axis=0), 0.0, atol=5 / np.sqrt(len(flat)))


def test_equal_slopes_move_every_angle_by_the_gain() -> None:
    """Both moments of equal slopes are the slope itself and its square: steps of a_k."""
    gains, slopes = Gains(lam=0.3), np.array([[0.7, -1e-3, 40.0]])
    walk = Walk.begin(np.zeros((1, 3)))
    for k in range(30):
        before, walk = walk, move(walk, slopes, gains)
        expected = -gains.step(k) * np.sign(slopes)
        np.testing.assert_allclose(walk.at - before.at, expected, rtol=2e-5)


def test_without_forgetting_faster_it_is_textbook_adam() -> None:
    gains, rng = Gains(a=0.1, alpha=0.0, lam=0.0, beta1=0.9, beta2=0.99), np.random.default_rng(0)
    walk, x, m, v = Walk.begin(np.ones((2, 3))), np.ones((2, 3)), 0.0, 0.0
    for t in range(1, 8):
        g = rng.normal(size=(2, 3))
        walk = move(walk, g, gains)
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        x -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
        np.testing.assert_allclose(walk.at, x, rtol=1e-12)


def test_it_finds_the_minimum_of_a_cosine_landscape_in_every_search() -> None:
    rng, targets = np.random.default_rng(3), np.random.default_rng(4).normal(0, 1, (6, 5))
    both = np.concatenate([targets, targets])
    start = targets + np.random.default_rng(5).normal(0, 0.8, targets.shape)

    def values(at: np.ndarray) -> np.ndarray:
        return -np.cos(at - both).sum(axis=1)

    walk = descend(values, start, np.ones(start.shape, bool), 600, Gains(), rng)
    assert walk.k == 600
    assert (-np.cos(walk.at - targets).sum(axis=1) < -5 + 1e-3).all()


def test_angles_that_are_not_free_stay_put_to_the_bit() -> None:
    start = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    rng = np.random.default_rng(0)
    walk = descend(lambda at: (at**2).sum(axis=1), start, FREE, 50, Gains(), rng)
    assert walk.at[1, 1] == 0.5
    assert (walk.at[FREE] != start[FREE]).all()


def test_every_iteration_measures_once() -> None:
    sizes = []

    def values(at: np.ndarray) -> np.ndarray:
        sizes.append(at.shape)
        return at.sum(axis=1)

    descend(values, np.zeros((2, 3)), FREE, 7, Gains(), np.random.default_rng(0))
    assert sizes == [(4, 3)] * 7
    late = descend(
        values, np.ones((2, 3)), FREE, 7, Gains(), np.random.default_rng(0), deadline=0.0
    )
    assert late.k == 0
    assert (late.at == 1.0).all()
    assert len(sizes) == 7


@pytest.mark.parametrize("bad", [{"a": 0.0}, {"c": np.nan}, {"lam": -0.1}, {"beta2": 1.0}])
def test_bad_gains_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match=repr(next(iter(bad.values())))):
        Gains(**bad)
