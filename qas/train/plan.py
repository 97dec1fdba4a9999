"""A gradient as a plan: which angles to run, what they cost, and the arithmetic after it.

A plan is made of parts. A part measures some samples of a batch at some angles and reads from
the expectation values each sample's loss and gradient; the plan averages them. Where there is no
loss, the one expectation value itself is what is lowered, and there is one sample.

The chain rule: of a loss l(f_1, ..., f_m) of m expectation values and of angles a = A p + b that
are affine in the parameters p, dl/dp = sum_o dl/df_o sum_a df_o/da A_ap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit.tie import Ties
from qas.errors import InputError
from qas.task.loss import Loss

SHIFT = np.pi / 2
"""Radians. Exact for an angle that stands in one rotation exp(-i angle P / 2)."""
Reals = NDArray[np.float64]
Integers = NDArray[np.int64]


class Gradient(NamedTuple):
    """A measured value and gradient; parameters that were not measured have gradient 0."""

    value: float
    """At the unshifted angles; of SPSA the mean over the shifted ones."""
    gradient: Reals
    """Shape (n_params,), per radian."""
    stderr: Reals
    """Standard errors of the gradient by shot noise, shape (n_params,); 0 where not measured.
    Several observables of one circuit are taken as independent."""
    value_stderr: float
    """Standard error of the value."""


class Reading(NamedTuple):
    """What a part tells of each of its samples."""

    loss: Reals
    loss_variance: Reals
    """Shape (n_samples,)."""
    gradient: Reals
    variance: Reals
    """Shape (n_samples, n_params)."""


@dataclass(frozen=True, eq=False)
class ShiftPart:
    """Two-term shift rule: every sample unshifted, then plus and minus pi/2 in each angle."""

    samples: Integers
    """Places in the batch."""
    params: Reals
    kept: Integers
    ties: Ties
    angle_shots: Integers | None = None
    """Shots of each shifted angle, shape (k,); None: as many as the backend takes."""

    @cached_property
    def shifted(self) -> Integers:
        """Angles that some kept parameter turns, shape (k,)."""
        return np.flatnonzero((self.ties.slope[:, self.kept] != 0.0).any(axis=1))

    @property
    def n_rows(self) -> int:
        """1 + 2k for each sample."""
        return len(self.samples) * (1 + 2 * len(self.shifted))

    def rows(self) -> tuple[Reals, Integers]:
        """Angles, shape (n_rows, n_angles), and the sample of each row."""
        k = np.arange(len(self.shifted))
        one = np.tile(self.ties.angles(self.params), (1 + 2 * len(k), 1))
        one[1 + 2 * k, self.shifted] += SHIFT
        one[2 + 2 * k, self.shifted] -= SHIFT
        return np.tile(one, (len(self.samples), 1)), np.repeat(self.samples, len(one))

    def shots(self) -> Integers | None:
        """Shots of each row; the unshifted one has as many as the best measured angle."""
        if self.angle_shots is None:
            return None
        one = np.repeat(self.angle_shots, 2)
        return np.tile(np.r_[one.max(initial=1), one], len(self.samples))

    def read(self, mean: Reals, stderr: Reals, loss: Loss | None) -> Reading:
        """Each sample's dl/dp = slope . (f(+) - f(-)) / 2 . A."""
        shape = len(self.samples), 1 + 2 * len(self.shifted), mean.shape[1]
        f, error = mean.reshape(shape), stderr.reshape(shape)
        losses, slopes = _per_sample(f[:, 0], loss)
        turn = np.zeros_like(self.ties.slope[self.shifted])
        turn[:, self.kept] = self.ties.slope[np.ix_(self.shifted, self.kept)]
        difference = (f[:, 1::2] - f[:, 2::2]) / 2
        variance = (error[:, 1::2] ** 2 + error[:, 2::2] ** 2) / 4
        return Reading(
            losses,
            (slopes**2 * error[:, 0] ** 2).sum(axis=1),
            np.einsum("sko,so->sk", difference, slopes) @ turn,
            np.einsum("sko,so->sk", variance, slopes**2) @ turn**2,
        )


