"""Wrong input: exit code 2, a clear line or two, nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qas import load_device

Invoke = Callable[..., Any]
TINY = ("--strategy", "random", "--budget", "50")
GOOD = {"name": "mine", "n_qubits": 2, "paulis": ["ZI", "XX"], "coeffs": [0.5, 0.25]}


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Default folders, too, would show up among what is listed."""
    monkeypatch.chdir(tmp_path)


def listing(folder: Path) -> dict[str, bytes | None]:
    files = sorted(folder.rglob("*"))
    return {str(path): path.read_bytes() if path.is_file() else None for path in files}


def refused(invoke: Invoke, folder: Path, *words: object) -> str:
    """What is said; the folder is as it was."""
    before = listing(folder)
    result = invoke(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    said: str = result.stderr
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.strip()]
    if lines[0].startswith("Usage:"):  # the parser's own: how to, where to look, what was wrong
        lines = lines[2:]
    assert 1 <= len(lines) <= 2, said
    assert max(map(len, lines)) < 700
    assert listing(folder) == before
    return said


SETTINGS: dict[str, tuple[tuple[str, ...], str]] = {
    "device": (("--device", "FakeManilla"), "FakeManilaV2"),
    "device file": (("--device", "./none.json"), "no file"),
    "account": (("--device", "ibm_"), "unknown device"),
    "strategy": (("--strategy", "annealing"), "random, greedy"),
    "no strategy": (("--strategy", " , "), "at least one strategy"),
    "strategy twice": (("--strategy", "tpe,tpe"), "each strategy once"),
    "qubits out of range": (("--qubits", "1,7"), "7"),
    "negative qubit": (("--qubits=-1,0",), "-1"),
    "uncoupled qubits": (("--qubits", "0,4"), "0"),
    "qubit twice": (("--qubits", "1,1"), "1"),
    "qubits in letters": (("--qubits", "a,b"), "'a,b'"),
    "no qubits": (("--qubits", ""), "--qubits"),
    "too few qubits": (("--qubits", "1"), "has 2 qubits"),
    "too many qubits": (("--qubits", "1,2,3"), "has 2 qubits"),
    "budget 0": (("--budget", "0"), "--budget"),
    "budget -1": (("--budget=-1",), "--budget"),
    "budget in letters": (("--budget", "abc"), "--budget"),
    "budget a half": (("--budget", "0.5"), "--budget"),
    "minutes 0": (("--minutes", "0"), "--minutes"),
    "minutes negative": (("--minutes=-2",), "--minutes"),
    "minutes nan": (("--minutes", "nan"), "--minutes"),
    "minutes inf": (("--minutes", "inf"), "--minutes"),
    "seed -1": (("--seed=-1",), "seed"),
    "seed in letters": (("--seed", "x"), "--seed"),
    "seed too large": (("--seed", "99999999999999999999"), "seed"),
    "unknown option": (("--budgget", "5"), "--budgget"),
}


@pytest.mark.parametrize("case", SETTINGS)
@pytest.mark.parametrize("command", ["run", "search"])
def test_wrong_settings(command: str, case: str, invoke: Invoke, tmp_path: Path) -> None:
    words, named = SETTINGS[case]
    task = ("h2",) if command == "run" else ("--task", "h2")
    assert named in refused(invoke, tmp_path, command, *task, *TINY, *words)


@pytest.mark.parametrize("task", ["h3", "H2O", "", "../h2", "./none.json", "h2\x00", "h2\n", "."])
def test_wrong_tasks(task: str, invoke: Invoke, tmp_path: Path) -> None:
    refused(invoke, tmp_path, "run", task, *TINY)
    refused(invoke, tmp_path, "search", "--task", task, *TINY)


