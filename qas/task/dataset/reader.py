"""Arrays from files of other people's: IDX, npz and UCI's vowel text, sizes checked first.

Nothing is unpickled, and no header makes a reader allocate more than the file can hold.
"""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from qas.errors import InputError

MAX_BYTES = 64 * 2**20
"""Of one array; the largest known one, 60,000 images, has 47,040,000."""
MAX_FILE = 2 * MAX_BYTES
MAX_TEXT = 2**20
GZIP = b"\x1f\x8b"
IDX_BYTES = 0x08
"""The IDX type of unsigned bytes, the only one that images and labels use."""
MAX_DIMENSIONS = 4
VOWEL_COLUMNS = 14
"""Train or test, speaker, sex, ten features, class."""


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array of an IDX file of unsigned bytes, gzipped or not.

    Two zero bytes, the type, the number of dimensions, each length as a big-endian 32-bit
    integer, then the values in C order (http://yann.lecun.com/exdb/mnist). Raises InputError
    where the file is anything else, too short or too long.
    """
    _check_size(path, MAX_FILE)
    try:
        with path.open("rb") as plain:
            zipped = plain.read(len(GZIP)) == GZIP
        stream: IO[bytes] | gzip.GzipFile
        with gzip.open(path) if zipped else path.open("rb") as stream:
            return _idx(path, stream)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); download it again") from None


def _idx(path: Path, stream: IO[bytes] | gzip.GzipFile) -> NDArray[np.uint8]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] != IDX_BYTES:
        raise InputError(
            f"{path} starts with {magic.hex() or 'nothing'}, not with the 000008 of an IDX file "
            "of unsigned bytes; download it again"
        )
    lengths = stream.read(4 * min(magic[3], MAX_DIMENSIONS))
    if not 1 <= magic[3] <= MAX_DIMENSIONS or len(lengths) < 4 * magic[3]:
        raise InputError(
            f"{path} is cut short in its header, or has {magic[3]} dimensions where images and "
            "labels have 1 to 4; download it again"
        )
    shape = struct.unpack(f">{magic[3]}I", lengths)
    size = _checked(path, math.prod(shape))
    content = stream.read(size + 1)
    if len(content) != size:
        raise InputError(
            f"{path} announces {size} values of shape {shape} but holds "
            f"{'more' if len(content) > size else len(content)}; download it again"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def read_npz(path: Path, key: str) -> NDArray[Any]:
    """The array `key` of an .npz archive of integers or floats.

    Raises InputError where the archive is damaged, lacks the key or holds Python objects there.
    """
    _check_size(path, MAX_FILE)
    try:
        with zipfile.ZipFile(path) as archive:
            return _member(path, archive, key)
    except KeyError:
        raise InputError(f"{path} has no array {key}; it needs one") from None
    except InputError:
        raise
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is no readable .npz archive ({error}); make it again") from None


def npz_names(path: Path) -> tuple[str, ...]:
    """The names of the arrays in an .npz archive; InputError where it is none."""
    _check_size(path, MAX_FILE)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no readable .npz archive ({error}); make it again") from None
    return tuple(sorted(name.removesuffix(".npy") for name in names if name.endswith(".npy")))


def _member(path: Path, archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    entry = archive.getinfo(f"{key}.npy")
    plain = entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if not plain or entry.flag_bits & 1:
        raise ValueError("it is encrypted or compressed in an unusual way")
    with archive.open(entry) as stream:
        shape, fortran, dtype = _header(stream)
        if dtype.hasobject or dtype.kind not in "uif":
            raise InputError(
                f"{path}: {key} holds {dtype}, and Python objects are never unpickled; "
                "save an array of integers or floats"
            )
        size = _checked(path, math.prod(shape) * dtype.itemsize)
        # The central directory states the size too: a header that lies about it ends here.
        if entry.file_size != stream.tell() + size:
            raise ValueError(f"{key} announces {size} bytes but holds another number")
        content = stream.read(size + 1)
    return np.frombuffer(content, dtype=dtype).reshape(shape, order="F" if fortran else "C")


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    if npy.read_magic(stream) == (1, 0):
        return npy.read_array_header_1_0(stream)
    return npy.read_array_header_2_0(stream)


def read_vowel(path: Path) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Features (rows, 10) and labels (rows,) of UCI's vowel-context.data.

    A line holds 14 numbers: train or test, speaker, sex, ten features, class. Raises InputError
    where it does not.
    """
    _check_size(path, MAX_TEXT)
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        table = np.array([line.split() for line in lines if line.strip()], dtype=np.float64)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is no table of numbers ({error}); download it again") from None
    if table.ndim != 2 or table.shape[1] != VOWEL_COLUMNS:
        raise InputError(
            f"{path} holds a table of shape {table.shape}; every line needs 14 numbers: "
            "train or test, speaker, sex, ten features, class"
        )
    return table[:, 3:-1].copy(), integers(str(path), table[:, -1])


def integers(where: str, values: NDArray[Any]) -> NDArray[np.uint8]:
    """The same values as bytes; raises InputError unless all are whole numbers from 0 to 255."""
    with np.errstate(invalid="ignore"):
        whole = values.astype(np.uint8)
    if not np.array_equal(whole, values):
        raise InputError(f"{where} holds values that are not whole numbers from 0 to 255")
    return whole


def _check_size(path: Path, limit: int) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from None
    if not path.is_file() or size > limit:
        raise InputError(f"{path} is no regular file of at most {limit} bytes; replace it")


def _checked(path: Path, size: int) -> int:
    if not 0 <= size <= MAX_BYTES:
        raise InputError(f"{path} announces {size} bytes; at most {MAX_BYTES} are read")
    return size
