"""A gradient as a plan: which angles to run, what they cost, and the arithmetic after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError

SHIFT = np.pi / 2
"""Radians. Exact for an angle that stands in one rotation exp(-i angle P / 2)."""


class Gradient(NamedTuple):
    """A measured value and gradient; parameters that were not shifted have gradient 0."""

    value: float
    """At the unshifted angles."""
    gradient: NDArray[np.float64]
    """Shape (n_params,), per radian."""
    stderr: NDArray[np.float64]
    """Standard errors of the gradient, shape (n_params,); 0 where not shifted."""
    value_stderr: float
    """Standard error of the value."""


@dataclass(frozen=True)
class GradientPlan:
    """Bindings whose values give the energy and k entries of its gradient.

    >>> plan = parameter_shift([0.0, 1.0, 2.0], kept=[2])
    >>> plan.evaluations, plan.bindings.shape
    (3, (3, 3))
    """

    params: tuple[float, ...]
    """Unshifted angles, radians."""
    kept: tuple[int, ...]
    """Parameters that are shifted, increasing."""

    @property
    def evaluations(self) -> int:
        """Energies to measure: 1 + 2k."""
        return 1 + 2 * len(self.kept)

    @property
    def bindings(self) -> NDArray[np.float64]:
        """Shape (1 + 2k, n_params): unshifted, then plus and minus for each kept parameter."""
        rows = np.tile(np.array(self.params, dtype=np.float64), (self.evaluations, 1))
        for i, k in enumerate(self.kept):
            rows[1 + 2 * i, k] += SHIFT
            rows[2 + 2 * i, k] -= SHIFT
        return rows

    def combine(self, means: ArrayLike, stderrs: ArrayLike) -> Gradient:
        """dE/da = (E(a + pi/2) - E(a - pi/2)) / 2; both arguments of shape (1 + 2k,).

        Raises:
            InputError: another number of values.
        """
        value, error = np.asarray(means, dtype=float), np.asarray(stderrs, dtype=float)
        if value.shape != (self.evaluations,) or error.shape != value.shape:
            raise InputError(
                f"the plan has {self.evaluations} bindings; given means of shape {value.shape} "
                f"and errors of shape {error.shape}"
            )
        gradient, stderr = np.zeros(len(self.params)), np.zeros(len(self.params))
        kept = list(self.kept)
        gradient[kept] = (value[1::2] - value[2::2]) / 2
        stderr[kept] = np.hypot(error[1::2], error[2::2]) / 2
        return Gradient(float(value[0]), gradient, stderr, float(error[0]))


def parameter_shift(params: ArrayLike, kept: Sequence[int] | None = None) -> GradientPlan:
    """The plan of the two-term shift rule for the ``kept`` parameters, by default all.

    Valid where each angle stands in exactly one rotation, as in native circuits
    (Schuld et al., Phys. Rev. A 99, 032331, 2019); noise included.

    Raises:
        InputError: angles that are not one finite vector, a parameter twice or out of range.
    """
    values = np.asarray(params, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(f"angles must be one finite vector; given shape {values.shape}")
    chosen = sorted(range(len(values)) if kept is None else (int(k) for k in kept))
    if len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(len(values))):
        raise InputError(f"kept parameters must be distinct, in 0..{len(values) - 1}; given {kept}")
    return GradientPlan(tuple(values.tolist()), tuple(chosen))
