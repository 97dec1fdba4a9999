"""The command that sets strategies against each other: bench."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from search.cli.campaign import DataDir
from search.cli.guard import KEPT, guarded

if TYPE_CHECKING:
    from search.campaign.bench import Bench, BenchProgress, Job
    from search.campaign.jobs import Engine

_QUIET_LINE = 10.0


def bench(
    out: Annotated[Path, typer.Option(help="Bench folder, new or to go on with.")],
    task: Annotated[
        str | None, typer.Option(help="Tasks (qas tasks) or Hamiltonian files, by commas.")
    ] = None,
    device: Annotated[
        str, typer.Option(help="Devices by commas: ideal, fake backends, calibration files.")
    ] = "ideal",
    strategy: Annotated[
        str | None, typer.Option(help="Strategies by commas. Default: all of qas strategies.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Runs of each strategy on each task.", min=1)] = 5,
    first_seed: Annotated[int, typer.Option(help="Every strategy gets the same seeds.")] = 0,
    budget: Annotated[
        int | None,
        typer.Option(help="Evaluations a run: energies that a device would have to measure."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="Most wall time of a run.")] = None,
    data_dir: DataDir = None,
    workers: Annotated[int, typer.Option(help="Runs at a time.", min=1)] = 1,
    ray: Annotated[
        bool, typer.Option("--ray", help="Run on Ray: RAY_ADDRESS's cluster or this machine.")
    ] = False,
    page: Annotated[bool, typer.Option("--page", help="Only draw what is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Compare strategies on tasks and devices: equal budgets, paired seeds, one page.

    The same command goes on after a stop; more tasks, strategies or seeds extend the bench.
    """
    with guarded(stopped=f"{KEPT}; go on with the same command"):
        from qas.errors import InputError
        from search.campaign.bench import Bench
        from search.campaign.jobs import on_processes, on_ray

        found, failures = Bench(out), 0
        if page and not found.ledger.rows:
            raise InputError(f"no bench in {out}: it has no runs.jsonl")
        jobs: list[Job] = []
        if not page:
            if task is None or budget is None:
                raise InputError("give --task and --budget, or --page to draw what is there")
            jobs = _jobs(task, device, strategy, range(first_seed, first_seed + seeds),
                         budget, minutes, data_dir)  # fmt: skip
            found.check(jobs)
        with found.locked():
            if jobs:
                failures = bench_progress(found, jobs, workers, on_ray if ray else on_processes)
            summary = draw(found, None if page else _command())
        _report(found, summary, as_json)
        if failures:
            raise SystemExit(1)


def bench_progress(bench: Bench, jobs: Sequence[Job], workers: int, engine: Engine) -> int:
    """Run what is left, a bar and a line for each run on stderr; how many failed."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    failures, said = 0, time.monotonic()
    counted = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    columns = (
        *counted,
        TextColumn("left:"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("runs", total=len(jobs), note="")
        with closing(bench.run(jobs, workers, engine)) as ended:
            for run in ended:
                progress.update(bar, completed=run.done, note=_note(run))
                if run.failure is not None:
                    failures += 1
                    progress.console.print(
                        f"{_name(run.job)}: {run.failure}", markup=False, soft_wrap=True
                    )
                elif not progress.console.is_terminal and time.monotonic() - said > _QUIET_LINE:
                    said = time.monotonic()
                    line = f"{run.done} of {run.total} runs; {_note(run)}"
                    progress.console.print(line, markup=False, soft_wrap=True)
    return failures


def draw(bench: Bench, command: str | None) -> dict[str, Any]:
    """Write README.md, its figures and summary.json; the summary.

    Args:
        bench: its rows are drawn.
        command: what made them; None: what the last summary says.
    """
    from search.campaign.file import write_atomically, write_text
    from search.report.bench_finding import Outcome
    from search.report.bench_page import bench_page, summary

    path = bench.folder / "summary.json"
    if command is None:
        command = json.loads(path.read_text())["command"] if path.is_file() else "qas bench"
    outcome = Outcome.of(bench.ledger.rows)
    for name, data in bench_page(outcome, command).items():
        write_atomically(bench.folder / name, data, keep=False)
    result = {"command": command, **summary(outcome)}
    write_text(path, json.dumps(result, indent=1, allow_nan=False) + "\n")
    return result


def _jobs(
    task: str,
    device: str,
    strategy: str | None,
    seeds: Sequence[int],
    budget: int,
    minutes: float | None,
    data_dir: Path | None,
) -> list[Job]:
    from search.campaign.bench import Case, jobs_of
    from search.strategy import strategy_names

    names = strategy_names() if strategy is None else _listed(strategy, "--strategy")
    folder = None if data_dir is None else str(data_dir.resolve())
    cases = [
        Case(one, chip, budget, minutes, folder)
        for one in _listed(task, "--task")
        for chip in _devices(device)
    ]
    return jobs_of(cases, names, seeds)


def _devices(text: str) -> list[str]:
    """By commas; those of a ``uniform:`` device's settings do not part it."""
    names: list[str] = []
    for part in text.split(","):
        setting = ":" not in part and ("=" in part or part.strip() == "line")
        if setting and names and names[-1].startswith("uniform:"):
            names[-1] += f",{part.strip()}"
        else:
            names.append(part.strip())
    return _checked(names, text, "--device")


def _listed(text: str, option: str) -> list[str]:
    return _checked([name.strip() for name in text.split(",")], text, option)


def _checked(given: list[str], text: str, option: str) -> list[str]:
    """The names that are not empty: one at least, each once."""
    from qas.errors import InputError

    names = [name for name in given if name]
    if not names:
        raise InputError(f"{option} takes names by commas; given {text!r}")
    if len(set(names)) < len(names):
        raise InputError(f"{option} takes each name once; given {text!r}")
    return names


def _report(bench: Bench, summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary, indent=1, allow_nan=False))
        return
    for name, group in summary["groups"].items():
        print(f"Score {name}, interquartile mean with its 95% interval (higher is better)")
        ranked = sorted(group["score"]["found"].items(), key=lambda item: -item[1][0])
        for arm, (value, low, high) in ranked:
            band = "" if low is None else f"  {low:.3f} to {high:.3f}"
            print(f"  {arm:20} {value:.3f}{band}")
    print(f"Page: {bench.folder / 'README.md'}")


def _command() -> str:
    return shlex.join(["qas", *sys.argv[1:]])


def _note(run: BenchProgress) -> str:
    if run.row is None:
        return f"{_name(run.job)} failed"
    curve = run.row["anytime"]
    found = f"{curve[-1][2]:.6f} {run.job.case.unit}" if curve else "nothing found"
    return f"{_name(run.job)}: {found} in {run.row['seconds']:.1f} s"


def _name(job: Job) -> str:
    return f"{job.strategy} on {job.case.task}, {job.case.device}, seed {job.seed}"
