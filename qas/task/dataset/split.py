"""Which rows train, validate and test: a seed's choice, seed 1 being the published protocol's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.task.dataset.recipe import Recipe

PROTOCOL_SEED = 1
SHARE = 0.9
"""Of the training images; the rest may validate."""
VOWEL_SHARE = 0.7
"""Of all vowels of all classes, before classes are chosen."""
VOWEL_SEED = 42
"""The vowel halves of the published protocol, which are those of seed 1."""


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of each part in the published arrays; no row stands in two parts."""

    train: NDArray[np.int64]
    """Rows to fit on."""
    valid: NDArray[np.int64]
    """Rows to choose by."""
    test: NDArray[np.int64]
    """Rows for final figures; of the test images, where the authors set those apart."""

    def __post_init__(self) -> None:
        for part in ("train", "valid", "test"):
            rows = np.array(getattr(self, part), dtype=np.int64)
            rows.flags.writeable = False
            object.__setattr__(self, part, rows)


def image_split(
    y_train: NDArray[np.uint8], y_test: NDArray[np.uint8], recipe: Recipe, seed: int
) -> Split:
    """Training and validation rows of the training images, test rows of the test images.

    torchquantum's protocol: the rows of the recipe's classes, `torch.utils.data.random_split`
    into 90% and the rest with a generator seeded by `seed`, the front of each. Test rows are the
    first of these classes at seed 1, as published, and the first of a seeded permutation at any
    other seed, so that repetitions are not all judged by the same 300 images.
    """
    pool, tested = _rows(y_train, recipe), _rows(y_test, recipe)
    order = _torch_permutation(len(pool), seed)
    front = int(SHARE * len(pool))
    if seed != PROTOCOL_SEED:
        tested = np.random.default_rng(seed).permutation(tested)
    train = pool[order[:front]][: recipe.n_train]
    return Split(train, pool[order[front:]][: recipe.n_valid], tested[: recipe.n_test])


def vowel_halves(n_rows: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows before (70%) and after the cut of all vowels, shuffled; scikit-learn's own split.

    Seed s cuts as random state s + 41, so that seed 1 is the published 42. Speakers stand on
    both sides, as published.
    """
    from sklearn.model_selection import train_test_split

    state = seed - PROTOCOL_SEED + VOWEL_SEED
    before, after = train_test_split(np.arange(n_rows), train_size=VOWEL_SHARE, random_state=state)
    return before, after


def vowel_split(y: NDArray[np.uint8], recipe: Recipe, seed: int) -> Split:
    """The front of the first half trains, the rest of it validates, the second half tests."""
    before, after = vowel_halves(len(y), seed)
    pool = before[np.isin(y[before], recipe.classes)]
    tested = after[np.isin(y[after], recipe.classes)]
    cut = recipe.n_train
    return Split(pool[:cut], pool[cut : cut + recipe.n_valid], tested[: recipe.n_test])


def digit_split(y: NDArray[np.uint8], recipe: Recipe, seed: int) -> Split:
    """The rows of the recipe's classes, permuted by `seed` and cut in three."""
    rows = np.random.default_rng(seed).permutation(_rows(y, recipe))
    cuts = np.cumsum([recipe.n_train, recipe.n_valid, recipe.n_test])
    train, valid, test, _ = np.split(rows, cuts)
    return Split(train, valid, test)


def labels(y: NDArray[Any], recipe: Recipe) -> NDArray[np.int64]:
    """Published labels as places in the recipe's classes, 0 to C-1."""
    return np.searchsorted(np.array(recipe.classes), y).astype(np.int64)


def _rows(y: NDArray[np.uint8], recipe: Recipe) -> NDArray[np.int64]:
    return np.flatnonzero(np.isin(y, recipe.classes)).astype(np.int64)


def _torch_permutation(n_rows: int, seed: int) -> NDArray[np.int64]:
    """The permutation whose front and rest `torch.utils.data.random_split` hands out."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    return np.asarray(torch.randperm(n_rows, generator=generator).numpy(), dtype=np.int64)
