"""Strategies against each other: every (case, strategy, seed) is a job, and a row when done.

A bench folder holds ``runs.jsonl``: a row for each case, a row for each finished run. Rows
that are there are not made again, so that a bench that was stopped, killed or extended goes
on where it was.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from qas.circuit import Circuit
from qas.device import load_device
from qas.errors import InputError
from qas.problem import Meter, Problem
from qas.task import Classifier, load_task
from search.campaign.campaign import references
from search.campaign.incumbent import incumbents
from search.campaign.jobs import Engine, on_processes
from search.campaign.ledger import Ledger, Row
from search.campaign.settings import MAX_SEED, versions
from search.campaign.trace import Trace
from search.strategy import Strategy, make_strategy

IDLE_STEPS = 1000
"""Steps in a row without an evaluation after which a strategy has nothing left to do."""
WARM = 2000
"""Evaluations of the run before the first: what is compiled or imported then is not timed."""
_KEYS = {
    "case": (
        "task", "device", "budget", "minutes", "task_id", "device_hash", "ideal",
        "ground_energy", "reference_energy",
    ),
    "run": (
        "task", "device", "strategy", "seed", "stopped_by", "spent", "seconds", "anytime",
        "incumbents",
    ),
}  # fmt: skip
"""What rows of a kind hold at least."""


@dataclass(frozen=True)
class Case:
    """A task on a device, and what every strategy may spend there."""

    task: str
    """A name, or the path of a Hamiltonian."""
    device: str
    budget: int
    """Evaluations, those of the inner optimiser included."""
    minutes: float | None = None
    """Wall time of a run; None: only the budget ends it."""
    data_dir: str | None = None
    """Folder of a classifier's published data; see `qas.load_task`."""

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise InputError(f"the budget must be at least 1 evaluation; given {self.budget}")
        if self.minutes is not None and not 0 < self.minutes < 1e6:
            raise InputError(f"the minutes must be positive; given {self.minutes}")

    @property
    def key(self) -> tuple[str, str]:
        """Task and device: a folder holds them once."""
        return self.task, self.device

    @property
    def problem(self) -> Problem:
        """The problem with the usual limits, made once in a process."""
        return _problem(self.task, self.device, self.data_dir)

    @property
    def unit(self) -> str:
        """Of what is made small: "Ha", or "nats" of a loss."""
        return "nats" if isinstance(self.problem.task, Classifier) else "Ha"

    def to_row(self) -> Row:
        """What identifies the case, and what its errors are measured from."""
        problem = self.problem
        return {
            "kind": "case",
            "task": self.task,
            "device": self.device,
            "budget": self.budget,
            "minutes": self.minutes,
            "task_id": problem.task.id,
            "device_hash": problem.device.hash,
            "calibration_date": problem.device.calibration_date,
            "ideal": problem.device.is_ideal,
            "n_qubits": problem.n_qubits,
            "layouts": len(problem.layouts),
            "ground_energy": problem.task.ground_energy,
            "unit": self.unit,
            **_reference(problem),
            **versions(),
        }


