"""Compiled scoring of extensions: expectations of Pauli strings, sparse sums, best angles.

The energy behind an action of two free angles is a bilinear form of (1, cos t1, sin t1) and
(1, cos t2, sin t2). With the second angle at its best it is a function of the first alone,

    F(t) = p(t) - |w(t)|,    p = c00 + c10 cos t + c20 sin t,    w = (u, v),
    u = c01 + c11 cos t + c21 sin t,    v = c02 + c12 cos t + c22 sin t,

whose second derivative is at most |(c10, c20)| + |(c11, c12, c21, c22)| =: K. A lowest point is
therefore no more than K d^2 / 2 below the nearest of `SAMPLES` points, d = pi / SAMPLES. Newton's
method starts on either side of each low sample up to there, which is most often one: where w is
almost 0 two lowest points stand close together, with a peak between them.
"""

from __future__ import annotations

import math

import numpy as np

from qas.compiled import compiled, inlined, part
from qas.execute import pauli_kernel, state_gate, state_kernel

SAMPLES = 24
ROUNDS = 40
"""Newton steps at most; three or four are usual."""
SMALL = 1e-5
"""Radians: behind a Newton step below this the energy is at its lowest to rounding."""
_FAR = 2 * math.pi / SAMPLES
_FIRST = 0.1
"""Radians: samples off the multiples of pi / 4, which are exceptional points of many forms."""
_FLAT = 1e-14
_COS = np.cos(_FIRST + np.arange(SAMPLES) * _FAR)
_SIN = np.sin(_FIRST + np.arange(SAMPLES) * _FAR)
_U = np.uint64
_run_pauli, _run_state = pauli_kernel.run, state_gate.run
_are_real, _fill_turns, _begin = state_gate.are_real, state_gate.fill_turns, state_kernel.begin


@compiled
def noisy_expectations(channels, gates, angles, strings, result, work):
    """Expectations of Pauli strings behind native circuits under noise.

    Args:
        channels, gates, angles, work: as in `qas.execute.pauli_kernel.values`.
        strings: places in the vector of Pauli expectations, shape (S,).
        result: shape (B, S), written.
    """
    for b in range(len(angles)):
        _run_pauli(channels, gates[b], angles[b], work)
        for s in range(len(strings)):
            result[b, s] = work.states[strings[s]]


