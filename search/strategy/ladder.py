"""Pauli rotations as gates: fan-outs of cx along couplings, and what a basis state makes of them.

exp(-i t/2 P) for P = Y on a root and X on other qubits needs no changes of basis: cx from the
root carry its Y over, since cx (Y o 1) cx = Y o X, and the rotation is one ry on the root.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise

import networkx as nx

from qas.circuit import Circuit, Gate

Pauli = tuple[tuple[int, str], ...]
"""(qubit, "X" or "Y") by qubit; Y stands on an odd number of them."""
Paths = Mapping[int, Mapping[int, Sequence[int]]]
"""From each qubit to each, along coupled ones."""


def excitations(n_qubits: int) -> tuple[Pauli, ...]:
    """Strings of X and Y, Y an odd number of times, on one, two and four qubits.

    Those on two and four are the terms of single and double excitations without their Z: the
    pool of qubit-ADAPT. Those on one turn tasks that are no molecules.

    >>> [len(excitations(n)) for n in (1, 2, 4)]
    [1, 4, 24]
    """
    found: list[Pauli] = []
    for weight in (1, 2, 4):
        for wires in combinations(range(n_qubits), weight):
            for mask in range(2**weight):
                if mask.bit_count() % 2:
                    letters = ("Y" if mask >> k & 1 else "X" for k in range(weight))
                    found.append(tuple(zip(wires, letters, strict=True)))
    return tuple(found)


def shortest_paths(n_qubits: int, pairs: Iterable[tuple[int, int]]) -> Paths:
    """The shortest path from each qubit to each along coupled pairs, both ends included."""
    graph = nx.Graph()
    graph.add_nodes_from(range(n_qubits))
    graph.add_edges_from(sorted(pairs))
    return dict(nx.all_pairs_shortest_path(graph))


def rotation(pauli: Pauli, paths: Paths) -> tuple[Gate, ...]:
    """Gates of exp(-i t/2 P), its t the angle of the one free ry.

    The cx run along a tree of coupled qubits. A qubit of the tree that is none of P's carries
    the root's Y further and is cleared behind it.

    Args:
        pauli: the string.
        paths: of `shortest_paths`, over couplings that connect all qubits.
    """
    wires = [q for q, _ in pauli]
    best: tuple[Gate, ...] | None = None
    for root in (q for q, letter in pauli if letter == "Y"):
        fan = _fan_out(root, wires, paths)
        turned = [q for q, letter in pauli if letter == "Y" and q != root]
        gates = (
            *(Gate("sdg", (q,)) for q in turned),
            *reversed(fan),
            Gate("ry", (root,)),
            *fan,
            *(Gate("s", (q,)) for q in turned),
        )
        best = gates if best is None or len(gates) < len(best) else best
    assert best is not None, "Y stands on an odd number of qubits"
    return best


def _fan_out(root: int, wires: Sequence[int], paths: Paths) -> list[Gate]:
    """cx that carry X on the root to X on all wires, the one next to the rotation first."""
    reached, spread = [root], []
    for wire in sorted(wires, key=lambda q: (len(paths[root][q]), q)):
        path = min((paths[node][wire] for node in reached), key=len)
        spread += [Gate("cx", edge) for edge in pairwise(path)]
        reached += path[1:]
    cleared = [gate for gate in reversed(spread) if gate.qubits[1] not in wires]
    return [*spread, *cleared]


def simplified(circuit: Circuit) -> Circuit:
    """The circuit, from |0...0>, without gates that do nothing there, up to a phase.

    A cx whose control is still 0 or 1 is nothing or an X; phases of such qubits are nothing;
    cx and X that meet their like cancel.
    """
    kept: list[Gate] = []
    bits: list[int | None] = [0] * circuit.n_qubits
    for gate in circuit.gates:
        _append(kept, bits, gate)
    return Circuit(circuit.n_qubits, tuple(kept))


def _append(kept: list[Gate], bits: list[int | None], gate: Gate) -> None:
    """Put a gate behind the others; ``bits`` are the values of qubits that still have one."""
    first, bit = gate.qubits[0], bits[gate.qubits[0]]
    if gate.name == "cx" and bit is not None:
        if bit:
            _append(kept, bits, Gate("x", gate.qubits[1:]))
        return
    if gate.name in ("s", "sdg") and bit is not None:
        return
    if gate.name == "x" and bit is not None:
        bits[first] = 1 - bit
    elif gate.name != "x":
        for q in gate.qubits:
            bits[q] = None
    like = _like(kept, gate) if gate.name in ("x", "cx") else None
    if like is None:
        kept.append(gate)
    else:
        del kept[like]


def _like(kept: list[Gate], gate: Gate) -> int | None:
    """Place of the same gate, if it commutes with all that stands behind it."""
    for at in range(len(kept) - 1, -1, -1):
        if kept[at] == gate:
            return at
        if not set(gate.qubits).isdisjoint(kept[at].qubits) and not _commute(gate, kept[at]):
            return None
    return None


def _commute(one: Gate, other: Gate) -> bool:
    """True for cx that share a control, or a target, and for X on the target of a cx."""
    targets = {one.qubits[-1], other.qubits[-1]}
    if one.name == other.name == "cx":
        return not targets & {one.qubits[0], other.qubits[0]}
    return {one.name, other.name} == {"x", "cx"} and len(targets) == 1
