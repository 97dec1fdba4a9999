"""The local stand-in: what it adds to the search's model, measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.device import Device, load_device
from qas.errors import InputError
from qas.execute import NoisySimulator
from qas.execute.chip import hardware_chip, local_chip, parse_backend, with_delays
from qas.execute.runtime import RuntimeBackend
from qas.task import Observable

XX_ZZ = Observable.of(["XXI", "ZZI", "IIZ", "IZZ"], [1.0, 0.7, -0.4, 0.5])


@pytest.fixture(scope="module")
def manila() -> Device:
    return load_device("FakeManilaV2").patch([1, 2, 3])


def waiting_circuit() -> Circuit:
    """Qubit 2 is excited by the first gates and waits while 0 and 1 are busy."""
    circuit = Circuit(3).then("sx", 0).then("sx", 2).then("cx", 1, 2).then("rz", 0)
    for _ in range(6):
        circuit = circuit.then("cx", 0, 1)
    return circuit.then("cx", 1, 2)


def short_lived(device: Device) -> Device:
    """The same gate errors and durations with relaxation times of 8 microseconds."""
    qubits = tuple(replace(q, t1=8e-6, t2=6e-6) for q in device.qubits)
    return replace(device, qubits=qubits)


def test_delays_fill_the_waits_of_a_late_schedule(manila: Device) -> None:
    circuit = Circuit(3).then("sx", 2).then("cx", 0, 1).then("cx", 1, 2).then("x", 0)
    placed = with_delays(circuit, manila)
    waits = [
        (placed.find_bit(item.qubits[0]).index, item.operation.duration)
        for item in placed.data
        if item.operation.name == "delay"
    ]
    x, cx = manila.gate("x", (0,)), manila.gate("cx", (1, 2))
    assert x is not None
    assert cx is not None
    assert waits == [(0, pytest.approx(cx.duration - x.duration))]
    assert [i.operation.name for i in placed.data if i.operation.name != "delay"] == [
        g.name for g in circuit.gates
    ]


@pytest.mark.parametrize(("level", "margin"), [(0, 2e-3), (1, 2e-2)])
def test_idle_decoherence_acts_and_is_what_the_idle_model_says(
    manila: Device, level: int, margin: float
) -> None:
    """Unmitigated and with readout twirling, whose two extra sx pulses are the margin."""
    device, circuit, params = short_lived(manila), waiting_circuit(), [[0.4]]
    exact = {
        idle: NoisySimulator(device, idle=idle, readout=not level).estimate(circuit, XX_ZZ, params)
        for idle in (False, True)
    }
    for idle in (False, True):
        backend = RuntimeBackend(local_chip(device, idle=idle), 60_000, level, seed=1)
        got = backend.estimate(circuit, XX_ZZ, params)
        assert abs(got.mean - exact[idle].mean)[0] < 4 * got.stderr[0] + margin
        assert abs(got.mean - exact[not idle].mean)[0] > 10 * got.stderr[0] + margin


def test_readout_error_is_asymmetric(manila: Device) -> None:
    qubits = tuple(replace(q, p01=0.2, p10=0.02) for q in manila.qubits)
    backend = RuntimeBackend(
        local_chip(replace(manila, qubits=qubits)), 40_000, resilience_level=0, seed=2
    )
    z = Observable.of(["IIZ"], [1.0])
    ground = backend.estimate(Circuit(3), z, [[]])
    excited = backend.estimate(Circuit(3).then("x", 0), z, [[]])
    assert ground.mean[0] == pytest.approx(1 - 2 * 0.02, abs=5e-3)
    assert excited.mean[0] == pytest.approx(-(1 - 2 * 0.2), abs=1e-2)


def test_ideal_device_has_shots_and_nothing_else() -> None:
    device = load_device("ideal").patch([0, 1])
    zz = Observable.of(["ZZ"], [1.0])
    bell = Circuit(2).then("ry", 0, angle=np.pi / 2).then("cx", 0, 1)
    got = RuntimeBackend(local_chip(device), 200, seed=0).estimate(bell, zz, [[]])
    assert got.mean[0] == pytest.approx(1.0)


def test_missing_readout_is_refused(manila: Device) -> None:
    qubits = (replace(manila.qubits[0], p01=None), *manila.qubits[1:])
    with pytest.raises(InputError, match=r"qubit 1 of .* no readout"):
        local_chip(replace(manila, qubits=qubits))


def test_snapshots_of_the_same_chip(manila: Device, tmp_path: Path) -> None:
    day = short_lived(load_device("FakeManilaV2"))
    path = tmp_path / "day.json"
    path.write_text(day.to_json())
    chip = parse_backend(f"local:{path}", manila)
    assert chip.idle == day.patch([1, 2, 3])
    assert chip.name == f"local:{path}"
    path.write_text(manila.to_json())
    assert parse_backend(f"local:{path}", manila).idle == manila
    assert parse_backend("local", manila).idle == manila


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("local:FakeTorino", "does not fit the patch"),
        ("local:FakeBelemV2", r"missing on patch qubits \[\(1, 2\), \(2, 1\)\]"),
        ("local:nosuch", "nosuch"),
        ("local:", "unknown backend"),
        ("aer", "unknown backend 'aer'"),
    ],
)
def test_bad_backends_are_explained(manila: Device, spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_backend(spec, manila)


def test_small_snapshot_is_refused() -> None:
    patch = load_device("FakeGuadalupeV2").patch([12, 13])
    with pytest.raises(InputError, match="5 qubits; the patch stands on"):
        parse_backend("local:FakeManilaV2", patch)


def test_account_errors_name_no_token(manila: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    import qiskit_ibm_runtime

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("token canary-42 is not valid")

    monkeypatch.setattr(qiskit_ibm_runtime, "QiskitRuntimeService", refuse)
    with pytest.raises(InputError) as caught:
        parse_backend("ibm_somewhere", manila)
    assert "canary" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_machine_gets_the_gates_on_its_own_qubits(manila: Device) -> None:
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    patch = load_device("FakeManilaV2").patch([3, 2])
    chip = hardware_chip(FakeManilaV2(), patch)
    placed = chip.place(Circuit(2).then("rz", 0).then("sx", 0).then("cx", 0, 1))
    where = [(i.operation.name, [placed.find_bit(q).index for q in i.qubits]) for i in placed.data]
    assert placed.num_qubits == 5
    assert where == [("rz", [3]), ("sx", [3]), ("cx", [3, 2])]
    assert chip.place_label("ZX") == "IXZII"
    with pytest.raises(InputError, match="has no h"):
        chip.place(Circuit(2).then("h", 0))
    with pytest.raises(InputError, match="the patch stands on"):
        hardware_chip(FakeManilaV2(), load_device("FakeGuadalupeV2").patch([12, 13]))
