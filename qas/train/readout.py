"""Readout mitigation by two calibration circuits: the observable is changed, not the counts.

A qubit that reads 1 for 0 with probability p10 and 0 for 1 with p01 turns <Z> into a <Z> + b, with
a = 1 - p01 - p10 and b = p01 - p10. So (Z - b) / a measured on the faulty chip has the mean of Z;
in a product of Paulis, each in its measured basis, every factor is replaced, and the product is
multiplied out. Errors are taken as independent between qubits (Bravyi et al., Phys. Rev. A 103,
042605 (2021), tensor-product noise). As an observable it is measured on any backend, and its
standard errors are those of the backend.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from qas.circuit import Circuit
from qas.errors import InputError
from qas.execute.backend import Backend
from qas.execute.cost import reseeded
from qas.task import Observable
from qas.train.cost import Cost, paid, price
from qas.train.seed import step_seed

TINY = 1e-12
"""In place of an offset of exactly 0, so that the measured terms never depend on the readings."""


@dataclass(frozen=True)
class Readout:
    """When the readout is calibrated anew."""

    every: int = 10
    """Steps that one calibration serves."""

    def __post_init__(self) -> None:
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise InputError(f"every must be a whole number of at least 1; given {self.every!r}")


@dataclass(frozen=True)
class Calibration:
    """What each qubit's readout makes of <Z>: slope <Z> + offset."""

    slope: tuple[float, ...]
    """a of each qubit."""
    offset: tuple[float, ...]
    """b of each qubit."""

    @classmethod
    def unknown(cls, n_qubits: int) -> Calibration:
        """Some calibration: mitigated by it, an observable has the terms it always has."""
        offset = tuple(0.1 / np.sqrt(2.0 + q) for q in range(n_qubits))  # nothing cancels
        return cls((1.0,) * n_qubits, offset)


def preparations(n_qubits: int) -> tuple[Circuit, Circuit]:
    """The two calibration circuits: nothing, and x on every qubit."""
    ones = Circuit(n_qubits)
    for q in range(n_qubits):
        ones = ones.then("x", q)
    return Circuit(n_qubits), ones


def calibration_price(backend: Backend, n_qubits: int) -> Cost:
    """What `calibrate` will cost."""
    total = Cost()
    for circuit in preparations(n_qubits):
        total += price(backend, circuit, _each_z(n_qubits), 1)
    return total


def calibrate(backend: Backend, n_qubits: int, seed: int, step: int) -> tuple[Calibration, Cost]:
    """Measure the readout of each qubit, all at once.

    Raises:
        InputError: a readout that tells nothing, a <= 0.
    """
    total, means = Cost(), []
    observables = _each_z(n_qubits)
    for circuit, purpose in zip(preparations(n_qubits), ("zeros", "ones"), strict=True):
        seeded = reseeded(backend, step_seed(seed, step, purpose))
        found = seeded.estimate(circuit, observables, np.zeros((1, 0)))
        total += paid(backend, circuit, price(backend, circuit, observables, 1), found)
        means.append(found.mean[0])
    slope, offset = (means[0] - means[1]) / 2, (means[0] + means[1]) / 2
    if not (slope > 0).all():
        raise InputError(
            f"the readout of qubits {np.flatnonzero(~(slope > 0)).tolist()} tells 0 from 1 no "
            "better than chance: choose other qubits, or more shots"
        )
    return Calibration(tuple(slope.tolist()), tuple(offset.tolist())), total


@lru_cache(maxsize=64)
def mitigated(observable: Observable, calibration: Calibration) -> Observable:
    """What to measure on the faulty chip in place of an observable.

    >>> z = Observable.of(["Z"], [1.0])
    >>> mitigated(z, Calibration((0.5,), (0.25,))).coeffs
    (-0.5, 2.0)
    """
    n = observable.n_qubits
    paulis: list[str] = []
    coeffs: list[float] = []
    for pauli, coeff in zip(observable.paulis, observable.coeffs, strict=True):
        places = [k for k, letter in enumerate(pauli) if letter != "I"]
        for left in range(len(places) + 1):
            for gone in combinations(places, left):
                paulis.append("".join("I" if k in gone else pauli[k] for k in range(n)))
                weight = coeff
                for k in places:
                    qubit = n - 1 - k
                    a, b = calibration.slope[qubit], calibration.offset[qubit] or TINY
                    weight *= -b / a if k in gone else 1 / a
                coeffs.append(weight)
    return Observable.of(paulis, coeffs)


@lru_cache(maxsize=64)
def _each_z(n_qubits: int) -> tuple[Observable, ...]:
    names = ["I" * (n_qubits - 1 - q) + "Z" + "I" * q for q in range(n_qubits)]
    return tuple(Observable.of([name], [1.0]) for name in names)
