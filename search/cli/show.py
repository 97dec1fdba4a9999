"""What a person sees: progress on stderr, tables on stdout."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from search.cli.wording import (
    Wording,
    arms_table,
    cost_text,
    finalists_table,
    forecast_line,
    percent,
)

if TYPE_CHECKING:
    from rich.progress import Progress

    from qas.problem import Trial
    from search.campaign import ArmProgress, Campaign

_QUIET_LINE = 10.0


class _Best:
    """Accuracies of best trials, found once for each."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._known: dict[int, tuple[Trial, float | None]] = {}

    def accuracy(self, trial: Trial | None) -> float | None:
        """Of the training samples; None of an energy."""
        if trial is None:
            return None
        if id(trial) not in self._known:
            self._known = {id(trial): (trial, self._campaign.accuracy(trial))}
        return self._known[id(trial)][1]


def search_progress(campaign: Campaign) -> None:
    """Run the search, a bar for each strategy and one for the finalists."""
    from search.campaign import PolishProgress

    words, best = Wording.of(campaign.problem.task), _Best(campaign)
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
            energy = None if arm.best is None else arm.best.energy
            text = words.said(energy, best.accuracy(arm.best))
            progress.update(bars[arm.strategy], completed=done, note=f"best {text}")
            if not progress.console.is_terminal and time.monotonic() - said > _QUIET_LINE:
                said = time.monotonic()
                progress.console.print(_line(arm, text))


def announce(campaign: Campaign) -> None:
    """Say what the planned tunings will cost, before the first circuit is sent."""
    planned = list(campaign.forecasts())
    for one in planned:
        print(forecast_line(one), file=sys.stderr)
    if len(planned) > 1:
        total = sum((one.cost for one in planned), start=type(planned[0].cost)())
        print(f"together: {cost_text(total)}", file=sys.stderr)


def tune_progress(campaign: Campaign) -> None:
    """Do the planned tunings, a bar for each finalist."""
    words = Wording.of(campaign.problem.task)
    with _progress() as progress:
        bars: dict[str, Any] = {}
        said = time.monotonic()
        for tuned in campaign.tune():
            if tuned.id not in bars:
                bars[tuned.id] = progress.add_task(f"tune {tuned.id}", total=tuned.steps, note="")
            note = f"{words.said(tuned.value)} +- {words.error(tuned.stderr, 1)}"
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
    words, device = Wording.of(campaign.problem.task), summary["device"]
    print(
        f"{summary['task']} on {device['name']}, calibration of "
        f"{device['calibration_date'] or 'no date'}, hash {device['hash'][:16]}"
    )
    print(f"\nStrategies, the same budget each; {words.unit}")
    _print_table(*arms_table(summary, words))
    print(f"\nFinalists: the front of {words.what} against two-qubit gates")
    _print_table(*finalists_table(summary, words))
    known = summary["references"]
    if known.get("hartree_fock_noisy") is not None:
        energy = words.said(known["hartree_fock_noisy"])
        print(f"Hartree-Fock's circuit on its best layout: {energy}")
    if "loss_guessing" in known:
        print(f"Guessing: {words.said(known['loss_guessing'], known['accuracy_guessing'])}")
    for entry in summary["finalists"]:
        if "kept_tuned" in entry:
            print(_tuned_line(entry, words))
    print(f"\nReport: {campaign.folder / 'report.html'}")


def _print_table(heads: list[str], rows: list[list[str]]) -> None:
    """Columns as wide as they need to be, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        cells = [
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip())


def _tuned_line(entry: dict[str, Any], words: Wording) -> str:
    choice = "tuned angles kept" if entry["kept_tuned"] else "untuned angles stay"
    both = []
    for name in ("untuned", "tuned"):
        value, error = (entry[f"{words.word}_{name}{end}"] for end in ("", "_stderr"))
        said = f"{name} {words.said(value)} +- {words.error(error, 2)}"
        if words.is_loss:
            said += f", test accuracy {percent(entry[f'accuracy_test_{name}'])}"
        both.append(said)
    return f"{entry['id']} on {entry['backend']}: {', '.join(both)} ({choice}; {_spent(entry)})"


def _spent(entry: dict[str, Any]) -> str:
    from qas.train import Cost

    # Ledgers of before count no jobs.
    keys = ("circuits", "shots", "jobs", "qpu_seconds")
    return cost_text(Cost(*(entry.get(key, 0) for key in keys)))


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
