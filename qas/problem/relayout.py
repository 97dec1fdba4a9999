"""The same circuit on other physical qubits."""

from __future__ import annotations

from qas.problem.candidate import Candidate, Trial
from qas.problem.cost import Meter
from qas.problem.optimise import NORMAL, Effort
from qas.problem.placement import placements, stays
from qas.problem.problem import Problem


def relayout(
    problem: Problem, trial: Trial, meter: Meter, *, keep: int = 3, effort: Effort = NORMAL
) -> Trial:
    """The best of the trial on every place of the chip that couples the pairs it joins.

    Placements are ranked and valued at the trial's own angles (`placements`); the ``keep`` best
    are optimised. One that breaks a constraint which the trial keeps is passed over. Where the
    campaign named its qubits, or all qubits are alike, the trial stays where it is.
    """
    if stays(problem) or meter.exhausted:
        return trial
    best, admitted = trial, problem.admits(trial)
    for place in placements(problem, trial, meter)[:keep]:
        if meter.exhausted:
            break
        candidate = Candidate(trial.candidate.circuit, place.layout)
        moved = problem.score(
            candidate, meter, native=place.native, start=place.angles, effort=effort
        )
        if problem.admits(moved) or not admitted:
            best = min(best, moved, key=lambda t: t.rank)
    return best
