"""What a request to a backend with finite shots costs, known before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable

from qas.circuit import Circuit
from qas.execute.backend import Backend
from qas.task import Observable


@dataclass(frozen=True)
class ShotCost:
    """Circuits, shots and jobs of one request, mitigation included."""

    circuits: int
    """Bindings x measurement bases x twirling randomisations, plus readout calibration."""
    shots: int
    """Shots of all those circuits together."""
    jobs: int = 1
    """Jobs submitted."""


@runtime_checkable
class ShotBackend(Backend, Protocol):
    """A backend with finite shots: priced in advance, reseeded for every request."""

    def cost(
        self, circuit: Circuit, observables: Observable | Sequence[Observable], n_rows: int
    ) -> ShotCost:
        """What `estimate` will spend on ``n_rows`` parameter vectors."""
        ...

    def with_seed(self, seed: int) -> Self:
        """The same backend whose simulated shots are drawn from ``seed``; hardware ignores it."""
        ...


def reseeded(backend: Backend, seed: int) -> Backend:
    """The backend with fresh shots of this seed, where it has shots."""
    return backend.with_seed(seed) if isinstance(backend, ShotBackend) else backend