@compiled
def state_expectations(
    gates, angles, n_qubits, groups, entry, sign, place, result, state, scratch, slots, turns
):
    """Expectations of Pauli strings behind circuits without noise.

    Strings of one x mask and one parity of the number of Y are entries of one Walsh-Hadamard
    transform, of Re or Im conj(psi[k ^ x]) psi[k], over the k without the highest bit of x.

    Args:
        gates: shape (B, G, 3), rows as in `qas.circuit.Population`.
        angles: shape (B, G), radians.
        n_qubits: number of qubits.
        groups, entry, sign, place: see `qas.execute.extension.Flips`.
        result: shape (B, S), written.
        state, scratch: shapes (2 * 2^n,) and (2^n,), overwritten.
        slots, turns: shapes (G,), all -1, and (G, 2), overwritten.
    """
    plane = 1 << n_qubits
    # numba compiles one more version of a function for each literal integer among its arguments.
    one, zero = np.int64(1), np.int64(0)
    for b in range(len(gates)):
        end = 0
        while end < gates.shape[1] and gates[b, end, 0] >= 0:
            end += 1
        own = gates[b, :end]
        is_real = _are_real(own)
        psi = state[:plane] if is_real else state
        _begin(psi)
        _fill_turns(own, slots, angles[b], angles[b], turns)
        _run_state(psi, plane, one, own, turns, zero, end, 1.0)
        for f in range(len(groups)):
            x, top, odd = groups[f, 0], groups[f, 1], groups[f, 2]
            if odd and is_real:
                for s in range(groups[f, 3], groups[f, 4]):
                    result[b, place[s]] = 0.0
                continue
            row = scratch[: plane if top == 0 else plane // 2]
            _multiply(psi, plane, x, top, odd, row)
            transform(row)
            for s in range(groups[f, 3], groups[f, 4]):
                result[b, place[s]] = sign[s] * row[entry[s]]


@part
def _multiply(psi, plane, x, top, odd, row):
    """row[m] = Re, or Im where ``odd``, of conj(psi[k ^ x]) psi[k], k the m-th without ``top``."""
    flip, gap, far = _U(x), _U(-top), _U(plane)
    for i in range(len(row)):
        m = _U(i)
        k = m + (m & gap)
        if odd:
            row[i] = psi[k ^ flip] * psi[far + k] - psi[far + (k ^ flip)] * psi[k]
        else:
            row[i] = psi[k ^ flip] * psi[k]
    if not odd and len(psi) > plane:
        for i in range(len(row)):
            m = _U(i)
            k = far + m + (m & gap)
            row[i] += psi[k ^ flip] * psi[k]


@part
def transform(row):
    """The Walsh-Hadamard transform in place: row[z] = sum_k (-1)^|z & k| row[k]."""
    stride = 1
    if len(row) >= 8:
        for j in range(0, len(row), 8):
            transform_8(row, j)
        stride = 8
    while stride < len(row):
        view = row.reshape(len(row) // (2 * stride), 2, stride)
        for block in range(view.shape[0]):
            for k in range(stride):
                a, b = view[block, 0, k], view[block, 1, k]
                view[block, 0, k], view[block, 1, k] = a + b, a - b
        stride *= 2


@inlined
def transform_8(row, j):
    """The transform of eight entries from j on."""
    a0, a1 = row[j] + row[j + 1], row[j] - row[j + 1]
    a2, a3 = row[j + 2] + row[j + 3], row[j + 2] - row[j + 3]
    a4, a5 = row[j + 4] + row[j + 5], row[j + 4] - row[j + 5]
    a6, a7 = row[j + 6] + row[j + 7], row[j + 6] - row[j + 7]
    b0, b2, b1, b3 = a0 + a2, a0 - a2, a1 + a3, a1 - a3
    b4, b6, b5, b7 = a4 + a6, a4 - a6, a5 + a7, a5 - a7
    row[j], row[j + 4] = b0 + b4, b0 - b4
    row[j + 1], row[j + 5] = b1 + b5, b1 - b5
    row[j + 2], row[j + 6] = b2 + b6, b2 - b6
    row[j + 3], row[j + 7] = b3 + b7, b3 - b7


@compiled
def lowest_energies(
    first, columns, weights, n_free, expectations, energy, angles, form, samples, point
):
    """Lowest energy behind every action, and the angles that attain it.

    Args:
        first, columns, weights: see `qas.execute.extension.Table`.
        n_free: free angles of each action, shape (A,); -1 where it cannot be taken.
        expectations: shape (B, S).
        energy: shape (B, A), written; infinite where an action cannot be taken.
        angles: shape (B, A, 2), written; 0 where an action has fewer.
        form, samples, point: shapes (9,), (SAMPLES,) and (2,), overwritten.
    """
    actions = len(n_free)
    for b in range(len(expectations)):
        parent = _sum(first, columns, weights, 9 * actions, expectations[b])
        for a in range(actions):
            angles[b, a, 0] = angles[b, a, 1] = 0.0
            if n_free[a] < 0:
                energy[b, a] = math.inf
                continue
            for k in range(9):
                form[k] = _sum(first, columns, weights, 9 * a + k, expectations[b])
            form[0] += parent
            if n_free[a] == 2:
                energy[b, a] = lowest_of_two(form, samples, point, angles[b, a])
            else:
                energy[b, a] = form[0] - math.hypot(form[3], form[6])
                angles[b, a, 0] = _opposite(form[3], form[6])


@inlined
def _sum(first, columns, weights, row, expectations):
    """One row of the sparse product, in four running sums: additions wait for one another."""
    begin, end = _U(first[row]), _U(first[row + 1])
    s0 = s1 = s2 = s3 = 0.0
    for j in range((end - begin) >> _U(2)):
        k = begin + (_U(j) << _U(2))
        s0 += weights[k] * expectations[columns[k]]
        s1 += weights[k + _U(1)] * expectations[columns[k + _U(1)]]
        s2 += weights[k + _U(2)] * expectations[columns[k + _U(2)]]
        s3 += weights[k + _U(3)] * expectations[columns[k + _U(3)]]
    for last in range(end - ((end - begin) & _U(3)), end):
        s0 += weights[last] * expectations[columns[last]]
    return (s0 + s1) + (s2 + s3)


@inlined
def _opposite(cosine, sine):
    """The t of lowest C cos t + S sin t; 0 where both vanish."""
    return math.atan2(-sine, -cosine) if cosine != 0.0 or sine != 0.0 else 0.0


@part
def lowest_of_two(form, samples, point, best):
    """Lowest value of sum form[3 i + j] f_i(t1) f_j(t2), f = (1, cos, sin); t1, t2 into ``best``.

    ``samples``, shape (SAMPLES,), and ``point``, shape (2,), are overwritten.
    """
    c10, c20, c01, c02 = form[3], form[6], form[1], form[2]
    c11, c12, c21, c22 = form[4], form[5], form[7], form[8]
    for g in range(SAMPLES):
        x, y = _COS[g], _SIN[g]
        u, v = c01 + c11 * x + c21 * y, c02 + c12 * x + c22 * y
        samples[g] = c10 * x + c20 * y - math.sqrt(u * u + v * v)
    least = math.inf
    for g in range(SAMPLES):
        least = min(least, samples[g])
    bend = math.sqrt(c10 * c10 + c20 * c20)
    bend += math.sqrt(c11 * c11 + c12 * c12 + c21 * c21 + c22 * c22)
    limit, lowest, x, y = least + bend * _FAR * _FAR / 8, math.inf, 1.0, 0.0
    if bend > _FLAT * (abs(c01) + abs(c02)):
        for g in range(SAMPLES):
            left, right = g - 1 if g > 0 else SAMPLES - 1, g + 1 if g < SAMPLES - 1 else 0
            here = samples[g]
            if here <= limit and here <= samples[left] and here < samples[right]:
                for side in range(2):
                    start = left if side == 0 else right
                    point[0], point[1] = _COS[start], _SIN[start]
                    value = _descend(form, point)
                    if value < lowest:
                        lowest, x, y = value, point[0], point[1]
    u, v = c01 + c11 * x + c21 * y, c02 + c12 * x + c22 * y
    best[0], best[1] = math.atan2(y, x), _opposite(u, v)
    return form[0] + c10 * x + c20 * y - math.sqrt(u * u + v * v)


@part
def _descend(form, point):
    """The lowest F near ``point``, (cos t, sin t), by Newton's method; F without its c00.

    Where a Newton step cannot be trusted, t goes to the lowest point of p - w . w(t) / |w| at
    the present w, which is nowhere below F and touches it here: F cannot rise. A step is a
    rotation by 2 atan(step / 2), which needs no cosine and is as good.
    """
    c10, c20, c01, c02 = form[3], form[6], form[1], form[2]
    c11, c12, c21, c22 = form[4], form[5], form[7], form[8]
    x, y = point[0], point[1]
    ended, value = False, 0.0
    for _ in range(ROUNDS):
        u, v = c01 + c11 * x + c21 * y, c02 + c12 * x + c22 * y
        length = math.sqrt(u * u + v * v)
        value = c10 * x + c20 * y - length
        point[0], point[1] = x, y
        if ended:
            break
        over = 1.0 / length if length > 0.0 else 0.0
        du, dv = c21 * x - c11 * y, c22 * x - c12 * y
        along = (u * du + v * dv) * over
        slope = c20 * x - c10 * y - along
        turn = du * du + dv * dv + u * (c01 - u) + v * (c02 - v) - along * along
        bend = -c10 * x - c20 * y - turn * over
        if abs(slope) < _FAR * bend:
            half = -0.5 * slope / bend
            scale = 1.0 / (1.0 + half * half)
            c, s = (1.0 - half * half) * scale, 2.0 * half * scale
            x, y = c * x - s * y, s * x + c * y
            ended = abs(half) < SMALL
        else:
            c = u * over * c11 + v * over * c12 - c10
            s = u * over * c21 + v * over * c22 - c20
            length = math.sqrt(c * c + s * s)
            if length == 0.0:
                break
            x, y = c / length, s / length
    return value
