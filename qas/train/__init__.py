"""Training on a backend: gradients as plans, pruning, Adam, the stream of states."""

from qas.train.adam import Adam, Moments
from qas.train.cobyla import Lowest, cobyla
from qas.train.compare import Comparison, compare
from qas.train.plan import Gradient, GradientPlan, parameter_shift
from qas.train.prune import Pruner, Pruning
from qas.train.spsa import Gains, Walk
from qas.train.state import StepRecord, TrainState, step_seed
from qas.train.tune import TuneSettings, training_key, tune

__all__ = [
    "Adam",
    "Comparison",
    "Gains",
    "Gradient",
    "GradientPlan",
    "Lowest",
    "Moments",
    "Pruner",
    "Pruning",
    "StepRecord",
    "TrainState",
    "TuneSettings",
    "Walk",
    "cobyla",
    "compare",
    "parameter_shift",
    "step_seed",
    "training_key",
    "tune",
]
