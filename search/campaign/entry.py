"""Rows and entries: what ledger and summary say of arms and of what was polished.

Of a task that asks for an energy their keys say energy, of a classifier loss.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from qas.problem import Cost, Problem, Trial
from qas.problem.merit.merit import Box, Merit, points
from qas.problem.merit.robust import Rescored
from qas.task import Classifier, Task
from search.campaign.arm import ArmProgress
from search.campaign.classifier import accuracy
from search.campaign.ledger import Ledger, Row

PLACE = "physical_qubits"


def word_of(task: Task | Classifier) -> str:
    """What the task makes small: "energy" or "loss"."""
    return "loss" if isinstance(task, Classifier) else "energy"


def total(rows: list[Any]) -> Cost:
    """What all rows spent together."""
    return sum((Cost(**row["spent"]) for row in rows), Cost())


def arm_row(progress: ArmProgress) -> Row:
    """The ledger's row of an arm that is done."""
    best = progress.best
    return {
        "kind": "arm",
        "strategy": progress.strategy,
        "spent": progress.spent.to_dict(),
        "trials": progress.trials,
        "seconds": round(progress.seconds, 3),
        "best": None
        if best is None
        else {"energy": best.energy, "two_qubit_gates": best.two_qubit_gates},
    }


def polished_row(problem: Problem, strategy: str, name: str, trial: Trial, scores: Rescored) -> Row:
    """The ledger's row of a polished trial; losses of validation samples say so."""
    common = {
        "kind": "polished",
        "strategy": strategy,
        "id": name,
        word_of(problem.task): trial.energy,
        "two_qubit_gates": trial.two_qubit_gates,
        PLACE: list(trial.candidate.layout),
        "spent": trial.cost.to_dict(),
    }
    if isinstance(problem.task, Classifier):
        return common | {
            "loss_valid": scores.standard,
            "loss_valid_worst": scores.worst,
            "accuracy_valid": accuracy(problem, trial, problem.task.valid),
        }
    return common | {"energy_pessimistic": scores.pessimistic, "energy_worst": scores.worst}


def arm_entry(task: Task | Classifier, row: Row, polished: list[Row]) -> dict[str, Any]:
    """The summary's entry of an arm, from its row and those of all that was polished."""
    best, word = row["best"] or {}, word_of(task)
    judged = "loss_valid" if isinstance(task, Classifier) else word
    own = [item for item in polished if item["strategy"] == row["strategy"]]
    top = min(own, key=lambda item: item[judged], default={})
    common = {
        "strategy": row["strategy"],
        "trials": row["trials"],
        "spent": row["spent"],
        "seconds": row["seconds"],
        f"best_{word}": best.get("energy"),
        "best_two_qubit_gates": best.get("two_qubit_gates"),
        f"best_polished_{word}": top.get(word),
        "best_polished_two_qubit_gates": top.get("two_qubit_gates"),
        PLACE: top.get(PLACE),
    }
    if isinstance(task, Classifier):
        names = ("loss_valid", "loss_valid_worst", "accuracy_valid")
        return common | {f"best_{name}": top.get(name) for name in names}
    return common | {
        "best_pessimistic_energy": top.get("energy_pessimistic"),
        "best_worst_energy": top.get("energy_worst"),
    }


def pareto(task: Task | Classifier, box: Box, entries: list[Row]) -> tuple[list[Row], float | None]:
    """The merits of each finalist, and the share of the box that all dominate; None: no finalists.

    Entries of ledgers of before, which do not hold their merits, are passed over.
    """
    names = _merit_names(task)
    known = [entry for entry in entries if "duration" in entry]
    merits = [Merit(**{name: entry[key] for name, key in names.items()}) for entry in known]
    rows = [
        {"id": entry["id"], **{names[name]: value for name, value in merit.to_dict().items()}}
        if isinstance(task, Classifier)
        else {"id": entry["id"], **merit.to_dict()}
        for entry, merit in zip(known, merits, strict=True)
    ]
    return rows, box.hypervolume(points(merits, box.names)) if merits else None


def _merit_names(task: Task | Classifier) -> dict[str, str]:
    """Which key of a finalist's entry holds each merit."""
    names = {field.name: field.name for field in fields(Merit)}
    if isinstance(task, Classifier):
        return names | {
            "energy": "loss_valid", "worst": "loss_valid_worst", "spread": "loss_valid_spread"
        }  # fmt: skip
    return names | {"energy": "energy_noisy", "worst": "energy_worst"}


def box_entry(task: Task | Classifier, box: Box) -> dict[str, Any]:
    """The bounds of the hypervolume, by objective."""
    bounds = box.to_dict()
    return {word_of(task) if name == "energy" else name: ends for name, ends in bounds.items()}


def arms_of(task: Task | Classifier, ledger: Ledger) -> list[dict[str, Any]]:
    """The summary's entries of all arms."""
    polished = ledger.of_kind("polished")
    return [arm_entry(task, row, polished) for row in ledger.of_kind("arm")]
