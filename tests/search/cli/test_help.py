"""What a newcomer sees first: help, lists, and no waiting."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

Invoke = Callable[..., Any]
HEAVY = {
    *("torch", "qiskit", "qiskit_aer", "qiskit_ibm_runtime", "optuna", "numba", "matplotlib"),
    *("scipy", "sklearn", "gymnasium", "stable_baselines3"),
}
HELP: dict[str, tuple[str, ...]] = {
    "run": ("--device", "--qubits", "--budget", "--minutes", "--seed", "--out", "--backend"),
    "search": ("--task", "--device", "--strategy", "--qubits", "--budget", "--minutes", "--seed"),
    "tune": ("--backend", "--steps", "--shots", "--finalists", "local", "ibm_", "ratio"),
    "bench": ("--task", "--device", "--strategy", "--seeds", "--budget", "--workers", "--out"),
    "certify": ("--cx", "--starts", "--device", "--json"),
    "worker": ("--storage", "--study", "sqlite", "journal", "postgresql", "--export"),
    "resume": ("killed", "folder"),
    "report": ("report.html", "folder", "--json"),
    "export": ("--format", "qasm, json or qpy", "--tuned", "--finalist", "--out"),
    "devices": ("fake backends", "--json"),
    "tasks": ("--json",),
    "strategies": ("--json",),
}


@pytest.mark.parametrize("command", HELP)
def test_every_command_explains_itself(command: str, invoke: Invoke) -> None:
    result = invoke(command, "--help")
    assert result.exit_code == 0
    assert result.stderr == ""
    for word in (f"qas {command}", *HELP[command]):
        assert word in result.stdout.replace("root", "qas"), word
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_the_first_help_names_every_command_and_where_to_start(invoke: Invoke) -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    assert all(command in result.stdout for command in HELP)
    assert "qas run h2" in result.stdout


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["search", "--help"]])
def test_help_does_not_wait_for_heavy_imports(words: list[str]) -> None:
    """By what is imported, not by the clock: 0.5 s are kept on any machine that way."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from search.cli import app\n"
        "app()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert HEAVY & set(done.stderr.split()) == set()


def test_devices_are_listed_with_their_calibration(invoke: Invoke) -> None:
    rows = json.loads(invoke("devices", "--json").stdout)
    assert len(rows) > 50
    by_name = {row["name"]: row for row in rows}
    assert by_name["FakeManilaV2"]["n_qubits"] == 5
    assert {row["two_qubit_gate"] for row in rows} >= {"cx", "ecr", "cz"}
    listed = invoke("devices").stdout
    assert all(row["name"] in listed for row in rows)
    assert "ideal:line" in listed
    assert "ibm_<name>" in listed


@pytest.mark.parametrize("command", ["tasks", "strategies"])
def test_tasks_and_strategies_are_listed_with_a_line_each(command: str, invoke: Invoke) -> None:
    rows = json.loads(invoke(command, "--json").stdout)
    listed = invoke(command).stdout
    for row in rows:
        assert row.keys() == {"name", "description"}
        assert row["name"] in listed
        assert row["description"] in listed
    expected = {"tasks": "h2", "strategies": "greedy"}[command]
    assert expected in {row["name"] for row in rows}


def test_no_command_shows_the_help(invoke: Invoke) -> None:
    result = invoke()
    assert "qas run h2" in result.stdout + result.stderr
    assert result.exit_code in (0, 2)
