"""Compiled scores of every one-gate insertion into a circuit.

A gate inserted between the state psi and the observable O carried back to it changes the energy
to <psi|U* O U|psi>. For a rotation exp(-i t P / 2) that is

    E(t) = a + C cos t + S sin t,    S = Im <psi|O P|psi>,    E(pi) = <psi|P O P|psi>,

E(0) being the parent's energy: one backward sweep gives S at every position, and one run of the
rest of the circuit from P|psi> gives E(pi). A *probe* is a gate that is run so: P = X, Y, Z of
one qubit for everything that turns about it (x, s, t, sx, ... are such turns, by fixed angles),
any other gate for itself. Before and after a gate that it commutes with, a probe makes the same
circuit: it is run once, from the later place.

The runs go side by side, so that one pass of a gate serves them all; each joins at its position.
Of a real circuit, observable and probes all of it is real: S is then 0 for X and Z, and Y|psi> is
real but for a phase.

Time: (distinct places) x (half the gates + F) x (floats of a state), F the distinct x masks of
the observable. Memory: 3 states, and 8 to 64 side by side.
"""

from __future__ import annotations

import math

import numpy as np

from qas.circuit import GATE_NAMES
from qas.compiled import compiled, inlined, part
from qas.execute.state_gate import are_real, fill_turns, run
from qas.execute.state_kernel import begin, dot, slope
from qas.execute.state_observable import BLOCK, apply_observable, find_signs, pairs, with_gap

# The Pauli matrix that, with 1, spans a gate's action on its first and second qubit, as 1, 2, 3
# for X, Y, Z; 0 where there is none. Two gates commute if they agree on every shared qubit.
_SPAN = {
    **dict.fromkeys(("rx", "x", "sx", "sxdg"), (1, 0)),
    **dict.fromkeys(("ry", "y"), (2, 0)),
    **dict.fromkeys(("rz", "z", "s", "sdg", "t", "tdg"), (3, 0)),
    "cx": (3, 1),
    "cz": (3, 3),
    "ecr": (0, 1),
}
_U = np.uint64
_AXES = np.array([_SPAN.get(name, (0, 0)) for name in GATE_NAMES], dtype=np.int64)
_IDENTITY = GATE_NAMES.index("id")
_X, _Y, _Z = (GATE_NAMES.index(name) for name in "xyz")


@compiled
def stays_real(gates, rows, probes):
    """True if the whole sweep runs in real numbers."""
    for f in range(len(rows.groups)):
        if rows.groups[f, 2]:
            return False
    return are_real(gates) and are_real(probes)


@inlined
def commute(gate, probe):
    """True if the two surely commute: on every shared qubit they act through one Pauli matrix."""
    if gate[0] == _IDENTITY or probe[0] == _IDENTITY:
        return True
    for i in range(1, 3):
        for k in range(1, 3):
            if gate[i] >= 0 and gate[i] == probe[k]:
                axis = _AXES[gate[0], i - 1]
                if axis == 0 or axis != _AXES[probe[0], k - 1]:
                    return False
    return True


@compiled
def find_places(gates, probes, place, at, which):
    """The number of places where a probe must be run, the last of the circuit first.

    Args:
        gates: the parent, shape (G, 3).
        probes: shape (probes, 3).
        place: becomes the number of the place that serves each probe at each position, shape
            (G + 1, probes).
        at: becomes the position of each place; shape (at least the places,).
        which: becomes its probe.
    """
    count = 0
    for g in range(len(gates), -1, -1):
        for p in range(len(probes)):
            if g < len(gates) and commute(gates[g], probes[p]):
                place[g, p] = place[g + 1, p]
            else:
                place[g, p], at[count], which[count] = count, g, p
                count += 1
    return count


@compiled
def measure_slopes(
    gates, angles, free, n_qubits, rows, probes, at, which, slopes, vectors, scratch, turns
):
    """The parent's energy, and S of each place of a Pauli probe, by one backward sweep.

    Args:
        gates: shape (G, 3).
        angles: of every rotation, radians, shape (G,).
        free: -1 for each gate: none of them has an angle elsewhere.
        n_qubits: number of qubits.
        rows: the observable, a `SignRows`.
        probes, at, which: see `find_places`.
        slopes: zeros, shape (places,); S is written where it is not 0.
        vectors: two states, real or complex, shape (2 floats of a state,).
        scratch: as in `state_kernel.Work`.
        turns: becomes the gates' turns, shape (G, 2).
    """
    plane, one, zero = 1 << n_qubits, np.int64(1), np.int64(0)
    length = len(vectors) // 2
    psi, dual = vectors[:length], vectors[length:]
    fill_turns(gates, free, angles, angles, turns)
    begin(psi)
    run(psi, plane, one, gates, turns, zero, len(gates), 1.0)
    apply_observable(rows, psi, dual, plane, scratch)
    energy = dot(psi, dual)
    undone = len(gates)
    for j in range(len(at)):
        number, qubit = np.int64(probes[which[j], 0]), np.int64(probes[which[j], 1])
        if number == _Y or (length > plane and number in (_X, _Z)):
            run(vectors, plane, one, gates, turns, at[j], undone, -1.0)
            undone = at[j]
            slopes[j] = slope(vectors, plane, number - _X, qubit)
    return energy


