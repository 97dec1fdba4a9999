"""Embeddings against networkx's subgraph monomorphisms, and what holds of any chip."""

from __future__ import annotations

import time
from itertools import pairwise

import networkx
import numpy as np
import pytest
from networkx.algorithms.isomorphism import GraphMatcher

from qas.device import embedding
from qas.device.embedding import Embeddings, Prices, embeddings
from qas.errors import InputError

GRAPHS = {
    "line": networkx.path_graph(5),
    "ring": networkx.cycle_graph(6),
    "grid": networkx.convert_node_labels_to_integers(networkx.grid_2d_graph(3, 3)),
    "star": networkx.star_graph(4),
}
WIRES = {
    "path": (4, ((1, 0), (0, 3), (2, 3))),
    "fork": (4, ((0, 1), (0, 2), (0, 3))),
    "square": (4, ((0, 1), (1, 2), (2, 3), (0, 3))),
    "two pairs": (4, ((0, 2), (1, 3))),
    "pair and path": (5, ((4, 0), (1, 2), (3, 2))),
}


def random_prices(
    graph: networkx.Graph[int], n_wires: int, pairs: tuple[tuple[int, int], ...], seed: int = 0
) -> Prices:
    """Random prices that differ by direction, as a calibration's may."""
    rng, n = np.random.default_rng(seed), graph.number_of_nodes()
    coupled = networkx.to_numpy_array(graph, nodelist=range(n)) > 0
    pair = np.where(coupled, rng.uniform(-1, 1, (len(pairs), n, n)), np.inf)
    return Prices(pairs, rng.uniform(-1, 1, (n_wires, n)), pair, rng.uniform(size=n))


def monomorphisms(graph: networkx.Graph[int], wires: networkx.Graph[int]) -> set[tuple[int, ...]]:
    """The slow twin: every way to put the wires, each as qubits in the order of the wires."""
    found = GraphMatcher(graph, wires).subgraph_monomorphisms_iter()
    maps = ({wire: qubit for qubit, wire in one.items()} for one in found)
    return {tuple(one[w] for w in sorted(wires)) for one in maps}


def rows(found: Embeddings) -> list[tuple[int, ...]]:
    return [tuple(row) for row in found.places.tolist()]


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
@pytest.mark.parametrize("wires", WIRES.values(), ids=WIRES)
def test_all_monomorphisms_are_found_cheapest_first(graph, wires) -> None:
    n_wires, pairs = wires
    prices = random_prices(graph, n_wires, pairs)
    found = embeddings(prices, 10_000)
    assert found.cut == 0
    assert len(set(rows(found))) == len(found.places)
    assert set(rows(found)) == monomorphisms(graph, networkx.Graph(pairs))
    assert np.allclose(found.price, prices.of(found.places))
    assert all(a <= b + 1e-11 for a, b in pairwise(found.price))


@pytest.mark.parametrize("seed", range(5))
def test_a_shorter_list_is_the_head_of_the_longer(seed: int) -> None:
    prices = random_prices(GRAPHS["grid"], 4, WIRES["two pairs"][1], seed)
    longer = embeddings(prices, 10_000)
    for limit in (1, 7, 30):
        shorter = embeddings(prices, limit)
        assert rows(shorter) == rows(longer)[:limit]
        assert shorter.cut > 0


def test_the_price_does_not_change_when_qubits_are_renamed() -> None:
    prices = random_prices(GRAPHS["grid"], 4, WIRES["path"][1])
    order = np.random.default_rng(3).permutation(9)
    renamed = Prices(
        prices.pairs, prices.wire[:, order], prices.pair[:, order][:, :, order],
        prices.quality[order],
    )  # fmt: skip
    found, again = embeddings(prices), embeddings(renamed)
    assert np.allclose(found.price, again.price)
    assert [tuple(row) for row in order[again.places].tolist()] == rows(found)


def test_wires_without_pairs_take_the_cheapest_free_qubits() -> None:
    prices = random_prices(GRAPHS["grid"], 4, ((0, 1),))
    found = embeddings(prices, 10_000)
    assert len(found.places) == 2 * GRAPHS["grid"].number_of_edges()
    for row in rows(found):
        assert len(set(row)) == 4
        free = set(range(9)) - set(row)
        # The dearer one chooses first: no other single qubit is cheaper for either.
        assert all(prices.wire[2, row[2]] <= prices.wire[2, q] for q in free)
        assert all(prices.wire[3, row[3]] <= prices.wire[3, q] for q in free)


def test_wires_without_gates_stay_next_to_the_others() -> None:
    line = random_prices(networkx.path_graph(8), 4, ((0, 1),))
    wire = line.wire.copy()
    wire[2:] = 0.0
    for row in rows(embeddings(Prices(line.pairs, wire, line.pair, line.quality), 100)):
        assert sorted(row) == list(range(min(row), min(row) + 4))


def test_unavailable_qubits_and_edges_are_never_used() -> None:
    prices = random_prices(GRAPHS["grid"], 4, WIRES["path"][1])
    prices.wire[:, 4] = np.inf
    prices.pair[:, 0, 1] = prices.pair[:, 1, 0] = np.inf
    found = embeddings(prices, 10_000)
    assert len(found.places)
    assert np.isfinite(found.price).all()
    assert not (found.places == 4).any()
    for a, b in prices.pairs:
        assert not {(0, 1), (1, 0)} & set(zip(*found.places[:, [a, b]].T.tolist(), strict=True))


def test_what_does_not_fit_has_no_embedding() -> None:
    assert not len(embeddings(random_prices(GRAPHS["star"], 4, WIRES["path"][1])).places)
    assert not len(embeddings(random_prices(GRAPHS["line"], 6, ((0, 1),))).places)
    with pytest.raises(InputError, match="from 1; given 0"):
        embeddings(random_prices(GRAPHS["line"], 2, ((0, 1),)), 0)


def test_where_there_are_too_many_the_dear_ones_are_cut_and_counted(monkeypatch) -> None:
    prices = random_prices(GRAPHS["grid"], 4, WIRES["path"][1])
    every = embeddings(prices, 10_000)
    monkeypatch.setattr(embedding, "WIDTH", 20)
    few = embeddings(prices, 10_000)
    assert few.cut > 0
    assert set(rows(few)) < set(rows(every))
    assert few.price[0] <= np.quantile(every.price, 0.1)


@pytest.mark.parametrize(
    "pairs",
    [((0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7)), ((0, 1), (2, 3), (4, 5), (6, 7))],
    ids=["path", "pairs"],
)
def test_a_chip_of_156_qubits_takes_seconds(pairs) -> None:
    chip = networkx.grid_2d_graph(12, 13)  # denser than any heavy-hex chip
    prices = random_prices(networkx.convert_node_labels_to_integers(chip), 8, pairs)
    started = time.process_time()
    found = embeddings(prices, 256)
    assert time.process_time() - started < 4
    assert len(found.places) == 256
    assert rows(found) == rows(embeddings(prices, 256))
