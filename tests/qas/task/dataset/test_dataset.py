from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas.errors import InputError
from qas.task.dataset import Dataset
from qas.task.dataset.dataset import PARTS


def columns(seed: int = 0, rows: int = 6, n_classes: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = {f"x_{part}": rng.normal(size=(rows, 4)) for part in PARTS}
    return x | {f"y_{part}": np.arange(rows) % n_classes for part in PARTS}


def dataset(name: str = "tiny", **changed: Any) -> Dataset:
    return Dataset(name, ("a", "b", "c"), **(columns() | changed))


def refusal(**changed: Any) -> str:
    with pytest.raises(InputError) as caught:
        dataset(**changed)
    return str(caught.value)


def test_equal_content_is_equal_whatever_its_name_and_origin() -> None:
    named = dataset("other", provenance={"source": "elsewhere"})
    assert dataset() == named
    assert hash(dataset()) == hash(named)
    assert dataset().id == named.id
    assert dataset() != "tiny"


@given(
    kind=st.sampled_from(["x", "y"]),
    part=st.sampled_from(PARTS),
    row=st.integers(0, 5),
    column=st.integers(0, 3),
)
def test_any_changed_value_changes_the_id(kind: str, part: str, row: int, column: int) -> None:
    key = f"{kind}_{part}"
    values = columns()[key]
    if kind == "x":
        values[row, column] = np.nextafter(values[row, column], np.inf)
    else:
        values[row] = (values[row] + 1) % 3
    assert dataset(**{key: values}) != dataset()


def test_the_id_tells_parts_and_classes_apart() -> None:
    """The same bytes cut elsewhere, or meaning other classes, are another data set."""
    moved = columns()
    for kind in "xy":
        whole = np.concatenate([moved[f"{kind}_train"], moved[f"{kind}_valid"]])
        moved[f"{kind}_train"], moved[f"{kind}_valid"] = whole[:7], whole[7:]
    assert dataset(**moved) != dataset()
    assert Dataset("tiny", ("a", "b", "d"), **columns()) != dataset()


def test_zero_has_one_sign_and_labels_one_type() -> None:
    plus, minus = np.zeros((6, 4)), -np.zeros((6, 4))
    assert dataset(x_train=plus) == dataset(x_train=minus)
    assert dataset(y_train=columns()["y_train"].astype(np.uint8)) == dataset()
    assert dataset(y_train=columns()["y_train"].astype(np.uint8)).y_train.dtype == np.int64


def test_arrays_are_copies_that_nobody_changes() -> None:
    given_values = columns()
    data = Dataset("tiny", ("a", "b", "c"), **given_values)
    before = data.id
    for key, values in given_values.items():
        values[0] = 0
        with pytest.raises(ValueError, match="read-only"):
            getattr(data, key)[0] = 1
    assert data == dataset()
    assert before == dataset().id


def test_the_id_survives_a_process() -> None:
    data = dataset()
    assert pickle.loads(pickle.dumps(data)) == data


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"x_valid": np.full((6, 4), np.nan)}, "x_valid holds values that are not finite"),
        ({"x_test": np.full((6, 4), np.inf)}, "x_test holds values that are not finite"),
        ({"x_train": np.zeros(6)}, r"x_train has shape (6,); give (rows, d)"),
        ({"x_train": np.zeros((0, 4)), "y_train": np.zeros(0, int)}, "at least (1, 1)"),
        ({"x_train": [["a"]]}, "x_train is no array of numbers"),
        ({"x_test": np.zeros((6, 5))}, "train, valid and test have [4, 4, 5] features"),
        ({"y_train": np.arange(5) % 3}, "train has 6 rows but 5 labels"),
        ({"y_train": np.arange(6)}, "3 classes are labelled 0 to 2"),
        ({"y_test": np.arange(6) - 1}, "y_test holds labels from -1 to 4"),
        ({"y_train": np.zeros(6)}, "float64; give whole numbers"),
        ({"y_train": np.zeros((6, 1), int)}, "y_train has shape (6, 1)"),
    ],
)
def test_what_is_no_data_set_is_refused(changed: dict[str, Any], words: str) -> None:
    assert words in refusal(**changed)


@pytest.mark.parametrize("names", [("a",), ("a", "a", "b"), ("a", 1), "abc", ()])
def test_class_names_are_different_strings(names: Any) -> None:
    with pytest.raises(InputError, match="give two or more different strings"):
        Dataset("tiny", names, **columns())
