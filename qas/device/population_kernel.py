"""Compiled twin of `qas.device.lowering` for populations: the same rules, on rows of numbers.

An item of a run is a row (number in GATE_NAMES, angle, 1 if it is free): `runs` holds the
open run of every wire, `lengths` how long each is, `short` the run that is being written.
`steps`, `after`, `words` and `spins` are tables of `qas.device.population`. What comes out is
`stream`: a row (number, qubit, second qubit or -1, angle, free) for each native gate, the
circuits one behind another.

A one-qubit gate as (d, x) is the lower row's (1, 1) and (1, 0) entries of its matrix with
determinant 1, [[d*, -x*], [x, d]].
"""

from __future__ import annotations

import math

import numba
import numpy as np

from qas.circuit import GATE_NAMES

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")
# Copied into the caller, which holds the arrays: counting their references again at every
# call would take longer than the work.
_part = numba.njit(nogil=True, error_model="numpy", forceinline=True, _nrt=False)

# As np.int64, not int: numba compiles a function anew for every plain number it is given.
_NAMES = "ry", "rz", "x", "sx", "id", "cx", "swap"
_RY, _RZ, _X, _SX, _ID, _CX, _SWAP = (np.int64(GATE_NAMES.index(name)) for name in _NAMES)
_NONE, _START = np.int64(-1), np.int64(0)
_PI = math.pi


@_jit
def survey(gates, ways):
    """Circuit and row of the first gate that is none or joins no edge, or -1, -1; native pairs.

    The number of native two-qubit gates is an upper bound on all circuits together.
    """
    n_qubits, pairs = len(ways), 0
    for i in range(gates.shape[0]):
        for at in range(gates.shape[1]):
            number, a, b = gates[i, at, 0], gates[i, at, 1], gates[i, at, 2]
            if number < 0:
                break
            if number > _SWAP or not 0 <= a < n_qubits:
                return i, at, pairs
            if number >= _CX:
                if not 0 <= b < n_qubits or ways[a, b] < 0:
                    return i, at, pairs
                pairs += 3 if number == _SWAP else 1
    return -1, -1, pairs


@_jit
def lower_all(gates, angles, free, ways, steps, after, words, spins, stream):
    """Write every circuit's native gates to ``stream``; where each circuit ends there."""
    # A run holds one-qubit gates, what follows one native pair and what precedes the next.
    most = gates.shape[1] + 2 * steps.shape[2]
    runs, lengths = np.empty((len(ways), most, 3)), np.zeros(len(ways), dtype=np.int64)
    short = np.empty((5 * most, 3))
    ends = np.empty(len(gates), dtype=np.int64)
    end = _START
    for i in range(len(gates)):
        for at in range(gates.shape[1]):
            number, a, b = gates[i, at, 0], np.int64(gates[i, at, 1]), np.int64(gates[i, at, 2])
            if number < 0:
                break
            if number < _CX:
                if number != _ID:
                    _append(runs, lengths, a, np.int64(number), angles[i, at], 1.0 * free[i, at])
                continue
            way = ways[a, b]
            for k in range(steps.shape[2]):
                gate, turned = steps[number - _CX, way, k, 0], steps[number - _CX, way, k, 1]
                if gate < 0:
                    break
                first, second = (b, a) if turned else (a, b)
                if gate < _CX:
                    _append(runs, lengths, first, gate, 0.0, 0.0)
                    continue
                for wire in (first, second):
                    end = _flush(wire, runs, lengths, short, after, words, spins, stream, end)
                end = _write(stream, end, gate, first, second, 0.0, 0.0)
        for qubit in range(len(ways)):
            end = _flush(qubit, runs, lengths, short, after, words, spins, stream, end)
        ends[i] = end
    return ends


