"""Scores of one-gate insertions on state vectors: what must be run, and running it.

Every gate on one qubit that turns about X, Y or Z, by a free or a fixed angle, is known from one
probe, the Pauli matrix itself; any other gate is its own probe. Gates that differ by nothing but
a phase, such as cz either way round, share one. See `qas.execute.state_insertion`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, Gate
from qas.execute import state_insertion as kernel
from qas.execute.octet import aligned
from qas.execute.share import frozen
from qas.execute.state_kernel import make_work
from qas.execute.state_observable import SignRows

_NUMBER = {name: number for number, name in enumerate(GATE_NAMES)}
_PAULI = {"rx": "x", "ry": "y", "rz": "z"}
_TURN = {
    "x": ("x", math.pi),
    "sx": ("x", math.pi / 2),
    "sxdg": ("x", -math.pi / 2),
    "y": ("y", math.pi),
    "z": ("z", math.pi),
    "s": ("z", math.pi / 2),
    "sdg": ("z", -math.pi / 2),
    "t": ("z", math.pi / 4),
    "tdg": ("z", -math.pi / 4),
}
CACHE = 2**15
"""Floats of the states that are run side by side: they stay in a core's cache."""
MOST = 64
"""States side by side beyond which little is gained: those that join late run idle."""
FLAT = 1e-13
"""Amplitude, in units of the sum of the observable's |c_k|, that is rounding."""


class Probes(NamedTuple):
    """What scores a choice of gates."""

    probes: NDArray[np.int16]
    """Rows (number in `GATE_NAMES`, qubit, second qubit or -1), each once; shape (probes, 3)."""
    probe: NDArray[np.int64]
    """The row of each gate's probe, shape (gates,)."""
    turn: NDArray[np.float64]
    """Radians: its turn about the probe's axis, NaN where it is free, pi for the probe itself."""
    angle: NDArray[np.float64]
    """Its own fixed angle, radians; 0 where it has none."""


def probes_of(gates: Sequence[Gate]) -> Probes:
    """The probes that score ``gates``."""
    rows: dict[tuple[int, int, int], int] = {}
    probe, turn = [], []
    for gate in gates:
        row, angle = _row_and_turn(gate)
        probe.append(rows.setdefault(row, len(rows)))
        turn.append(angle)
    return Probes(
        frozen(np.array(list(rows), dtype=np.int16).reshape(-1, 3)),
        np.array(probe, dtype=np.int64),
        np.array(turn, dtype=np.float64),
        np.array([gate.angle or 0.0 for gate in gates], dtype=np.float64),
    )


def _row_and_turn(gate: Gate) -> tuple[tuple[int, int, int], float]:
    if gate.is_rotation:
        angle = math.nan if gate.angle is None else gate.angle
        return (_NUMBER[_PAULI[gate.name]], gate.qubits[0], -1), angle
    if gate.name in _TURN:
        name, angle = _TURN[gate.name]
        return (_NUMBER[name], gate.qubits[0], -1), angle
    first, second = (*gate.qubits, -1)[:2]
    if gate.name in ("cz", "swap"):
        first, second = sorted(gate.qubits)
    return (_NUMBER[gate.name], first, second), math.pi


def score(
    gates: NDArray[np.int16],
    angles: NDArray[np.float64],
    n_qubits: int,
    rows: SignRows,
    tried: Probes,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Energy, angle and freshness of every child, shape (G + 1, children); see `Neighbours`.

    Args:
        gates: the parent, shape (G, 3).
        angles: of its rotations, radians, shape (G,).
        n_qubits: number of qubits.
        rows: the observable.
        tried: what is put at each position.
    """
    n_gates, probes = len(gates), tried.probes
    place = np.empty((n_gates + 1, len(probes)), dtype=np.int64)
    at, which = np.empty(place.size, dtype=np.int64), np.empty(place.size, dtype=np.int64)
    n_places = kernel.find_places(gates, probes, place, at, which)
    at, which = at[:n_places], which[:n_places]

    length = 2**n_qubits * (1 if kernel.stays_real(gates, rows, probes) else 2)
    work = make_work(n_qubits, n_gates)
    slopes, turned, unit = np.zeros(n_places), np.empty(n_places), side_by_side(length, n_places)
    parent = gates, angles, frozen(np.full(n_gates, -1)), n_qubits, rows, probes, at, which
    spare = work.vectors[: 2 * length], work.scratch, work.turns
    here = kernel.measure_slopes(*parent, slopes, *spare)
    columns, found, turns = aligned(unit * length), np.empty(unit), np.empty((len(probes), 2))
    kernel.run_probes(*parent, turned, *spare, turns, columns, found)
    energies = np.empty((n_gates + 1, len(tried.probe)))
    best = np.repeat(tried.angle[None], n_gates + 1, axis=0)
    flat = FLAT * float(np.abs(rows.weights).sum())
    lowest, angle = np.empty(n_places), np.empty(n_places)
    kernel.combine(
        here, place, tried.probe, tried.turn, slopes, turned, flat, lowest, angle, energies, best
    )
    moved = place[1:] != place[:-1]
    fresh = np.concatenate([np.ones((1, len(probes)), dtype=bool), moved])[:, tried.probe]
    return energies, best, fresh


def side_by_side(length: int, n_places: int) -> int:
    """How many states to run at a time: a power of two, 8 at least."""
    unit = 8
    while unit < min(n_places, MOST) and 2 * unit * length <= CACHE:
        unit *= 2
    return unit
