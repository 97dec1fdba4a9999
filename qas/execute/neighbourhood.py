"""Neighbourhoods: all circuits one gate away from a circuit, scored at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, Circuit, Gate, Population
from qas.execute import neighbour_kernel as kernel
from qas.execute import pauli_kernel
from qas.execute.channel import Channels
from qas.execute.neighbour import DELETE, INSERT, REPLACE, BestNeighbours, Neighbours
from qas.execute.octet import aligned

GROWTH = np.log(1e4)
"""Largest growth of rounding errors at which environments are moved by inverse maps."""
Reals = NDArray[np.float64]


class Neighbourhood:
    """The gates that are tried on one patch, and what scoring with them needs.

    Args:
        channels: tables of the patch.
        tried: gates that may come in; each must be available.
    """

    def __init__(self, channels: Channels, tried: Sequence[Gate]) -> None:
        self.channels, self.tried = channels, tuple(tried)
        self.children = _children(channels, self.tried)

    def best(
        self, population: Population, observable: Reals, k: int, edits: bool, room: int = 2**26
    ) -> BestNeighbours:
        """The ``k`` best neighbours of every circuit, without Python per circuit.

        Args:
            population: native circuits at their angles.
            observable: coefficient of every Pauli string, as the kernels take it.
            k: how many of each; copies of one child count once.
            edits: deletions and replacements too.
            room: bytes that the tables of scores may take at a time.
        """
        per_circuit = 32 * (population.gates.shape[1] + 1) * max(len(self.tried), 1)
        step = max(1, room // per_circuit)
        parts = [
            self._best_of(population[begin : begin + step], observable, k, edits)
            for begin in range(0, len(population), step)
        ]
        columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        return BestNeighbours(population, self.tried, *columns)

    def _best_of(
        self, part: Population, observable: Reals, k: int, edits: bool
    ) -> tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.int64], Reals, Reals]:
        scores = self._scores(part, observable, edits)
        tables = _tables(scores, edits)
        energy = np.concatenate(
            [np.where(fresh, e, np.inf).reshape(len(part), -1) for _, e, _, fresh in tables], axis=1
        )
        angle = np.concatenate([a.reshape(len(part), -1) for _, _, a, _ in tables], axis=1)
        kind = np.concatenate([np.full(e[0].size, name, dtype=np.int8) for name, e, _, _ in tables])
        place = np.concatenate(
            [np.stack([p.ravel() for p in np.indices(e.shape[1:])], 1) for _, e, _, _ in tables]
        )
        k = min(k, energy.shape[1])
        found = np.argpartition(energy, k - 1, axis=1)[:, :k]
        order = np.argsort(np.take_along_axis(energy, found, 1), axis=1, kind="stable")
        found = np.take_along_axis(found, order, 1)
        choice = np.where(kind[found] == DELETE, -1, place[found, 1])
        return (
            kind[found],
            place[found, 0],
            choice,
            np.take_along_axis(energy, found, 1),
            np.take_along_axis(angle, found, 1),
        )

    def score(self, one: Population, parent: Circuit, observable: Reals, edits: bool) -> Neighbours:
        """Scores of one native circuit.

        One forward and one reverse sweep score everything, unless waiting qubits decohere (an
        edit then moves the schedule) or the noise is too strong to be undone: in these cases
        every child is simulated.

        Args:
            one: the circuit, at its angles, alone in a population.
            parent: the same circuit, its free angles free.
            observable: coefficient of every Pauli string, as the kernels take it.
            edits: deletions and replacements too.
        """
        return _as_neighbours(one, parent, self.tried, self._scores(one, observable, edits), edits)

    def _scores(self, population: Population, observable: Reals, edits: bool) -> kernel.Scores:
        scores = _scores(len(population), population.gates.shape[1], len(self.tried))
        growth = np.zeros(len(population))
        work = pauli_kernel.work_for(self.channels, population.gates, False)
        pauli_kernel.growths(self.channels, population.gates, growth, work)
        if not self.channels.idle and growth.max(initial=0.0) <= GROWTH:
            _sweep(self.channels, observable, self.children, population, edits, scores)
            return scores
        for b in range(len(population)):
            own = kernel.Scores(*(table[b] for table in scores))
            _simulate(self.channels, observable, self.children, population[b : b + 1], edits, own)
        return scores


def _children(channels: Channels, tried: tuple[Gate, ...]) -> kernel.Children:
    rows = [
        (GATE_NAMES.index(g.name), g.qubits[0], g.qubits[1] if len(g.qubits) > 1 else -1)
        for g in tried
    ]
    gates = np.array(rows, dtype=np.int16).reshape(-1, 3)
    by_wire: dict[int, list[int]] = {q: [] for q in range(channels.n_qubits)}
    by_pair: dict[tuple[int, int], list[int]] = {}
    for number, gate in enumerate(tried):
        if len(gate.qubits) == 1:
            by_wire[gate.qubits[0]].append(number)
        else:
            by_pair.setdefault((min(gate.qubits), max(gate.qubits)), []).append(number)
    pairs = np.array(list(by_pair), dtype=np.int64).reshape(-1, 2)
    return kernel.Children(
        gates, _table(list(by_wire.values())), pairs, _table(list(by_pair.values())),
        *_entries(transfers(channels)),
    )  # fmt: skip


def _table(lists: list[list[int]]) -> NDArray[np.int64]:
    """The lists as rows, filled up with -1."""
    table = np.full((len(lists), max(map(len, lists), default=0)), -1, dtype=np.int64)
    for row, numbers in enumerate(lists):
        table[row, : len(numbers)] = numbers
    return table


def _entries(matrices: Reals) -> tuple[NDArray[np.int64], Reals]:
    """Places 16 i + j and values of what is not zero in each matrix, shape (rows, most)."""
    flat = matrices.reshape(len(matrices), 256)
    lists = [np.flatnonzero(row).tolist() for row in flat]
    entry = _table(lists)
    weight = np.where(entry >= 0, np.take_along_axis(flat, np.maximum(entry, 0), 1), 0.0)
    return entry, weight


def transfers(channels: Channels) -> Reals:
    """Every two-qubit channel as a matrix, shape (rows, 16, 16), index p_low + 4 p_high."""
    count = len(channels.after)
    result = np.zeros((count, 16, 16))
    for row in range(count):
        if channels.place[row, 0] < 0:
            result[row] = channels.dense[row, 0]
            continue
        result[row, channels.place[row], np.arange(16)] = channels.factor[row]
        low, high = (np.vstack([np.eye(4)[0], m.reshape(3, 4)]) for m in channels.after[row, :2])
        result[row] = np.kron(high, low) @ result[row]
    return result


def _scores(count: int, n_gates: int, n_children: int) -> kernel.Scores:
    before, at = (count, n_gates + 1, n_children), (count, n_gates, n_children)
    return kernel.Scores(
        np.full(before, np.inf), np.zeros(before), np.zeros(before, dtype=np.uint8),
        np.full(at, np.inf), np.zeros(at), np.full((count, n_gates), np.inf),
    )  # fmt: skip


def _sweep(
    channels: Channels,
    observable: Reals,
    children: kernel.Children,
    population: Population,
    edits: bool,
    scores: kernel.Scores,
) -> None:
    work = pauli_kernel.work_for(channels, population.gates, True, spare=1)
    cuts = kernel.Cuts(aligned(272), aligned(16), aligned(4, 12))
    kernel.sweep(
        channels, observable, children, population.gates, population.angles, edits, scores, work,
        cuts,
    )  # fmt: skip


def _simulate(
    channels: Channels,
    observable: Reals,
    children: kernel.Children,
    one: Population,
    edits: bool,
    scores: kernel.Scores,
) -> None:
    """Every child by itself: the slow, obvious way; a rotation at 0, pi/2 and -pi/2."""
    gates, angles = one.gates[0], one.angles[0]
    n_gates = int(one.n_gates[0])
    rows: list[tuple[NDArray[np.int16], Reals]] = []
    targets: list[tuple[Reals, Reals, tuple[int, ...], bool]] = []

    def add(
        at: int, gone: int, child: int | None, out: tuple[Reals, Reals], to: tuple[int, ...]
    ) -> None:
        new = np.zeros((0, 3), np.int16) if child is None else children.gates[child][None]
        edited = np.concatenate([gates[:at], new, gates[at + gone : n_gates]])
        is_rotation = child is not None and new[0, 0] < 3
        for angle in (0.0, np.pi / 2, -np.pi / 2) if is_rotation else (0.0,):
            fresh = np.full(len(new), angle)
            rows.append((edited, np.concatenate([angles[:at], fresh, angles[at + gone : n_gates]])))
        targets.append((*out, to, is_rotation))

    for at in range(n_gates + 1):
        for c in range(len(children.gates)):
            scores.fresh[at, c] = at == 0 or _share(gates[at - 1], children.gates[c])
            add(at, 0, c, (scores.insertion, scores.insertion_angle), (at, c))
            if (
                edits
                and at < n_gates
                and (gates[at, 2] >= 0 or _share(gates[at], children.gates[c]))
            ):
                add(at, 1, c, (scores.replacement, scores.replacement_angle), (at, c))
        if edits and at < n_gates:
            add(at, 1, None, (scores.deletion, scores.deletion), (at,))
    longest = max((len(row) for row, _ in rows), default=0)
    many = np.full((len(rows), longest, 3), -1, dtype=np.int16)
    turns = np.zeros((len(rows), longest))
    for k, (row, angle) in enumerate(rows):
        many[k, : len(row)], turns[k, : len(row)] = row, angle
    values = np.empty(len(rows))
    work = pauli_kernel.work_for(channels, many, False)
    population = Population(one.n_qubits, many, turns, np.zeros(turns.shape, dtype=np.bool_))
    pauli_kernel.values(channels, observable, population.gates, population.angles, values, work)
    k = 0
    for energy, angle, to, is_rotation in targets:
        if is_rotation:
            still, plus, minus = values[k : k + 3]
            cosine, sine = still - (plus + minus) / 2, (plus - minus) / 2
            energy[to] = (plus + minus) / 2 - np.hypot(cosine, sine)
            angle[to] = np.arctan2(-sine, -cosine)
        else:
            energy[to] = values[k]
        k += 3 if is_rotation else 1


def _share(gate: NDArray[np.int16], other: NDArray[np.int16]) -> bool:
    return bool({int(q) for q in gate[1:]} & {int(q) for q in other[1:] if q >= 0})


def _as_neighbours(
    one: Population, parent: Circuit, tried: tuple[Gate, ...], scores: kernel.Scores, edits: bool
) -> Neighbours:
    params = one.angles[0, list(parent.free)]
    parts = []
    for kind, energies, angles, fresh in _tables(scores, edits):
        position, choice = (place.ravel() for place in np.indices(energies.shape[1:]))
        choice = np.full_like(choice, -1) if kind == DELETE else choice
        energy = energies[0].ravel()
        turn, kinds = angles[0].ravel(), np.full(energy.size, kind)
        columns = [position, choice, energy, turn, kinds, fresh[0].ravel()]
        if kind == REPLACE:
            scored = np.isfinite(energy)
            columns = [column[scored] for column in columns]
        parts.append(columns)
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    position, choice, energy, angle, kinds, new = joined
    return Neighbours(
        parent, params, tried, position, choice, energy, angle, kinds.astype(np.int8), new
    )


def _tables(
    scores: kernel.Scores, edits: bool
) -> list[tuple[int, Reals, Reals, NDArray[np.bool_]]]:
    """(kind, energies, angles, whether a child is new), arrays of shape (B, places, choices)."""
    tables = [(INSERT, scores.insertion, scores.insertion_angle, scores.fresh > 0)]
    if edits:
        replaced, deleted = scores.replacement, scores.deletion[:, :, None]
        tables.append((REPLACE, replaced, scores.replacement_angle, np.isfinite(replaced)))
        tables.append((DELETE, deleted, np.zeros_like(deleted), np.isfinite(deleted)))
    return tables