@_jit
def padded(ends, stream):
    """Gates, angles and free of a `Population` from a stream of native gates."""
    row = longest = _START
    for end in ends:
        row, longest = end, max(longest, end - row)
    gates = np.empty((len(ends), longest, 3), dtype=np.int16)
    angles = np.empty((len(ends), longest))
    free = np.empty((len(ends), longest), dtype=np.bool_)
    row = _START
    for i in range(len(ends)):
        for at in range(longest):
            here = row < ends[i]
            for k in range(3):
                gates[i, at, k] = np.int16(stream[row, k]) if here else -1
            angles[i, at] = stream[row, 3] if here else 0.0
            free[i, at] = here and stream[row, 4] != 0.0
            row += here
    return gates, angles, free


@_part
def _append(runs, lengths, wire, number, angle, free):
    at = lengths[wire]
    runs[wire, at, 0], runs[wire, at, 1], runs[wire, at, 2] = number, angle, free
    lengths[wire] = at + 1


@_part
def _put(short, made, number, angle, free):
    short[made, 0], short[made, 1], short[made, 2] = number, angle, free
    return made + 1


@_part
def _write(stream, end, number, first, second, angle, free):
    stream[end, 0], stream[end, 1], stream[end, 2] = number, first, second
    stream[end, 3], stream[end, 4] = angle, free
    return end + 1


@_part
def _flush(wire, runs, lengths, short, after, words, spins, stream, end):
    """Write the run of a wire as native gates: `_Lowerer.flush`."""
    length = _shorten(runs, wire, lengths[wire], after, words, spins, short)
    lengths[wire] = 0
    pulses, tilted, free = 0, 0, 0.0
    for at in range(length):
        pulses += short[at, 0] > _RZ
        tilted += short[at, 0] < _RZ
        free = max(free, short[at, 2])
    if pulses <= 2 and tilted == 0:
        return _write_word(wire, short, length, stream, end)
    if pulses == 0 and tilted == 1:
        first, middle, last = _one_turn(short, length)
    else:
        first, middle, last = _run_angles(short, length, spins)
    end = _write(stream, end, _RZ, wire, _NONE, first, free)
    end = _write(stream, end, _SX, wire, _NONE, 0.0, 0.0)
    end = _write(stream, end, _RZ, wire, _NONE, middle, free)
    end = _write(stream, end, _SX, wire, _NONE, 0.0, 0.0)
    return _write(stream, end, _RZ, wire, _NONE, last, free)


@_part
def _write_word(wire, short, length, stream, end):
    """Pulses as they stand, neighbouring rz merged."""
    for at in range(length):
        if at > 0 and short[at, 0] == _RZ == short[at - 1, 0]:
            stream[end - 1, 3] += short[at, 1]
            stream[end - 1, 4] = max(stream[end - 1, 4], short[at, 2])
        else:
            number, angle, free = int(short[at, 0]), short[at, 1], short[at, 2]
            end = _write(stream, end, number, wire, _NONE, angle, free)
    return end


@_part
def _one_turn(short, length):
    """The angles of rz ... (rx or ry) ... rz, linear in every turn: `run.one_turn`."""
    before, middle, after, seen = 0.0, 0.0, 0.0, False
    for at in range(length):
        if short[at, 0] != _RZ:
            seen, middle = True, short[at, 1] + _PI
            before += 0.0 if short[at, 0] == _RY else _PI / 2
            after += _PI if short[at, 0] == _RY else _PI / 2
        elif seen:
            after += short[at, 1]
        else:
            before += short[at, 1]
    return before, middle, after


@_part
def _run_angles(short, length, spins):
    """The angles of any other run: `run.euler_angles` of `run.run_unitary`."""
    d, x, eighths = 1.0 + 0.0j, 0.0j, 0
    for at in range(length):
        number = int(short[at, 0])
        if number > _RZ:
            d, x = _then(d, x, spins[number, 0], spins[number, 1])
            eighths += 1 if number == _SX else 2
        else:
            e, y = _turn(number, short[at, 1])
            d, x = _then(d, x, e, y)
    # The other twin divides by the root of the determinant i^eighths that has its argument in
    # (-pi/2, pi/2].
    sign = -1.0 if 3 <= eighths % 8 <= 6 else 1.0
    return _euler(sign * d, sign * x)


