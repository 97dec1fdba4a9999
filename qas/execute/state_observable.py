"""An observable as the state-vector kernels apply it: one row of 2^n signs for each bit flip.

Terms that flip the same qubits (one x mask) differ in their signs alone, so that H costs one
pass over the state for each distinct x mask, however many terms there are:

    P|k> = i^#Y (-1)^|z & k| |k ^ x>,    (H psi)[j] = sum_x D_x[j ^ x] psi[j ^ x],
    D_x[k] = sum over the terms t of x: c_t i^#Y (-1)^|z_t & k|,

D_x being the Walsh-Hadamard transform of the coefficients. Terms with an even number of Y have a
real D_x, symmetric under k -> k ^ x; those with an odd number have an imaginary one,
antisymmetric; they stand in rows of their own, and contribute nothing where a state is real.

The rows are kept where they fit `TABLE_BYTES`: 8 (rows) 2^n bytes; beyond that they are made on
the fly, a block at a time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.compiled import compiled, inlined, part
from qas.execute.octet import LANES, aligned, filled, load, store, total, turned
from qas.task import Observable

_U = np.uint64

TABLE_BYTES = 256 * 2**20
"""Memory that the rows of one observable may take."""
SMALL_BYTES = 2**20
"""Tables below this size are remembered by the dozen."""
BLOCK = 4096
"""Entries of a row that are made, and used, at a time."""


class SignRows(NamedTuple):
    """A compiled observable."""

    groups: NDArray[np.int64]
    """Shape (rows, 5): x mask, its highest bit, 1 where the number of Y is odd, first term, last
    term + 1."""
    z_masks: NDArray[np.int64]
    """Shape (terms,), sorted by row."""
    weights: NDArray[np.float64]
    """c_t i^#Y, over i where the number of Y is odd; shape (terms,)."""
    table: NDArray[np.float64]
    """Every row, shape (rows * 2^n,); empty where they are made on the fly."""


def sign_rows(observable: Observable, table_bytes: int = TABLE_BYTES) -> SignRows:
    """The observable grouped by x mask, with its table where that fits ``table_bytes``."""
    x, z = observable.x_masks, observable.z_masks
    n_y = np.bitwise_count(x & z).astype(np.int64)
    order = np.lexsort((n_y % 2, x))
    x, z, n_y = x[order], z[order], n_y[order]
    weights = observable.coeff_array[order] * np.where(n_y % 4 < 2, 1.0, -1.0)
    first = np.flatnonzero(np.r_[True, (np.diff(x) != 0) | (np.diff(n_y % 2) != 0)])
    last = np.r_[first[1:], len(x)]
    top = np.array([1 << int(mask).bit_length() >> 1 for mask in x[first]], dtype=np.int64)
    groups = np.column_stack([x[first], top, n_y[first] % 2, first, last])
    size = 2**observable.n_qubits
    fits = 8 * len(groups) * size <= table_bytes
    table = aligned(len(groups) * size if fits else 0)
    for f in range(len(groups) if fits else 0):
        fill_signs(table[f * size : (f + 1) * size], 0, groups[f], z, weights)
    return SignRows(groups, z, weights, table)


def rows_of(observable: Observable) -> SignRows:
    """`sign_rows`, remembered: of many observables with small tables, of two with large ones."""
    large = 8 * observable.n_flips * 2**observable.n_qubits > SMALL_BYTES
    return _large(observable) if large else _small(observable)


_small = lru_cache(maxsize=64)(sign_rows)
_large = lru_cache(maxsize=2)(sign_rows)


@inlined
def is_odd(bits):
    """Parity of the set bits, by folding."""
    for shift in (32, 16, 8, 4, 2, 1):
        bits ^= bits >> shift
    return bits & 1


