"""Training on a backend: gradients as plans, pruning, optimisers, the stream of states."""

from qas.train.cobyla import Lowest, cobyla
from qas.train.compare import Comparison, compare
from qas.train.cost import Cost, price
from qas.train.deploy import Deployed, deployed
from qas.train.method import SPSA, AdaptiveShots, GuidedSPSA, Method, Request, Shift
from qas.train.objective import Objective, batch, trainable
from qas.train.optimiser import Moments, Optimiser, Schedule
from qas.train.plan import Gradient, GradientPlan, parameter_shift
from qas.train.prune import Pruner, Pruning
from qas.train.readout import Calibration, Readout, calibrate, mitigated
from qas.train.seed import step_seed
from qas.train.spsa import Gains, Walk
from qas.train.state import StepRecord, TrainState
from qas.train.tune import TuneSettings, training_key, tune

__all__ = [
    "SPSA",
    "AdaptiveShots",
    "Calibration",
    "Comparison",
    "Cost",
    "Deployed",
    "Gains",
    "Gradient",
    "GradientPlan",
    "GuidedSPSA",
    "Lowest",
    "Method",
    "Moments",
    "Objective",
    "Optimiser",
    "Pruner",
    "Pruning",
    "Readout",
    "Request",
    "Schedule",
    "Shift",
    "StepRecord",
    "TrainState",
    "TuneSettings",
    "Walk",
    "batch",
    "calibrate",
    "cobyla",
    "compare",
    "deployed",
    "mitigated",
    "parameter_shift",
    "price",
    "step_seed",
    "trainable",
    "training_key",
    "tune",
]
