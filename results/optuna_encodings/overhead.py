"""CPU milliseconds of a proposal and its telling after so many circuits:
`python results/optuna_encodings/overhead.py tpe nsga2 gp`."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time

import numpy as np

from qas import load_device, load_task
from qas.problem import Problem, Space
from search.strategy.ask_tell import random_choice
from search.strategy.encoding import Choice
from search.strategy.gp import RECIPE as GP
from search.strategy.nsga2 import RECIPE as NSGA2
from search.strategy.sampling import Sampling
from search.strategy.tpe import RECIPE as TPE

RECIPES = {"tpe": TPE, "nsga2": NSGA2, "gp": GP}


def main(names: list[str]) -> None:
    """Each arm with made-up energies on LiH of six qubits, a batch at a time."""
    task = load_task("lih-6-2.2")
    space = Space.of(Problem.of(task, load_device("ideal", n_qubits=6)))
    for name in names:
        recipe, rng = RECIPES[name], np.random.default_rng(0)
        choice = Choice(space, recipe.encoding(space, 0))
        sampling, next_mark = Sampling(choice, recipe), iter([100, 1000, 5000])
        mark = next(next_mark)
        while True:
            sampling.begin(len(sampling.told))
            if len(sampling.told) >= mark:
                sampling.end()
                print(name, mark, f"{_measured(sampling, rng):.1f} ms", flush=True)
                mark = next(next_mark, 0)
                if not mark or (name == "gp" and mark > 1000):
                    break
                continue
            for _ in range(64):
                drawn = {key: float(rng.random()) for key in choice.distributions}
                params = choice.params(*random_choice(space, rng)) or drawn
                sampling.add(params, recipe.values(float(rng.normal()), 3))
            sampling.end()


def _measured(sampling: Sampling, rng: np.random.Generator) -> float:
    """CPU milliseconds a circuit, over five steps."""
    steps, batch = (1, 4) if sampling.recipe.name == "gp" else (5, sampling.recipe.batch)
    started = time.process_time()
    for step in range(steps):
        sampling.begin(step)
        for trial in [sampling.ask() for _ in range(batch)]:
            sampling.tell(trial, sampling.recipe.values(float(rng.normal()), 3))
        sampling.end()
    return 1e3 * (time.process_time() - started) / (steps * batch)


if __name__ == "__main__":
    main(sys.argv[1:])
