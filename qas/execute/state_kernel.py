"""Compiled kernels on state vectors, length 2^n, complex128.

An operation is a row (kind, qubit, second qubit, matrix row, parameter number) as in
`qas.execute.program`; matrices of gates without an angle come in two tables.
"""

from __future__ import annotations

import math

import numba
import numpy as np

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def turn(state, axis, qubit, angle):
    """exp(-i angle P / 2) for P = X, Y, Z (axis 0, 1, 2), in place."""
    c, s = math.cos(angle / 2), math.sin(angle / 2)
    stride = 1 << qubit
    for block in range(0, len(state), 2 * stride):
        for k in range(block, block + stride):
            a, b = state[k], state[k + stride]
            if axis == 0:
                state[k], state[k + stride] = c * a - 1j * s * b, c * b - 1j * s * a
            elif axis == 1:
                state[k], state[k + stride] = c * a - s * b, c * b + s * a
            else:
                state[k], state[k + stride] = (c - 1j * s) * a, (c + 1j * s) * b


@_jit
def apply_one(state, matrix, qubit):
    """A 2 x 2 matrix on one qubit, in place."""
    stride = 1 << qubit
    for block in range(0, len(state), 2 * stride):
        for k in range(block, block + stride):
            a, b = state[k], state[k + stride]
            state[k] = matrix[0, 0] * a + matrix[0, 1] * b
            state[k + stride] = matrix[1, 0] * a + matrix[1, 1] * b


@_jit
def apply_two(state, matrix, first, second):
    """A 4 x 4 matrix on two qubits, the first one less significant, in place."""
    low, high = min(first, second), max(first, second)
    s_low, s_high = 1 << low, 1 << high
    s_first, s_second = 1 << first, 1 << second
    before = np.empty(4, dtype=np.complex128)
    for outer in range(0, len(state), 2 * s_high):
        for middle in range(outer, outer + s_high, 2 * s_low):
            for base in range(middle, middle + s_low):
                for p in range(4):
                    before[p] = state[base + (p & 1) * s_first + (p >> 1) * s_second]
                for p in range(4):
                    acc = 0.0j
                    for r in range(4):
                        acc += matrix[p, r] * before[r]
                    state[base + (p & 1) * s_first + (p >> 1) * s_second] = acc


@_jit
def apply(state, op, angle, one, two, inverse):
    """Apply one operation, or its inverse, in place."""
    kind, first, row = op[0], op[1], op[3]
    if kind < 3:
        turn(state, kind, first, -angle if inverse else angle)
    elif kind == 3:
        apply_one(state, one[row].conj().T if inverse else one[row], first)
    else:
        apply_two(state, two[row].conj().T if inverse else two[row], first, op[2])


@_jit
def parity(value):
    """Parity of the set bits."""
    odd = 0
    while value:
        odd ^= 1
        value &= value - 1
    return odd


@_jit
def apply_observable(x_masks, z_masks, factors, state, result):
    """result = H state, with P|k> = factor (-1)^|z & k| |k ^ x>; factors hold i^(number of Y)."""
    result[:] = 0.0
    for t in range(len(factors)):
        x, z, factor = x_masks[t], z_masks[t], factors[t]
        for k in range(len(state)):
            sign = -1.0 if parity(z & k) else 1.0
            result[k ^ x] += factor * sign * state[k]


@_jit
def overlap(a, b):
    """<a|b>."""
    total = 0.0j
    for k in range(len(a)):
        total += np.conj(a[k]) * b[k]
    return total


@_jit
def pauli_overlap(dual, state, axis, qubit):
    """<dual| P_qubit |state> for P = X, Y, Z."""
    stride = 1 << qubit
    total = 0.0j
    for block in range(0, len(state), 2 * stride):
        for k in range(block, block + stride):
            a, b = state[k], state[k + stride]
            u, v = np.conj(dual[k]), np.conj(dual[k + stride])
            if axis == 0:
                total += u * b + v * a
            elif axis == 1:
                total += -1j * u * b + 1j * v * a
            else:
                total += u * a - v * b
    return total


