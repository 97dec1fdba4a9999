"""Two-qubit blocks put into a circuit at their best angles, compiled.

A block is a two-qubit gate followed, on both of its wires, by the same short sequence of gates,
its *dressing*, say rz sx rz sx rz. In the environment of the pair (`qas.execute.environment`) its
energy is a sum over 16 x 16 numbers, so that all of its angles are optimised without another
sweep over the state: one after the other in closed form, a wire at a time, until nothing gains.

A block is tried at every cut: at the start and behind every two-qubit gate on its wires.
"""

from __future__ import annotations

import math
from collections import namedtuple

from qas.compiled import compiled, inlined, part
from qas.execute import affine, environment, neighbour_kernel, pauli_kernel

_lowest, _rotation = environment.lowest, environment.rotation
_read_pair, _touches = neighbour_kernel.read_pair, neighbour_kernel._touches
_run, _undo_pass, _begin_reverse = (
    pauli_kernel.run,
    pauli_kernel.undo_pass,
    pauli_kernel.begin_reverse,
)
_set_identity, _copy = affine.set_identity, affine.copy
_rotate, _compose = affine.rotate, affine.compose

Dressing = namedtuple("Dressing", "codes starts pair suffix place maps angles")
"""What a block is dressed with, and work arrays.

- codes, shape (D,): numbers in `GATE_NAMES` of the gates on each wire.
- starts, shape (S, 2 D): angles to start from, the lower wire's first; 0 where there are none.
- pair, shape (256,); suffix, shape (D + 1, 4, 4); place, shape (16,); maps, shape (3, 12);
  angles, shape (2 D,).
"""
SWEEPS, GAIN = 10, 1e-6
"""At most so many rounds over both wires; fewer where a round gains less (in hartree)."""


@inlined
def _wire_map(channels, dressing, wire, side, out):
    """maps[out] = the dressing of one wire at its angles."""
    _set_identity(dressing.maps, out)
    count = len(dressing.codes)
    for r in range(count):
        if dressing.codes[r] < 3:
            angle = dressing.angles[side * count + r]
            _rotate(dressing.maps, out, dressing.codes[r], math.cos(angle), math.sin(angle))
        else:
            _compose(channels.one, channels.row[dressing.codes[r], wire, wire], dressing.maps, out)


@inlined
def _full(m, r, i, j):
    """Entry of the 4 x 4 matrix of a map."""
    if i == 0:
        return 1.0 if j == 0 else 0.0
    return m[r, 4 * (i - 1) + j]


@part
def _wire_environment(dressing, side, other):
    """suffix[D] = environment of one wire's dressing, the other one's map being maps[other]."""
    own, far = (1, 4) if side == 0 else (4, 1)
    last = dressing.suffix[len(dressing.codes)]
    for i in range(4):
        for k in range(4):
            total = 0.0
            for a in range(4):
                for b in range(4):
                    weight = _full(dressing.maps, other, a, b)
                    total += weight * dressing.pair[16 * (i * own + a * far) + k * own + b * far]
            last[i, k] = total


@part
def _step_back(channels, dressing, wire, side):
    """suffix[r] = K_r^T suffix[r + 1] for every gate of the dressing, the last one first."""
    step = dressing.maps
    for r in range(len(dressing.codes) - 1, -1, -1):
        code = dressing.codes[r]
        if code < 3:
            _set_identity(step, 2)
            angle = dressing.angles[side * len(dressing.codes) + r]
            _rotate(step, 2, code, math.cos(angle), math.sin(angle))
        else:
            _copy(channels.one[channels.row[code, wire, wire]], 0, step, 2)
        for k in range(4):
            for j in range(4):
                total = 0.0
                for i in range(4):
                    total += _full(step, 2, i, k) * dressing.suffix[r + 1, i, j]
                dressing.suffix[r, k, j] = total


