"""Environments of a cut: what the energy becomes when something is put into a circuit.

Cut a circuit between two passes: its energy is dual . state. With a channel M inserted at the cut
on some wires it is sum_ij E[i, j] M[i, j], where E[i, j] is the sum of dual state over the
letters of all other wires, with letter i of the dual vector and j of the state on these wires.
E is kept flat: 16 numbers 4 i + j for one wire, 256 numbers 16 i + j for two (i and j are
p_low + 4 p_high), I included.

A place further along a wire, behind a map P, has the environment P^-T E P^T.
"""

from __future__ import annotations

import math

from qas.compiled import inlined, part
from qas.execute.affine import plane
from qas.execute.pauli_vector import place_of


@part
def of_pair(dual, states, begin, length, low, high, result):
    """result = environment of two wires, in its first 256 numbers; 16 more are scratch."""
    for k in range(256):
        result[k] = 0.0
    for group in range(length >> 4):
        base = place_of(group, low, high)
        for j in range(16):
            result[256 + j] = states[
                begin + base + ((j & 3) << (2 * low)) + ((j >> 2) << (2 * high))
            ]
        for i in range(16):
            weight = dual[base + ((i & 3) << (2 * low)) + ((i >> 2) << (2 * high))]
            for j in range(16):
                result[16 * i + j] += weight * result[256 + j]


@part
def of_wire(dual, states, begin, length, wire, result):
    """result = environment of one wire."""
    for k in range(16):
        result[k] = 0.0
    stride = 1 << (2 * wire)
    for block in range(0, length, 4 * stride):
        for k in range(block, block + stride):
            at = begin + k
            a, b = states[at], states[at + stride]
            c, d = states[at + 2 * stride], states[at + 3 * stride]
            for i in range(4):
                weight = dual[k + i * stride]
                result[4 * i] += weight * a
                result[4 * i + 1] += weight * b
                result[4 * i + 2] += weight * c
                result[4 * i + 3] += weight * d


@inlined
def _undo(e, place, step, count, inverse, r):
    """K^-T on four rows of ``count`` neighbouring numbers, ``step`` apart, from ``place``."""
    a0, b0, c0 = inverse[r, 0], inverse[r, 4], inverse[r, 8]
    a1, b1, c1 = inverse[r, 1], inverse[r, 5], inverse[r, 9]
    a2, b2, c2 = inverse[r, 2], inverse[r, 6], inverse[r, 10]
    a3, b3, c3 = inverse[r, 3], inverse[r, 7], inverse[r, 11]
    for j in range(place, place + count):
        x, y, z = e[j + step], e[j + 2 * step], e[j + 3 * step]
        e[j] += a0 * x + b0 * y + c0 * z
        e[j + step] = a1 * x + b1 * y + c1 * z
        e[j + 2 * step] = a2 * x + b2 * y + c2 * z
        e[j + 3 * step] = a3 * x + b3 * y + c3 * z


@inlined
def _put(e, step, first, count, apart, m, r):
    """K on four columns ``step`` apart; ``count`` groups of four, ``apart``, from ``first``."""
    a0, a1, a2, a3 = m[r, 0], m[r, 1], m[r, 2], m[r, 3]
    b0, b1, b2, b3 = m[r, 4], m[r, 5], m[r, 6], m[r, 7]
    c0, c1, c2, c3 = m[r, 8], m[r, 9], m[r, 10], m[r, 11]
    for g in range(count):
        j = first + g * apart
        i, x, y, z = e[j], e[j + step], e[j + 2 * step], e[j + 3 * step]
        e[j] = i
        e[j + step] = a0 * i + a1 * x + a2 * y + a3 * z
        e[j + 2 * step] = b0 * i + b1 * x + b2 * y + b3 * z
        e[j + 3 * step] = c0 * i + c1 * x + c2 * y + c3 * z


@part
def undo_wire(e, inverse, r):
    """e = K^-T e of one wire: what stood behind the place, K, is taken out."""
    _undo(e, 0, 4, 4, inverse, r)


@part
def put_wire(e, m, r):
    """e = e K^T of one wire: K is put in before the place."""
    _put(e, 1, 0, 4, 4, m, r)


@part
def undo_low(e, inverse, r):
    """`undo_wire` on the lower wire of a pair."""
    for q in range(4):
        _undo(e, 64 * q, 16, 16, inverse, r)


@part
def undo_high(e, inverse, r):
    """`undo_wire` on the higher wire of a pair."""
    _undo(e, 0, 64, 64, inverse, r)


@part
def put_low(e, m, r):
    """`put_wire` on the lower wire of a pair."""
    _put(e, 1, 0, 64, 4, m, r)


@part
def put_high(e, m, r):
    """`put_wire` on the higher wire of a pair."""
    a0, a1, a2, a3 = m[r, 0], m[r, 1], m[r, 2], m[r, 3]
    b0, b1, b2, b3 = m[r, 4], m[r, 5], m[r, 6], m[r, 7]
    c0, c1, c2, c3 = m[r, 8], m[r, 9], m[r, 10], m[r, 11]
    for k in range(64):  # one loop: two nested ones are not vectorised
        j = (k >> 2 << 4) + (k & 3)
        i, x, y, z = e[j], e[j + 4], e[j + 8], e[j + 12]
        e[j + 4] = a0 * i + a1 * x + a2 * y + a3 * z
        e[j + 8] = b0 * i + b1 * x + b2 * y + b3 * z
        e[j + 12] = c0 * i + c1 * x + c2 * y + c3 * z


@inlined
def trace(e, width):
    """The energy as it is: what inserting nothing gives."""
    total = 0.0
    for i in range(width):
        total += e[i * width + i]
    return total


@inlined
def rotation(e, axis):
    """(a, C, S) of the energy a + C cos t + S sin t with a rotation by t on the wire."""
    i, j = plane(axis)
    cosine = e[5 * i] + e[5 * j]
    return trace(e, 4) - cosine, cosine, e[4 * j + i] - e[4 * i + j]


@inlined
def lowest(a, cosine, sine):
    """Lowest value of a + C cos t + S sin t, and the t that attains it."""
    return a - math.hypot(cosine, sine), math.atan2(-sine, -cosine)


@inlined
def with_map(e, m, r):
    """Energy with the map m[r] on the wire."""
    total = e[0]
    for k in range(12):
        total += e[4 + k] * m[r, k]
    return total


@inlined
def with_channel(e, entry, weight, r):
    """Energy with a two-qubit channel: sum of weight[r, k] e[entry[r, k]]."""
    total = 0.0
    for k in range(entry.shape[1]):
        if entry[r, k] < 0:
            break
        total += weight[r, k] * e[entry[r, k]]
    return total
