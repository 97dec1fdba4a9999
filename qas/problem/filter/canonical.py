"""Normal forms: circuits that differ only in the order of commuting gates become one circuit.

Gates are dealt into layers: a gate's layer is one behind the last gate before it that it does
not commute with; within a layer gates are sorted. That is the Foata normal form of a
trace, the same for all orders that follow from each other by exchanging neighbours that
commute (Cartier and Foata, Lecture Notes in Mathematics 85, 1969).

Two gates commute if on every wire that they share both act by functions of the same Pauli:
a cx acts by Z on its control and by X on its target. Under noise fewer orders are worth the
same: two gates on other wires, and diagonal gates that are virtual (rz, z, s, t and their
inverses: no pulse, no error, and relaxation and depolarizing do not mind them) past the Z side
of a two-qubit gate. By default only these are exchanged, so that circuits of one normal form
have the same noisy energies, idle decoherence aside, and so the same optimum (where a device
has the cx in one direction only, and it is turned round by pulses: about the same).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, Circuit, Population
from qas.circuit.gate import FIXED_TWO

VIRTUAL, Z, X, Y, ANY = range(5)
"""How a gate acts on a wire."""
_DIAGONAL = ("rz", "z", "s", "sdg", "t", "tdg", "id")
_ALIKE = {"rx": X, "x": X, "sx": X, "sxdg": X, "ry": Y, "y": Y, **dict.fromkeys(_DIAGONAL, VIRTUAL)}
_PAIRS = {"cx": (Z, X), "cz": (Z, Z)}
_SYMMETRIC = ("cz", "swap")
_FIRST_PAIR = len(GATE_NAMES) - len(FIXED_TWO)


def canonical(circuit: Circuit, *, ideal: bool = False) -> Circuit:
    """The circuit with its gates in normal order; free rotations are numbered anew.

    Args:
        circuit: un-lowered or native.
        ideal: exchange all gates that commute as unitaries, not only those that may be
            exchanged under noise.

    >>> one = Circuit(3).then("ry", 2).then("cx", 0, 1)
    >>> canonical(one) == canonical(Circuit(3).then("cx", 0, 1).then("ry", 2))
    True
    """
    return canonical_population(Population.of([circuit]), ideal=ideal).circuit(0)[0]


def canonical_population(population: Population, *, ideal: bool = False) -> Population:
    """The circuits of a population with their gates in normal order, each with its angle."""
    gates = _sorted_wires(population.gates)
    layers = _layers(gates, population.n_qubits, ideal)
    # Rows past the end have the last layer and stay there.
    # A free rotation is a parameter: where it stands now says nothing about what it is.
    fixed = np.where(population.free, 0.0, population.angles)
    keys = fixed, population.free, gates[..., 2], gates[..., 1], gates[..., 0], layers
    order = np.lexsort(keys, axis=1)
    rows = np.take_along_axis(gates, order[:, :, None], axis=1)
    angles = np.take_along_axis(population.angles, order, axis=1)
    free = np.take_along_axis(population.free, order, axis=1)
    return Population(population.n_qubits, rows, angles, free)


def distinct(
    population: Population, *, ideal: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First position of each different circuit, and which of these every circuit is.

    Free angles do not count: circuits are what they can become.

    Returns:
        ``first``, shape (different,), increasing, and ``which``, shape (n_circuits,), so that
        circuit k equals circuit ``first[which[k]]`` up to commutation.
    """
    normal = canonical_population(population, ideal=ideal)
    fixed = np.where(normal.free, 0.0, normal.angles) + 0.0  # -0 is 0
    marks = [normal.gates.reshape(len(normal), -1).astype(np.int64), normal.free.astype(np.int64)]
    content = np.ascontiguousarray(np.concatenate([*marks, fixed.view(np.int64)], axis=1))
    as_bytes = content.view(f"V{content.shape[1] * 8}")[:, 0] if content.shape[1] else None
    if as_bytes is None:
        return np.zeros(min(1, len(normal)), np.int64), np.zeros(len(normal), np.int64)
    _, first, which = np.unique(as_bytes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[which.reshape(-1)]


def _sorted_wires(gates: NDArray[np.int16]) -> NDArray[np.int16]:
    """With the qubits of symmetric gates in order."""
    symmetric = np.isin(gates[..., 0], [GATE_NAMES.index(name) for name in _SYMMETRIC])
    wires = np.where(symmetric[..., None], np.sort(gates[..., 1:], axis=-1), gates[..., 1:])
    return np.concatenate([gates[..., :1], wires], axis=-1)


def _layers(gates: NDArray[np.int16], n_qubits: int, ideal: bool) -> NDArray[np.int64]:
    """Layer of each gate, from 1, shape (n_circuits, longest); rows past the end come last."""
    count, longest = gates.shape[:2]
    blocks = _blocking(ideal)
    last = np.zeros((count, n_qubits, len(blocks)), dtype=np.int64)
    layers = np.full((count, longest), longest + 1, dtype=np.int64)
    for at in range(longest):
        number, wires = gates[:, at, 0].astype(np.int64), gates[:, at, 1:].astype(np.int64)
        layer = np.zeros(count, dtype=np.int64)
        for side in (0, 1):
            row = np.flatnonzero(wires[:, side] >= 0)
            kind = _KINDS[number[row], side]
            before = np.where(blocks[kind], last[row, wires[row, side]], 0).max(axis=1, initial=0)
            layer[row] = np.maximum(layer[row], before + 1)
        for side in (0, 1):
            row = np.flatnonzero(wires[:, side] >= 0)
            place = row, wires[row, side], _KINDS[number[row], side]
            last[place] = np.maximum(last[place], layer[row])
            layers[row, at] = layer[row]
    return layers


def _blocking(ideal: bool) -> NDArray[np.bool_]:
    """Which kind of action on a wire does not commute with which, shape (kinds, kinds)."""
    blocks = np.ones((5, 5), dtype=np.bool_)
    blocks[VIRTUAL, VIRTUAL] = blocks[VIRTUAL, Z] = blocks[Z, VIRTUAL] = False
    if ideal:
        blocks[[Z, X, Y], [Z, X, Y]] = False
    return blocks


def _kinds() -> NDArray[np.int64]:
    """How each gate acts on its first and its second wire, shape (gates, 2)."""
    pairs = [_PAIRS.get(name, (ANY, ANY)) for name in GATE_NAMES[_FIRST_PAIR:]]
    singles = [(_ALIKE.get(name, ANY), ANY) for name in GATE_NAMES[:_FIRST_PAIR]]
    return np.array([*singles, *pairs], dtype=np.int64)


_KINDS = _kinds()