@dataclass(frozen=True, eq=False)
class PairPart:
    """Simultaneous perturbation: every sample at pairs of points along its own directions.

    (l(p + c d) - l(p - c d)) / 2c times d, averaged over a sample's directions, is on average over
    d the gradient to order c^2 (Spall, IEEE Trans. Autom. Control 37, 332 (1992)).
    """

    samples: Integers
    params: Reals
    kept: Integers
    ties: Ties
    directions: Reals
    """d, shape (n_samples, pairs, n_params), of -1 and 1, and 0 where frozen."""
    shift: float
    """c, radians."""

    @property
    def n_rows(self) -> int:
        """Two for each direction of each sample."""
        return 2 * len(self.samples) * self.pairs

    @property
    def pairs(self) -> int:
        """Directions of each sample."""
        return int(self.directions.shape[1])

    def rows(self) -> tuple[Reals, Integers]:
        """Angles, shape (n_rows, n_angles), and the sample of each row."""
        step = self.shift * self.directions[:, :, None] * np.array([1.0, -1.0])[:, None]
        at = (self.params + step).reshape(self.n_rows, -1)
        return self.ties.angles(at), np.repeat(self.samples, 2 * self.pairs)

    def shots(self) -> Integers | None:
        """As many as the backend takes."""
        return None

    def read(self, mean: Reals, stderr: Reals, loss: Loss | None) -> Reading:
        """Each sample's mean over its directions."""
        n, pairs = len(self.samples), self.pairs
        losses, variance = np.empty((n, pairs, 2)), np.empty((n, pairs, 2))
        f, error = (a.reshape(n, 2 * pairs, -1) for a in (mean, stderr))
        for row in range(2 * pairs):
            found, slopes = _per_sample(f[:, row], loss)
            losses[:, row // 2, row % 2] = found
            variance[:, row // 2, row % 2] = (slopes**2 * error[:, row] ** 2).sum(axis=1)
        along = (losses[..., 0] - losses[..., 1]) / (2 * self.shift)
        noise = variance.sum(axis=2) / (2 * self.shift) ** 2
        return Reading(
            losses.mean(axis=(1, 2)),
            variance.mean(axis=(1, 2)) / (2 * pairs),
            (along[:, :, None] * self.directions).mean(axis=1),
            (noise[:, :, None] * self.directions**2).mean(axis=1) / pairs,
        )


Part = ShiftPart | PairPart


@dataclass(frozen=True, eq=False)
class GradientPlan:
    """Bindings whose expectation values give a value and the gradient of the kept parameters.

    >>> plan = parameter_shift([0.0, 1.0, 2.0], kept=[2])
    >>> plan.evaluations, plan.bindings.shape
    (3, (3, 3))
    """

    parts: tuple[Part, ...]
    """On disjoint samples, or on disjoint parameters of the same ones."""
    n_samples: int = 1
    """Of the batch that the parts share out."""
    damping: float = np.inf
    """Later parts' gradients are shortened to this times the first's, see `GuidedSPSA`."""

    @property
    def kept(self) -> tuple[int, ...]:
        """Parameters that are measured and moved, increasing."""
        return tuple(sorted({int(k) for part in self.parts for k in part.kept}))

    @property
    def evaluations(self) -> int:
        """Bindings to measure; of the shift rule 1 + 2k for each sample."""
        return sum(part.n_rows for part in self.parts)

    @cached_property
    def _rows(self) -> tuple[Reals, Integers]:
        angles, samples = zip(*(part.rows() for part in self.parts), strict=True)
        return np.concatenate(angles), np.concatenate(samples)

    @property
    def bindings(self) -> Reals:
        """Shape (evaluations, n_angles), radians."""
        return self._rows[0]

    @property
    def samples(self) -> Integers:
        """Place in the batch of each binding, shape (evaluations,)."""
        return self._rows[1]

    @cached_property
    def shots(self) -> Integers | None:
        """Shots of each binding where the plan decides that, else None."""
        wanted = [part.shots() for part in self.parts]
        given = [shots for shots in wanted if shots is not None]
        return np.concatenate(given) if len(given) == len(wanted) else None

    def combine(self, means: ArrayLike, stderrs: ArrayLike, loss: Loss | None = None) -> Gradient:
        """Value and gradient, averaged over the samples.

        Args:
            means: expectation values, shape (evaluations,) or (evaluations, n_observables).
            stderrs: their standard errors, same shape.
            loss: of the samples of the batch; None: the only observable is what is lowered.

        Raises:
            InputError: another number of values.
        """
        mean, error = np.asarray(means, dtype=np.float64), np.asarray(stderrs, dtype=np.float64)
        if len(mean) != self.evaluations or error.shape != mean.shape:
            raise InputError(
                f"the plan has {self.evaluations} bindings; given means of shape {mean.shape} "
                f"and errors of shape {error.shape}"
            )
        mean, error = mean.reshape(len(mean), -1), error.reshape(len(mean), -1)
        readings, start = [], 0
        for part in self.parts:
            own = slice(start, start := start + part.n_rows)
            some = loss if loss is None else loss.some(part.samples)
            readings.append(part.read(mean[own], error[own], some))
        return self._averaged(self._damped(readings))

    def _damped(self, readings: list[Reading]) -> list[Reading]:
        """Later parts no longer, per parameter, than ``damping`` times the first on average."""
        if len(readings) == 1 or not np.isfinite(self.damping):
            return readings
        guide = self.damping * _size(readings[0], self.parts[0]).mean()
        made = readings[:1]
        for reading, part in zip(readings[1:], self.parts[1:], strict=True):
            size = _size(reading, part)
            short = np.minimum(1.0, guide / np.where(size > 0, size, np.inf))[:, None]
            short = np.where(size[:, None] > 0, short, 1.0)
            made.append(
                reading._replace(
                    gradient=reading.gradient * short, variance=reading.variance * short**2
                )
            )
        return made

    def _averaged(self, readings: list[Reading]) -> Gradient:
        n = self.n_samples
        loss, noise = np.zeros(n), np.zeros(n)
        for reading, part in zip(reversed(readings), reversed(self.parts), strict=True):
            loss[part.samples], noise[part.samples] = reading.loss, reading.loss_variance
        return Gradient(
            float(loss.mean()),
            sum((r.gradient.sum(axis=0) for r in readings), start=np.zeros(1)) / n,
            np.sqrt(sum((r.variance.sum(axis=0) for r in readings), start=np.zeros(1))) / n,
            float(np.sqrt(noise.sum())) / n,
        )


def parameter_shift(
    params: ArrayLike,
    kept: Sequence[int] | None = None,
    *,
    ties: Ties | None = None,
    n_samples: int = 1,
) -> GradientPlan:
    """The plan of the two-term shift rule for the ``kept`` parameters, by default all.

    Valid where each angle stands in exactly one rotation, as in native circuits
    (Schuld et al., Phys. Rev. A 99, 032331, 2019); noise included. Parameters that turn several
    angles, controlled rotations among them, come with ``ties``: each angle is shifted, once
    however many parameters turn it, and angles that no kept parameter turns are not.

    Args:
        params: shape (n_params,), radians.
        kept: parameters to measure.
        ties: how the angles follow from the parameters; None: they are the parameters.
        n_samples: of the batch that the loss is over.

    Raises:
        InputError: angles that are not one finite vector, a parameter twice or out of range.
    """
    values, chosen, turned = checked(params, kept, ties)
    part = ShiftPart(np.arange(n_samples), values, chosen, turned)
    return GradientPlan((part,), n_samples)


def checked(
    params: ArrayLike, kept: Sequence[int] | None, ties: Ties | None
) -> tuple[Reals, Integers, Ties]:
    """Parameters, those kept in increasing order, and the ties.

    Raises:
        InputError: parameters that are not one finite vector, kept ones that are not distinct
            or out of range, or ties of another number of parameters.
    """
    values = np.asarray(params, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError(f"angles must be one finite vector; given shape {values.shape}")
    n = len(values)
    chosen = sorted(range(n) if kept is None else (int(k) for k in kept))
    if len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(n)):
        raise InputError(f"kept parameters must be distinct, in 0..{n - 1}; given {kept}")
    numbers = np.array(chosen, dtype=np.int64)
    if ties is not None and ties.n_params != n:
        raise InputError(f"the ties are of {ties.n_params} parameters; given {n}")
    return values, numbers, ties or Ties.identity(n)


def _per_sample(values: Reals, loss: Loss | None) -> tuple[Reals, Reals]:
    """Loss of each sample and its slope in each expectation value."""
    return (values[:, 0], np.ones_like(values)) if loss is None else loss.per_sample(values)


def _size(reading: Reading, part: Part) -> Reals:
    """Length of each sample's gradient, per parameter measured: root mean square."""
    found: Reals = np.sqrt((reading.gradient[:, part.kept] ** 2).mean(axis=1))
    return found
