"""A campaign's folder: the same from the same seed, whole after every kind of death."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qas import load_device, load_task
from qas.errors import InputError
from search.campaign import ArmProgress, Campaign, Settings
from search.campaign.ledger import read_rows, without_times

Invoke = Callable[..., Any]


def timeless(folder: Path) -> Any:
    return without_times(read_rows(folder / "ledger.jsonl"))


def settings(**changes: Any) -> Settings:
    known: dict[str, Any] = {"strategies": ("random",), "seed": 3, "budget": 300}
    return Settings(load_task("h2"), load_device("FakeManilaV2"), **known | changes)


def test_the_same_seed_gives_the_same_ledger(
    invoke: Invoke, search_words: tuple[str, ...], finished: Path, tmp_path: Path
) -> None:
    assert invoke(*search_words, "--out", tmp_path / "again").exit_code == 0
    assert timeless(tmp_path / "again") == timeless(finished)
    for file in finished.glob("finalist-*.qasm"):
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_rows_are_numbered_and_sum_up(finished: Path) -> None:
    rows = read_rows(finished / "ledger.jsonl")
    for arm in (row for row in rows if row["kind"] == "arm"):
        trials = [r for r in rows if r["kind"] == "trial" and r["strategy"] == arm["strategy"]]
        assert [row["number"] for row in trials] == list(range(arm["trials"]))
        assert trials[-1]["spent"] == arm["spent"]
        spent = [row["spent"]["evaluations"] for row in trials]
        assert spent == sorted(spent)
        assert arm["best"]["energy"] == min(row["trial"]["energy"] for row in trials)


def test_resuming_what_is_finished_changes_nothing(invoke: Invoke, campaign_copy: Path) -> None:
    before = {path: path.read_bytes() for path in campaign_copy.rglob("*") if path.is_file()}
    assert invoke("resume", campaign_copy).exit_code == 0
    after = {path: path.read_bytes() for path in campaign_copy.rglob("*") if path.is_file()}
    assert after.keys() == before.keys()
    changed = {path.name for path in before if after[path] != before[path]}
    assert changed <= {"report.html"}


def place_of(rows: list[dict[str, Any]], kind: str, nth: int = 0, **match: Any) -> int:
    found = [
        number
        for number, row in enumerate(rows)
        if row["kind"] == kind and all(row[key] == value for key, value in match.items())
    ]
    return found[nth]


CUTS: dict[str, Callable[[list[dict[str, Any]]], int]] = {
    "settings only": lambda rows: 1,
    "trials of the last arm, behind its checkpoint": lambda rows: place_of(
        rows, "trial", 1, strategy="greedy"
    ),
    "arm row missing": lambda rows: place_of(rows, "arm", strategy="greedy"),
    "half of the polished": lambda rows: place_of(rows, "polished", 1),
    "last finalist missing": lambda rows: place_of(rows, "finalist", -1),
    "references missing": lambda rows: place_of(rows, "references"),
}


@pytest.mark.parametrize("torn", [0, 300])
@pytest.mark.parametrize("cut", CUTS)
def test_a_ledger_that_ends_anywhere_is_completed(
    cut: str, torn: int, invoke: Invoke, finished: Path, campaign_copy: Path
) -> None:
    """Checkpoints are those of the finished campaign: some are ahead of the ledger."""
    lines = (finished / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    place = CUTS[cut](read_rows(finished / "ledger.jsonl"))
    torn = min(torn, len(lines[place]) - 1)
    ledger = campaign_copy / "ledger.jsonl"
    ledger.write_bytes(b"".join(lines[:place]) + lines[place][:torn])
    (campaign_copy / "summary.json").unlink()
    assert invoke("resume", campaign_copy).exit_code == 0
    assert timeless(campaign_copy) == timeless(finished)
    summaries = [json.loads((f / "summary.json").read_text()) for f in (campaign_copy, finished)]
    assert without_times(summaries[0]) == without_times(summaries[1])
    assert ledger.with_name("ledger.jsonl.torn").exists() == bool(torn)


def test_damaged_checkpoints_cost_time_and_nothing_else(
    invoke: Invoke, finished: Path, campaign_copy: Path
) -> None:
    rows = read_rows(finished / "ledger.jsonl")
    lines = (finished / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    place = place_of(rows, "arm", strategy="greedy")
    (campaign_copy / "ledger.jsonl").write_bytes(b"".join(lines[:place]))
    for checkpoint in (campaign_copy / "checkpoints").iterdir():
        checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    assert invoke("resume", campaign_copy).exit_code == 0
    assert timeless(campaign_copy) == timeless(finished)


def test_a_step_begins_no_clock_that_may_jump(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The wall clock may jump to and fro: it stamps rows, it never ends a search."""
    clock = iter(range(10**9, 0, -(10**5)))
    monkeypatch.setattr("time.time", lambda: float(next(clock)))
    campaign = Campaign.create(tmp_path / "c", settings(minutes=5.0))
    reports = [r for r in campaign.search() if isinstance(r, ArmProgress)]
    assert reports[-1].spent.evaluations >= 300


