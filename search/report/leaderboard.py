"""The strategies against each other."""

from __future__ import annotations

import math

from search.report.markup import Markup, element, join, table
from search.report.number import NONE, count, duration, finite, hartree, millihartree
from search.report.plot import colour
from search.report.record import Arm, Record, listed

_HEAD = (
    "above ground", "after polishing", "pessimistic", "worst", "two-qubit gates",
    "physical qubits", "trials", "evaluations", "time",
)  # fmt: skip


def leaderboard(record: Record) -> Markup:
    """A row for each strategy, best energy first."""
    if not record.arms:
        return element("p", "No strategy has run yet.", class_="missing")
    order = sorted(range(len(record.arms)), key=lambda k: _rank(record.arms[k]))
    rows = [_row(record, place, k) for place, k in enumerate(order, 1)]
    head = ("", "strategy", f"best {record.energy_name}", *_HEAD)
    board = table(head, rows, numeric=(2, 3, 4, 5, 6, 7, 9, 10, 11), class_="board")
    notes = [_fairness(record), *(silent(arm) for arm in record.arms if not arm.energies)]
    return join([board, element("p", join(notes, " "), class_="note")])


def _rank(arm: Arm) -> float:
    return math.inf if arm.best_energy is None else round(arm.best_energy, 9)


def _row(record: Record, place: int, index: int) -> list[object]:
    arm = record.arms[index]
    gates = finite(arm.entry.get("best_two_qubit_gates"))
    if gates is None and arm.best is not None:
        gates = arm.two_qubit_gates[arm.best]
    said = finite(arm.entry.get("trials"))
    swatch = element("span", class_="swatch", style=f"background:{colour(index)}")
    qubits = ", ".join(str(q) for q in listed(arm.entry.get("physical_qubits")))
    return [
        f"{place}" if arm.best_energy is not None else "",
        join([swatch, element("strong", arm.strategy)]),
        hartree(arm.best_energy),
        millihartree(record.above(arm.best_energy)),
        _above(record, finite(arm.entry.get("best_polished_energy"))),
        _above(record, finite(arm.entry.get("best_pessimistic_energy"))),
        _above(record, finite(arm.entry.get("best_worst_energy"))),
        count(gates),
        qubits or NONE,
        count(len(arm.energies) if said is None else said),
        count(arm.spent.get("evaluations")),
        duration(arm.elapsed),
    ]


def _above(record: Record, energy: float | None) -> str:
    """mHa above ground, or the energy where the ground energy is unknown."""
    above = record.above(energy)
    return hartree(energy) if above is None else millihartree(above)


def _fairness(record: Record) -> str:
    units = f"Best {record.energy_name} in hartree, the next four columns in mHa above ground"
    if record.ground is None:
        units = "All energies in hartree, as the ground energy is unknown"
    if record.budget is not None:
        return (
            f"{units}. Every strategy had the same budget of {count(record.budget)} evaluations; "
            "its last step may end a little past it."
        )
    return f"{units}. The strategies had equal time, not an equal number of evaluations."


def silent(arm: Arm) -> str:
    """That a strategy has found nothing."""
    return f"No trial of {arm.strategy} is in the ledger."
