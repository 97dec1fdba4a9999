"""Checkpoints: nested dicts of JSON values and arrays in one npz file, never pickled."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from search.campaign.file import before, write_atomically

_ARRAY = "__array__"
_log = logging.getLogger("search.campaign")


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` so that a crash leaves the old file or the new one, never a mixture.

    The file before stays as ``<name>.before``.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    text = json.dumps(_flatten(state, arrays), allow_nan=False)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, state=np.array(text), **arrays)
    body = buffer.getvalue()
    write_atomically(path, hashlib.sha256(body).digest() + body)


def load_checkpoint(
    path: Path, fits: Callable[[dict[str, Any]], bool] = lambda _: True
) -> dict[str, Any] | None:
    """The newest state that is whole and ``fits``: the file, else the one before it, else None.

    A damaged file is passed over with a warning.

    Raises:
        OSError: a file is there and cannot be read.
    """
    for candidate in (path, before(path)):
        try:
            state = _decoded(candidate.read_bytes())
        except FileNotFoundError:
            continue
        if state is None:
            _log.warning("%s is damaged: going on from an earlier state", candidate)
        elif fits(state):
            return state
    return None


def _decoded(data: bytes) -> dict[str, Any] | None:
    """The state of a file's bytes; None where they are not what was written."""
    if hashlib.sha256(data[32:]).digest() != data[:32]:
        return None
    try:
        with np.load(io.BytesIO(data[32:]), allow_pickle=False) as archive:
            state = _restore(json.loads(str(archive["state"])), archive)
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError, zipfile.BadZipFile):
        return None
    return state if isinstance(state, dict) else None


def _flatten(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    """The value with each array replaced by a reference to its place in ``arrays``."""
    if isinstance(value, np.ndarray):
        key = f"a{len(arrays)}"
        arrays[key] = value
        return {_ARRAY: key}
    if isinstance(value, dict):
        return {str(key): _flatten(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_flatten(item, arrays) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _restore(value: Any, archive: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return archive[value[_ARRAY]]
        return {key: _restore(item, archive) for key, item in value.items()}
    if isinstance(value, list):
        return [_restore(item, archive) for item in value]
    return value
