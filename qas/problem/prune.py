"""Prune moves: fewer pulses, fewer gates, each one re-scored.

Lowering never looks at an angle; here a pulse may be dropped, shortened to x, or a
rotation left out, and what comes out is optimised and scored like any other candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from qas.circuit import Circuit, Gate
from qas.problem.candidate import Candidate, Trial
from qas.problem.cost import Meter
from qas.problem.optimise import FINE, NORMAL, Effort
from qas.problem.problem import Problem
from qas.problem.transfer import transfer

# Runs with at most one pulse, shortest first: nothing, rz, x - rz, rz - sx - rz.
_SHORT_RUNS = ((), ("rz",), ("x", "rz"), ("rz", "sx", "rz"))


def prune(
    problem: Problem,
    trial: Trial,
    meter: Meter,
    *,
    tolerance: float = 1e-9,
    effort: Effort = NORMAL,
) -> Trial:
    """The trial with pulses and rotations left out as long as its energy does not rise.

    Args:
        problem: scores every change.
        trial: where to start.
        meter: charged; pruning stops when it is exhausted.
        tolerance: hartree by which one change may raise the energy.
        effort: of the optimisation after a change that was taken.
    """
    trial = _take_improvements(problem, trial, meter, tolerance, effort, _without_pair)
    if not problem.device.is_ideal:
        trial = _take_improvements(problem, trial, meter, tolerance, effort, _shorter_runs)
    return _take_improvements(problem, trial, meter, tolerance, effort, _without_one)


def _take_improvements(
    problem: Problem,
    trial: Trial,
    meter: Meter,
    tolerance: float,
    effort: Effort,
    edits: Callable[[Circuit], Iterator[Circuit]],
) -> Trial:
    """Take each edit of the trial's circuit that does not raise its energy; first come first."""
    at, changes = 0, list(edits(trial.candidate.circuit))
    while at < len(changes) and not meter.exhausted:
        child = rescore(problem, trial, changes[at], meter, effort)
        if child is not None and child.energy <= trial.energy + tolerance:
            trial, changes = child, list(edits(child.candidate.circuit))
        else:
            at += 1
    return trial


def trim(problem: Problem, trial: Trial, meter: Meter, *, tolerance: float = 1e-9) -> Trial:
    """The trial with every native rz left out that its energy does not need.

    A virtual rz costs nothing, but one before the first pulse of a wire, or one that
    commutes away, only clutters the circuit.
    """
    at = 0
    while at < len(trial.native.gates) and not meter.exhausted:
        if trial.native.gates[at].name == "rz":
            native = trial.native.without(at)
            start = np.array(
                [a for k, a in zip(trial.native.free, trial.params, strict=True) if k != at]
            )
            child = problem.score(trial.candidate, meter, native=native, start=start, effort=FINE)
            if child.energy <= trial.energy + tolerance:
                trial = child
                continue
        at += 1
    return trial


def rescore(
    problem: Problem, trial: Trial, circuit: Circuit, meter: Meter, effort: Effort
) -> Trial | None:
    """The edited circuit trained from angles near the trial's.

    None where its two-qubit gates are not those of the trial, less one perhaps.
    """
    candidate = Candidate(circuit, trial.candidate.layout)
    layout = candidate.layout
    native, near, angles = problem.lowering(circuit, layout).native, trial.native, trial.angles
    if native == near:
        return Trial(candidate, native, trial.params, trial.energy)
    fewer = near.two_qubit_gates - native.two_qubit_gates
    positions: list[int | None] = [None]
    if fewer == 1:
        positions = [*_pair_positions(near)]
    elif fewer:
        positions = []
    for at in positions:
        lowering = problem.lowering(near if at is None else near.without(at), layout)
        if _pairs(lowering.native) == _pairs(native):
            start = transfer(lowering.native, lowering.angles(angles)[0], native)
            return problem.score(candidate, meter, native=native, start=start, effort=effort)
    return None


def _pair_positions(circuit: Circuit) -> list[int]:
    return [at for at, gate in enumerate(circuit.gates) if len(gate.qubits) == 2]


def _pairs(circuit: Circuit) -> list[Gate]:
    return [gate for gate in circuit.gates if len(gate.qubits) == 2]


def _without_pair(circuit: Circuit) -> Iterator[Circuit]:
    """The circuit with one of its two-qubit gates left out."""
    for at in _pair_positions(circuit):
        yield circuit.without(at)


def _without_one(circuit: Circuit) -> Iterator[Circuit]:
    """The circuit with one of its one-qubit gates left out."""
    for at, gate in enumerate(circuit.gates):
        if len(gate.qubits) == 1:
            yield circuit.without(at)


def _shorter_runs(circuit: Circuit) -> Iterator[Circuit]:
    """The circuit with one run of one-qubit gates replaced by a run of fewer pulses."""
    for run in runs(circuit):
        names = [circuit.gates[at].name for at in run]
        pulses = sum({"rz": 0, "x": 1, "sx": 1}.get(name, 2) for name in names)
        qubit = circuit.gates[run[0]].qubits[0]
        for short in _SHORT_RUNS:
            if sum(name != "rz" for name in short) < pulses:
                yield _replace(circuit, run, [Gate(name, (qubit,)) for name in short])


def _replace(circuit: Circuit, run: list[int], gates: list[Gate]) -> Circuit:
    gone, kept = set(run), []
    for at, gate in enumerate(circuit.gates):
        if at == run[0]:
            kept += gates
        if at not in gone:
            kept.append(gate)
    return Circuit(circuit.n_qubits, tuple(kept))


def runs(circuit: Circuit) -> list[list[int]]:
    """Positions of neighbouring one-qubit gates on one wire, run by run, in gate order."""
    open_run: dict[int, list[int]] = {}
    found: list[list[int]] = []
    for at, gate in enumerate(circuit.gates):
        if len(gate.qubits) == 2:
            for qubit in gate.qubits:
                open_run.pop(qubit, None)
        elif gate.qubits[0] in open_run:
            open_run[gate.qubits[0]].append(at)
        else:
            open_run[gate.qubits[0]] = [at]
            found.append(open_run[gate.qubits[0]])
    return found
