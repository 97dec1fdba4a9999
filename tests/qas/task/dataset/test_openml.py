"""The table that OpenML sends, made here from arrays; and what a dead network says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qas.errors import InputError
from qas.task.dataset.family import FAMILIES, VOWEL, VOWEL_NAMES, Family, Part
from qas.task.dataset.openml import family_arrays, fetch_family

SMALL = Family(
    "small images",
    ("0", "1", "2"),
    {
        "x_train": Part((5, 3, 3), "uint8", ""),
        "y_train": Part((5,), "uint8", ""),
        "x_test": Part((2, 3, 3), "uint8", ""),
        "y_test": Part((2,), "uint8", ""),
    },
)


def table() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (7, 3, 3))
    target = np.array([str(label) for label in rng.integers(0, 3, 7)], dtype=object)
    return images, target


def test_training_rows_come_first() -> None:
    images, target = table()
    arrays = family_arrays(SMALL, images.reshape(7, 9).astype(np.float64), target)
    assert {key: (values.shape, str(values.dtype)) for key, values in arrays.items()} == {
        key: (part.shape, part.dtype) for key, part in SMALL.parts.items()
    }
    assert np.array_equal(np.concatenate([arrays["x_train"], arrays["x_test"]]), images)
    numbers = np.concatenate([arrays["y_train"], arrays["y_test"]])
    assert numbers.tolist() == [int(name) for name in target]


@pytest.mark.parametrize("extra", [0, 2, 3])
def test_vowels_leave_speaker_and_sex_behind(extra: int) -> None:
    """The columns before the ten features tell who spoke; classes come by name."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(990, 10)), rng.integers(0, 11, 990)
    data = np.hstack([rng.integers(0, 15, (990, extra)), x])
    arrays = family_arrays(VOWEL, data, np.array(VOWEL_NAMES, dtype=object)[y])
    assert np.array_equal(arrays["x"], x)
    assert np.array_equal(arrays["y"], y)


def test_another_table_is_refused() -> None:
    images, target = table()
    flat = images.reshape(7, 9).astype(np.float64)
    with pytest.raises(InputError, match=r"has shape \(6, 9\); 7 rows of 9 are needed"):
        family_arrays(SMALL, flat[:6], target[:6])
    with pytest.raises(InputError, match="has a class '3'; known are 0, 1, 2"):
        family_arrays(SMALL, flat, np.array([*target[:-1], "3"], dtype=object))
    with pytest.raises(InputError, match="not whole numbers from 0 to 255"):
        family_arrays(SMALL, flat + 0.5, target)


def test_a_dead_network_says_how_to_use_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real failure wherever this runs: the proxy's port is closed, the cache is empty."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(InputError, match="--data-dir or QAS_DATA_DIR, or take digits2"):
        fetch_family(FAMILIES["vowel"])
