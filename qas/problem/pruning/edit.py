"""Edits that may make a native circuit shorter or less noisy, as arrays.

- PAIR: a two-qubit gate is left out;
- RUN: a run is written with fewer pulses, at the angles that come closest;
- TURN: an rz is left out;
- FRAME: a pair of X is put before a cx on one wire and one of them is taken through it. The
  runs swallow them, so that this changes neither state nor length, but whether a qubit meets
  the gate near |0> or near |1>, and so what relaxation costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.device import Device
from qas.device.population import lower_population
from qas.problem.pruning.sheet import CX, RZ, SLOTS, SX, Sheet, X, settled

PAIR, RUN, TURN, FRAME = KINDS = range(4)
NOTHING, FLIP, HALF, FULL = range(4)
"""Ways to write a run: rz; x - rz; rz - sx - rz; rz - sx - rz - sx - rz."""
_WAYS = np.array(
    [[RZ, -1, -1, -1, -1], [-1, X, RZ, -1, -1], [RZ, SX, RZ, -1, -1], [RZ, SX, RZ, SX, RZ]],
    dtype=np.int16,
)
_PULSES = np.array([0, 1, 1])
Places = NDArray[np.intp]
Reals = NDArray[np.float64]


class Edits(Protocol):
    """Edits of one circuit, a draft."""

    @property
    def keys(self) -> NDArray[np.int64]:
        """Shape (n_edits, 3): kind, place, and which of several there."""
        ...

    @property
    def touched(self) -> NDArray[np.bool_]:
        """Shape (n_edits, places): edits that touch no place in common can be made together."""
        ...

    def made(self, sets: Sequence[Sequence[int]]) -> Population:
        """The circuit after each set of edits, by their numbers; as it runs."""
        ...

    def draft(self, some: Sequence[int]) -> Draft:
        """The draft after some edits."""
        ...


class Draft(Protocol):
    """A circuit at its angles that knows its edits."""

    @property
    def population(self) -> Population:
        """The circuit alone, as it runs."""
        ...

    def edits(self, kinds: Sequence[int]) -> Edits:
        """Its edits of some kinds."""
        ...

    def at(self, one: Population) -> Draft:
        """The same gates at the angles of a population like `population`."""
        ...

    def other(self, one: Population) -> Draft:
        """The draft of another circuit, alone in a population."""
        ...


@dataclass(frozen=True, eq=False)
class NativeDraft:
    """A circuit in native gates, its rz as late as they go."""

    sheet: Sheet
    device: Device
    """The patch."""
    grounded: bool = True
    """The circuit begins in |0...0>; behind an encoder it does not."""

    @classmethod
    def of(cls, native: Population, device: Device, grounded: bool = True) -> NativeDraft:
        """The draft of the one circuit of a population, written as lowering writes it."""
        sheet = settled(Sheet.of(lower_population(native, device)), grounded)
        return cls(sheet, device, grounded)

    @property
    def population(self) -> Population:
        """See `Draft`."""
        return self.sheet.population

    def at(self, one: Population) -> NativeDraft:
        """See `Draft`."""
        return replace(self, sheet=self.sheet.with_angles(one.angles))

    def other(self, one: Population) -> NativeDraft:
        """See `Draft`."""
        return NativeDraft.of(one, self.device, self.grounded)

    def edits(self, kinds: Sequence[int]) -> NativeEdits:
        """See `Draft`."""
        sheet, writers = self.sheet, (_pairs, _shorter, _turns, _frames)
        parts = [writers[kind](sheet) for kind in kinds]
        keys, gates, angles, touched = zip(*parts, strict=True)
        columns = np.concatenate(keys), np.concatenate(gates), np.concatenate(angles)
        return NativeEdits(self, *columns, np.concatenate(touched))


@dataclass(frozen=True, eq=False)
class NativeEdits:
    """Edits as whole copies of the slots, of which few runs differ."""

    origin: NativeDraft
    keys: NDArray[np.int64]
    gates: NDArray[np.int16]
    """Shape (n_edits, R, 5), like angles."""
    angles: Reals
    touched: NDArray[np.bool_]
    """Shape (n_edits, R + K): runs that differ, then two-qubit gates that are left out."""

    @property
    def sheet(self) -> Sheet:
        """What is edited."""
        return self.origin.sheet

    def made(self, sets: Sequence[Sequence[int]]) -> Population:
        """See `Edits`."""
        gates, angles, free, kept = self._slots(sets)
        made = self.sheet.circuits(gates, angles, free, kept)
        # Where a two-qubit gate is gone runs have met.
        return made if kept.all() else lower_population(made, self.origin.device)

    def draft(self, some: Sequence[int]) -> NativeDraft:
        """See `Edits`."""
        gates, angles, free, kept = self._slots([some])
        if not kept.all():
            return self.origin.other(self.made([some]))
        sheet = replace(self.sheet, gates=gates[0], angles=angles[0], free=free[0])
        return replace(self.origin, sheet=settled(sheet, self.origin.grounded))

    def _slots(
        self, sets: Sequence[Sequence[int]]
    ) -> tuple[NDArray[np.int16], Reals, NDArray[np.bool_], NDArray[np.bool_]]:
        """Gates, angles, which are free, and which two-qubit gates stay, after each set."""
        sheet, count = self.sheet, len(sets)
        if all(len(some) == 1 for some in sets):
            alone = np.array(sets, dtype=np.intp)[:, 0]
            runs, gone = np.split(self.touched[alone], [len(sheet.wire)], axis=1)
            gates = self.gates[alone]
            free = np.where(runs[:, :, None], gates == RZ, sheet.free)
            return gates, self.angles[alone], free, ~gone
        gates = np.repeat(sheet.gates[None], count, axis=0)
        angles = np.repeat(sheet.angles[None], count, axis=0)
        free = np.repeat(sheet.free[None], count, axis=0)
        kept = np.ones((count, len(sheet.pairs)), dtype=np.bool_)
        rows = np.repeat(np.arange(count), [len(some) for some in sets])
        edits = np.array([edit for some in sets for edit in some], dtype=np.intp)
        at, place = np.nonzero(self.touched[edits])
        pair = place >= len(sheet.wire)
        kept[rows[at[pair]], place[pair] - len(sheet.wire)] = False
        row, run, edit = rows[at[~pair]], place[~pair], edits[at[~pair]]
        gates[row, run], angles[row, run] = self.gates[edit, run], self.angles[edit, run]
        free[row, run] = gates[row, run] == RZ
        return gates, angles, free, kept


Part = tuple[NDArray[np.int64], NDArray[np.int16], Reals, NDArray[np.bool_]]
"""Keys, gates, angles and touched of some edits."""


def _copies(sheet: Sheet, kind: int, place: Places, which: Places) -> Part:
    """So many edits that change nothing yet."""
    count, places = len(place), len(sheet.wire) + len(sheet.pairs)
    keys = np.stack([np.full(count, kind), place, which], axis=1)
    gates = np.repeat(sheet.gates[None], count, axis=0)
    angles = np.repeat(sheet.angles[None], count, axis=0)
    return keys, gates, angles, np.zeros((count, places), dtype=np.bool_)


def _pairs(sheet: Sheet) -> Part:
    at = np.arange(len(sheet.pairs))
    part = _copies(sheet, PAIR, at, np.zeros_like(at))
    part[3][at, len(sheet.wire) + at] = True
    return part


def _shorter(sheet: Sheet) -> Part:
    run, way = np.nonzero(sheet.n_pulses[:, None] > _PULSES)
    part, at = _copies(sheet, RUN, run, way), np.arange(len(run))
    gates, angles = spelled(sheet.euler)
    part[1][at, run], part[2][at, run], part[3][at, run] = gates[way], angles[way, run], True
    return part


def _turns(sheet: Sheet) -> Part:
    # Not between two pulses: without it they are one, which is an edit of the run.
    between = (sheet.n_pulses[:, None] == 2) & (np.arange(SLOTS) == 2)
    run, slot = np.nonzero((sheet.gates == RZ) & ~between)
    part, at = _copies(sheet, TURN, run, slot), np.arange(len(run))
    part[1][at, run, slot], part[2][at, run, slot], part[3][at, run] = -1, 0.0, True
    return part


def _frames(sheet: Sheet) -> Part:
    """X behind the run before a cx, and before one run or, from the control, two behind it."""
    cx = np.flatnonzero(sheet.pairs[:, 0] == CX)
    part = _copies(sheet, FRAME, np.repeat(cx, 2), np.tile([0, 1], len(cx)))
    at, own = np.arange(2 * len(cx)), 2 * part[0][:, 1] + part[0][:, 2]
    first, middle, last = sheet.euler.T
    # X rz(φ) ry(θ) rz(λ) = rz(-φ) ry(π - θ) rz(λ + π), and alike from the other side.
    behind = np.stack([first + np.pi, np.pi - middle, -last], axis=1)
    before = np.stack([-first, np.pi - middle, last + np.pi], axis=1)
    ways, after = _ways_with_x(sheet), sheet.following[own]
    for edit, run, euler in (
        (at, own, behind),
        (at, after, before),
        (at[::2], after[1::2], before),
    ):
        gates, angles = spelled(euler)
        part[1][edit, run], part[2][edit, run] = gates[ways[run]], angles[ways[run], run]
        part[3][edit, run] = True
    return part


def _ways_with_x(sheet: Sheet) -> Places:
    """How each run is written with one more X, shape (R,): two pulses do not become three."""
    pulse = sheet.gates[:, 1]
    alone = np.where(pulse == X, NOTHING, np.where(pulse == SX, HALF, FLIP))
    ways: Places = np.where(sheet.n_pulses == 2, FULL, alone)
    return ways


def spelled(euler: Reals) -> tuple[NDArray[np.int16], Reals]:
    """Slots of the four ways to write a run, shape (4, 5), and their angles, shape (4, R, 5).

    Exact where θ is 0, π and π/2 for the first three ways, else as close as they come.

    Args:
        euler: λ, θ, φ of each run, shape (R, 3), θ in [0, π]; see `Sheet.euler`.
    """
    first, _, last = euler.T
    angles = np.zeros((4, len(euler), SLOTS))
    angles[NOTHING, :, 0] = first + last
    angles[FLIP, :, 2] = last - first + np.pi
    angles[HALF, :, 0], angles[HALF, :, 2] = first - np.pi / 2, last + np.pi / 2
    angles[FULL, :, ::2] = euler + np.array([0.0, np.pi, np.pi])
    return _WAYS, angles
