"""A classification task: which class a sample belongs to, read from expectation values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit
from qas.circuit.encoder import angle_encoder
from qas.errors import InputError
from qas.task.dataset import Dataset
from qas.task.loss import Loss
from qas.task.observable import Observable
from qas.task.task import check_name

ENCODED = 4
"""Qubits of the usual encoder."""


@dataclass(frozen=True)
class Classifier:
    """Find a circuit that tells the classes of a data set apart.

    Search and training see `observable`, the loss of the training samples; validation samples
    choose between what they found; test samples are for one last figure.
    """

    name: str
    """What people call it; printable, but to be escaped like any text of a stranger's."""
    train: Loss
    valid: Loss
    test: Loss
    class_names: tuple[str, ...]
    """The C classes."""
    reference: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Where the data are from."""

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.class_names) != len(self.train.head):
            raise InputError(
                f"{len(self.train.head)} logits need as many class names; given {self.class_names}"
            )

    @property
    def observable(self) -> Loss:
        """What a circuit shall make small: the loss of the training samples."""
        return self.train

    @property
    def n_qubits(self) -> int:
        """Qubits of the encoder."""
        return self.train.n_qubits

    @property
    def ground_energy(self) -> None:
        """Nobody knows the lowest loss."""
        return None

    @property
    def correlation_energy(self) -> None:
        """Losses have none."""
        return None

    def hf_circuit(self) -> None:
        """There is no Hartree-Fock state."""
        return

    @cached_property
    def id(self) -> str:
        """SHA-256 (hex) of the training samples, encoder and head."""
        return self.train.id

    @classmethod
    def of(cls, data: Dataset, encoder: Circuit | None = None) -> Classifier:
        """The task of a data set, by default with QOC's encoder and head.

        Raises:
            InputError: a number of features without a usual encoder, or of classes without a head.
        """
        chosen = usual_encoder(data.n_features) if encoder is None else encoder
        observables, head = paired_head(chosen.n_qubits, data.n_classes)
        train, valid, test = (
            Loss(chosen, x, y, observables, head)
            for x, y in (
                (data.x_train, data.y_train),
                (data.x_valid, data.y_valid),
                (data.x_test, data.y_test),
            )
        )
        classes = ", ".join(data.class_names)
        text = (
            f"{data.name}: {classes}; {train.n_samples} training, {valid.n_samples} validation, "
            f"{test.n_samples} test samples of {data.n_features} features, {chosen.n_qubits} qubits"
        )
        reference = {"description": text, "dataset": data.id, **data.provenance}
        return cls(data.name, train, valid, test, data.class_names, reference)


def usual_encoder(n_features: int) -> Circuit:
    """QOC's encoder: layers of RY, RZ, RX, RY on 4 qubits, one feature a rotation.

    16 features of an image fill it; 10 of a vowel end half-way through the third layer.

    Raises:
        InputError: more than 16 features.

    >>> usual_encoder(10).depth
    3
    """
    axes = ("ry", "rz", "rx", "ry")
    if not 1 <= n_features <= len(axes) * ENCODED:
        raise InputError(
            f"the usual encoder takes 1 to {len(axes) * ENCODED} features; given {n_features}: "
            "take fewer (pool, or PCA), or give an encoder of your own"
        )
    return angle_encoder(n_features, ENCODED, axes)


def paired_head(
    n_qubits: int, n_classes: int
) -> tuple[tuple[Observable, ...], NDArray[np.float64]]:
    """Z on every qubit, and a head that sums equal runs of neighbouring qubits for each class.

    With 4 qubits: one each for 4 classes, pairs for 2 (QOC, arXiv:2202.13239). Qubits that are
    left over, as one of 4 for 3 classes, count for none.

    Raises:
        InputError: fewer than 2 classes, or more than qubits.

    >>> paired_head(4, 2)[1].tolist()
    [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]
    """
    if not 2 <= n_classes <= n_qubits:
        raise InputError(
            f"2 to {n_qubits} classes are told apart by {n_qubits} qubits; given {n_classes}: take "
            "an encoder on more qubits, or build qas.Loss with a head of your own"
        )
    letters = ["I" * (n_qubits - 1 - q) + "Z" + "I" * q for q in range(n_qubits)]
    observables = tuple(Observable.of([letter], [1.0]) for letter in letters)
    head = np.zeros((n_classes, n_qubits))
    run = n_qubits // n_classes
    head[:, : n_classes * run] = np.repeat(np.eye(n_classes), run, axis=1)
    return observables, head
