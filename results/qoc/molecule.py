"""H2 by a searched circuit, trained on the same chip under the same budget of circuits."""

from __future__ import annotations

from typing import Any

import numpy as np
from setting import Placed, Setting
from training import looked_at, trained

from qas import load_device, load_task
from qas.problem import Problem
from search.strategy import make_strategy

BUDGET = 300_000
"""Evaluations of the search, on the simulator."""


def searched_molecule(setting: Setting, seed: int) -> dict[str, Any]:
    """The lowest noisy circuit of the default strategy, and what training from scratch makes."""
    task = load_task(setting.task)
    problem = Problem.of(task, load_device(setting.device))
    strategy, meter, trials = make_strategy("archive", problem, seed), problem.meter(BUDGET), []
    while not meter.exhausted:
        trials += strategy.step(problem, meter)
    best = min(trials, key=lambda trial: trial.rank)
    own = Placed(problem.patch(best.candidate.layout), best.native, {"train": task.observable})
    before = looked_at(own, np.array([best.params]))["energy"][0]
    start = np.random.default_rng([seed, 3]).uniform(-np.pi, np.pi, best.native.n_params)
    scratch = trained(setting, own, "probabilistic", seed, start=start)
    after = trained(setting, own, "probabilistic", seed, start=np.array(best.params), rate=0.02)
    return {
        "noisy": best.energy, "before": float(before), "scratch": scratch["energy"][-1],
        "after": after["energy"][-1], "circuits": after["circuits"], **best.native.counts(),
        "qubits": list(best.candidate.layout), "qasm": best.bound.to_qasm(),
    }  # fmt: skip
