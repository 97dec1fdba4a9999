"""Strengths are what the noise model makes of a calibration."""

from __future__ import annotations

import numpy as np
import pytest

from qas.circuit import fixed_matrix
from qas.device import load_device
from qas.device.noise import average_fidelity, gate_noise, unitary_transfer
from qas.device.strength import EXCHANGED, Strengths, channel

CHIPS = ("FakeManilaV2", "FakeLagosV2", "FakeTorino", "FakeSherbrooke", "FakeKingston")


@pytest.mark.parametrize("name", CHIPS)
def test_parts_give_back_the_gate_and_its_infidelity(name: str) -> None:
    device = load_device(name)
    strengths, gate = Strengths.of(device), device.two_qubit_gate
    ideal = unitary_transfer(fixed_matrix(gate))
    for a, b in device.couplings[::7]:
        noise = gate_noise(device, gate, (a, b))
        made = channel(gate, strengths.pair[:, a, b])
        assert np.allclose(made, noise @ ideal, atol=1e-12)
        infidelity = 1 - average_fidelity(noise)
        assert strengths.pair_infidelity[a, b] == pytest.approx(infidelity, abs=1e-12)


@pytest.mark.parametrize("name", CHIPS)
def test_what_is_not_available_is_infinite(name: str) -> None:
    device = load_device(name)
    strengths = Strengths.of(device)
    assert set(np.flatnonzero(np.isfinite(strengths.pulse))) == set(device.available_qubits)
    either = {*device.couplings, *((b, a) for a, b in device.couplings)}
    for table in (*strengths.pair, strengths.pair_infidelity):
        assert set(zip(*map(list, np.nonzero(np.isfinite(table))), strict=True)) == either


def test_an_edge_of_one_direction_is_read_from_both_ends() -> None:
    device = load_device("FakeSherbrooke")
    strengths = Strengths.of(device)
    a, b = device.couplings[0]
    assert device.gate("ecr", (b, a)) is None
    assert np.array_equal(strengths.pair[:, b, a], strengths.pair[list(EXCHANGED), a, b])


@pytest.mark.parametrize("infidelity", [0.0, 1e-3, 0.1])
def test_a_pulse_has_the_infidelity_that_it_is_told(infidelity: float) -> None:
    ideal = unitary_transfer(fixed_matrix("sx"))
    noise = channel("sx", infidelity) @ np.linalg.inv(ideal)
    assert 1 - average_fidelity(noise) == pytest.approx(infidelity, abs=1e-12)
