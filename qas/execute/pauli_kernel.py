"""Circuits on the vector of Pauli expectations: values and all gradients, compiled.

Between two two-qubit gates the gates of a wire, their noise and its idling multiply into one map
(`qas.execute.affine`), so that a circuit costs one pass over the vector per two-qubit gate and one
per pair of wires at the end, whatever the number of its one-qubit gates.

The reverse sweep carries the dual vector back through the passes, and reads from each the 24
numbers on which the energy depends through its two maps; the slopes in the angles of a run follow
from these by 4 x 4 algebra. The states between passes are either kept, or recovered by the
inverse maps, whose growth of rounding errors `growths` bounds beforehand.

With G gates, D passes (two-qubit gates + ceil(n/2)) and V = max(4^n, 128): time
proportional to D V + G, memory of 8 (D + 2) V bytes with kept states, 16 V without, a thread.
"""

from __future__ import annotations

import math
import threading
from collections import namedtuple

import numpy as np
from numpy.typing import NDArray

from qas.compiled import compiled, inlined, part
from qas.execute import affine
from qas.execute.channel import Channels
from qas.execute.octet import aligned
from qas.execute.pauli_vector import (
    backward,
    dense,
    dot,
    forward,
    make_aim,
    make_scratch,
    size,
    start,
)

_compose, _rotate, _relax, _invert = affine.compose, affine.rotate, affine.relax, affine.invert
_unapply, _unrotate, _unrelax = affine.unapply, affine.unrotate, affine.unrelax
_slope, _set_identity = affine.slope, affine.set_identity

Work = namedtuple("Work", "pending environment maps clock states dual aim scratch")
"""Work arrays for circuits of some size, one set per thread.

- pending, shape (wires, 12): the map of each wire's run so far.
- environment, shape (wires, 12): see `qas.execute.affine`.
- maps, shape (passes, 4, 12): the two maps of each pass, and their inverses where these are needed.
- clock, shape (gates + wires, 4): of gate g in row g the seconds that its qubits wait after it,
  then cosine and sine of its angle; seconds from wire q's next gate to the measurement in row
  gates + q.
- states, shape (kept V,): the vector before and after each pass, or the current one alone.
- dual, shape (V,).
- aim, scratch: see `qas.execute.lanes`.

Few arrays, since each is seven arguments of every function that takes them.
"""


def make_work(n_qubits: int, n_gates: int, n_passes: int, keep: bool) -> Work:
    """Work arrays; ``keep`` the states between passes."""
    wires, vector = max(n_qubits, 2), size.py_func(n_qubits)
    kept = n_passes + 1 if keep else 1
    return Work(
        aligned(wires, 12), aligned(wires, 12), aligned(n_passes, 4, 12),
        aligned(n_gates + wires, 4), aligned(kept * vector), aligned(vector),
        make_aim(), make_scratch(),
    )  # fmt: skip


_rooms = threading.local()
_ROOMS, _LARGEST = 16, 2**24


def work_for(channels: Channels, gates: NDArray[np.int16], keep: bool, spare: int = 0) -> Work:
    """Work arrays for a population, the thread's own ones again where their shape is the same.

    Use them up before the next call: it may hand out the same arrays. ``spare`` passes are added.
    """
    shape = (channels.n_qubits, gates.shape[1], int(n_passes(channels, gates)) + spare, keep)
    works: dict[tuple[int, int, int, bool], Work] = _rooms.__dict__.setdefault("works", {})
    if shape not in works:
        work = make_work(*shape)
        if work.states.nbytes > _LARGEST:
            return work
        while len(works) >= _ROOMS:
            del works[next(iter(works))]
        works[shape] = work
    return works[shape]


@compiled
def n_passes(channels, gates):
    """Passes that one circuit of a population may take at most."""
    most = 0
    for b in range(len(gates)):
        pairs = 0
        for g in range(gates.shape[1]):
            pairs += gates[b, g, 2] >= 0
        most = max(most, pairs)
    return most * (2 if len(channels.dense) > 0 else 1) + (max(channels.n_qubits, 2) + 1) // 2


@compiled
def first_missing(channels, gates):
    """(circuit, gate) of the first gate that the patch does not have; (-1, -1) if none."""
    names, wires = channels.row.shape[0], channels.n_qubits
    for b in range(len(gates)):
        for g in range(gates.shape[1]):
            code, a, c = gates[b, g, 0], gates[b, g, 1], gates[b, g, 2]
            if code < 0:
                continue
            if code >= names or a < 0 or a >= wires or c >= wires or a == c:
                return b, g
            if channels.row[code, a, c if c >= 0 else a] < 0:
                return b, g
    return -1, -1


