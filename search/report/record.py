"""What a campaign left behind, read once from ledger rows and summary, holes allowed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from qas.circuit import Circuit
from qas.device import Device
from qas.errors import InputError
from search.report.number import finite

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """One strategy: its trials in order, and the summary's entry for it."""

    strategy: str
    evaluations: tuple[float, ...] = ()
    """Spent by the strategy when each trial was finished."""
    seconds: tuple[float, ...] = ()
    """Wall time of the strategy at that moment."""
    energies: tuple[float, ...] = ()
    """Noisy energy of each trial, hartree, or training loss, nats."""
    two_qubit_gates: tuple[int, ...] = ()
    entry: Row = field(default_factory=dict)
    """The summary's entry, else the ledger's row on the arm; empty while it runs."""

    @property
    def best(self) -> int | None:
        """Position of the trial with the lowest energy, then fewest two-qubit gates."""
        order = range(len(self.energies))
        return min(order, key=lambda k: (self.energies[k], self.two_qubit_gates[k]), default=None)

    @property
    def best_energy(self) -> float | None:
        """Lowest noisy energy of a trial, hartree; of a classifier the lowest loss, nats."""
        said = finite(self.entry.get("best_energy", self.entry.get("best_loss")))
        return said if said is not None or self.best is None else self.energies[self.best]

    @property
    def spent(self) -> Row:
        """Cost by name; evaluations from the last trial where the arm has not ended."""
        said = mapping(self.entry.get("spent"))
        return said or ({"evaluations": self.evaluations[-1]} if self.evaluations else {})

    @property
    def elapsed(self) -> float | None:
        """Wall seconds."""
        said = finite(self.entry.get("seconds"))
        return said if said is not None or not self.seconds else self.seconds[-1]


@dataclass(frozen=True)
class Finalist:
    """A finalist: the summary's entry, its circuits, and what tuning left."""

    number: int
    """From 1, best noisy energy first."""
    entry: Row
    strategy: str | None = None
    logical: Circuit | None = None
    """Of a classifier with its encoder, like ``native``."""
    native: Circuit | None = None
    params: tuple[float, ...] = ()
    """Of ``native``, radians, before tuning."""
    steps: tuple[Row, ...] = ()
    """Ledger rows of kind "tuning", by step."""
    tuned: Row = field(default_factory=dict)
    """Ledger row of kind "tuned"; empty before."""

    @property
    def qubits(self) -> tuple[int, ...]:
        """Physical qubits."""
        return tuple(q for q in listed(self.entry.get("physical_qubits")) if isinstance(q, int))

    def value(self, key: str) -> float | None:
        """A number of the tuned row, else of the entry; None where there is none."""
        tuned = finite(self.tuned.get(key))
        return finite(self.entry.get(key)) if tuned is None else tuned

    @property
    def backend(self) -> str | None:
        """Where it was tuned."""
        name = self.tuned.get("backend") or self.entry.get("backend")
        return None if name is None else str(name)


