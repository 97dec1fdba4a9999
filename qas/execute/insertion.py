"""The scores of all one-gate extensions of a circuit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit, Gate


@dataclass(frozen=True)
class Insertions:
    """Every circuit that one gate more makes of ``circuit``, with its exact energy.

    Child i is ``circuit`` with ``gates[choice[i]]`` put before the gate at ``position[i]``
    (``position == len(circuit.gates)``: at the end), all other angles unchanged.
    """

    circuit: Circuit
    """The parent that was extended: native where the simulator has a device."""
    params: NDArray[np.float64]
    """Its angles, shape (n_params,), radians."""
    gates: tuple[Gate, ...]
    """The gates that were tried at each position."""
    position: NDArray[np.int64]
    """Shape (n_children,)."""
    choice: NDArray[np.int64]
    """Index into ``gates``, shape (n_children,)."""
    energy: NDArray[np.float64]
    """Lowest energy over the inserted angle, shape (n_children,), hartree."""
    angle: NDArray[np.float64]
    """The angle that attains it, radians; 0 for gates without one. Shape (n_children,)."""

    def __len__(self) -> int:
        return len(self.energy)

    def best(self, k: int = 1) -> NDArray[np.int64]:
        """Indices of the ``k`` children of lowest energy, best first; ties by index."""
        return np.argsort(self.energy, kind="stable")[:k]

    def child(self, index: int) -> tuple[Circuit, NDArray[np.float64]]:
        """The extended circuit and its angles, shape (n_params + 1,) where a rotation came in."""
        at, gate = int(self.position[index]), self.gates[self.choice[index]]
        gates = self.circuit.gates
        circuit = Circuit(self.circuit.n_qubits, (*gates[:at], gate, *gates[at:]))
        if not gate.is_free:
            return circuit, self.params
        number = sum(k < at for k in self.circuit.free)
        return circuit, np.insert(self.params, number, self.angle[index])

    @property
    def evaluations(self) -> int:
        """What a device would have to measure: 2 per rotation child, 1 per other child."""
        rotation = np.array([gate.is_free for gate in self.gates], dtype=bool)
        return int(len(self) + rotation[self.choice].sum())
