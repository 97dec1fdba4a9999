"""Circuits as the arrays that the state-vector kernels read.

Compiled code does not look where it writes: what it is given is looked at here first. Arrays that
are read are read-only, whoever made them: numba compiles a kernel once for either kind.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit, Population
from qas.errors import InputError
from qas.execute.share import frozen
from qas.execute.state_kernel import first_fault

MAX_QUBITS = 24


class Encoded(NamedTuple):
    """One circuit as `state_kernel.sweep` reads it."""

    gates: NDArray[np.int16]
    """Shape (1, G, 3), rows as in `Population`."""
    slots: NDArray[np.int64]
    """The parameter of each free rotation, -1 elsewhere; shape (G,)."""
    angles: NDArray[np.float64]
    """The fixed angles, radians, 0 elsewhere; shape (1, G)."""


def encode(circuit: Circuit) -> Encoded:
    """The arrays of a circuit.

    Raises:
        InputError: too many qubits for a state vector, or a gate that does not fit.
    """
    check_width(circuit.n_qubits)
    try:
        one = Population.of([circuit])
    except (KeyError, IndexError):
        Circuit.of(circuit.n_qubits, circuit.gates)  # says what is wrong
        raise
    if first_fault(one.gates, one.angles, one.n_qubits) >= 0:
        Circuit.of(circuit.n_qubits, circuit.gates)
    slots = np.full(len(circuit.gates), -1, dtype=np.int64)
    slots[list(circuit.free)] = np.arange(circuit.n_params)
    return Encoded(one.gates, frozen(slots), one.angles)


def check_population(population: Population) -> None:
    """Raise InputError for too many qubits, or for rows that are no gates."""
    check_width(population.n_qubits)
    if first_fault(population.gates, population.angles, population.n_qubits) >= 0:
        Population.checked(
            population.n_qubits, population.gates, population.angles, population.free
        )  # says what is wrong


def check_width(n_qubits: int) -> None:
    """Raise InputError for more qubits than a state vector can have."""
    if n_qubits > MAX_QUBITS:
        raise InputError(
            f"{n_qubits} qubits need {2.0 ** (n_qubits - 25):,.0f} GiB for two state vectors; "
            f"the exact simulator stops at {MAX_QUBITS} qubits and 0.5 GiB: use a smaller task"
        )
