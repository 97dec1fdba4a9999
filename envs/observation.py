"""What an agent sees: the circuit as a tensor of moments, and its energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit
from qas.errors import InputError

AXES = ("rx", "ry", "rz")


@dataclass(frozen=True)
class Encoding:
    """Binary tensor of shape (moments, n + 3, n), flattened, with the energy behind it.

    A gate stands in the first moment in which its qubits are free. Of each moment, row
    t < n holds a 1 in column c for a cx with control c and target t; rows n, n + 1 and
    n + 2 hold a 1 in column q for an rx, ry or rz on qubit q. The last number is the energy in
    hartree. Angles are not shown: the energy is that of optimised ones.

    Source: Patel et al., arXiv 2402.03500, section 4 (tensor-based binary encoding).

    >>> code = Encoding(n_qubits=2, moments=3)
    >>> code.size
    31
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
        """Numbers in an observation."""
        return self.moments * (self.n_qubits + 3) * self.n_qubits + 1

    def tensor(self, circuit: Circuit) -> NDArray[np.float32]:
        """The circuit, shape (moments, n + 3, n), zeros and ones.

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

    def observe(self, circuit: Circuit, energy: float) -> NDArray[np.float32]:
        """Tensor and energy (hartree) as one vector, shape (size,)."""
        return np.append(self.tensor(circuit).reshape(-1), np.float32(energy)).astype(np.float32)
