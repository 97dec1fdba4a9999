"""Equivalent circuits: equal without noise, not with it.

- The layout.
- A CX whose target is still in |0> is turned round together with the gates on its control:
  a|00> + b|11> has two roots.
- X before and behind a CX: FRAME of `edit`. Where they stand decides which qubits
  wait in |1>, and so what relaxation costs.
"""

from __future__ import annotations

from qas.circuit import Circuit, Gate, Population
from qas.device.lowering import is_native
from qas.device.population import lower_population
from qas.problem.candidate import Candidate, Trial
from qas.problem.cost import Meter
from qas.problem.optimise import NORMAL, Effort
from qas.problem.problem import Problem
from qas.problem.pruning.edit import FRAME
from qas.problem.pruning.logical import logical
from qas.problem.pruning.measure import Measure
from qas.problem.pruning.prune import Pruner, admitted, finished, kinds_of
from qas.problem.relayout import relayout

GAIN = 1e-6


def vary(problem: Problem, trial: Trial, meter: Meter, *, effort: Effort = NORMAL) -> Trial:
    """The best circuit reached by other layouts, turning CX round and moving X through them.

    Every change is valued at the trial's own angles, the best are optimised and the best of
    these is taken, until none gains a microhartree.
    """
    while not meter.exhausted:
        best = relayout(problem, trial, meter, keep=2, effort=effort)
        best = _turned(problem, best, meter, effort)
        best = _framed(problem, best, meter, effort)
        if best.energy > trial.energy - GAIN:
            break
        trial = best
    return trial


def _framed(problem: Problem, trial: Trial, meter: Meter, effort: Effort) -> Trial:
    """The trial with its X moved through CX as long as that pays."""
    if meter.exhausted or FRAME not in kinds_of(problem):
        return trial
    before, pruner = meter.spent, Pruner.of(problem, trial, meter, 0.0, effort)
    stand = pruner.take(pruner.start(problem, trial), (FRAME,))
    return finished(problem, trial, stand, before, meter)


def _turned(problem: Problem, trial: Trial, meter: Meter, effort: Effort) -> Trial:
    """The trial with the CX turned round that gains most, if one does."""
    layout, circuit = trial.candidate.layout, trial.candidate.circuit
    natives = [turn(trial.native, number) for number in range(trial.two_qubit_gates)]
    patch = problem.patch(layout)
    numbers = [k for k, c in enumerate(natives) if c is not None and is_native(c, patch)]
    children = [native for k, native in enumerate(natives) if k in numbers and native is not None]
    if not children or meter.exhausted:
        return trial
    before, measure = meter.spent, Measure.on(problem, layout, meter)
    turned = lower_population(Population.of(children, [trial.angles] * len(children)), patch)
    first = int(measure.values(turned).argmin())
    energy, found = measure.descend(turned[[first]], effort)
    native, params = found.circuit(0)
    # The un-lowered circuit may meet gates on the target that the native one was pruned of.
    other = turn(circuit, numbers[first]) if circuit.two_qubit_gates == len(natives) else None
    candidate = Candidate(logical(problem, other or native, layout, native), layout)
    made = Trial(candidate, native, tuple(params.tolist()), float(energy[0]), meter.spent - before)
    return made if made.energy < trial.energy - GAIN and admitted(problem, trial, made) else trial


def turn(circuit: Circuit, number: int) -> Circuit | None:
    """The circuit with its CX of that number turned round, where that changes no state.

    The target must be untouched before, the control have met one-qubit gates alone; these
    move to the other wire. Parameters keep their numbers. None where it cannot be done.
    """
    at = [k for k, gate in enumerate(circuit.gates) if len(gate.qubits) == 2][number]
    gate = circuit.gates[at]
    if gate.name != "cx":
        return None
    control, target = gate.qubits
    before = circuit.gates[:at]
    if any(target in g.qubits or (control in g.qubits and len(g.qubits) == 2) for g in before):
        return None
    moved = [Gate(g.name, (target,), g.angle) if g.qubits == (control,) else g for g in before]
    gates = (*moved, Gate("cx", (target, control)), *circuit.gates[at + 1 :])
    return Circuit(circuit.n_qubits, gates)
