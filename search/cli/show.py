"""What a person sees: progress on stderr, tables on stdout."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress

    from search.campaign import ArmProgress, Campaign

_QUIET_LINE = 10.0


def search_progress(campaign: Campaign) -> None:
    """Run the search, a bar for each strategy and one for the finalists."""
    from search.campaign import PolishProgress

    ground = campaign.problem.task.ground_energy
    with _progress() as progress:
        bars: dict[str, Any] = {}
        said = time.monotonic()
        for arm in campaign.search():
            if isinstance(arm, PolishProgress):
                if "finalists" not in bars:
                    bars["finalists"] = progress.add_task("finalists", total=arm.total, note="")
                note = f"{arm.done} of {arm.total} polished"
                progress.update(bars["finalists"], completed=arm.done, note=note)
                continue
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
        bars: dict[str, Any] = {}
        said = time.monotonic()
        for tuned in campaign.tune():
            if tuned.id not in bars:
                bars[tuned.id] = progress.add_task(f"tune {tuned.id}", total=tuned.steps, note="")
            note = f"{_energy(tuned.energy, ground)} +- {1e3 * tuned.stderr:.1f}"
            progress.update(bars[tuned.id], completed=tuned.step, note=note)
            if not progress.console.is_terminal and time.monotonic() - said > _QUIET_LINE:
                said = time.monotonic()
                progress.console.print(f"tune {tuned.id}: step {tuned.step}, {note}")


def conclude(campaign: Campaign, as_json: bool) -> None:
    """Write finalists, summary and report; print the summary or the leaderboard."""
    import json

    from search.campaign.file import write_text
    from search.report import render

    summary = campaign.conclude()
    write_text(campaign.folder / "report.html", render(campaign.ledger.rows, summary))
    if as_json:
        print(json.dumps(summary, indent=1, allow_nan=False))
    else:
        leaderboard(campaign, summary)


def leaderboard(campaign: Campaign, summary: dict[str, Any]) -> None:
    """Print arms and finalists."""
    ground = campaign.problem.task.ground_energy
    device = summary["device"]
    print(
        f"{summary['task']} on {device['name']}, calibration of "
        f"{device['calibration_date'] or 'no date'}, hash {device['hash'][:16]}"
    )
    unit = "hartree" if ground is None else "mHa above the ground state"
    print(f"\nStrategies, the same budget each; energies in {unit}")
    _print_table(*_arms(summary, ground))
    print("\nFinalists: the front of noisy energy against two-qubit gates")
    _print_table(*_finalists(summary, ground))
    hartree_fock = summary["references"].get("hartree_fock_noisy")
    if hartree_fock is not None:
        print(f"Hartree-Fock's circuit on its best layout: {_energy(hartree_fock, ground)}")
    for entry in summary["finalists"]:
        if "energy_tuned" in entry:
            print(_tuned_line(entry, ground))
    print(f"\nReport: {campaign.folder / 'report.html'}")


def _arms(summary: dict[str, Any], ground: float | None) -> tuple[list[str], list[list[str]]]:
    """Heads and rows: raw best of each strategy, then its best after the same polishing."""
    heads = ["strategy", "evaluations", "seconds", "trials"]
    heads += ["found", "2q", "polished", "2q", "pessimistic"]
    rows = [
        [
            arm["strategy"],
            f"{arm['spent'].get('evaluations', 0):,}",
            f"{arm['seconds']:.1f}",
            str(arm["trials"]),
            _number(arm["best_energy"], ground),
            _count(arm["best_two_qubit_gates"]),
            _number(arm["best_polished_energy"], ground),
            _count(arm["best_polished_two_qubit_gates"]),
            _number(arm["best_pessimistic_energy"], ground),
        ]
        for arm in sorted(summary["arms"], key=lambda a: a["best_polished_energy"] or 0.0)
    ]
    return heads, rows


def _finalists(summary: dict[str, Any], ground: float | None) -> tuple[list[str], list[list[str]]]:
    kinds = ("noisy", "pessimistic", "readout", "exact")
    heads = ["id", "found by", "2q", "gates", "noisy", "pessimistic", "with readout", "exact"]
    rows = [
        [
            entry["id"],
            entry["strategy"],
            str(entry["two_qubit_gates"]),
            str(entry["gates"]),
            *(_number(entry[f"energy_{kind}"], ground) for kind in kinds),
        ]
        for entry in summary["finalists"]
    ]
    return heads, rows


def _print_table(heads: list[str], rows: list[list[str]]) -> None:
    """Columns as wide as they need to be, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = [
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip())


def _count(value: int | None) -> str:
    return "-" if value is None else str(value)


def _tuned_line(entry: dict[str, Any], ground: float | None) -> str:
    choice = "tuned angles kept" if entry["kept_tuned"] else "untuned angles stay"
    return (
        f"{entry['id']} on {entry['backend']}: untuned "
        f"{_energy(entry['energy_untuned'], ground)} "
        f"+- {1e3 * entry['energy_untuned_stderr']:.2f}, "
        f"tuned {_energy(entry['energy_tuned'], ground)} "
        f"+- {1e3 * entry['energy_tuned_stderr']:.2f} ({choice}; "
        f"{entry['circuits']:,} circuits, {entry['shots']:,} shots)"
    )


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

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
    return (
        f"{arm.strategy}: {arm.spent.evaluations:,} evaluations, {arm.trials} trials, best {text}"
    )


def _energy(value: float | None, ground: float | None) -> str:
    if value is None:
        return "none yet"
    unit = "Ha" if ground is None else "mHa above ground"
    return f"{_number(value, ground)} {unit}"


def _number(value: float | None, ground: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.6f}" if ground is None else f"{1e3 * (value - ground):.3f}"
