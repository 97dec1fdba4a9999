"""The ledger: append-only JSON lines, the one record of a campaign."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qas.errors import InputError

SCHEMA = 1
Row = dict[str, Any]


class Ledger:
    """Rows of one campaign folder, in the order in which they were finished.

    A row that a resumed campaign makes again, being the same but for its times, is not
    written twice.

    Args:
        path: the file; rows that it holds are read. A torn last line (the process died
            while writing) is moved to ``<name>.torn`` first.

    Raises:
        InputError: a line that is not a row of this schema, with its number.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = []
        if path.exists():
            _quarantine_torn_tail(path)
            self.rows = read_rows(path)

    def append(self, rows: Iterable[Row]) -> None:
        """Add rows and force them to the disk."""
        fresh = [{"schema": SCHEMA, **row} for row in rows]
        if not fresh:
            return
        text = "".join(json.dumps(row, allow_nan=False) + "\n" for row in fresh)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        self.rows += fresh

    def of_kind(self, kind: str, **match: Any) -> list[Row]:
        """Rows of a kind whose keys have the given values."""
        return [
            row
            for row in self.rows
            if row["kind"] == kind and all(row.get(k) == v for k, v in match.items())
        ]


def read_rows(path: Path) -> list[Row]:
    """All rows of a ledger file.

    Raises:
        InputError: a line is not a JSON object of this schema; its number is named.
    """
    rows: list[Row] = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
                if row["schema"] != SCHEMA or not isinstance(row["kind"], str):
                    raise InputError(
                        f"{path}, line {number}: schema {row['schema']!r}, not {SCHEMA}"
                    )
            except InputError:
                raise
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise InputError(
                    f"{path}, line {number} is not a ledger row: restore the file, or move the "
                    "folder away and start again"
                ) from error
            rows.append(row)
    return rows


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


def _quarantine_torn_tail(path: Path) -> None:
    data = path.read_bytes()
    end = data.rfind(b"\n") + 1
    if end == len(data):
        return
    with open(path.with_name(path.name + ".torn"), "ab") as torn:
        torn.write(data[end:] + b"\n")
    with open(path, "r+b") as file:
        file.truncate(end)
        os.fsync(file.fileno())
