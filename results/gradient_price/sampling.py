"""Shots of the same circuits many times over, and the arithmetic of errors.

`qas.SampledSimulator` computes the exact distribution of outcomes anew for every seed; here it is
asked for once, and shots are drawn from it. tests/results compares both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

import qas
from qas import Circuit, Observable

Reals = NDArray[np.float64]


@cache
def simulator(n_qubits: int, shots: int) -> qas.SampledSimulator:
    """Of a chip without noise."""
    device = qas.load_device("ideal", n_qubits=n_qubits)
    return qas.SampledSimulator(qas.NoisySimulator(device), shots=shots)


@dataclass(frozen=True)
class Reading:
    """Some observables of one circuit, and in which bases they are measured."""

    bases: tuple[str, ...]
    values: Reals
    """What an outcome adds, shape (n_observables, bases, 2^n)."""
    constants: Reals
    """Shape (n_observables,)."""

    @classmethod
    def of(cls, observables: Sequence[Observable]) -> Reading:
        n = observables[0].n_qubits
        strings = sorted({p for one in observables for p in one.paulis} - {"I" * n})
        groups = Observable.of(strings, [1.0] * len(strings)).groups()
        bases = tuple(_basis([strings[k] for k in group], n) for group in groups)
        where = {strings[k]: g for g, group in enumerate(groups) for k in group}
        outcomes, constants = np.arange(2**n), np.zeros(len(observables))
        values = np.zeros((len(observables), len(groups), 2**n))
        for row, one in enumerate(observables):
            for pauli, coeff in zip(one.paulis, one.coeffs, strict=True):
                if pauli not in where:
                    constants[row] = coeff
                    continue
                mask = int("".join("0" if letter == "I" else "1" for letter in pauli), 2)
                sign = 1.0 - 2.0 * (np.bitwise_count(outcomes & mask) & 1)
                values[row, where[pauli]] += coeff * sign
        return cls(bases, values, constants)


@dataclass
class Lab:
    """One circuit without noise, measured in shots as often as one likes."""

    circuit: Circuit
    reading: Reading
    known: dict[bytes, Reals] = field(default_factory=dict)
    """Distributions by the angles, shape (bases, 2^n) each."""

    def distributions(self, rows: Reals) -> Reals:
        """Shape (rows, bases, 2^n), of angles (rows, n_params)."""
        new = [row for row in rows if row.tobytes() not in self.known]
        if new:
            shots = simulator(self.circuit.n_qubits, 1)
            found = [
                shots.probabilities(self.circuit, b, np.array(new)) for b in self.reading.bases
            ]
            made = np.clip(np.stack(found, axis=1), 0.0, None)
            made /= made.sum(axis=2, keepdims=True)
            self.known |= {row.tobytes(): one for row, one in zip(new, made, strict=True)}
        return np.array([self.known[row.tobytes()] for row in rows])

    def measured(
        self, rows: Reals, shots: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Reals, Reals]:
        """Means and standard errors, shape (rows, n_observables).

        Args:
            rows: angles, shape (rows, n_params), radians.
            shots: of each row in each basis, shape (rows,); 2 or more.
            rng: draws the shots.
        """
        each = np.repeat(shots[:, None], len(self.reading.bases), axis=1)
        share = rng.multinomial(each, self.distributions(rows)) / each[:, :, None]
        mean = np.einsum("rgk,ogk->rog", share, self.reading.values)
        square = np.einsum("rgk,ogk->rog", share, self.reading.values**2)
        variance = (square - mean**2).clip(0.0) / (each[:, None, :] - 1)
        return mean.sum(axis=2) + self.reading.constants, np.sqrt(variance.sum(axis=2))


@dataclass(frozen=True)
class Errors:
    """Of measured gradients, as shares of the exact one's length."""

    rms: float
    bias: float
    """Length of the mean deviation; 0 where shots and directions explain all of it."""
    cosine: float
    """Mean cosine of the angle to the exact gradient."""


def errors(drawn: Reals, exact: Reals, weights: Reals | None = None) -> Errors:
    """Root mean square and bias of gradients, shape (seeds, draws, n_params).

    The squared bias is the mean product of the deviations of two different seeds, which the
    scatter of single ones does not enter. ``weights`` says how often each seed counts.
    """
    w = np.ones(len(drawn)) if weights is None else weights
    length = float(np.linalg.norm(exact))
    off = drawn - exact
    own = (off**2).sum(axis=2).mean(axis=1)
    means = off.mean(axis=1)
    total = (w[:, None] * means).sum(axis=0)
    pairs = w.sum() ** 2 - (w**2).sum()
    square = (total @ total - (w**2 * (means**2).sum(axis=1)).sum()) / pairs
    norms = np.linalg.norm(drawn, axis=2)
    cosine = (drawn @ exact) / np.where(norms > 0, norms, 1.0) / length
    return Errors(
        float(np.sqrt((w * own).sum() / w.sum())) / length,
        float(np.sqrt(max(square, 0.0))) / length,
        float((w * cosine.mean(axis=1)).sum() / w.sum()),
    )


def intervals(
    drawn: Reals, exact: Reals, resamples: int, rng: np.random.Generator
) -> dict[str, list[float]]:
    """Each error with its 95% bootstrap interval over seeds: [value, low, high]."""
    n = len(drawn)
    some = [
        errors(drawn, exact, rng.multinomial(n, np.full(n, 1 / n)).astype(float))
        for _ in range(resamples)
    ]
    best, found = errors(drawn, exact), {}
    for name in ("rms", "bias", "cosine"):
        low, high = np.quantile([getattr(one, name) for one in some], [0.025, 0.975])
        found[name] = [getattr(best, name), float(low), float(high)]
    return found


def shots_for(target: float, rms: float, bias: float, shots: int) -> float:
    """Shots until the mean of repeated gradients has that rms error; infinite if the bias is more.

    >>> shots_for(0.1, 0.2, 0.0, 100), shots_for(0.1, 0.2, 0.1, 100)
    (400.0, inf)
    """
    if bias >= target:
        return float("inf")
    return float(round(shots * (rms**2 - bias**2) / (target**2 - bias**2), 9))


def _basis(strings: list[str], n: int) -> str:
    """The letter measured on each qubit, Z where it does not matter."""
    columns = zip(*strings, strict=True) if strings else ["I"] * n
    return "".join(next((x for x in column if x != "I"), "Z") for column in columns)
