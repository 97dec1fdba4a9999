"""Gradient pruning: measure the gradients that are probably large, freeze the rest.

Small gradients have large relative errors under shot noise. A window of full gradients
adds up |g| for each parameter; in the steps after it only some are measured and moved
(QOC, Wang et al., DAC 2022, arXiv:2202.13239). Which ones is the method:

- ``probabilistic``: drawn without replacement, each draw in proportion to the sums (QOC);
- ``deterministic``: those with the largest sums;
- ``random``: drawn uniformly, the control of both;
- ``wsbd``: drawn in proportion to |sum of g|, and active for a whole window; scores of those
  drawn start anew, those of frozen ones are remembered (Weighted Stochastic Block Descent,
  Kverne et al., arXiv:2602.11383; 100 steps a window and ratio 0.7 there);
- ``none``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError

METHODS = ("probabilistic", "deterministic", "random", "wsbd", "none")


@dataclass(frozen=True)
class Pruning:
    """How much is pruned, when and how. ``ratio`` 0 or ``pruned_steps`` 0 prunes nothing."""

    ratio: float = 0.5
    """Share r of the parameters that a pruning step freezes, in [0, 1)."""
    full_steps: int = 1
    """w_a: steps with the full gradient at the head of each window; wsbd has them once."""
    pruned_steps: int = 2
    """w_p: steps with a chosen part of it; of wsbd, for how many steps a part stays active."""
    method: str = "probabilistic"
    """One of `METHODS`."""

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise InputError(f"pruning ratio must be in [0, 1); given {self.ratio!r}")
        for name, least in (("full_steps", 1), ("pruned_steps", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name} must be a whole number >= {least}; given {value!r}")
        if self.method not in METHODS:
            raise InputError(f"pruning is {', '.join(METHODS)}; given {self.method!r}")

    @property
    def is_off(self) -> bool:
        """True where every step takes the full gradient."""
        return self.method == "none" or self.ratio == 0 or self.pruned_steps == 0

    def n_kept(self, n_params: int) -> int:
        """int((1 - r) n) parameters are kept, at least one of them.

        >>> Pruning(0.5).n_kept(8), Pruning(0.9).n_kept(10), Pruning(0.5).n_kept(1)
        (4, 1, 1)
        """
        exact = (1 - self.ratio) * n_params  # (1 - 0.9) * 10 = 0.9999999999999998
        return min(n_params, max(1, math.floor(exact + 1e-9)))


@dataclass(frozen=True)
class Pruner:
    """Where pruning stands: what was added up, the phase, and what is active."""

    sums: tuple[float, ...]
    """Per parameter |g| over the full steps of the window; of wsbd g over its last active ones."""
    phase: int = 0
    """Step within the window, 0 to full_steps + pruned_steps - 1."""
    settings: Pruning = Pruning()
    active: tuple[int, ...] = ()
    """Parameters that wsbd drew for the rest of this window."""

    @classmethod
    def start(cls, n_params: int, settings: Pruning | None = None) -> Pruner:
        """At the head of the first window."""
        return cls((0.0,) * n_params, 0, settings or Pruning())

    @property
    def is_full(self) -> bool:
        """True where the coming step takes the full gradient."""
        return self.settings.is_off or self.phase < self.settings.full_steps

    @property
    def _draws(self) -> bool:
        """True where the coming step chooses its parameters anew."""
        return self.settings.method != "wsbd" or self.phase == self.settings.full_steps

    def kept(self, rng: np.random.Generator) -> tuple[int, ...]:
        """Parameters that the coming step measures and moves, increasing."""
        n = len(self.sums)
        if self.is_full:
            return tuple(range(n))
        if not self._draws:
            return self.active
        wanted, sums = self.settings.n_kept(n), np.abs(self.sums)
        if self.settings.method == "deterministic":
            chosen = np.argsort(-sums, kind="stable")[:wanted]
        elif self.settings.method == "random":
            chosen = rng.choice(n, size=wanted, replace=False)
        else:
            chosen = _in_proportion(sums, wanted, rng)
        return tuple(sorted(int(k) for k in chosen))

    def update(self, gradient: ArrayLike, kept: Sequence[int] | None = None) -> Pruner:
        """After a step with this gradient, shape (n_params,), of the ``kept`` (default: all)."""
        if self.settings.is_off:
            return self
        g = np.asarray(gradient, dtype=np.float64)
        if self.settings.method == "wsbd":
            return self._remembered(g, list(range(len(self.sums)) if kept is None else kept))
        sums = self.sums
        if self.is_full:
            before = np.zeros(len(sums)) if self.phase == 0 else np.array(sums)
            sums = tuple((before + np.abs(g)).tolist())
        window = self.settings.full_steps + self.settings.pruned_steps
        return replace(self, sums=sums, phase=(self.phase + 1) % window)

    def _remembered(self, gradient: NDArray[np.float64], kept: list[int]) -> Pruner:
        sums, first = np.array(self.sums), self.settings.full_steps
        end = first + self.settings.pruned_steps
        if self.phase == first:
            sums[kept] = 0.0
        sums[kept] += gradient[kept]
        phase = self.phase + 1 if self.phase + 1 < end else first
        active = tuple(kept) if self.phase >= first else ()
        return replace(self, sums=tuple(sums.tolist()), phase=phase, active=active)


def _in_proportion(
    weights: NDArray[np.float64], wanted: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Drawn one after the other in proportion to the weights; zeros come last, uniformly."""
    positive = np.flatnonzero(weights)
    if len(positive) < wanted:
        rest = rng.choice(np.flatnonzero(weights == 0), size=wanted - len(positive), replace=False)
        return np.concatenate([positive, rest])
    return rng.choice(len(weights), size=wanted, replace=False, p=weights / weights.sum())
