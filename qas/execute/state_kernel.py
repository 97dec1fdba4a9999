"""Compiled expectation values and gradients of circuits on state vectors.

A circuit is an integer array, rows (number in `GATE_NAMES`, qubit, second qubit or -1), as in
`qas.circuit.Population`. Where all its gates are real (ry, x, y, z, h, id, cx, cz, swap) it runs
on 2^n floats, else on 2^(n+1): see `qas.execute.state_gate`.

Gradients by the adjoint method, two vectors and no tape (Jones and Gacon, arXiv 2009.02823):
with dual = H psi both are carried back gate by gate, and the derivative in the angle of
exp(-i t P / 2) is Im <dual|P|psi>, both taken after the gate.

Memory: two complex vectors, 32 * 2^n bytes, beside the table of the observable
(`qas.execute.state_observable`), whatever the number of gates and the batch. Time for a batch of
B angle vectors, G gates, P angles and F distinct x masks, a being the floats of a state:
B (G + F) a for values, about B (3 G + P + 2 F) a with gradients.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES
from qas.circuit.gate import FIXED_TWO
from qas.compiled import compiled, inlined, part
from qas.execute.octet import LANES, aligned, chosen, filled, load, total, turned
from qas.execute.state_gate import N_ROTATIONS, are_real, fill_turns, run, spread
from qas.execute.state_observable import BLOCK, SignRows, apply_observable, expectation

_U = np.uint64
_N_GATES, _FIRST_PAIR = len(GATE_NAMES), len(GATE_NAMES) - len(FIXED_TWO)


class Work(NamedTuple):
    """Work arrays for one circuit at a time; one set for each thread."""

    vectors: NDArray[np.float64]
    """Two complex state vectors, shape (4 * 2^n,)."""
    scratch: NDArray[np.float64]
    """A block of an observable's row, shape (min(2^n, BLOCK),)."""
    turns: NDArray[np.float64]
    """Cosine and sine of each gate's turn, shape (at least the gates, 2)."""


def make_work(n_qubits: int, n_gates: int) -> Work:
    """Work arrays for circuits of at most ``n_gates`` gates."""
    size = 2**n_qubits
    return Work(aligned(4 * size), aligned(min(size, BLOCK)), np.empty((n_gates, 2)))


@part
def value_and_slopes(gates, slots, angles, n_qubits, rows, params, slopes, work):
    """Expectation value at one vector of angles, and its gradient into ``slopes``.

    Nothing is allocated, so that a compiled optimiser may call it at every step.

    Args:
        gates: shape (G, 3), int16.
        slots: where in ``params`` the angle of each rotation stands, -1 where it is fixed;
            shape (G,), int64. Entries of other gates do not count.
        angles: the fixed angles, radians, shape (G,). Other entries do not count.
        n_qubits: number of qubits.
        rows: the observable, a `SignRows`.
        params: radians, shape (P,).
        slopes: shape (P,), overwritten, per radian; or shape (0,) for the value alone.
        work: a `Work`, overwritten.
    """
    plane = 1 << n_qubits
    length = plane if are_real(gates) else 2 * plane
    state = work.vectors[:length]
    begin(state)
    fill_turns(gates, slots, angles, params, work.turns)
    # numba compiles one more version of a function for each literal integer among its arguments.
    one, zero = np.int64(1), np.int64(0)
    run(state, plane, one, gates, work.turns, zero, len(gates), 1.0)
    if len(slopes) == 0:
        return expectation(rows, state, plane, work.scratch)
    dual, both = work.vectors[length : 2 * length], work.vectors[: 2 * length]
    apply_observable(rows, state, dual, plane, work.scratch)
    energy = dot(state, dual)
    slopes[:] = 0.0
    undone = len(gates)
    for g in range(len(gates) - 1, -1, -1):
        if gates[g, 0] < N_ROTATIONS and slots[g] >= 0:
            run(both, plane, one, gates, work.turns, g + 1, undone, -1.0)
            undone = g + 1
            slopes[slots[g]] += slope(both, plane, np.int64(gates[g, 0]), np.int64(gates[g, 1]))
    return energy


