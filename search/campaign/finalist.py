"""Finalists: chosen from the front, polished, and scored in every way that the summary names."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qas.device import Device
from qas.execute import NoisySimulator
from qas.problem import FINE, Meter, Problem, Trial, minimise, pareto_front, prune, trim, vary
from qas.problem.merit.front import non_dominated
from qas.problem.merit.merit import USUAL, Merit, points
from qas.problem.merit.robust import Rescored, rescored_all, worsts
from qas.task import Classifier, Observable, Task
from search.campaign.classifier import described, held, shortlist, validated, validating

PRUNED, PRUNED_LOSS = 1e-8, 1e-4
"""By how much leaving out a gate may raise an energy, hartree, or a loss, nats."""
PER_ARM, MOST = 3, 5
"""Trials of an arm that are polished, of an energy (of a loss `MOST`), and finalists, at most."""
SHORTLIST = 64
"""Trials of an arm, best energy first, that are weighed by other objectives than the usual."""


@dataclass(frozen=True)
class Wanted:
    """What finalists are chosen by."""

    objectives: tuple[str, ...] = USUAL
    """They are a front of these."""
    robust: bool = False
    """The worst of all re-scorings stands in for the noisy energy."""
    calibrations: tuple[Device, ...] = ()
    """Other days of the same chip, for the re-scoring."""

    @property
    def is_usual(self) -> bool:
        """True if noisy energy and two-qubit gates decide."""
        return self.objectives == USUAL and not self.robust


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

    Every arm's best trials get the same; the work is metered apart from the search. A step
    that would break a constraint is not taken. Of a classifier validation samples then say
    whether it was for the better.
    """
    is_loss, before = isinstance(problem.task, Classifier), trial
    tolerance = PRUNED_LOSS if is_loss else PRUNED
    trial = _kept(problem, trial, prune(problem, trial, meter, tolerance=tolerance))
    moved = _kept(problem, trial, vary(problem, trial, meter))
    if moved.candidate != trial.candidate:
        trial = _kept(problem, moved, prune(problem, moved, meter, tolerance=tolerance))
    if not problem.device.is_ideal:
        trial = _kept(problem, trial, trim(problem, trial, meter))
    fine = problem.score(
        trial.candidate, meter, native=trial.native, start=trial.angles, effort=FINE
    )
    best = min(trial, fine, key=lambda t: t.energy)
    return held(problem, before, best) if is_loss else best


def _kept(problem: Problem, before: Trial, after: Trial) -> Trial:
    """The later trial, if it keeps the constraints."""
    return after if problem.admits(after) else before


def rough_front(
    problem: Problem, arms: dict[str, list[Trial]], wanted: Wanted | None = None
) -> list[Finalist]:
    """The best of each arm's front, best energy first; what breaks a constraint is left out.

    The front is that of what is wanted, by default of energy against two-qubit gates; of a
    classifier the loss of validation samples takes the energy's place. Of equal circuits the arm
    stands first that came closer.
    """
    chosen: list[tuple[str, Trial]] = []
    for name, trials in arms.items():
        allowed = [trial for trial in trials if problem.admits(trial)]
        chosen += [(name, trial) for trial in _best(problem, allowed, wanted or Wanted())]
    chosen.sort(key=lambda pair: pair[1].rank)
    return [Finalist(name, trial) for name, trial in chosen]


def _best(problem: Problem, trials: list[Trial], wanted: Wanted) -> list[Trial]:
    is_loss = isinstance(problem.task, Classifier)
    if wanted.is_usual and is_loss:
        listed = shortlist(trials)
        values = validated(problem, listed).tolist()
        judged = [replace(t, energy=v) for t, v in zip(listed, values, strict=True)]
        return [listed[judged.index(trial)] for trial in pareto_front(judged)[:MOST]]
    if wanted.is_usual:
        return pareto_front(trials)[:PER_ARM]
    listed = sorted(trials, key=lambda trial: trial.rank)[:SHORTLIST]
    scores = rescored_all(validating(problem), listed, wanted.calibrations)
    return [listed[k] for k in front_order(problem, listed, scores, wanted)[:PER_ARM]]


def choose(
    problem: Problem,
    polished: list[Finalist],
    scores: list[Rescored],
    wanted: Wanted | None = None,
) -> list[int]:
    """Positions of the finalists: the front of all polished trials, best first."""
    trials = [item.trial for item in polished]
    return front_order(problem, trials, scores, wanted or Wanted())[:MOST]


