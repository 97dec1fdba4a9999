"""What a bench's rows say, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.report import statistics
from search.report.number import SMALLEST

Row = dict[str, Any]
Reals = NDArray[np.float64]
CHIP_FLOOR = 0.01
"""On a chip a score of 1 is this share of the reference's error."""


@dataclass(frozen=True)
class CaseRecord:
    """A task on a device, as the rows name it."""

    row: Row

    @property
    def key(self) -> tuple[str, str]:
        """Task and device."""
        return self.row["task"], self.row["device"]

    @property
    def name(self) -> str:
        """For people."""
        task, device = self.key
        return f"{task} without noise" if device == "ideal" else f"{task} on {device}"

    @property
    def budget(self) -> int:
        """Evaluations a run."""
        return int(self.row["budget"])

    @property
    def ideal(self) -> bool:
        """True without noise."""
        return bool(self.row["ideal"])

    @property
    def ground(self) -> float | None:
        """Hartree, where it is known."""
        known: float | None = self.row["ground_energy"]
        return known

    @property
    def reference(self) -> float:
        """Error of Hartree-Fock's circuit or of no gates, hartree."""
        return float(self.row["reference_energy"]) - (self.ground or 0.0)

    @property
    def scored(self) -> bool:
        """True where errors are known and the reference leaves some to remove."""
        return self.ground is not None and self.reference > 2 * self.floor

    @property
    def floor(self) -> float:
        """Hartree: smaller errors count as this."""
        return SMALLEST if self.ideal else CHIP_FLOOR * max(self.reference, 0.0)

    @property
    def targets(self) -> tuple[float, ...]:
        """Errors to reach, hartree: chemical accuracy and a thousandth of it, or, on a chip,
        three quarters and a half of the reference's."""
        if self.ideal:
            return 1.6e-3, 1.6e-6
        return 0.75 * self.reference, 0.5 * self.reference

    def error(self, energy: float | None) -> float:
        """Above the ground energy where that is known, else the energy; infinite for None."""
        return np.inf if energy is None else energy - (self.ground or 0.0)

    def score(self, errors: Reals) -> Reals:
        """See `statistics.score`."""
        return statistics.score(errors, self.floor, self.reference)


@dataclass(frozen=True)
class Run:
    """One run of an arm on a case."""

    case: CaseRecord
    row: Row

    def errors(self, against: str, grid: Reals) -> Reals:
        """Lowest error of the search itself so far, hartree, at "evaluations" or "seconds"."""
        times, values = self._curve(against)
        return statistics.held(times, values, grid)

    def arrival(self, against: str, target: float) -> tuple[float, bool]:
        """When the target was reached and True, or until when it was not and False.

        A run whose budget is spent has failed, however fast it was: in seconds it never
        arrives. One that its time ended might have arrived later: it is censored there.
        """
        times, values = self._curve(against)
        reached = np.flatnonzero(values <= target)
        if len(reached):
            return float(times[reached[0]]), True
        timed_out = self.row["stopped_by"] == "minutes"
        if against == "evaluations":
            spent = self.row["spent"]["evaluations"] if timed_out else self.case.budget
            return float(min(spent, self.case.budget)), False
        return float(self.row["seconds"] if timed_out else np.inf), False

    @property
    def found(self) -> float:
        """Lowest error of the search itself within the budget, hartree."""
        _, values = self._curve("evaluations")
        return float(values[-1]) if len(values) else np.inf

    @property
    def polished(self) -> float:
        """Lowest error after the polish, hartree."""
        return self.case.error(self._best["energy"]) if self._best else np.inf

    def within(self, pairs: int) -> float:
        """Lowest error found with at most so many two-qubit gates, hartree.

        Under the noise of the device, or without; the polish included.
        """
        energies = [
            own["energy"]
            for entry in self.row["incumbents"]
            for own in (entry["found"], entry["polished"])
            if own is not None and own["two_qubit_gates"] <= pairs
        ]
        return self.case.error(min(energies, default=None))

    def best(self, key: str) -> float:
        """A property of the polished circuit of lowest energy; NaN without one."""
        value = self._best.get(key)
        return np.nan if value is None else float(value)

    def best_error(self, key: str) -> float:
        """An energy of that circuit as an error, hartree; NaN without one."""
        value = self._best.get(key)
        return np.nan if value is None else self.case.error(float(value))

    @cached_property
    def _best(self) -> Row:
        polished = [e["polished"] for e in self.row["incumbents"] if e["polished"] is not None]
        return min(
            polished, key=lambda p: (round(p["energy"], 9), p["two_qubit_gates"], p["gates"]),
            default={},
        )  # fmt: skip

    def _curve(self, against: str) -> tuple[Reals, Reals]:
        points = np.array(self.row["anytime"], dtype=np.float64).reshape(-1, 3)
        errors = points[:, 2] - (self.case.ground or 0.0)
        return points[:, 0 if against == "evaluations" else 1], errors


