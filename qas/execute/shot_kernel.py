"""Finite shots, compiled: from the vector of Pauli expectations to counts and their moments.

Randomness is counter-based. Shot s of a measurement is a pure function of (seed, circuit, basis,
s): SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014)
whose stream begins at a key mixed of the first three, 53 bits of its output s as a number in
[0, 1), and the inverse of the cumulative distribution there. The search for it starts at a guide
table (Chen and Asai, AIIE Transactions 6, 163 (1974)): what it finds is what a binary search would
find, in less than two comparisons on average, whatever the distribution.
"""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np

from qas.compiled import compiled, inlined
from qas.execute import pauli_kernel

_run = pauli_kernel.run

TOLERANCE = 1e-12
"""Probabilities down to minus this are rounding, and are taken for zero."""
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_MINUS_ZERO = np.uint64(1 << 63)
_ROTATIONS = 3
_FINER = 4
_BITS = 53

Plan = namedtuple("Plan", "letters values readout seed shots")
"""What is measured on every circuit.

- letters, shape (groups, n): the basis of each qubit, X, Y, Z = 1, 2, 3.
- values, shape (observables, groups, 2^n): what an outcome adds to an observable.
- readout, shape (n, 2): p01 and p10 of each qubit.
- seed: uint64.
- shots: of each group.
"""

Room = namedtuple("Room", "probabilities bounds guide counts")
"""Work arrays, one set per thread; probabilities and counts keep the last group measured.

- probabilities, counts, shape (B, 2^n), or (1, 2^n) where nobody reads them.
- bounds, shape (2^n,): cumulative probabilities in units of 2^-53.
- guide, shape (16 2^n,): the outcome at the beginning of each of so many equal intervals.
"""


def make_room(n_qubits: int, n_circuits: int = 1) -> Room:
    """Work arrays that keep the counts of so many circuits."""
    size = 1 << n_qubits
    return Room(
        np.zeros((n_circuits, size)),
        np.zeros(size, dtype=np.uint64),
        np.zeros(size << _FINER, dtype=np.int64),
        np.zeros((n_circuits, size), dtype=np.int64),
    )


@inlined
def mix(z):
    """The output function of SplitMix64, one-to-one on 64 bits."""
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@inlined
def absorb(key, word):
    """A key that depends on one word more."""
    return mix((key ^ word) + _STEP)


@inlined
def circuit_key(seed, n_qubits, gates, bits):
    """Key of a circuit: all its gates in their order and the angles of its rotations.

    ``bits`` are the angles' 64 bits, shape (G,); rows past the end do not count.
    """
    key = absorb(absorb(np.uint64(0), seed), np.uint64(n_qubits))
    for g in range(len(gates)):
        code, a, b = gates[g, 0], gates[g, 1], gates[g, 2]
        if code < 0:
            break
        key = absorb(key, np.uint64((code << 32) + (a << 16) + b + 1))
        if code < _ROTATIONS:
            key = absorb(key, np.uint64(0) if bits[g] == _MINUS_ZERO else bits[g])
    return key


@inlined
def basis_key(key, letters, g):
    """Key of one measurement of the circuit with this key."""
    for q in range(letters.shape[1]):
        key = absorb(key, np.uint64(letters[g, q]))
    return key


@inlined
def expectations(states, letters, g, p):
    """p[m] = expectation of the basis letters on the qubits of m, for each set m of qubits."""
    for subset in range(len(p)):
        place = 0
        for q in range(letters.shape[1]):
            place += ((subset >> q) & 1) * (letters[g, q] << (2 * q))
        p[subset] = states[place]


@inlined
def transform(p):
    """From expectations to probabilities: P(x) = 2^-n sum_m (-1)^|m & x| p[m], in place."""
    half = 1
    while half < len(p):
        for start in range(0, len(p), 2 * half):
            for k in range(start, start + half):
                zero, one = p[k], p[k + half]
                p[k] = 0.5 * (zero + one)
                p[k + half] = 0.5 * (zero - one)
        half *= 2


@inlined
def misread(p, readout):
    """Each qubit's readout error on the distribution, in place."""
    for q in range(len(readout)):
        p01, p10, half = readout[q, 0], readout[q, 1], 1 << q
        if p01 == 0.0 and p10 == 0.0:
            continue
        for start in range(0, len(p), 2 * half):
            for k in range(start, start + half):
                zero, one = p[k], p[k + half]
                p[k] = (1.0 - p10) * zero + p01 * one
                p[k + half] = p10 * zero + (1.0 - p01) * one


