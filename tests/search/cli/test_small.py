"""The smallest searches end as well as large ones: exit 0, a finalist, a report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Invoke = Callable[..., Any]


@pytest.mark.parametrize("budget", [1, 20, 150, 500, 1000, 2000])
def test_every_budget_ends_with_a_finalist_and_a_report(
    invoke: Invoke, tmp_path: Path, budget: int
) -> None:
    out = tmp_path / "c"
    result = invoke("search", "--task", "h2", "--budget", budget, "--seed", 1, "--out", out)
    assert result.exit_code == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["finalists"]
    assert summary["spent_polishing"]["evaluations"] > 0
    assert "</html>" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("strategies", "limit"),
    [
        ("evolve,beam,anneal", ("--budget", 60)),
        ("evolve:gates,beam:gates,anneal:gates", ("--minutes", 0.01)),
    ],
)
def test_what_was_trained_and_never_valued_is_kept(
    strategies: str, limit: tuple[object, ...], invoke: Invoke, tmp_path: Path
) -> None:
    """Budget or time may end between the training of a circuit and its value on the device."""
    words = ("--task", "h2", "--strategy", strategies, *limit, "--out", tmp_path / "c")
    assert invoke("search", *words).exit_code == 0
    arms = json.loads((tmp_path / "c" / "summary.json").read_text())["arms"]
    assert [arm["strategy"] for arm in arms] == strategies.split(",")


@pytest.mark.parametrize("strategy", ["archive", "greedy"])
def test_hartree_fock_can_be_a_finalist_without_noise(
    strategy: str, invoke: Invoke, tmp_path: Path
) -> None:
    """Its x gates are no rotations; they are native on an ideal device all the same."""
    words = ("--task", "h2-4", "--device", "ideal", "--strategy", strategy, "--budget", 300)
    assert invoke("search", *words, "--out", tmp_path / "c").exit_code == 0
    (entry,) = json.loads((tmp_path / "c" / "summary.json").read_text())["finalists"]
    assert entry["two_qubit_gates"] == 0
    assert entry["success_probability"] == 1.0


def test_minutes_hold_inside_a_step(invoke: Invoke, tmp_path: Path) -> None:
    out = tmp_path / "c"
    words = ("--task", "h2-4", "--minutes", 0.02, "--out", out)
    assert invoke("search", *words).exit_code == 0
    (arm,) = json.loads((out / "summary.json").read_text())["arms"]
    assert arm["seconds"] < 1.2 + 5.0  # a kernel may have to compile


def test_ideal_devices_are_searched_and_not_tuned(invoke: Invoke, tmp_path: Path) -> None:
    out = tmp_path / "c"
    words = ("h2", "--device", "ideal", "--strategy", "greedy", "--budget", 3000, "--out", out)
    assert invoke("run", *words).exit_code == 0
    before = (out / "ledger.jsonl").read_bytes()
    refused = invoke("tune", out)
    assert refused.exit_code == 2
    assert "no chip" in refused.stderr
    assert (out / "ledger.jsonl").read_bytes() == before


def test_circuits_without_angles_are_not_tuned(invoke: Invoke, tmp_path: Path) -> None:
    """Hartree-Fock's circuit has nothing to tune: no shot is spent on it."""
    out = tmp_path / "c"
    words = ("--task", "h2", "--budget", 20, "--seed", 1, "--out", out)
    assert invoke("search", *words).exit_code == 0
    assert invoke("tune", out, "--steps", 2, "--shots", 64).exit_code == 0
    assert json.loads((out / "summary.json").read_text())["spent_tuning"]["shots"] == 0
