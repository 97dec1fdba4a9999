from __future__ import annotations

import json

import pytest

from qas.device import Device, GateCalibration, QubitCalibration, load_device
from qas.errors import InputError

NAMES = ["FakeManilaV2", "FakeSherbrooke", "FakeTorino", "FakeArmonkV2", "FakeOurenseV2", "ideal"]


@pytest.mark.parametrize("name", NAMES)
def test_json_round_trip_is_identical(name: str) -> None:
    device = load_device(name)
    again = Device.from_json(device.to_json())
    assert again == device
    assert again.to_json() == device.to_json()
    assert again.hash == device.hash
    assert hash(again) == hash(device)


def test_json_is_canonical() -> None:
    text = load_device("FakeKingston").to_json()
    data = json.loads(text)
    assert "NaN" not in text
    assert text == json.dumps(data, sort_keys=True, separators=(",", ":"))


def test_patch_relabels_in_order() -> None:
    device = load_device("FakeManilaV2")
    patch = device.patch([3, 2, 4])
    assert patch.physical_qubits == (3, 2, 4)
    assert patch.couplings == ((0, 1), (0, 2), (1, 0), (2, 0))
    for name, here, there in [("cx", (0, 1), (3, 2)), ("cx", (2, 0), (4, 3)), ("sx", (1,), (2,))]:
        mine, whole = patch.gate(name, here), device.gate(name, there)
        assert mine is not None
        assert whole is not None
        assert (mine.error, mine.duration) == (whole.error, whole.duration)
    assert patch.qubits == tuple(device.qubits[q] for q in (3, 2, 4))


def test_patch_of_a_patch_composes() -> None:
    device = load_device("FakeMumbaiV2")
    outer = device.patch([1, 4, 7, 10])
    assert outer.patch([2, 1]) == device.patch([7, 4])
    assert outer.patch([2, 1]).hash == device.patch([7, 4]).hash


def test_patch_round_trip_keeps_physical_qubits() -> None:
    patch = load_device("FakeTorino").patch([40, 41])
    assert Device.from_json(patch.to_json()) == patch


def test_the_hash_reads_values_and_leaves_notes_out() -> None:
    device = load_device("FakeManilaV2")
    assert device.patch([0, 1]).hash != device.patch([1, 0]).hash
    data = json.loads(device.to_json())
    data["notes"] = ["another wording"]
    assert Device.from_json(json.dumps(data)).hash == device.hash
    data["gates"][0]["error"] *= 1.0001
    assert Device.from_json(json.dumps(data)).hash != device.hash


@pytest.mark.parametrize(
    ("qubits", "says"),
    [
        ([0, 5], "qubit 5 is not on FakeManilaV2, whose qubits are 0 to 4"),
        ([-1], "qubit -1 is not on"),
        ([1, 1], "each qubit once"),
        ([], "at least one qubit"),
        (["a"], "is not a qubit"),
        ([1.0], "is not a qubit"),
        ([True], "is not a qubit"),
    ],
)
def test_a_wrong_patch_is_explained(qubits: list[int], says: str) -> None:
    with pytest.raises(InputError, match=says):
        load_device("FakeManilaV2").patch(qubits)


def test_an_unavailable_qubit_is_named() -> None:
    with pytest.raises(InputError, match=r"\[146\] of FakeKingston are unavailable"):
        load_device("FakeKingston").patch([145, 146])


def test_coupling_errors_name_the_neighbours() -> None:
    device = load_device("FakeManilaV2")
    device.require_coupling(3, 4)
    device.require_coupling(4, 3)
    with pytest.raises(
        InputError,
        match="qubits 3 and 1 share no edge on FakeManilaV2; connected neighbours of 3 are 2, 4",
    ):
        device.require_coupling(3, 1)
    with pytest.raises(InputError, match="qubit 7 is not on"):
        device.require_coupling(3, 7)
    with pytest.raises(InputError, match="neighbours of 0 are none"):
        device.patch([0, 4]).require_coupling(0, 1)


def test_graph_and_couplings_agree() -> None:
    device = load_device("FakeSherbrooke")
    assert set(device.graph.edges) == set(device.couplings)
    assert device.graph.number_of_nodes() == device.n_qubits
    one_way = device.couplings[0]
    assert one_way[::-1] not in device.couplings
    assert one_way[0] in device.neighbours(one_way[1])


@pytest.mark.parametrize(
    ("name", "gate"),
    [("FakeManilaV2", "cx"), ("FakeSherbrooke", "ecr"), ("FakeTorino", "cz"), ("FakeArmonkV2", "")],
)
def test_the_two_qubit_gate(name: str, gate: str) -> None:
    assert load_device(name).two_qubit_gate == gate


def test_a_device_may_be_written_by_hand() -> None:
    device = Device(
        "two", (QubitCalibration(),) * 2, (GateCalibration("cx", (0, 1), 0.0, 0.0),), ("cx",)
    )
    assert device.physical_qubits == (0, 1)
    assert device.couplings == ((0, 1),)
