"""Routing: a hand-made circuit on qubits that are not all coupled.

Swaps come from Qiskit's SABRE (Li, Ding, Xie, ASPLOS 2019; "LightSABRE", Zou et al.,
arXiv:2409.08368); every other gate stays what it was, so that a rotation keeps its angle and its
place among the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qas.circuit.circuit import Circuit
from qas.circuit.gate import Gate
from qas.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

TRIALS = 6
"""Seeds tried, each with as many layouts and swap trials of its own."""


@dataclass(frozen=True)
class Routed:
    """A circuit on coupled wires, and where it leaves the qubits it came with."""

    circuit: Circuit
    """Parameters and data inputs numbered as in the circuit that was routed."""
    final: tuple[int, ...]
    """Wire that holds qubit q at the end: what is measured on q is measured on ``final[q]``."""

    def moved(self, pauli: str) -> str:
        """A Pauli string of the qubits as one of the wires; the rightmost letter is number 0.

        >>> Routed(Circuit(3), (1, 2, 0)).moved("IIZ")
        'IZI'
        """
        letters = ["I"] * len(pauli)
        for qubit, letter in enumerate(reversed(pauli)):
            letters[self.final[qubit]] = letter
        return "".join(reversed(letters))


def routed(circuit: Circuit, couplings: Sequence[tuple[int, int]]) -> Routed:
    """The circuit with swaps, written in cx, so that two-qubit gates join coupled wires only.

    Where each qubit begins is free, since all begin in |0>. Of several seeds the result with the
    fewest two-qubit gates is taken; equal calls give equal results. It is not proven the least:
    gates that commute, as those of an rzz ring, are not exchanged.

    Args:
        circuit: any gates.
        couplings: pairs of wires 0..n-1, each in either direction, as ``device.patch(...)``
            has them for a circuit on the whole patch.

    Raises:
        InputError: a pair outside the circuit's wires, or wires that are not connected.

    >>> ring = Circuit(3).then("rzz", 0, 1).then("rzz", 1, 2).then("rzz", 2, 0)
    >>> on_line = routed(ring, [(0, 1), (1, 2)])
    >>> on_line.circuit.n_params, on_line.circuit.two_qubit_gates
    (3, 7)
    """
    edges = _checked_edges(circuit.n_qubits, couplings)
    pairs = {(a, b) for a, b in edges} | {(b, a) for a, b in edges}
    if all(pair in pairs for pair in circuit.pairs):
        return Routed(circuit, tuple(range(circuit.n_qubits)))
    found = min(_candidates(circuit, edges), key=lambda one: one.circuit.two_qubit_gates)
    used = {pair for pair in found.circuit.pairs if pair not in pairs}
    if used:
        raise InputError(f"routing left gates on uncoupled wires {sorted(used)}")
    return found


def _candidates(circuit: Circuit, edges: list[tuple[int, int]]) -> Iterator[Routed]:
    """Routings that keep the parameters in order; with barriers between pairs all of them do."""
    for barriers in (False, True):
        source = _marked(circuit, barriers)
        for seed in range(TRIALS):
            made = _by_sabre(source, edges, seed)
            gates = _in_order(made, circuit)
            if gates is not None:
                final = made.layout.final_index_layout()
                yield Routed(Circuit(circuit.n_qubits, _as_cx(gates)), tuple(final))


def _by_sabre(source: QuantumCircuit, edges: list[tuple[int, int]], seed: int) -> QuantumCircuit:
    from qiskit.transpiler import CouplingMap, PassManager
    from qiskit.transpiler.passes import SabreLayout

    coupled = CouplingMap([pair for a, b in edges for pair in ((a, b), (b, a))])
    layout = SabreLayout(coupled, seed=seed, swap_trials=TRIALS, layout_trials=TRIALS)
    return PassManager([layout]).run(source)


def _marked(circuit: Circuit, barriers: bool) -> QuantumCircuit:
    """In Qiskit, the angle of every rotation a parameter named after the gate's place."""
    from qiskit import QuantumCircuit
    from qiskit.circuit import Parameter

    result = QuantumCircuit(circuit.n_qubits)
    for place, gate in enumerate(circuit.gates):
        angle = (Parameter(str(place)),) if gate.is_rotation else ()
        getattr(result, gate.name)(*angle, *gate.qubits)
        if barriers and len(gate.qubits) == 2:
            result.barrier()
    return result


