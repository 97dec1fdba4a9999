"""Circuits as text."""

from __future__ import annotations

from qas.circuit import Circuit, Gate


def draw(circuit: Circuit) -> str:
    """One line a qubit, one column a moment; o is the control of the + below or above.

    >>> print(draw(Circuit(2).then("ry", 0).then("cx", 0, 1).then("rz", 1)))
    q0: -ry--o------
    q1: -----+---rz-
    """
    width = max([len(g.name) for g in circuit.gates if len(g.qubits) == 1], default=2)
    lines = [f"q{q}: " for q in range(circuit.n_qubits)]
    pad = max(len(line) for line in lines)
    lines = [line.ljust(pad) for line in lines]
    for moment in moments(circuit):
        marks = {q: _mark(gate, q) for gate in moment for q in gate.qubits}
        for q in range(circuit.n_qubits):
            lines[q] += "-" + marks.get(q, "").ljust(width, "-") + "-"
    return "\n".join(lines)


def moments(circuit: Circuit) -> list[list[Gate]]:
    """Gates grouped into columns: each cx has its own, so that pairs are plain to see."""
    columns: list[list[Gate]] = []
    level = [0] * circuit.n_qubits
    for gate in circuit.gates:
        at = max(level[q] for q in gate.qubits)
        while at < len(columns) and _crowded(gate, columns[at]):
            at += 1
        if at == len(columns):
            columns.append([])
        columns[at].append(gate)
        for q in gate.qubits:
            level[q] = at + 1
    return columns


def _crowded(gate: Gate, column: list[Gate]) -> bool:
    return len(gate.qubits) == 2 and any(len(other.qubits) == 2 for other in column)


def _mark(gate: Gate, qubit: int) -> str:
    if len(gate.qubits) == 1:
        return gate.name
    return "o" if qubit == gate.qubits[0] else "+"
