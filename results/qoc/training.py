"""A training on the emulated chip, looked at after every step without shots or cost."""

from __future__ import annotations

from typing import Any

import numpy as np
from setting import Placed, Setting, first_angles

from qas.circuit import Population
from qas.execute import NoisySimulator, SampledSimulator
from qas.task import Loss, Observable
from qas.train import (
    SPSA,
    AdaptiveShots,
    GuidedSPSA,
    Method,
    Optimiser,
    Pruning,
    Schedule,
    Shift,
    TrainState,
    TuneSettings,
    deployed,
    trainable,
    tune,
)

SHOTS, LAST_SHOTS = 1024, 8192
"""Of a circuit in training, and in the last measurement of the test samples."""
RATIO, FULL, PRUNED = 0.5, 1, 2
"""r, w_a and w_p of every pruning."""
MODES = ("classical", "none", "probabilistic", "deterministic", "random", "wsbd")
METHODS: dict[str, Method] = {
    "spsa": SPSA(),
    "guided": GuidedSPSA(),
    "adaptive": AdaptiveShots(rate=0.1, lipschitz=2.0),
}
"""Gradient methods beside the shift rule, without pruning."""
LOOKS = 200
"""States of a training that a row keeps, at most."""
STEPS = 100_000
"""Never reached: circuits are the budget."""


def trained(
    setting: Setting,
    placed: Placed,
    arm: str,
    seed: int,
    *,
    start: np.ndarray | None = None,
    rate: float | None = None,
) -> dict[str, Any]:
    """One training under the setting's budget, by one of `MODES` or `METHODS`.

    Returns curve rows [circuits, shots, value on unseen data], and what stands at the end.
    """
    aim, patch = placed.parts["train"], placed.patch
    circuit = trainable(aim, placed.native, patch)
    noisy = NoisySimulator(patch, scale=0.0 if arm == "classical" else 1.0)
    backend = noisy if arm == "classical" else SampledSimulator(noisy, SHOTS)
    first = first_angles(circuit.n_params, seed) if start is None else start
    pruning = Pruning(RATIO, FULL, PRUNED, arm if arm in MODES and arm != "classical" else "none")
    schedule = Schedule("cosine", span=setting.circuits, floor=0.1, unit="circuits")
    settings = TuneSettings(
        STEPS, Optimiser("Adam", rate or setting.rate, schedule), pruning, seed,
        max_circuits=setting.circuits, batch_size=setting.batch,
        method=METHODS.get(arm, Shift()),
    )  # fmt: skip
    state = TrainState.start(first, pruning)
    for after in tune(circuit, aim, backend, state, settings):
        state = after
    angles = [first, *(np.array(record.params) for record in state.history)]
    spent = np.cumsum([[0, 0], *([r.circuits, r.shots] for r in state.history)], axis=0)
    few = sampled(spent[:, 0], setting.circuits)
    seen = looked_at(placed, np.stack(angles)[few])
    last = measured(placed, angles[-1], seed)
    return {
        "steps": state.step, "circuits": state.circuits, "shots": state.shots,
        "qpu_seconds": state.qpu_seconds, "spent": spent[few].tolist(),
        **{name: np.round(values, 4).tolist() for name, values in seen.items()}, **last,
        "two_qubit_gates": placed.native.two_qubit_gates, "n_params": placed.native.n_params,
    }  # fmt: skip


def sampled(circuits: np.ndarray, budget: int) -> list[int]:
    """Places of the last state before every 200th of the budget, the first and the last."""
    marks = np.linspace(0, budget, LOOKS + 1)
    found = np.searchsorted(circuits, marks, side="right") - 1
    return sorted({0, *found.tolist(), len(circuits) - 1})


def looked_at(placed: Placed, angles: np.ndarray) -> dict[str, np.ndarray]:
    """Exact values on the chip, readout included, at every row of angles."""
    chip, train = NoisySimulator(placed.patch, readout=True), placed.parts["train"]
    if isinstance(train, Observable):
        return {"energy": chip.estimate(placed.native, train, angles).mean}
    rows, found = Population.bindings(placed.native, angles), {}
    for part in ("valid", "test"):
        loss = placed.parts[part]
        values = chip.prepared(loss).expectations(rows)
        found[f"{part}_accuracy"] = np.array([loss.accuracy(one) for one in values])
        found[f"{part}_loss"] = np.array([loss.of(one) for one in values])
    return found


def measured(placed: Placed, angles: np.ndarray, seed: int) -> dict[str, Any]:
    """The test samples measured with shots, readout error and all, at the last angles."""
    test = placed.parts.get("test")
    if not isinstance(test, Loss):
        return {}
    chip = SampledSimulator(NoisySimulator(placed.patch), LAST_SHOTS)
    circuit = trainable(test, placed.native, placed.patch)
    found = deployed(chip, circuit, test, angles, seed=seed)
    return {"accuracy": found.accuracy, "loss": found.loss, "confusion": found.confusion.tolist()}
