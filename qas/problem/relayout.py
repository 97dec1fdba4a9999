"""The same circuit on other physical qubits."""

from __future__ import annotations

from qas.problem.candidate import Candidate, Trial
from qas.problem.cost import Meter
from qas.problem.optimise import NORMAL, Effort
from qas.problem.problem import Problem


def relayout(
    problem: Problem, trial: Trial, meter: Meter, *, keep: int = 3, effort: Effort = NORMAL
) -> Trial:
    """The best of the trial on every layout that couples the pairs it joins.

    Each placement is scored at the trial's own angles (one evaluation); the ``keep`` best
    are optimised.
    """
    scored = []
    for layout in problem.layouts:
        if meter.exhausted:
            break
        if layout == trial.candidate.layout or not problem.fits(trial.native, layout):
            continue
        lowering = problem.lowering(trial.native, layout)
        angles = lowering.angles(trial.angles)[0]
        energy = float(problem.value(lowering.native, layout, angles, meter)[0])
        scored.append((energy, layout, lowering.native, angles))
    best = trial
    for _, layout, native, angles in sorted(scored, key=lambda row: row[:2])[:keep]:
        if meter.exhausted:
            break
        candidate = Candidate(trial.candidate.circuit, layout)
        moved = problem.score(candidate, meter, native=native, start=angles, effort=effort)
        best = min(best, moved, key=lambda t: t.rank)
    return best