@inlined
def schedule(timing, gates, clock):
    """Waits after each gate, circuits running as late as possible: `qas.device.schedule`."""
    ends = len(gates)
    for row in range(ends, len(clock)):
        clock[row, 0] = 0.0
    for g in range(len(gates) - 1, -1, -1):
        code, a, c = gates[g, 0], gates[g, 1], gates[g, 2]
        if code < 0:
            continue
        b = c if c >= 0 else a
        finish = max(clock[ends + a, 0], clock[ends + b, 0])
        clock[g, 0], clock[g, 1] = finish - clock[ends + a, 0], finish - clock[ends + b, 0]
        clock[ends + a, 0] = clock[ends + b, 0] = finish + timing[code, a, b, 0]


@inlined
def _decay(rate, qubit, seconds):
    """What waiting leaves of X and Y, and of Z."""
    return math.exp(-seconds * rate[qubit, 0]), math.exp(-seconds * rate[qubit, 1])


@inlined
def keeps(work):
    """Whether the states between passes are kept."""
    return len(work.states) > len(work.dual)


@inlined
def _pass(channels, work, at, low, high, row):
    """One pass with the pending maps of two wires; returns how many passes there are now."""
    length, keep = len(work.dual), keeps(work)
    source, target = (at * length, (at + 1) * length) if keep else (0, 0)
    _copy2(work.pending, low, high, work.maps, at)
    is_dense = len(channels.dense) > 0 and channels.place[row, 0] < 0
    scatter = len(channels.place) - 1 if is_dense else row
    forward(
        work.states, source, target, length, low, high, work.maps, at, channels.place,
        channels.factor, scatter, work.aim, work.scratch,
    )  # fmt: skip
    if not is_dense:
        return at + 1
    if keep:
        for k in range(length):
            work.states[target + length + k] = work.states[target + k]
        target += length
    dense(work.states, target, length, low, high, channels.dense, row, 0, 0, work.scratch)
    return at + 2


@inlined
def _copy2(pending, low, high, maps, at):
    for k in range(12):
        maps[at, 0, k] = pending[low, k]
        maps[at, 1, k] = pending[high, k]


@part
def run(channels, gates, angles, work):
    """Simulate one circuit; returns the number of its passes.

    Where ``work`` keeps states, the final vector is the last of them, else the only one.
    """
    start(work.states, 0, channels.n_qubits)
    return run_on(channels, gates, angles, work)


@part
def run_on(channels, gates, angles, work):
    """As `run`, on the vector that stands first in ``work.states`` instead of |0...0>."""
    pending, clock, rate = work.pending, work.clock, channels.rate
    for q in range(len(pending)):
        _set_identity(pending, q)
    if channels.idle:
        schedule(channels.timing, gates, work.clock)
    at = 0
    for g in range(len(gates)):
        code, a, b = gates[g, 0], gates[g, 1], gates[g, 2]
        if code < 0:
            break
        if b >= 0:
            row, low, high = channels.row[code, a, b], min(a, b), max(a, b)
            at = _pass(channels, work, at, low, high, row)
            for k in range(12):
                pending[low, k] = channels.after[row, 0, k]
                pending[high, k] = channels.after[row, 1, k]
        elif code < 3:
            clock[g, 2], clock[g, 3] = math.cos(angles[g]), math.sin(angles[g])
            _rotate(pending, a, code, clock[g, 2], clock[g, 3])
        else:
            _compose(channels.one, channels.row[code, a, a], pending, a)
        if channels.idle:
            if clock[g, 0] > 0.0:
                across, along = _decay(rate, a, clock[g, 0])
                _relax(pending, a, across, along)
            if b >= 0 and clock[g, 1] > 0.0:
                across, along = _decay(rate, b, clock[g, 1])
                _relax(pending, b, across, along)
    last = len(pending) - 2
    for first in range(0, len(pending), 2):
        low = min(first, last)
        at = _pass(channels, work, at, low, low + 1, len(channels.place) - 1)
        _set_identity(pending, low)
        _set_identity(pending, low + 1)
    return at


@inlined
def _undo_pass(channels, work, at, low, high, row):
    """Carry the dual vector back through the last pass; returns how many passes are left."""
    length, keep = len(work.dual), keeps(work)
    is_dense = len(channels.dense) > 0 and channels.place[row, 0] < 0
    if is_dense:
        dense(work.dual, 0, length, low, high, channels.dense, row, 0, 1, work.scratch)
        if not keep:
            dense(work.states, 0, length, low, high, channels.dense, row, 1, 0, work.scratch)
        at -= 1
    at -= 1
    if not keep:
        for wire in range(2):
            _invert(work.maps[at], wire, work.maps[at], 2 + wire)
    backward(
        work.dual, work.states, (at + 1) * length if keep else 0, length, low, high, work.maps,
        at, channels.place, channels.factor, len(channels.place) - 1 if is_dense else row,
        work.environment, not keep, work.aim, work.scratch,
    )  # fmt: skip
    return at


