"""Compiled gates on state vectors, in place and in real arithmetic.

A state of n qubits is a float64 vector: 2^n amplitudes where all of them are real; else 2^n real
parts followed by 2^n imaginary parts, ``plane`` entries apart. The plane is one more bit of the
index, so a gate with a real matrix is the same loop on both kinds, and an imaginary factor is a
turn between the planes.

Several states can stand one after another (the same code on a longer vector), or entry by entry
side by side (``unit`` of them, a power of two): the bit of qubit q has stride ``unit << q``.

Phases of a whole state are left out where that is cheaper, since no expectation value sees them:
rz(t) is diag(1, e^it), y is ry(pi), which is real, and sx is rx(pi / 2).
"""

from __future__ import annotations

import math

import numpy as np

from qas.circuit import GATE_NAMES, ROTATIONS
from qas.compiled import compiled, inlined, part
from qas.execute.octet import LANES, chosen, filled, load, store, turned

_U = np.uint64
"""Of an index that may be negative numba makes two: loops over pairs count without sign."""

# Kinds of gates; those up to _REAL have real matrices.
_NOTHING, _TURN_Y, _HADAMARD, _FLIP, _SIGN, _CX, _CZ, _SWAP = range(8)
_REAL = _SWAP
_TURN_X, _PHASE, _ECR = range(8, 11)

# What each gate is, with the cosine and sine of its turn or phase; a rotation has an angle.
_R = 1 / math.sqrt(2)
_GATES = {
    "rx": (_TURN_X, 0.0, 0.0),
    "ry": (_TURN_Y, 0.0, 0.0),
    "rz": (_PHASE, 0.0, 0.0),
    "x": (_FLIP, 0.0, 0.0),
    "y": (_TURN_Y, 0.0, 1.0),
    "z": (_SIGN, 0.0, 0.0),
    "h": (_HADAMARD, 0.0, 0.0),
    "s": (_PHASE, 0.0, 1.0),
    "sdg": (_PHASE, 0.0, -1.0),
    "t": (_PHASE, _R, _R),
    "tdg": (_PHASE, _R, -_R),
    "sx": (_TURN_X, _R, _R),
    "sxdg": (_TURN_X, _R, -_R),
    "id": (_NOTHING, 0.0, 0.0),
    "cx": (_CX, 0.0, 0.0),
    "cz": (_CZ, 0.0, 0.0),
    "ecr": (_ECR, 0.0, 0.0),
    "swap": (_SWAP, 0.0, 0.0),
}
_KIND = np.array([_GATES[name][0] for name in GATE_NAMES], dtype=np.int64)
_FIXED = np.array([_GATES[name][1:] for name in GATE_NAMES])
N_ROTATIONS = len(ROTATIONS)
"""Numbers in `GATE_NAMES` below this one are rx, ry, rz."""


@compiled
def are_real(gates):
    """True if every gate, rows as in `qas.circuit.Population`, keeps a real state real."""
    most = 0
    for g in range(len(gates)):
        most = max(most, _KIND[gates[g, 0]])
    return most <= _REAL


@compiled
def fill_turns(gates, slots, angles, params, turns):
    """(cos, sin) of the turn of each gate into ``turns``, shape (gates, 2).

    The angle of a rotation, in radians, is ``params[slots[g]]``, or ``angles[g]`` where the
    slot is -1.
    """
    for g in range(len(gates)):
        number = gates[g, 0]
        if number < N_ROTATIONS:
            angle = params[slots[g]] if slots[g] >= 0 else angles[g]
            if _KIND[number] != _PHASE:
                angle /= 2
            turns[g, 0], turns[g, 1] = math.cos(angle), math.sin(angle)
        else:
            turns[g, 0], turns[g, 1] = _FIXED[number, 0], _FIXED[number, 1]


@compiled
def run(state, plane, unit, gates, turns, begin, end, sign):
    """Apply gates ``begin`` to ``end - 1`` in place; with sign -1 undo them, the last one first."""
    for i in range(end - begin):
        g = begin + i if sign > 0 else end - 1 - i
        kind, first, second = _KIND[gates[g, 0]], gates[g, 1], gates[g, 2]
        c, s = turns[g, 0], sign * turns[g, 1]
        stride, other = unit << first, unit << max(second, 0)
        low, high = min(stride, other), max(stride, other)
        if kind == _TURN_Y:
            mix(state, stride, c, -s, s, c)
        elif kind == _HADAMARD:
            mix(state, stride, _R, _R, _R, -_R)
        elif kind == _CX:
            mix_corners(state, low, high, stride, low + high, 0.0, 1.0, 1.0)
        elif kind == _SWAP:
            mix_corners(state, low, high, low, high, 0.0, 1.0, 1.0)
        elif kind == _CZ:
            negate_corner(state, low, high)
        elif kind == _FLIP:
            mix(state, stride, 0.0, 1.0, 1.0, 0.0)
        elif kind == _SIGN:
            mix(state, stride, 1.0, 0.0, 0.0, -1.0)
        elif kind == _PHASE:
            mix_corners(state, stride, plane, stride, stride + plane, c, -s, s)
        elif kind == _TURN_X:
            turn_x(state, plane, stride, c, s)
        elif kind == _ECR:
            echo(state, plane, stride, other)


