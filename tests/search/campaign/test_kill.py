"""Real processes, really killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.campaign.checkpoint import load_checkpoint
from search.campaign.ledger import read_rows, without_times

Invoke = Callable[..., Any]
QAS = (sys.executable, "-c", "from search.cli import app; app()")
PATIENCE = 60.0


@contextmanager
def process(*words: object) -> Iterator[subprocess.Popen[bytes]]:
    """A ``qas`` that does not outlive the test."""
    command = [*QAS, *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.kill()


def wait_for_rows(running: subprocess.Popen[bytes], ledger: Path, more_than: int) -> None:
    """Return when the ledger has grown past so many bytes, or the process has ended."""
    started = time.monotonic()
    while running.poll() is None and time.monotonic() - started < PATIENCE:
        if ledger.exists() and ledger.stat().st_size > more_than:
            return
        time.sleep(0.01)
    assert running.poll() is not None, "no row in a minute"


def timeless(folder: Path, *kinds: str) -> Any:
    rows = read_rows(folder / "ledger.jsonl")
    return without_times([row for row in rows if not kinds or row["kind"] in kinds])


def finished_trials(ledger: Path) -> list[str]:
    """Whole lines; a torn one is not finished."""
    return [line.decode() for line in ledger.read_bytes().split(b"\n")[:-1]]


def test_killed_and_resumed_it_is_the_unbroken_campaign(
    invoke: Invoke, search_words: tuple[str, ...], finished: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(11)
    folder, words = tmp_path / "killed", (*search_words, "--out", tmp_path / "killed")
    ledger, size, kept, deaths = folder / "ledger.jsonl", 0, [], 0
    for _ in range(4):
        with process(*words) as running:
            wait_for_rows(running, ledger, size)
            time.sleep(float(rng.uniform(0, 0.6)))
            running.send_signal(signal.SIGKILL)
            deaths += running.wait() == -signal.SIGKILL
        lines = finished_trials(ledger)
        assert lines[: len(kept)] == kept, "a finished row is lost"
        kept, size = lines, ledger.stat().st_size
        words = ("resume", folder)
    assert deaths >= 2
    assert invoke("resume", folder).exit_code == 0
    assert timeless(folder) == timeless(finished)


def test_a_killed_training_ends_with_the_same_network(invoke: Invoke, tmp_path: Path) -> None:
    """Every array of the last checkpoint, weights and memory, is that of an unbroken run."""
    words = ("search", "--task", "h2-3", "--device", "ideal", "--seed", "3", "--strategy", "ppo")
    words = (*words, "--budget", "50000", "--out")
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    assert invoke(*words, whole).exit_code == 0
    saved = Path("checkpoints") / "ppo.npz"
    with process(*words, folder) as running:
        wait_for_rows(running, folder / saved, 0)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
    first = load_checkpoint(folder / saved)
    assert invoke("resume", folder).exit_code == 0
    last, unbroken = load_checkpoint(folder / saved), load_checkpoint(whole / saved)
    assert first is not None
    assert last is not None
    assert unbroken is not None
    assert first["strategy"]["rounds"] < last["strategy"]["rounds"]
    assert same(last["strategy"], unbroken["strategy"])


def same(one: Any, other: Any) -> bool:
    """Equal, arrays bit for bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    return bool(one == other)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_it_with_everything_kept(
    number: signal.Signals,
    code: int,
    invoke: Invoke,
    search_words: tuple[str, ...],
    finished: Path,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "stopped"
    # Long enough that it cannot end by itself first.
    words = [*search_words[:-1], "10000000", "--out", folder]
    with process(*words) as running:
        wait_for_rows(running, folder / "ledger.jsonl", 20_000)
        refused = invoke("resume", folder)
        running.send_signal(number)
        _, said = running.communicate(timeout=PATIENCE)
    assert refused.exit_code == 2
    assert "another process works in" in refused.stderr
    assert running.returncode == code
    assert b"Traceback" not in said
    assert f"qas resume {folder}".encode() in said
    rows = read_rows(folder / "ledger.jsonl")
    assert [row["number"] for row in rows if row["kind"] == "trial"] == list(range(len(rows) - 1))


def test_a_killed_tuning_goes_on_as_if_it_had_not_been(
    invoke: Invoke,
    tune_words: tuple[str, ...],
    tuned: Path,
    campaign_copy: Path,
) -> None:
    ledger = campaign_copy / "ledger.jsonl"
    with process("tune", campaign_copy, *tune_words) as running:
        # Behind the row of the plan comes a first step's.
        wait_for_rows(running, ledger, ledger.stat().st_size + 400)
        time.sleep(0.2)
        running.kill()
        running.wait()
    assert invoke("resume", campaign_copy).exit_code == 0
    kinds = ("plan", "tuning", "tuned")
    assert timeless(campaign_copy, *kinds) == timeless(tuned, *kinds)


def test_processes_that_race_for_a_folder_make_one_campaign(
    search_words: tuple[str, ...], tmp_path: Path
) -> None:
    folder = tmp_path / "raced"
    words = [*search_words[:-1], "200", "--strategy", "random", "--out", folder]
    command = [*QAS, *map(str, words)]
    racing = [subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
              for _ in range(2)]  # fmt: skip
    ends = [(running.communicate(timeout=PATIENCE)[1], running.returncode) for running in racing]
    assert sorted(code for _, code in ends) == [0, 2]
    loser = next(said for said, code in ends if code == 2)
    assert b"Traceback" not in loser
    assert len(loser.splitlines()) <= 2
    kinds = [row["kind"] for row in read_rows(folder / "ledger.jsonl")]
    assert kinds.count("campaign") == kinds.count("arm") == 1
