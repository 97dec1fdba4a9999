"""The Runtime Estimator in local mode against our sampled simulator: the same distribution?"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kstest, ttest_ind
from setting import MOLECULES, Setting, first_angles, placed
from training import SHOTS, looked_at

from qas.execute import NoisySimulator, SampledSimulator
from qas.execute.chip import local_chip
from qas.execute.runtime import RuntimeBackend
from qas.task import Loss
from qas.train import (
    Optimiser,
    Pruning,
    TrainState,
    TuneSettings,
    trainable,
    tune,
)
from qas.train.objective import observables_of

ROWS, STEPS, REPEATS = 40, 6, 5
"""Bindings compared one by one; steps of a training, and trainings of each kind."""


def cross_checked(setting: Setting, folder: Path, seed: int) -> dict[str, Any]:
    """Expectation values one by one, and whole trainings, through either."""
    own, started = placed(setting, folder), time.perf_counter()
    aim = own.parts["train"]
    circuit = trainable(aim, own.native, own.patch)
    runtime = RuntimeBackend(local_chip(own.patch, idle=False), SHOTS, 0)
    ours = SampledSimulator(NoisySimulator(own.patch), SHOTS)
    rng = np.random.default_rng([seed, 11])
    params = rng.uniform(-np.pi, np.pi, (ROWS, circuit.n_params))
    inputs = aim.inputs[:ROWS] if isinstance(aim, Loss) else None
    observables = observables_of(aim)
    exact = NoisySimulator(own.patch, readout=True).estimate(circuit, observables, params, inputs)
    scores = {}
    for name, backend in (("runtime", runtime), ("ours", ours)):
        found = backend.with_seed(seed).estimate(circuit, observables, params, inputs)
        scores[name] = ((found.mean - exact.mean) / found.stderr).reshape(-1)
    ends: dict[str, list[float]] = {"runtime": [], "ours": []}
    what = "energy" if setting in MOLECULES else "valid_loss"
    for repeat in range(REPEATS):
        for name, backend in (("runtime", runtime), ("ours", ours)):
            ends[name].append(_end(setting, own, circuit, backend, seed + repeat, what))
    return {
        "normal_p": {name: float(kstest(z, "norm").pvalue) for name, z in scores.items()},
        "spread": {name: float(np.std(z)) for name, z in scores.items()},
        "ends": ends, "what": what, "steps": STEPS,
        "ends_p": float(ttest_ind(ends["runtime"], ends["ours"], equal_var=False).pvalue),
        "seconds": round(time.perf_counter() - started, 1),
    }  # fmt: skip


def _end(setting: Setting, own: Any, circuit: Any, backend: Any, seed: int, what: str) -> float:
    """Where a short training with full gradients ends; batches and start are the same for both."""
    few = replace(setting, batch=None if setting.batch is None else 4)
    settings = TuneSettings(
        STEPS, Optimiser("Adam", setting.rate), Pruning(method="none"), seed, batch_size=few.batch
    )
    state = TrainState.start(first_angles(circuit.n_params, 7), settings.pruning)
    for after in tune(circuit, own.parts["train"], backend, state, settings):
        state = after
    return float(looked_at(own, np.array([state.params]))[what][0])
