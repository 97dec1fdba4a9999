"""The command that certifies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qas.problem.certificate.certificate import Certificate

Invoke = Callable[..., Any]


def test_help_says_what_it_is(invoke: Invoke) -> None:
    said = " ".join(invoke("certify", "--help").stdout.split())
    for word in ("--cx", "--device", "--qubits", "--starts", "--threads", "--hours", "--json"):
        assert word in said
    assert "not a proof" in said


def test_a_certificate_is_printed_and_progress_goes_to_stderr(invoke: Invoke) -> None:
    result = invoke("certify", "h2-4", "--cx", "2")
    assert result.exit_code == 0
    assert "all-to-all: nothing below 20.59 mHa above the ground state" in result.stdout
    assert "27 skeletons (15 classes), 8 starts each" in result.stdout
    assert "27 skeletons in 15 classes" in result.stderr


@pytest.mark.parametrize(
    ("words", "n_pairs", "anywhere"),
    [
        (("--device", "ideal"), 6, False),
        (("--device", "ideal:line"), 6, True),
        (("--device", "FakeManilaV2"), 6, True),
        (("--device", "FakeManilaV2", "--qubits", "2,1,0,3"), 3, False),
    ],
)
def test_json_is_the_certificate_of_what_was_asked(
    words: tuple[str, ...], n_pairs: int, anywhere: bool, invoke: Invoke
) -> None:
    result = invoke("certify", "h2-4", "--cx", 1, "--starts", 2, "--seed", 3, "--json", *words)
    made = Certificate.from_json(result.stdout)
    assert (made.n_cx, made.starts, made.seed, made.device) == (1, 2, 3, words[1])
    assert len(made.couplings) == n_pairs
    assert (made.host is not None) == anywhere


WRONG: dict[str, tuple[tuple[object, ...], str]] = {
    "cx -1": (("h2-4", "--cx=-1"), "0 or more"),
    "too much": (("h2o-8", "--cx", 12, "--hours", 1e-3), "0.001 h"),
    "starts 0": (("h2-4", "--cx", 1, "--starts", 0), "at least 1 start"),
    "threads 0": (("h2-4", "--cx", 1, "--threads", 0), "--threads"),
    "seed -1": (("h2-4", "--cx", 1, "--seed=-1"), "--seed"),
    "hours nan": (("h2-4", "--cx", 1, "--hours", "nan"), "--hours"),
    "hours inf": (("h2-4", "--cx", 1, "--hours", "inf"), "--hours"),
    "no such task": (("h5", "--cx", 1), "no task is called"),
    "no such device": (("h2-4", "--cx", 1, "--device", "FakeManilla"), "FakeManilaV2"),
    "device too small": (("lih-6-2.2", "--cx", 1, "--device", "FakeManilaV2"), "at most 5"),
    "too few qubits": (("h2-4", "--cx", 1, "--qubits", "0,1"), "4 qubits; 2 are named"),
    "no cx": (("h2-4",), "--cx"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_is_refused_in_a_line(
    case: str, invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words, named = WRONG[case]
    result = invoke("certify", *words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert named in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []
