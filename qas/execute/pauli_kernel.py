"""Compiled kernels on the real vector of Pauli expectations, length 4^n.

Index of a Pauli string: sum_q p_q 4^q with I, X, Y, Z = 0, 1, 2, 3. All arrays are
contiguous float64 or int64; programs come from `qas.execute.program`.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")

# The plane (i, j) that a rotation about X, Y, Z turns: i' = c i - s j, j' = s i + c j.
_PLANE = np.array([[2, 3], [3, 1], [1, 2]], dtype=np.int64)


@_jit
def rotate(vector, axis, qubit, angle):
    """Turn the vector, in place, by a rotation gate about axis 0, 1, 2 = X, Y, Z."""
    c, s = math.cos(angle), math.sin(angle)
    stride = 1 << (2 * qubit)
    i, j = _PLANE[axis, 0] * stride, _PLANE[axis, 1] * stride
    for block in range(0, len(vector), 4 * stride):
        for k in range(block, block + stride):
            a, b = vector[k + i], vector[k + j]
            vector[k + i] = c * a - s * b
            vector[k + j] = s * a + c * b


@_jit
def apply_one(vector, channel, qubit):
    """Apply a one-qubit channel, shape (4, 4), in place."""
    stride = 1 << (2 * qubit)
    for block in range(0, len(vector), 4 * stride):
        for k in range(block, block + stride):
            a, b = vector[k], vector[k + stride]
            c, d = vector[k + 2 * stride], vector[k + 3 * stride]
            for row in range(4):
                vector[k + row * stride] = (
                    channel[row, 0] * a
                    + channel[row, 1] * b
                    + channel[row, 2] * c
                    + channel[row, 3] * d
                )


@_jit
def apply_one_transposed(vector, channel, qubit):
    """Apply the transpose of a one-qubit channel, in place."""
    stride = 1 << (2 * qubit)
    for block in range(0, len(vector), 4 * stride):
        for k in range(block, block + stride):
            a, b = vector[k], vector[k + stride]
            c, d = vector[k + 2 * stride], vector[k + 3 * stride]
            for row in range(4):
                vector[k + row * stride] = (
                    channel[0, row] * a
                    + channel[1, row] * b
                    + channel[2, row] * c
                    + channel[3, row] * d
                )


@_jit
def apply_two(vector, values, where, filled, first, second, transposed):
    """Apply a sparse two-qubit channel, or its transpose, in place."""
    low, high = min(first, second), max(first, second)
    s_low, s_high = 1 << (2 * low), 1 << (2 * high)
    s_first, s_second = 1 << (2 * first), 1 << (2 * second)
    before, after = np.empty(16), np.empty(16)
    to, fro = (1, 0) if transposed else (0, 1)
    for outer in range(0, len(vector), 4 * s_high):
        for middle in range(outer, outer + s_high, 4 * s_low):
            for base in range(middle, middle + s_low):
                for p in range(16):
                    before[p] = vector[base + (p & 3) * s_first + (p >> 2) * s_second]
                    after[p] = 0.0
                for k in range(filled):
                    after[where[k, to]] += values[k] * before[where[k, fro]]
                for p in range(16):
                    vector[base + (p & 3) * s_first + (p >> 2) * s_second] = after[p]


@_jit
def apply(vector, op, angle, one, two, where, filled, transposed):
    """Apply one operation, or its transpose, in place."""
    kind, first, row = op[0], op[1], op[3]
    if kind < 3:
        rotate(vector, kind, first, -angle if transposed else angle)
    elif kind == 3:
        if transposed:
            apply_one_transposed(vector, one[row], first)
        else:
            apply_one(vector, one[row], first)
    else:
        apply_two(vector, two[row], where[row], filled[row], first, op[2], transposed)


@_jit
def start(vector):
    """|0...0>: the expectation of every string of I and Z is one."""
    vector[:] = 0.0
    vector[0] = 1.0
    length = 1
    while length < len(vector):
        for k in range(length):
            vector[3 * length + k] = vector[k]
        length *= 4


@_jit
def plane_terms(state, dual, axis, qubit):
    """Cosine and sine coefficients that a rotation between ``state`` and ``dual`` would have."""
    stride = 1 << (2 * qubit)
    i, j = _PLANE[axis, 0] * stride, _PLANE[axis, 1] * stride
    cosine, sine = 0.0, 0.0
    for block in range(0, len(state), 4 * stride):
        for k in range(block, block + stride):
            cosine += dual[k + i] * state[k + i] + dual[k + j] * state[k + j]
            sine += dual[k + j] * state[k + i] - dual[k + i] * state[k + j]
    return cosine, sine


@_jit
def dot(a, b):
    """Sum of products."""
    total = 0.0
    for k in range(len(a)):
        total += a[k] * b[k]
    return total


@_jit
def values(ops, angles, one, two, where, filled, observable, params):
    """Expectation value at each row of params, shape (batch,)."""
    result = np.empty(len(params))
    state = np.empty(len(observable))
    for b in range(len(params)):
        start(state)
        for g in range(len(ops)):
            slot = ops[g, 4]
            angle = params[b, slot] if slot >= 0 else angles[g]
            apply(state, ops[g], angle, one, two, where, filled, False)
        result[b] = dot(observable, state)
    return result


@_jit
def gradients(ops, angles, one, two, where, filled, observable, params):
    """Values, shape (batch,), and gradients, shape (batch, P): one forward, one reverse sweep.

    The states are kept on a tape of (n_ops + 1) 4^n floats; the dual vector is carried back
    by transposed channels. Of a rotation between state s (after it) and dual o the
    derivative is sum o_j s_i - o_i s_j over its plane.
    """
    energies = np.empty(len(params))
    slopes = np.zeros(params.shape)
    tape = np.empty((len(ops) + 1, len(observable)))
    dual = np.empty(len(observable))
    for b in range(len(params)):
        fill_tape(tape, ops, angles, one, two, where, filled, params[b])
        energies[b] = dot(observable, tape[len(ops)])
        dual[:] = observable
        for g in range(len(ops) - 1, -1, -1):
            slot = ops[g, 4]
            angle = params[b, slot] if slot >= 0 else angles[g]
            if slot >= 0:
                slopes[b, slot] += plane_terms(tape[g + 1], dual, ops[g, 0], ops[g, 1])[1]
            apply(dual, ops[g], angle, one, two, where, filled, True)
    return energies, slopes


@_jit
def fill_tape(tape, ops, angles, one, two, where, filled, params):
    """State before the first operation and after each, shape (n_ops + 1, 4^n)."""
    start(tape[0])
    for g in range(len(ops)):
        slot = ops[g, 4]
        angle = params[slot] if slot >= 0 else angles[g]
        tape[g + 1] = tape[g]
        apply(tape[g + 1], ops[g], angle, one, two, where, filled, False)


@_jit
def insertions(ops, angles, one, two, where, filled, observable, params, children):
    """Energy and best angle of each child at each position, both (n_ops + 1, n_children).

    A child is an operation row. Inserted at position g it stands between the state before
    operation g and the dual vector behind it. For a rotation the energy is
    a + C cos t + S sin t, smallest at t = atan2(-S, -C) with a - sqrt(C^2 + S^2).
    """
    count = len(ops)
    energies = np.empty((count + 1, len(children)))
    best = np.zeros((count + 1, len(children)))
    tape = np.empty((count + 1, len(observable)))
    fill_tape(tape, ops, angles, one, two, where, filled, params)
    dual = observable.copy()
    for g in range(count, -1, -1):
        total = dot(dual, tape[g])
        for c in range(len(children)):
            kind, first, row = children[c, 0], children[c, 1], children[c, 3]
            if kind < 3:
                cosine, sine = plane_terms(tape[g], dual, kind, first)
                energies[g, c] = total - cosine - math.hypot(cosine, sine)
                best[g, c] = math.atan2(-sine, -cosine)
            elif kind == 3:
                energies[g, c] = between_one(tape[g], dual, one[row], first)
            else:
                energies[g, c] = between_two(
                    tape[g], dual, two[row], where[row], filled[row], first, children[c, 2]
                )
        if g > 0:
            slot = ops[g - 1, 4]
            angle = params[slot] if slot >= 0 else angles[g - 1]
            apply(dual, ops[g - 1], angle, one, two, where, filled, True)
    return energies, best


@_jit
def between_one(state, dual, channel, qubit):
    """dual . channel . state for a one-qubit channel."""
    stride = 1 << (2 * qubit)
    total = 0.0
    for block in range(0, len(state), 4 * stride):
        for k in range(block, block + stride):
            for row in range(4):
                acc = 0.0
                for column in range(4):
                    acc += channel[row, column] * state[k + column * stride]
                total += dual[k + row * stride] * acc
    return total


@_jit
def between_two(state, dual, values, where, filled, first, second):
    """dual . channel . state for a sparse two-qubit channel."""
    low, high = min(first, second), max(first, second)
    s_low, s_high = 1 << (2 * low), 1 << (2 * high)
    s_first, s_second = 1 << (2 * first), 1 << (2 * second)
    total = 0.0
    for outer in range(0, len(state), 4 * s_high):
        for middle in range(outer, outer + s_high, 4 * s_low):
            for base in range(middle, middle + s_low):
                for k in range(filled):
                    row, column = where[k, 0], where[k, 1]
                    total += (
                        values[k]
                        * dual[base + (row & 3) * s_first + (row >> 2) * s_second]
                        * state[base + (column & 3) * s_first + (column >> 2) * s_second]
                    )
    return total
