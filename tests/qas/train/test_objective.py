"""Objectives: batches by counting, native circuits of encoder and ansatz, deployment."""

from __future__ import annotations

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.device import Device, load_device
from qas.device.schedule import duration
from qas.errors import InputError
from qas.execute import ExactSimulator, NoisySimulator, SampledSimulator
from qas.task import load_task
from qas.task.loss import Loss
from qas.train import Cost, batch, deployed, price, trainable
from qas.train.cost import JOB_SECONDS, READOUT, REPETITION_DELAY


@pytest.mark.parametrize("size", [1, 3, 4, 8])
def test_an_epoch_passes_through_every_sample_once(size: int, loss: Loss) -> None:
    steps = -(-loss.n_samples // size)
    epochs = [
        np.concatenate([batch(loss, size, 5, e * steps + k) for k in range(steps)])
        for e in range(3)
    ]
    for order in epochs:
        np.testing.assert_array_equal(np.sort(order), np.arange(loss.n_samples))
    assert (size == 8) == (epochs[0].tolist() == epochs[1].tolist())
    np.testing.assert_array_equal(batch(loss, size, 5, 1), batch(loss, size, 5, 1))
    assert batch(loss, None, 5, 7).tolist() == list(range(loss.n_samples))


def test_the_native_circuit_keeps_the_angles_of_the_ansatz(patch: Device, loss: Loss) -> None:
    """One native angle for each of the ansatz's, and the same expectation values."""
    ansatz = Circuit(3).then("rzz", 0, 1).then("rzz", 1, 2).then("ry", 0).then("ry", 1)
    native = trainable(loss, ansatz, patch)
    assert (native.n_params, native.n_inputs) == (4, loss.encoder.n_inputs)
    params = np.array([0.3, -0.5, 1.1, 0.7])
    angles = patch.lowering(ansatz, apart=True).angles(params)
    exact, plain = ExactSimulator(), loss.encoder.append(ansatz)
    np.testing.assert_allclose(
        exact.estimate(native, loss.observables, angles, loss.inputs).mean,
        exact.estimate(plain, loss.observables, params, loss.inputs).mean,
        atol=1e-12,
    )
    merged = trainable(loss, ansatz, patch, apart=False)
    assert merged.n_params == patch.lower(ansatz).n_params > native.n_params
    h2 = load_task("h2").observable
    ready = Circuit(2).then("rz", 0).then("cx", 0, 1)
    assert trainable(h2, ready, load_device("FakeManilaV2"), [1, 2]) == ready


def test_deployment_measures_all_samples_once(
    circuit: Circuit, loss: Loss, exact: NoisySimulator, sampled: SampledSimulator
) -> None:
    params = np.linspace(-1, 1, circuit.n_params)
    found = deployed(exact, circuit, loss, params)
    values = exact.estimate(circuit, loss.observables, params, loss.inputs).mean
    assert (found.loss, found.accuracy) == (loss.of(values), loss.accuracy(values))
    assert found.cost == Cost(loss.n_samples, 0, 1, 0.0)
    assert found.confusion.sum(axis=1).tolist() == np.bincount(loss.labels).tolist()
    assert np.trace(found.confusion) == round(found.accuracy * loss.n_samples)
    noisy = deployed(sampled, circuit, loss, params, shots=512, seed=1)
    assert noisy.cost.shots == 512 * loss.n_samples
    assert noisy.loss != deployed(sampled, circuit, loss, params, shots=512, seed=2).loss
    clean = deployed(sampled, circuit, loss, params, shots=100_000, mitigate=True)
    faulty = deployed(sampled, circuit, loss, params, shots=100_000)
    assert abs(clean.loss - found.loss) < abs(faulty.loss - found.loss) / 3
    assert clean.cost.circuits == loss.n_samples + 2


def test_seconds_are_shots_times_their_length_and_jobs(
    circuit: Circuit, loss: Loss, sampled: SampledSimulator, patch: Device
) -> None:
    cost = price(sampled, circuit, loss.observables, 10)
    length = duration(circuit, patch)
    assert 1e-7 < length < 1e-5
    expected = cost.shots * (length + READOUT + REPETITION_DELAY) + JOB_SECONDS
    assert cost.qpu_seconds == pytest.approx(expected, rel=1e-12)
    assert cost + cost == Cost(20, 2 * cost.shots, 2, 2 * cost.qpu_seconds)


def test_what_does_not_fit_is_refused(
    circuit: Circuit, loss: Loss, exact: NoisySimulator, patch: Device
) -> None:
    ansatz = patch.lower(Circuit(3).then("ry", 0), apart=True)
    with pytest.raises(InputError, match="trainable"):
        deployed(exact, ansatz, loss, np.zeros(ansatz.n_params))
    with pytest.raises(InputError, match="3 qubits, the circuit 2"):
        deployed(exact, Circuit(2), loss, [])
    with pytest.raises(InputError, match="no number of shots"):
        deployed(exact, circuit, loss, np.zeros(circuit.n_params), shots=100)
