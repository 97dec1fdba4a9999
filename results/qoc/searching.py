"""Searched against hand-made circuits: the same data, chip, budgets and training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from setting import FAMILIES, Placed, Setting, classifier, placed
from training import looked_at, measured, trained

from qas import load_device
from qas.circuit import Population
from qas.execute import Limits, NoisySimulator
from qas.problem import Problem, Trial
from qas.problem.constraint import Constraints
from qas.task import Loss
from search.strategy import make_strategy

BUDGET = 40_000_000
"""Evaluations before the chip is used: of a search, or of starts of a hand-made circuit."""
MOST = 8
"""Two-qubit gates of a searched circuit; the hand-made ones have 9 and more."""
JUDGED = 30
"""Trials of lowest training loss among which validation chooses."""
RATE = 0.05
"""First learning rate of a training that goes on from trained angles, radians."""
SEARCHES = ("archive", "random:blocks", "evolve")
HANDMADE = ("qoc", "best")
"""The setting's own circuit, and the best by validation of `FAMILIES`."""


def searched(setting: Setting, folder: Path, arm: str, split: int) -> dict[str, Any]:
    """A circuit searched with training data, chosen by validation, tuned and tested on the chip."""
    task = classifier(setting.task, folder, split)
    limits = Constraints(two_qubit_gates=MOST)
    problem = Problem.of(task, load_device(setting.device), constraints=limits)
    strategy, meter, trials = make_strategy(arm, problem, split), problem.meter(BUDGET), []
    while not meter.exhausted:
        trials += strategy.step(problem, meter)
    trials = [trial for trial in trials if problem.admits(trial)]
    best = sorted(trials, key=lambda trial: trial.rank)[:JUDGED]
    valid = [_loss(problem, trial, task.valid) for trial in best]
    chosen = best[int(np.argmin(valid))]
    patch = problem.patch(chosen.candidate.layout)
    parts = {"train": task.train, "valid": task.valid, "test": task.test}
    own = Placed(patch, chosen.native, parts)
    return _tuned(setting, own, np.array(chosen.params), split) | {
        "evaluations": meter.spent.evaluations,
        "qubits": list(chosen.candidate.layout),
        "qasm": chosen.native.to_qasm(),
    }


def _loss(problem: Problem, trial: Trial, loss: Loss) -> float:
    simulator = problem.noisy(trial.candidate.layout)
    return float(simulator.estimate(trial.native, loss, trial.angles).mean[0])


def handmade(setting: Setting, folder: Path, arm: str, split: int) -> dict[str, Any]:
    """A hand-made circuit given the same evaluations for starts, then the same training."""
    choices = FAMILIES if arm == "best" else ((setting.family, setting.blocks),)
    found = []
    for name, blocks in choices:
        own = placed(setting, folder, split, name, blocks)
        angles, spent = started(own, BUDGET // len(choices), split)
        value = looked_at(own, angles[None])["valid_loss"][0]
        found.append((value, len(found), own, angles, f"{name} x {blocks}", spent))
    _, _, own, angles, name, _ = min(found)
    total = sum(entry[-1] for entry in found)
    return _tuned(setting, own, angles, split) | {"family": name, "evaluations": total}


def started(own: Placed, budget: int, seed: int) -> tuple[np.ndarray, int]:
    """The best angles by validation of as many noise-aware descents as the budget allows."""
    simulator, train, valid = NoisySimulator(own.patch), own.parts["train"], own.parts["valid"]
    rng, spent, best = np.random.default_rng([seed, 7]), 0, (np.inf, np.zeros(0))
    while spent < budget:
        starts = rng.uniform(-np.pi, np.pi, (8, own.native.n_params))
        found = simulator.minimise(own.native, train, starts, Limits(100))
        spent += int(found.evaluations.sum())
        losses = simulator.values(Population.bindings(own.native, found.params), valid)
        k = int(np.argmin(losses))
        best = min(best, (float(losses[k]), found.params[k]), key=lambda pair: pair[0])
    return best[1], spent


def _tuned(setting: Setting, own: Placed, angles: np.ndarray, seed: int) -> dict[str, Any]:
    """Measured before, after training on the chip from there, and after one from scratch."""
    before = measured(own, angles, seed)
    after = trained(setting, own, "probabilistic", seed, start=angles, rate=RATE)
    scratch = trained(setting, own, "probabilistic", seed)
    gates = own.native.counts()
    return {
        "before": before["accuracy"], "before_loss": before["loss"],
        "scratch": scratch["accuracy"], "after": after["accuracy"], "after_loss": after["loss"],
        "confusion": after["confusion"],
        "valid_before": after["valid_accuracy"][0], "valid_after": after["valid_accuracy"][-1],
        "circuits": after["circuits"], "qpu_seconds": after["qpu_seconds"], **gates,
    }  # fmt: skip
