"""A data set of the user's own, from one npz file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError
from qas.task.dataset.dataset import PARTS, Dataset
from qas.task.dataset.reader import npz_names, read_npz
from qas.task.term import shown

SHARES = (0.6, 0.2, 0.2)
"""Of rows that come in one piece: training, validation, test."""
MAX_CLASSES = 64


def read_dataset(path: Path, seed: int = 1) -> Dataset:
    """The data set of an npz file.

    It holds x_train, y_train, x_valid, y_valid, x_test and y_test; or x and y alone, of which a
    permutation by ``seed`` makes 60, 20 and 20 percent. Features of shape (rows, d) are angles in
    radians, to be scaled by whoever writes the file, by its training rows alone; labels are whole
    numbers, of which every different one is a class.

    Raises:
        InputError: no such file, arrays that are missing or do not fit.
    """
    if not path.is_file():
        raise InputError(f"there is no data file {shown(str(path), limit=200)}")
    arrays = _arrays(path, seed)
    classes = _classes([arrays[f"y_{part}"] for part in PARTS])
    columns: dict[str, Any] = {f"x_{part}": arrays[f"x_{part}"] for part in PARTS}
    for part in PARTS:
        columns[f"y_{part}"] = np.searchsorted(classes, arrays[f"y_{part}"])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    provenance = {"source": path.name, "sha256": {path.name: digest}, "seed": int(seed)}
    names = tuple(str(label) for label in classes.tolist())
    return Dataset(path.stem, names, **columns, provenance=provenance)


def _arrays(path: Path, seed: int) -> dict[str, NDArray[Any]]:
    held = npz_names(path)
    if {"x", "y"} & set(held) and any(name.startswith(("x_", "y_")) for name in held):
        raise InputError(
            f"{path.name} holds {', '.join(held)}: give x and y, or the parts, and not both"
        )
    if {"x", "y"} <= set(held):
        return _split(read_npz(path, "x"), read_npz(path, "y"), seed)
    wanted = [f"{letter}_{part}" for part in PARTS for letter in "xy"]
    if missing := [name for name in wanted if name not in held]:
        raise InputError(
            f"{path.name} holds {', '.join(held) or 'nothing'}; it lacks {', '.join(missing)}: "
            f"give {', '.join(wanted)}, or x and y alone"
        )
    return {name: read_npz(path, name) for name in wanted}


def _split(x: NDArray[Any], y: NDArray[Any], seed: int) -> dict[str, NDArray[Any]]:
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise InputError(
            f"x needs shape (rows, features) and y (rows,); given {x.shape} and {y.shape}"
        )
    order = np.random.default_rng(seed).permutation(len(y))
    ends = np.cumsum([round(share * len(y)) for share in SHARES[:-1]])
    rows = dict(zip(PARTS, np.split(order, ends), strict=True))
    return {f"{k}_{part}": own[rows[part]] for part in PARTS for k, own in (("x", x), ("y", y))}


def _classes(labels: list[NDArray[Any]]) -> NDArray[Any]:
    """The different labels of all parts; those of the training rows must be all there are."""
    if any(own.dtype.kind not in "iu" for own in labels):
        raise InputError(f"labels are whole numbers; given {[str(own.dtype) for own in labels]}")
    classes = np.unique(labels[0])
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise InputError(f"2 to {MAX_CLASSES} classes; y_train holds {len(classes)} labels")
    for part, own in zip(PARTS[1:], labels[1:], strict=True):
        if strange := sorted(set(np.unique(own).tolist()) - set(classes.tolist())):
            raise InputError(f"y_{part} holds {strange[:5]}, which y_train does not")
    return classes
