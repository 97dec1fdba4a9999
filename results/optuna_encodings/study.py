"""Which encoding each Optuna arm uses: `python results/optuna_encodings/study.py OUT.jsonl`.

Rows that the file holds already are not run again.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from qas import load_device, load_task
from qas.problem import Problem, Space
from search.strategy import make_strategy
from search.strategy.ask_tell import AskTell
from search.strategy.encoding import Embedded, Encoding, Keys, Letters, Tokens
from search.strategy.gp import RECIPE as GP
from search.strategy.nsga2 import RECIPE as NSGA2
from search.strategy.sampling import Recipe
from search.strategy.tpe import RECIPE as TPE

CASES = (("h2-4", "ideal", 3), ("lih-6-2.2", "ideal", 9), ("h2-4", "FakeManilaV2", 99))
"""Task, device, two-qubit gates within which the best error counts."""
BUDGET = 1_000_000
SLOW = 200_000
"""Budget of the Gaussian process, which takes longest a circuit."""
SEEDS = (0, 1, 2)
ENCODINGS: dict[str, Callable[[Space, int], Encoding]] = {
    "tokens": lambda space, seed: Tokens(space),
    "letters": lambda space, seed: Letters(space),
    "keys": lambda space, seed: Keys(space),
    "embedded": lambda space, seed: Embedded(space, seed=seed),
}
ARMS: dict[str, tuple[Recipe | None, str]] = {
    "random:blocks": (None, "blocks"),
    "random:gates": (None, "gates"),
}
CHOSEN = {
    TPE: ("tokens", "letters", "embedded"),
    NSGA2: ("tokens", "letters", "keys", "embedded"),
    replace(NSGA2, name="nsga2-one", objectives=1): ("letters",),
    GP: ("embedded",),
}
"""Encodings in the space of blocks; what is slow beside its like stays out."""
for recipe, names in CHOSEN.items():
    for name in names:
        ARMS[f"{recipe.name}:{name}:blocks"] = replace(recipe, encoding=ENCODINGS[name]), "blocks"
ARMS["tpe:tokens:gates"] = replace(TPE, encoding=ENCODINGS["tokens"]), "gates"
ARMS["nsga2:letters:gates"] = replace(NSGA2, encoding=ENCODINGS["letters"]), "gates"


def run(arm: str, task: str, device: str, most: int, seed: int) -> dict[str, object]:
    """One arm on one case."""
    loaded = load_task(task)
    problem = Problem.of(loaded, load_device(device, n_qubits=loaded.n_qubits))
    recipe, space = ARMS[arm]
    if recipe is None:
        strategy = make_strategy(arm, problem, seed)
    else:
        strategy = AskTell(problem, seed, Space.of(problem, space), recipe)
    meter, best, capped, count = (
        problem.meter(SLOW if arm.startswith("gp") else BUDGET),
        np.inf,
        np.inf,
        0,
    )
    started = time.process_time()
    while not meter.exhausted:
        for trial in strategy.step(problem, meter):
            count += 1
            best = min(best, trial.energy)
            if trial.two_qubit_gates <= most:
                capped = min(capped, trial.energy)
    ground = loaded.ground_energy or 0.0
    return {
        "arm": arm, "task": task, "device": device, "seed": seed, "circuits": count,
        "error": best - ground, "capped": capped - ground,
        "seconds": round(time.process_time() - started, 2),
    }  # fmt: skip


def main(path: Path, arms: list[str]) -> None:
    """Every arm on every case and seed."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(row["arm"], row["task"], row["device"], row["seed"]) for row in rows}
    for arm in arms or list(ARMS):
        for task, device, most in CASES:
            for seed in SEEDS:
                if (arm, task, device, seed) not in done:
                    row = run(arm, task, device, most, seed)
                    with open(path, "a") as file:
                        file.write(json.dumps(row) + "\n")
                    print(row, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
