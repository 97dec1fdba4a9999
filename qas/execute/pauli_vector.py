"""Passes over the vector of Pauli expectations: one two-qubit operation, forwards or backwards.

Index of a Pauli string: sum_q p_q 4^q with I, X, Y, Z = 0, 1, 2, 3. A vector of n qubits has
max(4^n, 128) numbers, so that it holds at least one tile of `qas.execute.lanes`; what is beyond
4^n stays zero. A pass reads and writes each number once and costs 4^n / 128 tiles of about 100
vector multiply-adds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qas.compiled import inlined, part
from qas.execute import lanes
from qas.execute.lanes import (
    AIM,
    DUAL,
    FACTORS,
    LANE,
    OFFSETS,
    PLACES,
    SCRATCH,
    STATE,
    TOTALS,
    UNDO,
)
from qas.execute.octet import aligned

_TILE = 128
_forward_0, _forward_1, _forward_2 = (lanes.forward(low) for low in range(3))
_fetch_dual_0, _fetch_dual_1, _fetch_dual_2 = (lanes.fetch(k, DUAL, FACTORS) for k in range(3))
_fetch_state_0, _fetch_state_1, _fetch_state_2 = (lanes.fetch(k, STATE, UNDO) for k in range(3))
_put_dual_0, _put_dual_1, _put_dual_2 = (lanes.put(k, DUAL, True) for k in range(3))
_put_state_0, _put_state_1, _put_state_2 = (lanes.put(k, STATE, False) for k in range(3))
_environment, _add_lanes = lanes.environment, lanes.add_lanes


def make_aim() -> NDArray[np.int64]:
    """Work array of integers that passes share; see `qas.execute.lanes`."""
    return np.zeros(AIM, dtype=np.int64)


def make_scratch() -> NDArray[np.float64]:
    """Work array of floats that passes share; see `qas.execute.lanes`."""
    return aligned(SCRATCH)


@inlined
def size(n_qubits):
    """Numbers in a vector of n qubits."""
    return max(1 << (2 * n_qubits), _TILE)


@inlined
def start(vector, base, n_qubits):
    """|0...0> at ``base``: the expectation of every string of I and Z is one."""
    for k in range(size(n_qubits)):
        vector[base + k] = 0.0
    vector[base] = 1.0
    filled = 1
    for _ in range(n_qubits):
        for k in range(filled):
            vector[base + 3 * filled + k] = vector[base + k]
        filled *= 4


@inlined
def place_of(group, low, high):
    """Where a group of 16 begins: its number with two letters I put in."""
    below = group & ((1 << (2 * low)) - 1)
    between = (group >> (2 * low)) & ((1 << (2 * (high - low - 1))) - 1)
    above = group >> (2 * (high - 1))
    return below | (between << (2 * (low + 1))) | (above << (2 * (high + 1)))


@inlined
def _aim_at(low, high, aim):
    """Fill in where the rows and lanes of a tile on two qubits stand."""
    for p in range(16):
        aim[OFFSETS + p] = ((p & 3) << (2 * low)) + ((p >> 2) << (2 * high))
    for lane in range(8):
        aim[LANE + lane] = place_of(lane, low, high)


@part
def forward(states, source, target, length, low, high, maps, at, place, factor, row, aim, scratch):
    """One pass: maps on two qubits, then a scatter.

    Args:
        states: flat; the vector at ``source`` goes in, what comes out stands at ``target``, which
            may be the same place.
        length: numbers in a vector.
        low, high: the qubits, ``low < high``.
        maps, at: the maps are maps[at, :2], shape (2, 12); maps[at, 2:] are their inverses, which
            only `backward` with ``undo`` reads.
        place, factor, row: the scatter of `qas.execute.channel.Channels`.
        aim, scratch: work arrays.
    """
    _aim_at(low, high, aim)
    for p in range(16):
        aim[PLACES + p] = aim[OFFSETS + place[row, p]] if low > 0 else place[row, p]
    m, f = 48 * at, 16 * row
    for group in range(0, length >> 4, 8):
        base = place_of(group, low, high)
        here, there = source + base, target + base
        if low == 0:
            _forward_0(states, here, there, aim, factor, f, maps, m, scratch)
        elif low == 1:
            _forward_1(states, here, there, aim, factor, f, maps, m, scratch)
        else:
            _forward_2(states, here, there, aim, factor, f, maps, m, scratch)


@part
def backward(
    dual, states, source, length, low, high, maps, at, place, factor, row, environment, undo,
    aim, scratch,
):  # fmt: skip
    """Carry the dual vector back through a pass, and read the environments of its two maps.

    Args:
        dual: behind the pass; in place it becomes the one before it.
        states, source: flat, and where in it the state behind the pass stands; with ``undo`` it
            becomes, in place, the one before it.
        length, low, high, maps, at, place, factor, row, aim, scratch: as in `forward`.
        environment: shape (wires, 12); those behind the two maps go to rows ``low`` and ``high``.
    """
    _aim_at(low, high, aim)
    for p in range(16):
        to = place[row, p]
        aim[PLACES + to] = p
        scratch[FACTORS + to] = factor[row, p]
        scratch[UNDO + to] = 1.0 / factor[row, p]
    for k in range(TOTALS, SCRATCH):
        scratch[k] = 0.0
    m = 48 * at
    for group in range(0, length >> 4, 8):
        base = place_of(group, low, high)
        here = source + base
        if low == 0:
            _fetch_dual_0(dual, base, aim, scratch)
            _fetch_state_0(states, here, aim, scratch)
            _environment(scratch)
            _put_dual_0(dual, base, aim, maps, m, scratch)
            if undo:
                _put_state_0(states, here, aim, maps, m + 24, scratch)
        elif low == 1:
            _fetch_dual_1(dual, base, aim, scratch)
            _fetch_state_1(states, here, aim, scratch)
            _environment(scratch)
            _put_dual_1(dual, base, aim, maps, m, scratch)
            if undo:
                _put_state_1(states, here, aim, maps, m + 24, scratch)
        else:
            _fetch_dual_2(dual, base, aim, scratch)
            _fetch_state_2(states, here, aim, scratch)
            _environment(scratch)
            _put_dual_2(dual, base, aim, maps, m, scratch)
            if undo:
                _put_state_2(states, here, aim, maps, m + 24, scratch)
    _add_lanes(scratch, environment, 12 * low, 12 * high)


@part
def dense(vector, begin, length, low, high, matrices, row, which, transposed, scratch):
    """The channel matrices[row, which], shape (16, 16), in place; its transpose if not 0."""
    for group in range(length >> 4):
        base = begin + place_of(group, low, high)
        for p in range(16):
            scratch[p] = vector[base + ((p & 3) << (2 * low)) + ((p >> 2) << (2 * high))]
        for p in range(16):
            total = 0.0
            for q in range(16):
                entry = matrices[row, which, q, p] if transposed else matrices[row, which, p, q]
                total += entry * scratch[q]
            vector[base + ((p & 3) << (2 * low)) + ((p >> 2) << (2 * high))] = total


@inlined
def dot(a, b, begin):
    """Sum of a[k] b[begin + k], in eight running sums."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
    for k in range(0, len(a), 8):
        s0 += a[k] * b[begin + k]
        s1 += a[k + 1] * b[begin + k + 1]
        s2 += a[k + 2] * b[begin + k + 2]
        s3 += a[k + 3] * b[begin + k + 3]
        s4 += a[k + 4] * b[begin + k + 4]
        s5 += a[k + 5] * b[begin + k + 5]
        s6 += a[k + 6] * b[begin + k + 6]
        s7 += a[k + 7] * b[begin + k + 7]
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))