@part
def turn_x(state, plane, stride, c, s):
    """exp(-i t X / 2): each real part turns with the imaginary part of its partner."""
    for bit in range(2):
        real, imaginary = bit * stride, plane + (1 - bit) * stride
        mix_corners(state, stride, plane, real, imaginary, c, s, -s)


@part
def echo(state, plane, first, second):
    """ECR = X_first exp(-i pi/4 Z_first X_second), where Z_first X_second = CZ X_second CZ."""
    low, high = min(first, second), max(first, second)
    negate_corner(state, low, high)
    turn_x(state, plane, second, _R, _R)
    negate_corner(state, low, high)
    mix(state, first, 0.0, 1.0, 1.0, 0.0)


@part
def negate_corner(vector, low, high):
    """The entries with both bits change sign."""
    mix_corners(vector, low, high, low + high, low + high, -1.0, 0.0, 0.0)


@inlined
def mix(vector, stride, a, b, c, d):
    """(p, q) -> (a p + b q, c p + d q) for entries p, q that differ in the bit of ``stride``."""
    bit = _U(stride)
    if len(vector) < LANES:
        for j in range(len(vector) // 2):
            k = spread(_U(j), bit)
            p, q = vector[k], vector[k | bit]
            vector[k] = a * p + b * q
            vector[k | bit] = c * p + d * q
    elif stride < LANES:
        own, other = chosen(bit, _U(0), a, filled(d)), chosen(bit, _U(0), b, filled(c))
        for j in range(0, len(vector), LANES):
            p = load(vector, _U(j))
            store(vector, _U(j), own * p + other * turned(p, stride))
    else:
        for j in range(0, len(vector) // 2, LANES):
            k = spread(_U(j), bit)
            p, q = load(vector, k), load(vector, k | bit)
            store(vector, k, a * p + b * q)
            store(vector, k | bit, c * p + d * q)


@part
def mix_corners(vector, low, high, here, there, c, s, t):
    """(p, q) -> (c p + s q, t p + c q) for the entries p here and q there.

    Of entries in fours, told apart by the bits of strides ``low`` and ``high``: ``here`` and
    ``there`` are sums of these strides, both with ``high`` or one of them.
    """
    if len(vector) < LANES or low >= LANES:
        _mix_far_corners(vector, _U(low), _U(high), _U(here), _U(there), c, s, t)
    elif high >= LANES and here & there & high:
        own, other = _weights(low, high, here, there, c, s, t)
        for j in range(0, len(vector) // 2, LANES):
            k = spread(_U(j), _U(high)) | _U(high)
            p = load(vector, k)
            store(vector, k, own * p + other * turned(p, here ^ there))
    elif high >= LANES:
        own, other = _weights(low, 0, here, there, c, s, t)
        own_high, other_high = _weights(low, high, here, there, c, s, t)
        flip = (here ^ there) & (LANES - 1)
        for j in range(0, len(vector) // 2, LANES):
            k = spread(_U(j), _U(high))
            p, q = load(vector, k), load(vector, k | _U(high))
            store(vector, k, own * p + other * turned(q, flip))
            store(vector, k | _U(high), own_high * q + other_high * turned(p, flip))
    else:
        own, other = _weights(low | high, 0, here, there, c, s, t)
        for j in range(0, len(vector), LANES):
            p = load(vector, _U(j))
            store(vector, _U(j), own * p + other * turned(p, here ^ there))


@part
def _mix_far_corners(vector, low, high, here, there, c, s, t):
    """`mix_corners` of whole octets, or of short vectors entry by entry."""
    if len(vector) < LANES:
        for j in range(len(vector) // 4):
            k = spread(spread(_U(j), low), high)
            p, q = vector[k | here], vector[k | there]
            vector[k | here] = c * p + s * q
            vector[k | there] = t * p + c * q
        return
    for j in range(0, len(vector) // 4, LANES):
        k = spread(spread(_U(j), low), high)
        p, q = load(vector, k | here), load(vector, k | there)
        store(vector, k | here, c * p + s * q)
        store(vector, k | there, t * p + c * q)


@inlined
def _weights(bits, at, here, there, c, s, t):
    """What lanes weigh in themselves, and their partners in them.

    A lane stands for the corner of its own ``bits`` and of ``at``.
    """
    one = chosen(_U(bits), _U(here ^ at), c, chosen(_U(bits), _U(there ^ at), c, filled(1.0)))
    two = chosen(_U(bits), _U(here ^ at), s, chosen(_U(bits), _U(there ^ at), t, filled(0.0)))
    return one, two


@inlined
def spread(j, bit):
    """The j-th index with this bit clear, a power of two."""
    return j + (j & ~(bit - _U(1)))
