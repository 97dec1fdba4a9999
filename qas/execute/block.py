"""Dressed two-qubit blocks: a two-qubit gate with rotations behind it, at their best angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, ROTATIONS, Circuit, Gate, Population
from qas.errors import InputError
from qas.execute import block_kernel as kernel
from qas.execute import pauli_kernel
from qas.execute.channel import Channels, has_gate
from qas.execute.neighbour_kernel import Cuts
from qas.execute.neighbourhood import Neighbourhood
from qas.execute.octet import aligned

N_STARTS = 3
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """Every circuit that one dressed block more makes of ``circuit``, with its energy.

    Child i has ``gates[choice[i]]`` before the gate at ``position[i]``, and behind it the dressing
    on its lower qubit, then on the higher one. All other angles are unchanged; those of the block
    are a minimum that coordinate descent reaches: the energy is exact, better angles may exist.
    """

    circuit: Circuit
    """The parent, native."""
    params: NDArray[np.float64]
    """Its angles, shape (n_params,), radians."""
    gates: tuple[Gate, ...]
    """The two-qubit gates that were tried."""
    dressing: tuple[str, ...]
    """Names of the gates behind it on each wire, in order."""
    position: NDArray[np.int64]
    """Shape (n_children,): the start, and behind every two-qubit gate on the block's wires."""
    choice: NDArray[np.int64]
    """Index into ``gates``, shape (n_children,)."""
    energy: NDArray[np.float64]
    """Hartree, shape (n_children,)."""
    angles: NDArray[np.float64]
    """Of the block's rotations, radians, shape (n_children, 2 rotations), lower wire first."""

    def __len__(self) -> int:
        return len(self.energy)

    def best(self, k: int = 1) -> NDArray[np.int64]:
        """Indices of the ``k`` children of lowest energy, best first; ties by index."""
        return np.argsort(self.energy, kind="stable")[:k]

    def child(self, index: int) -> tuple[Circuit, NDArray[np.float64]]:
        """The extended circuit and its angles, shape (n_params of it,)."""
        at, pair = int(self.position[index]), self.gates[self.choice[index]]
        wires = (min(pair.qubits), max(pair.qubits))
        block = (pair, *(Gate(name, (q,)) for q in wires for name in self.dressing))
        gates = self.circuit.gates
        circuit = Circuit(self.circuit.n_qubits, (*gates[:at], *block, *gates[at:]))
        number = sum(place < at for place in self.circuit.free)
        return circuit, np.insert(self.params, number, self.angles[index])

    @property
    def evaluations(self) -> int:
        """What a device would have to measure for one round over every block: 1 + 2 an angle.

        Coordinate descent takes several rounds; here they cost arithmetic alone.
        """
        return len(self) * (1 + 2 * int(self.angles.shape[1]))


def score_blocks(
    neighbourhood: Neighbourhood,
    one: Population,
    parent: Circuit,
    observable: Reals,
    dressing: Sequence[str],
) -> Blocks:
    """Blocks of the neighbourhood's two-qubit gates in ``parent``, alone in the population ``one``.

    Raises:
        InputError: a dressing without a rotation, or with a gate that a wire does not have.
    """
    channels, tried = neighbourhood.channels, neighbourhood.tried
    codes = _codes(channels, dressing)
    turns = np.tile(codes < len(ROTATIONS), 2)
    starts = np.random.default_rng(0).uniform(-np.pi, np.pi, (N_STARTS, len(turns))) * turns
    starts[0] = 0.0
    tables = kernel.Dressing(
        codes, starts, aligned(256), aligned(len(codes) + 1, 4, 4), aligned(16),
        aligned(3, 12), aligned(len(turns)),
    )  # fmt: skip
    shape = (1, one.gates.shape[1] + 1, len(tried))
    energies, best = np.full(shape, np.inf), np.zeros((*shape, len(turns)))
    work = pauli_kernel.work_for(channels, one.gates, True)
    cuts = Cuts(aligned(272), aligned(16), aligned(4, 12))
    kernel.sweep_blocks(
        channels, observable, neighbourhood.children, tables, one.gates, one.angles, energies,
        best, work, cuts,
    )  # fmt: skip
    position, choice = np.nonzero(np.isfinite(energies[0]))
    params = one.angles[0, list(parent.free)]
    return Blocks(
        parent, params, tried, tuple(dressing), position, choice,
        energies[0, position, choice], best[0, position, choice][:, turns],
    )  # fmt: skip


def _codes(channels: Channels, dressing: Sequence[str]) -> NDArray[np.int64]:
    for name in dressing:
        if not all(has_gate(channels, name, (q,)) for q in range(channels.n_qubits)):
            raise InputError(f"cannot dress with {name!r}: the patch has no such one-qubit gate")
    if not set(dressing) & set(ROTATIONS):
        raise InputError(f"a dressing needs a rotation ({', '.join(ROTATIONS)}); given {dressing}")
    return np.array([GATE_NAMES.index(name) for name in dressing], dtype=np.int64)
