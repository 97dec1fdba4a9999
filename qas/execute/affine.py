"""Maps of one qubit's Pauli letters: every one-qubit channel, as 12 numbers.

A trace-preserving channel of one qubit acts on the expectations (I, X, Y, Z) as a 4 x 4 matrix
whose first row is (1, 0, 0, 0). Rows X, Y, Z are kept: ``m[4 i + j]`` takes letter j to letter
1 + i. Runs of gates on a wire multiply into one such map, noise and idling included.

An *environment* ``f[4 i + j]`` (12 numbers as well) of a place on a wire is the sum over all other
letters of dual[1 + i] state[j]: the energy's derivative in the entries of what map stands there.
"""

from __future__ import annotations

from qas.compiled import inlined, part


@inlined
def plane(axis):
    """Letters (i, j) that a rotation about axis 0, 1, 2 = X, Y, Z turns: i' = c i - s j."""
    return 1 + (axis + 1) % 3, 1 + (axis + 2) % 3


@inlined
def set_identity(m, r):
    """m[r] = the map that changes nothing."""
    for k in range(12):
        m[r, k] = 0.0
    m[r, 1] = m[r, 6] = m[r, 11] = 1.0


@inlined
def copy(m, r, result, s):
    """result[s] = m[r]."""
    for k in range(12):
        result[s, k] = m[r, k]


@inlined
def rotate(m, r, axis, c, s):
    """m[r] = rotation about an axis after m[r], by the angle of cosine c and sine s."""
    i, j = plane(axis)
    i, j = 4 * (i - 1), 4 * (j - 1)
    for k in range(4):
        a, b = m[r, i + k], m[r, j + k]
        m[r, i + k] = c * a - s * b
        m[r, j + k] = s * a + c * b


@inlined
def compose(k, s, m, r):
    """m[r] = k[s, 0] after m[r]."""
    for j in range(4):
        x, y, z = m[r, j], m[r, 4 + j], m[r, 8 + j]
        for i in range(0, 12, 4):
            m[r, i + j] = k[s, 0, i + 1] * x + k[s, 0, i + 2] * y + k[s, 0, i + 3] * z
    for i in range(0, 12, 4):
        m[r, i] += k[s, 0, i]


@inlined
def relax(m, r, across, along):
    """m[r] = relaxation to |0> after m[r]: X, Y times across, Z times along plus 1 - along."""
    for j in range(4):
        m[r, j] *= across
        m[r, 4 + j] *= across
        m[r, 8 + j] *= along
    m[r, 8] += 1.0 - along


@part
def invert(m, r, result, s):
    """result[s] = inverse of m[r] (adjugate over determinant of its 3 x 3 part)."""
    a, b, c = m[r, 1], m[r, 2], m[r, 3]
    d, e, f = m[r, 5], m[r, 6], m[r, 7]
    g, h, i = m[r, 9], m[r, 10], m[r, 11]
    scale = 1.0 / (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
    result[s, 1] = (e * i - f * h) * scale
    result[s, 2] = (c * h - b * i) * scale
    result[s, 3] = (b * f - c * e) * scale
    result[s, 5] = (f * g - d * i) * scale
    result[s, 6] = (a * i - c * g) * scale
    result[s, 7] = (c * d - a * f) * scale
    result[s, 9] = (d * h - e * g) * scale
    result[s, 10] = (b * g - a * h) * scale
    result[s, 11] = (a * e - b * d) * scale
    for k in range(0, 12, 4):
        result[s, k] = -(
            result[s, k + 1] * m[r, 0] + result[s, k + 2] * m[r, 4] + result[s, k + 3] * m[r, 8]
        )


@inlined
def slope(f, r, axis):
    """Derivative of the energy in the angle of a rotation whose environment behind it is f[r]."""
    i, j = plane(axis)
    return f[r, 4 * (j - 1) + i] - f[r, 4 * (i - 1) + j]


@inlined
def unrotate(f, r, axis, c, s):
    """f[r] = the environment before a rotation, of the one behind it: K^T f K^-T."""
    i, j = plane(axis)
    a, b = 4 * (i - 1), 4 * (j - 1)
    for k in range(4):
        x, y = f[r, a + k], f[r, b + k]
        f[r, a + k] = c * x + s * y
        f[r, b + k] = c * y - s * x
    for k in range(0, 12, 4):
        x, y = f[r, k + i], f[r, k + j]
        f[r, k + i] = c * x + s * y
        f[r, k + j] = c * y - s * x


@part
def unapply(f, r, k, s):
    """f[r] = the environment before map k[s, 0] with inverse k[s, 1], of the one behind it."""
    for j in range(4):
        x, y, z = f[r, j], f[r, 4 + j], f[r, 8 + j]
        for i in range(3):
            f[r, 4 * i + j] = k[s, 0, 1 + i] * x + k[s, 0, 5 + i] * y + k[s, 0, 9 + i] * z
    for a in range(0, 12, 4):
        one, x, y, z = f[r, a], f[r, a + 1], f[r, a + 2], f[r, a + 3]
        for j in range(3):
            f[r, a + 1 + j] = (
                k[s, 1, 4 * j] * one
                + k[s, 1, 4 * j + 1] * x
                + k[s, 1, 4 * j + 2] * y
                + k[s, 1, 4 * j + 3] * z
            )


@inlined
def unrelax(f, r, across, along):
    """f[r] = the environment before a relaxation, of the one behind it."""
    for j in range(4):
        f[r, j] *= across
        f[r, 4 + j] *= across
        f[r, 8 + j] *= along
    for k in range(0, 12, 4):
        f[r, k + 1] /= across
        f[r, k + 2] /= across
        f[r, k + 3] = (f[r, k + 3] - (1.0 - along) * f[r, k]) / along
