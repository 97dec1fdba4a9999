"""Every way to put a circuit's wires on a chip's qubits, cheapest first.

The wires that two-qubit gates join form a graph; an embedding gives each wire its own qubit so
that joined wires sit on coupled qubits (a subgraph monomorphism). Prices add up: one for each
wire on each qubit, one for each joined pair on each pair of qubits. Connected parts are grown
wire by wire, all partial embeddings at once as rows of an array; a chip of 156 qubits has some
thousands of embeddings of a typical circuit, and where there are more than `WIDTH` the dearest
are cut and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import networkx
import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError

WIDTH = 2**17
"""Partial embeddings kept while a part grows."""
DIGITS = 12
"""Prices that agree to so many decimals are the same: the lower qubits go first."""
NEAR, QUALITY = 1e-9, 1e-11
"""What a wire that costs nothing pays for a qubit away from the others, and for a poor one."""

Reals = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Prices:
    """What it costs to put each wire and each joined pair where; infinite where it cannot stand."""

    pairs: tuple[tuple[int, int], ...]
    """The joined wires, each pair once."""
    wire: Reals
    """Shape (wires, qubits)."""
    pair: Reals
    """Shape (pairs, qubits, qubits): first wire of the pair on the row, second on the column."""
    quality: Reals
    """Shape (qubits,): decides between qubits for a wire without gates, smaller is better."""

    @cached_property
    def coupled(self) -> NDArray[np.bool_]:
        """Shape (qubits, qubits): some pair can stand there."""
        finite: NDArray[np.bool_] = np.asarray(np.isfinite(self.pair).any(axis=0))
        return np.logical_or(finite, finite.T)

    @cached_property
    def graph(self) -> networkx.Graph[int]:
        """The joined wires, and for each of its edges the number of the pair."""
        graph: networkx.Graph[int] = networkx.Graph()
        graph.add_edges_from((a, b, {"pair": k}) for k, (a, b) in enumerate(self.pairs))
        return graph

    def of(self, places: Places) -> Reals:
        """Price of whole embeddings, shape (m,), of places of shape (m, wires)."""
        total = self.wire[np.arange(len(self.wire)), places].sum(axis=1)
        for table, (a, b) in zip(self.pair, self.pairs, strict=True):
            total = total + table[places[:, a], places[:, b]]
        return np.asarray(total)


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Embeddings, cheapest first."""

    places: Places
    """Shape (m, wires): the qubit of each wire."""
    price: Reals
    """Shape (m,)."""
    cut: int
    """Partial or whole embeddings that were left out unexamined; 0: the list is exact."""

    def first(self, many: int) -> Embeddings:
        """The cheapest so many of them."""
        return Embeddings(self.places[:many], self.price[:many], self.cut)


def embeddings(prices: Prices, limit: int = 4096) -> Embeddings:
    """The cheapest embeddings, at most ``limit``.

    Connected parts stand anywhere on the chip. Wires that no pair joins then take, one after the
    other, the cheapest qubit left, those that cost nothing one next to the others where possible.

    Raises:
        InputError: ``limit`` is below 1.
    """
    if limit < 1:
        raise InputError(f"limit is the number of embeddings wanted, from 1; given {limit}")
    n_wires = len(prices.wire)
    places, cost, cut = np.full((1, n_wires), -1), np.zeros(1), 0
    parts = sorted(networkx.connected_components(prices.graph), key=lambda p: (-len(p), min(p)))
    for part in parts:
        found, price, lost = _part(prices, part)
        places, cost, more = _joined(places, cost, found, price, limit)
        cut += lost + more
    cut += max(0, len(places) - limit)
    places = _with_spare(prices, places[:limit])
    cost = prices.of(places)
    order = _cheapest(places, cost, limit)
    return Embeddings(places[order], cost[order], cut)


def _part(prices: Prices, part: set[int]) -> tuple[Places, Reals, int]:
    """Embeddings of one connected part, cheapest first: (rows with -1 elsewhere, prices, cut)."""
    neighbours = _neighbour_table(prices.coupled)
    n_qubits, cut = prices.wire.shape[1], 0
    first, *others = _growth_order(prices.graph, part)
    places = np.full((n_qubits, len(prices.wire)), -1)
    places[:, first] = np.arange(n_qubits)
    cost = prices.wire[first].copy()
    places, cost = places[np.isfinite(cost)], cost[np.isfinite(cost)]
    for wire in others:
        places, cost = _grown(prices, neighbours, places, cost, wire)
        kept = _cheapest(places, cost, WIDTH)
        cut += len(cost) - len(kept)
        places, cost = places[kept], cost[kept]
    kept = _cheapest(places, cost, WIDTH)
    return places[kept], cost[kept], cut


