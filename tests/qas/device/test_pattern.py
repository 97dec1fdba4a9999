"""Layouts by what they couple: every pattern first, the best calibration first."""

from __future__ import annotations

import time
from itertools import combinations, permutations

import networkx
import pytest

from qas.device import Device, layouts, load_device
from qas.device.patch import Scores, connected_sets
from qas.device.pattern import varied_layouts

Pattern = frozenset[tuple[int, int]]


def pattern(device: Device, layout: tuple[int, ...]) -> Pattern:
    wires = combinations(range(len(layout)), 2)
    return frozenset((i, j) for i, j in wires if layout[j] in device.neighbours(layout[i]))


def possible(device: Device, n_qubits: int) -> set[Pattern]:
    """The slow twin: every order of every connected set."""
    graph = device.graph.subgraph(device.available_qubits).to_undirected()
    return {
        pattern(device, order)
        for chosen in combinations(sorted(graph), n_qubits)
        if networkx.is_connected(graph.subgraph(chosen))
        for order in permutations(chosen)
    }


@pytest.mark.parametrize("name", ["FakeJakartaV2", "FakeMelbourneV2", "FakeYorktownV2"])
@pytest.mark.parametrize("n_qubits", [2, 3, 4])
def test_up_to_four_qubits_every_pattern_is_offered(name: str, n_qubits: int) -> None:
    device = load_device(name)
    wanted = possible(device, n_qubits)
    offered = varied_layouts(device, n_qubits)
    assert len(set(offered)) == len(offered) <= 48
    assert {pattern(device, layout) for layout in offered} == wanted
    if len(layouts(device, n_qubits, 49)) > 48:
        first = [pattern(device, layout) for layout in offered[: len(wanted)]]
        assert len(set(first)) == len(wanted)


def test_each_pattern_stands_on_the_best_set_of_its_kind() -> None:
    device = load_device("FakeMumbaiV2")
    sets = connected_sets(device, Scores(device), 4)
    best: dict[Pattern, tuple[int, ...]] = {}
    for chosen in sets:
        for order in permutations(chosen):
            best.setdefault(pattern(device, order), chosen)
    offered = varied_layouts(device, 4)
    for layout in offered[: len(best)]:
        assert tuple(sorted(layout)) == best[pattern(device, layout)]
    places = [sets.index(tuple(sorted(layout))) for layout in offered[: len(best)]]
    assert places == sorted(places)


@pytest.mark.parametrize("n_qubits", [1, 2, 3, 4])
def test_small_chips_offer_every_order_as_before(n_qubits: int) -> None:
    device = load_device("FakeManilaV2")
    assert varied_layouts(device, n_qubits) == layouts(device, n_qubits, 48)


@pytest.mark.parametrize("name", ["FakeManilaV2", "FakeMumbaiV2", "FakeSherbrooke"])
@pytest.mark.parametrize("n_qubits", [1, 2, 3, 5])
@pytest.mark.parametrize("limit", [1, 5, 48])
def test_the_best_patch_is_first_and_the_limit_is_kept(
    name: str, n_qubits: int, limit: int
) -> None:
    device = load_device(name)
    offered = varied_layouts(device, n_qubits, limit)
    assert offered[0] == device.best_patch(n_qubits)
    assert len(offered) <= limit
    assert offered == varied_layouts(device, n_qubits, limit)
    for layout in offered:
        assert set(layout) <= set(device.available_qubits)


@pytest.mark.parametrize("name", ["FakeMumbaiV2", "FakeTorino"])
def test_six_qubits_couple_more_triples_of_pairs_than_the_best_orders(name: str) -> None:
    device = load_device(name)

    def triples(offered: tuple[tuple[int, ...], ...]) -> int:
        found = {t for x in offered for t in combinations(sorted(pattern(device, x)), 3)}
        return len(found)

    offered = varied_layouts(device, 6)
    assert len({pattern(device, layout) for layout in offered}) == 48
    assert set().union(*(pattern(device, x) for x in offered)) == set(combinations(range(6), 2))
    assert triples(offered) > 1.3 * triples(layouts(device, 6, 48))


@pytest.mark.parametrize("n_qubits", [6, 8, 12])
def test_a_chip_of_156_qubits_takes_seconds(n_qubits: int) -> None:
    device = load_device("FakeFez")
    started = time.process_time()
    assert len(varied_layouts(device, n_qubits)) == 48
    assert time.process_time() - started < 3


def test_where_all_qubits_are_alike_a_pattern_is_one_layout() -> None:
    for name in ("ideal", "mumbai-medians"):
        assert varied_layouts(load_device(name, n_qubits=6), 5) == ((0, 1, 2, 3, 4),)
    line = load_device("uniform:line,p1=1e-3,p2=1e-2", n_qubits=6)
    offered = varied_layouts(line, 5)
    assert len({pattern(line, layout) for layout in offered}) == len(offered) == 48


def test_a_line_without_noise_offers_each_order_once() -> None:
    line = load_device("ideal:line", n_qubits=4)
    offered = varied_layouts(line, 4, 400)
    assert offered[0] == (0, 1, 2, 3)
    assert len(offered) == 12  # 4! orders, each and its reverse being one pattern
    assert len({pattern(line, layout) for layout in offered}) == 12
