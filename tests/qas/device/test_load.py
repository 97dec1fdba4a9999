from __future__ import annotations

import gzip
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from qas.device import Device, account, device_names, load, load_device
from qas.device.ideal import IDEAL_NAMES
from qas.device.uniform import UNIFORM_NAMES
from qas.errors import InputError

SPELLINGS = ["FakeManilaV2", "fakemanilav2", "FakeManila", "fake_manila", "FAKE_MANILA_V2"]


def files_of(name: str) -> dict[str, Any]:
    folder = load._fake_folders()[name]
    home = load._backends_folder() / folder
    return {
        "props": json.loads((home / f"props_{folder}.json").read_text()),
        "conf": json.loads((home / f"conf_{folder}.json").read_text()),
    }


@pytest.fixture(scope="module")
def fake_classes() -> dict[str, Any]:
    from qiskit_ibm_runtime.fake_provider import FakeProviderForBackendV2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # FakeNighthawk says that it is untypical
        return {type(b).__name__: b for b in FakeProviderForBackendV2().backends()}


def test_every_fake_backend_is_known(fake_classes: dict[str, Any]) -> None:
    assert set(device_names()) == {*fake_classes, *IDEAL_NAMES, *UNIFORM_NAMES}
    assert len(fake_classes) == 68


def target_value(target: Any, name: str, qubits: tuple[int, ...]) -> tuple[float, float] | None:
    properties = target[name].get(qubits) if name in target else None
    return None if properties is None else (properties.error, properties.duration)


@pytest.mark.parametrize(
    "name",
    [
        *("FakeManilaV2", "FakeOurenseV2", "FakeMumbaiV2", "FakeArmonkV2", "FakeSherbrooke"),
        *("FakeTorino", "FakeCairoV2", "FakeBrussels", "FakeEssexV2", "FakeFractionalBackend"),
    ],
)
def test_the_values_are_those_of_the_target(name: str, fake_classes: dict[str, Any]) -> None:
    target = fake_classes[name].target
    device = load_device(name)
    legacy = {"rz": "u1", "sx": "u2", "x": "u3"} if "u2" in target else {}
    for gate in device.gates:
        found = target_value(target, legacy.get(gate.name, gate.name), gate.qubits)
        assert found == (gate.error, gate.duration)
    for qubit in device.available_qubits:
        theirs, mine = target.qubit_properties[qubit], device.qubits[qubit]
        assert mine.t1 == theirs.t1
        assert mine.t2 == min(theirs.t2, 2 * theirs.t1)
    listed = target[device.two_qubit_gate].items() if device.two_qubit_gate else ()
    alive = {
        pair
        for pair, properties in listed
        if properties is not None and properties.error < 1
        if set(pair) <= set(device.available_qubits)
    }
    assert set(device.couplings) == alive
    assert device.dt == target.dt


def test_readout_flips_are_those_of_the_properties(fake_classes: dict[str, Any]) -> None:
    properties = fake_classes["FakeManilaV2"].properties()
    for index, qubit in enumerate(load_device("FakeManilaV2").qubits):
        assert qubit.p01 == properties.qubit_property(index, "prob_meas0_prep1")[0]
        assert qubit.p10 == properties.qubit_property(index, "prob_meas1_prep0")[0]


def test_both_directions_keep_their_own_duration() -> None:
    device = load_device("FakeManilaV2")
    there, back = device.gate("cx", (0, 1)), device.gate("cx", (1, 0))
    assert there is not None
    assert back is not None
    assert there.duration != back.duration


@pytest.mark.parametrize("name", device_names())
def test_every_named_device_loads(name: str) -> None:
    device = load_device(name)
    assert device.name == name
    assert device.available_qubits


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings(spelling: str) -> None:
    assert load_device(spelling) == load_device("FakeManilaV2")


def test_a_device_is_returned_as_it_is() -> None:
    device = load_device("FakeManilaV2")
    assert load_device(device) is device


