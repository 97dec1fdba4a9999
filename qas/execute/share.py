"""Work on arrays shared out among threads: compiled kernels release the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", bound=np.generic)


def share_out(work: Callable[[slice], None], count: int, threads: int, pieces: int = 1) -> None:
    """Call ``work`` on slices that make up range(count), by so many threads.

    Args:
        work: does one slice.
        count: how many items there are.
        threads: at most so many slices at a time.
        pieces: slices for each thread; several even out items of unequal length.
    """
    if threads <= 1 or count <= 1:
        work(slice(0, count))
        return
    edges = np.linspace(0, count, min(count, pieces * threads) + 1).astype(int).tolist()
    slices = [slice(a, b) for a, b in pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, slices))


def frozen(array: NDArray[Kind]) -> NDArray[Kind]:
    """A contiguous, read-only view: kernels are compiled once, for inputs they do not write."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view