@inlined
def clip(p):
    """Negative probabilities to zero, in place; returns the lowest there was, NaN if any is."""
    lowest = math.inf
    for k in range(len(p)):
        if not p[k] >= lowest:
            lowest = p[k]
        if p[k] < 0.0:
            p[k] = 0.0
    return lowest


@inlined
def prepare(p, bounds, guide):
    """Normalise the distribution; its cumulative bounds and the guide table into them."""
    total = 0.0
    for k in range(len(p)):
        total += p[k]
    running = 0.0
    for k in range(len(p)):
        running += p[k]
        bounds[k] = np.uint64(running / total * 2.0**_BITS)
    for k in range(len(p)):
        p[k] /= total
    width = np.uint64((1 << _BITS) // len(guide))
    k, at = 0, np.uint64(0)
    for interval in range(len(guide)):
        while bounds[k] <= at:
            k += 1
        guide[interval] = k
        at += width


@compiled
def draw(key, shots, bounds, guide, counts):
    """Add ``shots`` outcomes of the stream at ``key`` to ``counts``.

    An outcome whose probability is zero has the same bound as the one before it, and the last
    bounds are 2^53, above every draw: neither it nor anything beyond the table is ever found.
    """
    shift = np.uint64(0)
    while np.uint64(len(guide)) << shift < np.uint64(1 << _BITS):
        shift += np.uint64(1)
    for _ in range(shots):
        key += _STEP
        drawn = mix(key) >> _11
        k = guide[drawn >> shift]
        while bounds[k] <= drawn:
            k += 1
        counts[k] += 1


@inlined
def moments(counts, values, o, g, shots):
    """Mean of a value over the shots, and the variance of that mean.

    Relative to an outcome that occurred, so that equal outcomes give a variance of exactly zero.
    One shot says nothing about its spread: then the square of half the range of the values, which
    no variance exceeds (Popoviciu).
    """
    first, low, high = 0, math.inf, -math.inf
    for k in range(len(counts)):
        low, high = min(low, values[o, g, k]), max(high, values[o, g, k])
        if counts[k] > 0:
            first = k
    reference, total, squares = values[o, g, first], 0.0, 0.0
    for k in range(len(counts)):
        total += counts[k] * (values[o, g, k] - reference)
    shift = total / shots
    if shots == 1:
        return reference, 0.25 * (high - low) ** 2
    for k in range(len(counts)):
        squares += counts[k] * (values[o, g, k] - reference - shift) ** 2
    return reference + shift, squares / (shots - 1) / shots


@compiled
def measure(channels, plan, gates, angles, bits, mean, variance, lowest, work, room):
    """Measure many circuits.

    Args:
        channels: of the patch, see `qas.execute.channel`.
        plan: what is measured.
        gates: shape (B, G, 3), or (1, G, 3) for one circuit at B vectors of angles.
        angles, bits: shape (B, G), radians; the same as unsigned integers.
        mean, variance: shape (B, observables), added to: the measured means and the variances of
            these means, covariances of terms that share shots included.
        lowest: shape (B,), written: the lowest probability before clipping. Where it is not
            above minus `TOLERANCE`, nothing was measured.
        work: from `qas.execute.pauli_kernel.make_work`, no states kept.
        room: from `make_room`.
    """
    for b in range(len(angles)):
        one, row = b if len(gates) > 1 else 0, b if len(room.counts) > 1 else 0
        p, counts = room.probabilities[row], room.counts[row]
        _run(channels, gates[one], angles[b], work)
        key = circuit_key(plan.seed, channels.n_qubits, gates[one], bits[b])
        lowest[b] = math.inf
        for g in range(len(plan.letters)):
            expectations(work.states, plan.letters, g, p)
            transform(p)
            low = clip(p)
            if not low >= lowest[b]:  # where it is not a number, too
                lowest[b] = low
            if not low > -TOLERANCE:
                break
            misread(p, plan.readout)
            prepare(p, room.bounds, room.guide)
            for k in range(len(counts)):
                counts[k] = 0
            draw(basis_key(key, plan.letters, g), plan.shots, room.bounds, room.guide, counts)
            for o in range(len(plan.values)):
                value, spread = moments(counts, plan.values, o, g, plan.shots)
                mean[b, o] += value
                variance[b, o] += spread
