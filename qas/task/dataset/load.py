"""Data sets by name."""

from __future__ import annotations

import difflib
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError
from qas.task.dataset.dataset import PARTS, Dataset
from qas.task.dataset.family import FAMILIES
from qas.task.dataset.prepare import digit_features, image_features, vowel_features
from qas.task.dataset.recipe import TABLE, Recipe
from qas.task.dataset.source import Source, load_source
from qas.task.dataset.split import (
    Split,
    digit_split,
    image_split,
    labels,
    vowel_halves,
    vowel_split,
)
from qas.task.term import shown

RECIPES = {recipe.name: recipe for recipe in TABLE}
PROTOCOLS = ("clean", "leaking")
MAX_SEED = 2**31 - 1

Parts = dict[str, NDArray[Any]]
"""{"train": ..., "valid": ..., "test": ...}, one array each."""


def load_dataset(
    name: str,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    seed: int = 1,
    protocol: str = "clean",
) -> Dataset:
    """The data set of that name, prepared as in QOC and split by `seed`.

    `data_dir`, else $QAS_DATA_DIR, is the folder of the published files (npz, or IDX gzipped or
    not, or vowel-context.data); without either they come over the network, but digits2 and
    digits4 need nothing. Seed 1 is the published split. Of the vowels, `protocol="clean"` fits
    components and scalers on the training rows alone; "leaking" repeats the published
    preparation, whose components see validation rows and whose scalers see test rows too.
    Images have nothing to fit. Raises InputError, saying what to do, for an unknown name, seed
    or protocol and for files that are missing or not the published ones.

    >>> data = load_dataset("digits4")
    >>> data.n_features, data.n_classes, len(data.x_train)
    (16, 4, 320)
    """
    recipe = _recipe(name)
    _check_choice(seed, protocol)
    family = FAMILIES[recipe.family]
    source = load_source(family, data_dir)
    split, x, y = _prepared(recipe, source, seed, protocol)
    names = tuple(family.class_names[label] for label in recipe.classes)
    columns = {f"x_{part}": x[part] for part in PARTS}
    columns |= {f"y_{part}": labels(y[part], recipe) for part in PARTS}
    provenance = {
        "source": source.origin,
        "sha256": dict(source.sha256),
        "protocol": protocol,
        "seed": int(seed),
    }
    return Dataset(recipe.name, names, **columns, indices=split, provenance=provenance)


def dataset_names() -> tuple[str, ...]:
    """The names that `load_dataset` knows, those that need no files first.

    >>> dataset_names()[:3]
    ('digits2', 'digits4', 'mnist2')
    """
    return tuple(RECIPES)


def describe_datasets() -> dict[str, str]:
    """One line about each data set, keyed by its name.

    >>> describe_datasets()["digits2"]
    'digits 3 and 6, 8 x 8 pixels; built in'
    """
    return {recipe.name: recipe.about for recipe in TABLE}


def _recipe(name: object) -> Recipe:
    if isinstance(name, str) and name in RECIPES:
        return RECIPES[name]
    close = difflib.get_close_matches(str(name).lower(), RECIPES, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise InputError(
        f"no data set is called {shown(name)}; {hint}the data sets are {', '.join(RECIPES)}"
    )


def _check_choice(seed: object, protocol: object) -> None:
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not whole or not 0 <= seed <= MAX_SEED:  # type: ignore[operator]
        raise InputError(f"the seed is {shown(seed)}; give a whole number from 0 to {MAX_SEED}")
    if protocol not in PROTOCOLS:
        raise InputError(f"the protocol is {shown(protocol)}; use {' or '.join(PROTOCOLS)}")


def _prepared(
    recipe: Recipe, source: Source, seed: int, protocol: str
) -> tuple[Split, Parts, Parts]:
    """Rows, features and published labels of each part."""
    if recipe.family == "vowel":
        return _vowels(recipe, source, seed, protocol)
    if recipe.family == "digits":
        return _digits(recipe, source, seed)
    return _images(recipe, source, seed)


def _images(recipe: Recipe, source: Source, seed: int) -> tuple[Split, Parts, Parts]:
    arrays = source.arrays
    split = image_split(arrays["y_train"], arrays["y_test"], recipe, seed)
    half = {"train": "train", "valid": "train", "test": "test"}
    rows = {part: getattr(split, part) for part in PARTS}
    x = {part: image_features(arrays[f"x_{half[part]}"][rows[part]]) for part in PARTS}
    return split, x, {part: arrays[f"y_{half[part]}"][rows[part]] for part in PARTS}


def _digits(recipe: Recipe, source: Source, seed: int) -> tuple[Split, Parts, Parts]:
    split = digit_split(source.arrays["y"], recipe, seed)
    return split, *_taken(split, digit_features(source.arrays["x"]), source.arrays["y"])


def _vowels(recipe: Recipe, source: Source, seed: int, protocol: str) -> tuple[Split, Parts, Parts]:
    y = source.arrays["y"]
    split = vowel_split(y, recipe, seed)
    pca_rows = scaler_rows = split.train
    if protocol == "leaking":
        pca_rows, scaler_rows = vowel_halves(len(y), seed)[0], np.arange(len(y))
    features = vowel_features(source.arrays["x"], pca_rows, scaler_rows)
    return split, *_taken(split, features, y)


def _taken(split: Split, x: NDArray[Any], y: NDArray[Any]) -> tuple[Parts, Parts]:
    rows = {part: getattr(split, part) for part in PARTS}
    return {part: x[rows[part]] for part in PARTS}, {part: y[rows[part]] for part in PARTS}
