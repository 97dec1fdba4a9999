"""How values of a task are said: energies above the ground state, losses with accuracies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qas.task import Classifier, Task
    from qas.train import Cost
    from search.campaign import Forecast

Table = tuple[list[str], list[list[str]]]
"""Heads and rows."""


@dataclass(frozen=True)
class Wording:
    """What is made small, in words."""

    ground: float | None
    """Hartree, where it is known."""
    is_loss: bool
    """True for a classifier."""

    @classmethod
    def of(cls, task: Task | Classifier) -> Wording:
        """The wording of a task."""
        from qas.task import Classifier

        return cls(task.ground_energy, isinstance(task, Classifier))

    @property
    def word(self) -> str:
        """As keys name it."""
        return "loss" if self.is_loss else "energy"

    @property
    def unit(self) -> str:
        """Of the numbers in tables."""
        if self.is_loss:
            return "losses in nats"
        where = "hartree" if self.ground is None else "mHa above the ground state"
        return f"energies in {where}"

    @property
    def what(self) -> str:
        """What finalists are a front of, beside two-qubit gates."""
        return "validation loss" if self.is_loss else "noisy energy"

    def said(self, value: float | None, accuracy: float | None = None) -> str:
        """A value with its unit.

        >>> Wording(None, True).said(0.06931, 0.975)
        'loss 0.0693, accuracy 97.5%'
        >>> Wording(-1.5, False).said(-1.25)
        '250.000 mHa above ground'
        """
        if value is None:
            return "none yet"
        if self.is_loss:
            share = "" if accuracy is None else f", accuracy {percent(accuracy)}"
            return f"loss {value:.4f}{share}"
        return f"{self.number(value)} {'Ha' if self.ground is None else 'mHa above ground'}"

    def number(self, value: float | None) -> str:
        """A value of a table."""
        if value is None:
            return "-"
        if self.is_loss:
            return f"{value:.4f}"
        return f"{value:.6f}" if self.ground is None else f"{1e3 * (value - self.ground):.3f}"

    def error(self, stderr: float, digits: int) -> str:
        """A standard error, as `said` scales values."""
        return f"{stderr:.4f}" if self.is_loss else f"{1e3 * stderr:.{digits}f}"


def percent(share: float | None) -> str:
    """A share, such as 97.5%.

    >>> percent(0.975), percent(None)
    ('97.5%', '-')
    """
    return "-" if share is None else f"{100 * share:.1f}%"


def count(value: int | None) -> str:
    """A whole number, or a dash."""
    return "-" if value is None else str(value)


def cost_text(cost: Cost) -> str:
    """Circuits, shots, jobs and estimated time on a machine.

    >>> from qas.train import Cost
    >>> cost_text(Cost(1200, 4915200, 54, 1362.4))
    '1,200 circuits, 4,915,200 shots, 54 jobs, about 22.7 min of QPU time'
    """
    said = f"{cost.circuits:,} circuits, {cost.shots:,} shots"
    if not cost.jobs:
        return said
    seconds = cost.qpu_seconds
    time = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
    return f"{said}, {cost.jobs:,} jobs, about {time} of QPU time"


def forecast_line(planned: Forecast) -> str:
    """What a tuning will cost, in a line."""
    emulated = "" if planned.backend.startswith("ibm_") else " (emulated: none is used)"
    left = "more " if planned.done else ""
    most = "at most " if planned.is_bound else ""
    return (
        f"tune {planned.id} on {planned.backend}: {planned.steps} {left}steps and the comparison: "
        f"{most}{cost_text(planned.cost)}{emulated}"
    )


def arms_table(summary: dict[str, Any], wording: Wording) -> Table:
    """Raw best of each strategy, then its best after the same polishing."""
    heads = ["strategy", "evaluations", "seconds", "trials", "found", "2q", "polished", "2q"]
    values = [f"best_{wording.word}", f"best_polished_{wording.word}"]
    if wording.is_loss:
        heads += ["validation", "accuracy"]
        judged = "best_loss_valid"
    else:
        heads += ["pessimistic"]
        judged = values[1]
    rows = []
    for arm in sorted(summary["arms"], key=lambda a: a[judged] or 0.0):
        found, polished = (wording.number(arm[key]) for key in values)
        row = [
            arm["strategy"],
            f"{arm['spent'].get('evaluations', 0):,}",
            f"{arm['seconds']:.1f}",
            str(arm["trials"]),
            found,
            count(arm["best_two_qubit_gates"]),
            polished,
            count(arm["best_polished_two_qubit_gates"]),
        ]
        if wording.is_loss:
            row += [wording.number(arm[judged]), percent(arm["best_accuracy_valid"])]
        else:
            row += [wording.number(arm["best_pessimistic_energy"])]
        rows.append(row)
    return heads, rows


def finalists_table(summary: dict[str, Any], wording: Wording) -> Table:
    """Values of each finalist; accuracies of a classifier, those of test samples last."""
    heads = ["id", "found by", "2q", "gates"]
    if wording.is_loss:
        values = {"training loss": "loss_noisy", "validation": "loss_valid"}
        shares = {
            "accuracy: training": "accuracy_train", "validation": "accuracy_valid",
            "test": "accuracy_test", "with readout": "accuracy_test_readout",
        }  # fmt: skip
    else:
        kinds = ("noisy", "pessimistic", "readout", "exact")
        named = {"readout": "with readout"}
        values, shares = {named.get(kind, kind): f"energy_{kind}" for kind in kinds}, {}
    rows = [
        [
            entry["id"],
            entry["strategy"],
            str(entry["two_qubit_gates"]),
            str(entry["gates"]),
            *(wording.number(entry[key]) for key in values.values()),
            *(percent(entry[key]) for key in shares.values()),
        ]
        for entry in summary["finalists"]
    ]
    return [*heads, *values, *shares], rows
