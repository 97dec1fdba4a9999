"""Environments of a cut: what the energy becomes when something is put into a circuit.

Cut a circuit between two passes: its energy is dual . state. With a channel M inserted at the cut
on some wires it is sum_ij E[i, j] M[i, j], where E[i, j] is the sum of dual state over the
letters of all other wires, with letter i of the dual vector and j of the state on these wires.
E has shape (4, 4) for one wire and (16, 16) for two (index p_low + 4 p_high), I included.

A place further along a wire, behind a map P, has the environment P^-T E P^T.
"""

from __future__ import annotations

import math

from qas.compiled import inlined, part
from qas.execute.affine import plane
from qas.execute.pauli_vector import place_of


@part
def of_pair(dual, states, begin, length, low, high, tile, result):
    """result = environment of two wires, shape (16, 16); ``tile``, shape (16,), is scratch."""
    for i in range(16):
        for j in range(16):
            result[i, j] = 0.0
    for group in range(length >> 4):
        base = place_of(group, low, high)
        for p in range(16):
            tile[p] = states[begin + base + ((p & 3) << (2 * low)) + ((p >> 2) << (2 * high))]
        for i in range(16):
            weight = dual[base + ((i & 3) << (2 * low)) + ((i >> 2) << (2 * high))]
            for j in range(16):
                result[i, j] += weight * tile[j]


@part
def of_wire(dual, states, begin, length, wire, result):
    """result = environment of one wire, shape (4, 4)."""
    for i in range(4):
        for j in range(4):
            result[i, j] = 0.0
    stride = 1 << (2 * wire)
    for block in range(0, length, 4 * stride):
        for k in range(block, block + stride):
            for i in range(4):
                weight = dual[k + i * stride]
                for j in range(4):
                    result[i, j] += weight * states[begin + k + j * stride]


@inlined
def _entry(m, r, i, j):
    """Entry of the full 4 x 4 matrix of a map."""
    if i == 0:
        return 1.0 if j == 0 else 0.0
    return m[r, 4 * (i - 1) + j]


@part
def undo_behind(e, stride, width, inverse, r):
    """e = K^-T e on the wire whose letter has ``stride`` in the index: K is taken out behind."""
    for other in range(width // 4):
        at = other % stride + other // stride * 4 * stride
        for j in range(width):
            a, b = e[at, j], e[at + stride, j]
            c, d = e[at + 2 * stride, j], e[at + 3 * stride, j]
            e[at, j] = a + inverse[r, 0] * b + inverse[r, 4] * c + inverse[r, 8] * d
            for k in range(1, 4):
                e[at + k * stride, j] = (
                    inverse[r, k] * b + inverse[r, 4 + k] * c + inverse[r, 8 + k] * d
                )


@part
def put_before(e, stride, width, m, r):
    """e = e K^T on the wire whose letter has ``stride`` in the index: K is put in front."""
    for other in range(width // 4):
        at = other % stride + other // stride * 4 * stride
        for i in range(width):
            a, b = e[i, at], e[i, at + stride]
            c, d = e[i, at + 2 * stride], e[i, at + 3 * stride]
            for k in range(3):
                e[i, at + (k + 1) * stride] = (
                    m[r, 4 * k] * a
                    + m[r, 4 * k + 1] * b
                    + m[r, 4 * k + 2] * c
                    + m[r, 4 * k + 3] * d
                )


@inlined
def trace(e, width):
    """The energy as it is: what inserting nothing gives."""
    total = 0.0
    for i in range(width):
        total += e[i, i]
    return total


@inlined
def rotation(e, axis):
    """(a, C, S) of the energy a + C cos t + S sin t with a rotation by t on the wire."""
    i, j = plane(axis)
    cosine = e[i, i] + e[j, j]
    return trace(e, 4) - cosine, cosine, e[j, i] - e[i, j]


@inlined
def lowest(a, cosine, sine):
    """Lowest value of a + C cos t + S sin t, and the t that attains it."""
    return a - math.hypot(cosine, sine), math.atan2(-sine, -cosine)


@part
def with_map(e, m, r):
    """Energy with the map m[r] in a wire's environment."""
    total = e[0, 0]
    for i in range(3):
        for j in range(4):
            total += e[i + 1, j] * m[r, 4 * i + j]
    return total


@part
def with_channel(e, transfer, r):
    """Energy with the two-qubit channel transfer[r], shape (16, 16), in a pair's environment."""
    total = 0.0
    for i in range(16):
        for j in range(16):
            total += e[i, j] * transfer[r, i, j]
    return total
