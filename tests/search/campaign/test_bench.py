"""A bench's rows: equal budgets, resumable, nothing twice, no change of terms."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qas import NoisySimulator
from qas.errors import InputError
from qas.problem import Trial
from search.campaign.bench import Bench, Case, Job, jobs_of, run_job
from search.campaign.jobs import Outcome
from search.campaign.ledger import read_rows, without_times
from search.campaign.trace import ALLOWANCE, Trace

CHIP = Case("h2", "FakeManilaV2", 10_000)
IDEAL = Case("h2", "ideal", 2000)
JOBS = jobs_of([CHIP, IDEAL], ["random", "greedy"], [4, 5])


def here(
    function: Callable[[Any], Any], jobs: Sequence[Any], workers: int
) -> Generator[Outcome[Any], None, None]:
    """An engine of this process; a task that cannot be done fails."""
    for job in jobs:
        yield Outcome(job, function(job))


def ran(folder: Path, jobs: Sequence[Job]) -> list[Any]:
    """Of each run that was made: its key."""
    bench = Bench(folder)
    with bench.locked():
        return [progress.job.key for progress in bench.run(jobs, 1, here)]


def timeless(row: dict[str, Any]) -> Any:
    """A row without its times; the curve's are its second column."""
    curve = [[evaluations, energy] for evaluations, _, energy in row["anytime"]]
    return without_times({**row, "anytime": curve, "schema": 1})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bench; look, do not touch."""
    path: Path = tmp_path_factory.mktemp("bench") / "b"
    assert ran(path, JOBS) == [job.key for job in JOBS]
    return path


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, Any]]:
    """Those of the runs."""
    return [row for row in read_rows(folder / "runs.jsonl") if row["kind"] == "run"]


def test_every_job_is_a_row(rows: list[dict[str, Any]]) -> None:
    keys = [(r["task"], r["device"], r["strategy"], r["seed"]) for r in rows]
    assert keys == [job.key for job in JOBS]


def test_budgets_are_equal_and_what_passes_them_is_said(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        spent = row["spent"]["evaluations"]
        assert row["stopped_by"] == "budget"
        assert row["overshoot"] == spent - row["budget"] >= 0
        assert row["spent_polishing"]["evaluations"] > 0
        assert row["proposed"] >= row["different"] > 0


def test_curves_fall_and_end_within_the_budget(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        evaluations, seconds, energies = np.array(row["anytime"]).T
        assert (np.diff(energies) < 0).all()
        assert (np.diff(evaluations) >= 0).all()
        assert (np.diff(seconds) >= 0).all()
        assert evaluations[-1] <= row["budget"]
        assert seconds[-1] <= row["seconds"] + 1e-3


def test_incumbents_can_be_scored_again_from_the_row(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        case = CHIP if row["device"] == "FakeManilaV2" else IDEAL
        problem = case.problem
        found = [entry["found"] for entry in row["incumbents"]]
        assert min(f["energy"] for f in found) == pytest.approx(row["anytime"][-1][2], abs=1e-9)
        pairs = [entry["two_qubit_gates"] for entry in row["incumbents"]]
        assert pairs == sorted(set(pairs)) == [f["two_qubit_gates"] for f in found]
        front = [entry for entry in row["incumbents"] if entry["polished"]]
        assert all(("native" in e["found"]) == (e in front) for e in row["incumbents"])
        for entry in [e[kind] for e in front for kind in ("found", "polished")]:
            trial = Trial.from_dict({**entry, "cost": {}})
            patch, observable = problem.patch(trial.candidate.layout), problem.task.observable
            simulator = problem.exact if case is IDEAL else NoisySimulator(patch)
            again = simulator.estimate(trial.native, observable, trial.angles).mean[0]
            assert again == pytest.approx(entry["energy"], abs=1e-9)
            assert entry["energy_retrained"] <= entry["energy_exact"] + 1e-9
            exact = problem.exact.estimate(trial.native, observable, trial.angles).mean[0]
            assert exact == pytest.approx(entry["energy_exact"], abs=1e-12)
            if case is IDEAL:
                assert entry["energy_noisy"] is entry["energy_pessimistic"] is None
            else:
                assert entry["energy_noisy"] == pytest.approx(entry["energy"], abs=1e-9)
                assert entry["energy_pessimistic"] >= problem.task.ground_energy - 1e-9


def test_the_polish_is_of_the_front_and_makes_nothing_worse(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        polished = [entry for entry in row["incumbents"] if entry["polished"]]
        assert polished
        assert all(e["polished"]["energy"] <= e["found"]["energy"] + 1e-6 for e in polished)
        lowest = min(entry["found"]["energy"] for entry in row["incumbents"])
        assert min(e["found"]["energy"] for e in polished) <= lowest + 1e-9


def test_a_run_follows_from_its_job(rows: list[dict[str, Any]]) -> None:
    assert timeless(json.loads(json.dumps(run_job(JOBS[0])))) == timeless(rows[0])


def test_what_is_done_is_not_done_again_and_more_is_an_extension(
    folder: Path, tmp_path: Path
) -> None:
    lines = (folder / "runs.jsonl").read_bytes().splitlines(keepends=True)
    copy = tmp_path / "b" / "runs.jsonl"
    copy.parent.mkdir()
    copy.write_bytes(b"".join(lines[:4]) + lines[4][:50])  # two cases, two runs, a torn one
    more = [*JOBS, Job(IDEAL, "random", 6)]
    assert ran(copy.parent, more) == [job.key for job in more[2:]]
    assert copy.read_bytes().startswith(b"".join(lines[:4]))
    assert ran(copy.parent, more) == []
    again = [timeless(row) for row in read_rows(copy) if row["kind"] == "run"]
    before = [timeless(json.loads(line)) for line in lines[2:]]
    assert again[:-1] == before
    assert again[-1]["seed"] == 6


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (Case("h2", "ideal", 2001), r"a budget of 2000 evaluations; now 2001"),
        (Case("h2", "ideal", 2000, minutes=1.0), "None minutes a run; now 1.0"),
    ],
)
def test_other_terms_are_refused_and_nothing_is_written(
    case: Case, said: str, folder: Path
) -> None:
    before = (folder / "runs.jsonl").read_bytes()
    with pytest.raises(InputError, match=said):
        ran(folder, jobs_of([case], ["random"], [9]))
    assert (folder / "runs.jsonl").read_bytes() == before


def test_another_hamiltonian_under_the_same_name_is_refused(tmp_path: Path) -> None:
    rows = [IDEAL.to_row() | {"task_id": "another", "schema": 1}]
    (tmp_path / "runs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match="a task another"):
        Bench(tmp_path).check(JOBS)


def test_two_budgets_of_one_case_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="budget"):
        Bench(tmp_path / "b").check([*JOBS, Job(Case("h2", "ideal", 7), "random", 1)])
    assert not (tmp_path / "b").exists()


def test_a_failed_job_is_no_row_and_is_tried_again(tmp_path: Path) -> None:
    def failing(
        function: Callable[[Any], Any], jobs: Sequence[Any], workers: int
    ) -> Generator[Outcome[Any], None, None]:
        yield from (Outcome(job, failure="the power went") for job in jobs)

    bench = Bench(tmp_path / "b")
    with bench.locked():
        ended = list(bench.run(JOBS[:1], 1, failing))
    assert [(p.row, p.failure) for p in ended] == [(None, "the power went")]
    assert ran(tmp_path / "b", JOBS[:1]) == [JOBS[0].key]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="something else"):
        Bench(tmp_path)


def test_a_step_far_past_the_budget_does_not_count(rows: list[dict[str, Any]]) -> None:
    entry = next(e["found"] for e in rows[0]["incumbents"] if e["polished"])
    trial = Trial.from_dict({**entry, "cost": {}})
    trace = Trace(1000)
    trace.see([trial], int(1000 * (1 + ALLOWANCE)) + 1, 1.0)
    assert (trace.trials, trace.curve, trace.best) == (0, [], {})
    trace.see([trial], 1000 + 5, 1.0)
    assert trace.curve == [[1000, 1.0, trial.energy]]
    trace.see([trial], 1000 + 5, 2.0)
    assert len(trace.curve) == 1
    assert trace.proposals() == {"trials": 2, "proposed": 2, "different": 1}


def test_minutes_end_a_run(tmp_path: Path) -> None:
    row = run_job(Job(Case("h2", "ideal", 10**9, minutes=0.2 / 60), "random", 1))
    assert row["stopped_by"] == "minutes"
    assert 0.2 <= row["seconds"] < 5.0
    assert row["overshoot"] == 0
