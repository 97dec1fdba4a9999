"""Small things to train: a molecule and a four-class data set on four qubits."""

from __future__ import annotations

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.device import Device, load_device
from qas.execute import NoisySimulator, SampledSimulator
from qas.task import Observable
from qas.task.loss import Loss
from qas.train import trainable


def each_z(n: int) -> tuple[Observable, ...]:
    names = ["I" * (n - 1 - q) + "Z" + "I" * q for q in range(n)]
    return tuple(Observable.of([name], [1.0]) for name in names)


def ring(n: int) -> Circuit:
    """One RZZ line and RY layer of QOC."""
    circuit = Circuit(n)
    for q in range(n - 1):
        circuit = circuit.then("rzz", q, q + 1)
    for q in range(n):
        circuit = circuit.then("ry", q)
    return circuit


def classifier(n_qubits: int = 3, n_samples: int = 8, n_classes: int = 3) -> Loss:
    rng = np.random.default_rng(7)
    encoder = Circuit(n_qubits)
    for q in range(n_qubits):
        encoder = encoder.then("ry", q, input=2 * q).then("rz", q, input=2 * q + 1)
    labels = np.arange(n_samples) % n_classes
    inputs = rng.normal(0, 0.4, (n_samples, 2 * n_qubits)) + labels[:, None]
    return Loss(encoder, inputs, labels, each_z(n_qubits), rng.normal(size=(n_classes, n_qubits)))


@pytest.fixture(scope="session")
def patch() -> Device:
    return load_device("FakeManilaV2").patch([0, 1, 2])


@pytest.fixture(scope="session")
def loss() -> Loss:
    return classifier()


@pytest.fixture(scope="session")
def circuit(patch: Device, loss: Loss) -> Circuit:
    """Encoder and ansatz, five angles."""
    return trainable(loss, ring(3), patch)


@pytest.fixture(scope="session")
def exact(patch: Device) -> NoisySimulator:
    return NoisySimulator(patch)


@pytest.fixture(scope="session")
def sampled(patch: Device) -> SampledSimulator:
    return SampledSimulator(NoisySimulator(patch), 256)
