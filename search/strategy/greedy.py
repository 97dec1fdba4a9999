"""Greedy growth: dressed CX blocks without noise, then every layout, then pruning under noise.

A circuit is a skeleton of CX gates with an RY on every wire of every CX. Growth adds the
block of one, two or three CX that lowers the noise-free energy most: for four-qubit H2 three
CX must arrive together, no shorter prefix gains anything. Each skeleton is then placed on
the layouts that couple its pairs, trained and pruned under the device's noise, and
refined with the insertion sweep of its native circuit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.action import axis_of
from qas.circuit import Circuit
from qas.problem import (
    NORMAL,
    QUICK,
    Candidate,
    Effort,
    Meter,
    Problem,
    Trial,
    dressed,
    minimise,
    ordered_pairs,
    prune,
    vary,
)
from qas.task import Classifier

GAIN, IDEAL_GAIN = 1e-4, 1e-7
"""Hartree that a block must gain to be kept, on a device and without noise."""
LONGEST = 3
"""CX in the longest block."""
TRIED = 48
"""Blocks tried per growth step; all of them where there are fewer."""
KEPT = 12
"""Skeletons placed per growth step."""
GAUGES = 4
"""Noise-free optima sought per placed skeleton: equal without noise, not with it."""
PRUNED = 3
"""Placements of a skeleton that are trained and pruned."""
INSERTED = 3
"""Gates that the insertion sweep may add to a pruned circuit."""
WORTH = 1e-5
"""Hartree that an inserted gate must gain."""
GROWTH = Effort(120, 1e-9, 1e-5)
Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Skeleton:
    """A dressed circuit, given by its CX, with its noise-free optimum."""

    pairs: Pairs
    energy: float
    """Hartree, without noise."""
    angles: tuple[float, ...]
    """Radians."""


class Greedy:
    """Rounds of growth from the empty skeleton, each followed by placements; see the module.

    A step either grows the round's skeleton by one block or places a waiting skeleton on
    the device. Rounds differ by their random starts and by the blocks that they try.
    """

    name = "greedy"

    def __init__(self, problem: Problem, seed: int) -> None:
        self.gain = IDEAL_GAIN if problem.device.is_ideal else GAIN
        self.seed, self.steps = seed, 0
        self.current: Skeleton | None = None
        self.queue: list[Skeleton] = []
        self.gained: dict[int, int] = {}
        self.best: float | None = None
        self.improved = True
        self.champion: tuple[float, Skeleton] | None = None

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """Place the best waiting skeleton, or grow when none is waiting."""
        rng = np.random.default_rng([self.seed, self.steps])
        self.steps += 1
        if self.steps == 1:
            return baseline(problem, meter)
        if self.queue:
            skeleton = self.queue.pop(0)
            trials = self._place(problem, skeleton, meter, rng)
            self._note(skeleton, trials)
            return trials
        if self.current is None or not self.improved:
            self.best, self.improved = None, True
            self.queue += [] if self.champion is None else [self.champion[1]]
            self.current = optimised(problem, (), meter, rng)
            self.queue.append(self.current)
        else:
            self._grow(problem, meter, rng)
        return []

    def _note(self, skeleton: Skeleton, trials: list[Trial]) -> None:
        """Remember whether the last growth paid on the device, and the best skeleton of all.

        A round ends where growth did not pay; the next one tries the best skeleton again,
        at other gauges.
        """
        for trial in trials:
            if self.champion is None or trial.energy < self.champion[0]:
                self.champion = trial.energy, skeleton
            if self.best is None or trial.energy < self.best - self.gain:
                self.best, self.improved = trial.energy, True

    def _grow(self, problem: Problem, meter: Meter, rng: np.random.Generator) -> None:
        """Add the best block of the shortest length that gains; else start a new round.

        Later rounds begin with the length that gained at as many CX before.
        """
        assert self.current is not None
        self.improved = False
        ground = problem.task.ground_energy
        solved = ground is not None and self.current.energy < ground + self.gain
        shortest = self.gained.get(len(self.current.pairs), 1)
        for length in () if solved else range(shortest, LONGEST + 1):
            children = self._children(problem, length, meter, rng)
            good = [c for c in children if c.energy < self.current.energy - self.gain]
            if good:
                good.sort(key=lambda child: child.energy)
                # Skeletons that are as good without noise may differ much on the device.
                best = [c for c in good if c.energy < good[0].energy + 10 * self.gain]
                self.queue += best[:KEPT]
                self.gained[len(self.current.pairs)] = length
                self.current = good[0]
                return
        self.current = None

    def _children(
        self, problem: Problem, length: int, meter: Meter, rng: np.random.Generator
    ) -> list[Skeleton]:
        assert self.current is not None
        limits, n = problem.limits, problem.n_qubits
        room = min(limits.two_qubit_gates, (limits.gates - n) // 3) - len(self.current.pairs)
        blocks = blocks_of(problem, length) if length <= room else []
        children: list[Skeleton] = []
        for index in rng.permutation(len(blocks)):
            if len(children) >= TRIED or meter.exhausted:
                break
            pairs = (*self.current.pairs, *blocks[index])
            if any(problem.fits(skeleton_circuit(problem, pairs), x) for x in problem.layouts):
                start = np.zeros(problem.n_qubits + 2 * len(pairs))
                start[: len(self.current.angles)] = self.current.angles
                start[len(self.current.angles) :] = rng.normal(0, 1.0, 2 * length)
                found = [optimised(problem, pairs, meter, rng, x) for x in (start, None)]
                children.append(min(found, key=lambda child: child.energy))
        return children

    def _place(
        self, problem: Problem, skeleton: Skeleton, meter: Meter, rng: np.random.Generator
    ) -> list[Trial]:
        """Trials of a skeleton at its best layouts and gauges, trained and pruned under noise."""
        circuit = skeleton_circuit(problem, skeleton.pairs)
        scored: list[tuple[float, tuple[int, ...], tuple[float, ...]]] = []
        for angles in self._gauges(problem, skeleton, meter, rng):
            fits = [layout for layout in problem.layouts if problem.fits(circuit, layout)]
            for layout in fits[:1] if problem.device.is_ideal else fits:
                if not meter.exhausted:
                    energy = problem.value(circuit, layout, angles, meter)[0]
                    scored.append((float(energy), layout, angles))
        trials: list[Trial] = []
        for _, layout, angles in sorted(scored)[:PRUNED]:
            if meter.exhausted:
                break
            trial = problem.score(Candidate(circuit, layout), meter, start=angles, effort=QUICK)
            trial = prune(problem, trial, meter, tolerance=1e-7, effort=QUICK)
            trial = vary(problem, trial, meter, effort=QUICK)
            trials.append(refine(problem, trial, meter))
        return trials

    def _gauges(
        self, problem: Problem, skeleton: Skeleton, meter: Meter, rng: np.random.Generator
    ) -> list[tuple[float, ...]]:
        """Angles that are as good as the skeleton's without noise, its own first."""
        found = [skeleton.angles]
        for _ in range(GAUGES if skeleton.pairs else 0):
            if not meter.exhausted:
                other = optimised(problem, skeleton.pairs, meter, rng)
                if other.energy < skeleton.energy + self.gain:
                    found.append(other.angles)
        return found

    def state_dict(self) -> dict[str, Any]:
        """Seed, counters, the growing skeleton and the waiting ones."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "current": None if self.current is None else _to_row(self.current),
            "gained": [list(pair) for pair in self.gained.items()],
            "best": self.best,
            "improved": self.improved,
            "champion": self.champion and [self.champion[0], _to_row(self.champion[1])],
            "queue": [_to_row(skeleton) for skeleton in self.queue],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
        self.current = None if state["current"] is None else _from_row(state["current"])
        self.gained = {int(pairs): int(length) for pairs, length in state["gained"]}
        self.best, self.improved = state["best"], bool(state["improved"])
        champion = state["champion"]
        self.champion = champion and (float(champion[0]), _from_row(champion[1]))
        self.queue = [_from_row(row) for row in state["queue"]]


def baseline(problem: Problem, meter: Meter) -> list[Trial]:
    """The empty circuit and Hartree-Fock's on the best layout: what growth has to beat."""
    circuits = [Circuit(problem.n_qubits), problem.task.hf_circuit()]
    return [
        problem.score(Candidate(circuit, problem.layouts[0]), meter)
        for circuit in circuits
        if circuit is not None and not meter.exhausted
    ]


