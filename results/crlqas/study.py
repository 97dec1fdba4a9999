"""Reinforcement learning on published cases: `python results/crlqas/study.py [PART ...]`.

Every (part, case, arm, seed) is a job; finished ones stand in runs.jsonl and are not run again,
so that an interrupted study goes on where it stopped. README.md is written by page.py.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import case as cases
import numpy as np

from qas import load_device, load_task
from qas.problem import FINE, Problem, Trial, prune

HERE = Path(__file__).parent
RUNS = HERE / "runs.jsonl"
FIRST_SEED = 100
"""Seeds below were looked at while the settings were chosen."""


@dataclass(frozen=True)
class Job:
    part: str
    case: cases.Case
    arm: str
    seed: int

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        return self.part, self.case.name, self.arm, self.case.budget, self.seed


def all_jobs() -> list[Job]:
    rows: list[tuple[str, cases.Case, list[str]]] = []
    rows += [("exact", case, ["ddqn"]) for case in cases.SMALL]
    rows += [("published", case, cases.arms(case)) for case in cases.PUBLISHED_CASES]
    rows += [("noise", case, list(cases.ARMS)) for case in cases.NOISY]
    rows.append(("switches", cases.ABLATED, list(cases.SWITCHES)))
    rows.append(("switches under noise", cases.ABLATED_NOISY, list(cases.NOISY_SWITCHES)))
    rows.append(("inner optimiser", cases.ABLATED_INNER, list(cases.INNER_SWITCHES)))
    rows += [("chains", case, ["ddqn", "greedy", "random blocks"]) for case in cases.CHAINS]
    # Seed by seed, so that an interrupted study holds whole comparisons.
    return [
        Job(part, case, arm, FIRST_SEED + k)
        for part, case, arms in rows
        for k in range(case.seeds)
        for arm in arms
    ]


def maker(job: Job) -> cases.Maker:
    tables = {
        "switches": cases.SWITCHES,
        "switches under noise": cases.NOISY_SWITCHES,
        "inner optimiser": cases.INNER_SWITCHES,
    }
    if job.part in tables:
        return cases.agent(tables[job.part][job.arm])
    return cases.ARMS[job.arm]


def run(job: Job) -> dict[str, Any]:
    """One row: the front, the anytime curve, the episodes, the cost."""
    import torch

    torch.set_num_threads(1)
    task = load_task(job.case.task)
    device = load_device(job.case.device, n_qubits=task.n_qubits)
    problem = Problem.of(
        task, device, qubits=job.case.qubits, limits=job.case.limits(task.n_qubits)
    )
    assert task.ground_energy is not None
    strategy = maker(job)(problem, job.seed)
    meter = problem.meter(job.case.budget)
    best: dict[int, Trial] = {}
    anytime: list[list[float]] = []
    started, lowest, trials, circuits = time.perf_counter(), np.inf, 0, set()
    while not meter.exhausted:
        for trial in strategy.step(problem, meter):
            trials += 1
            circuits.add(trial.candidate.circuit.id)
            pairs = trial.two_qubit_gates
            if pairs not in best or trial.energy < best[pairs].energy:
                best[pairs] = trial
            if trial.energy < lowest - 1e-12:
                lowest = trial.energy
                seconds = round(time.perf_counter() - started, 2)
                anytime.append([meter.spent.evaluations, seconds, lowest - task.ground_energy])
    seconds = time.perf_counter() - started
    episodes = np.array(getattr(strategy, "outcomes", []))
    return {
        "part": job.part, "case": job.case.name, "arm": job.arm, "seed": job.seed,
        "budget": job.case.budget, "spent": meter.spent.to_dict(), "seconds": round(seconds, 2),
        "env_steps": getattr(strategy, "env_steps", None),
        "trials": trials, "different": len(circuits),
        "anytime": anytime, "front": front(problem, best, job.seed),
        "episodes": len(episodes), "quantiles": quantiles(episodes - task.ground_energy),
        "under_hf": under_hartree_fock(problem, episodes),
        "hf_error": hartree_fock(problem) - task.ground_energy,
    }  # fmt: skip


def front(problem: Problem, best: dict[int, Trial], seed: int) -> list[dict[str, Any]]:
    """The best circuits by two-qubit gates, trained to the end and pruned.

    Without noise only those that gain; under noise more gates may not, and be better retrained.
    """
    ground, lowest = problem.task.ground_energy, np.inf
    rows, meter = [], problem.meter(None)
    for pairs in sorted(best):
        trial = best[pairs]
        if problem.device.is_ideal and trial.energy > lowest - 1e-12:
            continue
        lowest = min(lowest, trial.energy)
        trial = anew(problem, trial, seed)
        # Without noise a hundredth of the error may go for fewer gates; under it gates cost energy.
        slack = max(1e-9, 0.01 * (lowest - ground)) if problem.device.is_ideal else 1e-7
        found = prune(problem, trial, meter, tolerance=slack)
        fine = problem.score(
            found.candidate, meter, native=found.native, start=found.angles, effort=FINE
        )
        final = min(found, fine, key=lambda t: t.energy)
        logical = final.candidate.circuit
        row = {
            "pairs": pairs, "found": best[pairs].energy - ground, "error": final.energy - ground,
            "two_qubit_gates": logical.two_qubit_gates, **logical.counts(),
            "qubits": list(final.candidate.layout),
        }  # fmt: skip
        if not problem.device.is_ideal:
            row["retrained"] = retrained(problem, final, seed) - ground
            row["found_retrained"] = retrained(problem, best[pairs], seed) - ground
            row["found_gates"] = len(best[pairs].candidate.circuit.gates)
        rows.append(row)
    return rows


def anew(problem: Problem, trial: Trial, seed: int) -> Trial:
    """The same circuit at the best of its own angles and 32 random starts, for every arm alike."""
    rng = np.random.default_rng([seed, 978])
    starts = rng.uniform(-np.pi, np.pi, (33, trial.native.n_params))
    starts[0] = trial.angles
    simulator = problem.simulator(trial.candidate.layout)
    found = simulator.minimise(trial.native, problem.task.observable, starts)
    at = found.best
    if found.energy[at] > trial.energy:
        return trial
    return replace(trial, params=tuple(found.params[at].tolist()), energy=float(found.energy[at]))


def retrained(problem: Problem, trial: Trial, seed: int) -> float:
    """Lowest noise-free energy of the structure, from its own angles and random ones."""
    rng = np.random.default_rng([seed, 977])
    starts = rng.uniform(-np.pi, np.pi, (5, trial.native.n_params))
    starts[0] = trial.angles
    found = problem.exact.minimise(trial.native, problem.task.observable, starts)
    return float(np.nanmin(found.energy))


def hartree_fock(problem: Problem) -> float:
    """Energy of Hartree-Fock's circuit on the best layout; the empty circuit's without one."""
    circuit = problem.task.hf_circuit()
    if circuit is None:
        return float("nan")
    meter = problem.meter(None)
    return float(problem.value(circuit, problem.layouts[0], [], meter)[0])


def under_hartree_fock(problem: Problem, episodes: np.ndarray) -> float | None:
    """Share of the later half of the episodes whose lowest energy is under Hartree-Fock's."""
    later = episodes[len(episodes) // 2 :]
    return float(np.mean(later < hartree_fock(problem) - 1e-6)) if len(later) else None


def quantiles(errors: np.ndarray) -> list[list[float]]:
    """Of every twentieth of the episodes: lower quartile, median, upper quartile, hartree."""
    parts = [part for part in np.array_split(errors, 20) if len(part)]
    return [[float(f"{q:.4g}") for q in np.quantile(part, [0.25, 0.5, 0.75])] for part in parts]


def finished() -> set[tuple[Any, ...]]:
    if not RUNS.exists():
        return set()
    rows = [json.loads(line) for line in RUNS.read_text().split("\n")[:-1]]
    return {(r["part"], r["case"], r["arm"], r["budget"], r["seed"]) for r in rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = sorted({job.part for job in all_jobs()})
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; all by default")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, help="at most so many of each")
    parser.add_argument("--arms", help="only these, separated by commas")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(parts):
        parser.error(f"no part is called {', '.join(unknown)}; parts are {', '.join(parts)}")
    known = finished()
    jobs = [
        job
        for job in all_jobs()
        if (not given.parts or job.part in given.parts)
        and (given.seeds is None or job.seed < FIRST_SEED + given.seeds)
        and (given.arms is None or job.arm in given.arms.split(","))
        and job.key not in known
    ]
    sys.stderr.write(f"{len(jobs)} jobs, {len(known)} done before\n")
    started = time.time()
    with ProcessPoolExecutor(given.workers, mp_context=get_context("spawn")) as pool:
        running = [pool.submit(run, job) for job in jobs]
        for done, future in enumerate(as_completed(running), start=1):
            row = future.result()
            with RUNS.open("a") as file:
                file.write(json.dumps(row, allow_nan=True) + "\n")
            error = min(entry["error"] for entry in row["front"])
            sys.stderr.write(
                f"{done}/{len(jobs)} {time.time() - started:.0f} s: {row['part']}, {row['case']}, "
                f"{row['arm']}, seed {row['seed']}: {error:.2e} in {row['seconds']:.0f} s\n"
            )


if __name__ == "__main__":
    main()