def front_order(
    problem: Problem, trials: list[Trial], scores: list[Rescored], wanted: Wanted
) -> list[int]:
    """Positions of the trials that no other one beats in what is wanted, best energy first.

    Among equals the fewest gates win. With ``robust`` the energy is the worst one; of a
    classifier it is the loss of validation samples. By other objectives than the usual, an empty
    circuit would be hard to beat: circuits above the Hartree-Fock energy, or the loss of
    guessing, are out, unless there is nothing else.

    Args:
        problem: of the trials.
        trials: all keep the constraints.
        scores: of each trial, re-scored; of a classifier on `validating`'s problem.
        wanted: objectives.
    """
    names = list(wanted.objectives)
    if wanted.robust:
        names = list(dict.fromkeys("worst" if name == "energy" else name for name in names))
    merits = [
        Merit.of(problem, trial, float(worst), score.spread)
        for trial, score, worst in zip(trials, scores, worsts(scores), strict=True)
    ]
    if isinstance(problem.task, Classifier):
        pairs = zip(merits, scores, strict=True)
        merits = [replace(merit, energy=score.standard) for merit, score in pairs]
    places = list(range(len(trials))) if wanted.is_usual else _worth(problem, trials)
    if not places:
        return []
    values = points(merits, names)
    heads = points(merits, ["worst" if wanted.robust else "energy"])[:, 0]
    front = [k for k, on in zip(places, non_dominated(values[places]), strict=True) if on]
    order = sorted(front, key=lambda k: (heads[k], *trials[k].rank[1:], k))
    first = {values[k].tobytes(): k for k in reversed(order)}
    return [k for k in order if first[values[k].tobytes()] == k]


def _worth(problem: Problem, trials: list[Trial]) -> list[int]:
    """Positions of the trials at or below Hartree-Fock's energy or the loss of guessing.

    Of all if there is none.
    """
    if isinstance(problem.task, Classifier):
        reference: float | None = float(np.log(len(problem.task.class_names)))
    else:
        reference = hartree_fock_energy(problem)
    ceiling = np.inf if reference is None else reference + 1e-6
    below = [k for k, trial in enumerate(trials) if trial.energy <= ceiling]
    return below or list(range(len(trials)))


def hartree_fock_energy(problem: Problem) -> float | None:
    """Of the Hartree-Fock circuit on its best layout, hartree; None where there is none."""
    circuit = problem.task.hf_circuit()
    if circuit is None:
        return None
    meter = problem.meter(None)
    return min(float(problem.value(circuit, layout, [], meter)[0]) for layout in problem.layouts)


def describe(
    problem: Problem, finalist: Finalist, meter: Meter, seed: int, scores: Rescored
) -> dict[str, Any]:
    """The finalist's entry in the summary, everything at the angles of its file."""
    patch = problem.patch(finalist.trial.candidate.layout)
    common = {
        "id": finalist.id,
        "strategy": finalist.strategy,
        "qasm": f"finalist-{finalist.id}.qasm",
        "physical_qubits": [int(patch.physical_qubits[q]) for q in range(problem.n_qubits)],
    }
    if isinstance(problem.task, Classifier):
        return common | described(problem, finalist.trial, scores)
    return common | _energies(problem, problem.task, finalist.trial, meter, seed, scores)


def _energies(
    problem: Problem, task: Task, trial: Trial, meter: Meter, seed: int, scores: Rescored
) -> dict[str, Any]:
    """Counts of the native circuit, energies in hartree, and merits."""
    native, angles, observable = trial.native, trial.angles, task.observable
    patch = problem.patch(trial.candidate.layout)

    def energy(simulator: Any) -> float:
        return float(simulator.estimate(native, observable, angles).mean[0])

    ground = task.ground_energy
    exact = energy(problem.exact)
    retrained = _retrained(problem, observable, trial, meter, seed)
    merit = Merit.of(problem, trial)
    return {
        **native.counts(),
        "logical": trial.candidate.circuit.counts(),
        "energy_exact": exact,
        "error_exact": None if ground is None else exact - ground,
        "error_retrained": None if ground is None else retrained - ground,
        "energy_noisy": energy(NoisySimulator(patch)),
        "energy_pessimistic": scores.pessimistic,
        "energy_readout": energy(NoisySimulator(patch, readout=True)),
        "energy_other_days": scores.days(),
        "energy_worst": scores.worst,
        "spread": scores.spread,
        "duration": merit.duration,
        "success_probability": merit.success_probability,
        "measurement_groups": merit.measurement_groups,
        "gradient_circuits": merit.gradient_circuits,
    }


def _retrained(
    problem: Problem, observable: Observable, trial: Trial, meter: Meter, seed: int
) -> float:
    """Lowest noise-free energy of the structure, from its own angles and three random starts."""
    rng = np.random.default_rng([seed, 977])
    starts = [trial.angles]
    starts += [rng.uniform(-np.pi, np.pi, trial.native.n_params) for _ in range(3)]
    return min(
        minimise(problem.exact, trial.native, observable, start, meter, FINE)[0] for start in starts
    )