@dataclass(frozen=True)
class Job:
    """One run: a strategy on a case from a seed."""

    case: Case
    strategy: str
    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.seed < MAX_SEED:
            raise InputError(f"seeds must be in 0..{MAX_SEED - 1}; given {self.seed}")

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What a finished run is known by."""
        return *self.case.key, self.strategy, self.seed


@dataclass(frozen=True)
class BenchProgress:
    """A job has ended."""

    done: int
    total: int
    job: Job
    row: Row | None
    """Of the run; None if it failed."""
    failure: str | None = None


class Bench:
    """A bench folder, new or found; ``runs.jsonl`` is read.

    Raises:
        InputError: the folder cannot be one, or its rows are damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        others = self.folder.is_dir() and any(self.folder.iterdir())
        if others and not self.path.is_file():
            raise InputError(f"{folder} holds something else, no runs.jsonl: choose another --out")
        self.ledger = Ledger(self.path)
        _check_rows(self.path, self.ledger.rows)

    @property
    def path(self) -> Path:
        """The file of the rows."""
        return self.folder / "runs.jsonl"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, making it; a second process gets an InputError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.path.touch()
        except OSError as error:
            raise InputError(
                f"{self.folder} cannot be made a bench folder ({error.strerror})"
            ) from None
        with open(self.path, "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(f"another process works in {self.folder}: wait for it") from None
            self.ledger.reload()
            yield

    def check(self, jobs: Sequence[Job]) -> list[Row]:
        """Rows of the jobs' cases, everything checked; nothing is written.

        Raises:
            InputError: a case stands here with another budget, time, Hamiltonian or
                calibration; or a strategy does not exist or does not suit its problem.
        """
        held = {(row["task"], row["device"]): row for row in self.ledger.of_kind("case")}
        for case in dict.fromkeys(job.case for job in jobs):
            row = case.to_row()
            _check_same(self.folder, held.setdefault(case.key, row), row)
        for case, strategy in dict.fromkeys((job.case, job.strategy) for job in jobs):
            make_strategy(strategy, case.problem, 0)
        return [held[key] for key in dict.fromkeys(job.case.key for job in jobs)]

    def plan(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs that are not done; their cases are noted.

        Raises:
            InputError: see `check`.
        """
        held, rows = self.ledger.of_kind("case"), self.check(jobs)
        self.ledger.append(row for row in rows if row not in held)
        done = {_key(row) for row in self.ledger.of_kind("run")}
        return [job for job in dict.fromkeys(jobs) if job.key not in done]

    def run(
        self, jobs: Sequence[Job], workers: int = 1, engine: Engine = on_processes
    ) -> Generator[BenchProgress, None, None]:
        """Run what is left of the jobs; each run is a row on the disk before it is reported.

        Raises:
            InputError: see `check`.
        """
        if workers < 1:
            raise InputError(f"at least one worker is needed; given {workers}")
        left = self.plan(jobs)
        with closing(engine(run_job, left, workers)) as outcomes:
            for done, outcome in enumerate(outcomes, start=len(jobs) - len(left) + 1):
                if outcome.failure is None:
                    self.ledger.append([outcome.result])
                yield BenchProgress(done, len(jobs), outcome.job, outcome.result, outcome.failure)


def jobs_of(cases: Iterable[Case], strategies: Iterable[str], seeds: Iterable[int]) -> list[Job]:
    """Every strategy on every case from every seed.

    Seed by seed, so that a bench that is stopped holds whole comparisons.
    """
    given = list(cases), list(strategies)
    return [Job(case, name, seed) for seed in seeds for case in given[0] for name in given[1]]


def run_job(job: Job) -> Row:
    """Run one job; its row.

    The strategy has its budget to itself. What comes after it (re-evaluation and the same
    polish for every arm) is metered apart, and not timed.
    """
    case, problem = job.case, job.case.problem
    _warm(job.strategy, case.task, case.device, case.data_dir)
    strategy = make_strategy(job.strategy, problem, job.seed)
    meter = problem.meter(case.budget, seconds=None if case.minutes is None else 60 * case.minutes)
    tally = getattr(strategy, "tally", None)
    trace = Trace(case.budget, counting=tally is None)
    started, busy = time.perf_counter(), time.process_time()
    stopped = _search(problem, strategy, meter, trace)
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    entries, polishing = incumbents(problem, trace.best, job.seed)
    return {
        "kind": "run",
        "task": case.task,
        "device": case.device,
        "strategy": job.strategy,
        "seed": job.seed,
        "budget": case.budget,
        "stopped_by": stopped,
        "spent": meter.spent.to_dict(),
        "overshoot": max(0, meter.spent.evaluations - case.budget),
        "seconds": round(seconds, 3),
        "processor_seconds": round(busy, 3),
        **trace.proposals(tally),
        "anytime": trace.curve,
        "incumbents": entries,
        "spent_polishing": polishing.to_dict(),
    }


def _search(problem: Problem, strategy: Strategy, meter: Meter, trace: Trace) -> str:
    """Let the strategy step until something stops it; what that was."""
    started, idle = time.perf_counter(), 0
    while not meter.exhausted:
        before = meter.spent.evaluations
        trials = strategy.step(problem, meter)
        trace.see(trials, meter.spent.evaluations, time.perf_counter() - started)
        idle = idle + 1 if meter.spent.evaluations == before else 0
        if idle >= IDLE_STEPS:
            return "idle"
    return "budget" if meter.left <= 0 else "minutes"


@cache
def _problem(task: str, device: str, data_dir: str | None = None) -> Problem:
    loaded = load_task(task, data_dir)
    return Problem.of(loaded, load_device(device, n_qubits=loaded.n_qubits))


@cache
def _warm(strategy: str, task: str, device: str, data_dir: str | None) -> None:
    """Run a strategy shortly, once in a process: what it imports and compiles is there then."""
    problem = _problem(task, device, data_dir)
    meter = problem.meter(WARM * problem.task.observable.price)
    _search(problem, make_strategy(strategy, problem, 0), meter, Trace(WARM))


def _reference(problem: Problem) -> dict[str, Any]:
    """What an error is compared with: Hartree-Fock's circuit on its best layout, else no gate."""
    energy, name = references(problem).get("hartree_fock_noisy"), "Hartree-Fock"
    if energy is None:
        name, meter = "no gates", problem.meter(None)
        empty = Circuit(problem.n_qubits)
        energy = float(problem.value(empty, problem.layouts[0], [], meter)[0])
    return {"reference": name, "reference_energy": energy}


def _check_same(folder: Path, held: Row | None, row: Row) -> None:
    """Raise InputError where a case differs from the one that a folder holds."""
    says = {
        "budget": "a budget of {} evaluations",
        "minutes": "{} minutes a run",
        "task_id": "a task {}",
        "device_hash": "a calibration {}",
    }
    for key, words in says.items():
        if held is not None and held[key] != row[key]:
            raise InputError(
                f"{folder} has {row['task']} on {row['device']} with {words.format(held[key])}; "
                f"now {row[key]}: keep to that, or choose another --out"
            )


def _check_rows(path: Path, rows: Sequence[Row]) -> None:
    """Raise InputError for a row that is not whole, or a run whose case does not stand before."""
    cases = set()
    for number, row in enumerate(rows, start=1):
        lacks = [key for key in _KEYS.get(row["kind"], ()) if key not in row]
        if not lacks and row["kind"] == "case":
            cases.add((row["task"], row["device"]))
        if not lacks and row["kind"] == "run" and (row["task"], row["device"]) not in cases:
            lacks = ["case"]
        if lacks:
            raise InputError(
                f"{path}, line {number}: a {row['kind']} without its {lacks[0]}: restore the "
                "file, or choose another --out"
            )


def _key(row: Row) -> tuple[str, str, str, int]:
    return row["task"], row["device"], row["strategy"], row["seed"]