@_jit
def run(state, ops, angles, one, two, params, begin):
    """Apply operations ``begin`` and later, in place."""
    for g in range(begin, len(ops)):
        slot = ops[g, 4]
        angle = params[slot] if slot >= 0 else angles[g]
        apply(state, ops[g], angle, one, two, False)


@_jit
def values(ops, angles, one, two, x_masks, z_masks, factors, n_qubits, params):
    """Expectation value at each row of params, shape (batch,)."""
    result = np.empty(len(params))
    state = np.empty(1 << n_qubits, dtype=np.complex128)
    image = np.empty_like(state)
    for b in range(len(params)):
        state[:] = 0.0
        state[0] = 1.0
        run(state, ops, angles, one, two, params[b], 0)
        apply_observable(x_masks, z_masks, factors, state, image)
        result[b] = overlap(state, image).real
    return result


@_jit
def gradients(ops, angles, one, two, x_masks, z_masks, factors, n_qubits, params):
    """Values (batch,) and gradients (batch, P) by the adjoint method, two vectors, no tape.

    Of exp(-i t P / 2) the derivative is Im <dual| P |state>, both taken after the gate
    (Jones and Gacon, arXiv 2009.02823).
    """
    energies = np.empty(len(params))
    slopes = np.zeros(params.shape)
    state = np.empty(1 << n_qubits, dtype=np.complex128)
    dual = np.empty_like(state)
    for b in range(len(params)):
        state[:] = 0.0
        state[0] = 1.0
        run(state, ops, angles, one, two, params[b], 0)
        apply_observable(x_masks, z_masks, factors, state, dual)
        energies[b] = overlap(state, dual).real
        for g in range(len(ops) - 1, -1, -1):
            slot = ops[g, 4]
            angle = params[b, slot] if slot >= 0 else angles[g]
            if slot >= 0:
                slopes[b, slot] += pauli_overlap(dual, state, ops[g, 0], ops[g, 1]).imag
            apply(state, ops[g], angle, one, two, True)
            apply(dual, ops[g], angle, one, two, True)
    return energies, slopes


@_jit
def child_value(prefix, child, angle, at, work, image, program, hamiltonian, params):
    """Energy of the circuit with ``child`` inserted before operation ``at``."""
    ops, angles, one, two = program
    work[:] = prefix
    apply(work, child, angle, one, two, False)
    run(work, ops, angles, one, two, params, at)
    apply_observable(hamiltonian[0], hamiltonian[1], hamiltonian[2], work, image)
    return overlap(work, image).real


@_jit
def insertions(ops, angles, one, two, x_masks, z_masks, factors, n_qubits, params, children):
    """Energy and best angle of each child at each position, both (n_ops + 1, n_children).

    A rotation child is run at 0, pi/2 and -pi/2, which fixes a + C cos t + S sin t.
    """
    count = len(ops)
    energies = np.empty((count + 1, len(children)))
    best = np.zeros((count + 1, len(children)))
    prefix = np.zeros(1 << n_qubits, dtype=np.complex128)
    prefix[0] = 1.0
    work, image = np.empty_like(prefix), np.empty_like(prefix)
    program, hamiltonian = (ops, angles, one, two), (x_masks, z_masks, factors)
    for at in range(count + 1):
        for c in range(len(children)):
            args = (at, work, image, program, hamiltonian, params)
            still = child_value(prefix, children[c], 0.0, *args)
            if children[c, 0] < 3:
                plus = child_value(prefix, children[c], math.pi / 2, *args)
                minus = child_value(prefix, children[c], -math.pi / 2, *args)
                cosine, sine = still - (plus + minus) / 2, (plus - minus) / 2
                energies[at, c] = (plus + minus) / 2 - math.hypot(cosine, sine)
                best[at, c] = math.atan2(-sine, -cosine)
            else:
                energies[at, c] = still
        if at < count:
            slot = ops[at, 4]
            angle = params[slot] if slot >= 0 else angles[at]
            apply(prefix, ops[at], angle, one, two, False)
    return energies, best
