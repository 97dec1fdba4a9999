"""Circuits to and from OpenQASM 3."""

from __future__ import annotations

from qas.circuit.circuit import MAX_TEXT, Circuit
from qas.circuit.gate import Gate
from qas.errors import InputError

# Gates that stdgates.inc lacks, spelled in those it has.
_DEFINITION = {
    "ecr": "gate ecr a, b { s a; sx b; cx a, b; x a; }",
    "sxdg": "gate sxdg a { inv @ sx a; }",
}


def to_qasm(circuit: Circuit) -> str:
    """OpenQASM 3 text; free angles become ``input float[64] theta_k``, data inputs ``x_k``.

    Angles are printed with all their digits, so that text and circuit agree exactly.
    """
    used = {gate.name for gate in circuit.gates}
    lines = ["OPENQASM 3.0;", 'include "stdgates.inc";']
    lines += [text for name, text in _DEFINITION.items() if name in used]
    lines += [f"input float[64] theta_{k};" for k in range(circuit.n_params)]
    lines += [f"input float[64] x_{k};" for k in range(circuit.n_inputs)]
    lines.append(f"qubit[{circuit.n_qubits}] q;")
    names = (f"theta_{k}" for k in range(circuit.n_params))
    lines += [
        _statement(gate, next(names) if gate.is_free else _angle(gate)) for gate in circuit.gates
    ]
    return "\n".join(lines) + "\n"


def _angle(gate: Gate) -> str | float | None:
    if gate.input is None:
        return gate.angle
    return f"x_{gate.input} + {gate.angle}" if gate.angle else f"x_{gate.input}"


def _statement(gate: Gate, angle: str | float | None) -> str:
    argument = f"({angle})" if gate.is_rotation else ""
    wires = ", ".join(f"q[{q}]" for q in gate.qubits)
    return f"{gate.name}{argument} {wires};"


def from_qasm(text: str) -> Circuit:
    """The circuit of an OpenQASM 3 text, loaded by Qiskit's importer.

    Raises:
        InputError: text that the importer refuses, or gates outside `GATE_NAMES`.
    """
    if len(text) > MAX_TEXT:
        raise InputError(f"OpenQASM text of {len(text)} characters; the limit is {MAX_TEXT}")
    import qiskit.qasm3
    from openqasm3.parser import QASM3ParsingError
    from qiskit.exceptions import QiskitError

    try:
        loaded = qiskit.qasm3.loads(text)
    except (QASM3ParsingError, QiskitError, ValueError, RecursionError) as error:
        raise InputError(f"not OpenQASM 3 that Qiskit loads: {error!r}") from error
    return Circuit.from_qiskit(loaded)
