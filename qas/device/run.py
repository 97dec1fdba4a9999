"""Runs: the one-qubit gates of a wire between two two-qubit gates, and their Euler angles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, reduce

import numpy as np
from numpy.typing import NDArray

from qas.circuit import fixed_matrix

_PI = math.pi


@dataclass(frozen=True)
class Turn:
    """A rotation inside a run: by parameter ``source`` of the circuit, or by ``angle``."""

    axis: str
    source: int | None
    angle: float
    data: int | None = None
    """Number of a data input that is added to ``angle``; such a turn merges with no other one."""


def one_turn(turns: list[Turn]) -> list[Turn | str]:
    """rz ... (rx or ry) ... rz as rz - sx - rz - sx - rz, linear in every angle."""
    at = next(i for i, turn in enumerate(turns) if turn.axis != "rz")
    middle = turns[at]
    before, after = (0.0, _PI) if middle.axis == "ry" else (_PI / 2, _PI / 2)
    return [
        *turns[:at],
        Turn("rz", None, before),
        "sx",
        Turn("rz", middle.source, middle.angle, middle.data),
        Turn("rz", None, _PI),
        "sx",
        Turn("rz", None, after),
        *turns[at + 1 :],
    ]


def shortened(run: list[Turn | str]) -> list[Turn | str]:
    """The run with each stretch of gates without angles in its shortest native form."""
    result: list[Turn | str] = []
    stretch: list[str] = []
    for item in (*run, None):
        if isinstance(item, str):
            stretch.append(item)
            continue
        if stretch:
            result += shortest(tuple(stretch))
            stretch = []
        if item is not None:
            result.append(item)
    return result


@cache
def shortest(names: tuple[str, ...]) -> tuple[Turn | str, ...]:
    """rz, rz - sx - rz, x - rz or the full form, whichever the product of the gates needs."""
    if len(names) == 1 and names[0] in ("sx", "x"):
        return names
    unitary: NDArray[np.complex128] = reduce(
        lambda u, name: fixed_matrix(name) @ u, names, np.eye(2, dtype=np.complex128)
    )
    first, middle, last = (_snapped(a) for a in euler_angles(unitary[None])[0])
    theta = _snapped(middle - _PI)
    word: list[Turn | str]
    if abs(theta) < 1e-9:
        word = [Turn("rz", None, _snapped(first + last - _PI))]
    elif abs(abs(theta) - _PI) < 1e-9:
        word = ["x", Turn("rz", None, _snapped(last - first))]
    elif abs(theta - _PI / 2) < 1e-9:
        # Ry(pi/2) = Rz(pi/2) sx Rz(-pi/2) up to phase
        word = [
            Turn("rz", None, _snapped(first - _PI / 2)),
            "sx",
            Turn("rz", None, _snapped(last - _PI / 2)),
        ]
    else:
        turns = [Turn("rz", None, angle) for angle in (first, middle, last)]
        word = [turns[0], "sx", turns[1], "sx", turns[2]]
    return tuple(item for item in word if isinstance(item, str) or abs(item.angle) > 1e-9)


def _snapped(angle: float) -> float:
    """The angle in (-pi, pi], a multiple of pi/4 made exact."""
    angle = -((-float(angle) + _PI) % (2 * _PI) - _PI)
    step = round(angle / (_PI / 4))
    angle = step * _PI / 4 if abs(angle - step * _PI / 4) < 1e-12 * 64 else angle
    return _PI if abs(angle + _PI) < 1e-9 else angle


def run_unitary(run: tuple[Turn | str, ...], params: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Unitary of a run at every row of ``params``, shape (batch, 2, 2)."""
    total = np.broadcast_to(np.eye(2, dtype=np.complex128), (len(params), 2, 2))
    for item in run:
        total = _matrix(item, params) @ total
    return total


def _matrix(item: Turn | str, params: NDArray[np.float64]) -> NDArray[np.complex128]:
    if isinstance(item, str):
        return fixed_matrix(item)
    half = np.full(len(params), item.angle) if item.source is None else params[:, item.source]
    c, s = np.cos(half / 2), np.sin(half / 2)
    pauli = fixed_matrix(item.axis[1])
    result: NDArray[np.complex128] = c[:, None, None] * np.eye(2) - 1j * s[:, None, None] * pauli
    return result


def euler_angles(unitary: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Angles (a, b, c), shape (batch, 3), with U = rz(c) sx rz(b) sx rz(a) up to phase."""
    _, _, across, down = special(unitary).reshape(-1, 4).T
    theta = 2 * np.arctan2(np.abs(across), np.abs(down))
    total = np.where(np.abs(down) > 1e-12, 2 * _phase(down), 0.0)
    gap = np.where(np.abs(across) > 1e-12, 2 * _phase(across), 0.0)
    phi, lam = (total + gap) / 2, (total - gap) / 2
    return np.stack([lam, theta + _PI, phi + _PI], axis=1)


def special(unitary: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """The unitaries, shape (batch, 2, 2), divided by a root of their determinants.

    Two sx or one x make the determinant -1, where the principal root jumps: it is i there,
    whatever side rounding is on. The same holds of the phases of real entries in `_phase`.
    """
    root = np.sqrt(np.linalg.det(unitary))
    root = np.where((root.real < 1e-9) & (root.imag < 0), -root, root)
    result: NDArray[np.complex128] = unitary / root[:, None, None]
    return result


def _phase(values: NDArray[np.complex128]) -> NDArray[np.float64]:
    """The argument in (-pi, pi], pi where it is -pi to rounding."""
    phase = np.angle(values)
    return np.where(phase < 1e-9 - _PI, phase + 2 * _PI, phase)


def euler_slopes(
    run: tuple[Turn | str, ...], params: NDArray[np.float64]
) -> list[tuple[int, NDArray[np.float64]]]:
    """(source, d(a, b, c)/d source), slopes of shape (batch, 3), for every free turn.

    The angular velocity of the whole run equals the axis of the turn carried along by
    what follows it; it is solved for the rates of the three Euler angles.
    """
    _, middle, last = euler_angles(run_unitary(run, params)).T
    theta, phi = middle - _PI, last - _PI
    zero, one = np.zeros_like(phi), np.ones_like(phi)
    axes = np.stack(
        [
            np.stack([np.cos(phi) * np.sin(theta), np.sin(phi) * np.sin(theta), np.cos(theta)], 1),
            np.stack([-np.sin(phi), np.cos(phi), zero], axis=1),
            np.stack([zero, zero, one], axis=1),
        ],
        axis=2,
    )
    inverse = np.linalg.pinv(axes, rcond=1e-9)
    slopes = []
    for at, item in enumerate(run):
        if isinstance(item, Turn) and item.source is not None:
            carried = _carried_axis(item.axis, run_unitary(run[at + 1 :], params))
            slopes.append((item.source, np.einsum("bij,bj->bi", inverse, carried)))
    return slopes


def _carried_axis(axis: str, unitary: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Bloch vector, shape (batch, 3), of U P U^dagger for P = X, Y or Z."""
    turned = unitary @ fixed_matrix(axis[1]) @ unitary.conj().transpose(0, 2, 1)
    parts = [np.einsum("bij,ji->b", turned, fixed_matrix(p)).real / 2 for p in "xyz"]
    return np.stack(parts, axis=1)
