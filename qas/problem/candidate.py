"""Candidates, and trials: candidates with their score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit
from qas.errors import InputError
from qas.problem.cost import Cost


@dataclass(frozen=True)
class Candidate:
    """A circuit and where it runs: circuit qubit i is ``layout[i]`` of the chip."""

    circuit: Circuit
    """Un-lowered: what tables of the literature count."""
    layout: tuple[int, ...]
    """Physical qubits; their order matters."""

    def __post_init__(self) -> None:
        if len(self.layout) != self.circuit.n_qubits:
            raise InputError(
                f"a circuit of {self.circuit.n_qubits} qubits needs as many physical qubits; "
                f"given {list(self.layout)}"
            )


@dataclass(frozen=True)
class Trial:
    """A scored candidate: the native circuit that ran, its best angles, their energy."""

    candidate: Candidate
    native: Circuit
    """What was scored, is exported and is submitted; its rz angles are free."""
    params: tuple[float, ...]
    """Native angles, radians."""
    energy: float
    """Exact expectation under the gate noise of the device, hartree."""
    cost: Cost = Cost()
    """What finding the angles took."""

    @property
    def two_qubit_gates(self) -> int:
        """Of the native circuit."""
        return self.native.two_qubit_gates

    @cached_property
    def angles(self) -> NDArray[np.float64]:
        """The native angles as an array, shape (n_params,), radians."""
        return np.array(self.params, dtype=np.float64)

    @property
    def bound(self) -> Circuit:
        """The native circuit with its angles in place."""
        return self.native.bind(self.angles)

    @property
    def rank(self) -> tuple[float, int, int]:
        """Energy to a nanohartree, then two-qubit gates, then gates: smaller is better."""
        return round(self.energy, 9), self.two_qubit_gates, len(self.native.gates)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "circuit": self.candidate.circuit.to_json(),
            "physical_qubits": list(self.candidate.layout),
            "native": self.native.to_json(),
            "params": list(self.params),
            "energy": self.energy,
            "two_qubit_gates": self.two_qubit_gates,
            "cost": self.cost.to_dict(),
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Trial:
        """The trial that `to_dict` wrote.

        Raises:
            InputError: something is missing or does not fit together.
        """
        try:
            candidate = Candidate(
                Circuit.from_json(record["circuit"]),
                tuple(int(q) for q in record["physical_qubits"]),
            )
            native = Circuit.from_json(record["native"])
            params = tuple(float(value) for value in record["params"])
            trial = cls(candidate, native, params, float(record["energy"]), Cost(**record["cost"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"not a trial: {error}") from error
        if native.n_params != len(params):
            raise InputError(f"{len(params)} angles for {native.n_params} free gates")
        return trial


def pareto_front(trials: list[Trial]) -> list[Trial]:
    """Trials that no other beats in energy at as few two-qubit gates; best energy first."""
    front: list[Trial] = []
    fewest: int | None = None
    for trial in sorted(trials, key=lambda t: t.rank):
        if fewest is None or trial.two_qubit_gates < fewest:
            front.append(trial)
            fewest = trial.two_qubit_gates
    return front
