from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qas.device import Device, load, load_device
from qas.errors import InputError

NAMES = ("FakeManilaV2", "FakeLagosV2", "FakeOurenseV2", "FakeEssexV2", "FakeCairoV2")
NAN, INF = float("nan"), float("inf")
HOLES = (None, NAN, INF, -INF, -0.01, -1, 1e300, 10**400, "0.001", "", [])


def files_of(name: str) -> dict[str, Any]:
    folder = load._fake_folders()[name]
    home = load._backends_folder() / folder
    return {
        "props": json.loads((home / f"props_{folder}.json").read_text()),
        "conf": json.loads((home / f"conf_{folder}.json").read_text()),
    }


FILES = {name: files_of(name) for name in NAMES}


def device_of(data: dict[str, Any]) -> Device:
    return Device.from_json(json.dumps(data))


def with_value(name: str, place: tuple[str, int, str], value: object) -> Device:
    """The device with one parameter of ("qubits" | "gates", row, parameter) replaced."""
    data = copy.deepcopy(FILES[name])
    kind, row, parameter = place
    entry = data["props"][kind][row]
    for found in entry["parameters"] if kind == "gates" else entry:
        if found["name"] == parameter:
            found["value"] = value
    return device_of(data)


def gate_row(name: str, gate: str, qubits: list[int]) -> int:
    rows = FILES[name]["props"]["gates"]
    return next(i for i, row in enumerate(rows) if (row["gate"], row["qubits"]) == (gate, qubits))


@pytest.mark.parametrize("value", [*HOLES, 1, 1.5])
def test_an_unusable_gate_error_takes_the_edge_out(value: object) -> None:
    row = gate_row("FakeManilaV2", "cx", [1, 2])
    device = with_value("FakeManilaV2", ("gates", row, "gate_error"), value)
    assert device.gate("cx", (1, 2)) is None
    assert device.gate("cx", (2, 1)) is not None
    assert len(device.gates) == len(load_device("FakeManilaV2").gates) - 1
    assert device.notes[0].startswith("cx(1, 2) is out: error ")


@pytest.mark.parametrize("value", HOLES)
def test_an_unusable_duration_takes_the_edge_out(value: object) -> None:
    row = gate_row("FakeManilaV2", "cx", [1, 2])
    device = with_value("FakeManilaV2", ("gates", row, "gate_length"), value)
    assert device.gate("cx", (1, 2)) is None
    assert device.notes[0].startswith("cx(1, 2) is out: duration ")


@pytest.mark.parametrize("gate", ["rz", "sx", "x"])
@pytest.mark.parametrize("parameter", ["gate_error", "gate_length"])
def test_without_a_one_qubit_gate_the_qubit_is_out(gate: str, parameter: str) -> None:
    row = gate_row("FakeManilaV2", gate, [2])
    device = with_value("FakeManilaV2", ("gates", row, parameter), None)
    assert device.available_qubits == (0, 1, 3, 4)
    assert device.couplings == ((0, 1), (1, 0), (3, 4), (4, 3))
    assert all(2 not in g.qubits for g in device.gates)
    what = "error" if parameter == "gate_error" else "duration"
    assert device.notes == (f"qubit 2 is out: {gate} {what} missing",)


@pytest.mark.parametrize("parameter", ["T1", "T2", "prob_meas0_prep1", "prob_meas1_prep0"])
@pytest.mark.parametrize("value", [*HOLES[1:], True])
def test_an_unusable_qubit_value_takes_the_qubit_out(parameter: str, value: object) -> None:
    device = with_value("FakeManilaV2", ("qubits", 0, parameter), value)
    assert device.available_qubits == (1, 2, 3, 4)
    assert device.notes[0].startswith("qubit 0 is out: ")
    calibration = device.qubits[0]
    assert None in (calibration.t1, calibration.t2, calibration.p01)


@pytest.mark.parametrize("parameter", ["T1", "T2"])
def test_zero_times_take_the_qubit_out(parameter: str) -> None:
    assert 3 not in with_value("FakeManilaV2", ("qubits", 3, parameter), 0).available_qubits


