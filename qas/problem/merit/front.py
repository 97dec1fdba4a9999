"""Non-dominated points and hypervolume: all objectives are minimised, one point a row.

The counting is moocore's (maintained; compiled C).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError


def front_ranks(points: ArrayLike) -> NDArray[np.int64]:
    """Rank of each point by non-dominated sorting, shape (n,): 0 is the front.

    Equal points share a rank. Source: Deb et al., IEEE Trans. Evol. Comput. 6, 182 (2002).

    Args:
        points: shape (n, objectives); infinite where something cannot be had.

    >>> front_ranks([[0, 2], [1, 1], [2, 2], [3, 3]]).tolist()
    [0, 0, 1, 2]
    """
    import moocore

    values = _points(points)
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    return np.asarray(moocore.pareto_rank(values), dtype=np.int64)


def non_dominated(points: ArrayLike) -> NDArray[np.bool_]:
    """Which points no other one beats in one objective and equals in all others, shape (n,)."""
    marks: NDArray[np.bool_] = front_ranks(points) == 0
    return marks


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Volume that the points dominate, up to the reference point; larger is better.

    A point that is not below the reference in every objective adds nothing.
    Source: Zitzler and Thiele, PPSN V (1998); computed exactly.

    Args:
        points: shape (n, objectives).
        reference: shape (objectives,).

    Raises:
        InputError: shapes that do not fit, or a reference that is not finite.

    >>> hypervolume([[0, 1], [1, 0]], [2, 2])
    3.0
    """
    import moocore

    corner = np.asarray(reference, dtype=np.float64)
    values = _points(points)
    if corner.ndim != 1 or not np.isfinite(corner).all() or len(corner) != values.shape[1]:
        raise InputError(
            f"the reference is one finite number for each of {values.shape[1]} objectives; "
            f"given {corner.tolist()}"
        )
    below = values[(values < corner).all(axis=1)]
    return float(moocore.hypervolume(below, ref=corner)) if len(below) else 0.0


def _points(points: ArrayLike) -> NDArray[np.float64]:
    values = np.ascontiguousarray(points, dtype=np.float64)
    if values.ndim != 2 or not values.shape[1] or np.isnan(values).any():
        raise InputError(
            f"points need shape (n, objectives) without NaN; given shape {values.shape}"
        )
    return values