@compiled
def run_probes(
    gates,
    angles,
    free,
    n_qubits,
    rows,
    probes,
    at,
    which,
    energies,
    vectors,
    scratch,
    turns,
    probe_turns,
    columns,
    found,
):
    """Energy of the parent with each place's probe put in, into ``energies``, shape (places,).

    Args:
        turns: as `measure_slopes` left them; all before it, and vectors and scratch: as there.
        probe_turns: work array, shape (probes, 2).
        columns: work array, a power of two of states, side by side; finite numbers.
        found: work array, one number for each of them.
    """
    plane, one = 1 << n_qubits, np.int64(1)
    length, unit = len(vectors) // 2, len(found)
    psi, probed = vectors[:length], vectors[length:]
    fill_turns(probes, free, angles, angles, probe_turns)
    begin(psi)
    reached = np.int64(0)
    for last in range(len(at), 0, -unit):  # what stands first in the circuit stands last here
        j, end = last - 1, max(last - unit, 0)
        for g in range(at[j], len(gates) + 1):
            if j >= end:
                run(psi, plane, one, gates, turns, reached, g, 1.0)
                reached = np.int64(g)
            while j >= end and at[j] == g:
                for k in range(length):
                    probed[k] = psi[k]
                run(probed, plane, one, probes, probe_turns, which[j], which[j] + 1, 1.0)
                for k in range(length):
                    columns[k * unit + last - 1 - j] = probed[k]
                j -= 1
            if g < len(gates):
                run(columns, plane * unit, unit, gates, turns, g, g + 1, 1.0)
        expectation_columns(rows, columns, plane, unit, scratch, found)
        for c in range(last - end):
            energies[last - 1 - c] = found[c]


@compiled
def expectation_columns(rows, psi, plane, unit, scratch, energies):
    """<H> of each of ``unit`` states that lie side by side, into ``energies``, shape (unit,)."""
    source = rows.table if len(rows.table) > 0 else scratch
    energies[:] = 0.0
    length = min(plane, BLOCK)
    for start in range(0, plane, length):
        for f in range(len(rows.groups)):
            x, top, odd = rows.groups[f, 0], rows.groups[f, 1], rows.groups[f, 2]
            count = pairs(rows.groups[f], start, length)
            if count == 0 or (odd and len(psi) == plane * unit):
                continue
            at = find_signs(rows, f, start, plane, scratch)
            add_columns(source, at, psi, plane, unit, start, x, top, odd, count, energies)


@part
def add_columns(source, at, psi, plane, unit, start, x, top, odd, count, energies):
    """Add D_x's part to every column's energy; the last axis of the view is the column."""
    view = psi.reshape(len(psi) // (plane * unit), plane, unit)
    for m in range(count):
        r = with_gap(_U(m), top)
        j = _U(start) + r
        k = j ^ _U(x)
        w = source[_U(at) + r] if x == 0 else 2 * source[_U(at) + r]
        if odd:
            for c in range(unit):
                energies[c] += w * (view[1, k, c] * view[0, j, c] - view[0, k, c] * view[1, j, c])
        else:
            for p in range(view.shape[0]):
                for c in range(unit):
                    energies[c] += w * view[p, j, c] * view[p, k, c]


@compiled
def combine(here, place, probe, turn, slopes, turned, flat, lowest, angle, energies, best):
    """Energies and best angles of the children, from E(0), and E(pi) and S of every place.

    Args:
        here: energy of the parent.
        place: shape (G + 1, probes); see `find_places`.
        probe: the probe of each child, shape (children,).
        turn: the angle by which a child turns, pi where it is its probe, NaN where the best
            angle is wanted; radians, shape (children,).
        slopes, turned: S and E(pi) of each place.
        flat: amplitude up to which every angle is as good as 0.
        lowest, angle: work arrays, one number for each place.
        energies, best: overwritten, shape (G + 1, children).
    """
    for j in range(len(turned)):
        cosine, sine = (here - turned[j]) / 2, slopes[j]
        swing = math.hypot(cosine, sine)
        lowest[j] = (here + turned[j]) / 2 - swing
        angle[j] = math.atan2(-sine, -cosine) if swing > flat else 0.0
    for c in range(len(probe)):
        wanted, c_turn, s_turn = math.isnan(turn[c]), math.cos(turn[c]), math.sin(turn[c])
        for g in range(len(place)):
            j = place[g, probe[c]]
            if wanted:
                energies[g, c], best[g, c] = lowest[j], angle[j]
            else:
                cosine = (here - turned[j]) / 2
                energies[g, c] = (here + turned[j]) / 2 + cosine * c_turn + slopes[j] * s_turn
