"""What every backend promises: estimates with their error and their cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit
from qas.errors import InputError
from qas.task import Observable


@dataclass(frozen=True)
class Estimate:
    """Expectation values with their standard errors and what they cost."""

    mean: NDArray[np.float64]
    """Shape (batch,) for one observable, (batch, n_observables) for several; in the
    observable's unit."""
    stderr: NDArray[np.float64]
    """Standard error of each mean, same shape; zeros where the backend is exact."""
    shots: int = 0
    """Shots spent in total, mitigation included; 0 where the backend is exact."""
    circuits: int = 0
    """Circuits executed in total, measurement bases and mitigation included."""


def observable_list(
    observables: Observable | Sequence[Observable],
) -> tuple[list[Observable], bool]:
    """The observables as a list, and whether one alone was given.

    Raises:
        InputError: something else, such as a Qiskit operator.
    """
    if isinstance(observables, Observable):
        return [observables], True
    if isinstance(observables, Sequence) and all(isinstance(o, Observable) for o in observables):
        return list(observables), False
    raise InputError(
        f"observables must be a qas.Observable or several; given {type(observables).__name__}. "
        "Of a Qiskit operator: qas.Observable.of(op.paulis.to_labels(), op.coeffs.real)"
    )


def refuse_inputs(inputs: ArrayLike | None) -> None:
    """Raise InputError for data inputs: there are none, or a loss brings its own."""
    if inputs is not None:
        raise InputError(
            "this circuit has no data inputs, and a loss brings its samples; leave inputs out"
        )


@runtime_checkable
class Backend(Protocol):
    """Runs circuits. Nothing else in the project does."""

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        ...

    def estimate(
        self,
        circuit: Circuit,
        observables: Observable | Sequence[Observable],
        params: ArrayLike,
        inputs: ArrayLike | None = None,
    ) -> Estimate:
        """Expectation values of ``observables`` at every row of ``params``.

        Args:
            circuit: native, or un-lowered where the backend lowers itself.
            observables: one, or several measured on the same circuits.
            params: shape (batch, n_params), radians; one vector is a batch of one.
            inputs: shape (batch, n_inputs) of data inputs, for circuits that have them.

        Raises:
            InputError: shapes or qubit numbers that do not fit.
        """
        ...


@runtime_checkable
class DifferentiableBackend(Backend, Protocol):
    """A backend that also knows all gradients by one reverse sweep."""

    def value_and_grad(
        self, circuit: Circuit, observable: Observable, params: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Values, shape (batch,), and gradients, shape (batch, n_params), per radian."""
        ...