def test_loading_imports_no_vendor_package() -> None:
    code = (
        "import sys, qas.device as d; d.load_device('FakeTorino'); d.device_names(); "
        "sys.exit(any(m in sys.modules for m in ('qiskit', 'qiskit_ibm_runtime', 'networkx')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("saved", [False, True])
def test_files(tmp_path: Path, zipped: bool, saved: bool) -> None:
    expected = load_device("FakeManilaV2")
    content = (expected.to_json() if saved else json.dumps(files_of("FakeManilaV2"))).encode()
    path = tmp_path / ("device.json.gz" if zipped else "device.json")
    path.write_bytes(gzip.compress(content) if zipped else content)
    for given in (path, str(path)):
        device = load_device(given)
        assert device.gates == expected.gates
        assert device.qubits == expected.qubits
        assert device.calibration_date == expected.calibration_date == "2024-05-27T15:27:23-03:00"
    assert device.name == ("FakeManilaV2" if saved else "ibmq_manila")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\x1f\x8b\x08broken", "cannot be read"),
        (b"[]", "is no device"),
        (b"3", "is no device"),
        (b"{}", "is no device"),
        (b'{"props": {}, "conf": 3}', "is no device"),
        (b'{"props": {}, "conf": {}}', "n_qubits must be"),
        (b'{"props": {}, "conf": {"n_qubits": 2}}', "'qubits' must be a list"),
        (b'{"props": {"qubits": [], "gates": []}, "conf": {"n_qubits": 2}}', "basis gates"),
        (b'{"schema": "other"}', "schema 'qas-device-1'"),
        (b'{"schema": "qas-device-1", "name": "x"}', "'qubits' must be a list"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "device.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        load_device(path)


def test_a_decompression_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MOST_BYTES", 2**20)
    path = tmp_path / "bomb.json.gz"
    path.write_bytes(gzip.compress(b" " * 2**22))
    with pytest.raises(InputError, match="more than 1 MiB"):
        load_device(path)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path, "nowhere.json", "a\0b.json"):
        with pytest.raises(InputError, match="there is no file"):
            load_device(path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("FakeManilla", "did you mean FakeManilaV2"),
        ("manila", "did you mean FakeManilaV2"),
        ("idael", "did you mean ideal"),
        ("", "`qas devices` lists"),
        ("zzz", "`qas devices` lists"),
        ("x" * 5000, "`qas devices` lists"),
    ],
)
def test_an_unknown_name_gets_a_hint(name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        load_device(name)


def test_ideal_devices() -> None:
    device = load_device("ideal", n_qubits=4)
    assert device.is_ideal
    assert device.native == ("rx", "ry", "rz", "cx")
    assert len(device.couplings) == 12
    assert load_device("ideal").n_qubits == 16
    assert load_device("ideal:line").couplings[:3] == ((0, 1), (1, 0), (1, 2))
    for wrong in (0, -1, 65, 2.0, True, "4"):
        with pytest.raises(InputError, match="1 to 64 qubits"):
            load_device("ideal", n_qubits=wrong)  # type: ignore[arg-type]


def test_a_lack_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    load._said.clear()
    with caplog.at_level(logging.WARNING, logger="qas.device"):
        for _ in range(2):
            load_device("FakeTorino")
            load_device("FakeManilaV2")
    assert [r.getMessage() for r in caplog.records] == [
        "FakeTorino (2025-02-26): two-qubit gates unavailable: 22; T2 clipped to 2 T1: 5 "
        "(device.notes lists all)"
    ]


class Service:
    """Answers as QiskitRuntimeService does, with a fake backend."""

    asked: tuple[str, ...] = ()

    def backend(self, name: str) -> Any:
        from qiskit_ibm_runtime.fake_provider import FakeManilaV2

        self.asked = (*self.asked, name)
        if name != "ibm_manila":
            raise RuntimeError("token SECRET")
        return FakeManilaV2()


def test_a_device_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "open_service", lambda _: Service())
    device, expected = load_device("ibm_manila"), load_device("FakeManilaV2")
    assert device.name == "ibm_manila"
    assert device.gates == expected.gates
    assert device.qubits == expected.qubits
    assert device.dt == pytest.approx(expected.dt, rel=1e-12)
    with pytest.raises(InputError, match="no readable device 'ibm_other'") as caught:
        load_device("ibm_other")
    assert "SECRET" not in str(caught.value)


def test_a_simulator_of_the_account_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = SimpleNamespace(properties=lambda: None, configuration=lambda: None)
    service = SimpleNamespace(backend=lambda _: backend)
    monkeypatch.setattr(account, "open_service", lambda _: service)
    with pytest.raises(InputError, match="reports no calibration"):
        load_device("ibm_qasm_simulator")


def test_without_an_account_the_way_to_one_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qiskit_ibm_runtime.accounts import management

    for variable in ("TOKEN", "URL", "CHANNEL", "INSTANCE"):
        monkeypatch.delenv(f"QISKIT_IBM_{variable}", raising=False)
    monkeypatch.setattr(
        management, "_DEFAULT_ACCOUNT_CONFIG_JSON_FILE", str(tmp_path / "none.json")
    )
    for name in (None, "mine"):
        with pytest.raises(InputError, match="QISKIT_IBM_TOKEN"):
            load_device("ibm_fez", account=name)


def test_a_refused_token_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    import qiskit_ibm_runtime

    def refuse(**_: object) -> None:
        raise RuntimeError("token SECRET refused")

    monkeypatch.setattr(qiskit_ibm_runtime, "QiskitRuntimeService", refuse)
    with pytest.raises(InputError, match="could not be opened") as caught:
        load_device("ibm_fez")
    assert "SECRET" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_from_json_reads_both_shapes() -> None:
    assert Device.from_json(json.dumps(files_of("FakeManilaV2"))).name == "ibmq_manila"
    with pytest.raises(InputError, match="not JSON"):
        Device.from_json("device")