@dataclass(frozen=True)
class Contest:
    """All runs of a bench."""

    cases: tuple[CaseRecord, ...]
    arms: tuple[str, ...]
    runs: dict[tuple[tuple[str, str], str], dict[int, Run]]
    """By case and arm, then by seed."""

    @classmethod
    def of(cls, rows: Iterable[Row], arms: Sequence[str] = ()) -> Contest:
        """From the rows of ``runs.jsonl``; arms that ``arms`` does not name follow by name."""
        held = list(rows)
        cases = {
            (r["task"], r["device"]): CaseRecord(r) for r in held if r["kind"] == "case"
        }  # fmt: skip
        runs: dict[tuple[tuple[str, str], str], dict[int, Run]] = {}
        for row in (r for r in held if r["kind"] == "run"):
            key = row["task"], row["device"]
            cell = runs.setdefault((key, row["strategy"]), {})
            cell[row["seed"]] = Run(cases[key], row)
        names = {strategy for _, strategy in runs}
        order = [*(a for a in arms if a in names), *sorted(names - set(arms))]
        seen = tuple(case for key, case in cases.items() if any(k == key for k, _ in runs))
        return cls(seen, tuple(order), {key: dict(sorted(c.items())) for key, c in runs.items()})

    def cell(self, case: CaseRecord, arm: str) -> dict[int, Run]:
        """Runs by seed."""
        return self.runs.get((case.key, arm), {})

    @property
    def groups(self) -> dict[str, Group]:
        """The cases without noise and those on chips, which errors do not compare between."""
        halves = {
            "without noise": [c for c in self.cases if c.ideal and c.scored],
            "on chips": [c for c in self.cases if not c.ideal and c.scored],
        }
        return {name: Group.of(self, cases) for name, cases in halves.items() if cases}


@dataclass(frozen=True)
class Group:
    """Cases that are averaged, and the arms and seeds that all of them have."""

    cases: tuple[CaseRecord, ...]
    arms: tuple[str, ...]
    cells: tuple[tuple[tuple[Run, ...], ...], ...]
    """Of each case, of each arm: the runs of the seeds that all arms have there."""
    left_out: tuple[str, ...]
    """Arms that some case lacks."""

    @classmethod
    def of(cls, contest: Contest, cases: Sequence[CaseRecord]) -> Group:
        """The arms that every case has."""
        arms = [arm for arm in contest.arms if all(contest.cell(case, arm) for case in cases)]
        cells = []
        for case in cases:
            found = [contest.cell(case, arm) for arm in arms]
            seeds = sorted(set.intersection(*map(set, found))) if found else []
            cells.append(tuple(tuple(cell[seed] for seed in seeds) for cell in found))
        left_out = tuple(arm for arm in contest.arms if arm not in arms)
        if not all(cell and cell[0] for cell in cells):
            return cls(tuple(cases), (), (), contest.arms)
        return cls(tuple(cases), tuple(arms), tuple(cells), left_out)

    def strata(self, value: Callable[[Run], Reals | float]) -> list[Reals]:
        """Of each case the values of its runs, shape (arms, ..., seeds)."""
        return [
            np.moveaxis(np.array([[value(run) for run in arm] for arm in cell]), 1, -1)
            for cell in self.cells
        ]

    def scores(self, value: Callable[[Run], Reals | float]) -> list[Reals]:
        """Errors as scores, shapes of `strata`."""
        pairs = zip(self.cases, self.strata(value), strict=True)
        return [case.score(errors) for case, errors in pairs]

    def ranked(self, value: Callable[[Run], float]) -> list[Reals]:
        """Errors such that equal ones are equal; see `statistics.rounded`."""
        pairs = zip(self.cases, self.strata(value), strict=True)
        return [statistics.rounded(errors, case.floor) for case, errors in pairs]

    @property
    def n_seeds(self) -> tuple[int, ...]:
        """Seeds of each case that all arms have."""
        return tuple(len(cell[0]) for cell in self.cells)