FILES: dict[str, str | bytes] = {
    "empty": "",
    "not JSON": "{'name': 3}",
    "not text": b"\xff\xfe\x00\x01",
    "a list": "[]",
    "a number": "3",
    "lacks coeffs": json.dumps({k: v for k, v in GOOD.items() if k != "coeffs"}),
    "bad letter": json.dumps(GOOD | {"paulis": ["ZQ", "XX"]}),
    "small letter": json.dumps(GOOD | {"paulis": ["zi", "XX"]}),
    "bad length": json.dumps(GOOD | {"paulis": ["ZI", "XXX"]}),
    "too few coefficients": json.dumps(GOOD | {"coeffs": [0.5]}),
    "NaN": json.dumps(GOOD | {"coeffs": [0.5, float("nan")]}),
    "infinity": json.dumps(GOOD | {"coeffs": [0.5, 1e400]}),
    "a text for a number": json.dumps(GOOD | {"coeffs": [0.5, "0.25"]}),
    "no terms": json.dumps(GOOD | {"paulis": [], "coeffs": []}),
    "wrong n_qubits": json.dumps(GOOD | {"n_qubits": 3}),
    "negative n_qubits": json.dumps(GOOD | {"n_qubits": -2}),
    "huge n_qubits": json.dumps(GOOD | {"n_qubits": 10**9}),
    "wrong ground energy": json.dumps(GOOD | {"ground_energy": -7.0}),
    "control characters": json.dumps(GOOD | {"name": "\x1b[31mred"}),
    "nested": "[" * 100_000,
    "more qubits than the device": json.dumps(
        {"name": "wide", "n_qubits": 6, "paulis": ["ZIIIII"], "coeffs": [1.0]}
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_wrong_hamiltonian_files(case: str, invoke: Invoke, tmp_path: Path) -> None:
    content = FILES[case]
    file = tmp_path / "mine.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = refused(invoke, tmp_path, "search", "--task", file, *TINY)
    assert "\x1b" not in said


def test_a_good_hamiltonian_file_is_taken(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(GOOD))
    words = ("--task", "mine.json", *TINY, "--out", "c")
    assert invoke("search", *words).exit_code == 0


def test_a_device_without_coupled_qubits_is_refused(invoke: Invoke, tmp_path: Path) -> None:
    device = json.loads(load_device("FakeManilaV2").to_json())
    device["gates"] = [gate for gate in device["gates"] if len(gate["qubits"]) == 1]
    (tmp_path / "island.json").write_text(json.dumps(device))
    refused(invoke, tmp_path, "search", "--task", "h2", *TINY, "--device", "island.json")


TUNING: dict[str, tuple[str, ...]] = {
    "unknown backend": ("--backend", "cloud"),
    "empty backend": ("--backend", ""),
    "no snapshot": ("--backend", "local:"),
    "unknown snapshot": ("--backend", "local:FakeNowhere"),
    "a snapshot of another kind of machine": ("--backend", "local:FakeSherbrooke"),
    "steps 0": ("--steps", "0"),
    "steps -1": ("--steps=-1",),
    "shots 0": ("--shots", "0"),
    "shots -1": ("--shots=-1",),
    "shots in letters": ("--shots", "many"),
    "finalists 0": ("--finalists", "0"),
    "seed -1": ("--seed=-1",),
}
MORE_TUNING: dict[str, tuple[str, ...]] = {
    "mode": ("--mode", "fast"),
    "resilience": ("--resilience", "9"),
    "ratio 2": ("--ratio", "2"),
    "ratio nan": ("--ratio", "nan"),
    "full steps 0": ("--full-steps=-1",),
    "pruned steps -1": ("--pruned-steps=-1",),
    "learning rate 0": ("--learning-rate", "0"),
    "learning rate nan": ("--learning-rate", "nan"),
    "max shots -1": ("--max-shots=-1",),
    "max circuits -1": ("--max-circuits=-1",),
    "max qpu seconds -1": ("--max-qpu-seconds=-1",),
    "max qpu seconds nan": ("--max-qpu-seconds", "nan"),
    "pruning": ("--pruning", "always"),
    "method": ("--method", "adjoint"),
    "optimiser": ("--optimiser", "adam"),
    "a rate too high for adaptive shots": ("--method", "adaptive", "--learning-rate", "9"),
}


@pytest.mark.parametrize("case", TUNING)
def test_run_with_a_wrong_plan_leaves_no_folder(case: str, invoke: Invoke, tmp_path: Path) -> None:
    refused(invoke, tmp_path, "run", "h2", *TINY, *TUNING[case])


@pytest.mark.parametrize("case", {**TUNING, **MORE_TUNING})
def test_tune_with_a_wrong_plan_writes_nothing(
    case: str, invoke: Invoke, campaign_copy: Path
) -> None:
    words = {**TUNING, **MORE_TUNING}[case]
    refused(invoke, campaign_copy, "tune", campaign_copy, *words)


@pytest.mark.parametrize("command", ["resume", "report", "tune", "export"])
def test_folders_that_are_no_campaign(command: str, invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for folder in ("missing", "empty", "file"):
        assert "no campaign in" in refused(invoke, tmp_path, command, folder)
    refused(invoke, tmp_path, command, "nul\x00")


def test_out_that_cannot_be_is_refused(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    for out in ("full", "file", "file/below", "x" * 300, "nul\x00"):
        refused(invoke, tmp_path, "search", "--task", "h2", *TINY, "--out", out)
        refused(invoke, tmp_path, "run", "h2", *TINY, "--out", out)

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", forbidden)
    said = refused(invoke, tmp_path, "search", "--task", "h2", *TINY, "--out", "new")
    assert "Permission denied" in said


@pytest.mark.parametrize(
    "words",
    [("--format", "pdf"), ("--finalist", "nobody"), ("--finalist", "../../x"), ("--tuned",),
     ("--finalist", ""), ("--out", "."), ("--out", "nul\x00")],
)  # fmt: skip
def test_wrong_exports(words: tuple[str, ...], invoke: Invoke, campaign_copy: Path) -> None:
    refused(invoke, campaign_copy.parent, "export", campaign_copy, *words)


def test_a_full_disk_fails_in_one_line(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", failing)
    result = invoke("search", "--task", "h2", *TINY, "--out", tmp_path / "c")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("qas: [Errno 28] No space left on device")
