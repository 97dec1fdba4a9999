"""QOC's premise: small gradients have large relative errors, and the wrong sign more often."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from setting import Setting, first_angles, placed
from training import SHOTS

from qas.execute import NoisySimulator, SampledSimulator
from qas.task import Loss
from qas.train import parameter_shift, trainable

POINTS, QUARTERS = 20, 4


def premise(setting: Setting, folder: Path, seed: int) -> dict[str, Any]:
    """Rank correlation of |g| with its relative error, and sign flips by quartile of |g|.

    At random angles the gradient of one batch's loss is measured with shots, and compared with
    the exact one of the same samples under the same noise, readout included.
    """
    own = placed(setting, folder)
    loss = own.parts["train"]
    if not isinstance(loss, Loss):
        raise TypeError("the premise is looked at on classifiers")
    circuit, rng = trainable(loss, own.native, own.patch), np.random.default_rng([seed, 5])
    noisy = NoisySimulator(own.patch)
    exact, size, error = NoisySimulator(own.patch, readout=True), [], []
    for point in range(POINTS):
        some = loss.some(rng.choice(loss.n_samples, setting.batch or 10, replace=False))
        angles = first_angles(circuit.n_params, 1000 * seed + point)
        plan = parameter_shift(angles, n_samples=some.n_samples)
        chip, rows = SampledSimulator(noisy, SHOTS, seed=seed * 100 + point), plan.bindings
        inputs = some.inputs[plan.samples]
        found = chip.estimate(circuit, some.observables, rows, inputs)
        told = plan.combine(found.mean, found.stderr, some).gradient
        true = exact.value_and_grad(own.native, some, angles)[1][0]
        size.append(true)
        error.append(told - true)
    g, miss = np.concatenate(size), np.concatenate(error)
    g, miss = g[np.abs(g) > 1e-9], miss[np.abs(g) > 1e-9]  # angles on which nothing depends
    order = np.argsort(np.abs(g))
    flips = np.sign(g + miss) != np.sign(g)
    parts = [float(flips[quarter].mean()) for quarter in np.array_split(order, QUARTERS)]
    relative = np.abs(miss / g)
    return {
        "correlation": float(spearmanr(np.abs(g), relative).statistic), "flips": parts,
        "relative": [float(np.median(relative[q])) for q in np.array_split(order, QUARTERS)],
        "gradients": len(g),
    }  # fmt: skip
