"""The ledger: append-only JSON lines, the one record of a campaign."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from qas.errors import InputError

SCHEMA = 1
Row = dict[str, Any]


class Ledger:
    """Rows of one campaign folder, in the order in which they were finished.

    A row that a resumed campaign makes again, being the same but for its times, is not
    written twice.

    Args:
        path: the file; rows that it holds are read. A torn last line (the process died
            while writing) does not count: `append` moves it to ``<name>.torn`` first.

    Raises:
        InputError: a line that is not a row of this schema, with its number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = []
        self.reload()

    def reload(self) -> None:
        """Read the file again: another process may have written since."""
        self.rows = read_rows(self.path) if self.path.exists() else []

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows and force them to the disk."""
        fresh = [{"schema": SCHEMA, **row} for row in rows]
        if not fresh:
            return
        text = "".join(json.dumps(row, allow_nan=False) + "\n" for row in fresh)
        with open(self.path, "a+b") as file:
            _quarantine_torn_tail(file, self.path)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        self.rows += fresh

    def complete(self, rows: Iterable[Row]) -> None:
        """Append those rows that are not there yet, times apart."""
        held = [without_times(row) for row in self.rows]
        self.append(row for row in rows if without_times({"schema": SCHEMA, **row}) not in held)

    def of_kind(self, kind: str, **match: Any) -> list[Row]:
        """Rows of a kind whose keys have the given values."""
        return [
            row
            for row in self.rows
            if row["kind"] == kind and all(row.get(k) == v for k, v in match.items())
        ]


def read_rows(path: Path) -> list[Row]:
    """All rows of a ledger file, but for a torn last line.

    Raises:
        InputError: a line is not a JSON object of this schema; its number is named.
    """
    *lines, _ = path.read_bytes().split(b"\n")
    return [_row(path, number, line) for number, line in enumerate(lines, start=1)]


def _row(path: Path, number: int, line: bytes) -> Row:
    try:
        row: Row = json.loads(line.decode(), parse_constant=_refused)
        schema, kind = row["schema"], row["kind"]
        if not isinstance(kind, str):
            raise TypeError("a kind is a text")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}, line {number} is not a ledger row: restore the file, or move the "
            "folder away and start again"
        ) from error
    if schema != SCHEMA:
        raise InputError(f"{path}, line {number}: schema {schema!r}, not {SCHEMA}")
    return row


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def without_times(value: Any) -> Any:
    """The same JSON value without keys that are "time" or end in "seconds"."""
    if isinstance(value, dict):
        return {
            key: without_times(item)
            for key, item in value.items()
            if key != "time" and not key.endswith("seconds")
        }
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value


def _quarantine_torn_tail(file: BinaryIO, path: Path) -> None:
    """Cut a last line without its end off a file open for appending, and keep it aside."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return
    file.seek(size - 1)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    data = file.read()
    end = data.rfind(b"\n") + 1
    with open(path.with_name(path.name + ".torn"), "ab") as torn:
        torn.write(data[end:] + b"\n")
    file.truncate(end)
    file.seek(end)
