"""The angles of one circuit, by exact gradients."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit
from qas.execute import ExactSimulator, Limits, NoisySimulator
from qas.problem.cost import Meter
from qas.task import Target


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


def minimise(
    simulator: NoisySimulator | ExactSimulator,
    circuit: Circuit,
    observable: Target,
    start: ArrayLike,
    meter: Meter,
    effort: Effort = NORMAL,
) -> tuple[float, NDArray[np.float64]]:
    """Lowest energy found from ``start`` and its angles, by L-BFGS with exact gradients.

    Every value with its gradient is charged 1 + 2P evaluations, of a loss so many a sample; when
    the meter is exhausted the best point so far stands.

    Args:
        simulator: runs the circuit.
        circuit: with P free angles; native where the simulator has a device.
        observable: in hartree.
        start: shape (P,), radians.
        meter: charged with the work.
        effort: when to stop.
    """
    started, price = time.perf_counter(), (1 + 2 * circuit.n_params) * observable.price
    most = min(meter.left, 2.0 * effort.iterations * price)
    limits = Limits(effort.iterations, effort.tolerance, effort.slope, max(most, 1.0))
    first = np.asarray(start, dtype=np.float64).reshape(-1)
    found = simulator.minimise(circuit, observable, first, limits, deadline=meter.deadline)
    calls = int(found.calls[0])
    meter.charge(calls * price, started, sweeps=calls)
    return float(found.energy[0]), found.params[0]
