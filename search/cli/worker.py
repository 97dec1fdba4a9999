"""The command that joins a campaign shared by many processes: worker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search.cli.campaign import DataDir
from search.cli.guard import KEPT, guarded
from search.cli.show import conclude, search_progress
from search.cli.wording import Wording

if TYPE_CHECKING:
    from search.campaign.shared import Plan, Shared, SharedProgress

QUIET = 10.0
"""Seconds between lines of progress."""
DAY = 86400.0
"""Seconds, the longest lease: timers know no infinite one."""


def worker(
    storage: Annotated[
        str, typer.Option(help="sqlite:///FILE, journal:///FILE or postgresql://USER@HOST/DB.")
    ],
    study: Annotated[str, typer.Option(help="Name of the campaign in the storage.")],
    task: Annotated[
        str | None, typer.Option(help="A task (qas tasks). Only the first worker needs settings.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="A device (qas devices). Default: FakeManilaV2.")
    ] = None,
    qubits: Annotated[str | None, typer.Option(help="Physical qubits, such as 1,2,3.")] = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="random, tpe (the default), gp or nsga2; with :gates in that space."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Circuits that all score together. Default: 500.")
    ] = None,
    data_dir: DataDir = None,
    seed: Annotated[int | None, typer.Option(help="Of every draw. Default: 0.")] = None,
    lease: Annotated[
        float, typer.Option(help="Seconds of silence after which a worker counts as dead.")
    ] = 30.0,
    export: Annotated[
        Path | None, typer.Option(help="When all is scored, make this campaign folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Work on a campaign with others, on this machine or many, until all circuits are scored.

    Start as many as you like; the first one needs --task, the others only --storage and --study.
    """
    from qas.errors import InputError
    from search.campaign.shared import opened
    from search.campaign.storage import open_storage

    with guarded(stopped=f"{KEPT}; another worker, or this command, goes on"):
        if not 0 < lease <= DAY:
            raise InputError(f"--lease is a time above 0 and up to {DAY:g} s; given {lease}")
        if as_json and export is None:
            raise InputError("--json prints the summary of --export: give both")
        taken = export is not None and export.exists()
        if export is not None and taken and (not export.is_dir() or any(export.iterdir())):
            raise InputError(f"{export} exists and is not empty: choose another --export")
        plan = _plan(task, device, qubits, strategy, trials, seed, data_dir)
        shared = opened(open_storage(storage), study, plan)
        last = _work(shared, lease)
        if not as_json:
            print(f"{study}: {last.done} of {last.total} circuits scored, {last.own} of them here")
    if export is not None:
        _export(shared, export, as_json)


def _plan(
    task: str | None,
    device: str | None,
    qubits: str | None,
    strategy: str | None,
    trials: int | None,
    seed: int | None,
    data_dir: Path | None,
) -> Plan | None:
    """What was typed; None where nothing was."""
    from qas.errors import InputError
    from search.campaign import settings_of
    from search.campaign.shared import Plan
    from search.cli.campaign import _parse_qubits

    if task is None:
        typed = (device, qubits, strategy, trials, seed, data_dir)
        if any(given is not None for given in typed):
            raise InputError("settings go with --task; without any a worker takes the study's")
        return None
    names = ("tpe" if strategy is None else strategy.strip(),)
    chip, placed = "FakeManilaV2" if device is None else device, _parse_qubits(qubits)
    settings = settings_of(task, chip, names, seed or 0, None, None, placed, data_dir=data_dir)
    return Plan(settings, 500 if trials is None else trials)


def _work(shared: Shared, lease: float) -> SharedProgress:
    """Score circuits until all are scored, a line on stderr every now and then."""
    import time

    said, words = time.monotonic(), Wording.of(shared.plan.settings.task)
    for progress in shared.work(lease):
        if time.monotonic() - said > QUIET:
            said = time.monotonic()
            best = "" if progress.best is None else f", best {words.said(progress.best)}"
            print(f"{progress.done} of {progress.total} circuits{best}", file=sys.stderr)
    return progress


def _export(shared: Shared, folder: Path, as_json: bool) -> None:
    """The finished campaign as a folder, with finalists, summary and report."""
    from search.campaign.handover import hand_over

    with guarded():
        campaign = hand_over(shared, folder)
    with guarded(campaign.folder), campaign.locked():
        search_progress(campaign)
        conclude(campaign, as_json)
