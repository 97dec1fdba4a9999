"""Readout mitigation: the inverse of what the readout does, on any backend."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qas.circuit import Circuit
from qas.device import Device, load_device
from qas.errors import InputError
from qas.execute import NoisySimulator, SampledSimulator
from qas.task import Observable, load_task
from qas.train import Calibration, Readout, calibrate, mitigated
from qas.train.readout import calibration_price

LIH = load_task("lih-4-1.2").observable


def known(device: Device) -> Calibration:
    """What the calibration data say."""
    rates = [(q.p01 or 0.0, q.p10 or 0.0) for q in device.qubits]
    return Calibration(
        tuple(1 - p01 - p10 for p01, p10 in rates), tuple(p01 - p10 for p01, p10 in rates)
    )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_it_undoes_the_readout_exactly(seed: int) -> None:
    device = load_device("FakeManilaV2").patch([0, 1, 2, 3])
    circuit = Circuit(4)
    for q in range(4):
        circuit = circuit.then("sx", q).then("rz", q).then("sx", q)
    circuit = circuit.then("cx", 0, 1).then("cx", 2, 3).then("sx", 1)
    params = np.random.default_rng(seed).normal(size=4)
    faulty = NoisySimulator(device, readout=True)
    raw = faulty.estimate(circuit, LIH, params).mean[0]
    found = faulty.estimate(circuit, mitigated(LIH, known(device)), params).mean[0]
    truth = NoisySimulator(device).estimate(circuit, LIH, params).mean[0]
    assert found == pytest.approx(truth, abs=1e-12)
    assert abs(raw - truth) > 1e-3


def test_calibration_finds_the_rates_up_to_the_error_of_an_x(patch: Device) -> None:
    backend = NoisySimulator(patch, readout=True)
    found, cost = calibrate(backend, 3, 0, 0)
    truth = known(patch)
    np.testing.assert_allclose(found.slope, truth.slope, atol=2e-3)
    np.testing.assert_allclose(found.offset, truth.offset, atol=2e-3)
    assert cost == calibration_price(backend, 3)
    assert (cost.circuits, cost.jobs) == (2, 2)


def test_calibration_with_shots_costs_two_circuits(sampled: SampledSimulator) -> None:
    found, cost = calibrate(sampled, 3, 1, 0)
    assert (cost.circuits, cost.shots) == (2, 2 * sampled.shots)
    assert cost == calibration_price(sampled, 3)
    np.testing.assert_allclose(found.slope, known(sampled.simulator.device).slope, atol=0.1)
    assert calibrate(sampled, 3, 1, 0)[0] == found
    assert calibrate(sampled, 3, 1, 1)[0] != found


def test_measured_terms_do_not_depend_on_the_readings() -> None:
    """So a price can be known before the calibration is."""
    z = Observable.of(["ZZ", "XI"], [1.0, 0.5])
    unknown = mitigated(z, Calibration.unknown(2))
    faultless = mitigated(z, Calibration((1.0, 1.0), (0.0, 0.0)))
    assert unknown.paulis == faultless.paulis == ("II", "IZ", "XI", "ZI", "ZZ")
    assert faultless.coeffs == pytest.approx([0, 0, 0.5, 0, 1.0], abs=1e-9)


def test_a_readout_that_tells_nothing_is_refused(patch: Device) -> None:
    class Blind(NoisySimulator):
        def estimate(self, *args, **kwargs):
            found = super().estimate(*args, **kwargs)
            return type(found)(found.mean * 0, found.stderr)

    with pytest.raises(InputError, match="tells 0 from 1"):
        calibrate(Blind(patch), 3, 0, 0)
    with pytest.raises(InputError, match="every"):
        Readout(0)
