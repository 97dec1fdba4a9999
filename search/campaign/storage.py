"""Storages that several workers share: a database by its URL, or a journal file."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qas.errors import InputError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

FORMS = (
    "sqlite:///FILE, journal:///FILE (a further / for an absolute path), "
    "or postgresql://USER@HOST/DATABASE"
)
FIRST = b'{"op_code":'
"""What a journal begins with, unless its first writer was killed even before."""
PATIENCE = 60.0
"""Seconds for which a worker waits while another one writes to the same SQLite file."""


def open_storage(url: str) -> BaseStorage:
    """The storage at a URL; files and tables are made where there are none.

    Raises:
        InputError: no such kind of storage, its driver is not there, or it cannot be opened.
    """
    kind, _, place = url.partition("://")
    try:
        if kind == "journal":
            return _journal(Path(place.removeprefix("/")))
        if kind == "sqlite":
            return _database(url, connect_args={"timeout": PATIENCE})
        if kind in ("postgres", "postgresql", "postgresql+psycopg"):
            return _database(f"postgresql+psycopg://{place}", pool_pre_ping=True)
    except ImportError as error:
        raise InputError(
            f"{kind} needs a driver that is not installed ({error.name}): "
            "pip install 'qas-engine[scale]'"
        ) from None
    except OSError as error:
        raise InputError(f"{shown(url)} cannot be opened: {error.strerror}") from None
    raise InputError(f"no storage is called {kind!r}; there are {FORMS}")


def shown(url: str) -> str:
    """The URL without its password.

    >>> shown("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    """
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", url)


def _database(url: str, connect_args: dict[str, Any] | None = None, **engine: Any) -> BaseStorage:
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    options = {**engine, "connect_args": connect_args or {}}
    try:
        return RDBStorage(url, engine_kwargs=options)
    except (SQLAlchemyError, ValueError) as error:  # a port that is no number is the latter
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise InputError(f"{shown(url)} cannot be opened: {reason}") from None


def _journal(path: Path) -> BaseStorage:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if path.is_file():
        _check_journal(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    lock: Any = JournalLock(path)
    lock.acquire()  # cuts a torn tail before anything is read
    lock.release()
    return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _check_journal(path: Path) -> None:
    """Raise InputError for a file that is no journal: cutting its last line would be a loss."""
    with open(path, "rb") as file:
        begin = file.read(len(FIRST))
    if not FIRST.startswith(begin):
        raise InputError(f"{path} is no journal of workers: choose another file")


class JournalLock:
    """Guards a journal while it is written to; stands in for the locks of Optuna's own.

    Those are files, which outlive a killed holder by half a minute; this one dies with it. And
    whoever gets it cuts off what a killed writer left behind the last newline: Optuna would
    write on in the same line, and no worker could read the journal any more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: int | None = None

    def acquire(self) -> bool:
        """Wait for the lock, then cut a torn tail."""
        file = os.open(self._path, os.O_RDWR)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_torn_tail(file)
        except BaseException:
            os.close(file)
            raise
        self._held = file
        return True

    def release(self) -> None:
        """Let the next one write."""
        assert self._held is not None
        os.close(self._held)
        self._held = None


def _cut_torn_tail(file: int, step: int = 4096) -> None:
    """Cut a file after its last newline."""
    size = end = os.fstat(file).st_size
    while end:
        start = max(0, end - step)
        found = os.pread(file, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(file, end)
