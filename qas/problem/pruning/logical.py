"""The un-lowered circuit that goes with a native one which was edited."""

from __future__ import annotations

from qas.circuit import Circuit, Gate, Population
from qas.device.population import lower_population
from qas.problem.problem import Layout, Problem

Runs = dict[tuple[int, int], list[Gate]]


def logical(problem: Problem, circuit: Circuit, layout: Layout, native: Circuit) -> Circuit:
    """The circuit with those of its runs rewritten that lowering does not make so.

    Lowering what comes out gives ``native``, perhaps with some rz more. A run of which merely rz
    were left out stays as it was: tables of the literature count un-lowered gates.

    Args:
        problem: its device lowers.
        circuit: un-lowered, with the two-qubit gates of ``native`` and perhaps more.
        layout: where both run.
        native: what was made of it. It is returned itself where its two-qubit gates are others,
            as on devices that have no cx.
    """
    if problem.device.is_ideal:
        return native
    places = _matched(circuit, native)
    if places is None:
        return native
    pairs = [at for at, gate in enumerate(circuit.gates) if len(gate.qubits) == 2]
    kept = circuit.without(*(at for at in pairs if at not in set(places)))
    lowered = lower_population(Population.of([kept]), problem.patch(layout))
    made, own, wanted = _runs(lowered.circuit(0)[0]), _runs(kept), _runs(native)
    rewritten = {key: wanted[key] for key in own if not _covers(made[key], wanted[key])}
    return _written(kept, own | rewritten) if rewritten else kept


def _matched(circuit: Circuit, native: Circuit) -> list[int] | None:
    """Places in the circuit of the native two-qubit gates, each the first that comes in turn."""
    places: list[int] = []
    rest = iter(enumerate(circuit.gates))
    for gate in native.gates:
        if len(gate.qubits) == 2:
            at = next((k for k, g in rest if (g.name, g.qubits) == (gate.name, gate.qubits)), None)
            if at is None:
                return None
            places.append(at)
    return places


def _runs(circuit: Circuit) -> Runs:
    """One-qubit gates by (qubit, how many two-qubit gates it met before); all runs stand there."""
    met = [0] * circuit.n_qubits
    runs: Runs = {(qubit, 0): [] for qubit in range(circuit.n_qubits)}
    for gate in circuit.gates:
        if len(gate.qubits) == 1:
            runs[gate.qubits[0], met[gate.qubits[0]]].append(gate)
            continue
        for qubit in gate.qubits:
            met[qubit] += 1
            runs[qubit, met[qubit]] = []
    return runs


def _covers(run: list[Gate], part: list[Gate]) -> bool:
    """True if the one run is the other and perhaps some rz."""
    at = 0
    for gate in run:
        if at < len(part) and gate == part[at]:
            at += 1
        elif gate.name != "rz":
            return False
    return at == len(part)


def _written(circuit: Circuit, runs: Runs) -> Circuit:
    """The two-qubit gates of a circuit with these runs between them."""
    met, gates = [0] * circuit.n_qubits, list[Gate]()
    for gate in circuit.gates:
        if len(gate.qubits) == 2:
            for qubit in gate.qubits:
                gates += runs[qubit, met[qubit]]
                met[qubit] += 1
            gates.append(gate)
    for qubit, count in enumerate(met):
        gates += runs[qubit, count]
    return Circuit(circuit.n_qubits, tuple(gates))
