"""What a step costs: circuits, shots, jobs, and an estimate of seconds on the machine.

A machine is estimated to be busy for 2 s a job, and for every shot the circuit, the readout and
the delay before the next one (IBM Quantum documentation, "Workload usage": overhead +
(rep_delay + circuit length) * executions; its own quick estimate is 2 + 0.00035 * executions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from qas.circuit import Circuit
from qas.device import Device
from qas.device.lowering import is_native
from qas.device.schedule import duration
from qas.errors import InputError
from qas.execute.backend import Backend, Estimate
from qas.execute.cost import ShotBackend
from qas.task import Observable

JOB_SECONDS = 2.0
"""Overhead of a job, as IBM's documentation estimates it."""
REPETITION_DELAY = 250e-6
"""Seconds between shots: default_rep_delay of IBM's machines and of their snapshots."""
READOUT = 5e-6
"""Seconds of a measurement: 1.6 us (FakeTorino) to 5.4 us (FakeManilaV2)."""


@dataclass(frozen=True)
class Cost:
    """What was or will be spent; costs add up."""

    circuits: int = 0
    """Circuits executed, bases and mitigation included; of an exact simulator those that a
    machine would have to execute."""
    shots: int = 0
    """Of all of them; 0 where the backend is exact."""
    jobs: int = 0
    qpu_seconds: float = 0.0
    """Estimated, see `qas.train.cost`."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.circuits + other.circuits,
            self.shots + other.shots,
            self.jobs + other.jobs,
            self.qpu_seconds + other.qpu_seconds,
        )


def price(
    backend: Backend, circuit: Circuit, observables: Sequence[Observable], n_rows: int
) -> Cost:
    """What measuring the observables at so many bindings in one request will cost."""
    if isinstance(backend, ShotBackend):
        known = backend.cost(circuit, observables, n_rows)
        return _timed(backend, circuit, known.circuits, known.shots, known.jobs)
    return Cost(n_rows * _n_groups(tuple(observables)), 0, 1, 0.0)


def paid(backend: Backend, circuit: Circuit, expected: Cost, estimate: Estimate) -> Cost:
    """What a request did cost: as the backend says, where it counts."""
    if not isinstance(backend, ShotBackend):
        return expected
    return _timed(backend, circuit, int(estimate.circuits), int(estimate.shots), expected.jobs)


def with_shots(backend: Backend, shots: int) -> Backend:
    """The same backend with another number of shots.

    Raises:
        InputError: it has none, or cannot change them.
    """
    change = getattr(backend, "with_shots", None)
    if change is None or not isinstance(backend, ShotBackend):
        raise InputError(f"{backend.name} has no number of shots that could be changed")
    made: Backend = change(shots)
    return made


def device_of(backend: Backend) -> Device | None:
    """The patch whose calibration a backend stands for, where it has one."""
    for path in (("device",), ("simulator", "device"), ("chip", "patch")):
        found: Any = backend
        for name in path:
            found = getattr(found, name, None)
        if isinstance(found, Device):
            return found
    return None


def _timed(backend: Backend, circuit: Circuit, circuits: int, shots: int, jobs: int) -> Cost:
    shot = _length(circuit, device_of(backend)) + READOUT + REPETITION_DELAY
    return Cost(circuits, shots, jobs, shots * shot + jobs * JOB_SECONDS)


@lru_cache(maxsize=64)
def _length(circuit: Circuit, device: Device | None) -> float:
    """Seconds of the circuit; 0 where no calibration is at hand: at most 1% of a shot."""
    if device is None or circuit.n_qubits > device.n_qubits:
        return 0.0
    native = circuit if is_native(circuit, device) else device.lower(circuit)
    return duration(native, device)


@lru_cache(maxsize=64)
def _n_groups(observables: tuple[Observable, ...]) -> int:
    return Observable.union(observables).n_groups
