"""What a person sees: progress on stderr, tables on stdout."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from search.campaign import ArmProgress, Campaign

_QUIET_LINE = 10.0


def search_progress(campaign: Campaign) -> None:
    """Run the search, a bar for each strategy."""
    ground = campaign.problem.task.ground_energy
    with _progress() as progress:
        bars: dict[str, TaskID] = {}
        said = time.monotonic()
        for arm in campaign.search():
            if arm.strategy not in bars:
                bars[arm.strategy] = progress.add_task(
                    arm.strategy, total=_total(campaign), note=""
                )
            done = arm.spent.evaluations if campaign.settings.budget else arm.seconds
            text = _energy(None if arm.best is None else arm.best.energy, ground)
            progress.update(bars[arm.strategy], completed=done, note=f"best {text}")
            if not progress.console.is_terminal and time.monotonic() - said > _QUIET_LINE:
                said = time.monotonic()
                progress.console.print(_line(arm, text))


def tune_progress(campaign: Campaign) -> None:
    """Do the planned tunings, a bar for each finalist."""
    ground = campaign.problem.task.ground_energy
    with _progress() as progress:
        bars: dict[str, TaskID] = {}
        said = time.monotonic()
        for tuned in campaign.tune():
            if tuned.id not in bars:
                bars[tuned.id] = progress.add_task(f"tune {tuned.id}", total=tuned.steps, note="")
            note = f"{_energy(tuned.energy, ground)} +- {1e3 * tuned.stderr:.1f}"
            progress.update(bars[tuned.id], completed=tuned.step, note=note)
            if not progress.console.is_terminal and time.monotonic() - said > _QUIET_LINE:
                said = time.monotonic()
                progress.console.print(f"tune {tuned.id}: step {tuned.step}, {note}")


def leaderboard(campaign: Campaign, summary: dict[str, Any]) -> None:
    """Print arms and finalists."""
    console = Console()
    ground = campaign.problem.task.ground_energy
    device = summary["device"]
    console.print(
        Text(
            f"{summary['task']} on {device['name']}, calibration of "
            f"{device['calibration_date'] or 'no date'} ({device['hash']})"
        )
    )
    console.print(_arms(summary, ground))
    console.print(_finalists(summary, ground))
    hartree_fock = summary["references"].get("hartree_fock_noisy")
    if hartree_fock is not None:
        console.print(f"Hartree-Fock's circuit on its best layout: {_energy(hartree_fock, ground)}")
    for entry in summary["finalists"]:
        if "energy_tuned" in entry:
            console.print(Text(_tuned_line(entry, ground)))
    console.print(Text(f"Report: {campaign.folder / 'report.html'}"))


def _arms(summary: dict[str, Any], ground: float | None) -> Table:
    table = Table(title="Strategies, same budget each", title_justify="left")
    unit = "hartree" if ground is None else "mHa above ground"
    for name in ("strategy", "evaluations", "seconds", "trials"):
        table.add_column(name, justify="left" if name == "strategy" else "right")
    for name in (f"best found, {unit}", "2q gates", "polished", "2q gates", "pessimistic"):
        table.add_column(name, justify="right")
    for arm in sorted(summary["arms"], key=lambda a: a["best_polished_energy"] or 0.0):
        table.add_row(
            arm["strategy"],
            f"{arm['spent'].get('evaluations', 0):,}",
            f"{arm['seconds']:.1f}",
            str(arm["trials"]),
            _number(arm["best_energy"], ground),
            str(arm["best_two_qubit_gates"]),
            _number(arm["best_polished_energy"], ground),
            str(arm["best_polished_two_qubit_gates"]),
            _number(arm["best_pessimistic_energy"], ground),
        )
    return table


def _finalists(summary: dict[str, Any], ground: float | None) -> Table:
    unit = "hartree" if ground is None else "mHa above ground"
    table = Table(title=f"Finalists, {unit}", title_justify="left")
    for name in ("id", "found by", "qubits", "2q gates", "gates"):
        table.add_column(name, justify="left" if name in ("id", "found by") else "right")
    for name in ("noisy", "pessimistic", "with readout", "exact"):
        table.add_column(name, justify="right")
    for entry in summary["finalists"]:
        table.add_row(
            entry["id"],
            entry["strategy"],
            ",".join(map(str, entry["physical_qubits"])),
            str(entry["two_qubit_gates"]),
            str(entry["gates"]),
            *(
                _number(entry[f"energy_{kind}"], ground)
                for kind in ("noisy", "pessimistic", "readout", "exact")
            ),
        )
    return table


def _tuned_line(entry: dict[str, Any], ground: float | None) -> str:
    choice = "tuned angles kept" if entry["kept_tuned"] else "untuned angles stay"
    return (
        f"{entry['id']} on {entry['backend']}: untuned "
        f"{_energy(entry['energy_untuned'], ground)} +- {1e3 * entry['energy_untuned_stderr']:.2f}, "
        f"tuned {_energy(entry['energy_tuned'], ground)} "
        f"+- {1e3 * entry['energy_tuned_stderr']:.2f} ({choice}; "
        f"{entry['circuits']:,} circuits, {entry['shots']:,} shots)"
    )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(stderr=True),
    )


def _total(campaign: Campaign) -> float:
    settings = campaign.settings
    if settings.budget:
        return settings.budget
    return 60.0 * (settings.minutes or 0.0) / len(settings.strategies)


def _line(arm: ArmProgress, text: str) -> str:
    return f"{arm.strategy}: {arm.spent.evaluations:,} evaluations, {arm.trials} trials, best {text}"


def _energy(value: float | None, ground: float | None) -> str:
    if value is None:
        return "none yet"
    unit = "Ha" if ground is None else "mHa above ground"
    return f"{_number(value, ground)} {unit}"


def _number(value: float | None, ground: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.6f}" if ground is None else f"{1e3 * (value - ground):.3f}"
