"""Circuits: the value that is searched for."""

from qas.circuit.array import from_arrays, to_arrays
from qas.circuit.circuit import Circuit, checked_params
from qas.circuit.gate import GATE_NAMES, ROTATIONS, Gate, fixed_matrix, rotation_matrix

__all__ = [
    "GATE_NAMES",
    "ROTATIONS",
    "Circuit",
    "Gate",
    "checked_params",
    "fixed_matrix",
    "from_arrays",
    "rotation_matrix",
    "to_arrays",
]
