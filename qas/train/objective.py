"""What is lowered: one observable's expectation value, or a loss over mini-batches of samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit
from qas.device import Device
from qas.device.lowering import is_native
from qas.errors import InputError
from qas.task import Observable
from qas.task.loss import Loss
from qas.train.seed import step_seed

Objective = Observable | Loss


def observables_of(objective: Objective) -> tuple[Observable, ...]:
    """What is measured for it, all in one circuit."""
    return objective.observables if isinstance(objective, Loss) else (objective,)


def trainable(
    objective: Objective,
    ansatz: Circuit,
    device: Device,
    qubits: Sequence[int] | None = None,
    *,
    apart: bool = True,
) -> Circuit:
    """The native circuit of an objective: the loss's encoder lowered, then the ansatz lowered.

    Args:
        objective: an observable has no encoder.
        ansatz: one that is native on the patch is taken as it is; any other is lowered.
        device: the chip, or the patch if ``qubits`` is left out.
        qubits: circuit qubit i stands on ``qubits[i]``.
        apart: one native angle for each of the ansatz's, instead of as many as its runs have.
    """
    patch = device if qubits is None else device.patch(qubits)
    native = ansatz if is_native(ansatz, patch) else patch.lower(ansatz, apart=apart)
    if isinstance(objective, Observable):
        return native
    return patch.lower(objective.encoder).append(native)


def batch(loss: Loss, size: int | None, seed: int, step: int) -> NDArray[np.int64]:
    """Samples of a step's mini-batch: each epoch passes through all in an order of its own.

    The order follows from the seed and the epoch's number; the last batch of an epoch is smaller
    where the size does not divide the number of samples.
    """
    n = loss.n_samples
    if size is None or size >= n:
        return np.arange(n)
    epoch, turn = divmod(step, -(-n // size))
    order = np.random.default_rng(step_seed(seed, epoch, "order")).permutation(n)
    return np.asarray(order[turn * size : (turn + 1) * size], dtype=np.int64)


def bound(objective: Objective) -> float:
    """A bound on second derivatives of it in an angle; of a loss that of its slope alone.

    |d2 f / da2| <= sum_k |c_k| for an expectation value, and the slope of the cross-entropy in
    all expectation values together is at most twice the largest logit.
    """
    if isinstance(objective, Observable):
        return objective.bound()
    largest = np.abs(objective.head) @ np.array([one.bound() for one in objective.observables])
    return float(2 * largest.max())


def check_circuit(circuit: Circuit, objective: Objective) -> None:
    """Raise InputError unless the circuit fits what is measured and the data it is fed."""
    (n_qubits,) = {one.n_qubits for one in observables_of(objective)}
    if circuit.n_qubits != n_qubits:
        raise InputError(
            f"the observables have {n_qubits} qubits, the circuit {circuit.n_qubits}: "
            "they must agree"
        )
    wanted = objective.encoder.n_inputs if isinstance(objective, Loss) else 0
    if circuit.n_inputs != wanted:
        raise InputError(
            f"the samples have {wanted} features, the circuit takes {circuit.n_inputs} data "
            "inputs: give encoder and ansatz together, as qas.train.trainable makes them"
        )
