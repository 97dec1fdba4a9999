"""What an agent sees: the circuit as zeros and ones, its energy, what actions would gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envs.crowd import Crowd
from qas.circuit import Circuit
from qas.errors import InputError

AXES = ("rx", "ry", "rz")
SMALLEST_GAIN = 1e-8
"""Hartree: what an action gains is shown on a logarithmic scale from here to 1."""
Floats = NDArray[np.float32]


class Encoding(Protocol):
    """Circuits as zeros and ones."""

    @property
    def size(self) -> int:
        """Numbers for one circuit."""
        ...

    def bits(self, crowd: Crowd) -> Floats:
        """Zeros and ones, shape (members, size)."""
        ...


@dataclass(frozen=True)
class TensorEncoding:
    """Binary tensor of shape (moments, n + 3, n), flattened.

    A gate stands in the first moment in which its qubits are free. Of each moment, row
    t < n holds a 1 in column c for a cx with control c and target t; rows n, n + 1 and
    n + 2 hold a 1 in column q for an rx, ry or rz on qubit q. Angles are not shown: the energy
    is that of optimised ones.

    Source: Patel et al., arXiv 2402.03500, section 4 (tensor-based binary encoding).

    >>> code = TensorEncoding(n_qubits=2, moments=3)
    >>> code.size
    30
    >>> bell = Circuit(2).then("ry", 0).then("cx", 0, 1)
    >>> [tuple(int(i) for i in at) for at in zip(*np.nonzero(code.tensor(bell)))]
    [(0, 3, 0), (1, 1, 0)]
    """

    n_qubits: int
    moments: int
    """As many as the circuit may have gates, so that every circuit fits."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Moments, rows, columns."""
        return self.moments, self.n_qubits + 3, self.n_qubits

    @property
    def size(self) -> int:
        """Numbers for one circuit."""
        return self.moments * (self.n_qubits + 3) * self.n_qubits

    def tensor(self, circuit: Circuit) -> Floats:
        """One circuit, shape (moments, n + 3, n), gate by gate.

        Raises:
            InputError: a gate without a row, or more moments than there are.
        """
        cells = np.zeros(self.shape, dtype=np.float32)
        level = [0] * self.n_qubits
        for gate in circuit.gates:
            if gate.name not in (*AXES, "cx"):
                raise InputError(f"the tensor has rows for cx, rx, ry and rz; given {gate.name}")
            moment = max(level[q] for q in gate.qubits)
            if moment >= self.moments:
                raise InputError(f"the circuit is deeper than the tensor's {self.moments} moments")
            row = gate.qubits[1] if gate.name == "cx" else self.n_qubits + AXES.index(gate.name)
            cells[moment, row, gate.qubits[0]] = 1
            for q in gate.qubits:
                level[q] = moment + 1
        return cells

    def bits(self, crowd: Crowd) -> Floats:
        """All members at once, shape (members, size)."""
        cells = np.zeros((crowd.size, *self.shape), dtype=np.float32)
        member, at = np.nonzero(np.arange(crowd.gates.shape[1]) < crowd.n_gates[:, None])
        name, first, second = crowd.gates[member, at].T.astype(np.int64)
        row = np.where(second >= 0, second, self.n_qubits + name)
        cells[member, crowd.moments[member, at], row, first] = 1
        return cells.reshape(crowd.size, -1)


@dataclass(frozen=True)
class SequenceEncoding:
    """The actions in the order in which they were taken, each as one 1 among zeros."""

    n_actions: int
    length: int
    """Most actions of an episode."""

    @property
    def size(self) -> int:
        """Numbers for one circuit."""
        return self.length * self.n_actions

    def bits(self, crowd: Crowd) -> Floats:
        """All members at once, shape (members, size)."""
        cells = np.zeros((crowd.size, self.length, self.n_actions), dtype=np.float32)
        member, at = np.nonzero(np.arange(self.length) < crowd.n_chosen[:, None])
        cells[member, at, crowd.chosen[member, at]] = 1
        return cells.reshape(crowd.size, -1)


@dataclass(frozen=True)
class View:
    """Observations: the encoded circuit, its energy, and with ``sweep`` the gain of each action."""

    encoding: Encoding
    n_actions: int
    sweep: bool = False
    """Show what every action would gain at its best angles, all others kept: 0 for a nano-hartree
    hundredth or less, 1 for a hartree or more, logarithmic in between."""

    @property
    def size(self) -> int:
        """Numbers in an observation."""
        return self.encoding.size + 1 + (self.n_actions if self.sweep else 0)

    def box(self, bound: float) -> tuple[Floats, Floats]:
        """Least and largest observation, for energies (hartree) within +-``bound``."""
        low, high = np.zeros(self.size, np.float32), np.ones(self.size, np.float32)
        low[self.encoding.size], high[self.encoding.size] = -bound, bound
        return low, high

    def observe(self, crowd: Crowd) -> Floats:
        """Of all members, shape (members, size); the energy in hartree."""
        parts: list[NDArray[np.floating]] = [self.encoding.bits(crowd), crowd.energy[:, None]]
        if self.sweep:
            parts.append(scaled_gains(crowd.gains()))
        return np.concatenate([part.astype(np.float32) for part in parts], axis=1)


def scaled_gains(gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """Hartree on a logarithmic scale from 0 to 1.

    >>> scaled_gains(np.array([0.0, 1e-4, 1.0, 5.0])).tolist()
    [0.0, 0.5, 1.0, 1.0]
    """
    scale = 1 - np.log10(np.clip(gains, SMALLEST_GAIN, 1.0)) / np.log10(SMALLEST_GAIN)
    return np.asarray(np.round(scale, 6))