@compiled
def sweep(
    gates, slots, angles, n_qubits, groups, z_masks, weights, table, params, slopes, values,
    vectors, scratch, turns,
):  # fmt: skip
    """Values, shape (B,), and gradients, of one circuit or of a population.

    Arguments as in `value_and_slopes`, the fields of ``rows`` and of ``work`` one by one (Python
    hands over arrays faster than tuples), but gates of shape (C, G, 3), rows of -1 after the end
    of a circuit, angles (C, G), params (B, P), and slopes (B, P), or (B, 0) for the values alone.
    Circuit b has row b of params; where there are more of those, the last circuit has the rest.
    """
    rows, work = SignRows(groups, z_masks, weights, table), Work(vectors, scratch, turns)
    for b in range(len(params)):
        c = min(b, len(gates) - 1)
        end = 0
        while end < gates.shape[1] and gates[c, end, 0] >= 0:
            end += 1
        values[b] = value_and_slopes(
            gates[c, :end], slots, angles[c], n_qubits, rows, params[b], slopes[b], work
        )


@inlined
def begin(state):
    """|0...0>."""
    state[:] = 0.0
    state[0] = 1.0


@part
def dot(a, b):
    """Sum of products of vectors of even length."""
    if len(a) < 2 * LANES:
        low, high = 0.0, 0.0
        for k in range(len(a) // 2):
            low += a[2 * k] * b[2 * k]
            high += a[2 * k + 1] * b[2 * k + 1]
        return low + high
    even, odd = filled(0.0), filled(0.0)
    for k in range(0, len(a), 2 * LANES):
        even = even + load(a, _U(k)) * load(b, _U(k))
        odd = odd + load(a, _U(k + LANES)) * load(b, _U(k + LANES))
    return total(even + odd)


@part
def slope(both, plane, number, qubit):
    """Im <dual|P|psi> for the P of rx, ry or rz (0, 1, 2); ``both`` holds psi, then dual.

    X and Y flip the qubit, Y and Z have a sign. The real Y is between planes of one kind, so
    that its loop is over all of both.
    """
    dual, bit, far = _U(len(both) // 2), _U(1 << qubit), _U(plane)
    length, flip = len(both) // 2 if number == 1 else plane, bit if number < 2 else _U(0)
    if plane < LANES:
        clear, set_ = 0.0, 0.0
        for j in range(length // 2):
            k = spread(_U(j), bit)
            m = k ^ flip
            if number == 1:
                clear += both[dual + k] * both[m]
                set_ += both[dual + m] * both[k]
            else:
                clear += cross(both, dual + k, m, far)
                set_ += cross(both, dual + (k | bit), m ^ bit, far)
    elif bit < LANES:
        here = filled(0.0)
        for j in range(0, length, LANES):
            here = here + _products(both, dual, far, number, _U(j), _U(j), flip)
        nothing = filled(0.0)
        clear = total(here * chosen(bit, _U(0), 1.0, nothing))
        set_ = total(here * chosen(bit, bit, 1.0, nothing))
    else:
        here, there = filled(0.0), filled(0.0)
        for j in range(0, length // 2, LANES):
            k = spread(_U(j), bit)
            m = k ^ flip
            here = here + _products(both, dual, far, number, k, m, _U(0))
            there = there + _products(both, dual, far, number, k | bit, m ^ bit, _U(0))
        clear, set_ = total(here), total(there)
    if number == 0:
        return clear + set_
    return set_ - clear if number == 1 else clear - set_


@inlined
def _products(both, dual, far, number, k, m, flip):
    """Of the octets of dual at k and of psi at m, whose lanes change places by ``flip``."""
    real = load(both, dual + k) * turned(load(both, m + (far if number != 1 else _U(0))), flip)
    if number == 1:
        return real
    return real - load(both, dual + far + k) * turned(load(both, m), flip)


@inlined
def cross(x, a, b, plane):
    """Im conj(x_a) x_b of two complex entries."""
    return x[a] * x[b + plane] - x[a + plane] * x[b]


@compiled
def first_fault(gates, angles, n_qubits):
    """Index, counted through, of the first row that is no gate; -1 if there is none."""
    for b in range(gates.shape[0]):
        ended = False
        for g in range(gates.shape[1]):
            number, first, second = gates[b, g, 0], gates[b, g, 1], gates[b, g, 2]
            ended = ended or number == -1
            pair = number >= _FIRST_PAIR
            fits = 0 <= number < _N_GATES and 0 <= first < n_qubits
            fits = fits and second < n_qubits and second != first and pair == (second >= 0)
            if (ended and number != -1) or not (ended or fits):
                return b * gates.shape[1] + g
            if number < N_ROTATIONS and not math.isfinite(angles[b, g]):
                return b * gates.shape[1] + g
    return -1
