"""A trained classifier on a backend: how well it does on samples that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit
from qas.circuit.tie import Ties
from qas.execute.backend import Backend
from qas.execute.cost import reseeded
from qas.task.loss import Loss
from qas.train.cost import Cost, paid, price, with_shots
from qas.train.objective import check_circuit
from qas.train.plan import checked
from qas.train.readout import calibrate, mitigated
from qas.train.seed import step_seed


@dataclass(frozen=True, eq=False)
class Deployed:
    """What a classifier makes of a data set, measured once."""

    loss: float
    """Mean cross-entropy, nats."""
    accuracy: float
    predicted: NDArray[np.int64]
    """Class of each sample, shape (n_samples,)."""
    confusion: NDArray[np.int64]
    """How many samples of each class (rows) were taken for each (columns)."""
    cost: Cost


def deployed(
    backend: Backend,
    circuit: Circuit,
    loss: Loss,
    params: ArrayLike,
    *,
    shots: int | None = None,
    seed: int = 0,
    mitigate: bool = False,
    ties: Ties | None = None,
) -> Deployed:
    """Measure every sample of ``loss`` at trained parameters; no part of a training's budget.

    Args:
        backend: where it runs.
        circuit: encoder and ansatz, as it was trained.
        loss: the samples, usually held out.
        params: shape (n_params,), radians.
        shots: of each sample; None: the backend's own number.
        seed: of simulated shots; no request of the training has it, whatever its number.
        mitigate: readout by two calibration circuits (`qas.train.readout`).
        ties: as in the training.

    Raises:
        InputError: a circuit, parameters or shots that do not fit.
    """
    check_circuit(circuit, loss)
    values, _, own_ties = checked(params, None, ties)
    own = backend if shots is None else with_shots(backend, shots)
    observables, total = loss.observables, Cost()
    if mitigate:
        known, total = calibrate(own, circuit.n_qubits, seed, 0)
        observables = tuple(mitigated(one, known) for one in observables)
    seeded = reseeded(own, step_seed(seed, 0, "deployed"))
    expected = price(own, circuit, observables, loss.n_samples)
    found = seeded.estimate(circuit, observables, own_ties.angles(values), loss.inputs)
    mean, cost = found.mean, total + paid(own, circuit, expected, found)
    predicted, confusion = loss.predicted(mean), loss.confusion(mean)
    return Deployed(loss.of(mean), loss.accuracy(mean), predicted, confusion, cost)
