"""What a term of an observable may be, and what to say when it is something else."""

from __future__ import annotations

import math

import numpy as np

from qas.errors import InputError

LETTERS = "IXYZ"
MAX_INDEX_QUBITS = 31
"""4^31 is the largest table of Pauli strings that a signed 64-bit index can address."""


def check_terms(paulis: tuple[object, ...], coeffs: tuple[object, ...], n_qubits: int) -> None:
    """Raise InputError unless `paulis` and `coeffs` spell a finite real sum on `n_qubits`."""
    if not paulis:
        raise InputError("the observable has no Pauli strings; give at least one term")
    if len(paulis) != len(coeffs):
        raise InputError(
            f"{len(paulis)} Pauli strings but {len(coeffs)} coefficients; "
            "give one coefficient for each string"
        )
    if not 1 <= n_qubits <= MAX_INDEX_QUBITS:
        raise InputError(f"{n_qubits} qubits given; an observable has 1 to {MAX_INDEX_QUBITS}")
    for k, pauli in enumerate(paulis):
        _check_pauli(k, pauli, n_qubits)
    magnitudes = [_magnitude(k, coeff) for k, coeff in enumerate(coeffs)]
    if not math.isfinite(sum(magnitudes)):
        raise InputError("the magnitudes of the coefficients add up to more than a float can hold")


def _check_pauli(k: int, pauli: object, n_qubits: int) -> None:
    if not isinstance(pauli, str):
        raise InputError(f"Pauli string {k} is {shown(pauli)}; write a string such as 'ZI'")
    if wrong := set(pauli) - set(LETTERS):
        raise InputError(
            f"Pauli string {k} is {shown(pauli)}: {shown(min(wrong))} is no Pauli letter; "
            "use capital I, X, Y and Z"
        )
    if len(pauli) != n_qubits:
        raise InputError(
            f"Pauli string {k} is {shown(pauli)} with {len(pauli)} letters; "
            f"{n_qubits} qubits need {n_qubits}, the rightmost for qubit 0"
        )


def _magnitude(k: int, coeff: object) -> float:
    if isinstance(coeff, (bool, np.bool_)) or not isinstance(
        coeff, (int, float, np.integer, np.floating)
    ):
        raise InputError(f"coefficient {k} is {shown(coeff)}; coefficients are real numbers")
    try:
        magnitude = abs(float(coeff))
    except OverflowError:
        magnitude = math.inf
    if not math.isfinite(magnitude):
        raise InputError(f"coefficient {k} is {shown(coeff)}; coefficients are finite numbers")
    return magnitude


def check_bits(bits: object, n_qubits: int) -> None:
    """Raise InputError unless `bits` names a basis state; the rightmost bit is qubit 0."""
    if not isinstance(bits, str) or len(bits) != n_qubits or set(bits) - set("01"):
        raise InputError(
            f"the basis state is {shown(bits)}; give {n_qubits} characters 0 or 1, "
            "the rightmost for qubit 0"
        )


def shown(value: object, limit: int = 40) -> str:
    """`repr(value)`, escaped to ASCII and cut, for quoting what a person gave in an error.

    >>> shown("Z" * 99, limit=10)
    "'ZZZZZ ..."
    """
    try:
        text = ascii(value)
    except ValueError:  # an integer past Python's limit of digits
        return "a very large number"
    return text if len(text) <= limit else f"{text[: limit - 4]} ..."
