"""Layouts that couple different pairs of circuit qubits, so that growth sees every topology.

The *pattern* of a layout is the set of circuit-qubit pairs that it couples. A chip offers a few
shapes (a line, a star, ...) and each shape as many patterns as its qubits can be numbered in
different ways: 16 for four qubits of a heavy-hex chip, hundreds for six. Every pattern comes at
the best-calibrated set of its shape. Where there are more than may be offered, those are taken
that together couple the most triples of pairs: a circuit that joins three pairs finds a layout.
"""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from qas.device.device import Device
from qas.device.patch import FEW, Layout, Scores, connected_sets, is_uniform, layouts

ALL_ORDERS = 6
"""Qubits up to which every numbering of a shape is looked at."""
TRIPLES = 8
"""Qubits up to which triples of pairs are covered; beyond, there are too many: twos are."""
SHAPES = 12
"""Shapes looked at, those of the best sets."""

Marks = NDArray[np.bool_]


def varied_layouts(device: Device, n_qubits: int, limit: int = 48) -> tuple[Layout, ...]:
    """Ordered layouts, every pattern before second-best layouts; best calibration first.

    The first is `qas.device.patch.best_patch`. Devices with few layouts (at most ``limit``, of at
    most four qubits) and ideal ones offer what `qas.device.patch.layouts` does.

    Raises:
        InputError: as `qas.device.patch.layouts`.
    """
    usual = layouts(device, n_qubits, limit + 1)
    complete = len(device.couplings) == device.n_qubits * (device.n_qubits - 1)
    few = not device.is_ideal and n_qubits <= FEW and len(usual) <= limit
    if complete or few:
        return usual[:limit]
    found, marks = _patterns(device, n_qubits, usual[0])
    if len(found) > limit:
        kept = _cover(_together(marks, 3 if n_qubits <= TRIPLES else 2), limit)
        return tuple(found[k] for k in sorted(kept))
    seconds = () if is_uniform(device) else usual
    return tuple(dict.fromkeys([*found, *seconds]))[:limit]


def _patterns(device: Device, n_qubits: int, first: Layout) -> tuple[list[Layout], Marks]:
    """The best layout of each pattern, and which pairs it couples, shape (layouts, pairs)."""
    orders = np.array(_orders(n_qubits))
    rows, columns = np.triu_indices(n_qubits, 1)
    offered, marks = [np.array([first])], [_coupled(device, first)[rows, columns][None]]
    for chosen in _shapes(device, n_qubits):
        coupled = _coupled(device, chosen)
        offered.append(np.array(chosen)[orders])
        marks.append(coupled[orders[:, rows], orders[:, columns]])
    every, pattern = np.concatenate(offered), np.concatenate(marks)
    _, at = np.unique(pattern, axis=0, return_index=True)
    kept = np.sort(at)
    return [tuple(row) for row in every[kept].tolist()], pattern[kept]


def _shapes(device: Device, n_qubits: int) -> list[Layout]:
    """The best-calibrated connected set of each shape, best first."""
    best: dict[bytes, Layout] = {}
    for chosen in connected_sets(device, Scores(device), n_qubits):
        best.setdefault(_shape(_coupled(device, chosen)), chosen)
        if len(best) == SHAPES:
            break
    return list(best.values())


def _shape(coupled: Marks) -> bytes:
    """The numbers of walks of each length from each qubit: alike for graphs of one shape."""
    steps, walks = coupled.astype(np.int64), [np.ones(len(coupled), dtype=np.int64)]
    for _ in coupled:
        walks.append(steps @ walks[-1])
    rows = np.array(walks)
    return rows[:, np.lexsort(rows)].tobytes()


def _coupled(device: Device, layout: Layout) -> Marks:
    """Which of the layout's qubits share an edge, shape (n, n)."""
    return np.array([[b in device.neighbours(a) for b in layout] for a in layout], dtype=np.bool_)


def _orders(n_qubits: int) -> list[tuple[int, ...]]:
    """All orders, or of many qubits the n^2 or so k -> a k + b modulo a prime.

    Among these each qubit follows each other one equally often.
    """
    if n_qubits <= ALL_ORDERS:
        return list(permutations(range(n_qubits)))
    prime = next(p for p in range(n_qubits, 2 * n_qubits) if all(p % k for k in range(2, p)))
    walks = [
        [(a * k + b) % prime for k in range(prime)] for a in range(1, prime) for b in range(prime)
    ]
    return list(dict.fromkeys(tuple(q for q in walk if q < n_qubits) for walk in walks))


def _together(marks: Marks, size: int) -> Marks:
    """Which sets of ``size`` pairs each layout couples all of, shape (layouts, sets)."""
    sets = np.array(list(combinations(range(marks.shape[1]), size))).reshape(-1, size)
    result = np.ones((len(marks), len(sets)), dtype=np.bool_)
    for column in sets.T:
        result &= marks[:, column]
    return result


def _cover(sets: Marks, limit: int) -> list[int]:
    """Rows that together cover the most columns, picked one by one, row 0 first.

    Once no row covers anything new, covering starts afresh.
    """
    kept, left = [0], ~sets[0]
    weights = sets.astype(np.float32)
    while len(kept) < limit:
        gain = weights @ left
        gain[kept] = -1.0
        best = int(gain.argmax())
        if gain[best] == 0 and not left.all():
            left = np.ones_like(left)
            continue
        kept.append(best)
        left &= ~sets[best]
    return kept
