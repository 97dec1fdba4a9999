"""The ledger: what was appended is there, whatever happens to its end."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from qas.errors import InputError
from search.campaign.ledger import Ledger, read_rows, without_times

ROWS: list[dict[str, Any]] = [
    {"kind": "campaign", "seed": 2**80, "task": {"name": "line\u2028end \u00e9"}},
    {"kind": "trial", "number": 0, "energy": -1.1373060357533995, "note": "x" * 80},
    {"kind": "trial", "number": 1, "energy": 5e-324, "note": "y" * 80},
]


def held(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"schema": 1, **row} for row in rows]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "ledger.jsonl"
    Ledger(file).append(ROWS)
    return file


def test_rows_come_back_as_they_were(path: Path) -> None:
    assert Ledger(path).rows == held(ROWS) == read_rows(path)
    assert len(path.read_bytes().splitlines()) == len(ROWS)


def test_appending_adds_lines_and_changes_none(path: Path) -> None:
    before = path.read_bytes()
    ledger = Ledger(path)
    ledger.append([])
    assert path.read_bytes() == before
    ledger.append([{"kind": "arm", "strategy": "random"}])
    assert path.read_bytes().startswith(before)
    assert ledger.rows == Ledger(path).rows
    assert ledger.of_kind("arm", strategy="random") == ledger.rows[-1:]
    assert ledger.of_kind("arm", strategy="tpe") == []


@pytest.mark.parametrize("cut", range(1, 61))
def test_a_torn_tail_is_set_aside(path: Path, cut: int) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    ledger = Ledger(path)
    assert ledger.rows == held(ROWS[:-1])
    assert path.read_bytes() == whole[:-cut], "reading changes nothing: another may be writing"
    ledger.append(ROWS[-1:])
    assert path.read_bytes() == whole
    last = whole.splitlines(keepends=True)[-1]
    assert path.with_name("ledger.jsonl.torn").read_bytes() == last[:-cut] + b"\n"


def test_a_torn_first_line_leaves_an_empty_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b'{"schema": 1, "ki')
    assert Ledger(path).rows == []


@pytest.mark.parametrize(
    "line",
    [
        b"garbage",
        b"",
        b"null",
        b"[1, 2]",
        b"{}",
        b'{"schema": 1}',
        b'{"schema": 1, "kind": 3}',
        b'{"schema": 1, "kind": "trial", "energy": NaN}',
        b'{"schema": 1, "kind": "trial", "energy": -Infinity}',
        b'{"schema": 1, "kind": "\xff\xfe"}',
        b'{"schema": 1, "kind": ' + b"[" * 100_000,
        b"\x00" * 40,
    ],
)
def test_garbage_in_the_middle_is_named_by_its_line(path: Path, line: bytes) -> None:
    lines = path.read_bytes().splitlines()
    lines[1] = line
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(InputError, match=r"ledger\.jsonl, line 2 is not a ledger row"):
        Ledger(path)


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_another_schema_is_refused_with_its_line(path: Path, schema: object) -> None:
    with path.open("a") as file:
        file.write(json.dumps({"schema": schema, "kind": "trial"}) + "\n")
    with pytest.raises(InputError, match="line 4: schema"):
        Ledger(path)


def test_what_is_no_json_is_not_written(path: Path) -> None:
    before = path.read_bytes()
    ledger = Ledger(path)
    for bad in (float("nan"), float("inf"), {1, 2}):
        with pytest.raises((ValueError, TypeError)):
            ledger.append([{"kind": "trial", "energy": bad}])
    assert path.read_bytes() == before
    assert ledger.rows == held(ROWS)


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_fails_is_not_passed_over(
    path: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: int) -> None:
        raise OSError(code, os.strerror(code))

    ledger = Ledger(path)
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", failing)
        with pytest.raises(OSError, match=os.strerror(code)):
            ledger.append([{"kind": "arm"}])
    assert ledger.rows == held(ROWS)
    assert Ledger(path).rows[: len(ROWS)] == held(ROWS)


def test_rows_that_are_there_but_for_their_times_are_not_written_twice(path: Path) -> None:
    ledger = Ledger(path)
    row = {"kind": "arm", "spent": {"evaluations": 3, "simulator_seconds": 0.5}, "time": "now"}
    ledger.complete([row])
    ledger.complete([row | {"time": "later", "spent": {"evaluations": 3, "seconds": 9.0}}, *ROWS])
    assert Ledger(path).rows == held([*ROWS, row])


def test_times_are_left_out_at_every_depth() -> None:
    timed = {"time": 1, "a": [{"seconds": 2, "simulator_seconds": 3, "seconds_each": 4}], "b": 5}
    assert without_times(timed) == {"a": [{"seconds_each": 4}], "b": 5}
