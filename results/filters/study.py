"""What cheap filters are worth: rank correlation with the trained noisy energy, cost and saving.

    python results/filters/study.py          # runs, writes filters.json, README.md, correlation.png
    python results/filters/study.py --page   # writes README.md and the figure from filters.json

Random circuits of both kinds, gate by gate and dressed cx blocks, of every length up to the
limits, on the best-calibrated layout of the chip. Each is judged by every filter and then trained
under the noise as strategies do. One process, one thread.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import page

import qas
from qas.problem import NORMAL, Gradient, Problem, Space, score_batch
from qas.problem.filter.canonical import distinct
from qas.problem.filter.filter import FILTERS

HERE = Path(__file__).parent
DEVICE, TASKS, SPACES = "FakeManilaV2", ("h2-4", "lih-4-2.2"), ("gates", "blocks")
SEEDS, POOL = range(500, 520), 80
INNER = Gradient(NORMAL, kicks=(0.2, 3.0))
SHORT, PROPOSED = 6, 4000


def pool(problem: Problem, space: Space, seed: int) -> dict[str, Any]:
    """Random circuits of one seed: what filters say, what they come to, what both cost."""
    rng = np.random.default_rng([seed, 17])
    layout = problem.layouts[0]
    lengths = rng.integers(1, space.longest + 1, size=POOL).tolist()
    population = space.population([space.random_word(length, rng, 0) for length in lengths])
    row: dict[str, Any] = {"seed": seed, "pairs": population.two_qubit_gates.tolist()}
    row["filters"] = {}
    for name, item in FILTERS.items():
        meter, began = problem.meter(None), time.perf_counter()
        judged = item.judge(problem, layout, population, rng, meter)
        row["filters"][name] = {
            "judged": [float(f"{value:.6g}") for value in judged],
            "evaluations": meter.spent.evaluations,
            "seconds": time.perf_counter() - began,
        }
    meter, began = problem.meter(None), time.perf_counter()
    batch = score_batch(problem, population, layout, meter, INNER, rng)
    return row | {
        "error": (batch.energy - problem.task.ground_energy).round(8).tolist(),
        "evaluations": batch.evaluations.tolist(),
        "seconds": time.perf_counter() - began,
    }


def repeats(problem: Problem, space: Space) -> dict[str, int]:
    """How many of many short random circuits are different, by what counts as the same."""
    rng = np.random.default_rng(23)
    lengths = rng.integers(1, SHORT + 1, size=PROPOSED).tolist()
    words = [space.random_word(length, rng, 0) for length in lengths]
    population = space.population(words)
    return {
        "proposed": PROPOSED,
        "as written": len(set(words)),
        "up to the order on other wires": len({space.key(word) for word in words}),
        "canonical": len(distinct(population)[0]),
        "canonical, ideal": len(distinct(population, ideal=True)[0]),
    }


def run() -> dict[str, Any]:
    began = time.perf_counter()
    cases = []
    for task in TASKS:
        problem = Problem.of(qas.load_task(task), qas.load_device(DEVICE))
        for name in SPACES:
            space = Space.of(problem, name)
            pool(problem, space, 0)  # compiled and in the caches
            rows = [pool(problem, space, seed) for seed in SEEDS]
            cases.append({"task": task, "space": name, "longest": space.longest, "pools": rows})
            cases[-1]["repeats"] = repeats(problem, space)
            print(f"{task} {name}: {time.perf_counter() - began:.0f} s", flush=True)
    return {"device": DEVICE, "seconds": time.perf_counter() - began, "cases": cases}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="only write the page again")
    file = HERE / "filters.json"
    if not parser.parse_args().page:
        file.write_text(json.dumps(run()) + "\n")
    page.write(json.loads(file.read_text()), HERE)


if __name__ == "__main__":
    main()
