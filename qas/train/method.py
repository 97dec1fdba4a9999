"""Gradient methods: each makes the plan of a step, and so says what it costs beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit.tie import Ties
from qas.errors import InputError
from qas.train.plan import (
    Gradient,
    GradientPlan,
    PairPart,
    ShiftPart,
    checked,
    parameter_shift,
)
from qas.train.spsa import signs

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class ShotMemory:
    """Running means from which adaptive shots follow; per parameter."""

    mean: tuple[float, ...]
    """Of the gradient."""
    variance: tuple[float, ...]
    """Of a single shot's estimate of the gradient."""
    steps: tuple[int, ...]

    @classmethod
    def zeros(cls, n_params: int) -> ShotMemory:
        """Before the first step."""
        return cls((0.0,) * n_params, (0.0,) * n_params, (0,) * n_params)


@dataclass(frozen=True)
class Request:
    """What a method is told about a step."""

    params: tuple[float, ...]
    kept: tuple[int, ...]
    """Parameters that pruning leaves."""
    n_samples: int
    """Of the batch; 1 for an observable."""
    step: int
    """Steps done before."""
    bound: float
    """A bound on the second derivatives of what is lowered."""
    shots: int
    """Of the backend, for one circuit; 0 where it is exact."""
    memory: ShotMemory
    ties: Ties | None = None


class Method(Protocol):
    """How a gradient is measured."""

    def plan(self, request: Request, rng: np.random.Generator) -> GradientPlan:
        """What to run in this step."""
        ...


@dataclass(frozen=True)
class Shift:
    """The two-term shift rule: 1 + 2k bindings for each sample."""

    def plan(self, request: Request, rng: np.random.Generator) -> GradientPlan:
        """See `parameter_shift`."""
        return parameter_shift(
            request.params, request.kept, ties=request.ties, n_samples=request.n_samples
        )


@dataclass(frozen=True)
class SPSA:
    """Simultaneous perturbation: 2 ``pairs`` bindings for each sample, however many parameters.

    Every sample has directions of its own, so that a batch averages over many.
    """

    pairs: int = 1
    """Directions for each sample."""
    shift: float = 0.3
    """c_0, radians: with shots, small shifts drown in noise; the bias is of order c^2 / 6."""
    decay: float = 0.101
    """c_k = c_0 / (k + 1)^decay; 0.101 is Spall's (IEEE Trans. Aerosp. 34, 817 (1998))."""

    def __post_init__(self) -> None:
        _require_whole("pairs", self.pairs)
        _require_positive("shift", self.shift)
        if not (np.isfinite(self.decay) and self.decay >= 0):
            raise InputError(f"decay must be 0 or more; given {self.decay!r}")

    def plan(self, request: Request, rng: np.random.Generator) -> GradientPlan:
        """Random directions of the kept parameters."""
        everywhere = np.arange(request.n_samples)
        shift = self.shift / (request.step + 1) ** self.decay
        part = _pairs(request, request.kept, everywhere, self.pairs, shift, rng)
        return GradientPlan((part,), request.n_samples)


