"""Standard errors from the recorded shots of one Runtime job.

The Runtime's own ``stds`` add the variances of all Pauli terms as if each were
measured by itself, divide by R instead of R - 1 randomisations, and take the
readout calibration as exact. Here terms of one measurement basis share their
shots (covariances included), and the calibration's own shot noise is propagated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.bool_]
Reals = NDArray[np.float64]
Terms = Sequence[tuple[str, float]]
_FEW = 4
"""Below so many randomisations the spread between them says too little to be used."""


@dataclass(frozen=True)
class Shots:
    """Outcomes of one PUB, twirling flips undone."""

    bits: Bits
    """Shape (randomisations, configurations, shots, qubits)."""
    bases: tuple[tuple[int, str], ...]
    """Row of the bindings and measured Pauli basis of each configuration."""
    calibration: Bits | None = None
    """Readout calibration, shape (randomisations, shots, qubits): True = read wrongly."""

    @property
    def n_rows(self) -> int:
        """Number of parameter vectors."""
        return 1 + max(row for row, _ in self.bases)


def mean_and_stderr(shots: Shots, terms: Terms) -> tuple[Reals, Reals]:
    """Mean and standard error of sum_t c_t P_t for every row, both of shape (n_rows,).

    Args:
        shots: recorded outcomes.
        terms: Pauli labels (rightmost letter = qubit 0) with real coefficients.
    """
    mean, variance = np.zeros(shots.n_rows), np.zeros(shots.n_rows)
    slope = np.zeros((shots.n_rows, shots.bits.shape[-1]))
    flip_rate = _flip_rate(shots)
    for basis, members in _by_basis(shots, terms).items():
        outcomes = shots.bits[:, _configurations(shots, basis)]
        value = np.zeros(outcomes.shape[:-1])
        for label, coefficient in members:
            support = _support(label)
            gain = float(np.exp(2 * flip_rate[support].sum()))
            parity = gain * coefficient * (1 - 2 * (outcomes[..., support].sum(-1) % 2))
            value += parity
            slope[:, support] += 2 * parity.mean(axis=(0, 2))[:, None]
        mean += value.mean(axis=(0, 2))
        variance += _variance_of_mean(value)
    if shots.calibration is not None:
        effect = np.einsum("rsq,nq->rns", shots.calibration.astype(np.float64), slope)
        variance += _variance_of_mean(effect)
    return mean, np.sqrt(variance)


def _flip_rate(shots: Shots) -> Reals:
    if shots.calibration is None:
        return np.zeros(shots.bits.shape[-1])
    return np.asarray(shots.calibration.mean(axis=(0, 1)), dtype=np.float64)


def _variance_of_mean(value: Reals) -> Reals:
    """Variance of the mean over randomisations and shots; value: (R, rows, shots) -> (rows,).

    The larger of two estimates: all shots independent, or all randomisations
    independent (readout twirling makes shots of one randomisation alike).
    """
    n_randomisations, _, n_shots = value.shape
    n = n_randomisations * n_shots
    independent = np.asarray(value.var(axis=(0, 2)) / max(n - 1, 1))
    if n_randomisations < _FEW:
        return independent
    between = value.mean(axis=2).var(axis=0, ddof=1) / n_randomisations
    return np.asarray(np.maximum(independent, between))


def _by_basis(shots: Shots, terms: Terms) -> dict[str, list[tuple[str, float]]]:
    """Terms under the first measured basis that shows them, in the Runtime's order."""
    bases = list(dict.fromkeys(basis for row, basis in shots.bases if row == 0))
    groups: dict[str, list[tuple[str, float]]] = {basis: [] for basis in bases}
    for label, coefficient in terms:
        basis = next(b for b in bases if _shows(b, label))
        groups[basis].append((label, coefficient))
    return groups


def _shows(basis: str, label: str) -> bool:
    return all(p in ("I", b) for b, p in zip(basis, label, strict=True))


def _configurations(shots: Shots, basis: str) -> list[int]:
    """Configuration that measured ``basis`` for each row, in the order of rows."""
    place = {row: i for i, (row, b) in enumerate(shots.bases) if b == basis}
    return [place[row] for row in range(shots.n_rows)]


def _support(label: str) -> list[int]:
    return [q for q, letter in enumerate(reversed(label)) if letter != "I"]
