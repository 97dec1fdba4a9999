"""A loss: what a quantum classifier makes of its samples, and how wrong that is.

A sample's features turn the rotations of an encoder; the circuit that is searched for and trained
follows. Expectation values of a few observables, summed to one logit a class, go through softmax
into the cross-entropy (QOC, Wang et al., DAC 2022, arXiv:2202.13239).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, checked_inputs
from qas.errors import InputError
from qas.task.observable import Observable

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Loss:
    """Mean cross-entropy of samples, in nats; equal by content.

    >>> z = Observable.of(["Z"], [1.0])
    >>> flip = Circuit(1).then("ry", 0, input=0)
    >>> two = Loss(flip, np.array([[0.0], [np.pi]]), np.array([0, 1]), (z,), [[1.0], [-1.0]])
    >>> round(float(two.of([[1.0], [-1.0]])), 4)
    0.1269
    """

    encoder: Circuit
    """Turns |0...0> into a sample; every gate that takes data stands here, nothing is free."""
    inputs: Reals
    """Features, shape (n_samples, n_inputs), radians."""
    labels: NDArray[np.int64]
    """Classes 0, 1, ..., shape (n_samples,)."""
    observables: tuple[Observable, ...]
    """What is measured, all in one circuit."""
    head: Reals
    """Shape (n_classes, n_observables): logits = head @ expectation values."""

    def __post_init__(self) -> None:
        given = np.asarray(self.labels)
        if given.dtype.kind not in "iu":
            raise InputError(f"labels are whole numbers; given {given.dtype}")
        copies: dict[str, NDArray[Any]] = {
            "inputs": np.array(checked_inputs(self.encoder, self.inputs, len(self.inputs))),
            "labels": given.astype(np.int64),
            "head": np.array(self.head, dtype=np.float64, order="C"),
        }
        for name, array in copies.items():
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        labels, head, inputs = self.labels, self.head, self.inputs
        if not np.isfinite(head).all():
            raise InputError("the head holds NaN or infinity; give finite numbers")
        if not self.observables:
            raise InputError("a loss needs at least one observable")
        if self.encoder.n_params:
            raise InputError(f"an encoder has no free angles; given {self.encoder.n_params}")
        if labels.shape != (len(inputs),) or not len(labels):
            raise InputError(f"{len(inputs)} samples need as many labels; given {labels.shape}")
        if head.ndim != 2 or head.shape[1] != len(self.observables) or len(head) < 2:
            raise InputError(
                f"a head has a row for each of 2 or more classes and a column for each of "
                f"{len(self.observables)} observables; given shape {head.shape}"
            )
        if labels.min() < 0 or labels.max() >= len(head):
            raise InputError(f"labels are 0..{len(head) - 1}; given {labels.min()}..{labels.max()}")
        if {one.n_qubits for one in self.observables} != {self.encoder.n_qubits}:
            raise InputError("encoder and observables need the same number of qubits")

    @property
    def n_qubits(self) -> int:
        """Qubits of encoder and observables."""
        return self.encoder.n_qubits

    @property
    def n_samples(self) -> int:
        """Samples that the mean is over."""
        return len(self.labels)

    @property
    def price(self) -> int:
        """Evaluations that one value of the loss costs: one for each sample."""
        return self.n_samples

    @cached_property
    def n_groups(self) -> int:
        """Circuits that measure the observables of one sample."""
        return Observable.union(self.observables).n_groups

    def bound(self) -> float:
        """A value that the loss never exceeds, nats."""
        largest = np.abs(self.head) @ np.array([one.bound() for one in self.observables])
        return float(2 * largest.max() + np.log(len(self.head)))

    def logits(self, values: ArrayLike) -> Reals:
        """Shape (..., n_classes), of expectation values (..., n_observables)."""
        found: Reals = np.asarray(values, dtype=np.float64) @ self.head.T
        return found

    def per_sample(self, values: ArrayLike) -> tuple[Reals, Reals]:
        """Each sample's cross-entropy and its slope in each expectation value.

        -log softmax(logits)[label] and (softmax(logits) - onehot(label)) @ head.

        Args:
            values: expectation values, shape (n_samples, n_observables).

        Returns:
            Shapes (n_samples,) in nats, and (n_samples, n_observables).
        """
        logits = self.logits(values)
        rows = np.arange(self.n_samples)
        logits = logits - logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits).sum(axis=1))
        weights = np.exp(logits - total[:, None])
        weights[rows, self.labels] -= 1.0
        return total - logits[rows, self.labels], weights @ self.head

    def of(self, values: ArrayLike) -> float:
        """The mean cross-entropy, nats, of expectation values (n_samples, n_observables)."""
        return float(self.per_sample(values)[0].mean())

    def predicted(self, values: ArrayLike) -> NDArray[np.int64]:
        """The likeliest class of each sample, shape (n_samples,)."""
        return np.asarray(self.logits(values).argmax(axis=-1), dtype=np.int64)

    def accuracy(self, values: ArrayLike) -> float:
        """Share of samples whose likeliest class is their label."""
        return float((self.predicted(values) == self.labels).mean())

    def confusion(self, values: ArrayLike) -> NDArray[np.int64]:
        """How many samples of each class (row) were taken for each class (column)."""
        counts = np.zeros((len(self.head), len(self.head)), dtype=np.int64)
        np.add.at(counts, (self.labels, self.predicted(values)), 1)
        return counts

    def some(self, rows: Sequence[int] | NDArray[np.int64]) -> Loss:
        """The loss of the samples at these places."""
        places = np.asarray(rows, dtype=np.int64)
        return replace(self, inputs=self.inputs[places], labels=self.labels[places])

    @cached_property
    def id(self) -> str:
        """SHA-256 (hex) of all of it."""
        digest = hashlib.sha256(self.encoder.to_json().encode())
        for array in (self.inputs, self.labels, self.head):
            digest.update(repr(array.shape).encode() + array.tobytes())
        for one in self.observables:
            digest.update(repr((one.paulis, one.coeffs)).encode())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)


Target = Observable | Loss
"""What a circuit shall make small."""
