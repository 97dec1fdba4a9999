"""Prune moves: fewer two-qubit gates, fewer pulses, fewer rz, and X where they cost least.

Lowering never looks at an angle; here gates are left out and runs shortened, and what comes out
is optimised and scored like any other circuit. Every edit is tried at once (`edit`):

- at the angles that come closest, one evaluation each. What does not raise the energy is taken,
  as many edits together as lower it most;
- after a descent. All edits get a few iterations, the best quarter some more, and so on.

`Trial.native` is then what lowering the candidate's circuit gives, less some rz.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qas.circuit import Population
from qas.problem.candidate import Candidate, Trial
from qas.problem.constraint import Constraints
from qas.problem.cost import Cost, Meter
from qas.problem.optimise import FINE, NORMAL, Effort
from qas.problem.problem import Problem
from qas.problem.pruning.edit import FRAME, PAIR, RUN, TURN, Draft, Edits, NativeDraft
from qas.problem.pruning.logical import logical
from qas.problem.pruning.measure import Measure
from qas.problem.pruning.row import RowDraft
from qas.task import Classifier

GAIN = 1e-6
"""Hartree that an edit must gain that makes nothing shorter."""
STAGES = (2, 6, 18)
"""Iterations of a race, stage by stage."""
TRIM_STAGES = (10, 30, 1000)
"""The same where all that may be lost is rounding."""
ROUNDS = 200
"""Of edits that pay; a large tolerance and X that move might go on for ever."""
SHARE = 4
"""One in so many goes on to the next stage."""


@dataclass(frozen=True)
class Stand:
    """A circuit and its energy."""

    draft: Draft
    energy: float
    """Hartree."""


@dataclass(frozen=True)
class Pruner:
    """What decides about edits, and which of them were refused."""

    measure: Measure
    tolerance: float
    """Hartree by which an edit may raise the energy."""
    effort: Effort
    refused: set[tuple[int, ...]] = field(default_factory=set)
    """Two-qubit gates of the circuit, and the key of an edit that lost a race there."""

    @classmethod
    def of(
        cls, problem: Problem, trial: Trial, meter: Meter, tolerance: float, effort: Effort
    ) -> Pruner:
        """The pruner of a trial on its layout."""
        return cls(Measure.on(problem, trial.candidate.layout, meter), tolerance, effort)

    def start(self, problem: Problem, trial: Trial) -> Stand:
        """The trial as a draft: written as lowering writes it, its rz as late as they go."""
        one = Population.of([trial.native], [trial.params])
        if problem.device.is_ideal:
            return Stand(RowDraft(one), trial.energy)
        grounded = not isinstance(problem.task, Classifier)  # its circuits follow an encoder
        draft = NativeDraft.of(one, problem.patch(trial.candidate.layout), grounded)
        return Stand(draft, float(self.measure.values(draft.population)[0]))

    def settle(self, stand: Stand) -> Stand:
        """The circuit at its best angles nearby."""
        if self.measure.meter.exhausted:
            return stand
        energy, at = self.measure.descend(stand.draft.population, self.effort)
        better = float(energy[0]) < stand.energy
        return Stand(stand.draft.at(at), float(energy[0])) if better else stand

    def take(self, stand: Stand, kinds: Sequence[int], *, again: bool = True) -> Stand:
        """Edits made as long as they pay at the angles that come closest.

        Args:
            stand: where to start.
            kinds: of edits.
            again: optimise the angles when no edit pays any more, and look again.
        """
        settled = True
        for _ in range(ROUNDS):
            if self.measure.meter.exhausted:
                break
            edits = stand.draft.edits(kinds)
            winners, energy = self._paying(edits, stand.energy)
            if winners:
                stand = self._together(edits, winners, energy)
            elif settled or not again:
                break
            else:
                stand = self.settle(stand)
            settled = not winners
        return stand

    def _paying(self, edits: Edits, energy: float) -> tuple[list[int], float]:
        """Edits that pay, best first, as far as they can be made together; energy of the first."""
        if not len(edits.keys):
            return [], energy
        children = edits.made([[edit] for edit in range(len(edits.keys))])
        values = self.measure.values(children)
        most = np.where(edits.keys[:, 0] == FRAME, energy - GAIN, energy + self.tolerance)
        order = np.argsort(values, kind="stable")
        winners = _apart(edits, order[(values <= most)[order]].tolist())
        return winners, float(values[winners[0]]) if winners else energy

    def _together(self, edits: Edits, winners: list[int], energy: float) -> Stand:
        """The circuit after as many of the edits, best first, as lower its energy most."""
        sizes = [len(winners) >> k for k in range(len(winners).bit_length() - 1)]
        if not sizes:
            return Stand(edits.draft(winners), energy)
        values = self.measure.values(edits.made([winners[:size] for size in sizes]))
        first = int(np.argmin(values))
        if energy < values[first]:
            return Stand(edits.draft(winners[:1]), energy)
        return Stand(edits.draft(winners[: sizes[first]]), float(values[first]))

    def race(self, stand: Stand, kinds: Sequence[int], stages: Sequence[int] = ()) -> Stand | None:
        """The best circuit one edit away, optimised, if that does not raise the energy."""
        edits = stand.draft.edits(kinds)
        pairs = int(stand.draft.population.two_qubit_gates[0])
        tried = [
            k for k, key in enumerate(edits.keys.tolist()) if (pairs, *key) not in self.refused
        ]
        if not tried or self.measure.meter.exhausted:
            return None
        going, most = np.array(tried), stand.energy + self.tolerance
        children, energy = edits.made([[edit] for edit in tried]), np.full(len(tried), np.inf)
        for iterations in stages or STAGES:
            kept = np.argsort(energy, kind="stable")[: -(-len(going) // SHARE)]
            if np.isfinite(energy).any():
                going, children = going[kept], children[kept]
            energy, children = self.measure.descend(children, self.effort, iterations)
            if energy.min() <= most or self.measure.meter.exhausted:
                break
        passed = set(going[energy <= most].tolist())
        self.refused.update((pairs, *edits.keys[k].tolist()) for k in tried if k not in passed)
        first = int(np.argmin(energy))
        if energy[first] > most:
            return None
        best = Stand(stand.draft.other(children[[first]]), float(energy[first]))
        winners = _apart(edits, going[np.argsort(energy, kind="stable")[: len(passed)]].tolist())
        return self._joined(best, edits, winners)

    def _joined(self, best: Stand, edits: Edits, winners: list[int]) -> Stand:
        """The best circuit, or a better one after several edits that won a race."""
        sizes = [len(winners) >> k for k in range(len(winners).bit_length() - 1)]
        if not sizes or self.measure.meter.exhausted:
            return best
        together = edits.made([winners[:size] for size in sizes])
        energy, children = self.measure.descend(together, self.effort, STAGES[0])
        first = int(np.argmin(energy))
        if energy[first] > best.energy:
            return best
        return Stand(best.draft.other(children[[first]]), float(energy[first]))


def _apart(edits: Edits, order: list[int]) -> list[int]:
    """The edits in this order that touch no place which one before has touched."""
    free, some = np.ones(edits.touched.shape[1], dtype=np.bool_), list[int]()
    for edit in order:
        if free[edits.touched[edit]].all():
            free &= ~edits.touched[edit]
            some.append(edit)
    return some


def prune(
    problem: Problem,
    trial: Trial,
    meter: Meter,
    *,
    tolerance: float = 1e-9,
    effort: Effort = NORMAL,
) -> Trial:
    """The trial with gates left out as long as its energy does not rise.

    On a device with cx, X move through them as well where that lowers the energy; unless the
    problem has constraints, since that may make a circuit longer.

    Args:
        problem: scores every change.
        trial: where to start.
        meter: charged; pruning stops when it is exhausted.
        tolerance: hartree by which one change may raise the energy.
        effort: of the optimisation after a change that was taken.
    """
    if meter.exhausted:
        return trial
    before, pruner = meter.spent, Pruner.of(problem, trial, meter, tolerance, effort)
    first, short = pruner.start(problem, trial), kinds_of(problem)
    stand = first
    if problem.device.is_ideal:  # nothing that is left out makes room for anything: cheap first
        stand = pruner.take(stand, short)
    while (shorter := pruner.race(stand, (PAIR,))) is not None:
        stand = shorter
    stand = pruner.take(stand, short)
    while (shorter := pruner.race(stand, (RUN,))) is not None:
        stand = pruner.take(shorter, short)
    if not problem.device.is_ideal:
        stand = pruner.settle(pruner.take(stand, (TURN,), again=False))
    if stand.energy > trial.energy and first.energy > trial.energy + tolerance:
        return trial  # it was not as lowering writes it, and better so
    return finished(problem, trial, stand, before, meter)


def trim(problem: Problem, trial: Trial, meter: Meter, *, tolerance: float = 1e-9) -> Trial:
    """The trial with every native rz left out that its energy does not need.

    A virtual rz costs nothing, but one before the first pulse of a wire, or one that
    commutes away, only clutters the circuit.
    """
    if meter.exhausted or problem.device.is_ideal:
        return trial
    before, pruner = meter.spent, Pruner.of(problem, trial, meter, tolerance, FINE)
    stand = pruner.take(pruner.settle(pruner.start(problem, trial)), (TURN,))
    while (shorter := pruner.race(stand, (TURN,), TRIM_STAGES)) is not None:
        stand = pruner.take(shorter, (TURN,))
    return finished(problem, trial, stand, before, meter)


def kinds_of(problem: Problem) -> tuple[int, ...]:
    """What is tried beside leaving out rz: a constraint may not bear what a moved X adds."""
    free = problem.constraints == Constraints() and not problem.device.is_ideal
    return (PAIR, RUN, FRAME) if free else (PAIR, RUN)


def finished(problem: Problem, trial: Trial, stand: Stand, before: Cost, meter: Meter) -> Trial:
    """The circuit that a trial has become, as a trial; the trial itself if it breaks a constraint.

    Args:
        problem: of the trial.
        trial: what the work began with.
        stand: what came of it.
        before: what the meter had counted when the work began.
        meter: charged with the work.
    """
    native, params = stand.draft.population.circuit(0)
    layout = trial.candidate.layout
    candidate = Candidate(logical(problem, trial.candidate.circuit, layout, native), layout)
    cost = meter.spent - before
    made = Trial(candidate, native, tuple(params.tolist()), stand.energy, cost)
    return made if admitted(problem, trial, made) else trial


def admitted(problem: Problem, trial: Trial, made: Trial) -> bool:
    """False if what was made of a trial breaks a constraint that the trial keeps."""
    return problem.admits(made) or not problem.admits(trial)
