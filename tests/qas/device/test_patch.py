from __future__ import annotations

import time
from itertools import combinations, pairwise, permutations

import networkx
import pytest

from qas.device import Device, GateCalibration, QubitCalibration, best_patch, layouts, load_device
from qas.device.patch import Scores, connected_sets
from qas.errors import InputError


def connected_subsets(device: Device, n_qubits: int) -> set[tuple[int, ...]]:
    graph = device.graph.subgraph(device.available_qubits).to_undirected()
    return {
        chosen
        for chosen in combinations(sorted(graph), n_qubits)
        if networkx.is_connected(graph.subgraph(chosen))
    }


def tree_score(device: Device, chosen: tuple[int, ...]) -> float:
    """The score by its definition: a maximum spanning tree and the qubits of the set."""
    model = Scores(device)
    graph: networkx.Graph[int] = networkx.Graph()
    for (a, b), score in model.edge.items():
        if a in chosen and b in chosen:
            graph.add_edge(a, b, weight=score)
    tree = networkx.maximum_spanning_edges(graph, data=True)
    return sum(d["weight"] for *_, d in tree) + sum(model.qubit[q] for q in chosen)


@pytest.mark.parametrize("name", ["FakeManilaV2", "FakeYorktownV2", "FakeMelbourneV2"])
@pytest.mark.parametrize("n_qubits", [1, 2, 3, 4, 5])
def test_small_chips_are_searched_exhaustively(name: str, n_qubits: int) -> None:
    device = load_device(name)
    found = connected_sets(device, Scores(device), n_qubits)
    assert set(found) == connected_subsets(device, n_qubits)
    scores = [tree_score(device, chosen) for chosen in found]
    assert all(a >= b - 1e-11 for a, b in pairwise(scores))


@pytest.mark.parametrize("n_qubits", [1, 2, 3, 4])
def test_few_qubits_have_every_order(n_qubits: int) -> None:
    device = load_device("FakeManilaV2")
    expected = {
        order for chosen in connected_subsets(device, n_qubits) for order in permutations(chosen)
    }
    found = layouts(device, n_qubits, 10_000)
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_beyond_four_each_qubit_touches_an_earlier_one() -> None:
    device = load_device("FakeMumbaiV2")
    for order in device.layouts(6, 200):
        for position, qubit in enumerate(order[1:], start=1):
            assert set(order[:position]) & set(device.neighbours(qubit))


@pytest.mark.parametrize("name", ["FakeFez", "FakeNighthawk", "FakeSherbrooke"])
def test_large_chips_take_under_two_seconds(name: str) -> None:
    device = load_device(name)
    start = time.process_time()
    found = device.layouts(8)
    assert time.process_time() - start < 2
    assert len(found) == 64
    assert found == device.layouts(8)


def test_the_best_patch_follows_the_edges() -> None:
    device = load_device("FakeManilaV2")
    for n_qubits in range(2, 6):
        patch = best_patch(device, n_qubits)
        assert patch == device.layouts(n_qubits, 1)[0]
        for a, b in pairwise(patch):
            device.require_coupling(a, b)


def line(errors: list[float]) -> Device:
    """A chip on a line whose edges have these errors and whose qubits are alike."""
    n_qubits = len(errors) + 1
    singles = [
        GateCalibration(g, (q,), 1e-4, 3e-8) for g in ("sx", "x", "rz") for q in range(n_qubits)
    ]
    pairs = [GateCalibration("cz", (q, q + 1), e, 7e-8) for q, e in enumerate(errors)]
    return Device(
        "line",
        (QubitCalibration(1e-4, 1e-4, 0.01, 0.01),) * n_qubits,
        tuple(sorted(singles + pairs)),
        ("rz", "sx", "x", "cz"),
    )


def test_the_best_edges_win() -> None:
    device = line([0.02, 0.001, 0.002, 0.03])
    assert device.best_patch(2) == (1, 2)
    assert device.best_patch(3) == (1, 2, 3)
    assert device.layouts(2)[:4] == ((1, 2), (2, 1), (2, 3), (3, 2))


def test_the_order_of_naming_changes_no_choice() -> None:
    device = load_device("FakeLagosV2")
    order = (3, 6, 0, 2, 5, 1, 4)
    renamed = device.patch(order)
    for n_qubits in range(1, 8):
        best = {order[q] for q in renamed.best_patch(n_qubits)}
        assert best == set(device.best_patch(n_qubits))


def test_dead_qubits_and_edges_are_avoided() -> None:
    device = load_device("FakeKingston")
    alive = set(device.available_qubits)
    for layout in device.layouts(3, 2000):
        assert set(layout) <= alive
        assert device.patch(layout).n_qubits == 3


def test_ideal_devices_have_one_layout() -> None:
    assert load_device("ideal").layouts(5) == ((0, 1, 2, 3, 4),)
    assert load_device("ideal:line").best_patch(3) == (0, 1, 2)
    with pytest.raises(InputError, match="no 17 connected"):
        load_device("ideal").best_patch(17)


@pytest.mark.parametrize(
    ("name", "n_qubits", "says"),
    [
        ("FakeManilaV2", 6, "no 6 connected available qubits, at most 5"),
        ("FakeArmonkV2", 2, "at most 1"),
        ("FakeKyoto", 2, "at most 1"),
        ("FakeManilaV2", 0, "whole number from 1"),
        ("FakeManilaV2", 1.5, "whole number from 1"),
    ],
)
def test_impossible_sizes_are_explained(name: str, n_qubits: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        load_device(name).best_patch(n_qubits)
