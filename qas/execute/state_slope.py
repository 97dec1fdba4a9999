"""Compiled slopes of Pauli rotations put anywhere into a circuit.

A rotation exp(-i t P / 2) between the state psi and the observable O carried back to it changes
the energy at the rate Im <psi|O P|psi> in t = 0. For all strings P = i^#Y X^x Z^z of one x mask
that is one Walsh-Hadamard transform, over k, of conj((O psi)[k ^ x]) psi[k]: what ADAPT measures
for one string after the other (Grimsley et al., Nat. Commun. 10, 3007, 2019), at every place.

Time: (places) x (different x masks) x 2^n n. Memory: two states, and one more row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.compiled import compiled, part
from qas.execute.extension_kernel import transform
from qas.execute.share import frozen
from qas.execute.state_gate import are_real, fill_turns, run
from qas.execute.state_kernel import begin
from qas.execute.state_observable import apply_observable

_U = np.uint64


class Strings(NamedTuple):
    """Pauli strings as the kernel reads them, grouped by what they flip."""

    groups: NDArray[np.int64]
    """Shape (F, 4): x mask, 1 where the number of Y is odd, first string, last string + 1."""
    z_masks: NDArray[np.uint64]
    """Shape (S,)."""
    sign: NDArray[np.float64]
    """What an entry of the transform is multiplied by, shape (S,)."""
    column: NDArray[np.uint64]
    """Where the string's slope is written, shape (S,)."""


def strings_of(x_masks: NDArray[np.int64], z_masks: NDArray[np.int64]) -> Strings:
    """Strings by what they flip and where they have a Z or a Y, both shape (S,)."""
    n_y = np.bitwise_count(x_masks & z_masks).astype(np.int64)
    order = np.lexsort((n_y % 2, x_masks))
    x, z, n_y = x_masks[order], z_masks[order], n_y[order]
    first = np.flatnonzero(np.r_[True, (np.diff(x) != 0) | (np.diff(n_y % 2) != 0)])
    groups = np.column_stack([x[first], n_y[first] % 2, first, np.r_[first[1:], len(x)]])
    sign = np.where(n_y % 4 < 2, 1.0, -1.0)  # Im i^n (R + i I): I, R, -I, -R for n = 0 to 3
    return Strings(
        frozen(groups), frozen(z.astype(np.uint64)), frozen(sign), frozen(order.astype(np.uint64))
    )


@compiled
def slopes_of_strings(
    gates, angles, n_qubits, rows, places, groups, z_masks, sign, column,
    result, vectors, scratch, turns, slots,
):  # fmt: skip
    """Slopes of rotations about Pauli strings put before some of a circuit's gates.

    Args:
        gates: shape (G, 3).
        angles: of every rotation, radians, shape (G,).
        n_qubits: number of qubits.
        rows: the observable, a `SignRows`.
        places: gates before which the strings stand, ascending, G for the end; shape (places,).
        groups, z_masks, sign, column: the strings, `Strings`.
        result: hartree per radian, shape (places, S), written.
        vectors: two states, shape (4 * 2^n,), overwritten.
        scratch: shape (2^n,), overwritten.
        turns, slots: shapes (G, 2), overwritten, and (G,), all -1.
    """
    plane, one, zero = 1 << n_qubits, np.int64(1), np.int64(0)
    is_real = are_real(gates)
    for f in range(len(rows.groups)):
        is_real = is_real and not rows.groups[f, 2]
    length = plane if is_real else 2 * plane
    both = vectors[: 2 * length]
    psi, dual = both[:length], both[length:]
    fill_turns(gates, slots, angles, angles, turns)
    begin(psi)
    run(psi, plane, one, gates, turns, zero, len(gates), 1.0)
    apply_observable(rows, psi, dual, plane, scratch)
    undone, row = np.int64(len(gates)), scratch[:plane]
    for j in range(len(places) - 1, -1, -1):
        run(both, plane, one, gates, turns, places[j], undone, -1.0)
        undone = places[j]
        for f in range(len(groups)):
            x, odd = groups[f, 0], groups[f, 1]
            if is_real and not odd:
                for s in range(groups[f, 2], groups[f, 3]):
                    result[j, column[s]] = 0.0
                continue
            _multiply(psi, dual, plane, x, odd, row)
            transform(row)
            for s in range(groups[f, 2], groups[f, 3]):
                result[j, column[s]] = sign[s] * row[z_masks[s]]


@part
def _multiply(psi, dual, plane, x, odd, row):
    """row[k] = Re, or Im unless ``odd``, of conj(dual[k ^ x]) psi[k]."""
    flip, far = _U(x), _U(plane)
    if len(psi) == plane:
        for i in range(plane):
            row[i] = dual[_U(i) ^ flip] * psi[i]
        return
    for i in range(plane):
        k = _U(i)
        m = k ^ flip
        if odd:
            row[i] = dual[m] * psi[k] + dual[far + m] * psi[far + k]
        else:
            row[i] = dual[m] * psi[far + k] - dual[far + m] * psi[k]
