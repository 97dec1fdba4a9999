"""Circuits: the value that is searched for."""

from qas.circuit.circuit import Circuit, checked_inputs, checked_params, paired_rows
from qas.circuit.gate import GATE_NAMES, ROTATIONS, Gate, fixed_matrix, rotation_matrix
from qas.circuit.population import Population

__all__ = [
    "GATE_NAMES",
    "ROTATIONS",
    "Circuit",
    "Gate",
    "Population",
    "checked_inputs",
    "checked_params",
    "fixed_matrix",
    "paired_rows",
    "rotation_matrix",
]
