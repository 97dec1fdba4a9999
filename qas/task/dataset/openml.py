"""Published data sets over the network, by scikit-learn's OpenML loader and its cache."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from http.client import HTTPException
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError
from qas.task.dataset.family import Family
from qas.task.dataset.reader import integers


def fetch_family(family: Family) -> dict[str, NDArray[Any]]:
    """The arrays of `family`, downloaded once into scikit-learn's data folder.

    Without pandas the parser is pure Python: some minutes for 70,000 images. Raises InputError
    where OpenML cannot be reached or sends something else.
    """
    from sklearn.datasets import fetch_openml

    parser = "pandas" if find_spec("pandas") else "liac-arff"
    try:
        with warnings.catch_warnings():
            # It retries on its own; what fails in the end is said below.
            warnings.filterwarnings("ignore", message="A network error occurred")
            bunch = fetch_openml(data_id=family.openml, as_frame=False, parser=parser)
    except (OSError, HTTPException, ValueError) as error:
        raise InputError(
            f"{family.title} could not be fetched from OpenML ({error}); "
            "put its files into a folder and name that by --data-dir or QAS_DATA_DIR, "
            "or take digits2 or digits4, which need nothing"
        ) from None
    return family_arrays(family, bunch.data, bunch.target)


def family_arrays(
    family: Family, data: NDArray[Any], target: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """OpenML's table as the published arrays.

    `data` has shape (rows, columns), images flat and features last; `target` holds one name or
    number for each row. The rows of a split family follow each other, training rows first.
    """
    where = f"OpenML's {family.title}"
    n_rows = sum(part.shape[0] for key, part in family.parts.items() if key.startswith("x"))
    columns = {int(np.prod(part.shape[1:])) for key, part in family.parts.items() if key[0] == "x"}
    width = columns.pop()
    if data.ndim != 2 or data.shape[0] != n_rows or data.shape[1] < width:
        raise InputError(f"{where} has shape {data.shape}; {n_rows} rows of {width} are needed")
    # Columns before the features tell a vowel's speaker and sex.
    x = np.asarray(data[:, -width:], dtype=np.float64)
    y = _labels(where, target, family.class_names)
    return _split(family.parts, where, x, y)


def _labels(where: str, target: NDArray[Any], names: tuple[str, ...]) -> NDArray[np.uint8]:
    number = {name: label for label, name in enumerate(names)}
    number |= {str(label): label for label in range(len(names))}
    given = [str(value) for value in target]
    if wrong := set(given) - set(number):
        raise InputError(f"{where} has a class {min(wrong)!r}; known are {', '.join(names)}")
    return np.array([number[value] for value in given], dtype=np.uint8)


def _split(
    parts: Mapping[str, Any], where: str, x: NDArray[np.float64], y: NDArray[np.uint8]
) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    start = {"x": 0, "y": 0}
    for key, part in parts.items():
        first = start[key[0]]
        start[key[0]] = last = first + part.shape[0]
        rows = (x if key[0] == "x" else y)[first:last].reshape(part.shape)
        arrays[key] = integers(where, rows) if part.dtype == "uint8" else rows
    return arrays
