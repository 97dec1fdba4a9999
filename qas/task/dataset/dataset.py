"""A data set: prepared features and labels, split for training, validation and test."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError
from qas.task.dataset.split import Split
from qas.task.term import shown

PARTS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows of features with a class each, in three parts; equal where the content is.

    Arrays are copied and read-only. Raises InputError unless every part has rows, all of one
    number of finite features, and a label from 0 to C-1 for each row.

    >>> x, y = [[0.0], [1.0]], [0, 1]
    >>> data = Dataset("tiny", ("no", "yes"), x, y, x, y, x, y)
    >>> data.n_classes, data.n_features
    (2, 1)
    """

    name: str
    """What people call it, such as 'mnist4'."""
    class_names: tuple[str, ...]
    """The C classes; label c is class_names[c]."""
    x_train: NDArray[np.float64]
    """Features of shape (rows, d), as an encoder takes them: angles in radians."""
    y_train: NDArray[np.int64]
    """Labels of shape (rows,)."""
    x_valid: NDArray[np.float64]
    """Rows that choose between circuits and settings; never fitted."""
    y_valid: NDArray[np.int64]
    """Their labels."""
    x_test: NDArray[np.float64]
    """Rows that only a final figure sees."""
    y_test: NDArray[np.int64]
    """Their labels."""
    indices: Split | None = None
    """Where the rows stand in the published files, or None where there are none."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Source, SHA-256 of its arrays, protocol and seed; JSON throughout."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "class_names", _class_names(self.class_names))
        for part in PARTS:
            x = _features(part, getattr(self, f"x_{part}"))
            y = _labels(part, getattr(self, f"y_{part}"), self.n_classes)
            if len(x) != len(y):
                raise InputError(f"{part} has {len(x)} rows but {len(y)} labels; give one for each")
            object.__setattr__(self, f"x_{part}", x)
            object.__setattr__(self, f"y_{part}", y)
        widths = [getattr(self, f"x_{part}").shape[1] for part in PARTS]
        if len(set(widths)) > 1:
            raise InputError(f"train, valid and test have {widths} features; give the same number")

    @property
    def n_classes(self) -> int:
        """Number of classes C."""
        return len(self.class_names)

    @property
    def n_features(self) -> int:
        """Number of features d of every row."""
        return int(self.x_train.shape[1])

    @cached_property
    def id(self) -> str:
        """SHA-256 (hex) of classes, features and labels, whatever they are called or came from."""
        shapes = [getattr(self, f"x_{part}").shape for part in PARTS]
        digest = hashlib.sha256(json.dumps([self.class_names, shapes]).encode())
        for part in PARTS:
            digest.update(getattr(self, f"x_{part}").astype("<f8").tobytes())
            digest.update(getattr(self, f"y_{part}").astype("<i8").tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return self.id == other.id if isinstance(other, Dataset) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.id)


def _class_names(names: object) -> tuple[str, ...]:
    given = tuple(names) if isinstance(names, (tuple, list)) else ()
    if not all(isinstance(name, str) for name in given) or len(set(given)) < max(2, len(given)):
        raise InputError(f"the class names are {shown(names)}; give two or more different strings")
    return given


def _features(part: str, values: object) -> NDArray[np.float64]:
    """A read-only copy of shape (rows, d); -0.0 becomes 0.0, so that equal rows hash alike."""
    try:
        x = np.array(values, dtype=np.float64, order="C")
    except (TypeError, ValueError):
        raise InputError(f"x_{part} is no array of numbers; give one of shape (rows, d)") from None
    if x.ndim != 2 or 0 in x.shape:
        raise InputError(f"x_{part} has shape {x.shape}; give (rows, d), at least (1, 1)")
    if not np.isfinite(x).all():
        raise InputError(f"x_{part} holds values that are not finite; clean or drop those rows")
    x += 0.0
    x.flags.writeable = False
    return x


def _labels(part: str, values: object, n_classes: int) -> NDArray[np.int64]:
    """A read-only copy of shape (rows,), every label in range."""
    given = np.asarray(values)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise InputError(
            f"y_{part} has shape {given.shape} and type {given.dtype}; "
            "give whole numbers of shape (rows,)"
        )
    if given.size and not (given.min() >= 0 and given.max() < n_classes):
        raise InputError(
            f"y_{part} holds labels from {given.min()} to {given.max()}; "
            f"{n_classes} classes are labelled 0 to {n_classes - 1}"
        )
    y = given.astype(np.int64)
    y.flags.writeable = False
    return y
