"""Probabilistic gradient pruning: measure the gradients that are probably large.

Small gradients have large relative errors under shot noise. A window of full gradients
adds up |g| for each parameter; in the steps after it only parameters sampled in
proportion to these sums are measured and moved (QOC, Wang et al., DAC 2022,
arXiv:2202.13239).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError


@dataclass(frozen=True)
class Pruning:
    """How much is pruned, and when. ``ratio`` 0 or ``pruned_steps`` 0 prunes nothing."""

    ratio: float = 0.5
    """Share r of the parameters that a pruning step freezes, in [0, 1)."""
    full_steps: int = 1
    """w_a: steps with the full gradient at the head of each window."""
    pruned_steps: int = 2
    """w_p: steps with a sampled part of it."""

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise InputError(f"pruning ratio must be in [0, 1); given {self.ratio!r}")
        for name, least in (("full_steps", 1), ("pruned_steps", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name} must be a whole number >= {least}; given {value!r}")

    def n_kept(self, n_params: int) -> int:
        """int((1 - r) n) parameters are kept, at least one of them.

        >>> Pruning(0.5).n_kept(8), Pruning(0.9).n_kept(10), Pruning(0.5).n_kept(1)
        (4, 1, 1)
        """
        exact = (1 - self.ratio) * n_params  # (1 - 0.9) * 10 = 0.9999999999999998
        return min(n_params, max(1, math.floor(exact + 1e-9)))


@dataclass(frozen=True)
class Pruner:
    """Where pruning stands: the sums of one window and the phase in it."""

    sums: tuple[float, ...]
    """|g| added up over the full steps of the window, per parameter."""
    phase: int = 0
    """Step within the window, 0 to full_steps + pruned_steps - 1."""
    settings: Pruning = Pruning()

    @classmethod
    def start(cls, n_params: int, settings: Pruning | None = None) -> Pruner:
        """At the head of the first window."""
        return cls((0.0,) * n_params, 0, settings or Pruning())

    @property
    def is_full(self) -> bool:
        """True where the coming step takes the full gradient."""
        off = self.settings.ratio == 0 or self.settings.pruned_steps == 0
        return off or self.phase < self.settings.full_steps

    def kept(self, rng: np.random.Generator) -> tuple[int, ...]:
        """Parameters that the coming step measures and moves, increasing.

        In a pruning step they are drawn without replacement, each draw in proportion to
        the sums; where fewer sums than needed are above 0, the rest is drawn uniformly.
        """
        n = len(self.sums)
        if self.is_full:
            return tuple(range(n))
        weights: NDArray[np.float64] = np.array(self.sums)
        wanted, positive = self.settings.n_kept(n), np.flatnonzero(weights)
        if len(positive) < wanted:
            zeros = np.flatnonzero(weights == 0)
            drawn = rng.choice(zeros, size=wanted - len(positive), replace=False)
            chosen = np.concatenate([positive, drawn])
        else:
            chosen = rng.choice(n, size=wanted, replace=False, p=weights / weights.sum())
        return tuple(sorted(int(k) for k in chosen))

    def update(self, gradient: ArrayLike) -> Pruner:
        """After a step: a full one adds |g| to the sums, the first of a window starts them."""
        if self.settings.ratio == 0 or self.settings.pruned_steps == 0:
            return self
        sums = self.sums
        if self.is_full:
            before = np.zeros(len(sums)) if self.phase == 0 else np.array(sums)
            sums = tuple((before + np.abs(np.asarray(gradient, dtype=float))).tolist())
        window = self.settings.full_steps + self.settings.pruned_steps
        return replace(self, sums=sums, phase=(self.phase + 1) % window)