def test_minutes_that_are_over_at_once_leave_a_campaign_without_finalists(
    invoke: Invoke, tmp_path: Path
) -> None:
    words = ("search", "--task", "h2", "--strategy", "random,greedy", "--minutes", "1e-9")
    result = invoke(*words, "--out", tmp_path / "c", "--json")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["finalists"] == []
    assert [arm["trials"] for arm in summary["arms"]] == [0, 0]
    assert invoke("resume", tmp_path / "c").exit_code == 0
    assert invoke("report", tmp_path / "c").exit_code == 0
    refused = invoke("export", tmp_path / "c")
    assert refused.exit_code == 2
    assert "no finalists" in refused.stderr


@pytest.mark.parametrize("strategy", ["random", "tpe", "greedy"])
def test_a_budget_of_one_evaluation_ends(strategy: str, invoke: Invoke, tmp_path: Path) -> None:
    words = ("search", "--task", "h2", "--strategy", strategy, "--budget", "1")
    assert invoke(*words, "--out", tmp_path / "c").exit_code == 0


def test_a_second_process_is_refused_and_the_lock_dies_with_its_holder(
    invoke: Invoke, campaign_copy: Path
) -> None:
    names = sorted(campaign_copy.rglob("*"))
    ledger = (campaign_copy / "ledger.jsonl").read_bytes()
    with Campaign.open(campaign_copy).locked():
        for command in (("resume",), ("report",), ("tune", "--steps", "1", "--shots", "8")):
            result = invoke(command[0], campaign_copy, *command[1:])
            assert result.exit_code == 2
            assert "another process works in" in result.stderr
    assert sorted(campaign_copy.rglob("*")) == names
    assert (campaign_copy / "ledger.jsonl").read_bytes() == ledger
    assert invoke("report", campaign_copy).exit_code == 0


def test_what_another_process_wrote_before_the_lock_is_seen(campaign_copy: Path) -> None:
    early, other = Campaign.open(campaign_copy), Campaign.open(campaign_copy)
    with other.locked():
        other.ledger.append([{"kind": "arm", "strategy": "of the other"}])
    with early.locked():
        assert early.ledger.of_kind("arm", strategy="of the other")


def test_a_folder_is_created_once(tmp_path: Path) -> None:
    Campaign.create(tmp_path / "c", settings())
    with pytest.raises(InputError, match="not empty"):
        Campaign.create(tmp_path / "c", settings())
    rows = read_rows(tmp_path / "c" / "ledger.jsonl")
    assert [row["kind"] for row in rows] == ["campaign"]


def test_settings_come_back_from_their_row(tmp_path: Path) -> None:
    made = settings(strategies=("tpe", "greedy"), minutes=2.5, qubits=(4, 3))
    row = json.loads(json.dumps(made.to_row()))
    again = Settings.from_row(row)
    assert again.to_row() == made.to_row()
    assert again.device.hash == made.device.hash
    assert again.problem().layouts == ((4, 3),)


@pytest.mark.parametrize("broken", [b"", b'{"schema": 1, "kind": "trial"}\n', b'{"schema": 1'])
def test_a_folder_without_settings_is_no_campaign(
    invoke: Invoke, broken: bytes, campaign_copy: Path
) -> None:
    (campaign_copy / "ledger.jsonl").write_bytes(broken)
    result = invoke("resume", campaign_copy)
    assert result.exit_code == 2
    assert "does not begin with a campaign's settings" in result.stderr


@pytest.mark.parametrize("key", ["task", "device", "strategies", "seed", "budget"])
@pytest.mark.parametrize("value", [None, "abc", [], {}, -1])
def test_settings_that_were_edited_are_refused_in_words(
    invoke: Invoke, key: str, value: object, campaign_copy: Path
) -> None:
    if (key, value) == ("budget", None):
        value = 0
    ledger = campaign_copy / "ledger.jsonl"
    first, *others = ledger.read_bytes().splitlines(keepends=True)
    line = json.dumps(json.loads(first) | {key: value}).encode() + b"\n"
    ledger.write_bytes(b"".join([line, *others]))
    result = invoke("resume", campaign_copy)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) <= 2


def test_a_hostile_ledger_writes_nowhere_else(
    invoke: Invoke, finished: Path, campaign_copy: Path
) -> None:
    ledger = campaign_copy / "ledger.jsonl"
    text = ledger.read_text()
    name = json.loads((finished / "summary.json").read_text())["finalists"][0]["id"]
    ledger.write_text(text.replace(name, "../../../owned"))
    outside = sorted(campaign_copy.parent.rglob("*"))
    result = invoke("report", campaign_copy)
    assert result.exit_code == 2
    assert sorted(campaign_copy.parent.rglob("*")) == outside


def test_the_copy_is_a_campaign_anywhere(invoke: Invoke, finished: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(finished, tmp_path / "somewhere else"))
    assert invoke("resume", moved).exit_code == 0
