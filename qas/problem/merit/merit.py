"""The merits of a trial: everything that a search may want little of, as one record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.device.schedule import duration
from qas.device.success import success_probability
from qas.errors import InputError
from qas.problem.candidate import Trial
from qas.problem.merit.front import hypervolume
from qas.problem.merit.gradient import gradient_price
from qas.problem.problem import Problem
from qas.task import Loss

OBJECTIVES: dict[str, str] = {
    "energy": "noisy energy (or loss)",
    "worst": "highest energy of the standard and the pessimistic model and other days, the worst "
    "tenth of these aside",
    "spread": "that less the lowest",
    "two_qubit_gates": "two-qubit gates of the native circuit",
    "depth": "depth of the native circuit",
    "duration": "scheduled duration, seconds",
    "measurement_groups": "circuits that measure the observable once",
    "gradient_circuits": "circuits of one gradient by the cheapest exact rule that fits",
    "failure": "one minus the estimated probability of success",
}
"""What may be minimised, and what it is."""
USUAL = ("energy", "two_qubit_gates")
_ALIASES = {
    "loss": "energy",
    "cx": "two_qubit_gates",
    "success": "failure",
    "success_probability": "failure",
}
_PULSES = 5
"""Gates of the longest native run on a wire: rz sx rz sx rz."""


@dataclass(frozen=True)
class Merit:
    """What a trial is worth; all but the probability of success are better small."""

    energy: float
    """Hartree, exact expectation under the device's gate noise."""
    two_qubit_gates: int
    depth: int
    duration: float
    """Seconds from the first gate to the measurement; 0 on an ideal device."""
    measurement_groups: int
    """Circuits that measure the whole observable once."""
    gradient_circuits: int
    """Circuits of one gradient by the cheapest exact rule that fits: two for each free native
    angle and measurement group, or fewer where generators commute (`gradient_price`)."""
    success_probability: float
    """Estimated from the calibration, readout included: `qas.device.success`."""
    worst: float | None = None
    """Hartree; only of re-scored trials (`qas.problem.merit.robust`)."""
    spread: float | None = None
    """Hartree; only of re-scored trials."""

    @classmethod
    def of(
        cls,
        problem: Problem,
        trial: Trial,
        worst: float | None = None,
        spread: float | None = None,
    ) -> Merit:
        """The merits of a trial; nothing is simulated."""
        patch, native = problem.patch(trial.candidate.layout), trial.native
        groups = problem.task.observable.n_groups
        return cls(
            energy=trial.energy,
            two_qubit_gates=native.two_qubit_gates,
            depth=native.depth,
            duration=duration(native, patch),
            measurement_groups=groups,
            gradient_circuits=gradient_price(native, problem.task.observable).circuits,
            success_probability=success_probability(native, patch),
            worst=worst,
            spread=spread,
        )

    @property
    def failure(self) -> float:
        """One minus the probability of success."""
        return 1.0 - self.success_probability

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers by name."""
        return asdict(self)


def parse_objectives(text: str) -> tuple[str, ...]:
    """Names of objectives, by commas, each once.

    Raises:
        InputError: none, an unknown one, or one twice.

    >>> parse_objectives("energy, cx, duration")
    ('energy', 'two_qubit_gates', 'duration')
    """
    names = tuple(_ALIASES.get(part.strip(), part.strip()) for part in text.split(","))
    check_objectives(names)
    return names


def check_objectives(names: Sequence[str]) -> None:
    """Raise InputError unless these are different known objectives, one at least."""
    known = ", ".join(OBJECTIVES)
    for name in names:
        if name not in OBJECTIVES:
            raise InputError(f"unknown objective {name!r:.40}; objectives are {known}")
    if not names or len(set(names)) != len(names):
        raise InputError(f"name each objective once, of {known}; given {', '.join(names)!r}")


def points(merits: Sequence[Merit], names: Sequence[str]) -> NDArray[np.float64]:
    """Objectives of each merit, all to be minimised, shape (n, names).

    Energies are rounded to a nanohartree, durations to a picosecond: below that, optimisers
    and the order of sums decide.

    Raises:
        InputError: an unknown objective, or one that needs re-scored trials.
    """
    check_objectives(names)
    rows = np.empty((len(merits), len(names)))
    for row, merit in zip(rows, merits, strict=True):
        values = [getattr(merit, name) for name in names]
        if None in values:
            missing = names[values.index(None)]
            raise InputError(f"{missing} is known of re-scored trials alone: see `rescored`")
        row[:] = [
            round(v, 12 if name == "duration" else 9) for name, v in zip(names, values, strict=True)
        ]
    return rows


@dataclass(frozen=True)
class Box:
    """Between which bounds objectives are scaled to 0..1 for a hypervolume.

    It depends on the task, device and limits alone, so that campaigns compare.
    """

    names: tuple[str, ...]
    best: tuple[float, ...]
    """Ground energy (else a lower bound of it), zero of everything else."""
    worst: tuple[float, ...]
    """The reference point: Hartree-Fock's noisy energy, the largest circuit within the limits."""

    @classmethod
    def of(cls, problem: Problem, names: Sequence[str], hartree_fock: float | None) -> Box:
        """The box of a problem.

        Args:
            problem: task, device, limits.
            names: objectives.
            hartree_fock: energy of the Hartree-Fock circuit under the noise, hartree; None:
                that of the maximally mixed state stands in.
        """
        check_objectives(names)
        low, high = _energies(problem, hartree_fock)
        pairs, n = problem.limits.two_qubit_gates, problem.n_qubits
        groups = problem.task.observable.n_groups
        depth = pairs + _PULSES * (pairs + 1)
        bounds: dict[str, tuple[float, float]] = {
            **dict.fromkeys(("energy", "worst"), (low, high)),
            "spread": (0.0, high - low),
            "two_qubit_gates": (0.0, pairs + 1.0),
            "depth": (0.0, depth + 1.0),
            "duration": (0.0, _longest(problem)),
            "measurement_groups": (0.0, groups + 1.0),
            "gradient_circuits": (0.0, 2.0 * groups * 3 * (n + 2 * pairs) + 1),
            "failure": (0.0, 1.0),
        }
        chosen = [bounds[name] for name in names]
        return cls(tuple(names), tuple(b for b, _ in chosen), tuple(w for _, w in chosen))

    def scaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Objectives, shape (n, names), so that the best is 0 and the reference 1."""
        low, high = np.array(self.best), np.array(self.worst)
        result: NDArray[np.float64] = (values - low) / np.where(high > low, high - low, 1.0)
        return result

    def hypervolume(self, values: NDArray[np.float64]) -> float:
        """Share of the box that the points dominate, 0..1; (n, names) objectives come in."""
        scaled = np.maximum(self.scaled(values), 0.0)
        return hypervolume(scaled, np.ones(len(self.names)))

    def to_dict(self) -> dict[str, Any]:
        """Best and reference value of each objective."""
        ends = zip(self.names, self.best, self.worst, strict=True)
        return {name: [best, worst] for name, best, worst in ends}


def _energies(problem: Problem, hartree_fock: float | None) -> tuple[float, float]:
    """Energy that nothing goes below, and the one from which on a circuit is worth something."""
    observable = problem.task.observable
    if isinstance(observable, Loss):
        return 0.0, math.log(len(observable.head))  # knowing all, and knowing nothing
    constant = dict(zip(observable.paulis, observable.coeffs, strict=True)).get(
        "I" * observable.n_qubits, 0.0
    )
    low = problem.task.ground_energy
    low = constant - (observable.bound() - abs(constant)) if low is None else low
    return low, constant if hartree_fock is None else hartree_fock


def _longest(problem: Problem) -> float:
    """Seconds of a circuit at the limit, one gate after the other, on the slowest gates."""
    slowest = [0.0, 0.0]
    for gate in problem.device.gates:
        width = len(gate.qubits) - 1
        slowest[width] = max(slowest[width], gate.duration)
    pairs = problem.limits.two_qubit_gates
    return pairs * slowest[1] + 2 * (pairs + 1) * slowest[0] or 1.0
