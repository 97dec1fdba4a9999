"""Edits of circuits on ideal devices: gates are left out as they stand, nothing is lowered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.problem.pruning.edit import PAIR, RUN
from qas.problem.pruning.sheet import packed


@dataclass(frozen=True, eq=False)
class RowDraft:
    """A circuit in any gates."""

    population: Population
    """The circuit alone."""

    def at(self, one: Population) -> RowDraft:
        """See `qas.problem.pruning.edit.Draft`."""
        return RowDraft(one)

    def other(self, one: Population) -> RowDraft:
        """See `qas.problem.pruning.edit.Draft`."""
        return RowDraft(one)

    def edits(self, kinds: Sequence[int]) -> RowEdits:
        """Each gate left out (PAIR or RUN, by its width), and every two equal cx that meet.

        The angle of a rotation goes to the one before it on its wire if that has the same axis.
        """
        one, latest = self.population, dict.fromkeys(range(self.population.n_qubits), -1)
        rows = one.gates[0, : one.n_gates[0]].tolist()
        heir, sets = np.arange(one.gates.shape[1]), [[at] for at in range(len(rows))]
        for at, row in enumerate(rows):
            wires = [qubit for qubit in row[1:] if qubit >= 0]
            before = {latest[qubit] for qubit in wires}
            same = before.pop() if len(before) == 1 else -1
            if same >= 0 and rows[same] == row:
                if len(wires) == 2:
                    sets.append([same, at])
                elif one.free[0, same]:
                    heir[at] = same
            latest.update(dict.fromkeys(wires, at))
        keys = [(PAIR if rows[s[0]][2] >= 0 else RUN, s[0], len(s)) for s in sets]
        chosen = [k for k, key in enumerate(keys) if key[0] in kinds]
        touched = np.zeros((len(chosen), one.gates.shape[1]), dtype=np.bool_)
        for edit, k in enumerate(chosen):
            touched[edit, sets[k]] = True
        return RowEdits(one, np.array([keys[k] for k in chosen]).reshape(-1, 3), touched, heir)


@dataclass(frozen=True, eq=False)
class RowEdits:
    """Gates that go; see `qas.problem.pruning.edit.Edits`."""

    one: Population
    keys: NDArray[np.int64]
    touched: NDArray[np.bool_]
    """Shape (n_edits, G): gates that go."""
    heir: NDArray[np.intp]
    """Shape (G,): the gate that takes over the angle of one that goes; itself without one."""

    def made(self, sets: Sequence[Sequence[int]]) -> Population:
        """See `qas.problem.pruning.edit.Edits`."""
        one, count = self.one, len(sets)
        gone = np.stack([self.touched[list(some)].any(axis=0) for some in sets])
        gates = np.repeat(one.gates, count, axis=0)
        angles = np.repeat(one.angles, count, axis=0)
        free = np.repeat(one.free, count, axis=0)
        rows, at = np.nonzero(gone & one.free)
        np.add.at(angles, (rows, self.heir[at]), one.angles[0, at])
        gates[gone], angles[gone], free[gone] = -1, 0.0, False
        return packed(one.n_qubits, gates, angles, free)

    def draft(self, some: Sequence[int]) -> RowDraft:
        """See `qas.problem.pruning.edit.Edits`."""
        return RowDraft(self.made([some]))