def test_t2_beyond_twice_t1_is_clipped_and_recorded() -> None:
    t1 = load_device("FakeManilaV2").qubits[1].t1
    assert t1 is not None
    device = with_value("FakeManilaV2", ("qubits", 1, "T2"), 3 * t1 * 1e6)
    assert device.qubits[1].t2 == 2 * t1
    assert device.gates == load_device("FakeManilaV2").gates
    assert device.notes[0].startswith("qubit 1: T2 ")
    assert " clipped to 2 T1 = " in device.notes[0]


def test_readout_without_its_two_flips_is_symmetric() -> None:
    data = copy.deepcopy(FILES["FakeManilaV2"])
    flips = ("prob_meas0_prep1", "prob_meas1_prep0")
    data["props"]["qubits"][4] = [p for p in data["props"]["qubits"][4] if p["name"] not in flips]
    reported = next(p for p in data["props"]["qubits"][4] if p["name"] == "readout_error")
    qubit = device_of(data).qubits[4]
    assert (qubit.p01, qubit.p10) == (reported["value"], reported["value"])
    assert device_of(data).notes == ("readout taken as symmetric on qubits 4",)
    reported["value"] = None
    assert device_of(data).available_qubits == (0, 1, 2, 3)


def test_one_flip_alone_is_not_enough() -> None:
    data = copy.deepcopy(FILES["FakeManilaV2"])
    row = data["props"]["qubits"][4]
    data["props"]["qubits"][4] = [p for p in row if p["name"] != "prob_meas0_prep1"]
    assert device_of(data).available_qubits == (0, 1, 2, 3)


@pytest.mark.parametrize("value", [0, False, None, float("nan"), "yes", 2])
def test_marked_as_not_operational(value: object) -> None:
    mark = {"name": "operational", "unit": "", "value": value}
    data = copy.deepcopy(FILES["FakeManilaV2"])
    data["props"]["qubits"][0].append(mark)
    data["props"]["gates"][gate_row("FakeManilaV2", "cx", [2, 3])]["parameters"].append(mark)
    device = device_of(data)
    assert device.available_qubits == (1, 2, 3, 4)
    assert (2, 3) not in device.couplings
    assert (3, 2) in device.couplings


def test_a_listed_gate_without_properties_is_a_hole() -> None:
    data = copy.deepcopy(FILES["FakeManilaV2"])
    del data["props"]["gates"][gate_row("FakeManilaV2", "cx", [0, 1])]
    device = device_of(data)
    assert (0, 1) not in device.couplings
    assert device.notes == ("cx(0, 1) is out: error missing",)


def test_a_pulse_without_time_and_error_is_a_hole() -> None:
    data = copy.deepcopy(FILES["FakeManilaV2"])
    for parameter in data["props"]["gates"][gate_row("FakeManilaV2", "x", [0])]["parameters"]:
        parameter["value"] = 0
    assert device_of(data).notes == ("qubit 0 is out: x error 0 and duration 0",)


def test_an_unknown_unit_is_a_hole() -> None:
    data = copy.deepcopy(FILES["FakeManilaV2"])
    data["props"]["qubits"][0][0]["unit"] = "parsec"
    assert 0 not in device_of(data).available_qubits


def test_known_machines() -> None:
    assert 146 not in load_device("FakeKingston").available_qubits
    kingston = load_device("FakeKingston").notes
    assert any(note.startswith("qubit 146 is out: T1 missing, T2 missing") for note in kingston)
    assert load_device("FakeKyoto").couplings == ()
    assert load_device("FakeHanoiV2").gate("sx", (0,)) is not None
    assert load_device("FakeEssexV2").notes[0].startswith("old basis: rz is u1, sx is u2")
    assert load_device("FakeCairoV2").notes[0] == "cx is left out: ecr covers more edges"