@compiled
def fill_signs(row, start, group, z_masks, weights):
    """Entries ``start`` and on of a row: a Walsh-Hadamard transform of its coefficients.

    The length is a power of two that divides ``start``, so that the bits of ``start`` give each
    term one sign.
    """
    row[:] = 0.0
    for t in range(group[3], group[4]):
        z = z_masks[t]
        row[z & (len(row) - 1)] += -weights[t] if is_odd(z & start) else weights[t]
    stride = 1
    while stride < len(row):
        view = row.reshape(len(row) // (2 * stride), 2, stride)
        for block in range(view.shape[0]):
            for k in range(stride):
                a, b = view[block, 0, k], view[block, 1, k]
                view[block, 0, k], view[block, 1, k] = a + b, a - b
        stride *= 2


@inlined
def find_signs(rows, f, start, plane, scratch):
    """Where entries ``start`` and on of row f stand: in the table, or in scratch once made."""
    if len(rows.table) > 0:
        return f * plane + start
    fill_signs(scratch[: min(plane, BLOCK)], start, rows.groups[f], rows.z_masks, rows.weights)
    return 0


@inlined
def pairs(group, start, length):
    """How many pairs (j, k = j ^ x) have j in a block; j is the one without x's highest bit."""
    top = group[1]
    if start & top:
        return 0
    return length if top == 0 or top >= length else length // 2


@compiled
def apply_observable(rows, psi, out, plane, scratch):
    """out = H psi, of one kind: real, or two planes. Of a real state the real part."""
    source = rows.table if len(rows.table) > 0 else scratch
    out[:] = 0.0
    length = min(plane, BLOCK)
    for start in range(0, plane, length):
        for f in range(len(rows.groups)):
            x, top, odd = rows.groups[f, 0], rows.groups[f, 1], rows.groups[f, 2]
            count = pairs(rows.groups[f], start, length)
            if count == 0 or (odd and len(psi) == plane):
                continue
            at = find_signs(rows, f, start, plane, scratch)
            if odd:
                add_odd(source, at, psi, out, plane, start, x, top, count)
            else:
                for shift in range(0, len(psi), plane):
                    add_even(source, at, psi, out, start, shift, x, top, count)


@part
def add_even(source, at, psi, out, start, shift, x, top, count):
    """Add D_x psi on the plane that begins at ``shift``.

    Two octets at a time, each from the other; where x flips within an octet, or the plane is
    shorter than one, all entries from their own partners.
    """
    flip, jump = _U(x & (LANES - 1)), _U(x & -LANES)
    entries = count if top == 0 else 2 * count
    if entries < LANES:
        for m in range(entries):
            j = _U(shift + start) + _U(m)
            out[j] += source[_U(at) + _U(m)] * psi[j ^ flip]
    elif top < LANES:
        for r in range(0, entries, LANES):
            j = _U(shift + start + r)
            more = load(source, _U(at + r)) * turned(load(psi, j), flip)
            store(out, j, load(out, j) + more)
    else:
        for m in range(0, count, LANES):
            r = with_gap(_U(m), top)
            j = _U(start) + r
            k = _U(shift) + (j ^ jump)
            j += _U(shift)
            w = load(source, _U(at) + r)
            store(out, j, load(out, j) + w * turned(load(psi, k), flip))
            store(out, k, load(out, k) + turned(w * load(psi, j), flip))


@part
def add_odd(source, at, psi, out, plane, start, x, top, count):
    """Add D_x psi for D_x = i V: real parts become imaginary ones and back; V[k] = -V[j]."""
    far = _U(plane)
    for m in range(count):
        r = with_gap(_U(m), top)
        j = _U(start) + r
        k = j ^ _U(x)
        v = source[_U(at) + r]
        out[j] += v * psi[far + k]
        out[far + j] -= v * psi[k]
        out[k] -= v * psi[far + j]
        out[far + k] += v * psi[j]


@inlined
def with_gap(m, top):
    """The m-th offset without the bit ``top``; m itself where top is 0 or beyond the block."""
    return m + (m & _U(-top))


@compiled
def expectation(rows, psi, plane, scratch):
    """<psi|H|psi>."""
    source = rows.table if len(rows.table) > 0 else scratch
    energy = 0.0
    length = min(plane, BLOCK)
    for start in range(0, plane, length):
        for f in range(len(rows.groups)):
            x, top, odd = rows.groups[f, 0], rows.groups[f, 1], rows.groups[f, 2]
            count = pairs(rows.groups[f], start, length)
            if count == 0 or (odd and len(psi) == plane):
                continue
            at = find_signs(rows, f, start, plane, scratch)
            if odd:
                energy += sum_odd(source, at, psi, plane, start, x, top, count)
            else:
                for shift in range(0, len(psi), plane):
                    energy += sum_even(source, at, psi, start, shift, x, top, count)
    return energy


@part
def sum_even(source, at, psi, start, shift, x, top, count):
    """Sum of D_x psi_j psi_k over one plane's entries j of a block, each pair counted twice."""
    flip, jump = _U(x & (LANES - 1)), _U(x & -LANES)
    entries = count if top == 0 else 2 * count
    if entries < LANES:
        short = 0.0
        for m in range(entries):
            j = _U(shift + start) + _U(m)
            short += source[_U(at) + _U(m)] * psi[j] * psi[j ^ flip]
        return short
    if top < LANES:
        here = filled(0.0)
        for r in range(0, entries, LANES):
            p = load(psi, _U(shift + start + r))
            here = here + load(source, _U(at + r)) * p * turned(p, flip)
        return total(here)
    there = filled(0.0)
    for m in range(0, count, LANES):
        r = with_gap(_U(m), top)
        j = _U(start) + r
        q = turned(load(psi, _U(shift) + (j ^ jump)), flip)
        there = there + load(source, _U(at) + r) * load(psi, _U(shift) + j) * q
    return 2.0 * total(there)


@part
def sum_odd(source, at, psi, plane, start, x, top, count):
    """2 Re of conj(psi_j) i V psi_k over the pairs."""
    whole, far = 0.0, _U(plane)
    for m in range(count):
        r = with_gap(_U(m), top)
        j = _U(start) + r
        k = j ^ _U(x)
        whole += source[_U(at) + r] * (psi[far + k] * psi[j] - psi[k] * psi[far + j])
    return 2 * whole
