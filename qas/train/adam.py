"""Adam with parameters that stand still: frozen means frozen, moments included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError


@dataclass(frozen=True)
class Moments:
    """Running means of the gradient and its square, and how many steps each has seen."""

    first: tuple[float, ...]
    second: tuple[float, ...]
    steps: tuple[int, ...]
    """Per parameter: the bias correction counts only the steps that moved it."""

    @classmethod
    def zeros(cls, n_params: int) -> Moments:
        """Before the first step."""
        return cls((0.0,) * n_params, (0.0,) * n_params, (0,) * n_params)


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba, arXiv:1412.6980), without weight decay."""

    learning_rate: float = 0.05
    """Radians."""
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    decay: float = 0.0
    """A parameter's t-th move has the step size learning_rate / (1 + decay (t - 1))."""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"learning rate must be positive; given {self.learning_rate!r}")
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1 and self.epsilon > 0):
            raise InputError("Adam needs 0 <= beta1, beta2 < 1 and epsilon > 0")
        if not (np.isfinite(self.decay) and self.decay >= 0):
            raise InputError(f"decay must be 0 or more; given {self.decay!r}")

    def update(
        self, params: ArrayLike, gradient: ArrayLike, moments: Moments, kept: Sequence[int]
    ) -> tuple[NDArray[np.float64], Moments]:
        """One step of the ``kept`` parameters; all others and their moments are untouched.

        Args:
            params: angles, shape (n_params,).
            gradient: shape (n_params,); read at ``kept`` only.
            moments: of the steps before.
            kept: parameters that move.
        """
        k = list(kept)
        new = np.array(params, dtype=np.float64)
        g = np.asarray(gradient, dtype=np.float64)[k]
        first, second = np.array(moments.first), np.array(moments.second)
        steps = np.array(moments.steps, dtype=np.int64)
        steps[k] += 1
        first[k] = self.beta1 * first[k] + (1 - self.beta1) * g
        second[k] = self.beta2 * second[k] + (1 - self.beta2) * g * g
        mean = first[k] / (1 - self.beta1 ** steps[k])
        square = second[k] / (1 - self.beta2 ** steps[k])
        size = self.learning_rate / (1 + self.decay * (steps[k] - 1))
        new[k] -= size * mean / (np.sqrt(square) + self.epsilon)
        return new, Moments(tuple(first.tolist()), tuple(second.tolist()), tuple(steps.tolist()))
