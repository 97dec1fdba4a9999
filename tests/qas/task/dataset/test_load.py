from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from qas.errors import InputError
from qas.task.dataset import Dataset, dataset_names, describe_datasets, load_dataset
from qas.task.dataset.dataset import PARTS
from qas.task.dataset.recipe import TABLE

BUILT_IN = ("digits2", "digits4")
IMAGES = ("mnist2", "mnist4", "fashion2", "fashion4")


def refusal(name: Any, **how: Any) -> str:
    with pytest.raises(InputError) as caught:
        load_dataset(name, **how)
    return str(caught.value)


@cache
def published(folder: Path, name: str) -> Dataset:
    """Seed 1, prepared as published; read once, as the files are large."""
    return load_dataset(name, folder, protocol="leaking")


def accuracy(data: Dataset) -> float:
    model = LogisticRegression(max_iter=5000).fit(data.x_train, data.y_train)
    return float(model.score(data.x_test, data.y_test))


# Without files


@pytest.mark.parametrize("name", BUILT_IN)
def test_digits_load_with_nothing(name: str) -> None:
    data = load_dataset(name)
    recipe = next(recipe for recipe in TABLE if recipe.name == name)
    assert data.n_features == 16
    assert [len(getattr(data, f"x_{part}")) for part in PARTS] == [
        recipe.n_train,
        recipe.n_valid,
        recipe.n_test,
    ]
    assert data.class_names == tuple(str(label) for label in recipe.classes)
    for part in PARTS:
        assert set(getattr(data, f"y_{part}")) == set(range(data.n_classes))
        assert 0 <= getattr(data, f"x_{part}").min() < getattr(data, f"x_{part}").max() <= np.pi
    assert accuracy(data) > 0.93


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_seed_is_a_data_set(name: str) -> None:
    assert load_dataset(name, seed=3) == load_dataset(name, seed=np.int64(3))
    assert len({load_dataset(name, seed=seed).id for seed in range(5)}) == 5
    assert load_dataset(name, protocol="leaking") == load_dataset(name)


def test_ids_are_the_same_in_every_version() -> None:
    """Results name data sets by these: a change here makes old results incomparable."""
    ids = {name: load_dataset(name).id[:8] for name in BUILT_IN}
    assert ids == {"digits2": "e7b5c5b2", "digits4": "56877f8b"}


def test_every_name_has_a_line() -> None:
    assert tuple(describe_datasets()) == dataset_names()
    lines = describe_datasets().values()
    assert all(line.isprintable() and len(line) < 80 for line in lines)
    assert len(set(lines)) == len(dataset_names())


def test_an_unknown_name_gets_the_nearest() -> None:
    message = refusal("minst4")
    assert "did you mean mnist4" in message
    assert all(name in message for name in dataset_names())
    assert "no data set is called 3" in refusal(3)


@pytest.mark.parametrize("seed", [-1, 2**31, 1.0, True, "1", None])
def test_other_seeds_are_refused(seed: Any) -> None:
    assert "give a whole number from 0 to" in refusal("digits2", seed=seed)


@pytest.mark.parametrize("protocol", ["", "dirty", None, 1])
def test_other_protocols_are_refused(protocol: Any) -> None:
    assert "use clean or leaking" in refusal("digits2", protocol=protocol)


def test_absent_files_are_named(tmp_path: Path) -> None:
    message = refusal("mnist4", data_dir=tmp_path)
    assert "mnist_full.npz" in message
    assert "train-images-idx3-ubyte" in message


# With the published files


@pytest.fixture(scope="module")
def qnn(data_folder: Path) -> Path:
    return data_folder / "qnn"


@pytest.fixture(scope="module")
def subsets(qnn: Path) -> Any:
    return np.load(qnn / "qnn_protocol_subsets.npz")


@pytest.mark.parametrize("name", IMAGES)
def test_seed_one_is_the_published_protocol(qnn: Path, subsets: Any, name: str) -> None:
    data = published(qnn, name)
    assert data.indices is not None
    for part in PARTS:
        assert np.array_equal(getattr(data.indices, part), subsets[f"{name}__idx_{part}"])
        assert np.array_equal(getattr(data, f"y_{part}"), subsets[f"{name}__y_{part}"])
        single = subsets[f"{name}__f16_{part}"]
        np.testing.assert_allclose(getattr(data, f"x_{part}"), single, atol=2e-6)


def test_leaking_vowels_are_the_published_ones(qnn: Path, subsets: Any) -> None:
    """All of them were computed in single precision, which moves them by 5e-6."""
    data = published(qnn, "vowel4")
    pool = np.concatenate([data.x_train, data.x_valid])
    np.testing.assert_allclose(pool, subsets["vowel4__x_trainpool"], atol=1e-5)
    np.testing.assert_allclose(data.x_test, subsets["vowel4__x_test"], atol=1e-5)
    labels = np.concatenate([data.y_train, data.y_valid])
    assert np.array_equal(labels, subsets["vowel4__y_trainpool"])
    assert np.array_equal(data.y_test, subsets["vowel4__y_test"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mnist2", 0.963),
        ("mnist4", 0.8),
        ("fashion2", 0.917),
        ("fashion4", 0.85),
        ("vowel4", 0.655),
    ],
)
def test_logistic_regression_reaches_its_known_accuracy(
    qnn: Path, name: str, expected: float
) -> None:
    assert accuracy(published(qnn, name)) == pytest.approx(expected, abs=5e-4)


def test_clean_and_leaking_differ_in_features_alone(qnn: Path) -> None:
    clean, leaking = load_dataset("vowel4", qnn), published(qnn, "vowel4")
    assert clean != leaking
    assert clean.indices is not None
    assert leaking.indices is not None
    for part in PARTS:
        assert np.array_equal(getattr(clean.indices, part), getattr(leaking.indices, part))
        assert np.array_equal(getattr(clean, f"y_{part}"), getattr(leaking, f"y_{part}"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_clean_vowels_are_fitted_on_training_rows_alone(qnn: Path, seed: int) -> None:
    """Only fitted rows have components without correlation, and span 0 to 1 in each."""
    data = load_dataset("vowel4", qnn, seed=seed)
    correlation = np.corrcoef(data.x_train.T)
    np.testing.assert_allclose(correlation, np.eye(10), atol=1e-7)
    np.testing.assert_allclose(data.x_train.min(axis=0), 0.0, atol=1e-8)
    np.testing.assert_allclose(data.x_train.max(axis=0), 1.0, atol=1e-8)
    assert data.x_test.min() < 0 < 1 < data.x_test.max()


def test_rows_and_features_belong_together(qnn: Path) -> None:
    """The label of each row is that of the full file at the row's number."""
    full = np.load(qnn / "mnist_full.npz")
    data = load_dataset("mnist2", qnn, seed=5)
    assert data.indices is not None
    for part, half in (("train", "train"), ("valid", "train"), ("test", "test")):
        rows = getattr(data.indices, part)
        assert full[f"y_{half}"][rows].tolist() == [(3, 6)[y] for y in getattr(data, f"y_{part}")]


def test_provenance_tells_where_the_rows_came_from(qnn: Path) -> None:
    provenance = load_dataset("vowel4", qnn, seed=4).provenance
    assert provenance["source"] == "vowel.npz"
    assert (provenance["seed"], provenance["protocol"]) == (4, "clean")
    assert set(provenance["sha256"]) == {"x", "y"}
    assert str(qnn) not in str(provenance)