def blocks_of(problem: Problem, length: int) -> list[Pairs]:
    """Every sequence of ``length`` ordered pairs that some layout couples."""
    pairs: set[tuple[int, int]] = set()
    for layout in problem.layouts:
        pairs.update(ordered_pairs(problem.patch(layout)))
    return [tuple(block) for block in product(sorted(pairs), repeat=length)]


def skeleton_circuit(problem: Problem, pairs: Pairs) -> Circuit:
    """RY on every qubit, then each CX with an RY on both wires behind it.

    Or what the gate pool has in its place (`qas.problem.pool.dressing`).
    """
    circuit, axis = Circuit(problem.n_qubits), axis_of(problem)
    for qubit in range(problem.n_qubits):
        circuit = circuit.then(axis, qubit)
    return dressed(circuit, pairs, axis)


def optimised(
    problem: Problem,
    pairs: Pairs,
    meter: Meter,
    rng: np.random.Generator,
    start: NDArray[np.float64] | None = None,
) -> Skeleton:
    """The skeleton with its noise-free optimum from ``start``, by default a random one."""
    circuit = skeleton_circuit(problem, pairs)
    first = rng.uniform(-np.pi, np.pi, circuit.n_params) if start is None else start
    energy, angles = minimise(problem.exact, circuit, problem.task.observable, first, meter, GROWTH)
    return Skeleton(pairs, energy, tuple(angles.tolist()))


def refine(problem: Problem, trial: Trial, meter: Meter) -> Trial:
    """Insert the native gate that the exact sweep names, a few times, while that pays.

    A loss has no such sweep; the trial stays.
    """
    if isinstance(problem.task, Classifier):
        return trial
    for _ in range(INSERTED):
        if meter.exhausted:
            break
        scores = problem.insertions(trial, meter)
        best = int(scores.best()[0])
        if scores.energy[best] > trial.energy - WORTH:
            break
        native, angles = scores.child(best)
        candidate = Candidate(native, trial.candidate.layout)
        child = problem.score(candidate, meter, native=native, start=angles, effort=NORMAL)
        if child.energy > trial.energy - WORTH:
            break
        trial = child
    return trial


def _to_row(skeleton: Skeleton) -> list[Any]:
    return [[list(p) for p in skeleton.pairs], skeleton.energy, list(skeleton.angles)]


def _from_row(row: list[Any]) -> Skeleton:
    pairs = tuple((int(a), int(b)) for a, b in row[0])
    return Skeleton(pairs, float(row[1]), tuple(float(v) for v in row[2]))
