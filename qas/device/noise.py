"""Noise channels of a calibration, as real Pauli transfer matrices.

A Pauli transfer matrix T acts on the vector of Pauli expectations, index
``sum_q p_q 4^q`` with I, X, Y, Z = 0..3 and the gate's first qubit least significant.

The standard model is Qiskit Aer's `NoiseModel.from_backend`: thermal relaxation over the
gate's duration, before it a depolarizing channel that makes up the rest of the reported
gate error. The pessimistic model takes the *whole* reported error as depolarizing, on top
of the relaxation.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qas.circuit import fixed_matrix

if TYPE_CHECKING:
    from qas.device.device import Device

_PAULIS = tuple(fixed_matrix(name) for name in ("id", "x", "y", "z"))


def unitary_transfer(matrix: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Pauli transfer matrix of a unitary on one or two qubits: T_ij = tr(P_i U P_j U^+) / d."""
    basis = _basis(len(matrix))
    turned = matrix @ basis @ matrix.conj().T
    result: NDArray[np.float64] = np.einsum("iab,jba->ij", basis, turned).real / len(matrix)
    result[np.abs(result) < 1e-15] = 0.0
    return result


@cache
def _basis(dimension: int) -> NDArray[np.complex128]:
    """The Pauli matrices on one or two qubits; the first qubit is the less significant."""
    if dimension == 2:
        return np.array(_PAULIS)
    return np.array([np.kron(_PAULIS[b], _PAULIS[a]) for b in range(4) for a in range(4)])


def relaxation(t1: float, t2: float, duration: float) -> NDArray[np.float64]:
    """Thermal relaxation to |0> over ``duration`` (all in seconds), shape (4, 4).

    diag(1, e^(-t/T2), e^(-t/T2), e^(-t/T1)) and 1 - e^(-t/T1) from I to Z.
    """
    e1, e2 = math.exp(-duration / t1), math.exp(-duration / t2)
    transfer = np.diag([1.0, e2, e2, e1])
    transfer[3, 0] = 1.0 - e1
    return transfer


def average_fidelity(transfer: NDArray[np.float64]) -> float:
    """Average gate fidelity of a channel against the identity: (tr T / d + 1) / (d + 1)."""
    d = math.isqrt(len(transfer))
    return (float(np.trace(transfer)) / d + 1.0) / (d + 1.0)


def depolarizing(probability: float, width: int) -> NDArray[np.float64]:
    """rho -> (1 - p) rho + p I/d on ``width`` qubits, shape (4^width, 4^width)."""
    return np.diag([1.0] + [1.0 - probability] * (4**width - 1))


def gate_noise(
    device: Device,
    name: str,
    qubits: tuple[int, ...],
    *,
    pessimistic: bool = False,
    scale: float = 1.0,
) -> NDArray[np.float64]:
    """Channel that follows the ideal gate, shape (4, 4) or (16, 16).

    Args:
        device: holds the calibration; the gate must be available on it.
        pessimistic: the whole reported error as depolarizing on top of relaxation.
        scale: multiplies the reported error and the duration; 0 is noise-free.
    """
    relaxations, probability = noise_parts(
        device, name, qubits, pessimistic=pessimistic, scale=scale
    )
    relax: NDArray[np.float64] = np.ones((1, 1))
    for part in relaxations:
        relax = np.asarray(np.kron(part, relax))
    return relax @ depolarizing(probability, len(qubits))


def noise_parts(
    device: Device,
    name: str,
    qubits: tuple[int, ...],
    *,
    pessimistic: bool = False,
    scale: float = 1.0,
) -> tuple[list[NDArray[np.float64]], float]:
    """The channel of `gate_noise` as what it is made of.

    Returns each qubit's relaxation, shape (4, 4), and the probability of the depolarizing
    channel before them.
    """
    calibration = device.gate(name, qubits)
    if calibration is None:
        raise LookupError(f"{name} on {qubits} is not available on {device.name}")
    error, duration = calibration.error * scale, calibration.duration * scale
    relaxations = [qubit_relaxation(device, q, duration) for q in qubits]
    # average fidelities of a product: its trace is the product of the traces
    trace, d = math.prod(float(np.trace(r)) for r in relaxations), 1 << len(qubits)
    infidelity = 0.0 if pessimistic else 1.0 - (trace / d + 1.0) / (d + 1.0)
    return relaxations, _depolarizing_part(error, infidelity, len(qubits))


def qubit_relaxation(device: Device, qubit: int, duration: float) -> NDArray[np.float64]:
    """Relaxation of one qubit of the device over ``duration`` seconds, shape (4, 4)."""
    calibration = device.qubits[qubit]
    if duration <= 0.0 or calibration.t1 is None or calibration.t2 is None:
        return np.eye(4)
    return relaxation(calibration.t1, calibration.t2, duration)


def _depolarizing_part(error: float, infidelity: float, width: int) -> float:
    """Probability p with 1 - F_avg(relaxation after depolarizing) = error, in [0, 4^w/(4^w-1)].

    p = d (error - infidelity) / (d (1 - infidelity) - 1), with d = 2^width.
    """
    d = float(1 << width)
    if error <= infidelity:
        return 0.0
    error = min(error, d / (d + 1.0))
    p = d * (error - infidelity) / (d * (1.0 - infidelity) - 1.0)
    return min(p, d * d / (d * d - 1.0))


def readout_transfer(device: Device, qubit: int, scale: float = 1.0) -> NDArray[np.float64]:
    """What asymmetric readout error does to the measured <P> of one qubit, shape (4, 4).

    <P> -> (1 - p01 - p10) <P> + (p01 - p10) for P = X, Y, Z, where p01 is the probability
    of reading 0 from |1> and p10 that of reading 1 from |0>; basis changes are ideal.
    """
    p01, p10 = device.qubits[qubit].p01, device.qubits[qubit].p10
    if p01 is None or p10 is None:
        return np.eye(4)
    transfer = np.diag([1.0] + [1.0 - (p01 + p10) * scale] * 3)
    transfer[1:, 0] = (p01 - p10) * scale
    return transfer
