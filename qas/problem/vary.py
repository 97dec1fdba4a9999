"""Equivalent circuits: equal without noise, not with it.

- An X moves through a CX: on the target it passes, on the control it leaves a second X on
  the target. Where the X stand decides which qubits wait in |1>, and so what relaxation costs.
- A CX whose target is still in |0> is turned round together with the gates on its control:
  a|00> + b|11> has two roots.
- The layout.
"""

from __future__ import annotations

from collections.abc import Iterator

from qas.circuit import Circuit, Gate
from qas.device.lowering import is_native
from qas.problem.candidate import Candidate, Trial
from qas.problem.cost import Meter
from qas.problem.optimise import NORMAL, QUICK, Effort
from qas.problem.problem import Problem
from qas.problem.prune import rescore
from qas.problem.relayout import relayout

GAIN = 1e-6


def vary(problem: Problem, trial: Trial, meter: Meter, *, effort: Effort = NORMAL) -> Trial:
    """The best circuit reached by moving X gates through CX and by changing the layout.

    Steepest descent: all neighbours are scored from the trial's angles, the best is taken,
    until none gains a microhartree.
    """
    seen = {trial.candidate.circuit.id}
    while not meter.exhausted:
        best = relayout(problem, trial, meter, keep=2, effort=effort)
        for child in _neighbours(problem, trial, meter, seen):
            best = min(best, child, key=lambda t: t.energy)
        if best.energy > trial.energy - GAIN:
            break
        trial = best
    return trial


def _neighbours(problem: Problem, trial: Trial, meter: Meter, seen: set[str]) -> Iterator[Trial]:
    """The trial's neighbours on its own layout, each circuit once."""
    layout, circuit = trial.candidate.layout, trial.candidate.circuit
    for moved in moved_x(circuit):
        if moved.id not in seen and not meter.exhausted:
            seen.add(moved.id)
            child = rescore(problem, trial, moved, meter, QUICK)
            if child is not None:
                yield child
    for number in range(circuit.two_qubit_gates):
        turned, native = turn(circuit, number), turn(trial.native, number)
        if turned and native and turned.id not in seen and not meter.exhausted:
            seen.add(turned.id)
            if is_native(native, problem.patch(layout)):
                yield problem.score(
                    Candidate(turned, layout),
                    meter,
                    native=native,
                    start=trial.angles,
                    effort=QUICK,
                )


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


def moved_x(circuit: Circuit) -> Iterator[Circuit]:
    """Every circuit in which one X has passed the CX next to it, forwards or backwards."""
    for at, gate in enumerate(circuit.gates):
        if gate.name == "x":
            for step in (1, -1):
                other = _neighbour(circuit, at, step)
                if other is not None and circuit.gates[other].name == "cx":
                    yield _pass(circuit, at, other, step)


def _neighbour(circuit: Circuit, at: int, step: int) -> int | None:
    """Position of the next gate on the wire of the gate at ``at``, in direction ``step``."""
    qubit = circuit.gates[at].qubits[0]
    positions = range(at + step, len(circuit.gates) if step > 0 else -1, step)
    return next((k for k in positions if qubit in circuit.gates[k].qubits), None)


def _pass(circuit: Circuit, at: int, cx: int, step: int) -> Circuit:
    """Take the X at ``at`` to the other side of the CX at ``cx``; X that meet cancel."""
    qubit = circuit.gates[at].qubits[0]
    control, target = circuit.gates[cx].qubits
    wires = (control, target) if qubit == control else (target,)
    gates = list(circuit.gates)
    del gates[at]
    place = cx  # behind it when going forwards, since an X before it is gone; else before it
    for wire in wires:
        gates.insert(place, Gate("x", (wire,)))
    return _cancelled(Circuit(circuit.n_qubits, tuple(gates)))


def _cancelled(circuit: Circuit) -> Circuit:
    """Without pairs of X that follow each other on a wire."""
    for at, gate in enumerate(circuit.gates):
        after = _neighbour(circuit, at, 1) if gate.name == "x" else None
        if after is not None and circuit.gates[after] == gate:
            return _cancelled(circuit.without(at, after))
    return circuit
