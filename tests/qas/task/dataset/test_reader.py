from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from qas.errors import InputError
from qas.task.dataset import reader
from qas.task.dataset.reader import MAX_BYTES, integers, read_idx, read_npz, read_vowel

ARRAY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def idx_bytes(values: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    lengths = struct.pack(f">{values.ndim}I", *values.shape)
    return bytes([0, 0, 8, values.ndim]) + lengths + values.tobytes()


def npy_bytes(header: str, payload: bytes = b"") -> bytes:
    """A member whose header says whatever a forger likes."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + payload


def archive(path: Path, member: bytes, name: str = "x.npy", **how: Any) -> Path:
    with zipfile.ZipFile(path, "w", **how) as file:
        file.writestr(name, member)
    return path


def written(folder: Path, content: bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


# IDX


@given(
    values=hnp.arrays(np.uint8, hnp.array_shapes(max_dims=4, max_side=6)),
    zipped=st.booleans(),
)
def test_idx_reads_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, values: Any, zipped: bool
) -> None:
    content = idx_bytes(values)
    path = written(tmp_path_factory.mktemp("idx"), gzip.compress(content) if zipped else content)
    read = read_idx(path)
    assert read.dtype == np.uint8
    assert np.array_equal(read, values)
    assert read.shape == values.shape


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("cut", range(len(idx_bytes(ARRAY))))
def test_a_truncated_idx_file_is_refused(tmp_path: Path, cut: int, zipped: bool) -> None:
    content = idx_bytes(ARRAY)[:cut]
    with pytest.raises(InputError, match="download it again"):
        read_idx(written(tmp_path, gzip.compress(content) if zipped else content))


@pytest.mark.parametrize("zipped", [False, True])
def test_an_overlong_idx_file_is_refused(tmp_path: Path, zipped: bool) -> None:
    content = idx_bytes(ARRAY) + b"\0"
    with pytest.raises(InputError, match=r"announces 24 values .* but holds more"):
        read_idx(written(tmp_path, gzip.compress(content) if zipped else content))


@pytest.mark.parametrize("cut", [3, 12, 20, -9, -1])
def test_a_torn_gzip_stream_is_refused(tmp_path: Path, cut: int) -> None:
    content = gzip.compress(idx_bytes(ARRAY))
    with pytest.raises(InputError, match="download it again"):
        read_idx(written(tmp_path, content[:cut]))


def test_a_flipped_bit_in_a_gzip_stream_is_refused(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(idx_bytes(ARRAY)))
    content[-6] ^= 1
    with pytest.raises(InputError, match="download it again"):
        read_idx(written(tmp_path, bytes(content)))


@given(
    content=st.binary(max_size=64)
    | st.binary(max_size=9).map(lambda tail: b"\0\0\x08\x01\0\0\0\x04" + tail)
)
def test_garbage_is_refused_or_read_whole(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    try:
        values = read_idx(written(tmp_path_factory.mktemp("idx"), content))
    except InputError:
        return
    assert idx_bytes(values) == content


@pytest.mark.parametrize("kind", [0x09, 0x0B, 0x0D, 0x0E, 0x00])
def test_other_types_are_refused(tmp_path: Path, kind: int) -> None:
    content = bytes([0, 0, kind]) + idx_bytes(ARRAY)[3:]
    with pytest.raises(InputError, match="not with the 000008 of an IDX file"):
        read_idx(written(tmp_path, content))


def test_a_header_allocates_nothing(tmp_path: Path) -> None:
    """2^96 announced values, and the most that may be read, behind a header of 16 bytes."""
    huge = bytes([0, 0, 8, 3]) + struct.pack(">3I", *[2**32 - 1] * 3)
    with pytest.raises(InputError, match=f"at most {MAX_BYTES} are read"):
        read_idx(written(tmp_path, huge))
    most = bytes([0, 0, 8, 1]) + struct.pack(">I", MAX_BYTES)
    with pytest.raises(InputError, match="but holds 0"):
        read_idx(written(tmp_path, most))


# npz


@given(
    values=hnp.arrays(
        st.sampled_from([np.uint8, np.int64, np.float32, np.float64, np.dtype(">i4")]),
        hnp.array_shapes(max_dims=3, max_side=5),
    ),
    fortran=st.booleans(),
    zipped=st.booleans(),
)
def test_npz_reads_what_numpy_writes(
    tmp_path_factory: pytest.TempPathFactory, values: Any, fortran: bool, zipped: bool
) -> None:
    path = tmp_path_factory.mktemp("npz") / "file.npz"
    stored = np.asfortranarray(values) if fortran else values
    (np.savez_compressed if zipped else np.savez)(path, x=stored, other=np.zeros(2))
    read = read_npz(path, "x")
    assert read.dtype == values.dtype
    assert read.shape == values.shape
    assert read.tobytes() == values.tobytes()


class Trap:
    """Unpickling it would leave a trace."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_python_objects_are_never_unpickled(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    np.savez(tmp_path / "file.npz", x=np.array([Trap(trace)], dtype=object))
    with pytest.raises(InputError, match="Python objects are never unpickled"):
        read_npz(tmp_path / "file.npz", "x")
    assert not trace.exists()


@pytest.mark.parametrize("values", [np.array(["a"]), np.zeros(2, "i4,i4"), np.zeros(2, "c16")])
def test_other_arrays_are_refused(tmp_path: Path, values: Any) -> None:
    np.savez(tmp_path / "file.npz", x=values)
    with pytest.raises(InputError, match="save an array of integers or floats"):
        read_npz(tmp_path / "file.npz", "x")


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"garbage",
        npy_bytes("not a header"),
        npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", b"12"),
        npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }", b"1234"),
        npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (-2, -1), }", b"12"),
        npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (-2,), }"),
        npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,), }"),
        npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': (" + "1," * 20 + "), }"),
        npy_bytes("{'descr': '|u1', 'fortran_order': False, 'shape': 'x', }"),
        npy_bytes("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"x"),
    ],
)
def test_forged_members_are_refused(tmp_path: Path, member: bytes) -> None:
    with pytest.raises(InputError, match=r"file\.npz"):
        read_npz(archive(tmp_path / "file.npz", member), "x")


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=np.random.default_rng(0).integers(0, 255, 4000, np.uint8))
    whole = buffer.getvalue()
    for cut in range(0, len(whole), 97):
        with pytest.raises(InputError, match=r"no readable \.npz archive"):
            read_npz(written(tmp_path, whole[:cut]), "x")
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    with pytest.raises(InputError, match=r"no readable \.npz archive"):
        read_npz(written(tmp_path, bytes(flipped)), "x")


