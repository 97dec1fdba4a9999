"""The best circuits of a run, seen again: noiseless, noisy, pessimistic, retrained, polished."""

from __future__ import annotations

from typing import Any

import numpy as np

from qas.execute import NoisySimulator
from qas.problem import Cost, Problem, Trial, pareto_front
from search.campaign.finalist import polish

STARTS = 16
"""Noise-free trainings of a circuit: one from its own angles, the others from anywhere."""
_CIRCUIT = ("circuit", "native", "params")


def incumbents(
    problem: Problem, best: dict[int, Trial], seed: int
) -> tuple[list[dict[str, Any]], Cost]:
    """Every best circuit re-evaluated, fewest two-qubit gates first; what the polish cost.

    Those on the front of energy against two-qubit gates are polished as a campaign's
    finalists are, for every arm alike and outside the budget. The others come without
    their circuits, which would be most of a row; under noise they can still be the better
    ones once retrained without it.

    Args:
        problem: scores them.
        best: by number of two-qubit gates.
        seed: of the random starts.
    """
    meter = problem.meter(None)
    front = {id(trial) for trial in pareto_front(list(best.values()))}
    entries = []
    for pairs in sorted(best):
        trial, polished = best[pairs], None
        found = described(problem, trial, seed)
        if id(trial) in front:
            polished = described(problem, polish(problem, trial, meter), seed)
        else:
            found = {key: value for key, value in found.items() if key not in _CIRCUIT}
        entries.append({"two_qubit_gates": pairs, "found": found, "polished": polished})
    return entries, meter.spent


def described(problem: Problem, trial: Trial, seed: int) -> dict[str, Any]:
    """A trial with its energies, hartree: all that scoring it again needs."""
    record = trial.to_dict()
    del record["cost"]
    ideal = problem.device.is_ideal
    return {
        **record,
        **trial.native.counts(),
        "energy_exact": _energy(problem, trial, problem.exact),
        "energy_noisy": None
        if ideal
        else _energy(problem, trial, problem.noisy(trial.candidate.layout)),
        "energy_pessimistic": None if ideal else pessimistic(problem, trial),
        "energy_retrained": retrained(problem, trial, seed),
    }


def pessimistic(problem: Problem, trial: Trial) -> float:
    """Energy under the second noise model, hartree."""
    simulator = NoisySimulator(problem.patch(trial.candidate.layout), pessimistic=True)
    return _energy(problem, trial, simulator)


def retrained(problem: Problem, trial: Trial, seed: int) -> float:
    """Lowest noise-free energy of the structure from `STARTS` starts, hartree."""
    rng = np.random.default_rng([seed, 977])
    starts = rng.uniform(-np.pi, np.pi, (STARTS, trial.native.n_params))
    starts[0] = trial.angles
    found = problem.exact.minimise(trial.native, problem.task.observable, starts)
    return float(np.nanmin(found.energy))


def _energy(problem: Problem, trial: Trial, simulator: Any) -> float:
    return float(simulator.estimate(trial.native, problem.task.observable, trial.angles).mean[0])
