"""Circuits to and from Qiskit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qas.circuit.circuit import Circuit
from qas.circuit.gate import GATE_NAMES, ROTATIONS, Gate, fixed_matrix
from qas.errors import InputError

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

INPUT = "x"
"""Name of the vector of data inputs in Qiskit and OpenQASM."""


def to_qiskit(circuit: Circuit) -> QuantumCircuit:
    """The circuit in Qiskit's gates; free angles are ``theta[k]``, data inputs ``x[k]``."""
    from qiskit import QuantumCircuit
    from qiskit.circuit import ParameterVector

    result = QuantumCircuit(circuit.n_qubits)
    theta = iter(ParameterVector("theta", circuit.n_params))
    data = ParameterVector(INPUT, circuit.n_inputs)
    for gate in circuit.gates:
        place = getattr(result, gate.name)
        if gate.input is not None:
            place(data[gate.input] + gate.angle if gate.angle else data[gate.input], *gate.qubits)
        elif gate.is_rotation:
            place(next(theta) if gate.angle is None else gate.angle, *gate.qubits)
        else:
            place(*gate.qubits)
    return result


def from_qiskit(source: QuantumCircuit) -> Circuit:
    """The circuit of the same gates; barriers are dropped, parameters renumbered in gate order.

    Raises:
        InputError: measurements, resets, gates outside `GATE_NAMES`, a parameter
            used twice or inside an expression.
    """
    gates: list[Gate] = []
    seen: set[Any] = set()
    for item in source.data:
        operation = item.operation
        if operation.name == "barrier":
            continue
        qubits = tuple(source.find_bit(q).index for q in item.qubits)
        if operation.name == "u" and list(operation.params) == [0, 0, 0]:
            gates.append(Gate("id", qubits))  # what OpenQASM 3's id becomes in Qiskit
            continue
        if operation.name not in GATE_NAMES:
            raise InputError(
                f"cannot take over {operation.name!r} from Qiskit; known gates: "
                f"{', '.join(GATE_NAMES)} (transpile to these, without measurements)"
            )
        _check_meaning(operation)
        angle = None
        if operation.name in ROTATIONS:
            angle = _angle(operation.params[0], seen)
        gates.append(Gate(operation.name, qubits, angle))
    return Circuit.of(source.num_qubits, gates)


def _check_meaning(operation: Any) -> None:
    """A gate defined in the source itself must do what its name says here, up to phase."""
    if operation.base_class.__module__.startswith("qiskit.circuit.library"):
        return
    from qiskit.quantum_info import Operator

    known = operation.name not in ROTATIONS
    if not known or not Operator(operation).equiv(Operator(fixed_matrix(operation.name))):
        raise InputError(f"the source defines its own {operation.name!r}, which is another gate")


def _angle(value: Any, seen: set[Any]) -> float | None:
    from qiskit.circuit import Parameter

    if isinstance(value, Parameter):
        if value in seen:
            raise InputError(f"parameter {value} is used twice; each angle must be its own")
        seen.add(value)
        return None
    try:
        return float(value)
    except TypeError:
        raise InputError(f"angle {value} is an expression; give a plain parameter") from None
