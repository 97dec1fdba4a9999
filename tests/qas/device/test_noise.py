"""Laws of the noise channels: physical, worse with a larger error, never better by a hole."""

from __future__ import annotations

import copy
import gzip
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qas import InputError, load_device
from qas.circuit import fixed_matrix
from qas.device.noise import (
    average_fidelity,
    depolarizing,
    gate_noise,
    readout_transfer,
    relaxation,
    unitary_transfer,
)

DEVICES = ("FakeManilaV2", "FakeTorino", "FakeSherbrooke")


@pytest.mark.parametrize("name", ["sx", "x", "h", "cx", "cz", "ecr"])
def test_unitary_transfer_is_orthogonal(name):
    transfer = unitary_transfer(fixed_matrix(name))
    np.testing.assert_allclose(transfer @ transfer.T, np.eye(len(transfer)), atol=1e-14)


@given(st.floats(1e-6, 1e-3), st.floats(0.05, 2.0), st.floats(0, 1e-4))
def test_relaxation_is_a_semigroup(t1, ratio, time):
    whole = relaxation(t1, ratio * t1, 2 * time)
    half = relaxation(t1, ratio * t1, time)
    np.testing.assert_allclose(half @ half, whole, atol=1e-12)


@pytest.mark.parametrize("name", DEVICES)
def test_average_infidelity_is_the_reported_error(name):
    """Where the error exceeds the thermal limit the channel has exactly the reported error."""
    device = load_device(name)
    checked = 0
    for gate in device.gates[::7]:
        if gate.name == "rz":
            continue
        infidelity = 1 - average_fidelity(gate_noise(device, gate.name, gate.qubits))
        assert infidelity >= gate.error - 1e-12
        pessimistic = gate_noise(device, gate.name, gate.qubits, pessimistic=True)
        assert 1 - average_fidelity(pessimistic) >= infidelity - 1e-12
        checked += infidelity == pytest.approx(gate.error, abs=1e-12)
    assert checked > 0


@given(st.floats(0, 0.4), st.floats(0, 0.4))
def test_infidelity_grows_with_the_error(one, two):
    low, high = sorted((one, two))
    assert average_fidelity(depolarizing(low, 2)) >= average_fidelity(depolarizing(high, 2))


def test_readout_mixes_towards_its_bias():
    device = load_device("FakeManilaV2")
    p01, p10 = device.qubits[0].p01, device.qubits[0].p10
    transfer = readout_transfer(device, 0)
    for z, flips in ((1.0, 1 - 2 * p10), (-1.0, -(1 - 2 * p01))):
        assert (transfer @ [1, 0, 0, z])[3] == pytest.approx(flips)


def hole_in(record, kind, at, value):
    """A copy of a Runtime record with one calibration value replaced."""
    edited = copy.deepcopy(record)
    rows = edited["props"]["gates"] if kind == "gate" else edited["props"]["qubits"]
    row = rows[at % len(rows)]
    values = row["parameters"] if kind == "gate" else row
    values[at % len(values)]["value"] = value
    return edited


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["gate", "qubit"]),
    at=st.integers(0, 10_000),
    value=st.sampled_from([math.nan, None, -0.01, 1.5, math.inf]),
)
def test_a_hole_never_raises_a_fidelity(data_folder_text, kind, at, value):
    whole_record, load = data_folder_text
    whole = load(whole_record)
    try:
        edited = load(hole_in(whole_record, kind, at, value))
    except InputError:
        return
    for gate in edited.gates:
        assert whole.gate(gate.name, gate.qubits) is not None
        after = average_fidelity(gate_noise(edited, gate.name, gate.qubits))
        before = average_fidelity(gate_noise(whole, gate.name, gate.qubits))
        assert after <= before + 1e-12


@pytest.fixture(scope="module", params=["ibmq_manila_2024-05-27", "ibm_perth_2024-05-27"])
def data_folder_text(request, data_folder, tmp_path_factory):
    path = data_folder / "snapshots" / f"{request.param}.json.gz"
    record = json.loads(gzip.decompress(path.read_bytes()))
    folder = tmp_path_factory.mktemp("edited")

    def load(edited):
        target = folder / "edited.json"
        target.write_text(json.dumps(edited))
        return load_device(str(target))

    return record, load