@part
def _optimise_wire(channels, dressing, wire, side):
    """Each angle of one wire at its best, in order; returns the energy. maps[side] is renewed."""
    _wire_environment(dressing, side, 1 - side)
    _step_back(channels, dressing, wire, side)
    _set_identity(dressing.maps, side)
    energy, place = 0.0, dressing.place
    for r in range(len(dressing.codes)):
        code = dressing.codes[r]
        if code >= 3:
            _compose(channels.one, channels.row[code, wire, wire], dressing.maps, side)
            continue
        for i in range(4):
            for k in range(4):
                total = 0.0
                for j in range(4):
                    total += dressing.suffix[r + 1, i, j] * _full(dressing.maps, side, k, j)
                place[4 * i + k] = total
        a, cosine, sine = _rotation(place, code)
        energy, angle = _lowest(a, cosine, sine)
        dressing.angles[side * len(dressing.codes) + r] = angle
        _rotate(dressing.maps, side, code, math.cos(angle), math.sin(angle))
    return energy


@part
def _best_block(channels, dressing, e, entry, weight, row, low, high, best):
    """Lowest energy of a dressed gate in a pair's environment; its angles into ``best``."""
    for k in range(256):
        dressing.pair[k] = 0.0
    for m in range(entry.shape[1]):
        if entry[row, m] < 0:
            break
        k, j = entry[row, m] >> 4, entry[row, m] & 15
        for i in range(16):
            dressing.pair[16 * i + k] += weight[row, m] * e[16 * i + j]
    lowest = float("inf")
    for s in range(len(dressing.starts)):
        for k in range(len(dressing.angles)):
            dressing.angles[k] = dressing.starts[s, k]
        _wire_map(channels, dressing, high, 1, 1)
        energy = float("inf")
        for _ in range(SWEEPS):
            before = energy
            _optimise_wire(channels, dressing, low, 0)
            energy = _optimise_wire(channels, dressing, high, 1)
            if not energy < before - GAIN:
                break
        if energy < lowest:
            lowest = energy
            for k in range(len(dressing.angles)):
                best[k] = dressing.angles[k]
    return lowest


@part
def _try_blocks(channels, children, dressing, gates, cut, at, energies, best, work, cuts):
    """Every block on the wires of gate ``cut`` (-1: on all) at the cut behind it."""
    length = len(work.dual)
    for k in range(len(children.pairs)):
        low, high = children.pairs[k, 0], children.pairs[k, 1]
        if cut >= 0 and not (_touches(gates, cut, low) or _touches(gates, cut, high)):
            continue
        _read_pair(channels, gates, cut, low, high, at * length, work, cuts)
        for m in range(children.on_pair.shape[1]):
            c = children.on_pair[k, m]
            if c < 0:
                break
            row = channels.row[children.gates[c, 0], children.gates[c, 1], children.gates[c, 2]]
            energies[cut + 1, c] = _best_block(
                channels, dressing, cuts.pair, children.entry, children.weight, row, low, high,
                best[cut + 1, c],
            )  # fmt: skip


@compiled
def sweep_blocks(
    channels, observable, children, dressing, gates, angles, energies, best, work, cuts
):
    """Energies of every block at every cut of many circuits.

    Args:
        channels, observable, gates, angles, work, cuts: as in `qas.execute.neighbour_kernel`.
        children: their two-qubit gates are those of the blocks.
        dressing: see `Dressing`.
        energies: shape (B, G + 1, C), written where a block was tried.
        best: shape (B, G + 1, C, 2 D), written: the angles.
    """
    for b in range(len(gates)):
        at = _run(channels, gates[b], angles[b], work)
        at = _begin_reverse(channels, observable, work, at)
        for g in range(gates.shape[1] - 1, -2, -1):
            if g >= 0 and gates[b, g, 2] < 0:
                continue
            _try_blocks(
                channels, children, dressing, gates[b], g, at, energies[b], best[b],
                work, cuts,
            )  # fmt: skip
            if g >= 0:
                low, high = min(gates[b, g, 1], gates[b, g, 2]), max(gates[b, g, 1], gates[b, g, 2])
                row = channels.row[gates[b, g, 0], gates[b, g, 1], gates[b, g, 2]]
                at = _undo_pass(channels, work, at, low, high, row)
