"""Constraints, other calibrations and more objectives, from the command line to the summary."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qas import NoisySimulator, load_device, load_task
from qas.device import Device
from qas.device.schedule import duration
from qas.errors import InputError
from qas.problem import Problem, Trial
from qas.problem.constraint import Constraints
from qas.problem.merit.merit import USUAL, Box
from qas.problem.merit.robust import rescored_all, worsts
from search.campaign import Settings
from search.campaign.finalist import Finalist, Wanted, choose, rough_front
from search.campaign.ledger import read_rows

Invoke = Callable[..., Any]
DEVICE = load_device("FakeManilaV2")
SEARCH = (
    "search",
    "--task",
    "h2",
    "--seed",
    "4",
    "--strategy",
    "random,greedy",
    "--budget",
    "1200",
)


def other_days() -> list[Device]:
    days = []
    for day, factor in ((1, 2.0), (2, 0.5), (3, 6.0)):
        gates = tuple(replace(g, error=g.error * factor) for g in DEVICE.gates)
        days.append(replace(DEVICE, gates=gates, calibration_date=f"2022-01-0{day}"))
    return days


@pytest.fixture(scope="module")
def calibrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("days")
    for number, day in enumerate(other_days()):
        (folder / f"manila-{number}.json").write_text(day.to_json())
    return folder


@pytest.fixture(scope="module")
def aimed(invoke: Invoke, calibrations: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("aimed") / "c"
    words = ("--max-cx", 2, "--max-depth", 14, "--max-duration", "900ns", "--robust")
    words += ("--calibrations", calibrations, "--objectives", "energy,cx,duration,spread")
    assert invoke(*SEARCH, *words, "--out", folder).exit_code == 0
    return folder


def rows_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [row for row in read_rows(folder / "ledger.jsonl") if row["kind"] == kind]


def test_nothing_that_is_reported_breaks_a_constraint(aimed: Path) -> None:
    rows = rows_of(aimed, "trial") + rows_of(aimed, "finalist")
    assert len({row["strategy"] for row in rows_of(aimed, "trial")}) == 2
    for row in rows:
        trial = Trial.from_dict(row["trial"])
        assert trial.two_qubit_gates <= 2
        assert trial.native.depth <= 14
        assert duration(trial.native, DEVICE.patch(trial.candidate.layout)) <= 900e-9


def test_without_them_the_same_search_would_report_more(
    aimed: Path, invoke: Invoke, tmp_path: Path
) -> None:
    words = ("--strategy", "random", "--budget", "12000")
    assert invoke(*SEARCH, *words, "--out", tmp_path / "c").exit_code == 0
    depths = [Trial.from_dict(r["trial"]).native.depth for r in rows_of(tmp_path / "c", "trial")]
    assert max(depths) > 14


def test_the_summary_says_what_was_weighed(aimed: Path) -> None:
    summary = json.loads((aimed / "summary.json").read_text())
    assert summary["settings"]["constraints"] == "cx<=2,depth<=14,duration<=0.9us"
    assert len(summary["settings"]["calibrations"]) == 3
    assert [p["id"] for p in summary["pareto"]] == [f["id"] for f in summary["finalists"]]
    assert 0 <= summary["hypervolume"] <= 1
    task = load_task("h2")
    trials = {r["finalist"]["id"]: Trial.from_dict(r["trial"]) for r in rows_of(aimed, "finalist")}
    for entry in summary["finalists"]:
        trial = trials[entry["id"]]
        energies = [
            NoisySimulator(day.patch(trial.candidate.layout))
            .estimate(trial.native, task.observable, trial.angles)
            .mean[0]
            for day in other_days()
        ]
        days = entry["energy_other_days"]
        assert days["days"] == 3
        assert [days[k] for k in ("lowest", "median", "highest")] == pytest.approx(
            [min(energies), np.median(energies), max(energies)], abs=1e-12
        )
        every = [entry["energy_noisy"], entry["energy_pessimistic"], *energies]
        assert entry["energy_worst"] == pytest.approx(max(every), abs=1e-9)
        assert entry["spread"] == pytest.approx(max(every) - min(every), abs=1e-9)
    heads = [entry["energy_worst"] for entry in summary["finalists"]]
    assert heads == sorted(heads)


def test_the_report_shows_it(aimed: Path) -> None:
    page = (aimed / "report.html").read_text()
    for words in ("other days, median", "Hypervolume of the finalists", "Constraints: cx&lt;=2"):
        assert words in page


def test_a_resumed_campaign_needs_no_files(
    aimed: Path, invoke: Invoke, tmp_path: Path, calibrations: Path
) -> None:
    """All that re-scoring takes stands in the first row."""
    lines = (aimed / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["kind"] not in
            ("finalist", "polished", "references")]  # fmt: skip
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "ledger.jsonl").write_bytes(b"".join(kept))
    assert invoke("resume", tmp_path / "c").exit_code == 0
    again, before = (json.loads((f / "summary.json").read_text()) for f in (tmp_path / "c", aimed))
    assert again["finalists"] == before["finalists"]
    assert str(calibrations) not in lines[0].decode()


def test_settings_come_back_and_old_rows_are_read() -> None:
    made = Settings(
        load_task("h2"), DEVICE, ("random",), budget=10, constraints=Constraints(1, 9, 1e-6),
        calibrations=tuple(other_days()), robust=True, objectives=("energy", "spread"),
    )  # fmt: skip
    row = json.loads(json.dumps(made.to_row()))
    again = Settings.from_row(row)
    assert (again.constraints, again.robust) == (made.constraints, True)
    assert again.objectives == made.objectives
    assert [d.hash for d in again.calibrations] == [d.hash for d in made.calibrations]
    for name in ("constraints", "calibrations", "robust", "objectives"):
        del row[name]
    old = Settings.from_row(row)
    assert (old.constraints, old.calibrations, old.objectives) == (Constraints(), (), USUAL)


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--max-cx", "-1"), "at most"), (("--max-duration", "5"), "unit"),
     (("--max-duration", "-5us"), "unit"), (("--max-depth=-3",), "at most"),
     (("--objectives", "cost"), "unknown objective"), (("--objectives", "cx,cx"), "once"),
     (("--calibrations", "none"), "cannot be read"), (("--robust", "--device", "ideal"), "noise")],
)  # fmt: skip
def test_bad_aims_are_refused_before_anything_is_spent(
    words: tuple[str, ...], said: str, invoke: Invoke, tmp_path: Path
) -> None:
    result = invoke(*SEARCH, *words, "--out", tmp_path / "c")
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (tmp_path / "c").exists()


def test_usual_finalists_are_the_front_and_robust_ones_the_front_of_the_worst(
    finished: Path,
) -> None:
    problem = Problem.of(load_task("h2"), DEVICE)
    arms: dict[str, list[Trial]] = {}
    for row in rows_of(finished, "trial"):
        arms.setdefault(row["strategy"], []).append(Trial.from_dict(row["trial"]))
    rough = rough_front(problem, arms)
    trials = [item.trial for item in rough]
    days = tuple(other_days())
    scores = rescored_all(problem, trials, days)
    usual = choose(problem, rough, scores)
    ranks = [trials[k].rank for k in usual]
    assert ranks == sorted(ranks)
    for k, trial in enumerate(trials):
        beaten = any(
            o.rank[:2] != trial.rank[:2]
            and o.rank[0] <= trial.rank[0]
            and o.two_qubit_gates <= trial.two_qubit_gates
            for o in trials
        )
        same = any(trials[u].rank[:2] == trial.rank[:2] for u in usual)
        assert same == (not beaten), k
    robust = choose(problem, rough, scores, Wanted(robust=True, calibrations=days))
    assert worsts(scores)[robust[0]] == pytest.approx(worsts(scores).min())


def test_among_equals_the_fewest_gates_win(finished: Path) -> None:
    problem = Problem.of(load_task("h2"), DEVICE)
    trial = Trial.from_dict(rows_of(finished, "finalist")[0]["trial"])
    longer = replace(trial, native=trial.native.then("rz", 0, angle=0.0))
    items = [Finalist("a", longer), Finalist("b", trial)]
    scores = rescored_all(problem, [longer, trial])
    assert [items[k].strategy for k in choose(problem, items, scores)] == ["b"]


def test_a_constraint_that_leaves_nothing_leaves_the_empty_circuit(
    invoke: Invoke, tmp_path: Path
) -> None:
    words = ("--max-cx", 0, "--max-duration", "1ns")
    assert invoke(*SEARCH, *words, "--out", tmp_path / "c").exit_code == 0
    summary = json.loads((tmp_path / "c" / "summary.json").read_text())
    assert all(f["duration"] == 0 for f in summary["finalists"])
    assert summary["hypervolume"] in (None, 0.0)


def test_the_box_is_that_of_the_problem_alone(aimed: Path, finished: Path) -> None:
    for folder in (aimed, finished):
        summary = json.loads((folder / "summary.json").read_text())
        settings = Settings.from_row(read_rows(folder / "ledger.jsonl")[0])
        reference = summary["references"]["hartree_fock_noisy"]
        box = Box.of(settings.problem(), settings.objectives, reference)
        assert summary["settings"]["hypervolume_box"] == box.to_dict()


def test_wrong_constraints_in_a_row_are_refused() -> None:
    row = Settings(load_task("h2"), DEVICE, ("random",), budget=10).to_row()
    for bad in ({"depth": -1}, {"height": 3}, 7, [1]):
        with pytest.raises(InputError):
            Settings.from_row(json.loads(json.dumps(row | {"constraints": bad})))
