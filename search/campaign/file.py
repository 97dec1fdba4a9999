"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomically(path: Path, data: bytes, keep: bool = True) -> None:
    """Replace a file as one step; with ``keep`` what stood there stays as ``<name>.before``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        with open(fresh, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if keep and path.exists():
            os.replace(path, before(path))
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Replace a text file as one step."""
    write_atomically(path, text.encode(), keep=False)


def before(path: Path) -> Path:
    """Where the version before the newest is kept."""
    return path.with_name(path.name + ".before")
