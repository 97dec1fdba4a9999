"""Sheets: a native circuit as its two-qubit gates and, between them, runs in five slots.

A run of one-qubit gates is at most rz - pulse - rz - pulse - rz. Slot 2k holds the rz behind k
pulses, slot 2k + 1 the pulse behind them (x or sx); a slot may be empty. Leaving a gate out is
emptying a slot, so that hundreds of edited circuits are one array.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, Population

SLOTS = 5
RZ, X, SX = (GATE_NAMES.index(name) for name in ("rz", "x", "sx"))
CX, CZ = (GATE_NAMES.index(name) for name in ("cx", "cz"))
Integers = NDArray[np.int16]
Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sheet:
    """One native circuit at its angles: K two-qubit gates, R = 2 K + n_qubits runs."""

    n_qubits: int
    pairs: Integers
    """Shape (K, 3): number in `GATE_NAMES` and two qubits, in the order of time."""
    wire: NDArray[np.intp]
    """Shape (R,): the qubit of each run. Runs 2k and 2k + 1 stand before pair k, on its first
    and its second qubit; the last ones, by qubit, end the circuit."""
    gates: Integers
    """Shape (R, 5): gate numbers, -1 where a slot is empty."""
    angles: Reals
    """Shape (R, 5), radians; 0 where there is no rz."""
    free: NDArray[np.bool_]
    """Shape (R, 5)."""

    @classmethod
    def of(cls, native: Population) -> Sheet:
        """The sheet of the one circuit of a population that lowering has written."""
        assert len(native) == 1
        n, rows = native.n_qubits, native.gates[0]
        pairs = rows[rows[:, 2] >= 0]
        wire = np.concatenate([pairs[:, 1:].ravel(), np.arange(n)]).astype(np.intp)
        slots = np.full((len(wire), SLOTS, 3), -1.0)
        slots[:, :, 1:] = 0.0
        # Of each qubit the runs that are still to come, the next one last.
        ahead = [np.flatnonzero(wire == qubit)[::-1].tolist() for qubit in range(n)]
        pulses = [0] * len(wire)
        for (number, a, b), turn, trained in zip(
            rows.tolist(), native.angles[0].tolist(), native.free[0].tolist(), strict=True
        ):
            if number < 0:
                break
            if b >= 0:
                ahead[a].pop()
                ahead[b].pop()
                continue
            run = ahead[a][-1]
            slot = 2 * pulses[run] + (number != RZ)
            pulses[run] += number != RZ
            slots[run, slot] = number, turn, trained
        return cls(
            n, pairs, wire, slots[:, :, 0].astype(np.int16), slots[:, :, 1], slots[:, :, 2] > 0
        )

    @cached_property
    def n_pulses(self) -> NDArray[np.int64]:
        """Pulses of each run, shape (R,)."""
        count: NDArray[np.int64] = (self.gates[:, 1::2] >= 0).sum(axis=1)
        return count

    @cached_property
    def euler(self) -> Reals:
        """Shape (R, 3): angles (λ, θ, φ) with run = rz(φ) ry(θ) rz(λ) up to phase, θ in [0, π]."""
        which = _PULSE[self.gates[:, 1]], _PULSE[self.gates[:, 3]]
        turned = np.einsum("rij,rj->ri", _TURNED[which], self.angles[:, ::2]) + _SHIFT[which]
        lam, theta, phi = turned.T
        theta = theta % (2 * np.pi)
        past = np.where(theta > np.pi, np.pi, 0.0)
        return np.stack([lam + past, np.minimum(theta, 2 * np.pi - theta), phi + past], axis=1)

    @cached_property
    def following(self) -> NDArray[np.intp]:
        """The next run on the same qubit, -1 for the last; shape (R,)."""
        after, latest = [-1] * len(self.wire), [-1] * self.n_qubits
        for run in range(len(self.wire) - 1, -1, -1):
            after[run] = latest[self.wire[run]]
            latest[self.wire[run]] = run
        return np.array(after, dtype=np.intp)

    @property
    def population(self) -> Population:
        """The circuit, alone in a population."""
        return self.circuits(self.gates[None], self.angles[None], self.free[None])

    def with_angles(self, angles: Reals) -> Sheet:
        """The same gates at other angles, shape (1, G), placed as in `population`."""
        k, r = len(self.pairs), len(self.wire)
        there = np.ones(SLOTS * r + k, dtype=np.bool_)
        there[: SLOTS * r] = self.gates.ravel() >= 0
        order = self._order[there[self._order]]
        turns = np.zeros(SLOTS * r + k)
        turns[order] = angles[0, : len(order)]
        return replace(self, angles=turns[: SLOTS * r].reshape(r, SLOTS))

    def circuits(
        self,
        gates: Integers,
        angles: Reals,
        free: NDArray[np.bool_],
        kept: NDArray[np.bool_] | None = None,
    ) -> Population:
        """Circuits of other runs between the same two-qubit gates.

        Args:
            gates: shape (batch, R, 5), like angles and free.
            angles: radians.
            free: which rz are trained.
            kept: shape (batch, K): two-qubit gates that stay; by default all. Without one of
                them runs meet: lower what comes out.
        """
        batch, (k, r) = len(gates), (len(self.pairs), len(self.wire))
        rows = np.full((batch, SLOTS * r + k, 3), -1, dtype=np.int16)
        rows[:, : SLOTS * r, 0] = gates.reshape(batch, -1)
        rows[:, : SLOTS * r, 1] = np.repeat(self.wire, SLOTS)
        rows[:, SLOTS * r :] = self.pairs
        if kept is not None:
            rows[:, SLOTS * r :, 0][~kept] = -1
        turns, trained = np.zeros(rows.shape[:2]), np.zeros(rows.shape[:2], dtype=np.bool_)
        turns[:, : SLOTS * r] = angles.reshape(batch, -1)
        trained[:, : SLOTS * r] = free.reshape(batch, -1)
        order = self._order
        rows, turns, trained = rows[:, order], turns[:, order], trained[:, order]
        return packed(self.n_qubits, rows, turns, trained)

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        """Slots and, numbered behind them, two-qubit gates, in the order of time."""
        k, r = len(self.pairs), len(self.wire)
        runs = np.arange(SLOTS * r)
        between = np.concatenate(
            [runs[: 2 * SLOTS * k].reshape(k, 2 * SLOTS), SLOTS * r + np.arange(k)[:, None]], axis=1
        )
        return np.concatenate([between.ravel(), runs[2 * SLOTS * k :]]).astype(np.intp)


def _tables() -> tuple[Reals, Reals]:
    """λ, θ, φ as a linear map of a run's three rz, and what is added, by its two pulses.

    x = ry(π) rz(π) and sx = rz(-π/2) ry(π/2) rz(π/2) up to phase; an x turns the sign of an rz
    that it passes.
    """
    turned, shift, half = np.zeros((3, 3, 3, 3)), np.zeros((3, 3, 3)), np.pi / 2
    for pulses, maps, added in (
        ((_NO, _NO), ((1, 0, 0), (0, 0, 0), (0, 0, 0)), (0, 0, 0)),
        ((_X, _NO), ((1, 0, 0), (0, 0, 0), (0, 1, 0)), (np.pi, np.pi, 0)),
        ((_SX, _NO), ((1, 0, 0), (0, 0, 0), (0, 1, 0)), (half, half, -half)),
        ((_X, _X), ((1, -1, 1), (0, 0, 0), (0, 0, 0)), (0, 0, 0)),
        ((_X, _SX), ((1, -1, 0), (0, 0, 0), (0, 0, 1)), (-half, half, half)),
        ((_SX, _X), ((1, 0, 0), (0, 0, 0), (0, -1, 1)), (-half, half, half)),
        ((_SX, _SX), ((1, 0, 0), (0, 1, 0), (0, 0, 1)), (0, -np.pi, -np.pi)),
    ):
        turned[pulses], shift[pulses] = maps, added
    return turned, shift


_NO, _X, _SX = range(3)
_PULSE = np.full(len(GATE_NAMES) + 1, _NO)  # the last row is that of -1, an empty slot
_PULSE[X], _PULSE[SX] = _X, _SX
_TURNED, _SHIFT = _tables()


def packed(n_qubits: int, gates: Integers, angles: Reals, free: NDArray[np.bool_]) -> Population:
    """The population of rows with gaps, shape (batch, G, 3): where a number is -1 is no gate."""
    there = gates[:, :, 0] >= 0
    counts = there.sum(axis=1)
    place = np.arange(max(int(counts.max(initial=0)), 1)) < counts[:, None]
    rows, turns = np.full((*place.shape, 3), -1, dtype=np.int16), np.zeros(place.shape)
    trained = np.zeros(place.shape, dtype=np.bool_)
    rows[place], turns[place], trained[place] = gates[there], angles[there], free[there]
    return Population(n_qubits, rows, turns, trained)


def settled(sheet: Sheet, grounded: bool = True) -> Sheet:
    """The same circuit with every rz as late as it goes, and none where it does nothing.

    An rz passes the control of a cx and both qubits of a cz, noise of relaxation and
    depolarizing included, and does nothing to a qubit in |0>.

    Args:
        sheet: at its angles.
        grounded: the circuit begins in |0...0>; behind an encoder it does not.
    """
    gates, angles, free = sheet.gates.copy(), sheet.angles.copy(), sheet.free.copy()
    pairs, away = sheet.pairs.tolist(), [not grounded] * sheet.n_qubits  # away from |0>
    for run, (wire, to) in enumerate(zip(sheet.wire, sheet.following, strict=True)):
        if not away[wire]:
            gates[run, 0], angles[run, 0], free[run, 0] = -1, 0.0, False
        away[wire] |= bool(sheet.n_pulses[run])
        if to < 0:
            continue
        number, control, _ = pairs[run // 2]
        passes = number == CZ or (number == CX and wire == control)
        last = 2 * sheet.n_pulses[run]
        if not passes:
            away[wire] = True
        elif gates[run, last] == RZ:
            angles[to, 0] += angles[run, last]
            free[to, 0] |= free[run, last]
            gates[to, 0] = RZ
            gates[run, last], angles[run, last], free[run, last] = -1, 0.0, False
    return replace(sheet, gates=gates, angles=angles, free=free)
