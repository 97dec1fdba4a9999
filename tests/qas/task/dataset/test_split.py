from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas.task.dataset.recipe import TABLE, Recipe
from qas.task.dataset.split import (
    Split,
    digit_split,
    image_split,
    labels,
    vowel_halves,
    vowel_split,
)

CUT = Recipe("cut", "mnist", (1, 3, 4), 30, 10, 20, "")
SEEDS = st.integers(0, 1000)


def published(seed: int, rows: int = 400) -> Any:
    return np.random.default_rng(seed).integers(0, 6, rows).astype(np.uint8)


def parts(split: Split) -> tuple[Any, ...]:
    return split.train, split.valid, split.test


@given(seed=SEEDS, labelled=SEEDS)
def test_image_parts_are_disjoint_and_of_the_classes(seed: int, labelled: int) -> None:
    y_train, y_test = published(labelled), published(labelled + 1, 100)
    split = image_split(y_train, y_test, CUT, seed)
    assert [len(part) for part in parts(split)] == [30, 10, 20]
    assert not set(split.train) & set(split.valid)
    assert all(len(set(part)) == len(part) for part in parts(split))
    for y, rows in ((y_train, split.train), (y_train, split.valid), (y_test, split.test)):
        assert set(y[rows]) <= set(CUT.classes)


@given(seed=SEEDS)
def test_image_rows_are_those_of_random_split(seed: int) -> None:
    """The slow twin: torchquantum's own calls on a list of the chosen rows."""
    import torch
    from torch.utils.data import random_split

    y = published(7)
    chosen = [row for row, label in enumerate(y) if label in CUT.classes]
    front = int(0.9 * len(chosen))
    generator = torch.Generator().manual_seed(seed)
    train, valid = random_split(chosen, [front, len(chosen) - front], generator=generator)
    split = image_split(y, published(8), CUT, seed)
    assert split.train.tolist() == list(train)[:30]
    assert split.valid.tolist() == list(valid)[:10]


def test_seed_one_tests_on_the_first_rows_and_other_seeds_on_others() -> None:
    y = published(3)
    first = np.flatnonzero(np.isin(y, CUT.classes))[:20]
    assert np.array_equal(image_split(y, y, CUT, 1).test, first)
    tests = {tuple(image_split(y, y, CUT, seed).test) for seed in range(6)}
    assert len(tests) == 6


@given(seed=SEEDS)
def test_one_file_is_cut_into_disjoint_parts(seed: int) -> None:
    y = published(5, 990)
    for split in (vowel_split(y, CUT, seed), digit_split(y, CUT, seed)):
        together = np.concatenate(parts(split))
        assert len(set(together)) == len(together)
        assert set(y[together]) <= set(CUT.classes)
        assert len(split.train) == 30


@given(seed=SEEDS)
def test_vowels_stay_in_their_half(seed: int) -> None:
    y = published(5, 990)
    before, after = vowel_halves(len(y), seed)
    split = vowel_split(y, CUT, seed)
    assert sorted([*before, *after]) == list(range(990))
    assert len(before) == 693
    assert set(split.train) | set(split.valid) <= set(before)
    assert set(split.test) <= set(after)


@given(seed=SEEDS)
def test_a_seed_repeats_and_another_differs(seed: int) -> None:
    y = published(2, 990)
    makers = (
        lambda s: image_split(y, y, CUT, s),
        lambda s: vowel_split(y, CUT, s),
        lambda s: digit_split(y, CUT, s),
    )
    for make in makers:
        again, other = make(seed), make(seed + 1)
        assert all(map(np.array_equal, parts(make(seed)), parts(again)))
        assert not np.array_equal(again.train, other.train)


def test_rows_are_read_only() -> None:
    split = digit_split(published(0), CUT, 1)
    with pytest.raises(ValueError, match="read-only"):
        split.train[0] = 0


def test_labels_count_the_classes_of_the_recipe() -> None:
    for recipe in TABLE:
        assert recipe.classes == tuple(sorted(recipe.classes))
        numbered = labels(np.array(recipe.classes, dtype=np.uint8), recipe)
        assert numbered.tolist() == list(range(len(recipe.classes)))