@dataclass(frozen=True)
class GuidedSPSA:
    """The shift rule on a share of the batch, SPSA of a length guided by it on the rest.

    Samples beyond the share are measured along k random directions each, k growing over the
    training; their gradients are shortened to ``damping`` times the mean length of the shifted
    ones (Periyasamy et al., arXiv:2404.15751; there of each observable, here of the loss). Of an
    observable, which has one sample, the share is one of parameters, drawn anew in every step,
    and lengths are compared per parameter. Damping makes the estimate biased towards 0.
    """

    share: float = 0.5
    """tau, in (0, 1]."""
    damping: float = 1.0
    """epsilon; infinity damps nothing."""
    shift: float = 0.3
    """c, radians."""
    ramp: int = 100
    """Steps over which k grows from a tenth of the parameters to min(1, 3/2 - tau) of them."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise InputError(f"share is above 0 and at most 1; given {self.share!r}")
        _require_positive("damping", self.damping, finite=False)
        _require_positive("shift", self.shift)
        _require_whole("ramp", self.ramp)

    def plan(self, request: Request, rng: np.random.Generator) -> GradientPlan:
        """Two parts; one where the share leaves nothing to the other."""
        n, kept = request.n_samples, np.array(request.kept, dtype=np.int64)
        values, _, ties = checked(request.params, request.kept, request.ties)
        if n > 1:
            first, drawn = max(1, int(self.share * n)), rng.permutation(n)
            near, far, ours, theirs = np.sort(drawn[:first]), np.sort(drawn[first:]), kept, kept
        else:
            near = far = np.arange(1)
            order = rng.permutation(kept)
            first = max(1, int(self.share * len(kept)))
            ours, theirs = np.sort(order[:first]), np.sort(order[first:])
        shifted = ShiftPart(near, values, ours, ties)
        if not (len(far) and len(theirs)):
            return GradientPlan((shifted,), n)
        pairs = self.pairs(len(theirs), request.step)
        perturbed = _pairs(request, theirs.tolist(), far, pairs, self.shift, rng)
        return GradientPlan((shifted, perturbed), n, self.damping)

    def pairs(self, n_params: int, step: int) -> int:
        """k, the directions of one sample at a step."""
        least, most = max(1.0, 0.1 * n_params), n_params * min(1.0, 1.5 - self.share)
        grown = least + (most - least) * step / self.ramp
        return max(1, int(min(grown, most) if most > least else least))


@dataclass(frozen=True)
class AdaptiveShots:
    """The shift rule with as many shots for each parameter as its noise and size deserve.

    s_i = 2 L a / (2 - L a) sigma_i sum_j sigma_j / |g|^2: the expected gain of a step of gradient
    descent of rate a per shot is largest, L bounding the second derivatives and sigma_i being the
    spread of a single shot's estimate of g_i (gCANS, Gu et al., arXiv:2108.10434). Running means
    replace both. Numbers are rounded up to ``least`` times powers of the square root of 2, so
    that a step is a few requests, one for each number.
    """

    rate: float = 0.1
    """a, radians; below 2 / L. The learning rate where the optimiser is plain descent."""
    least: int = 32
    """Shots of every parameter in the first step, and never fewer."""
    most: int = 16384
    memory: float = 0.99
    """mu: what the running means keep at a step."""
    bias: float = 1e-6
    """b: b mu^k is added to |g|^2."""
    lipschitz: float | None = None
    """L; None: a bound from the observables."""

    def __post_init__(self) -> None:
        _require_positive("rate", self.rate)
        _require_whole("least", self.least)
        _require_whole("most", self.most)
        if self.lipschitz is not None:
            _require_positive("lipschitz", self.lipschitz)
        if self.most < self.least:
            raise InputError(f"most must be at least {self.least}; given {self.most}")
        if not (0 <= self.memory < 1 and self.bias >= 0):
            raise InputError(
                f"memory is in [0, 1), bias 0 or more; given {self.memory}, {self.bias}"
            )

    def plan(self, request: Request, rng: np.random.Generator) -> GradientPlan:
        """The shift rule, each angle with the shots of the neediest parameter that turns it."""
        if not request.shots:
            raise InputError(
                "adaptive shots need a backend with shots: take SampledSimulator or RuntimeBackend"
            )
        values, kept, ties = checked(request.params, request.kept, request.ties)
        part = ShiftPart(np.arange(request.n_samples), values, kept, ties)
        touched = ties.slope[np.ix_(part.shifted, kept)] != 0.0
        wanted = self.shots(request)[kept]
        own = np.where(touched, wanted, 0).max(axis=1, initial=0)
        return GradientPlan((replace(part, angle_shots=own),), request.n_samples)

    def shots(self, request: Request) -> NDArray[np.int64]:
        """Shots of each parameter, shape (n_params,)."""
        slope = self.rate * (request.bound if self.lipschitz is None else self.lipschitz)
        if slope >= 2:
            raise InputError(
                f"rate {self.rate} times the bound on second derivatives must be below 2; it is "
                f"{slope:.3g}: lower the rate, or give lipschitz"
            )
        memory, steps = request.memory, np.array(request.memory.steps)
        if not steps.all():
            return np.full(len(steps), self.least)
        seen = 1.0 - self.memory**steps
        mean, spread = np.array(memory.mean) / seen, np.sqrt(np.array(memory.variance) / seen)
        length = mean @ mean + self.bias * self.memory**request.step
        exact = 2 * slope / (2 - slope) * spread * spread.sum() / max(length, 1e-300)
        return self._rounded(exact)

    def _rounded(self, exact: Reals) -> NDArray[np.int64]:
        clipped = np.clip(exact, self.least, self.most)
        level = np.ceil(2 * np.log2(clipped / self.least) - 1e-9)
        return np.minimum(np.ceil(self.least * 2 ** (level / 2)), self.most).astype(np.int64)

    def learnt(self, memory: ShotMemory, measured: Gradient, plan: GradientPlan) -> ShotMemory:
        """The running means after a step."""
        (part,) = plan.parts
        if not isinstance(part, ShiftPart) or part.angle_shots is None:
            raise InputError("only a plan of adaptive shots tells about shots")
        kept = part.kept
        touched = part.ties.slope[np.ix_(part.shifted, kept)] != 0.0
        shots = np.where(touched, part.angle_shots[:, None], self.most).min(axis=0)
        mean, variance, steps = (np.array(a) for a in (memory.mean, memory.variance, memory.steps))
        keeps = self.memory
        mean[kept] = keeps * mean[kept] + (1 - keeps) * measured.gradient[kept]
        single = measured.stderr[kept] ** 2 * shots
        variance[kept] = keeps * variance[kept] + (1 - keeps) * single
        steps[kept] += 1
        return ShotMemory(tuple(mean.tolist()), tuple(variance.tolist()), tuple(steps.tolist()))


def _pairs(
    request: Request,
    kept: Sequence[int],
    samples: NDArray[np.int64],
    pairs: int,
    shift: float,
    rng: np.random.Generator,
) -> PairPart:
    values, chosen, ties = checked(request.params, kept, request.ties)
    free = np.zeros((len(samples), pairs, len(values)), dtype=np.bool_)
    free[:, :, chosen] = True
    return PairPart(samples, values, chosen, ties, signs(free, rng), shift)


def _require_positive(name: str, value: ArrayLike, *, finite: bool = True) -> None:
    if not np.asarray(value) > 0 or (finite and not np.isfinite(value).all()):
        raise InputError(f"{name} must be positive{' and finite' * finite}; given {value!r}")


def _require_whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} must be a whole number of at least 1; given {value!r}")