@dataclass(frozen=True)
class Record:
    """A campaign as the report shows it."""

    campaign: Row
    """Ledger row of kind "campaign"; empty where there is none."""
    summary: Row
    arms: tuple[Arm, ...]
    """In the order in which the campaign names them."""
    finalists: tuple[Finalist, ...]
    device: Device | None
    device_problem: str | None = None
    """Why there is no device."""

    @classmethod
    def of(cls, rows: Sequence[Row], summary: Row) -> Record:
        """Read ledger rows and summary; what is missing stays empty."""
        campaign = next((row for row in rows if row.get("kind") == "campaign"), {})
        device, problem = _device(campaign)
        arms = _arms(rows, campaign, summary)
        encoder = _circuit(mapping(campaign.get("task")).get("encoder"))
        finalists = _finalists(rows, summary, encoder)
        return cls(campaign, summary, arms, finalists, device, problem)

    @property
    def task_name(self) -> str:
        """Name of the task."""
        return _name(self.campaign.get("task")) or _name(self.summary.get("task")) or "a task"

    @property
    def device_facts(self) -> Row:
        """Name, calibration date and hash of the device."""
        for source in (self.summary.get("device"), self.campaign.get("device_summary")):
            if isinstance(source, Mapping):
                return source
        if self.device is None:
            return {}
        return {"calibration_date": self.device.calibration_date, "hash": self.device.hash}

    @property
    def device_name(self) -> str:
        """Name of the device."""
        known = self.device.name if self.device else "a device"
        return _name(self.device_facts) or _name(self.summary.get("device")) or known

    @property
    def is_ideal(self) -> bool:
        """True where the search was without noise."""
        return self.device is not None and self.device.is_ideal

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names of a classifier; none where the task asks for an energy."""
        names = mapping(self.campaign.get("task")).get("class_names", self.summary.get("classes"))
        return tuple(str(name) for name in listed(names))

    @property
    def is_classifier(self) -> bool:
        """True where losses of samples were made small, not an energy."""
        return bool(self.classes)

    @property
    def word(self) -> str:
        """What the search minimised, as keys name it."""
        return "loss" if self.is_classifier else "energy"

    @property
    def energy_name(self) -> str:
        """What the search minimised, in words."""
        name = "training loss" if self.is_classifier else "energy"
        return name if self.is_ideal else f"noisy {name}"

    @property
    def guessing(self) -> float | None:
        """Loss of a classifier that knows nothing, nats."""
        return finite(mapping(self.summary.get("references")).get("loss_guessing"))

    @cached_property
    def ground(self) -> float | None:
        """Ground energy of the task, hartree; None where nobody knows it."""
        for place in (self.summary.get("references"), self.campaign.get("task")):
            energy = finite(mapping(place).get("ground_energy"))
            if energy is not None:
                return energy
        return None

    @property
    def hartree_fock(self) -> float | None:
        """Energy of the Hartree-Fock circuit under the same noise, hartree."""
        return finite(mapping(self.summary.get("references")).get("hartree_fock_noisy"))

    def above(self, energy: float | None) -> float | None:
        """An energy above the ground energy, hartree; None where either is unknown."""
        return None if energy is None or self.ground is None else energy - self.ground

    @property
    def budget(self) -> float | None:
        """Evaluations that each strategy may spend."""
        said = finite(self.summary.get("budget"))
        return finite(self.campaign.get("budget")) if said is None else said


def mapping(value: object) -> Row:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> Sequence[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, (list, tuple)) else ()


def _name(value: object) -> str | None:
    name = value.get("name") if isinstance(value, Mapping) else value
    return name if isinstance(name, str) and name else None


def _device(campaign: Row) -> tuple[Device | None, str | None]:
    content = campaign.get("device")
    if content is None:
        return None, "the ledger does not hold the device"
    try:
        return Device.from_json(json.dumps(content)), None
    except InputError as error:
        return None, f"the device in the ledger cannot be read: {error}"


def _arms(rows: Sequence[Row], campaign: Row, summary: Row) -> tuple[Arm, ...]:
    entries = {str(row.get("strategy")): row for row in rows if row.get("kind") == "arm"}
    for entry in listed(summary.get("arms")):
        entries[str(mapping(entry).get("strategy"))] = mapping(entry)
    trials: dict[str, list[Row]] = {str(name): [] for name in listed(campaign.get("strategies"))}
    trials |= {name: [] for name in entries if name not in trials}
    for row in rows:
        energy = finite(mapping(row.get("trial")).get("energy"))
        if row.get("kind") == "trial" and energy is not None:
            trials.setdefault(str(row.get("strategy")), []).append(row)
    return tuple(_arm(name, found, entries.get(name, {})) for name, found in trials.items())


def _arm(name: str, rows: list[Row], entry: Row) -> Arm:
    return Arm(
        name,
        tuple(finite(mapping(row.get("spent")).get("evaluations")) or 0.0 for row in rows),
        tuple(finite(row.get("seconds")) or 0.0 for row in rows),
        tuple(float(row["trial"]["energy"]) for row in rows),
        tuple(int(finite(row["trial"].get("two_qubit_gates")) or 0) for row in rows),
        entry,
    )


def _finalists(rows: Sequence[Row], summary: Row, encoder: Circuit | None) -> tuple[Finalist, ...]:
    found = {
        str(mapping(row.get("finalist")).get("id")): row
        for row in rows
        if row.get("kind") == "finalist"
    }
    entries = [mapping(entry) for entry in listed(summary.get("finalists"))]
    if not entries:
        entries = [mapping(row.get("finalist")) for row in found.values()]
        entries.sort(key=lambda e: finite(e.get("energy_noisy", e.get("loss_valid"))) or 0.0)
    return tuple(
        _finalist(k, entry, found.get(str(entry.get("id")), {}), rows, encoder)
        for k, entry in enumerate(entries, 1)
    )


def _finalist(
    number: int, entry: Row, row: Row, rows: Sequence[Row], encoder: Circuit | None
) -> Finalist:
    known = str(entry.get("id"))
    mine = [r for r in rows if str(r.get("id")) == known]
    trial = mapping(row.get("trial"))
    native, logical = (
        _circuit(row.get("whole", trial.get("native"))),
        _circuit(trial.get("circuit")),
    )
    if encoder is not None and logical is not None and encoder.n_qubits == logical.n_qubits:
        logical = encoder.append(logical)
    params = tuple(p for p in map(finite, listed(trial.get("params"))) if p is not None)
    strategy = row.get("strategy") or entry.get("strategy")
    tuned = next((r for r in reversed(mine) if r.get("kind") == "tuned"), {})
    return Finalist(
        number,
        entry,
        None if strategy is None else str(strategy),
        logical,
        native,
        params if native is not None and len(params) == native.n_params else (),
        _steps(mine, tuned),
        tuned,
    )


def _steps(mine: Sequence[Row], tuned: Row) -> tuple[Row, ...]:
    """Steps of the tuning whose comparison came last, else of the one that is under way."""
    steps = [r for r in mine if r.get("kind") == "tuning"]
    one = tuned or (steps[-1] if steps else {})
    plan = one.get("backend"), one.get("plan")
    if one.get("plan") is not None:  # made by one plan alone, where rows name it
        steps = [r for r in steps if (r.get("backend"), r.get("plan")) == plan]
    return tuple(sorted(steps, key=lambda r: finite(r.get("step")) or 0.0))


def _circuit(value: object) -> Circuit | None:
    try:
        return Circuit.from_json(value) if isinstance(value, str) else None
    except InputError:
        return None
