"""``qas bench`` as people run it: stopped, killed, gone on with, extended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search.campaign.ledger import read_rows, without_times

Invoke = Callable[..., Any]
QAS = (sys.executable, "-c", "from search.cli import app; app()")
WORDS = ("--task", "h2", "--device", "FakeManilaV2", "--budget", "10000", "--first-seed", "7")
TWO = (*WORDS, "--strategy", "random,greedy", "--seeds", "2", "--workers", "1")
PATIENCE = 300.0


@pytest.fixture(scope="module")
def bench(invoke: Invoke, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two arms, two seeds; look, do not touch."""
    folder: Path = tmp_path_factory.mktemp("bench") / "unbroken"
    result = invoke("bench", *TWO, "--out", folder)
    assert result.exit_code == 0, result.stderr
    assert "Score on chips" in result.stdout
    return folder


def runs(folder: Path) -> dict[Any, Any]:
    rows = [row for row in read_rows(folder / "runs.jsonl") if row["kind"] == "run"]
    for row in rows:
        row["anytime"] = [[evaluations, energy] for evaluations, _, energy in row["anytime"]]
    keyed = {(row["strategy"], row["seed"]): without_times(row) for row in rows}
    assert len(keyed) == len(rows), "a run stands there twice"
    return keyed


def test_the_folder_holds_page_figures_and_summary(bench: Path) -> None:
    text = (bench / "README.md").read_text()
    assert "{" not in text, "a placeholder is left"
    for figure in bench.glob("*.png"):
        assert f"({figure.name})" in text
    assert len(list(bench.glob("*.png"))) == 3
    summary = json.loads((bench / "summary.json").read_text())
    assert summary["arms"] == ["greedy", "random"]
    (case,) = summary["cases"]
    assert case["budget"] == 10000
    assert [case["arms"][arm]["seeds"] for arm in summary["arms"]] == [[7, 8], [7, 8]]
    value, low, high = summary["groups"]["on chips"]["score"]["found"]["greedy"]
    assert 0 <= low <= value <= high <= 1


def test_drawn_again_it_is_the_same(invoke: Invoke, bench: Path) -> None:
    before = {path: path.read_bytes() for path in bench.iterdir()}
    result = invoke("bench", "--page", "--out", bench, "--json")
    assert json.loads(result.stdout) == json.loads((bench / "summary.json").read_text())
    assert {path: path.read_bytes() for path in bench.iterdir()} == before


def test_killed_and_run_again_it_is_the_unbroken_bench(
    invoke: Invoke, bench: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    rows = folder / "runs.jsonl"
    command = [*QAS, "bench", *TWO, "--out", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        started = time.monotonic()
        while not (rows.exists() and rows.read_bytes().count(b"\n") >= 2):
            assert process.poll() is None
            assert time.monotonic() - started < PATIENCE, "no run in time"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    kept = rows.read_bytes()
    kept = kept[: kept.rfind(b"\n") + 1]
    assert 1 <= kept.count(b'"run"') < 4, "it was too fast to be killed"
    rows.write_bytes(kept + b'{"schema": 1, "kind": "ru')
    assert invoke("bench", *TWO, "--out", folder).exit_code == 0
    assert rows.read_bytes().startswith(kept)
    assert runs(folder) == runs(bench)


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    rows = folder / "runs.jsonl"
    words = ("--task", "h2", "--budget", "1000000000", "--strategy", "random", "--minutes", "5")
    command = [*QAS, "bench", *words, "--out", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True) as process:
        started = time.monotonic()
        while not (rows.exists() and rows.read_bytes().endswith(b"\n")):
            assert time.monotonic() - started < PATIENCE, "it did not begin"
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: workers get it too
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert b"everything finished is kept" in said
    assert b"Traceback" not in said
    assert [row["kind"] for row in read_rows(rows)] == ["case"]


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "another budget": (("--task", "h2", "--budget", "10001"), "a budget of 10000 evaluations"),
    "minutes": (("--task", "h2", "--budget", "10000", "--minutes", "2"), "minutes a run"),
    "no task": (("--budget", "10000"), "--task and --budget"),
    "no budget": (
        (
            "--task",
            "h2",
        ),
        "--task and --budget",
    ),
    "budget 0": (("--task", "h2", "--budget", "0"), "budget"),
    "strategy": (("--task", "h2", "--budget", "10000", "--strategy", "anneall"), "anneall"),
    "task": (("--task", "h9", "--budget", "10000"), "h9"),
    "too large": (("--task", "lih-6-2.2", "--budget", "10000"), "qubits"),
    "seed": (("--task", "h2", "--budget", "10000", "--first-seed=-1"), "seed"),
    "twice": (("--task", "h2,h2", "--budget", "10000"), "once"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_changes(
    case: str, invoke: Invoke, bench: Path
) -> None:
    words, named = REFUSED[case]
    before = {path: path.read_bytes() for path in bench.iterdir()}
    strategy = () if "--strategy" in words else ("--strategy", "random")
    result = invoke("bench", "--device", "FakeManilaV2", *strategy, *words, "--out", bench)
    assert result.exit_code == 2
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert {path: path.read_bytes() for path in bench.iterdir()} == before


def test_a_page_of_nothing_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("bench", "--page", "--out", tmp_path / "none")
    assert result.exit_code == 2
    assert "no bench" in result.stderr
    assert not (tmp_path / "none").exists()


def test_its_help_names_what_it_takes(invoke: Invoke) -> None:
    said = invoke("bench", "--help").stdout
    for word in ("--task", "--strategy", "--seeds", "--budget", "--workers", "--ray", "--page"):
        assert word in said
    assert max(map(len, said.splitlines())) <= 100


def test_a_uniform_device_is_one_device() -> None:
    from search.cli.bench import _devices

    given = "ideal,uniform:line,p1=1e-3,p2=1e-2,FakeManilaV2"
    assert _devices("ideal,uniform:p1=1e-3,p2=1e-2,FakeManilaV2") == [
        "ideal", "uniform:p1=1e-3,p2=1e-2", "FakeManilaV2",
    ]  # fmt: skip
    assert _devices(given) == ["ideal", "uniform:line,p1=1e-3,p2=1e-2", "FakeManilaV2"]
    two = "uniform:p1=1e-3,p2=1e-2,line,uniform:p1=1e-3,p2=2e-2,line"
    assert _devices(two) == ["uniform:p1=1e-3,p2=1e-2,line", "uniform:p1=1e-3,p2=2e-2,line"]


@pytest.mark.parametrize("key", ["task", "budget", "reference_energy", "seed", "incumbents"])
def test_rows_that_are_not_whole_are_refused(
    key: str, invoke: Invoke, bench: Path, tmp_path: Path
) -> None:
    rows = read_rows(bench / "runs.jsonl")
    text = "".join(
        json.dumps({name: own for name, own in row.items() if name != key}) + "\n" for row in rows
    )
    (tmp_path / "runs.jsonl").write_text(text)
    result = invoke("bench", "--page", "--out", tmp_path)
    assert result.exit_code == 2
    assert f"without its {key}" in result.stderr
    assert (tmp_path / "runs.jsonl").read_text() == text
