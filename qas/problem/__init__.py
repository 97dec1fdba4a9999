"""What may be built and how it is scored: the grammar that every search shares."""

from qas.problem.batch import Batch, score_batch, score_words, value_batch
from qas.problem.candidate import Candidate, Trial, pareto_front
from qas.problem.cost import Cost, Meter
from qas.problem.inner import (
    INNER,
    AdamSPSA,
    Cobyla,
    Gradient,
    InnerOptimiser,
    Optimised,
    Scorer,
    make_inner,
)
from qas.problem.moves import dressed, is_legal, ordered_pairs, random_circuit, tokens
from qas.problem.optimise import FINE, NORMAL, QUICK, Effort, minimise
from qas.problem.problem import Limits, Problem
from qas.problem.pruning.prune import prune, trim
from qas.problem.pruning.vary import vary
from qas.problem.relayout import relayout
from qas.problem.space import SPACES, Letter, Space, Word

__all__ = [
    "FINE",
    "INNER",
    "NORMAL",
    "QUICK",
    "SPACES",
    "AdamSPSA",
    "Batch",
    "Candidate",
    "Cobyla",
    "Cost",
    "Effort",
    "Gradient",
    "InnerOptimiser",
    "Letter",
    "Limits",
    "Meter",
    "Optimised",
    "Problem",
    "Scorer",
    "Space",
    "Trial",
    "Word",
    "dressed",
    "is_legal",
    "make_inner",
    "minimise",
    "ordered_pairs",
    "pareto_front",
    "prune",
    "random_circuit",
    "relayout",
    "score_batch",
    "score_words",
    "tokens",
    "trim",
    "value_batch",
    "vary",
]
