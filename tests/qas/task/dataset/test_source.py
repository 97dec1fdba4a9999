from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qas.errors import InputError
from qas.task.dataset.family import DIGITS, FAMILIES, FASHION, MNIST, VOWEL
from qas.task.dataset.source import Source, digest, folder_source, load_source


def refusal(family: Any, folder: Any) -> str:
    with pytest.raises(InputError) as caught:
        load_source(family, folder)
    return str(caught.value)


def write_idx(path: Path, values: Any, *, zipped: bool) -> None:
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    content = header + values.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    if zipped:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(content, compresslevel=1))
    else:
        path.write_bytes(content)


def same(a: Source, b: Source) -> bool:
    return a.sha256 == b.sha256 and all(
        np.array_equal(a.arrays[key], b.arrays[key]) for key in a.arrays
    )


def test_the_digits_need_nothing() -> None:
    source = load_source(DIGITS, "/nowhere")
    assert source.arrays["x"].shape == (1797, 8, 8)
    assert source.arrays["x"].max() == 16


def test_digests_ignore_memory_order_and_endianness() -> None:
    values = np.random.default_rng(0).normal(size=(4, 5))
    assert digest(np.asfortranarray(values)) == digest(values)
    assert digest(values.astype(">f8")) == digest(values)
    assert digest(values.T) != digest(values)


@pytest.mark.parametrize("family", [MNIST, FASHION, VOWEL])
def test_an_empty_folder_says_what_it_lacks(tmp_path: Path, family: Any) -> None:
    message = refusal(family, tmp_path)
    for layout in family.layouts:
        assert all(name in message for name in layout.files.values())
    assert str(tmp_path) in message
    assert "digits2 and digits4 need no files" in message


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "does not exist" in refusal(VOWEL, tmp_path / "absent")
    assert "give the path of a folder" in refusal(VOWEL, 3)


def test_the_variable_names_the_folder_and_the_argument_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QAS_DATA_DIR", str(tmp_path / "variable"))
    assert "variable does not exist" in refusal(VOWEL, None)
    assert "argument does not exist" in refusal(VOWEL, tmp_path / "argument")


def test_arrays_of_another_shape_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "vowel.npz", x=np.zeros((3, 10)), y=np.zeros(3, np.uint8))
    message = refusal(VOWEL, tmp_path)
    assert "vowel.npz: x has shape (3, 10)" in message
    assert "(990, 10)" in message


# With the published files


@pytest.fixture(scope="module")
def qnn(data_folder: Path) -> Path:
    return data_folder / "qnn"


def test_one_changed_value_is_found(qnn: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(qnn / "vowel.npz"))
    arrays["x"][17, 3] += 1e-9
    np.savez(tmp_path / "vowel.npz", **arrays)
    message = refusal(VOWEL, tmp_path)
    assert str(tmp_path / "vowel.npz") in message
    assert f"is {digest(arrays['x'])}, expected {VOWEL.parts['x'].sha256}" in message


def test_vowel_text_equals_the_archive(qnn: Path, tmp_path: Path) -> None:
    known = np.load(qnn / "vowel.npz")
    (tmp_path / "vowel" / "raw").mkdir(parents=True)
    columns = (known["official_split"], known["speaker"], known["sex"], known["x"], known["y"])
    table = np.column_stack(columns)
    formats = ["%d"] * 3 + ["%.3f"] * 10 + ["%d"]
    np.savetxt(tmp_path / "vowel" / "raw" / "vowel-context.data", table, fmt=formats)
    read = folder_source(VOWEL, tmp_path)
    assert read.origin == "vowel-context.data"
    assert same(read, folder_source(VOWEL, qnn))


@pytest.mark.parametrize(
    ("name", "below", "zipped"), [("fashion", "FashionMNIST/raw", False), ("mnist", "mnist", True)]
)
def test_idx_files_equal_the_archives(
    qnn: Path, tmp_path: Path, name: str, below: str, zipped: bool
) -> None:
    family = FAMILIES[name]
    known = folder_source(family, qnn)
    for key, file in family.layouts[-1].files.items():
        write_idx(tmp_path / below / file, known.arrays[key], zipped=zipped)
    assert same(folder_source(family, tmp_path), known)


def test_files_of_the_other_set_are_recognised(qnn: Path, tmp_path: Path) -> None:
    """MNIST and Fashion-MNIST share their file names and their shapes."""
    files = dict(np.load(qnn / "fashion_test.npz"))
    files |= {"x_train": np.load(qnn / "fashion_train.npz")["x_train"]}
    files |= {"y_train": np.load(qnn / "fashion_train.npz")["y_train"]}
    for key, file in MNIST.layouts[-1].files.items():
        write_idx(tmp_path / file, files[key], zipped=False)
    message = refusal(MNIST, tmp_path)
    assert "x_train is not that of MNIST but the x_train of Fashion-MNIST" in message
