"""Simultaneous perturbation with Adam's moments: the arithmetic, apart from the measuring.

Two values tell the slope along one random direction of all angles at once (Spall, IEEE Trans.
Autom. Control 37, 332 (1992)). The gains fall as powers of the iteration (Spall, IEEE Trans.
Aerosp. Electron. Syst. 34, 817 (1998)); the steps are those of Adam (Kingma and Ba,
arXiv:1412.6980) with a first moment that forgets faster and faster. Both together, and the
constants: Patel et al., arXiv:2402.03500, appendix.

Everything is for B independent searches at once: `pair` says what to measure, `move` takes in
what was measured, `descend` does both over and over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError

Reals = NDArray[np.float64]
EPSILON = 1e-8
"""Added to the root of Adam's second moment."""


@dataclass(frozen=True)
class Gains:
    """Sizes of steps, of perturbations and of memory at iteration k = 0, 1, ...

    >>> gains = Gains(a=2.0, alpha=1.0, c=0.1, gamma=0.5)
    >>> gains.step(3), gains.shift(3)
    (0.5, 0.05)
    """

    a: float = 1.8658
    alpha: float = 0.9451
    c: float = 0.046
    gamma: float = 0.1397
    lam: float = 0.0138
    beta1: float = 0.9658
    beta2: float = 0.8594

    def __post_init__(self) -> None:
        if not (np.isfinite([self.a, self.c]).all() and self.a > 0 and self.c > 0):
            raise InputError(f"a and c are positive radians; given {self.a!r} and {self.c!r}")
        if not min(self.alpha, self.gamma, self.lam) >= 0:
            raise InputError(
                "the powers alpha, gamma and lam must be 0 or more; given "
                f"{self.alpha!r}, {self.gamma!r} and {self.lam!r}"
            )
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1):
            raise InputError(
                f"beta1 and beta2 must be from 0 to below 1; given {self.beta1!r}, {self.beta2!r}"
            )

    def step(self, k: int) -> float:
        """a_k = a / (k + 1)^alpha: about how far each angle moves, radians."""
        return float(self.a / (k + 1) ** self.alpha)

    def shift(self, k: int) -> float:
        """c_k = c / (k + 1)^gamma: how far off the point both values are taken, radians."""
        return float(self.c / (k + 1) ** self.gamma)

    def memory(self, k: int) -> float:
        """beta1_k = beta1 / (k + 1)^lam: the share of the first moment that stays."""
        return float(self.beta1 / (k + 1) ** self.lam)


@dataclass(frozen=True, eq=False)
class Walk:
    """Where B searches stand before iteration k, and what they remember."""

    at: Reals
    """Shape (B, P), radians."""
    first: Reals
    second: Reals
    """Shape (B, P): the moments, running means of the slope and of its square."""
    fading: float = 1.0
    """beta1_0 ... beta1_(k-1): the share of the first moment that is still its starting zero."""
    k: int = 0

    @classmethod
    def begin(cls, start: ArrayLike) -> Walk:
        """Before the first iteration, at ``start``, shape (B, P), radians."""
        at = np.array(start, dtype=np.float64)
        return cls(at, np.zeros_like(at), np.zeros_like(at))


def signs(free: NDArray[np.bool_], rng: np.random.Generator) -> Reals:
    """Rademacher directions: +1 or -1 by even chance where ``free``, (B, P), and 0 elsewhere."""
    return np.where(free, 1.0 - 2.0 * rng.integers(0, 2, size=free.shape), 0.0)


def pair(walk: Walk, direction: Reals, gains: Gains) -> Reals:
    """The points to measure, shape (2B, P): all shifted along the directions, then against."""
    shift = gains.shift(walk.k) * direction
    return np.concatenate([walk.at + shift, walk.at - shift])


def slope(values: Reals, direction: Reals, shift: float) -> Reals:
    """(f(x + c d) - f(x - c d)) / 2c times d, shape (B, P): on average over d the gradient.

    Exactly so if f is quadratic, else to order c^2. Angles with d = 0 have slope 0.

    Args:
        values: shape (2B,), at the points of `pair`.
        direction: d, shape (B, P), of -1, 0 and 1, so that d divides as it multiplies.
        shift: c, radians.

    >>> slope(np.array([3.0, 1.0]), np.array([[1.0, -1.0]]), 0.5).tolist()
    [[2.0, -2.0]]
    """
    above, below = values.reshape(2, -1)
    made: Reals = ((above - below) / (2.0 * shift))[:, None] * direction
    return made


def move(walk: Walk, slopes: Reals, gains: Gains) -> Walk:
    """One step of Adam with these slopes, shape (B, P).

    Both moments are divided by the weight that slopes have in them, 1 - beta1_0 ... beta1_k and
    1 - beta2^(k+1), so that equal slopes have just themselves as a mean.
    """
    stays = gains.memory(walk.k)
    first = stays * walk.first + (1.0 - stays) * slopes
    second = gains.beta2 * walk.second + (1.0 - gains.beta2) * slopes**2
    fading = stays * walk.fading
    size = np.sqrt(second / (1.0 - gains.beta2 ** (walk.k + 1))) + EPSILON
    at = walk.at - gains.step(walk.k) * first / (1.0 - fading) / size
    return Walk(at, first, second, fading, walk.k + 1)


def descend(
    values: Callable[[Reals], ArrayLike],
    start: ArrayLike,
    free: NDArray[np.bool_],
    iterations: int,
    gains: Gains,
    rng: np.random.Generator,
    *,
    deadline: float = np.inf,
) -> Walk:
    """Where B searches from ``start`` arrive: ``walk.at``, after ``walk.k`` iterations.

    Args:
        values: of points of shape (2B, P), shape (2B,); search b owns rows b and B + b.
        start: shape (B, P), radians.
        free: shape (B, P); the other angles stay put.
        iterations: how many; each measures ``values`` once, two values a search.
        gains: sizes of steps, perturbations and memory.
        rng: draws the directions.
        deadline: when to break off, on the clock of `time.monotonic`.

    >>> bowl = lambda x: ((x - 1.0) ** 2).sum(axis=1)
    >>> rng = np.random.default_rng(0)
    >>> walk = descend(bowl, [[0.0, 3.0]], np.array([[True, False]]), 300, Gains(), rng)
    >>> walk.at.round(3).tolist(), walk.k
    ([[1.0, 3.0]], 300)
    """
    walk = Walk.begin(start)
    while walk.k < iterations and time.monotonic() < deadline:
        direction = signs(free, rng)
        measured = np.asarray(values(pair(walk, direction, gains)), dtype=np.float64)
        walk = move(walk, slope(measured, direction, gains.shift(walk.k)), gains)
    return walk
