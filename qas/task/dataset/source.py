"""Where the rows of a published data set come from, and the check that they are the ones."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError
from qas.task.dataset.family import FAMILIES, Family, Layout, Part
from qas.task.dataset.openml import fetch_family
from qas.task.dataset.reader import integers, read_idx, read_npz, read_vowel
from qas.task.term import shown

VARIABLE = "QAS_DATA_DIR"
IDX_END = "-ubyte"


@dataclass(frozen=True, eq=False)
class Source:
    """The arrays of a published data set, checked against their checksums."""

    origin: str
    """What they were read from, without the folder: 'mnist_full.npz', 'OpenML 554'."""
    arrays: Mapping[str, NDArray[Any]]
    """{part: values}, in the authors' order of rows."""
    sha256: Mapping[str, str]
    """{part: SHA-256 (hex) of its values}."""


def load_source(family: Family, data_dir: str | os.PathLike[str] | None = None) -> Source:
    """The arrays of `family`: built in, from `data_dir` or $QAS_DATA_DIR, or from OpenML.

    A folder that is named is the only place looked into. Raises InputError where files are
    missing, damaged or hold other rows than those published.
    """
    if family.openml is None:
        return _source("scikit-learn", family, _built_in())
    named = data_dir if data_dir is not None else os.environ.get(VARIABLE)
    if named is not None and not isinstance(named, (str, os.PathLike)):
        raise InputError(f"the data folder is {shown(named)}; give the path of a folder")
    if named:
        return folder_source(family, Path(named))
    return _source(f"OpenML {family.openml}", family, fetch_family(family))


def folder_source(family: Family, folder: Path) -> Source:
    """The arrays of `family` in the first layout whose files all lie in or below `folder`."""
    if not folder.is_dir():
        raise InputError(f"the data folder {folder} does not exist; name one that holds the files")
    for layout in family.layouts:
        for place in layout.folders:
            paths = {key: _found(folder / place / name) for key, name in layout.files.items()}
            present = {key: path for key, path in paths.items() if path is not None}
            if len(present) == len(paths):
                return _from_files(family, present)
    raise InputError(
        f"no files of {family.title} in {folder}; looked for {_wanted(family)}; "
        "digits2 and digits4 need no files"
    )


def digest(values: NDArray[Any]) -> str:
    """SHA-256 (hex) of the values in C order, little endian."""
    little = values.astype(values.dtype.newbyteorder("<"), order="C", copy=False)
    return hashlib.sha256(little.tobytes()).hexdigest()


def check_part(where: str, title: str, key: str, part: Part, values: NDArray[Any]) -> str:
    """The digest of `values`, given that they are the published ones; InputError otherwise."""
    if values.shape != part.shape:
        raise InputError(
            f"{where}: {key} has shape {values.shape}, but that of {title} has {part.shape}"
        )
    found = digest(values)
    if found != part.sha256:
        raise InputError(
            f"{where}: {key} is not that of {title}{_otherwise(found)}; the SHA-256 of its values "
            f"is {found}, expected {part.sha256}; download the file again"
        )
    return found


def _source(origin: str, family: Family, arrays: Mapping[str, NDArray[Any]]) -> Source:
    digests = {
        key: check_part(origin, family.title, key, part, arrays[key])
        for key, part in family.parts.items()
    }
    return Source(origin, arrays, digests)


def _from_files(family: Family, paths: Mapping[str, Path]) -> Source:
    """Each part read and checked by itself, so that an error names its file."""
    arrays, digests = {}, {}
    for key, part in family.parts.items():
        arrays[key] = values = _read(paths[key], key, part)
        digests[key] = check_part(str(paths[key]), family.title, key, part, values)
    names = dict.fromkeys(path.name for path in paths.values())
    return Source(", ".join(names), arrays, digests)


def _read(path: Path, key: str, part: Part) -> NDArray[Any]:
    if path.suffix == ".npz":
        values = read_npz(path, key)
    elif path.suffix == ".data":
        values = read_vowel(path)["xy".index(key)]
    else:
        values = read_idx(path)
    return integers(str(path), values) if part.dtype == "uint8" else values.astype(part.dtype)


def _found(path: Path) -> Path | None:
    """The path itself or, for IDX files, its gzipped form; None where neither exists."""
    candidates = [path]
    if path.name.endswith(IDX_END):
        candidates.append(path.with_name(path.name + ".gz"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _wanted(family: Family) -> str:
    """The files of every layout, in words."""
    return "; or ".join(_files(layout) for layout in family.layouts)


def _files(layout: Layout) -> str:
    names = list(dict.fromkeys(layout.files.values()))
    gzipped = " (or .gz)" if names[0].endswith(IDX_END) else ""
    places = [f"{place}/" for place in layout.folders if place]
    return f"{' and '.join(names)}{gzipped}, in the folder itself or {' or '.join(places)}"


def _otherwise(found: str) -> str:
    """What an unexpected array is, where it belongs to another known data set."""
    for family in FAMILIES.values():
        for key, part in family.parts.items():
            if part.sha256 == found:
                return f" but the {key} of {family.title}"
    return ""


def _built_in() -> dict[str, NDArray[Any]]:
    """scikit-learn's digits, which are exact small integers in floats."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    whole = partial(integers, "scikit-learn's digits")
    return {"x": whole(np.asarray(bunch.images)), "y": whole(np.asarray(bunch.target))}