def test_a_saved_device_passes_the_policy_again() -> None:
    data = json.loads(load_device("FakeManilaV2").to_json())
    data["qubits"][0]["t1"] = float("nan")
    data["gates"][0]["error"] = -0.01
    assert data["gates"][0]["name"] == "cx"
    device = device_of(data)
    assert device.available_qubits == (1, 2, 3, 4)
    assert len(device.notes) == 2
    assert Device.from_json(device.to_json()) == device


@pytest.mark.parametrize("basis", [["id", "rz", "sx"], ["rz", "sx", "x"], [], None, ["u3", "cx"]])
def test_an_unfit_basis_is_refused_by_name(basis: object) -> None:
    data = copy.deepcopy(FILES["FakeManilaV2"])
    data["conf"]["basis_gates"] = basis
    with pytest.raises(InputError, match="ibmq_manila"):
        device_of(data)


values = st.one_of(
    st.sampled_from(HOLES),
    st.sampled_from((1.5, 1, 1e30)),
    st.text(max_size=3),
    st.dictionaries(st.text(max_size=1), st.none(), max_size=1),
)


def places(data: dict[str, Any]) -> list[tuple[str, int, int]]:
    qubits, gates = data["props"]["qubits"], data["props"]["gates"]
    spots = [("qubits", i, j) for i, row in enumerate(qubits) for j in range(len(row))]
    for row, gate in enumerate(gates):
        spots += [("gates", row, column) for column in range(len(gate["parameters"]))]
    return spots


def punched(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """The files of a device with holes: values replaced, parameters and gates taken away."""
    data = copy.deepcopy(FILES[name])
    for kind, row, column in draw(st.lists(st.sampled_from(places(data)), max_size=12)):
        entry = data["props"][kind][row]
        row_of = entry["parameters"] if kind == "gates" else entry
        if row_of[column]["name"] in ("T1", "T2") or kind == "gates":
            row_of[column]["value"] = draw(values.filter(lambda v: v not in (1, 1.5)))
        else:
            row_of[column]["value"] = draw(values)
    for kind in ("gates", "qubits"):
        for row in draw(st.lists(st.integers(0, len(data["props"][kind]) - 1), max_size=2)):
            data["props"][kind][row] = {
                "gates": {**data["props"]["gates"][row], "parameters": []},
                "qubits": [],
            }[kind]
    return data


@st.composite
def punched_devices(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    name = draw(st.sampled_from(NAMES))
    return name, punched(draw, name)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(punched_devices())
def test_a_hole_makes_no_gate_available_and_none_better(case: tuple[str, dict[str, Any]]) -> None:
    name, data = case
    whole, holed = load_device(name), device_of(data)
    for gate in holed.gates:
        calibrated = whole.gate(gate.name, gate.qubits)
        assert calibrated is not None
        assert (gate.error, gate.duration) == (calibrated.error, calibrated.duration)
        for qubit in gate.qubits:
            assert holed.qubits[qubit].t1 == whole.qubits[qubit].t1
            assert holed.qubits[qubit].t2 == whole.qubits[qubit].t2
    assert set(holed.available_qubits) <= set(whole.available_qubits)
    assert bool(holed.notes) or holed.gates == whole.gates
    assert Device.from_json(holed.to_json()) == holed


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "value", "gate", "qubits", "unit"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_loading_ends_in_a_device_or_an_input_error(data: st.DataObject) -> None:
    saved = data.draw(st.booleans())
    content = (
        json.loads(load_device("FakeManilaV2").to_json())
        if saved
        else copy.deepcopy(FILES["FakeManilaV2"])
    )
    for _ in range(data.draw(st.integers(1, 3))):
        spot: Any = content
        while True:
            keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
            key = data.draw(st.sampled_from(keys))
            inner = spot[key]
            if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
                spot[key] = data.draw(anything)
                break
            spot = inner
        if not isinstance(content, dict) or not content:
            break
    try:
        device = device_of(content)
    except InputError:
        return
    assert Device.from_json(device.to_json()) == device
