"""A campaign: strategies under one budget, finalists, summary, all in one folder."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from qas.circuit import Circuit
from qas.errors import InputError
from qas.problem import Problem, Trial
from qas.problem.merit.merit import Box
from qas.problem.merit.robust import rescored_all
from qas.task import Classifier, Task
from search.campaign.arm import ArmProgress, run_arm
from search.campaign.classifier import accuracy, guessing, validating, whole
from search.campaign.entry import arm_row, arms_of, box_entry, pareto, polished_row, total
from search.campaign.file import write_text
from search.campaign.finalist import (
    Finalist,
    Wanted,
    choose,
    describe,
    hartree_fock_energy,
    is_id,
    polish,
    rough_front,
)
from search.campaign.forecast import Forecast
from search.campaign.ledger import Ledger, Row
from search.campaign.option import TuneOptions
from search.campaign.settings import Settings, device_summary
from search.campaign.tuning import (
    SPENT,
    TuneProgress,
    check_backend,
    check_limits,
    forecast_of,
    tune_finalist,
)


@dataclass(frozen=True)
class PolishProgress:
    """How many of the best trials are polished."""

    done: int
    total: int


class Campaign:
    """One campaign folder, new or found.

    >>> Campaign.open("no-such-folder")
    Traceback (most recent call last):
    ...
    qas.errors.InputError: no campaign in no-such-folder: it has no ledger.jsonl
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder, self.settings = folder, settings
        self.problem: Problem = settings.problem()
        self.ledger = Ledger(folder / "ledger.jsonl")

    @classmethod
    def create(cls, folder: str | Path, settings: Settings) -> Campaign:
        """A new campaign.

        Raises:
            InputError: the folder holds something already.
        """
        path = Path(folder)
        try:
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise InputError(
                    f"{path} exists and is not empty: choose another --out, or go on with "
                    f"'qas resume {path}'"
                )
            path.mkdir(parents=True, exist_ok=True)
            (path / "ledger.jsonl").touch(exist_ok=False)
        except OSError as error:
            raise InputError(
                f"{path} cannot be made a campaign folder ({error.strerror}): choose another --out"
            ) from None
        campaign = cls(path, settings)
        campaign.ledger.append([settings.to_row()])
        return campaign

    @classmethod
    def open(cls, folder: str | Path) -> Campaign:
        """The campaign that a folder holds.

        Raises:
            InputError: none is there, or its ledger is damaged.
        """
        path = Path(folder)
        if not (path / "ledger.jsonl").is_file():
            raise InputError(f"no campaign in {path}: it has no ledger.jsonl")
        rows = Ledger(path / "ledger.jsonl").rows
        if not rows or rows[0]["kind"] != "campaign":
            raise InputError(f"{path}/ledger.jsonl does not begin with a campaign's settings")
        for number, row in enumerate(rows, start=1):
            if row["kind"] == "finalist" and not is_id(row.get("finalist", {}).get("id")):
                raise InputError(f"{path}/ledger.jsonl, line {number}: a finalist without an id")
        return cls(path, Settings.from_row(rows[0]))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder; a second process gets an InputError. The lock dies with its holder."""
        with open(self.folder / ".lock", "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(f"another process works in {self.folder}: wait for it") from None
            self.ledger.reload()
            yield

    def search(self) -> Iterator[ArmProgress | PolishProgress]:
        """Run what is left of every strategy, then choose the finalists."""
        settings = self.settings
        seconds = None
        if settings.minutes is not None:
            seconds = 60.0 * settings.minutes / len(settings.strategies)
        for name in settings.strategies:
            if self.ledger.of_kind("arm", strategy=name):
                continue
            for progress in run_arm(
                self.problem,
                name,
                settings.seed,
                settings.budget,
                seconds,
                self.ledger,
                self.folder,
            ):
                yield progress
            self.ledger.append([arm_row(progress)])
        if not self.ledger.of_kind("references"):
            polished = yield from self._polished()
            self.ledger.complete(self._finalist_rows(polished))

    def plan_tuning(self, options: TuneOptions, count: int = 1) -> None:
        """Write down that the ``count`` best finalists are to be tuned, before it is done.

        Raises:
            InputError: the backend does not exist or does not fit, or a limit does not even
                cover one step and the comparison.
        """
        check_backend(options, count, self.problem)
        if self.ledger.of_kind("references") and not self.ledger.of_kind("finalist"):
            raise InputError(f"{self.folder} has no finalists to tune: search with a larger budget")
        for row in self.ledger.of_kind("finalist")[:count]:
            check_limits(self.problem, row["finalist"], Trial.from_dict(row["trial"]), options)
        self.ledger.append([{"kind": "plan", "options": asdict(options), "count": count}])

    def forecasts(self) -> Iterator[Forecast]:
        """What the planned tunings that are not done will cost."""
        for row, trial, options in self._planned():
            found = forecast_of(
                self.problem, row["finalist"], trial, options, self.ledger, self.folder
            )
            if found is not None:
                yield found

    def tune(self) -> Iterator[TuneProgress]:
        """Do what was planned and is not done yet."""
        for row, trial, options in self._planned():
            yield from tune_finalist(
                self.problem, row["finalist"], trial, options, self.ledger, self.folder
            )

    def _planned(self) -> Iterator[tuple[Row, Trial, TuneOptions]]:
        """Each finalist that a plan names, with the plan's options; equal plans are one."""
        rows, seen = self.ledger.of_kind("finalist"), set[tuple[str, str]]()
        for plan in self.ledger.of_kind("plan"):
            options = TuneOptions.from_dict(plan["options"])
            for row in rows[: plan["count"]]:
                known = row["finalist"]["id"], options.key
                if known not in seen:
                    seen.add(known)
                    yield row, Trial.from_dict(row["trial"]), options

    def conclude(self) -> dict[str, Any]:
        """Write finalists and summary from the ledger; return the summary."""
        summary = self.summary()
        for row in self.ledger.of_kind("finalist"):
            self._export(row)
        text = json.dumps(summary, indent=1, allow_nan=False) + "\n"
        write_text(self.folder / "summary.json", text)
        return summary

    def summary(self) -> dict[str, Any]:
        """The campaign's outcome as the public face names it."""
        settings, ledger, task = self.settings, self.ledger, self.settings.task
        arms = arms_of(task, ledger)
        entries = [self._finalist_entry(row) for row in ledger.of_kind("finalist")]
        known = next(iter(ledger.of_kind("references")), {}).get("references", {})
        box = Box.of(self.problem, settings.objectives, known.get("hartree_fock_noisy"))
        front, hypervolume = pareto(task, box, entries)
        return {
            "schema": 1,
            "task": task.name,
            **_samples(task),
            "device": device_summary(settings.device),
            "strategy": ",".join(settings.strategies),
            "seed": settings.seed,
            "budget": settings.budget,
            "spent": total(arms).to_dict(),
            "spent_polishing": total(ledger.of_kind("polished")).to_dict(),
            "spent_tuning": {
                key: sum(row.get(key, 0) for row in ledger.of_kind("tuned"))
                for key in SPENT  # ledgers of before count no jobs
            },
            "finalists": entries,
            "pareto": front,
            "hypervolume": hypervolume,
            "arms": arms,
            "references": known,
            "settings": {
                "minutes": settings.minutes,
                "qubits": settings.qubits,
                "layouts": [list(layout) for layout in self.problem.layouts],
                "pool": list(self.problem.pool),
                "constraints": str(settings.constraints) or None,
                "robust": settings.robust,
                "calibrations": [day.calibration_date for day in settings.calibrations],
                "hypervolume_box": box_entry(task, box),
            },
        }

    def accuracy(self, trial: Trial) -> float | None:
        """Share of training samples that a trial tells right under noise; None for energies."""
        task = self.problem.task
        return accuracy(self.problem, trial, task.train) if isinstance(task, Classifier) else None

    def _whole(self, trial: Trial) -> Row:
        """What a finalist's row holds beside its trial: a classifier's circuit as it runs."""
        if not isinstance(self.problem.task, Classifier):
            return {}
        return {"whole": whole(self.problem, trial).to_json()}

    @property
    def _wanted(self) -> Wanted:
        settings = self.settings
        return Wanted(settings.objectives, settings.robust, settings.calibrations)

    def _polished(self) -> Generator[PolishProgress, None, list[Finalist]]:
        """The best of every arm, polished; progress after each."""
        arms = {
            name: [
                Trial.from_dict(row["trial"]) for row in self.ledger.of_kind("trial", strategy=name)
            ]
            for name in self.settings.strategies
        }
        rough, polished = rough_front(self.problem, arms, self._wanted), []
        for done, item in enumerate(rough, start=1):
            meter = self.problem.meter(None)
            trial = polish(self.problem, item.trial, meter)
            polished.append(Finalist(item.strategy, replace(trial, cost=meter.spent)))
            yield PolishProgress(done, len(rough))
        return polished

    def _finalist_rows(self, polished: list[Finalist]) -> list[Row]:
        """Rows for the polished trials and the finalists among them.

        The references come last: where they stand, nothing before them is missing.
        """
        meter = self.problem.meter(None)
        trials, wanted = [item.trial for item in polished], self._wanted
        scores = rescored_all(validating(self.problem), trials, wanted.calibrations)
        places = choose(self.problem, polished, scores, wanted)
        chosen = [polished[k] for k in places]
        entries = [
            describe(self.problem, polished[k], meter, self.settings.seed, scores[k])
            for k in places
        ]
        rows: list[Row] = [
            polished_row(self.problem, item.strategy, item.id, item.trial, score)
            for item, score in zip(polished, scores, strict=True)
        ]
        rows += [
            {
                "kind": "finalist",
                "strategy": item.strategy,
                "finalist": entry,
                "trial": item.trial.to_dict(),
                **self._whole(item.trial),
            }
            for item, entry in zip(chosen, entries, strict=True)
        ]
        return [*rows, {"kind": "references", "references": references(self.problem)}]

    def _finalist_entry(self, row: Row) -> dict[str, Any]:
        entry = dict(row["finalist"])
        tuned = self.ledger.of_kind("tuned", id=entry["id"])
        if tuned:
            last = tuned[-1]
            entry["qasm_tuned"] = f"finalist-{entry['id']}-tuned.qasm"
            skipped = ("schema", "kind", "id", "params", "time")
            entry |= {key: value for key, value in last.items() if key not in skipped}
        return entry

    def _export(self, row: Row) -> None:
        """The finalist as OpenQASM 3 and JSON, tuned angles beside the untuned."""
        trial, name = Trial.from_dict(row["trial"]), f"finalist-{row['finalist']['id']}"
        circuit = exported(row)
        bound = circuit.bind(trial.angles)
        write_text(self.folder / f"{name}.qasm", bound.to_qasm())
        tuned = self.ledger.of_kind("tuned", id=row["finalist"]["id"])
        if tuned:
            other = circuit.bind(np.array(tuned[-1]["params"]))
            write_text(self.folder / f"{name}-tuned.qasm", other.to_qasm())
        record = {
            "schema": 1,
            **row["trial"],
            "device": device_summary(self.settings.device),
            "qasm": bound.to_qasm(),
            "summary": self._finalist_entry(row),
        }
        write_text(self.folder / f"{name}.json", json.dumps(record, indent=1) + "\n")


def exported(row: Row) -> Circuit:
    """The circuit of a finalist's file, its angles free; a classifier's begins with its encoder."""
    text = row["whole"] if "whole" in row else row["trial"]["native"]
    return Circuit.from_json(text)


def references(problem: Problem) -> dict[str, float | None]:
    """What a finalist is compared with: the ground state and Hartree-Fock's circuit, in hartree;
    of a classifier what guessing reaches.
    """
    if isinstance(problem.task, Classifier):
        return {**guessing(problem.task)}
    return {
        "ground_energy": problem.task.ground_energy,
        "hartree_fock_noisy": hartree_fock_energy(problem),
    }


def _samples(task: Task | Classifier) -> Row:
    """Classes of a classifier, and how many samples each part has."""
    if not isinstance(task, Classifier):
        return {}
    parts = {"train": task.train, "valid": task.valid, "test": task.test}
    return {
        "classes": list(task.class_names),
        "samples": {name: loss.n_samples for name, loss in parts.items()},
    }
