"""The runs that an optimiser works through, and when one stops.

Optimisers here are state machines: they never call the energy. ``advance`` takes in what was
measured at the point asked for last and writes the next point. So one compiled optimiser serves
every simulator, a Python function and a device, and may pause between any two measurements.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.compiled import inlined

REASONS = (
    "not begun",
    "slope",
    "decrease",
    "iterations",
    "budget",
    "not finite",
    "no descent",
    "time",
)
GO_ON, SLOPE, DECREASE, ITERATIONS, BUDGET, NOT_FINITE, NO_DESCENT, TIME = range(len(REASONS))
"""Why a run stopped, as an index into `REASONS`; 0 until it did."""

NOISE = 1e-15
"""Rounding error of an energy, relative to max(|energy|, 1)."""


class Limits(NamedTuple):
    """When a run stops."""

    iterations: float = 100.0
    """Line searches of L-BFGS, sweeps over all angles of Rotosolve."""
    decrease: float = 1e-9
    """Of the energy in one iteration, relative to max(|energy|, 1)."""
    slope: float = 1e-6
    """Largest component of the gradient, hartree per radian."""
    evaluations: float = np.inf
    """Stop as soon as so many are spent; the first measurement is always allowed."""


class Runs(NamedTuple):
    """Runs to work through, one after the other."""

    sizes: NDArray[np.int64]
    """Shape (B,): numbers of free angles."""
    free: NDArray[np.int64]
    """Shape (B, P): their places among the angles, ``sizes[b]`` of them in row b."""
    angles: NDArray[np.float64]
    """Shape (B, G), radians: the starts; while a run goes on its current point; in the end the
    best one."""
    shown: NDArray[np.float64]
    """A read-only view of the angles, as kernels take them."""
    energies: NDArray[np.float64]
    calls: NDArray[np.int64]
    reasons: NDArray[np.int64]
    """Shape (B,), like energies and calls: written at the end of a run."""


@inlined
def settled(limits, before, after):
    """Whether the energy decreased so little that the run is done."""
    return before - after <= limits.decrease * max(abs(before), abs(after), 1.0)
