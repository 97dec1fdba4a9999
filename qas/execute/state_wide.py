"""Compiled gates on long state vectors: loops over runs of entries that lie side by side.

The bit of a qubit splits a vector into runs of ``stride`` entries with the bit clear and set in
turn. A view with the runs as its last axis lets the compiler prove that they do not overlap, so
that every inner loop is vectorised: three times faster than one loop over all pairs, once the
runs have 8 entries and the vector pays for making the view. The vectors come from
`qas.execute.state_gate`, which holds the loops for everything shorter.
"""

from __future__ import annotations

from qas.compiled import inlined, part


@inlined
def is_wide(vector, stride):
    """True where the loops of this file are the faster ones."""
    return stride >= 8 and len(vector) >= 128


@part
def mix_wide(vector, stride, a, b, c, d):
    """(p, q) -> (a p + b q, c p + d q) for entries p, q that differ in the bit of ``stride``."""
    view = vector.reshape(len(vector) // (2 * stride), 2, stride)
    for block in range(view.shape[0]):
        for k in range(view.shape[2]):
            p, q = view[block, 0, k], view[block, 1, k]
            view[block, 0, k] = a * p + b * q
            view[block, 1, k] = c * p + d * q


@part
def exchange_wide(vector, stride):
    """Entries that differ in the bit of ``stride`` change places."""
    view = vector.reshape(len(vector) // (2 * stride), 2, stride)
    for block in range(view.shape[0]):
        for k in range(view.shape[2]):
            p, q = view[block, 0, k], view[block, 1, k]
            view[block, 0, k], view[block, 1, k] = q, p


@part
def negate_wide(vector, stride):
    """Entries with the bit of ``stride`` change sign."""
    view = vector.reshape(len(vector) // (2 * stride), 2, stride)
    for block in range(view.shape[0]):
        for k in range(view.shape[2]):
            view[block, 1, k] = -view[block, 1, k]


@part
def turn_corners_wide(vector, low, high, here, there, c, s):
    """(p, q) -> (c p - s q, s p + c q) for the entries p here and q there."""
    view = vector.reshape(len(vector) // (2 * high), 2, high // (2 * low), 2, low)
    p1, p0 = int((here & high) != 0), int((here & low) != 0)
    q1, q0 = int((there & high) != 0), int((there & low) != 0)
    for outer in range(view.shape[0]):
        for middle in range(view.shape[2]):
            for k in range(view.shape[4]):
                p, q = view[outer, p1, middle, p0, k], view[outer, q1, middle, q0, k]
                view[outer, p1, middle, p0, k] = c * p - s * q
                view[outer, q1, middle, q0, k] = s * p + c * q


@part
def exchange_corners_wide(vector, low, high, here, there):
    """The entries here and there change places."""
    view = vector.reshape(len(vector) // (2 * high), 2, high // (2 * low), 2, low)
    p1, p0 = int((here & high) != 0), int((here & low) != 0)
    q1, q0 = int((there & high) != 0), int((there & low) != 0)
    for outer in range(view.shape[0]):
        for middle in range(view.shape[2]):
            for k in range(view.shape[4]):
                p, q = view[outer, p1, middle, p0, k], view[outer, q1, middle, q0, k]
                view[outer, p1, middle, p0, k], view[outer, q1, middle, q0, k] = q, p


@part
def negate_corner_wide(vector, low, high):
    """The entries with both bits change sign."""
    view = vector.reshape(len(vector) // (2 * high), 2, high // (2 * low), 2, low)
    for outer in range(view.shape[0]):
        for middle in range(view.shape[2]):
            for k in range(view.shape[4]):
                view[outer, 1, middle, 1, k] = -view[outer, 1, middle, 1, k]
