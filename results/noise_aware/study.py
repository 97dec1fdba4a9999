"""Noise-aware against noise-blind search at the same budget, then a second noise model.

    python results/noise_aware/study.py            # then the page
    python results/noise_aware/study.py --seeds 3  # the other seeds later

Both arms are the archive. The *aware* one measures words under the device's noise while it
searches; the *blind* one spends the whole budget without noise. What is known at the end is
placed on the chip, trained and pruned under its noise in the same way for both.
Every (case, arm, seed) is a row of runs.jsonl; finished ones are not run again.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import page

from qas import load_device, load_task
from qas.execute import NoisySimulator
from qas.problem import Candidate, Meter, Problem, Trial, relayout
from search.campaign.campaign import references
from search.campaign.finalist import polish
from search.campaign.incumbent import retrained
from search.campaign.jobs import on_processes
from search.campaign.ledger import Ledger
from search.strategy.archive import Archive

HERE = Path(__file__).parent
FIRST_SEED, SEEDS = 100, 10
"""Seeds below were looked at while the settings were chosen."""
ARMS = ("aware", "blind")


@dataclass(frozen=True)
class Job:
    task: str
    device: str
    budget: int
    arm: str
    seed: int


CASES = (
    ("h2-4", "FakeManilaV2", 10_000_000),
    ("lih-4-2.2", "FakeManilaV2", 4_000_000),
    ("lih-4-3.4", "FakeManilaV2", 4_000_000),
    ("lih-6-2.2", "FakeJakartaV2", 10_000_000),
    ("h2-4", "FakeMumbaiV2", 4_000_000),
    ("lih-4-2.2", "FakeMumbaiV2", 4_000_000),
    ("h2-4", "FakeTorino", 4_000_000),
    ("lih-4-2.2", "FakeTorino", 4_000_000),
)
"""Task, device, evaluations of the search."""


def run(job: Job) -> dict[str, Any]:
    """One search, and all its circuits seen again."""
    task = load_task(job.task)
    problem = Problem.of(task, load_device(job.device))
    archive = Archive(problem, job.seed, aware=job.arm == "aware")
    warm = Archive(problem, 1)  # what is compiled at the first use is not timed
    while warm.steps < 3:
        warm.step(problem, problem.meter(3000))
    meter, best = problem.meter(job.budget), dict[int, Trial]()
    started, curve = time.perf_counter(), list[list[float]]()
    while not meter.exhausted:
        for trial in archive.step(problem, meter):
            pairs, lowest = trial.two_qubit_gates, min((t.energy for t in best.values()), default=9)
            if pairs not in best or trial.energy < best[pairs].energy:
                best[pairs] = trial
            if trial.energy < lowest - 1e-7:
                seconds = round(time.perf_counter() - started, 2)
                curve.append([meter.spent.evaluations, seconds, trial.energy])
    seconds = time.perf_counter() - started
    after, began = problem.meter(None), time.perf_counter()
    if job.arm == "blind":
        best = dict(enumerate(deployed(problem, archive, after)))
    ends = [polish(problem, trial, after) for trial in promising(list(best.values()))]
    return {
        "kind": "run", **asdict(job), "seconds": round(seconds, 2), "curve": curve,
        "spent": meter.spent.to_dict(), "spent_after": after.spent.to_dict(),
        "seconds_after": round(time.perf_counter() - began, 2),
        "ground_energy": task.ground_energy, **references(problem),
        "blind_choice": blind_choice(problem, archive, after),
        "circuits": [described(problem, trial, job.seed) for trial in ends],
    }  # fmt: skip


def deployed(problem: Problem, archive: Archive, meter: Meter) -> list[Trial]:
    """The noise-free front on the chip: each word placed by calibration and trained there."""
    trials = []
    for genome in archive.front():
        layout = problem.layouts[archive.space.layouts(genome.word)[0]]
        candidate = Candidate(archive.space.circuit(genome.word), layout)
        trial = problem.score(candidate, meter, start=genome.angles)
        trials.append(relayout(problem, trial, meter))
    return trials


def promising(trials: list[Trial], most: int = 6) -> list[Trial]:
    """The lowest few: they are polished, of both arms as many."""
    return sorted(trials, key=lambda trial: trial.rank)[:most]


def blind_choice(problem: Problem, archive: Archive, meter: Meter) -> float | None:
    """Energy on the chip of the circuit that one would choose without looking at noise.

    The fewest two-qubit gates with an error below a tenth of chemical accuracy, else the lowest
    error; placed, trained and pruned under noise.
    """
    if archive.aware:
        return None
    ground, front = problem.task.ground_energy, archive.front()
    energies = [
        problem.exact.estimate(
            archive.space.circuit(g.word), problem.task.observable, g.angles
        ).mean[0]
        for g in front
    ]
    good = [k for k, energy in enumerate(energies) if energy - ground < 1.6e-4]
    chosen = good[0] if good else int(np.argmin(energies))
    return float(polish(problem, deployed(problem, archive, meter)[chosen], meter).energy)


def described(problem: Problem, trial: Trial, seed: int) -> dict[str, Any]:
    """A circuit under every model, hartree."""
    patch = problem.patch(trial.candidate.layout)
    models = {
        "noisy": NoisySimulator(patch),
        "noisy_readout": NoisySimulator(patch, readout=True),
        "pessimistic": NoisySimulator(patch, pessimistic=True),
        "pessimistic_readout": NoisySimulator(patch, pessimistic=True, readout=True),
    }
    observable = problem.task.observable
    energies = {
        name: float(own.estimate(trial.native, observable, trial.angles).mean[0])
        for name, own in models.items()
    }
    energies["exact"] = float(
        problem.exact.estimate(trial.native, observable, trial.angles).mean[0]
    )
    return {
        **energies, "retrained": retrained(problem, trial, seed), **trial.native.counts(),
        "qubits": list(trial.candidate.layout), "qasm": trial.bound.to_qasm(),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--cases", help="only tasks or devices with this in their name")
    given = parser.parse_args()
    ledger = Ledger(HERE / "runs.jsonl")
    fields = ("task", "device", "budget", "arm", "seed")
    done = {tuple(row[name] for name in fields) for row in ledger.rows}
    jobs = [
        Job(task, device, budget, arm, FIRST_SEED + k)
        for k in range(given.seeds)
        for task, device, budget in CASES
        if given.cases is None or given.cases in f"{task} {device}"
        for arm in ARMS
        if (task, device, budget, arm, FIRST_SEED + k) not in done
    ]
    sys.stderr.write(f"{len(jobs)} jobs, {len(done)} done before\n")
    started, failures = time.time(), 0
    for number, outcome in enumerate(on_processes(run, jobs, given.workers), start=1):
        said = outcome.failure
        if outcome.failure is None:
            row = outcome.result
            ledger.append([row])
            lowest = min(own["noisy"] for own in row["circuits"]) - row["ground_energy"]
            said = f"{1e3 * lowest:.2f} mHa in {row['seconds']:.0f} s"
        failures += outcome.failure is not None
        job, clock = outcome.job, f"{number}/{len(jobs)} {time.time() - started:.0f} s"
        sys.stderr.write(f"{clock}: {job.task}, {job.device}, {job.arm}, {job.seed}: {said}\n")
    page.write([json.loads(line) for line in (HERE / "runs.jsonl").read_text().splitlines()])
    if failures:
        sys.exit(f"{failures} runs failed; the same command tries them again")


if __name__ == "__main__":
    main()
