"""Tasks as a ledger holds them: whole, so that going on needs none of the files they came from.

Of a classifier that is its samples, too: some ten kilobytes, compressed. Their hash stands beside
them, and samples that are others are refused.
"""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit
from qas.errors import InputError
from qas.task import Classifier, Loss, Observable, Task

Row = dict[str, Any]
PARTS = ("train", "valid", "test")
MOST_BYTES = 2**30
"""Of the samples of one part, unpacked."""


def task_row(task: Task | Classifier) -> Row:
    """The task as JSON values."""
    row = {
        "name": task.name,
        "n_qubits": task.n_qubits,
        "id": task.id,
        "reference": dict(task.reference),
    }
    if isinstance(task, Classifier):
        return row | _classifier_row(task)
    return row | {
        "ground_energy": task.ground_energy,
        "hf_energy": task.reference.get("hf_energy"),
        "paulis": list(task.observable.paulis),
        "coeffs": list(task.observable.coeffs),
    }


def task_of(row: Row) -> Task | Classifier:
    """The task that `task_row` wrote.

    Raises:
        InputError: the samples of a classifier are not those that were written.
        KeyError, TypeError, ValueError: it is no such row.
    """
    if "class_names" in row:
        return _classifier_of(row)
    observable = Observable.of(row["paulis"], row["coeffs"])
    return Task(row["name"], observable, row["ground_energy"], row["reference"])


def _classifier_row(task: Classifier) -> Row:
    loss = task.train
    return {
        "class_names": list(task.class_names),
        "encoder": loss.encoder.to_json(),
        "observables": [[list(o.paulis), list(o.coeffs)] for o in loss.observables],
        "head": loss.head.tolist(),
        "samples": {part: _samples_row(getattr(task, part)) for part in PARTS},
    }


def _samples_row(loss: Loss) -> Row:
    packed = zlib.compress(loss.inputs.astype("<f8").tobytes(), 9)
    return {
        "id": loss.id,
        "labels": loss.labels.tolist(),
        "inputs": base64.b64encode(packed).decode("ascii"),
    }


def _classifier_of(row: Row) -> Classifier:
    encoder = Circuit.from_json(row["encoder"])
    observables = tuple(Observable.of(paulis, coeffs) for paulis, coeffs in row["observables"])
    head = np.array(row["head"], dtype=np.float64)
    parts: dict[str, Loss] = {}
    for part in PARTS:
        kept = row["samples"][part]
        labels = np.array(kept["labels"], dtype=np.int64)
        inputs = _unpacked(kept["inputs"], len(labels), encoder.n_inputs)
        loss = Loss(encoder, inputs, labels, observables, head)
        if loss.id != kept["id"]:
            raise InputError(
                f"the {part} samples of {row['name']} in the ledger are not those that the "
                f"campaign began with: their hash is {loss.id[:16]}, expected "
                f"{str(kept['id'])[:16]}; restore the ledger, or search anew"
            )
        parts[part] = loss
    names = tuple(row["class_names"])
    return Classifier(row["name"], **parts, class_names=names, reference=row["reference"])


def _unpacked(text: str, n_samples: int, n_inputs: int) -> NDArray[np.float64]:
    """Features, shape (n_samples, n_inputs); ValueError where they are not as many."""
    size = 8 * n_samples * n_inputs
    if size > MOST_BYTES:
        raise ValueError(f"{n_samples} samples of {n_inputs} features are too many")
    packed = zlib.decompressobj()
    try:
        data = packed.decompress(base64.b64decode(text, validate=True), size + 1)
    except zlib.error as error:
        raise ValueError(f"samples that cannot be unpacked ({error})") from None
    if len(data) != size:
        raise ValueError(f"there are not {n_samples} samples of {n_inputs} features")
    return np.frombuffer(data, dtype="<f8").reshape(n_samples, n_inputs).astype(np.float64)