def _in_order(made: QuantumCircuit, circuit: Circuit) -> list[Gate] | None:
    """The gates of a routing with its free rotations in their order; None where that cannot be.

    Each gate waits for those before it on its wires, each free rotation also for the free ones
    with lower numbers; everything else may go as soon as it can, so that no order is missed.
    """
    queues, items = _queues(made, circuit)
    taken, gates, waiting = [False] * len(items), [], iter(circuit.free)
    due = next(waiting, None)
    moved = True
    while moved:
        moved = False
        for index, (gate, place) in enumerate(items):
            heads = all(queues[q] and queues[q][0] == index for q in gate.qubits)
            if taken[index] or not heads or (gate.is_free and place != due):
                continue
            for q in gate.qubits:
                queues[q].pop(0)
            due = next(waiting, None) if gate.is_free else due
            taken[index] = moved = True
            gates.append(gate)
    return gates if all(taken) else None


def _queues(
    made: QuantumCircuit, circuit: Circuit
) -> tuple[list[list[int]], list[tuple[Gate, int | None]]]:
    """The gates of a routing, each with the place of its rotation, and who queues on each wire."""
    queues: list[list[int]] = [[] for _ in range(circuit.n_qubits)]
    items: list[tuple[Gate, int | None]] = []
    for item in made.data:
        if item.operation.name == "barrier":
            continue
        qubits = tuple(made.find_bit(q).index for q in item.qubits)
        for q in qubits:
            queues[q].append(len(items))
        items.append(_restored(item.operation, qubits, circuit))
    return queues, items


def _restored(operation: Any, qubits: tuple[int, ...], circuit: Circuit) -> tuple[Gate, int | None]:
    if not operation.params:
        return Gate(operation.name, qubits), None
    place = int(operation.params[0].name)
    return replace(circuit.gates[place], qubits=qubits), place


def _as_cx(gates: list[Gate]) -> tuple[Gate, ...]:
    """Swaps as three cx, turned so that one of them cancels against a cx beside it."""
    made: list[Gate] = []
    for index, gate in enumerate(gates):
        if gate.name != "swap":
            _push(made, gate)
            continue
        a, b = _beside(made[::-1], gate.qubits) or _beside(gates[index + 1 :], gate.qubits) or (
            gate.qubits
        )  # fmt: skip
        for pair in ((a, b), (b, a), (a, b)):
            _push(made, Gate("cx", pair))
    return tuple(made)


def _beside(gates: Sequence[Gate], qubits: tuple[int, ...]) -> tuple[int, ...] | None:
    """The qubits of the next gate on any of these wires, if it is a cx on just these."""
    for gate in gates:
        if set(gate.qubits) & set(qubits):
            fits = gate.name == "cx" and set(gate.qubits) == set(qubits)
            return gate.qubits if fits else None
    return None


def _push(made: list[Gate], gate: Gate) -> None:
    """Add a gate; two equal cx with nothing between them vanish."""
    if gate.name == "cx":
        for at in range(len(made) - 1, -1, -1):
            if set(made[at].qubits) & set(gate.qubits):
                if made[at] == gate:
                    del made[at]
                    return
                break
    made.append(gate)


def _checked_edges(n_qubits: int, couplings: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    edges = sorted({(min(a, b), max(a, b)) for a, b in couplings})
    if any(not 0 <= a < b < n_qubits for a, b in edges):
        raise InputError(
            f"couplings join different wires of 0..{n_qubits - 1}; given {edges}: take those of "
            f"a patch of {n_qubits} qubits, device.patch(qubits).couplings"
        )
    reached = {0}
    for _ in range(n_qubits):
        reached |= {q for edge in edges if set(edge) & reached for q in edge}
    if len(reached) < n_qubits:
        raise InputError(f"wires {sorted(set(range(n_qubits)) - reached)} are not connected to 0")
    return edges