@_part
def _shorten(runs, wire, length, after, words, spins, short):
    """Each stretch of gates without angles in its shortest form; how long the run then is."""
    at = made = _START
    while at < length:
        number, angle, free = int(runs[wire, at, 0]), runs[wire, at, 1], runs[wire, at, 2]
        at += 1
        if number <= _RZ:
            made = _put(short, made, number, angle, free)
        else:
            start, stretch = at - 1, after[0, number]
            while at < length and runs[wire, at, 0] > _RZ:
                stretch = after[stretch, int(runs[wire, at, 0])] if stretch >= 0 else -1
                at += 1
            if stretch < 0:
                made = _put_shortest(runs, wire, start, at, spins, short, made)
                continue
            for k in range(words.shape[1]):
                if words[stretch, k, 0] >= 0:
                    made = _put(short, made, int(words[stretch, k, 0]), words[stretch, k, 1], 0.0)
    return made


@_part
def _put_shortest(runs, wire, start, stop, spins, short, made):
    """The word of a stretch that is not in the table: `run.shortest`."""
    d, x = 1.0 + 0.0j, 0.0j
    for at in range(start, stop):
        number = int(runs[wire, at, 0])
        d, x = _then(d, x, spins[number, 0], spins[number, 1])
    first, middle, last = _euler(d, x)
    first, middle, last = _snapped(first), _snapped(middle), _snapped(last)
    theta = _snapped(middle - _PI)
    if abs(theta) < 1e-9:
        return _put_rz(short, made, _snapped(first + last - _PI))
    if abs(abs(theta) - _PI) < 1e-9:
        made = _put(short, made, _X, 0.0, 0.0)
        return _put_rz(short, made, _snapped(last - first))
    if abs(theta - _PI / 2) < 1e-9:
        made = _put_rz(short, made, _snapped(first - _PI / 2))
        made = _put(short, made, _SX, 0.0, 0.0)
        return _put_rz(short, made, _snapped(last - _PI / 2))
    made = _put_rz(short, made, first)
    made = _put(short, made, _SX, 0.0, 0.0)
    made = _put_rz(short, made, middle)
    made = _put(short, made, _SX, 0.0, 0.0)
    return _put_rz(short, made, last)


@_part
def _put_rz(short, made, angle):
    return _put(short, made, _RZ, angle, 0.0) if abs(angle) > 1e-9 else made


@_part
def _snapped(angle):
    angle = -((-angle + _PI) % (2 * _PI) - _PI)
    step = round(angle / (_PI / 4))
    if abs(angle - step * _PI / 4) < 1e-12 * 64:
        angle = step * _PI / 4
    return _PI if abs(angle + _PI) < 1e-9 else angle


@_part
def _turn(number, angle):
    """(d, x) of rx, ry or rz."""
    c, s = math.cos(angle / 2), math.sin(angle / 2)
    if number == _RZ:
        return c + 1j * s, 0.0j
    return c + 0.0j, s + 0.0j if number == _RY else -1j * s


@_part
def _then(d, x, e, y):
    """The gate (d, x) followed by (e, y)."""
    return e * d - y * x.conjugate(), y * d.conjugate() + e * x


@_part
def _euler(d, x):
    """(a, b, c) with rz(c) sx rz(b) sx rz(a): `run.euler_angles`."""
    down = math.sqrt(d.real * d.real + d.imag * d.imag)
    across = math.sqrt(x.real * x.real + x.imag * x.imag)
    total = 2 * _phase(d) if down > 1e-12 else 0.0
    gap = 2 * _phase(x) if across > 1e-12 else 0.0
    return (total - gap) / 2, 2 * math.atan2(across, down) + _PI, (total + gap) / 2 + _PI


@_part
def _phase(value):
    """The argument in (-pi, pi], pi where it is -pi to rounding."""
    phase = math.atan2(value.imag, value.real)
    return phase + 2 * _PI if phase < 1e-9 - _PI else phase
