"""Many circuits that grow side by side, scored together in one call."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from envs.action import Action, ActionTable
from qas.circuit import Circuit, Population
from qas.device.population import lower_population
from qas.errors import InputError
from qas.execute import Extensions, SampledSimulator
from qas.problem import Candidate, Cost, Meter, Problem, Trial
from qas.problem.inner import InnerOptimiser, Scorer
from qas.problem.problem import Layout

Members = NDArray[np.intp]
"""Which circuits, by number."""
MOST_IN_A_ROW = 2
"""Dressed cx on one pair, nothing else in between: two make every real two-qubit gate."""


class Crowd:
    """``size`` circuits of a problem on one layout; all arrays have the members first.

    Angles are optimised under the device's noise by the inner optimiser whenever a circuit grew,
    from where they stood; those of a new rotation start at 0, or at their best values where the
    energies of all extensions are known. Kicks and shots draw from the generator that is passed in.

    Args:
        problem: what may be built and how it is scored.
        layout: physical qubits.
        actions: what may be appended.
        size: number of members.
        inner: optimises the angles.
        scorer: measures energies; the problem's own simulator of the layout.
        meter: charged with every energy.
        start: the circuit that every member begins with; the empty one.
        start_params: its angles, radians; zeros.
        blind: circuits stay as they are, not lowered to native gates; for a scorer without noise.
    """

    def __init__(
        self,
        problem: Problem,
        layout: Layout,
        actions: Sequence[Action],
        size: int,
        *,
        inner: InnerOptimiser,
        meter: Meter,
        scorer: Scorer | None = None,
        start: Circuit | None = None,
        start_params: ArrayLike | None = None,
        blind: bool = False,
    ) -> None:
        self.problem, self.layout, self.size = problem, layout, size
        self.table, self.inner, self.meter = ActionTable.of(actions), inner, meter
        self.scorer: Scorer = problem.simulator(layout) if scorer is None else scorer
        scorer = self.scorer
        self._exact = scorer.simulator if isinstance(scorer, SampledSimulator) else scorer
        self.start = Circuit(problem.n_qubits) if start is None else start
        self.blind = blind
        given = np.zeros(self.start.n_params) if start_params is None else start_params
        self._first = Population.of([self.start], [given])
        if not problem.fits(self.start, layout):
            raise InputError("the start joins qubits that share no edge on the layout")
        most, n = problem.limits.gates, problem.n_qubits
        if len(self.start.gates) >= most:
            raise InputError(f"the start has {len(self.start.gates)} gates, the limit is {most}")
        self.gates = np.full((size, most, 3), -1, dtype=np.int16)
        """Un-lowered gates, as in `Population`."""
        self.moments = np.zeros((size, most), dtype=np.int64)
        """Of each gate: the first one in which its qubits are free."""
        self.n_gates = np.zeros(size, dtype=np.int64)
        self.n_pairs = np.zeros(size, dtype=np.int64)
        self.levels = np.zeros((size, n), dtype=np.int64)
        """Moments that each wire has used."""
        self.chosen = np.full((size, most), -1, dtype=np.int64)
        """Actions in the order in which they were taken."""
        self.n_chosen = np.zeros(size, dtype=np.int64)
        self.energy = np.zeros(size)
        """Hartree, as the scorer measured it last."""
        self.evaluations = np.zeros(size, dtype=np.int64)
        """What the last scoring of each member took."""
        self.is_scored = np.zeros(size, dtype=np.bool_)
        """False where a member grew since its energy was measured."""
        self.playing = np.ones(size, dtype=np.bool_)
        """Whose episodes go on: of others no extension is scored."""
        self._last = np.full((size, n), -1, dtype=np.int64)
        self._mate = np.full((size, n), -1, dtype=np.int64)
        self._streak = np.zeros((size, n), dtype=np.int64)
        self._native: list[Population] = [self._first] * size
        self._extensions: Extensions | None = None
        self._begun: tuple[Population, float, int] | None = None

    # --- growing --------------------------------------------------------------------------

    def begin(self, members: Members, rng: np.random.Generator) -> None:
        """Put members back to the start, which is scored once, with draws of its own."""
        for table, empty in (
            (self.gates, -1), (self.moments, 0), (self.n_gates, 0), (self.n_pairs, 0),
            (self.levels, 0), (self.chosen, -1), (self.n_chosen, 0), (self._last, -1),
            (self._mate, -1), (self._streak, 0),
        ):  # fmt: skip
            table[members] = empty
        for gate in self._first.gates[0]:
            self._append(members, np.broadcast_to(gate, (len(members), 3)))
        if self._begun is None:
            found, best, spent = self._optimised(self._lowered(self._first), rng.spawn(1)[0])
            self._begun = best, float(found[0]), int(spent[0])
        native, self.energy[members], self.evaluations[members] = self._begun
        for member in members:
            self._native[member] = native
        self.is_scored[members], self.playing[members] = True, True
        self._extensions = None

    def extend(self, members: Members, actions: NDArray[np.integer]) -> None:
        """Append an action to each of some members; their energies are those of before."""
        native = _stacked([self._native[member] for member in members])
        ends, table = native.n_gates.copy(), self.table
        room = int((ends + table.sizes[actions]).max(initial=0))
        gates, angles, free = _padded(native, room)
        turns = self._best_angles(members, actions)
        seen = np.zeros(len(members), dtype=np.int64)
        for k in range(table.rows.shape[1]):
            live = np.flatnonzero(table.sizes[actions] > k)
            rows = table.rows[actions[live], k]
            self._append(members[live], rows)
            places, turning = (live, ends[live] + k), rows[:, 0] < 3
            gates[places], free[places] = rows, turning
            angles[places] = np.where(turning, turns[live, np.minimum(seen[live], 1)], 0.0)
            seen[live] += turning
        self.chosen[members, self.n_chosen[members]] = actions
        self.n_chosen[members] += 1
        grown = self._lowered(Population(self.problem.n_qubits, gates, angles, free))
        for at, member in enumerate(members):
            self._native[member] = grown[at : at + 1]
        self.is_scored[members], self._extensions = False, None

    def score(self, members: Members, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Optimise and score members; False for those that the budget no longer allows.

        The first one is always scored.
        """
        population = _stacked([self._native[member] for member in members])
        price = self.problem.task.observable.price
        least = np.cumsum((1 + 2 * population.n_params) * price)
        allowed = least <= self.meter.left
        allowed[:1] = True
        done = members[allowed]
        energy, best, spent = self._optimised(population[np.flatnonzero(allowed)], rng)
        for at, member in enumerate(done):
            self._native[member] = best[at : at + 1]
        self.energy[done], self.evaluations[done] = energy, spent
        self.is_scored[done], self._extensions = True, None
        return allowed

    def _lowered(self, population: Population) -> Population:
        if self.blind:
            return population
        return lower_population(population, self.problem.patch(self.layout))

    def _optimised(
        self, population: Population, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], Population, NDArray[np.int64]]:
        started, meter = time.perf_counter(), self.meter
        found = self.inner(
            self.scorer, population, self.problem.task.observable, rng,
            most=meter.left, deadline=meter.deadline,
        )  # fmt: skip
        spent = int(found.evaluations.sum())
        meter.charge(spent, started, sweeps=int(found.calls.sum()))
        return found.energy, population.with_angles(found.angles), found.evaluations

    def _append(self, members: Members, rows: NDArray[np.int16]) -> None:
        """Write one gate behind each member's last, shape (members, 3)."""
        a, pair = rows[:, 1].astype(np.int64), rows[:, 2] >= 0
        b, at = np.where(pair, rows[:, 2], rows[:, 1]).astype(np.int64), self.n_gates[members]
        self.gates[members, at] = rows
        moment = np.maximum(self.levels[members, a], self.levels[members, b])
        self.moments[members, at] = moment
        together = pair & (self._mate[members, a] == b) & (self._mate[members, b] == a)
        streak = np.where(
            together, np.minimum(self._streak[members, a], self._streak[members, b]) + 1, 1
        )
        joined, low, high = members[pair], a[pair], b[pair]
        for wire, other in ((low, high), (high, low)):
            self._mate[joined, wire], self._streak[joined, wire] = other, streak[pair]
        for wire in (a, b):
            self.levels[members, wire], self._last[members, wire] = moment + 1, at
        self.n_gates[members] += 1
        self.n_pairs[members] += pair

    # --- looking --------------------------------------------------------------------------

    def masks(self) -> NDArray[np.bool_]:
        """Which actions may come next, shape (size, n_actions).

        Illegal is what would pass a limit, a single gate that repeats the last one on its
        wires (`qas.problem.is_legal`), and a third dressed cx in a row on one pair.
        """
        table, limits = self.table, self.problem.limits
        a, b = table.wires.T
        last = self._last[:, a]
        there = (last == self._last[:, b]) & (last >= 0)
        before = self.gates[np.arange(self.size)[:, None], np.maximum(last, 0)]
        repeats = there & (before == table.rows[None, :, 0]).all(-1) & (table.sizes == 1)
        streak = np.minimum(self._streak[:, a], self._streak[:, b])
        mates = (self._mate[:, a] == b) & (self._mate[:, b] == a)
        idle = mates & (streak >= MOST_IN_A_ROW) & (table.sizes > 1) & (table.pairs == 1)
        room = self.n_gates[:, None] + table.sizes <= limits.gates
        pairs = self.n_pairs[:, None] + table.pairs <= limits.two_qubit_gates
        return np.asarray(room & pairs & ~repeats & ~idle)

    def extensions(self) -> Extensions:
        """Exact energies of every action on every playing member, at its best angles.

        Charged once for each circuit; infinite for members that do not play.
        """
        if self._extensions is None:
            shape = self.size, len(self.table)
            energy, angles = np.full(shape, np.inf), np.zeros((*shape, 2))
            if self.playing.any():
                self._extend_playing(energy, angles)
            self._extensions = Extensions(self.table.actions, energy, angles)
        return self._extensions

    def _extend_playing(self, energy: NDArray[np.float64], angles: NDArray[np.float64]) -> None:
        started, members = time.perf_counter(), np.flatnonzero(self.playing)
        native = _stacked([self._native[member] for member in members])
        observable, actions = self.problem.energy, self.table.actions
        found = self._exact.score_extensions(native, observable, actions)
        energy[members], angles[members] = found.energy, found.angles
        price = len(members) * int(self.table.prices.sum())
        self.meter.charge(price, started, sweeps=len(members))

    def gains(self) -> NDArray[np.float64]:
        """Hartree that each action alone would gain, 0 or more, shape (size, n_actions)."""
        gains: NDArray[np.float64] = self.energy[:, None] - self.extensions().energy
        return np.maximum(gains, 0.0)

    def _best_angles(self, members: Members, actions: NDArray[np.integer]) -> NDArray[np.float64]:
        if self._extensions is None:
            return np.zeros((len(members), 2))
        best: NDArray[np.float64] = self._extensions.angles[members, actions]
        return best

    # --- one member -----------------------------------------------------------------------

    def circuit(self, member: int) -> Circuit:
        """The un-lowered circuit of a member."""
        end = self.n_gates[member]
        gates = self.gates[member : member + 1, :end]
        free, angles = gates[:, :, 0] < 3, np.zeros((1, end))
        own = self._first.gates.shape[1]
        free[:, :own], angles[:, :own] = self._first.free, self._first.angles
        return Population(self.problem.n_qubits, gates, angles, free).circuit(0)[0]

    def native(self, member: int) -> Circuit:
        """The native circuit of a member, as it is scored."""
        return self._native[member].circuit(0)[0]

    def trial(self, member: int) -> Trial:
        """A member with its energy; scored anew where that is of before, blind or by shots."""
        native, params = self._native[member].circuit(0)
        candidate = Candidate(self.circuit(member), self.layout)
        if self.blind and not self.problem.device.is_ideal:
            return self.problem.score(candidate, self.meter, start=params)
        energy, spent = float(self.energy[member]), int(self.evaluations[member])
        if isinstance(self.scorer, SampledSimulator) or not self.is_scored[member]:
            energy = float(self.problem.value(native, self.layout, params, self.meter)[0])
        cost = Cost(spent, measurement_circuits=spent * self.meter.n_groups)
        return Trial(candidate, native, tuple(params.tolist()), energy, cost)


def _stacked(singles: Sequence[Population]) -> Population:
    """Populations one behind the other, padded to the longest."""
    longest = max(one.gates.shape[1] for one in singles)
    parts = [_padded(one, longest) for one in singles]
    gates, angles, free = (np.concatenate(tables) for tables in zip(*parts, strict=True))
    return Population(singles[0].n_qubits, gates, angles, free)


def _padded(
    population: Population, length: int
) -> tuple[NDArray[np.int16], NDArray[np.float64], NDArray[np.bool_]]:
    """Copies of a population's arrays with room for ``length`` gates."""
    count, kept = len(population), min(length, population.gates.shape[1])
    gates = np.full((count, length, 3), -1, dtype=np.int16)
    angles, free = np.zeros((count, length)), np.zeros((count, length), dtype=np.bool_)
    gates[:, :kept] = population.gates[:, :kept]
    angles[:, :kept], free[:, :kept] = population.angles[:, :kept], population.free[:, :kept]
    return gates, angles, free
