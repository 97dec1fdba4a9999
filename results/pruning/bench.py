"""Pruning by populations beside pruning one circuit at a time, on the same trials in one run.

    python results/pruning/bench.py          # writes README.md and bench.json, five minutes
    python results/pruning/bench.py --page   # README.md alone, from bench.json and words.md

The one at a time is this project's own of before, taken from its history (`BEFORE`). Seconds are
CPU seconds of one thread, each the best of `REPEATS`, old and new in turn.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sample

from qas.problem import QUICK, Meter, Problem, Trial, prune, vary

HERE = Path(__file__).parent
BEFORE = "f84144a"
REPEATS = 2
TOLERANCE = 1e-7
WORSE = 1e-4
Way = Callable[[Problem, Trial, Meter], Trial]


def before() -> dict[str, Any]:
    """`prune` and `vary` as they were."""
    folder = tempfile.mkdtemp()
    for name in ("prune", "vary", "transfer"):
        shown = subprocess.run(
            ["git", "show", f"{BEFORE}:qas/problem/{name}.py"],
            capture_output=True, text=True, check=True, cwd=HERE,
        )  # fmt: skip
        text = shown.stdout
        for other in ("prune", "vary", "transfer"):
            text = text.replace(f"qas.problem.{other} ", f"before_{other} ")
        (Path(folder) / f"before_{name}.py").write_text(text)
    sys.path.insert(0, folder)
    return {name: importlib.import_module(f"before_{name}") for name in ("prune", "vary")}


def ways() -> dict[str, dict[str, Way]]:
    old = before()
    pruners = {"old": old["prune"].prune, "new": prune}
    variers = {"old": old["vary"].vary, "new": vary}

    def alone(age: str) -> Way:
        return lambda problem, trial, meter: pruners[age](
            problem, trial, meter, tolerance=TOLERANCE, effort=QUICK
        )

    def varied(age: str) -> Way:
        return lambda problem, trial, meter: variers[age](
            problem, alone(age)(problem, trial, meter), meter, effort=QUICK
        )

    return {
        "prune": {age: alone(age) for age in pruners},
        "prune and vary": {age: varied(age) for age in pruners},
    }


def fresh(case: str, trial: Trial) -> Problem:
    """The problem with the trial's simulator ready, and nothing lowered yet.

    The old way lowers every child by itself and keeps what it lowered: a second run of the same
    trial would find it all there.
    """
    problem = sample.problem_of(case)
    problem.value(trial.native, trial.candidate.layout, trial.angles, problem.meter(None))
    return problem


def measured(case: str, trial: Trial, both: dict[str, Way]) -> dict[str, Any]:
    row: dict[str, Any] = {"two_qubit_gates": trial.two_qubit_gates, "energy": trial.energy}
    seconds = dict.fromkeys(both, np.inf)
    for _ in range(REPEATS):
        for age, way in both.items():
            problem = fresh(case, trial)
            meter, started = problem.meter(None), time.process_time()
            made = way(problem, trial, meter)
            seconds[age] = min(seconds[age], time.process_time() - started)
            row[age] = {
                "energy": made.energy,
                "two_qubit_gates": made.two_qubit_gates,
                "gates": len(made.native.gates),
                "logical_gates": len(made.candidate.circuit.gates),
                "evaluations": meter.spent.evaluations,
                "seconds": seconds[age],
            }
    return row


def line(case: str, rows: list[dict[str, Any]]) -> str:
    old, new = (
        {key: np.array([row[age][key] for row in rows]) for key in rows[0][age]}
        for age in ("old", "new")
    )
    gap = 1e3 * (new["energy"] - old["energy"])
    share = [int((gap < -1e3 * WORSE).sum()), int((gap > 1e3 * WORSE).sum())]
    cells = [
        case,
        str(len(rows)),
        f"{np.median(gap):+.2f} ({gap.mean():+.2f})",
        f"{share[0]} / {len(rows) - sum(share)} / {share[1]}",
        f"{np.median(old['two_qubit_gates']):.0f}, {np.median(new['two_qubit_gates']):.0f}",
        f"{np.median(old['gates']):.0f}, {np.median(new['gates']):.0f}",
        f"{np.median(old['evaluations'] / new['evaluations']):.1f}",
        f"{old['evaluations'].sum() / new['evaluations'].sum():.1f}",
        f"{np.median(old['seconds'] / new['seconds']):.1f}",
        f"{old['seconds'].sum() / new['seconds'].sum():.1f}",
        f"{1e3 * new['seconds'].mean():.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    trials = list(sample.load())
    results: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name, both in ways().items():
        results[name] = {case: [] for case in sample.CASES}
        for case in sample.CASES:  # once, so that everything is compiled
            first = next(trial for own, trial in trials if own == case)
            for way in both.values():
                problem = fresh(case, first)
                way(problem, first, problem.meter(None))
        for case, trial in trials:
            results[name][case].append(measured(case, trial, both))
        print(name, *(line(case, rows) for case, rows in results[name].items()), sep="\n")
    (HERE / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    write_page()


def write_page() -> None:
    results = json.loads((HERE / "bench.json").read_text())
    page = (HERE / "words.md").read_text()
    for name, own in results.items():
        table = "\n".join(line(case, rows) for case, rows in own.items())
        page = page.replace("{" + name + "}", table)
    (HERE / "README.md").write_text(page)


if __name__ == "__main__":
    if "--page" in sys.argv:
        write_page()
    else:
        main()
