"""How strong the noise is on each qubit and each edge of a chip, as arrays.

The standard model's channel of a gate (see `qas.device.noise`) is depolarizing and then each
qubit's relaxation. A pulse is told by its average infidelity alone; a two-qubit gate by five
numbers, its *parts*: the probability of depolarizing, then duration / T1 and duration / T2 of its
first and of its second qubit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import fixed_matrix
from qas.device.device import Device
from qas.device.noise import (
    average_fidelity,
    depolarizing,
    gate_noise,
    noise_parts,
    relaxation,
    unitary_transfer,
)

N_PARTS = 5
EXCHANGED = (0, 3, 4, 1, 2)
"""The parts of a two-qubit gate whose qubits are named in the other order."""

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Strengths:
    """Strengths of all gates of a device; infinite where a gate is unavailable."""

    pulse: Reals
    """Average infidelity of sx, shape (qubits,)."""
    pair: Reals
    """Parts of the two-qubit gate, shape (5, qubits, qubits); where a chip has it in one order
    only, those of that order stand for both."""

    @classmethod
    def of(cls, device: Device) -> Strengths:
        """The strengths of a calibration."""
        n = device.n_qubits
        pulse, pair = np.full(n, inf), np.full((N_PARTS, n, n), inf)
        for q in device.available_qubits:
            pulse[q] = 1.0 - average_fidelity(gate_noise(device, "sx", (q,)))
        for a, b in device.couplings:
            pair[:, a, b] = _parts(device, (a, b))
        turned = pair[list(EXCHANGED)].transpose(0, 2, 1)
        return cls(pulse, np.where(np.isfinite(pair), pair, turned))

    @cached_property
    def typical_pulse(self) -> float:
        """Median infidelity of a pulse."""
        return float(np.median(self.pulse[np.isfinite(self.pulse)]))

    @cached_property
    def typical_pair(self) -> Reals:
        """Median parts of a two-qubit gate, shape (5,)."""
        there = np.isfinite(self.pair[0])
        if not there.any():
            return np.zeros(N_PARTS)
        median: Reals = np.median(self.pair[:, there], axis=1)
        return median

    @cached_property
    def pair_infidelity(self) -> Reals:
        """Average infidelity of the two-qubit gate, shape (qubits, qubits): 1 - (tr T / 4 + 1) / 5.

        The trace is (1 - p) (tr R1 tr R2 - 1) + 1, where tr R = 1 + 2 exp(-t/T2) + exp(-t/T1).
        """
        p, *times = self.pair
        first, second = (1 + 2 * np.exp(-times[k + 1]) + np.exp(-times[k]) for k in (0, 2))
        there = np.isfinite(p)
        trace = (1 - np.where(there, p, 0.0)) * (first * second - 1) + 1
        return np.where(there, 1 - (trace / 4 + 1) / 5, inf)


def channel(name: str, strength: ArrayLike) -> Reals:
    """Pauli transfer matrix of a native gate with noise of a given strength.

    Args:
        name: a native gate without an angle.
        strength: the infidelity of a pulse, or the five parts of a two-qubit gate.
    """
    ideal = unitary_transfer(fixed_matrix(name))
    if len(ideal) == 4:
        # Depolarizing by p has average infidelity p / 2 on one qubit.
        return depolarizing(2.0 * float(np.asarray(strength)), 1) @ ideal
    p, *times = np.asarray(strength, dtype=np.float64).tolist()
    first, second = (relaxation(_inverse(u), _inverse(v), 1.0) for u, v in (times[:2], times[2:]))
    return np.asarray(np.kron(second, first)) @ depolarizing(p, 2) @ ideal


def _parts(device: Device, edge: tuple[int, int]) -> list[float]:
    name = device.two_qubit_gate
    gate = device.gate(name, edge)
    assert gate is not None
    parts = [noise_parts(device, name, edge)[1]]
    for qubit in edge:
        for time in (device.qubits[qubit].t1, device.qubits[qubit].t2):
            parts.append(gate.duration / time if time else 0.0)
    return parts


def _inverse(rate: float) -> float:
    return 1.0 / rate if rate > 0.0 else inf
