"""A data set of the user's own, from one npz file."""

from __future__ import annotations

import numpy as np
import pytest

from qas import InputError, load_task
from qas.task import Classifier
from qas.task.dataset import read_dataset
from qas.task.dataset.dataset import PARTS


def arrays(rng: np.random.Generator, rows: int = 30) -> dict[str, np.ndarray]:
    made = {f"x_{part}": rng.uniform(0, 3, (rows, 5)) for part in PARTS}
    return made | {f"y_{part}": rng.permutation(np.resize([3, 7], rows)) for part in PARTS}


def test_parts_come_back_with_labels_numbered(tmp_path) -> None:
    given = arrays(np.random.default_rng(0))
    np.savez(tmp_path / "mine.npz", **given)
    data = read_dataset(tmp_path / "mine.npz")
    assert data.class_names == ("3", "7")
    for part in PARTS:
        assert np.array_equal(getattr(data, f"x_{part}"), given[f"x_{part}"])
        assert np.array_equal(getattr(data, f"y_{part}") == 1, given[f"y_{part}"] == 7)


def test_one_piece_is_split_without_loss_and_by_seed(tmp_path) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, 3, (50, 4)), np.resize([0, 1, 2, 3], 50)
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    one, other = (read_dataset(tmp_path / "mine.npz", seed) for seed in (1, 2))
    rows = np.concatenate([getattr(one, f"x_{part}") for part in PARTS])
    assert sorted(map(tuple, rows)) == sorted(map(tuple, x))
    assert [len(getattr(one, f"y_{part}")) for part in PARTS] == [30, 10, 10]
    assert one.id != other.id
    assert one.id == read_dataset(tmp_path / "mine.npz", 1).id


def test_a_task_is_made_of_it(tmp_path) -> None:
    np.savez(tmp_path / "mine.npz", **arrays(np.random.default_rng(2)))
    task = load_task(tmp_path / "mine.npz")
    assert isinstance(task, Classifier)
    assert (task.n_qubits, task.train.n_samples, task.train.encoder.n_inputs) == (4, 30, 5)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"x_test": None}, "lacks x_test"),
        ({"y_test": np.resize([3, 8], 30)}, "holds .8., which y_train does not"),
        ({"y_train": np.full(30, 3)}, "2 to 64 classes"),
        ({"y_valid": np.resize([3.0, 7.0], 30)}, "whole numbers"),
        ({"x_train": np.full((30, 5), np.nan)}, "finite"),
        ({"x_train": np.array([object()] * 30)}, "never unpickled"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, change, match: str) -> None:
    given = arrays(np.random.default_rng(3)) | change
    given = {name: value for name, value in given.items() if value is not None}
    np.savez(tmp_path / "mine.npz", **given)
    with pytest.raises(InputError, match=match):
        read_dataset(tmp_path / "mine.npz")


def test_what_is_no_archive_is_refused(tmp_path) -> None:
    (tmp_path / "mine.npz").write_bytes(b"PK nothing")
    with pytest.raises(InputError, match="no readable"):
        load_task(tmp_path / "mine.npz")
    with pytest.raises(InputError, match="there is no data file"):
        load_task(tmp_path / "other.npz")
