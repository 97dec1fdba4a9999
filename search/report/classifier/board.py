"""The strategies against each other, in losses and accuracies."""

from __future__ import annotations

import math

from search.report.leaderboard import silent
from search.report.markup import Markup, element, join, table
from search.report.number import NONE, count, duration, finite, nats, percent
from search.report.plot import colour
from search.report.record import Arm, Record, listed

_HEAD = (
    "after polishing", "validation loss", "validation accuracy", "two-qubit gates",
    "physical qubits", "trials", "evaluations", "time",
)  # fmt: skip


def leaderboard(record: Record) -> Markup:
    """A row for each strategy, best validation loss first."""
    if not record.arms:
        return element("p", "No strategy has run yet.", class_="missing")
    order = sorted(range(len(record.arms)), key=lambda k: _rank(record.arms[k]))
    rows = [_row(record, place, k) for place, k in enumerate(order, 1)]
    head = ("", "strategy", f"best {record.energy_name}", *_HEAD)
    board = table(head, rows, numeric=(2, 3, 4, 5, 6, 8, 9, 10), class_="board")
    notes = [_fairness(record), *(silent(arm) for arm in record.arms if not arm.energies)]
    return join([board, element("p", join(notes, " "), class_="note")])


def _rank(arm: Arm) -> tuple[float, float]:
    judged = finite(arm.entry.get("best_loss_valid"))
    return math.inf if judged is None else judged, arm.best_energy or math.inf


def _row(record: Record, place: int, index: int) -> list[object]:
    arm = record.arms[index]
    entry = {key: finite(value) for key, value in arm.entry.items()}
    said = entry.get("trials")
    swatch = element("span", class_="swatch", style=f"background:{colour(index)}")
    qubits = ", ".join(str(q) for q in listed(arm.entry.get("physical_qubits")))
    return [
        f"{place}" if arm.best_energy is not None else "",
        join([swatch, element("strong", arm.strategy)]),
        nats(arm.best_energy),
        nats(entry.get("best_polished_loss")),
        nats(entry.get("best_loss_valid")),
        percent(entry.get("best_accuracy_valid")),
        count(entry.get("best_polished_two_qubit_gates")),
        qubits or NONE,
        count(len(arm.energies) if said is None else said),
        count(arm.spent.get("evaluations")),
        duration(arm.elapsed),
    ]


def _fairness(record: Record) -> str:
    start = (
        f"Losses in nats. Best {record.energy_name}: of all trials. The next columns are of the "
        "polished circuit with the lowest validation loss."
    )
    if record.budget is not None:
        return (
            f"{start} Every strategy had the same budget of {count(record.budget)} evaluations; "
            "its last step may end a little past it."
        )
    return f"{start} The strategies had equal time, not an equal number of evaluations."
