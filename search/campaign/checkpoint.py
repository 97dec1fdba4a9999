"""Checkpoints: nested dicts of JSON values and arrays in one npz file, never pickled."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from search.campaign.file import before, write_atomically

_ARRAY = "__array__"


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


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The newest state that is whole: the file, else the one before it, else None."""
    for candidate in (path, before(path)):
        try:
            data = candidate.read_bytes()
        except FileNotFoundError:
            continue
        if hashlib.sha256(data[32:]).digest() != data[:32]:
            continue
        try:
            with np.load(io.BytesIO(data[32:]), allow_pickle=False) as archive:
                state: dict[str, Any] = _restore(json.loads(str(archive["state"])), archive)
                return state
        except (ValueError, KeyError, zipfile.BadZipFile):
            continue
    return None


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
