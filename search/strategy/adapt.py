"""Qubit-ADAPT: grown by the Pauli rotation of steepest gradient, all angles re-optimised.

From the best basis state the rotation exp(-i t/2 P) of the pool whose energy has the steepest
slope at t = 0 is appended, as cx along coupled qubits and one ry; then all angles are
optimised. Runs after the first draw among rotations that are about as steep, on a device each
on a layout of its own, whose couplings its cx follow.

Source: Tang et al., PRX Quantum 2, 020310 (2021), arXiv 1911.10205.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit, Gate, Population
from qas.problem import Limits, Meter, Problem, Trial, ordered_pairs
from qas.task import Task
from search.strategy.judge import Judge
from search.strategy.ladder import excitations, rotation, shortest_paths, simplified
from search.strategy.strategy import START, Tally

FLAT = 1e-4
"""Hartree per radian: where no slope is steeper, a run ends."""
EQUAL = 1e-5
"""Share by which slopes may differ that are equal by symmetry."""
STEEP = 0.3
"""Slopes of at least this share of the steepest are drawn from, in runs after the first."""
COMPILED = 16
"""Equally steep rotations that are compiled to see which takes the fewest gates, at most."""
GROWN = replace(START, kicks=(0.0, START.kicks[-1]))
"""From the best angle of the new rotation, and from anywhere."""


class Slopes(NamedTuple):
    """The energy behind each rotation of the pool is a + b cos t + c sin t."""

    steepness: NDArray[np.float64]
    """|c|, hartree per radian, shape (rotations,)."""
    angle: NDArray[np.float64]
    """Where the energy is lowest, radians, shape (rotations,)."""


class Pool(NamedTuple):
    """The rotations, compiled for the couplings of a layout."""

    gates: tuple[tuple[Gate, ...], ...]
    tails: Population
    """Each at 90 degrees, each at -90 degrees, and nothing."""


@dataclass(frozen=True)
class Run:
    """Where a run stands."""

    layout: int
    """Number of the layout whose couplings the cx follow."""
    chosen: tuple[int, ...] = ()
    """Rotations, by their numbers in the pool."""
    angles: tuple[float, ...] = ()
    """Radians, without noise."""


class QubitADAPT:
    """Runs from the best basis state, one a step; the first always takes the steepest."""

    name = "adapt"

    def __init__(self, problem: Problem, seed: int) -> None:
        self.start = basis_state(problem.molecule, problem.limits)
        self.seed, self.runs = seed, 0
        self.judge, self.tally = Judge(), Tally()
        self._pools: dict[int, Pool] = {}

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """A run, until no rotation leads on."""
        rng = np.random.default_rng([self.seed, self.runs])
        layout = 0 if self.runs == 0 else int(rng.integers(len(problem.layouts)))
        run, trials = Run(layout), []
        while True:
            if run.chosen or self.runs == 0 or not self._has_room(problem, run, meter):
                run, found = self._trained(problem, run, meter, rng)
                trials += found
            if meter.exhausted or not self._has_room(problem, run, meter):
                break
            slopes = self._slopes(problem, run, meter)
            number = self._choice(problem, run, slopes, rng)
            if number is None:
                break
            angles = *run.angles, float(slopes.angle[number])
            run = Run(layout, (*run.chosen, number), angles)
        self.runs += 1
        return trials

    def _has_room(self, problem: Problem, run: Run, meter: Meter) -> bool:
        """True if the budget has room for the slopes of all rotations."""
        return meter.left >= len(self._pool(problem, run.layout).tails)

    def _trained(
        self, problem: Problem, run: Run, meter: Meter, rng: np.random.Generator
    ) -> tuple[Run, list[Trial]]:
        """The run at its best angles, and what was news."""
        circuit = self._circuit(problem, run.layout, run.chosen)
        self.tally.proposed += 1
        self.tally.seen.add(_number(circuit))
        population = Population.of([circuit], [run.angles])
        fits = [k for k, layout in enumerate(problem.layouts) if problem.fits(circuit, layout)]
        verdict = self.judge.judge(problem, population, [fits], meter, rng, GROWN)
        trained = verdict.population
        angles = tuple(trained.angles[0][trained.free[0]].tolist())
        return replace(run, angles=angles), verdict.trials

    # --- the pool -------------------------------------------------------------------------

    def _pool(self, problem: Problem, layout: int) -> Pool:
        """The rotations on the couplings of a layout."""
        if layout not in self._pools:
            pairs = ordered_pairs(problem.patch(problem.layouts[layout]))
            self._pools[layout] = pool_of(problem.n_qubits, pairs)
        return self._pools[layout]

    def _circuit(self, problem: Problem, layout: int, chosen: Sequence[int]) -> Circuit:
        rotations = self._pool(problem, layout).gates
        gates = (gate for number in chosen for gate in rotations[number])
        return simplified(Circuit(problem.n_qubits, (*self.start.gates, *gates)))

    def _slopes(self, problem: Problem, run: Run, meter: Meter) -> Slopes:
        """Of all rotations, from the values at +-90 degrees and at none."""
        started, tails = time.perf_counter(), self._pool(problem, run.layout).tails
        circuit = self._circuit(problem, run.layout, run.chosen)
        tried = appended(circuit, run.angles, tails)
        energy = problem.exact.values(tried, problem.task.observable)
        meter.charge(len(energy), started, sweeps=len(energy))
        plus, minus = energy[:-1].reshape(2, -1)
        slope = (plus - minus) / 2
        return Slopes(np.abs(slope), np.arctan2(-slope, (plus + minus) / 2 - energy[-1]))

    def _choice(
        self, problem: Problem, run: Run, slopes: Slopes, rng: np.random.Generator
    ) -> int | None:
        """The steepest rotation, later one of the steep; None where none leads on.

        Of equally steep ones, as symmetry makes them, one that takes the fewest gates.
        """
        steepness = slopes.steepness
        order = rng.permutation(len(steepness))
        if self.runs == 0:
            order = order[np.argsort(-steepness[order], kind="stable")]
        else:
            order = order[steepness[order] >= STEEP * steepness.max(initial=0.0)]
        order = order[steepness[order] > FLAT]
        while len(order):
            equal = np.abs(steepness[order] - steepness[order[0]]) <= EQUAL * steepness[order[0]]
            found = self._shortest(problem, run, order[equal][:COMPILED].tolist())
            if found is not None:
                return found
            order = order[~equal]
        return None

    def _shortest(self, problem: Problem, run: Run, numbers: list[int]) -> int | None:
        """The rotation that makes the smallest circuit within the limits, a new one if there is."""
        limits, best, found = problem.limits, (True, np.inf, np.inf), None
        for number in numbers:
            circuit = self._circuit(problem, run.layout, [*run.chosen, number])
            pairs, gates = circuit.two_qubit_gates, len(circuit.gates)
            size = _number(circuit) in self.tally.seen, pairs, gates
            if pairs <= limits.two_qubit_gates and gates <= limits.gates and size < best:
                best, found = size, number
        return found

    # --- state ----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Seed and number of runs: each has its own stream."""
        return {
            "seed": self.seed,
            "runs": self.runs,
            "tally": self.tally.to_dict(),
            "judge": self.judge.to_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.runs = int(state["seed"]), int(state["runs"])
        self.tally = Tally.from_dict(state["tally"])
        self.judge = Judge.from_dict(state["judge"])


def pool_of(n_qubits: int, pairs: tuple[tuple[int, int], ...]) -> Pool:
    """Every rotation of `excitations` that coupled pairs can carry."""
    paths = shortest_paths(n_qubits, pairs)
    reachable = (p for p in excitations(n_qubits) if all(q in paths[p[0][0]] for q, _ in p))
    gates = tuple(rotation(pauli, paths) for pauli in reachable)
    circuits = [Circuit(n_qubits, own) for own in gates]
    quarter = [[sign * np.pi / 2] for sign in (1, -1) for _ in gates]
    return Pool(gates, Population.of([*circuits, *circuits, Circuit(n_qubits)], [*quarter, []]))


def appended(circuit: Circuit, angles: Sequence[float], tails: Population) -> Population:
    """The circuit at its angles, followed by each of the tails at theirs."""
    head = Population.of([circuit], [angles])[np.zeros(len(tails), dtype=np.intp)]
    return Population(
        circuit.n_qubits,
        np.concatenate([head.gates, tails.gates], axis=1),
        np.concatenate([head.angles, tails.angles], axis=1),
        np.concatenate([head.free, tails.free], axis=1),
    )


def basis_state(task: Task, limits: Limits) -> Circuit:
    """X gates that prepare Hartree-Fock's state, or where it is unknown a low basis state.

    That one is reached from |0...0> by turning the one or two bits that lower the energy most,
    until none do. Within the limits of the problem, else nothing.
    """
    circuit = task.hf_circuit()
    if circuit is None:
        circuit = Circuit(task.n_qubits)
        for qubit in _descended(task):
            circuit = circuit.then("x", qubit)
    return circuit if len(circuit.gates) <= limits.gates else Circuit(task.n_qubits)


def _descended(task: Task) -> list[int]:
    """Qubits that are 1 in a basis state that no one or two flips lower."""
    qubits = range(task.n_qubits)
    flips = [frozenset(own) for size in (1, 2) for own in combinations(qubits, size)]
    ones, energy = frozenset[int](), _basis_energy(task, frozenset())
    while flips:
        lower, found = min(
            (_basis_energy(task, ones ^ flip), sorted(ones ^ flip)) for flip in flips
        )
        if lower >= energy:
            break
        ones, energy = frozenset(found), lower
    return sorted(ones)


def _basis_energy(task: Task, ones: frozenset[int]) -> float:
    bits = "".join("1" if q in ones else "0" for q in reversed(range(task.n_qubits)))
    return task.observable.basis_energy(bits)


def _number(circuit: Circuit) -> int:
    return int(circuit.id[:16], 16)
