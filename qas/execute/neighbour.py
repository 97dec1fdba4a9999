"""The scores of all circuits that are one gate away from a circuit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, Circuit, Gate, Population

INSERT, REPLACE, DELETE = range(3)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Every circuit that one edit makes of ``circuit``, with its exact energy.

    Child i comes about at the gate ``position[i]``: ``gates[choice[i]]`` is put before it
    (``position == len(circuit.gates)``: at the end), stands in its place, or it is deleted. All
    other angles are unchanged; that of a rotation that came in is the best one.
    """

    circuit: Circuit
    """The parent: native where the simulator has a device."""
    params: NDArray[np.float64]
    """Its angles, shape (n_params,), radians."""
    gates: tuple[Gate, ...]
    """The gates that were tried."""
    position: NDArray[np.int64]
    """Shape (n_children,)."""
    choice: NDArray[np.int64]
    """Index into ``gates``, -1 for a deletion; shape (n_children,)."""
    energy: NDArray[np.float64]
    """Lowest energy over the new angle, shape (n_children,), hartree."""
    angle: NDArray[np.float64]
    """The angle that attains it, radians; 0 for gates without one. Shape (n_children,)."""
    kind: NDArray[np.int8]
    """INSERT, REPLACE or DELETE; shape (n_children,)."""
    fresh: NDArray[np.bool_]
    """False where the child is the same circuit as one before it, its gates in another order."""

    def __len__(self) -> int:
        return len(self.energy)

    def best(self, k: int = 1) -> NDArray[np.int64]:
        """Indices of the ``k`` different children of lowest energy, best first; ties by index."""
        fresh = np.flatnonzero(self.fresh)
        return fresh[np.argsort(self.energy[fresh], kind="stable")[:k]]

    def child(self, index: int) -> tuple[Circuit, NDArray[np.float64]]:
        """The edited circuit and its angles, shape (n_params of it,)."""
        at, kind = int(self.position[index]), int(self.kind[index])
        gates = list(self.circuit.gates)
        angles = dict(zip(self.circuit.free, self.params.tolist(), strict=True))
        values = [angles.get(place) for place in range(len(gates))]
        new = [] if kind == DELETE else [self.gates[self.choice[index]]]
        gone = 0 if kind == INSERT else 1
        gates[at : at + gone] = new
        values[at : at + gone] = [float(self.angle[index])] if new else []
        circuit = Circuit(self.circuit.n_qubits, tuple(gates))
        return circuit, np.array([values[place] for place in circuit.free], dtype=np.float64)

    @cached_property
    def evaluations(self) -> int:
        """What a device would have to measure: 2 per rotation child, 1 per other child."""
        rotation = np.array([*(gate.is_free for gate in self.gates), False], dtype=bool)
        return int(len(self) + rotation[self.choice].sum())


@dataclass(frozen=True, eq=False)
class BestNeighbours:
    """The best neighbours of every circuit of a population, best first; see `Neighbours`."""

    parents: Population
    """Native circuits at their angles."""
    gates: tuple[Gate, ...]
    """The gates that were tried."""
    kind: NDArray[np.int8]
    """INSERT, REPLACE or DELETE; shape (n_circuits, k), as all that follow."""
    position: NDArray[np.int64]
    choice: NDArray[np.int64]
    """Index into ``gates``, -1 for a deletion."""
    energy: NDArray[np.float64]
    """Hartree; infinite where a circuit has fewer neighbours."""
    angle: NDArray[np.float64]
    """Radians; 0 for gates without an angle."""

    def children(self, rank: int = 0) -> Population:
        """The neighbour number ``rank`` of every circuit, at its angles.

        A circuit that has fewer neighbours, where ``energy`` is infinite, comes back unchanged.
        """
        parents, longest = self.parents, self.parents.gates.shape[1]
        found = np.isfinite(self.energy[:, rank])
        kind = np.where(found, self.kind[:, rank], REPLACE)[:, None]
        at = self.position[:, rank, None]
        places = np.arange(longest + 1)[None]
        shift = np.where(kind == INSERT, -1, np.where(kind == DELETE, 1, 0))
        source = np.where(places < at + (kind != DELETE), places, places + shift)
        beyond = (source < 0) | (source >= longest)
        rows = np.arange(len(parents))[:, None]
        source = np.where(beyond, 0, source)
        gates = np.where(beyond[..., None], -1, parents.gates[rows, source])
        angles = np.where(beyond, 0.0, parents.angles[rows, source])
        free = np.where(beyond, False, parents.free[rows, source])
        tried = np.array([_row(gate) for gate in self.gates], dtype=np.int16).reshape(-1, 3)
        edited = np.flatnonzero(found & (kind[:, 0] != DELETE))
        new, where = self.choice[edited, rank], self.position[edited, rank]
        gates[edited, where] = tried[new]
        angles[edited, where] = self.angle[edited, rank]
        free[edited, where] = np.array([gate.is_free for gate in self.gates], dtype=bool)[new]
        return Population(parents.n_qubits, gates.astype(np.int16), angles, free)


def _row(gate: Gate) -> tuple[int, int, int]:
    number = GATE_NAMES.index(gate.name)
    return number, gate.qubits[0], gate.qubits[1] if len(gate.qubits) > 1 else -1