def test_an_unusual_compression_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "file.npz", b"x", compression=zipfile.ZIP_LZMA)
    with pytest.raises(InputError, match="compressed in an unusual way"):
        read_npz(path, "x")


def test_a_missing_array_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "file.npz", y=np.zeros(2))
    with pytest.raises(InputError, match="has no array x"):
        read_npz(tmp_path / "file.npz", "x")


# Vowels as text


def test_vowel_text_reads_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(7, 10)).round(3), rng.integers(0, 11, 7)
    lines = [
        " ".join(["0", "3", "1", *(f"{value:.3f}" for value in row), str(label)])
        for row, label in zip(x, y, strict=True)
    ]
    read_x, read_y = read_vowel(written(tmp_path, "\n\n".join(lines).encode()))
    assert np.array_equal(read_x, x)
    assert np.array_equal(read_y, y)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1 2 3\n",
        b"0 0 0" + b" 1.0" * 10 + b" x\n",
        b"0 0 0" + b" 1.0" * 10 + b" 1.5\n",
        b"0 0 0" + b" 1.0" * 10 + b" 1\n0 0 0\n",
        b"\xff\xfe" * 14,
        b"0 " * 13 + b"nan",
    ],
)
def test_other_text_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match="file"):
        read_vowel(written(tmp_path, content))


# All of them


@pytest.mark.parametrize("read", [read_idx, lambda path: read_npz(path, "x"), read_vowel])
def test_only_regular_files_of_bounded_size_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Any
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with pytest.raises(InputError, match="no regular file"):
            read(path)
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "absent")
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as stream:
        stream.truncate(reader.MAX_FILE + 1)
    with pytest.raises(InputError, match="no regular file of at most"):
        read(sparse)


@given(st.lists(st.integers(0, 255)))
def test_whole_numbers_become_bytes(values: list[int]) -> None:
    for dtype in (np.int64, np.float64, np.uint8):
        assert integers("here", np.array(values, dtype)).tolist() == values


@pytest.mark.parametrize("value", [-1, 256, 0.5, np.nan, np.inf, 1e30])
def test_other_numbers_do_not(value: float) -> None:
    with pytest.raises(InputError, match="here holds values that are not whole numbers"):
        integers("here", np.array([1, value]))
