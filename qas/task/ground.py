"""The lowest eigenvalue of an observable, where exact diagonalisation is feasible."""

from __future__ import annotations

import numpy as np

from qas.task.observable import MAX_MATRIX_ENTRIES, Observable

DENSE_QUBITS = 8
"""Up to here a dense eigensolver is the faster one."""
SPARSE_QUBITS = 14
"""Up to here the Lanczos iteration takes seconds."""
DIAGONAL_QUBITS = 20
"""Up to here an observable of I and Z alone is scanned state by state."""


def ground_energy(observable: Observable) -> float | None:
    """The smallest eigenvalue, exact to rounding, or None where it is out of reach.

    Diagonal observables are scanned up to 20 qubits, others solved densely up to 8 and by
    Lanczos iteration up to 14 (None if that does not converge).

    >>> ground_energy(Observable.of(["X"], [2.0]))
    -2.0
    """
    n_qubits = observable.n_qubits
    if not observable.x_masks.any():
        return _diagonal_minimum(observable) if n_qubits <= DIAGONAL_QUBITS else None
    if n_qubits > SPARSE_QUBITS or observable.n_flips << n_qubits > MAX_MATRIX_ENTRIES:
        return None
    if n_qubits <= DENSE_QUBITS:
        return float(np.linalg.eigvalsh(observable.matrix().toarray())[0])
    return _lanczos_minimum(observable)


def _diagonal_minimum(observable: Observable) -> float:
    states = np.arange(2**observable.n_qubits)
    energies = np.zeros(len(states))
    for coeff, z in zip(observable.coeffs, observable.z_masks, strict=True):
        energies += coeff * (1.0 - 2.0 * (np.bitwise_count(states & z) & 1))
    return float(energies.min())


def _lanczos_minimum(observable: Observable) -> float | None:
    from scipy.sparse.linalg import ArpackError, eigsh

    # A fixed start makes the answer reproducible; a random one meets every eigenvector.
    start = np.random.default_rng(0).standard_normal(2**observable.n_qubits)
    try:
        lowest = eigsh(
            observable.matrix(),
            k=1,
            which="SA",
            v0=start,
            rng=np.random.default_rng(0),
            return_eigenvectors=False,
        )
    except ArpackError:
        return None
    return float(lowest[0])
