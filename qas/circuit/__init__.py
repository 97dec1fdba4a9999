"""Circuits: the value that is searched for."""

from qas.circuit.ansatz import ANSATZE, ansatz
from qas.circuit.circuit import Circuit, checked_inputs, checked_params, paired_rows
from qas.circuit.gate import GATE_NAMES, ROTATIONS, Gate, fixed_matrix, rotation_matrix
from qas.circuit.population import Population
from qas.circuit.route import Routed, routed
from qas.circuit.tie import Tied, Ties

__all__ = [
    "ANSATZE",
    "GATE_NAMES",
    "ROTATIONS",
    "Circuit",
    "Gate",
    "Population",
    "Routed",
    "Tied",
    "Ties",
    "ansatz",
    "checked_inputs",
    "checked_params",
    "fixed_matrix",
    "paired_rows",
    "rotation_matrix",
    "routed",
]
