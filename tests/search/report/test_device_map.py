"""The device map: every qubit and edge once, on its lattice, holes drawn as holes."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from qas import load_device
from qas.device import Device
from search.report import device_map
from search.report.lattice import dead_pairs, places


def marks(drawing: str, class_: str) -> int:
    elements = ElementTree.fromstring(drawing).iter()
    return sum(class_ in (item.get("class") or "").split() for item in elements)


@pytest.mark.parametrize("name", ["FakeManilaV2", "FakeTorino", "FakeSherbrooke", "FakeFez"])
def test_known_lattices_have_edges_of_one_length(name: str) -> None:
    device = load_device(name)
    spots = places(device, (0,))
    assert len(set(spots.values())) == device.n_qubits
    for a, b in (*device.couplings, *dead_pairs(device)):
        assert abs(spots[a][0] - spots[b][0]) + abs(spots[a][1] - spots[b][1]) == 1


@pytest.mark.parametrize("name", ["FakeGuadalupeV2", "FakeYorktownV2", "FakeSingaporeV2"])
def test_other_chips_are_laid_out_by_springs(name: str) -> None:
    device = load_device(name)
    spots = places(device, (0,))
    assert spots == places(device, (3,))
    distances = [
        (spots[a][0] - spots[b][0]) ** 2 + (spots[a][1] - spots[b][1]) ** 2
        for a in spots
        for b in spots
        if a < b
    ]
    assert min(distances) > 0.3


@pytest.mark.parametrize("name", ["FakeManilaV2", "FakeTorino"])
def test_everything_is_drawn_once(name: str) -> None:
    device = load_device(name)
    drawing = device_map.draw(device, device.best_patch(3))
    assert drawing is not None
    assert marks(drawing, "qubit") == len(device.available_qubits)
    assert marks(drawing, "edge") == len(device_map.pairs(device))
    assert marks(drawing, "dead-edge") == len(dead_pairs(device))
    assert marks(drawing, "ring") == 3
    assert marks(drawing, "used-edge") == 2


def test_unavailable_qubit_is_hollow() -> None:
    content = json.loads(load_device("FakeManilaV2").to_json())
    content["qubits"][2]["t1"] = None
    device = Device.from_json(json.dumps(content))
    drawing = device_map.draw(device, (0, 1))
    assert drawing is not None
    assert marks(drawing, "dead-qubit") == 1
    assert marks(drawing, "qubit") == 4


def test_patch_keeps_the_chips_numbers() -> None:
    drawing = device_map.draw(load_device("FakeTorino").patch([60, 61, 62]), (1,))
    assert drawing is not None
    names = [e.text for e in ElementTree.fromstring(drawing).iter() if e.text]
    assert {"60", "61", "62"} <= set(names)


def test_ideal_device_has_no_map() -> None:
    assert device_map.draw(load_device("ideal"), (0, 1)) is None
