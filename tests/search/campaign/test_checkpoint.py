"""Checkpoints: after any fault the state before or the state after, never one between."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.campaign.checkpoint import load_checkpoint, save_checkpoint

OLD = {"step": 1, "angles": np.arange(5.0)}
NEW = {"step": 2, "angles": np.arange(6.0)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "checkpoints" / "arm.npz"
    save_checkpoint(file, OLD)
    save_checkpoint(file, NEW)
    return file


def step_of(path: Path) -> int | None:
    state = load_checkpoint(path)
    if state is None:
        return None
    assert np.array_equal(state["angles"], np.arange(4.0 + state["step"]))
    return int(state["step"])


def test_nested_states_come_back(tmp_path: Path) -> None:
    state: dict[str, Any] = {
        "rng": {"state": 2**127 + 1, "inc": 3},
        "none": None,
        "flags": [True, False],
        "tiny": 5e-324,
        "arrays": {"0": np.zeros((0, 3), dtype=np.float32), "1": np.array([True, False])},
        "list": [np.int64(7), {"a": np.array([-np.inf, np.nan])}],
    }
    save_checkpoint(tmp_path / "x.npz", state)
    loaded = load_checkpoint(tmp_path / "x.npz")
    assert loaded is not None
    assert loaded["rng"] == state["rng"]
    assert (loaded["none"], loaded["flags"], loaded["tiny"]) == (None, [True, False], 5e-324)
    assert loaded["arrays"]["0"].shape == (0, 3)
    assert loaded["arrays"]["0"].dtype == np.float32
    assert loaded["arrays"]["1"].tolist() == [True, False]
    assert loaded["list"][0] == 7
    assert np.array_equal(loaded["list"][1]["a"], [-np.inf, np.nan], equal_nan=True)


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "x.npz") is None


def test_a_truncated_file_falls_back_to_the_one_before(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = path.read_bytes()
    for length in (*range(0, len(whole), 13), len(whole) - 1):
        path.write_bytes(whole[:length])
        assert step_of(path) == 1
    assert "arm.npz is damaged" in caplog.text


def test_a_flipped_bit_falls_back_to_the_one_before(path: Path) -> None:
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for bit in rng.integers(8 * len(whole), size=200):
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(broken)
        assert step_of(path) == 1


def test_the_newest_deleted_or_all_of_them(path: Path) -> None:
    path.unlink()
    assert step_of(path) == 1
    path.with_name("arm.npz.before").write_bytes(b"")
    assert step_of(path) is None


def test_a_state_that_does_not_fit_is_left_aside(path: Path) -> None:
    assert load_checkpoint(path, lambda state: state["step"] < 2)["step"] == 1  # type: ignore[index]
    assert load_checkpoint(path, lambda state: state["step"] < 1) is None


def test_objects_are_never_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        save_checkpoint(tmp_path / "x.npz", {"a": np.array([{"b": 1}], dtype=object)})
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path / "x.npz", {"a": object()})
    assert list(tmp_path.iterdir()) == []


def test_a_pickle_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return os.mkdir, (str(tmp_path / "owned"),)

    buffer = io.BytesIO()
    hostile = np.array([Hostile()], dtype=object)
    np.savez(buffer, state=np.array(json.dumps({"x": {"__array__": "a0"}})), a0=hostile)
    body = buffer.getvalue()
    (tmp_path / "x.npz").write_bytes(hashlib.sha256(body).digest() + body)
    assert load_checkpoint(tmp_path / "x.npz") is None
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_a_disk_that_fails_leaves_what_was_there(
    path: Path, code: int, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    names = sorted(path.parent.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(call, failing)
        with pytest.raises(OSError, match=os.strerror(code)):
            save_checkpoint(path, {"step": 3, "angles": np.arange(7.0)})
    assert step_of(path) == 2
    assert sorted(path.parent.iterdir()) == names


def test_a_disk_that_fills_up_half_way_leaves_what_was_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("search.campaign.file.open", Full, raising=False)
        with pytest.raises(OSError, match="No space"):
            save_checkpoint(path, {"step": 3, "angles": np.arange(7.0)})
    assert step_of(path) == 2
    assert len(list(path.parent.iterdir())) == 2


def test_an_unreadable_file_is_an_error_and_not_a_fresh_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", failing)
    with pytest.raises(OSError, match="Input/output error"):
        load_checkpoint(path)


class Death(BaseException):
    """The process dies here: nothing after it happens, no handler of errors runs."""


@pytest.mark.parametrize("moment", range(1, 6))
@pytest.mark.parametrize("after", [False, True])
def test_a_death_at_any_moment_leaves_the_state_before_or_after(
    path: Path, moment: int, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Moments: fsync of the file, rename of the old, of the new, fsync of the folder."""
    calls = 0

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == moment and not after:
                raise Death
            result = original(*args)
            if calls == moment:
                raise Death
            return result

        return call

    died = False
    with monkeypatch.context() as patched:
        for name in ("fsync", "replace"):
            patched.setattr(f"os.{name}", dying(getattr(os, name)))
        try:
            save_checkpoint(path, {"step": 3, "angles": np.arange(7.0)})
        except Death:
            died = True
    assert died == (moment <= 4)
    assert step_of(path) in ((2, 3) if died else (3,))
    save_checkpoint(path, {"step": 4, "angles": np.arange(8.0)})
    assert step_of(path) == 4
