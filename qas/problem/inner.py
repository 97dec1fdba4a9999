"""Inner optimisers: what finds the angles of circuits that a search has built.

A search hands over a whole population at its starting angles and takes back the best angles,
their energies and what they cost. Which optimiser does it is an argument: exact slopes where the
simulator has them, or values alone, as many as a device would have to measure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.errors import InputError
from qas.execute import ExactSimulator, Limits, NoisySimulator, SampledSimulator
from qas.execute.objective import objective
from qas.problem.optimise import NORMAL, Effort
from qas.task import Loss, Target
from qas.train.cobyla import cobyla
from qas.train.spsa import Gains, descend

Reals = NDArray[np.float64]
Scorer = NoisySimulator | ExactSimulator | SampledSimulator


@dataclass(frozen=True, eq=False)
class Optimised:
    """The best angles that were found, one circuit a row."""

    energy: Reals
    """Shape (n_circuits,), hartree, at ``angles``, as the simulator measures it."""
    angles: Reals
    """Shape (n_circuits, longest), radians, as `Population.angles`."""
    evaluations: NDArray[np.int64]
    """Shape (n_circuits,): what they cost, 1 a value, 1 + 2P a value with its gradient."""
    calls: NDArray[np.int64]
    """Shape (n_circuits,): how often they were measured, a value with its gradient being one."""


class InnerOptimiser(Protocol):
    """Optimises the free angles of every circuit of a population."""

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        ...

    def __call__(
        self,
        simulator: Scorer,
        population: Population,
        observable: Target,
        rng: np.random.Generator,
        *,
        most: float = np.inf,
        deadline: float = np.inf,
    ) -> Optimised:
        """The best angles found from those at which the population stands.

        Every circuit is measured, one without free angles just once; then the work stops as
        soon as it can.

        Args:
            simulator: measures energies.
            population: circuits that it takes, at their starting angles.
            observable: of as many qubits.
            rng: for whatever is drawn, shots included.
            most: evaluations of all circuits together, about.
            deadline: when to break off, on the clock of `time.monotonic`.
        """
        ...


@dataclass(frozen=True)
class Gradient:
    """L-BFGS with exact slopes, from the start and from points about it; the best stands.

    >>> import qas
    >>> one = Population.of([qas.Circuit(1).then("ry", 0)], [[1.0]])
    >>> z, rng = qas.Observable.of(["Z"], [1.0]), np.random.default_rng(0)
    >>> Gradient()(qas.ExactSimulator(), one, z, rng).energy.round(9).tolist()
    [-1.0]
    """

    effort: Effort = NORMAL
    """When a descent stops."""
    kicks: tuple[float, ...] = (0.0,)
    """One descent for each: radians of the normal added to all free angles, 0 for the start."""

    def __post_init__(self) -> None:
        if not self.kicks or not all(0 <= kick < np.inf for kick in self.kicks):
            raise InputError(f"kicks are one or more spreads of 0 or more; given {self.kicks!r}")

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        return "gradient"

    def __call__(
        self,
        simulator: Scorer,
        population: Population,
        observable: Target,
        rng: np.random.Generator,
        *,
        most: float = np.inf,
        deadline: float = np.inf,
    ) -> Optimised:
        """See `InnerOptimiser`.

        Raises:
            InputError: a simulator with shots, or an un-lowered population and a device.
        """
        if isinstance(simulator, SampledSimulator):
            raise InputError(
                f"exact slopes need an exact simulator; given the {simulator.name}: optimise on "
                "its `.simulator`, or with Cobyla or AdamSPSA, which take values alone"
            )
        shape = population.angles.shape
        shifts = [rng.normal(0.0, kick, shape) if kick else 0.0 for kick in self.kicks]
        owner, starts = _standing(population, [population.angles + shift for shift in shifts])
        effort, share = self.effort, most / max(len(owner), 1)
        limits = Limits(effort.iterations, effort.tolerance, effort.slope, max(share, 1.0))
        found = simulator.minimise_population(starts, observable, limits, deadline=deadline)
        seen = np.where(np.isfinite(found.energy), found.energy, np.inf)
        best = _lowest(owner, seen)
        energy, angles = seen[best], found.params[best]
        spent, calls = (
            np.bincount(owner, each).astype(np.int64) for each in (found.evaluations, found.calls)
        )
        late = np.flatnonzero(np.isinf(energy))  # time was up before their turn
        if len(late):
            energy[late] = simulator.values(population[late], observable)
            angles[late] = population.angles[late]
            spent[late] += 1
            calls[late] += 1
        return Optimised(energy, angles, spent, calls)


@dataclass(frozen=True)
class Cobyla:
    """COBYLA (`qas.train.cobyla`), circuit by circuit; the lowest point seen stands.

    Of many noisy values the lowest is too low. So with shots the point that it belongs to is
    measured once more, with fresh ones, and that stands, be it above the start.
    """

    evaluations: int = 1000
    """At most so many for each circuit."""
    step: float = 0.5
    """By which each angle is first turned, radians."""
    tolerance: float = 1e-4
    """Radians; a search ends where its simplex has become so small."""

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        return "cobyla"

    def __call__(
        self,
        simulator: Scorer,
        population: Population,
        observable: Target,
        rng: np.random.Generator,
        *,
        most: float = np.inf,
        deadline: float = np.inf,
    ) -> Optimised:
        """See `InnerOptimiser`; ``most`` is shared out evenly, what one leaves goes to the next."""
        count, again = len(population), isinstance(simulator, SampledSimulator)
        energy, spent, angles = np.empty(count), np.zeros(count, np.int64), population.angles.copy()
        for index in range(count):
            one, share = population[index : index + 1], (most - spent.sum()) / (count - index)
            function = _energy(simulator, one, observable, rng)
            found = cobyla(
                function, one.angles[one.free], step=self.step, tolerance=self.tolerance,
                evaluations=max(int(min(self.evaluations, share)) - again, 1), deadline=deadline,
            )  # fmt: skip
            energy[index], spent[index] = found.value, found.evaluations
            angles[index, one.free[0]] = found.at
            if again and found.evaluations > 1:
                energy[index], spent[index] = function(found.at), found.evaluations + 1
        return Optimised(energy, angles, spent, spent)


@dataclass(frozen=True)
class AdamSPSA:
    """Adam-SPSA (`qas.train.spsa`) in stages with growing shots, all circuits at once.

    Each stage goes on from the point where the one before arrived; its gains and moments start
    afresh. Values at perturbed points say little about the point itself, and the lowest of many
    noisy ones is too low. So no iterate is measured on the way: in the end the start and the
    point of each stage are measured together, with all shots, fresh ones, and the lowest of
    these few stands. (Its energy is still the least of 1 + stages noisy ones: too low by about
    a standard error at most.) That makes 1 + stages evaluations beside those of the stages.

    Source: Patel et al., arXiv:2402.03500, appendix; constants and stages are those for LiH on
    4 qubits.
    """

    stages: tuple[tuple[int, float], ...] = ((1191, 0.01), (357, 0.1), (119, 1.0))
    """(evaluations, share of the simulator's shots) of each stage; an iteration takes two
    evaluations, and one that is over is not used."""
    a: float = 1.8658
    alpha: float = 0.9451
    c: float = 0.046
    gamma: float = 0.1397
    lam: float = 0.0138
    beta1: float = 0.9658
    beta2: float = 0.8594

    def __post_init__(self) -> None:
        _ = self._gains
        if not all(evaluations >= 0 and 0 < share <= 1 for evaluations, share in self.stages):
            raise InputError(
                "stages are pairs of evaluations, 0 or more, and a share of the shots, above 0 "
                f"and up to 1; given {self.stages!r}"
            )

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        return "spsa"

    def __call__(
        self,
        simulator: Scorer,
        population: Population,
        observable: Target,
        rng: np.random.Generator,
        *,
        most: float = np.inf,
        deadline: float = np.inf,
    ) -> Optimised:
        """See `InnerOptimiser`; an iteration measures every circuit twice, in one call."""
        moving = np.flatnonzero(population.n_params)
        left = (most - len(population)) / max(len(moving), 1)  # beside the start's
        twice, free = population[np.tile(moving, 2)], population.free[moving]
        points, iterations = [population.angles], 0
        for evaluations, share in self.stages:
            values = _energies(_with_share(simulator, share), twice, observable, rng)
            length, start = int(min(evaluations, left - 1) // 2), points[-1][moving]
            if len(moving) == 0 or length < 1 or time.monotonic() >= deadline:
                continue
            walk = descend(values, start, free, length, self._gains, rng, deadline=deadline)
            iterations, left = iterations + walk.k, left - 2 * walk.k - 1
            points.append(population.angles.copy())
            points[-1][moving] = walk.at
        owner, ends = _standing(population, points)
        seen = _measured(simulator, ends, observable, rng)
        best, spent = _lowest(owner, seen), np.bincount(owner)
        spent[moving] += 2 * iterations
        return Optimised(seen[best], ends.angles[best], spent, spent)

    @property
    def _gains(self) -> Gains:
        return Gains(self.a, self.alpha, self.c, self.gamma, self.lam, self.beta1, self.beta2)


def _standing(
    population: Population, points: Sequence[Reals]
) -> tuple[NDArray[np.intp], Population]:
    """The circuits at several angles each, point by point, and which circuit each row is of.

    A circuit without free angles stands at the first alone.
    """
    everyone, moving = np.arange(len(population)), np.flatnonzero(population.n_params)
    owners = [moving if index else everyone for index in range(len(points))]
    angles = [point[owner] for point, owner in zip(points, owners, strict=True)]
    owner = np.concatenate(owners)
    return owner, population[owner].with_angles(np.concatenate(angles))


def _lowest(owner: NDArray[np.intp], energy: Reals) -> NDArray[np.intp]:
    """The row of each circuit's lowest energy, the first of equal ones."""
    order = np.lexsort((energy, owner))
    best: NDArray[np.intp] = order[np.searchsorted(owner[order], np.unique(owner))]
    return best


def _measured(
    simulator: Scorer, population: Population, observable: Target, rng: np.random.Generator
) -> Reals:
    """Energies, hartree, shape (n_circuits,); with shots that were never taken before."""
    if isinstance(simulator, SampledSimulator):
        if isinstance(observable, Loss):
            raise InputError(
                "a loss is searched for without shots: take the noisy simulator, or "
                "train the circuit on the chip (qas tune)"
            )
        fresh = simulator.with_seed(int(rng.integers(2**63)))
        return fresh.values(population, observable).mean
    return simulator.values(population, observable)


def _energies(
    simulator: Scorer, population: Population, observable: Target, rng: np.random.Generator
) -> Callable[[Reals], Reals]:
    """`_measured` as a function of the angles, shape (n_circuits, longest)."""
    return lambda at: _measured(simulator, population.with_angles(at), observable, rng)


def _energy(
    simulator: Scorer, one: Population, observable: Target, rng: np.random.Generator
) -> Callable[[Reals], float]:
    """The energy of one circuit as a function of its free angles, shape (P,)."""
    if not isinstance(simulator, SampledSimulator) and not isinstance(observable, Loss):
        return objective(simulator, one, observable)
    energies, angles = _energies(simulator, one, observable, rng), one.angles.copy()

    def energy(free: Reals) -> float:
        angles[one.free] = free
        return float(energies(angles)[0])

    return energy


def _with_share(simulator: Scorer, share: float) -> Scorer:
    """The simulator with a share of its shots, one at least; an exact one has none to share."""
    if isinstance(simulator, SampledSimulator):
        return simulator.with_shots(max(1, round(share * simulator.shots)))
    return simulator


INNER: dict[str, Callable[[], InnerOptimiser]] = {
    "gradient": Gradient,
    "cobyla": Cobyla,
    "spsa": AdamSPSA,
}
"""Inner optimisers by name."""


def make_inner(name: str) -> InnerOptimiser:
    """An inner optimiser by name, as it stands by default.

    Raises:
        InputError: no such name.

    >>> make_inner("cobyla")
    Cobyla(evaluations=1000, step=0.5, tolerance=0.0001)
    """
    if name not in INNER:
        raise InputError(f"inner optimisers are {', '.join(INNER)}; given {name!r}")
    return INNER[name]()
