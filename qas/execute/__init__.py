"""The only code that runs circuits."""

from qas.execute.aer import AerSimulator
from qas.execute.backend import Backend, DifferentiableBackend, Estimate
from qas.execute.exact import ExactSimulator
from qas.execute.insertion import Insertions
from qas.execute.noisy import NoisySimulator

__all__ = [
    "AerSimulator",
    "Backend",
    "DifferentiableBackend",
    "Estimate",
    "ExactSimulator",
    "Insertions",
    "NoisySimulator",
]
