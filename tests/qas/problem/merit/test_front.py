"""Fronts and hypervolumes against slow twins."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from qas.errors import InputError
from qas.problem.merit.front import front_ranks, hypervolume, non_dominated

POINTS = st.integers(1, 4).flatmap(
    lambda k: arrays(
        np.float64, st.tuples(st.integers(1, 8), st.just(k)), elements=st.integers(0, 4)
    )
)


def beats(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


def cells(points: np.ndarray, corner: np.ndarray) -> float:
    """Volume of all cells of the grid of coordinates that a point dominates."""
    axes = [
        np.unique([*points[:, k][points[:, k] < corner[k]], corner[k]]) for k in range(len(corner))
    ]
    total = 0.0
    for cell in product(*(list(pairwise(axis)) for axis in axes)):
        low = np.array([a for a, _ in cell])
        if any((p <= low).all() for p in points):
            total += float(np.prod([b - a for a, b in cell]))
    return total


@given(POINTS)
def test_ranks_peel_front_after_front(points: np.ndarray) -> None:
    ranks, left, rank = front_ranks(points), list(range(len(points))), 0
    while left:
        front = [k for k in left if not any(beats(points[j], points[k]) for j in left)]
        assert all(ranks[k] == rank for k in front)
        left, rank = [k for k in left if k not in front], rank + 1
    assert (non_dominated(points) == (ranks == 0)).all()


@given(POINTS)
def test_hypervolume_is_the_sum_of_dominated_cells(points: np.ndarray) -> None:
    corner = np.full(points.shape[1], 3.5)
    assert hypervolume(points, corner) == pytest.approx(cells(points, corner), abs=1e-9)
    front = points[non_dominated(points)]
    assert hypervolume(front, corner) == pytest.approx(hypervolume(points, corner), abs=1e-9)
    assert hypervolume(points[::-1, ::-1], corner) == pytest.approx(hypervolume(points, corner))


def test_infinite_points_are_dominated_and_nothing_is_nothing() -> None:
    assert non_dominated([[1.0, np.inf], [1.0, 2.0]]).tolist() == [False, True]
    assert hypervolume([[0.0, np.inf]], [1.0, 1.0]) == 0.0
    assert front_ranks(np.zeros((0, 2))).tolist() == []


@pytest.mark.parametrize("reference", [[1.0], [1.0, np.nan], [1.0, np.inf], [1.0, 1.0, 1.0]])
def test_bad_references_are_refused(reference: list[float]) -> None:
    with pytest.raises(InputError, match="one finite number for each of 2"):
        hypervolume([[0.0, 0.0]], reference)


def test_points_without_a_value_are_refused() -> None:
    with pytest.raises(InputError, match="without NaN"):
        front_ranks([[0.0, np.nan]])