undo_pass = part(_undo_pass.py_func)
"""`_undo_pass` as a function of its own, for callers that would otherwise hold copies of it."""


@inlined
def begin_reverse(channels, observable, work, at):
    """Carry the observable back through the passes that end a circuit; returns how many are left.

    It stands in ``work.dual`` then.
    """
    for k in range(len(observable)):
        work.dual[k] = observable[k]
    last, same = len(work.pending) - 2, len(channels.place) - 1
    for first in range((last + 1) // 2 * 2, -1, -2):
        low = min(first, last)
        at = undo_pass(channels, work, at, low, low + 1, same)
    return at


@compiled
def value_and_slopes(channels, observable, gates, angles, slopes, work):
    """Expectation value of one circuit; its derivative in each rotation's angle into ``slopes``.

    Args:
        channels: of the patch.
        observable: coefficient of every Pauli string, shape (V,).
        gates: shape (G, 3), rows as in `qas.circuit.Population`.
        angles: shape (G,), radians at rotations.
        slopes: shape (G,), written; 0 but at rotations.
        work: from `make_work`.
    """
    at = run(channels, gates, angles, work)
    value = dot(observable, work.states, at * len(observable) if keeps(work) else 0)
    reverse(channels, observable, gates, slopes, work, at)
    return value


@part
def reverse(channels, observable, gates, slopes, work, at):
    """The reverse sweep of the circuit that has just run in ``at`` passes: see `value_and_slopes`.

    In the end the observable, carried back to the circuit's start, stands in ``work.dual``.
    """
    environment, clock, rate = work.environment, work.clock, channels.rate
    at = begin_reverse(channels, observable, work, at)
    for g in range(len(gates) - 1, -1, -1):
        slopes[g] = 0.0
        code, a, b = gates[g, 0], gates[g, 1], gates[g, 2]
        if code < 0:
            continue
        if b >= 0:
            row = channels.row[code, a, b]
            at = _undo_pass(channels, work, at, min(a, b), max(a, b), row)
            continue
        if channels.idle and clock[g, 0] > 0.0:
            across, along = _decay(rate, a, clock[g, 0])
            _unrelax(environment, a, across, along)
        if code < 3:
            slopes[g] = _slope(environment, a, code)
            _unrotate(environment, a, code, clock[g, 2], clock[g, 3])
        else:
            row = channels.row[code, a, a]
            _unapply(environment, a, channels.one, row)


@compiled
def values(channels, observable, gates, angles, result, work):
    """Expectation values of many circuits.

    Args:
        channels, observable: as in `value_and_slopes`.
        gates: shape (B, G, 3), or (1, G, 3) for one circuit at B vectors of angles.
        angles: shape (B, G), radians.
        result: shape (B,), written.
        work: from `make_work`, no states kept.
    """
    for b in range(len(angles)):
        run(channels, gates[b if len(gates) > 1 else 0], angles[b], work)
        result[b] = dot(observable, work.states, 0)


@compiled
def gradients(channels, observable, gates, angles, result, slopes, work):
    """Values, shape (B,), and derivatives in every rotation's angle, ``slopes`` of shape (B, G).

    Where ``work`` has room, the states between passes are kept, else recovered by inverse maps.
    """
    for b in range(len(angles)):
        one = gates[b if len(gates) > 1 else 0]
        result[b] = value_and_slopes(channels, observable, one, angles[b], slopes[b], work)


@compiled
def growths(channels, gates, result, work):
    """Logarithm of how much undoing each circuit may amplify rounding errors, into (B,)."""
    clock, rate = work.clock, channels.rate
    for b in range(len(gates)):
        result[b] = 0.0
        if channels.idle:
            schedule(channels.timing, gates[b], work.clock)
        for g in range(gates.shape[1]):
            code, a, c = gates[b, g, 0], gates[b, g, 1], gates[b, g, 2]
            if code >= 3:
                result[b] += channels.timing[code, a, c if c >= 0 else a, 1]
            if code >= 0 and channels.idle:
                result[b] += clock[g, 0] * max(rate[a, 0], rate[a, 1])
                if c >= 0:
                    result[b] += clock[g, 1] * max(rate[c, 0], rate[c, 1])
