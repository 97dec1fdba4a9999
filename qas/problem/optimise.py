"""The angles of one circuit, by exact gradients."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit
from qas.execute import DifferentiableBackend
from qas.problem.cost import Meter
from qas.task import Observable

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@dataclass(frozen=True)
class Effort:
    """How hard to optimise: limits of L-BFGS."""

    iterations: int = 100
    tolerance: float = 1e-9
    """Relative decrease of the energy at which to stop."""
    slope: float = 1e-6
    """Largest component of the gradient at which to stop, hartree per radian."""


QUICK = Effort(40, 1e-7, 1e-4)
NORMAL = Effort()
FINE = Effort(1000, 1e-15, 1e-9)


@cache
def _one_thread() -> ThreadpoolController:
    """Holds BLAS to one thread: L-BFGS on tens of angles is 20 times slower on a busy second."""
    import scipy.optimize  # noqa: F401 (its BLAS must be loaded to be found)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class _BudgetSpent(Exception):
    """Raised inside the optimiser when the meter is exhausted."""


def minimise(
    simulator: DifferentiableBackend,
    circuit: Circuit,
    observable: Observable,
    start: ArrayLike,
    meter: Meter,
    effort: Effort = NORMAL,
) -> tuple[float, NDArray[np.float64]]:
    """Lowest energy found from ``start`` and its angles, by L-BFGS with exact gradients.

    Every value with its gradient is charged 1 + 2P evaluations; when the meter is
    exhausted the best point so far stands.

    Args:
        simulator: gives values with gradients.
        circuit: with P free angles; scored as it stands.
        observable: in hartree.
        start: shape (P,), radians.
        meter: charged with the work.
        effort: when to stop.
    """
    from scipy.optimize import minimize

    best: tuple[float, NDArray[np.float64]] | None = None

    def energy_and_slope(angles: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal best
        if best is not None and meter.exhausted:
            raise _BudgetSpent
        started = time.perf_counter()
        value, slope = simulator.value_and_grad(circuit, observable, angles)
        meter.charge(1 + 2 * circuit.n_params, started, sweeps=1)
        if best is None or value[0] < best[0]:
            best = float(value[0]), angles.copy()
        return float(value[0]), slope[0]

    first = np.asarray(start, dtype=np.float64).reshape(-1)
    if circuit.n_params == 0:
        return energy_and_slope(first)[0], first
    options = {
        "maxiter": effort.iterations,
        "maxfun": 2 * effort.iterations,
        "ftol": effort.tolerance,
        "gtol": effort.slope,
    }
    with suppress(_BudgetSpent), _one_thread().limit(limits=1, user_api="blas"):
        minimize(energy_and_slope, first, jac=True, method="L-BFGS-B", options=options)
    assert best is not None
    return best
