"""Optimised angles of one circuit from many starts, and of many circuits, in compiled code."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Population
from qas.errors import InputError
from qas.execute import lbfgs, rotosolve
from qas.execute.model import Model
from qas.execute.share import share_out
from qas.execute.stop import REASONS, TIME, Limits, Runs

METHODS = {"lbfgs": lbfgs, "rotosolve": rotosolve}
MEMORY = 40
"""Steps that L-BFGS remembers: many, since flat valleys take many and remembering is cheap."""
NORMAL = Limits()


@dataclass(frozen=True, eq=False)
class Descent:
    """Outcomes of runs, one row each; the best point that a run saw stands."""

    energy: NDArray[np.float64]
    """Shape (runs,), hartree, at ``params``; not-a-number where a run did not begin."""
    params: NDArray[np.float64]
    """Radians; shape (runs, P), of a population (n_circuits, longest) as `Population.angles`."""
    calls: NDArray[np.int64]
    """Shape (runs,): measurements; with L-BFGS each is a value with its gradient."""
    evaluations: NDArray[np.int64]
    """Shape (runs,): what they cost, 1 + 2P a value with its gradient."""
    reason: tuple[str, ...]
    """Why each run stopped, one of `qas.execute.stop.REASONS`."""

    @property
    def best(self) -> int:
        """The run of the lowest energy."""
        return int(np.nanargmin(self.energy))


def descend(
    model: Model,
    starts: ArrayLike,
    limits: Limits = NORMAL,
    *,
    angles: NDArray[np.float64] | None = None,
    free: NDArray[np.intp] | None = None,
    method: str = "lbfgs",
    memory: int = MEMORY,
    threads: int = 1,
    deadline: float = np.inf,
) -> Descent:
    """One circuit optimised from each of many starts.

    Args:
        model: of one circuit, or of a function.
        starts: shape (runs, P) or (P,), radians.
        limits: of each run.
        angles: angles of all the circuit's gates, shape (G,), the fixed ones in place.
        free: places of the free angles among them, shape (P,); without, all P are free.
        method: lbfgs, or rotosolve: exact minima of one native angle after the other.
        memory: steps that L-BFGS remembers.
        threads: the runs are shared out among so many.
        deadline: when to break off, on the clock of `time.monotonic`.

    Raises:
        InputError: starts of another shape or not finite, no such method, or bad limits.
    """
    first = np.atleast_2d(np.asarray(starts, dtype=np.float64))
    places = np.arange(first.shape[-1]) if free is None else free
    if first.ndim != 2 or first.shape[1] != len(places):
        raise InputError(f"starts need shape (runs, {len(places)}); given {np.shape(starts)}")
    full = np.zeros(len(places)) if angles is None else angles
    rows = np.repeat(full.reshape(1, -1), len(first), axis=0)
    rows[:, places] = first
    everywhere = np.repeat(places.reshape(1, -1), len(first), axis=0)
    runs = _runs(np.full(len(first), len(places)), everywhere, rows)
    _work_through(model, runs, limits, method, memory, threads, deadline)
    return _outcome(runs, runs.angles[:, places], method)


def descend_population(
    model: Model,
    population: Population,
    limits: Limits = NORMAL,
    *,
    method: str = "lbfgs",
    memory: int = MEMORY,
    threads: int = 1,
    deadline: float = np.inf,
) -> Descent:
    """Every circuit of a population optimised from the angles at which it stands.

    Args:
        model: of its circuits.
        population: the circuits; ``population.with_angles(found.params)`` are the optimised ones.
        limits, method, memory, threads, deadline: as in `descend`, for each circuit.

    Raises:
        InputError: an angle is not finite, no such method, or bad limits.
    """
    sizes = population.n_params
    places = np.argsort(~population.free, axis=1, kind="stable")[:, : sizes.max(initial=0)]
    runs = _runs(sizes, places, population.angles.copy())
    _work_through(model, runs, limits, method, memory, threads, deadline)
    return _outcome(runs, runs.angles, method)


def _runs(
    sizes: NDArray[np.integer], places: NDArray[np.integer], angles: NDArray[np.float64]
) -> Runs:
    wrong = np.argwhere(~np.isfinite(angles)).tolist()
    if wrong:
        row, at = wrong[0]
        raise InputError(f"starts must be finite radians; run {row} holds {angles[row, at]}")
    shown = angles.view()
    shown.setflags(write=False)
    free = np.ascontiguousarray(places, dtype=np.int64)
    energies, calls, reasons = np.full(len(angles), np.nan), *np.zeros((2, len(angles)), np.int64)
    return Runs(sizes.astype(np.int64), free, angles, shown, energies, calls, reasons)


def _outcome(runs: Runs, params: NDArray[np.float64], method: str) -> Descent:
    price = 1 + 2 * runs.sizes if method == "lbfgs" else 1
    reasons = tuple(REASONS[code] for code in runs.reasons)
    return Descent(runs.energies, params, runs.calls, runs.calls * price, reasons)


def _work_through(
    model: Model,
    runs: Runs,
    limits: Limits,
    method: str,
    memory: int,
    threads: int,
    deadline: float,
) -> None:
    """Finish all runs, or break off at the deadline, after a measurement at least."""
    if method not in METHODS:
        raise InputError(f"methods are {', '.join(METHODS)}; given {method!r}")
    given = {**limits._asdict(), "memory": memory}
    for name, least in (("iterations", 1), ("decrease", 0), ("slope", 0), ("memory", 1)):
        if not given[name] >= least:
            raise InputError(f"{name} must be at least {least}; given {given[name]}")
    optimiser: Any = METHODS[method]
    numbers = Limits._make(float(number) for number in limits)

    def part(some: slice) -> None:
        own = Runs._make(array[some] for array in runs)
        work = optimiser.make_work(own, memory)
        step, at = model.part(some).step(method), 0
        while at < len(own.angles):
            at = step(own, numbers, work)
            if time.monotonic() >= deadline:
                if at < len(own.angles) and work.state[0]["calls"] > 0:
                    optimiser.settle(own, work, TIME)
                break

    share_out(part, len(runs.angles), threads, pieces=4)
