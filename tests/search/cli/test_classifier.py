"""Classifiers on the command line: lists, data folders, and what cannot be, in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qas.task import dataset_names

Invoke = Callable[..., Any]
TINY = ("--strategy", "random", "--budget", "50000")


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QAS_DATA_DIR", raising=False)


def refused(invoke: Invoke, folder: Path, *words: object) -> str:
    """What is said in one line; nothing is written."""
    before = sorted(folder.rglob("*"))
    result = invoke(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert sorted(folder.rglob("*")) == before
    said: str = result.stderr
    return said


def test_they_stand_among_the_tasks(invoke: Invoke) -> None:
    shown = invoke("tasks").stdout
    for name in dataset_names():
        assert f"{name:16} classify " in shown
    listed = {row["name"] for row in json.loads(invoke("tasks", "--json").stdout)}
    assert listed >= {*dataset_names(), "h2", "tfim-N"}


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no such folder": (("--data-dir", "nowhere"), "nowhere does not exist"),
    "an empty folder": (("--data-dir", "empty"), "empty; looked for mnist_full.npz"),
    "other data": (("--data-dir", "other"), "has shape (1, 2)"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize(
    "command",
    [("run", "mnist4"), ("search", "--task", "mnist4"), ("bench", "--task", "mnist4")],
)
def test_missing_data_are_told_in_one_line(
    command: tuple[str, ...], case: str, invoke: Invoke, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    arrays = {f"{x}_{part}": np.zeros((1, 2)) for x in "xy" for part in ("train", "test")}
    np.savez(tmp_path / "other" / "mnist_full.npz", **arrays)  # type: ignore[arg-type]
    words, said = WRONG[case]
    assert said in refused(invoke, tmp_path, *command, *TINY, *words, "--out", "c")


def test_the_folder_may_stand_in_the_environment(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QAS_DATA_DIR", str(tmp_path / "gone"))
    said = refused(invoke, tmp_path, "search", "--task", "vowel4", *TINY)
    assert "gone does not exist" in said
    assert invoke("search", "--task", "digits2", *TINY, "--out", "c").exit_code == 0


def test_what_needs_an_energy_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    words = ("search", "--task", "digits2", "--budget", "50000", "--strategy")
    assert "sweeps over all extensions" in refused(invoke, tmp_path, *words, "random,beam")
    assert "is a classifier" in refused(invoke, tmp_path, "certify", "digits2", "--cx", "1")
    assert "did you mean digits" in refused(invoke, tmp_path, "search", "--task", "digits3")


def test_progress_and_tables_say_loss_and_accuracy(invoke: Invoke) -> None:
    result = invoke("search", "--task", "digits2", *TINY, "--out", "c")
    assert result.exit_code == 0
    assert "best loss 0." in result.stderr
    assert "accuracy" in result.stderr
    assert "losses in nats" in result.stdout
    assert "front of validation loss against two-qubit gates" in result.stdout
    assert "Guessing: loss 0.6931, accuracy 52.0%" in result.stdout
    for said in (result.stdout, result.stderr):
        assert "Ha" not in said
        assert "hartree" not in said


@pytest.mark.parametrize("form", ["qasm", "json", "qpy"])
def test_a_finalist_is_exported_whole(form: str, invoke: Invoke) -> None:
    assert invoke("search", "--task", "digits2", *TINY, "--out", "c").exit_code == 0
    assert invoke("export", "c", "--format", form, "--out", "file").exit_code == 0
    data = Path("file").read_bytes()
    if form == "qasm":
        assert data.count(b"input float[64] x_") == 16
    elif form == "json":
        assert sum(len(gate) == 4 for gate in json.loads(data)["gates"]) == 16
    else:
        from qiskit import qpy

        with open("file", "rb") as file:
            (circuit,) = qpy.load(file)
        assert len(circuit.parameters) == 16


def test_a_bench_counts_losses(invoke: Invoke) -> None:
    words = ("bench", "--task", "digits2", "--strategy", "random,evolve", "--seeds", 2)
    assert invoke(*words, "--budget", 200_000, "--out", "b").exit_code == 0
    rows = [json.loads(line) for line in Path("b/runs.jsonl").read_text().splitlines()]
    assert rows[0]["unit"] == "nats"
    assert rows[0]["ground_energy"] is None
    assert sum(row["kind"] == "run" for row in rows) == 4
    assert "loss, nats" in Path("b/README.md").read_text()
