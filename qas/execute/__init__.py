"""The only code that runs circuits."""

from qas.execute.aer import AerSimulator
from qas.execute.backend import Backend, DifferentiableBackend, Estimate
from qas.execute.block import Blocks
from qas.execute.descent import Descent
from qas.execute.exact import ExactSimulator
from qas.execute.extension import Extensions
from qas.execute.neighbour import BestNeighbours, Neighbours
from qas.execute.noisy import NoisySimulator
from qas.execute.sampled import SampledSimulator
from qas.execute.stop import Limits

__all__ = [
    "AerSimulator",
    "Backend",
    "BestNeighbours",
    "Blocks",
    "Descent",
    "DifferentiableBackend",
    "Estimate",
    "ExactSimulator",
    "Extensions",
    "Limits",
    "Neighbours",
    "NoisySimulator",
    "SampledSimulator",
]
