"""Results on stdout, progress on stderr, secrets nowhere."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qiskit import qasm3, qpy
from qiskit.quantum_info import Operator

from qas import Circuit
from search.campaign.ledger import read_rows

Invoke = Callable[..., Any]
TINY = ("--strategy", "random", "--budget", "300")


def finalists(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "summary.json").read_text())["finalists"]
    return found


def test_json_is_all_that_stands_on_stdout(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("search", "--task", "h2", *TINY, "--out", tmp_path / "c", "--json")
    assert json.loads(result.stdout) == json.loads((tmp_path / "c" / "summary.json").read_text())
    for command in ("resume", "report"):
        again = invoke(command, tmp_path / "c", "--json")
        assert json.loads(again.stdout) == json.loads(result.stdout)


def test_the_leaderboard_names_arms_finalists_and_the_report(
    invoke: Invoke, campaign_copy: Path
) -> None:
    result = invoke("report", campaign_copy)
    assert result.exit_code == 0
    for word in ("random", "tpe", "greedy", "FakeManilaV2", str(campaign_copy / "report.html")):
        assert word in result.stdout
    for entry in finalists(campaign_copy):
        assert entry["id"] in result.stdout
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 110


def test_the_folder_is_named_after_what_was_asked_and_never_reused(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = {"name": "../<b>x", "n_qubits": 1, "paulis": ["Z"], "coeffs": [1.0]}
    (tmp_path / "mine.json").write_text(json.dumps(hostile))
    words = ("search", "--task", "mine.json", "--device", "ideal", *TINY, "--seed", "4")
    assert invoke(*words).exit_code == invoke(*words).exit_code == 0
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert names == ["----b-x-ideal-s4", "----b-x-ideal-s4-2"]
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "mine.json"}
    assert "<b>x" not in (tmp_path / "runs" / names[0] / "report.html").read_text()


@pytest.mark.parametrize("nth", [0, -1])
def test_exports_are_the_finalist(nth: int, invoke: Invoke, finished: Path, tmp_path: Path) -> None:
    entry = finalists(finished)[nth]
    reference = qasm3.load(finished / entry["qasm"])

    def exported(form: str) -> bytes:
        words = ("export", finished, "--finalist", entry["id"], "--format", form)
        assert invoke(*words, "--out", tmp_path / form).exit_code == 0
        data = (tmp_path / form).read_bytes()
        assert invoke(*words).stdout_bytes == data
        return data

    circuits = [
        qasm3.loads(exported("qasm").decode()),
        Circuit.from_json(exported("json").decode()).to_qiskit(),
        qpy.load(io.BytesIO(exported("qpy")))[0],
    ]
    for circuit in circuits:
        assert Operator(circuit) == Operator(reference)
        assert circuit.size() == entry["gates"]


def test_exports_are_of_the_best_unless_named_and_of_the_tuned_if_asked(
    invoke: Invoke, tuned: Path
) -> None:
    best = finalists(tuned)[0]
    plain, other = invoke("export", tuned), invoke("export", tuned, "--tuned")
    assert plain.stdout == (tuned / best["qasm"]).read_text()
    assert other.stdout == (tuned / best["qasm_tuned"]).read_text()
    assert plain.stdout != other.stdout


def test_run_does_it_all_and_keeps_secrets(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canary stands where the account's token would; it may show up nowhere."""
    canary = "canary-0f9a4c3e5d7b"
    monkeypatch.setenv("QISKIT_IBM_TOKEN", canary)
    folder = tmp_path / "c"
    found = ("--strategy", "greedy", "--budget", "3000")  # angles to tune
    tiny = (*found, "--steps", "2", "--shots", "32", "--out", folder)
    result = invoke("run", "h2", *tiny, "--json")
    assert result.exit_code == 0
    assert "energy_tuned" in json.loads(result.stdout)["finalists"][0]
    outputs = [result.stdout, result.stderr]
    for more in (("report", folder), ("export", folder), ("tune", folder, "--backend", "none")):
        outputs += [(done := invoke(*more)).stdout, done.stderr]
    assert not any(canary in text for text in outputs)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert not any(canary.encode() in path.read_bytes() for path in files)
    assert [r["kind"] for r in read_rows(folder / "ledger.jsonl")][-1] == "tuned"


def test_an_account_that_fails_is_told_without_its_token(
    invoke: Invoke, campaign_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "canary-0f9a4c3e5d7b"
    monkeypatch.setenv("QISKIT_IBM_TOKEN", canary)

    def failing(*_: object, **__: object) -> None:
        raise RuntimeError(f"401 for apikey {canary}")

    monkeypatch.setattr("qiskit_ibm_runtime.QiskitRuntimeService", failing)
    for words in (
        ("tune", campaign_copy, "--backend", "ibm_nowhere"),
        ("search", "--task", "h2", "--device", "ibm_nowhere", "--out", campaign_copy / "x"),
    ):
        result = invoke(*words)
        assert result.exit_code == 2
        assert "could not be opened" in result.stderr
        assert canary not in result.output
    assert not any(canary.encode() in p.read_bytes() for p in campaign_copy.glob("*.*"))
    assert not (campaign_copy / "x").exists()
