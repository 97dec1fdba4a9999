"""Where the qubits of a chip stand when it is drawn."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from statistics import median
from typing import TYPE_CHECKING

from qas.device import Device

if TYPE_CHECKING:
    import networkx

Places = dict[int, tuple[float, float]]
Pair = tuple[int, int]

_DEAD = re.compile(r"\w+\((\d+), (\d+)\) is out:")
MANY = 160  # above it, a chip whose lattice is unknown is drawn only around the used qubits
NEAR = 4


def dead_pairs(device: Device) -> tuple[Pair, ...]:
    """Pairs that the calibration's notes call out and that no gate joins, sorted."""
    alive = {tuple(sorted(pair)) for pair in device.couplings}
    found = set()
    for note in device.notes:
        if match := _DEAD.match(note):
            a, b = sorted((int(match[1][:9]), int(match[2][:9])))
            if b < device.n_qubits and (a, b) not in alive:
                found.add((a, b))
    return tuple(sorted(found))


def places(device: Device, used: tuple[int, ...]) -> Places:
    """Coordinates in units of an edge, y downwards: of the known lattice whose edges fit,
    else by stiff springs (Kamada and Kawai); of unknown large chips only the surroundings of
    the used qubits."""
    pairs = {*(tuple(sorted(p)) for p in device.couplings), *dead_pairs(device)}
    return _on_lattice(device, pairs) or _by_springs(device, pairs, used)


@cache
def _lattices() -> dict[str, list[tuple[float, float]]]:
    """Coordinates of IBM's chips, by kind: those of their published configurations."""
    text = files("search.report").joinpath("coordinates.json").read_text("utf-8")
    return {kind: [(x, y) for x, y in rows] for kind, rows in json.loads(text).items()}


def _on_lattice(device: Device, pairs: set[tuple[int, ...]]) -> Places | None:
    """The first lattice of at least this chip's qubits on which all its edges have length 1."""
    chip = device.physical_qubits
    if not pairs:
        return None
    for spots in _lattices().values():
        if max(chip) >= len(spots) or (chip == tuple(range(len(chip))) and len(chip) < len(spots)):
            continue
        here = {q: spots[chip[q]] for q in range(device.n_qubits)}
        if all(abs(here[a][0] - here[b][0]) + abs(here[a][1] - here[b][1]) == 1 for a, b in pairs):
            return here
    return None


def _by_springs(device: Device, pairs: set[tuple[int, ...]], used: tuple[int, ...]) -> Places:
    import networkx

    graph: networkx.Graph[int] = networkx.Graph()
    graph.add_nodes_from(range(device.n_qubits))
    graph.add_edges_from(pairs)
    if device.n_qubits > MANY:
        near: set[int] = set()
        for qubit in used or (0,):
            near |= set(networkx.single_source_shortest_path_length(graph, qubit, NEAR))
        graph = graph.subgraph(near)
    parts = sorted(networkx.connected_components(graph), key=lambda part: (-len(part), min(part)))
    found: Places = {}
    right = 0.0
    for part in parts:
        here = _lying(_relaxed(graph.subgraph(part), pairs))
        left = min(x for x, _ in here.values())
        found |= {q: (x - left + right, y) for q, (x, y) in here.items()}
        right = max(x for x, _ in found.values()) + 1.0
    return found


def _relaxed(graph: networkx.Graph[int], pairs: set[tuple[int, ...]]) -> Places:
    """Positions with edges of median length 1."""
    import networkx

    if len(graph) == 1:
        return dict.fromkeys(graph, (0.0, 0.0))
    spots = networkx.kamada_kawai_layout(graph)
    lengths = [
        float(((spots[a] - spots[b]) ** 2).sum()) ** 0.5
        for a, b in sorted(pairs)
        if a in spots and b in spots
    ]
    unit = median(lengths)
    return {q: (float(x) / unit, float(y) / unit) for q, (x, y) in spots.items()}


def _lying(spots: Places) -> Places:
    """Turned so that the longest extent lies flat, qubit 0 or its like at the left."""
    import numpy as np

    order = sorted(spots)
    points = np.array([spots[q] for q in order])
    points -= points.mean(axis=0)
    _, axes = np.linalg.eigh(points.T @ points)
    turned = points @ axes[:, ::-1]
    for column in (0, 1):
        if turned[0, column] > 1e-9:
            turned[:, column] *= -1
    rounded = [(round(float(x), 3), round(float(y), 3)) for x, y in turned]
    return dict(zip(order, rounded, strict=True))