def _growth_order(graph: networkx.Graph[int], part: set[int]) -> list[int]:
    """Wires of a part, each joined to an earlier one, from the one joined to most."""
    first = min(part, key=lambda w: (-graph.degree(w), w))
    return [first, *(wire for _, wire in networkx.bfs_edges(graph, first))]


def _grown(
    prices: Prices, neighbours: Places, places: Places, cost: Reals, wire: int
) -> tuple[Places, Reals]:
    """Every embedding with one more wire, on each free qubit coupled to its joined wires."""
    joined = [w for w in prices.graph[wire] if len(places) and places[0, w] >= 0]
    if not joined:
        return places[:0], cost[:0]
    near = neighbours[places[:, joined[0]]]
    free = (near >= 0) & ~(near[:, :, None] == places[:, None, :]).any(axis=2)
    row, column = np.nonzero(free)
    new = near[row, column]
    total = cost[row] + prices.wire[wire, new]
    for other in joined:
        k = prices.graph.edges[wire, other]["pair"]
        there = places[row, other]
        at = (new, there) if prices.pairs[k][0] == wire else (there, new)
        total = total + prices.pair[(k, *at)]
    good = np.isfinite(total)
    grown = places[row[good]]
    grown[:, wire] = new[good]
    return grown, total[good]


def _joined(
    places: Places, cost: Reals, found: Places, price: Reals, limit: int
) -> tuple[Places, Reals, int]:
    """Embeddings of two sets of wires put together where they share no qubit.

    Without conflicts the cheapest ``limit`` sums of two sorted lists lie at positions with
    (i + 1)(j + 1) <= limit; with room for conflicts sixteen times as many are looked at.
    """
    reach = np.minimum(16 * limit // np.arange(1, len(places) + 1), len(found))
    row = np.repeat(np.arange(len(places)), reach)
    column = np.arange(len(row)) - np.repeat(np.cumsum(reach) - reach, reach)
    cut = len(places) * len(found) - len(row)
    mine, other = places[row], found[column]
    clash = np.zeros(len(row), dtype=np.bool_)
    for a in np.flatnonzero((places >= 0).any(axis=0)):
        for b in np.flatnonzero((found >= 0).any(axis=0)):
            clash |= mine[:, a] == other[:, b]
    both = np.maximum(mine, other)[~clash]
    total = (cost[row] + price[column])[~clash]
    order = _cheapest(both, total, max(limit, WIDTH))
    return both[order], total[order], cut


def _with_spare(prices: Prices, places: Places) -> Places:
    """The wires that no pair joins on free qubits, the one whose place matters most first."""
    n_qubits = prices.wire.shape[1]
    spare = [w for w in range(len(prices.wire)) if w not in prices.graph]
    rank = QUALITY * np.argsort(np.argsort(prices.quality, kind="stable")) / n_qubits
    dear = np.where(np.isfinite(prices.wire), np.abs(prices.wire), 0.0).sum(axis=1)
    places = places.copy()
    for wire in sorted(spare, key=lambda w: (-dear[w], w)):
        taken = np.zeros((len(places), n_qubits), dtype=np.bool_)
        near = np.zeros_like(taken)
        for column in places.T:
            if (column >= 0).all():
                taken[np.arange(len(places)), column] = True
                near |= prices.coupled[column]
        offer = prices.wire[wire] + rank + np.where(near, 0.0, NEAR)
        offer = np.where(taken, np.inf, offer)
        best = offer.argmin(axis=1)
        fits = np.isfinite(offer[np.arange(len(places)), best])
        places[:, wire] = best
        places = places[fits]
    return places


def _cheapest(places: Places, cost: Reals, limit: int) -> NDArray[np.intp]:
    """Rows in order of their price, then of their qubits; at most ``limit``."""
    keys = (*places.T[::-1], np.round(cost, DIGITS))
    return np.lexsort(keys)[:limit]


def _neighbour_table(coupled: NDArray[np.bool_]) -> Places:
    """Neighbours of each qubit, shape (qubits, most), padded with -1."""
    rows = [np.flatnonzero(row) for row in coupled]
    table = np.full((len(rows), max(1, *map(len, rows))), -1)
    for qubit, row in enumerate(rows):
        table[qubit, : len(row)] = row
    return table
