"""Finalists: chosen from the front, polished, and scored in every way that the summary names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from qas.execute import NoisySimulator
from qas.problem import FINE, Meter, Problem, Trial, minimise, pareto_front, prune, trim, vary

PER_ARM = 3
MOST = 5


@dataclass(frozen=True)
class Finalist:
    """A trial and the arm that found it."""

    strategy: str
    trial: Trial

    @property
    def id(self) -> str:
        """10 hex digits of the content hash of circuit and angles, and the physical qubits."""
        layout = "-".join(map(str, self.trial.candidate.layout))
        return f"{self.trial.bound.id[:10]}-q{layout}"


def is_id(value: object) -> bool:
    """True for a finalist's id: a stranger's ledger must not name files outside its folder."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{10}-q\d+(-\d+)*", value) is not None


def polish(problem: Problem, trial: Trial, meter: Meter) -> Trial:
    """Prune, vary, prune again, drop needless rz, and train to the end.

    Every arm's best trials get the same; the work is metered apart from the search.
    """
    trial = prune(problem, trial, meter, tolerance=1e-8)
    moved = vary(problem, trial, meter)
    if moved.candidate != trial.candidate:
        trial = prune(problem, moved, meter, tolerance=1e-8)
    if not problem.device.is_ideal:
        trial = trim(problem, trial, meter)
    fine = problem.score(
        trial.candidate, meter, native=trial.native, start=trial.angles, effort=FINE
    )
    return min(trial, fine, key=lambda t: t.energy)


def rough_front(arms: dict[str, list[Trial]]) -> list[Finalist]:
    """The best of each arm's front of energy against two-qubit gates, best energy first.

    Of equal circuits the arm stands first that came closer.
    """
    chosen = [
        (name, trial) for name, trials in arms.items() for trial in pareto_front(trials)[:PER_ARM]
    ]
    chosen.sort(key=lambda pair: pair[1].rank)
    return [Finalist(name, trial) for name, trial in chosen]


def choose(polished: list[Finalist]) -> list[Finalist]:
    """The front of all polished trials, best energy first, each circuit once."""
    by_trial = {id(item.trial): item for item in reversed(polished)}
    front = pareto_front([item.trial for item in polished])
    return [by_trial[id(trial)] for trial in front][:MOST]


def describe(problem: Problem, finalist: Finalist, meter: Meter, seed: int) -> dict[str, Any]:
    """The finalist's entry in the summary; energies in hartree at the angles of its file."""
    trial = finalist.trial
    layout, native, angles = trial.candidate.layout, trial.native, trial.angles
    observable, patch = problem.task.observable, problem.patch(layout)

    def energy(simulator: Any) -> float:
        return float(simulator.estimate(native, observable, angles).mean[0])

    ground = problem.task.ground_energy
    exact = energy(problem.exact)
    retrained = _retrained(problem, trial, meter, seed)
    return {
        "id": finalist.id,
        "strategy": finalist.strategy,
        "qasm": f"finalist-{finalist.id}.qasm",
        "physical_qubits": [int(patch.physical_qubits[q]) for q in range(problem.n_qubits)],
        **native.counts(),
        "logical": trial.candidate.circuit.counts(),
        "energy_exact": exact,
        "error_exact": None if ground is None else exact - ground,
        "error_retrained": None if ground is None else retrained - ground,
        "energy_noisy": energy(NoisySimulator(patch)),
        "energy_pessimistic": energy(NoisySimulator(patch, pessimistic=True)),
        "energy_readout": energy(NoisySimulator(patch, readout=True)),
    }


def _retrained(problem: Problem, trial: Trial, meter: Meter, seed: int) -> float:
    """Lowest noise-free energy of the structure, from its own angles and three random starts."""
    rng = np.random.default_rng([seed, 977])
    starts = [trial.angles]
    starts += [rng.uniform(-np.pi, np.pi, trial.native.n_params) for _ in range(3)]
    observable = problem.task.observable
    return min(
        minimise(problem.exact, trial.native, observable, start, meter, FINE)[0] for start in starts
    )
