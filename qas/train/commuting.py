"""All slopes from few circuits, where the generators of a circuit commute.

Clifford gates carried to the front, a circuit is a row of rotations exp(-i a G / 2) by Pauli
strings G. The slope of <P> in an angle, P a Pauli string that anticommutes with its G, is the
expectation value of the string i G P at the end of the *same* circuit if G commutes with every
later generator; where G commutes with P it is 0. For one P all i G P commute, so that a Clifford
circuit behind it makes them readable from the same shots: *one* circuit for all parameters.

If a generator anticommutes with some later ones, F, an ancilla in |+> turns these the other way
round in its |1> branch, rotations exp(-i a Z G / 2) in place of exp(-i a G / 2): a Hadamard test.
The slope is <X i G P>, or <Y G P> where G and P commute. Parameters with the same F share a
circuit, since all of these strings commute. In a circuit of B blocks F depends on the block only:
B circuits for each P.

Source: Bowles, Wierichs, Park, Quantum 9, 1873 (2025); they read the strings with X and with Y on
the ancilla from separate circuits, hence their 2 B - 1. Exact where gates are: noise does not
commute with the generators, so that on a device the strings give a slope near the noisy one.

Searching among such circuits: every circuit of rx and cx has generators of X and I alone (rxx is
cx, rx, cx), so that the gate pool ``("rx", "cx")`` needs one circuit for each P, and
`is_commuting` tells it of any circuit. What that pool reaches is limited: from |0...0> its states
are even superpositions of all products of X states, with free phases, in which every string of X
and I but the identity has mean 0. Such is the XX of H2: what is left of its energy is diagonal,
and cannot fall below the best basis state (-1.836968 hartree without nuclear repulsion), though
ry and one cx, another commuting circuit, reach the ground state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Gate
from qas.circuit.tableau import Strings, diagonaliser, is_clifford
from qas.errors import InputError
from qas.execute.backend import Backend, Estimate
from qas.task import Observable

Reals = NDArray[np.float64]
RULES = ("shift", "commuting", "blocks", "spsa")
_LETTER = {"rx": "X", "ry": "Y", "rz": "Z", "t": "Z", "tdg": "Z"}


@dataclass(frozen=True)
class Reading:
    """One circuit, and the slopes that are read from its shots."""

    circuit: Circuit
    """The circuit, an ancilla behind its qubits where one is needed, and the diagonaliser."""
    observables: tuple[Observable, ...]
    """Measured together, qubit by qubit: a share of one parameter's slope each."""
    params: tuple[int, ...]
    """Which parameter each observable belongs to."""


@dataclass(frozen=True)
class CommutingPlan:
    """Circuits whose expectation values are all entries of a gradient.

    >>> import qas
    >>> circuit = Circuit(2).then("rx", 0).then("rx", 1).then("rxx", 0, 1)
    >>> zz = Observable.of(["ZZ", "IZ"], [1.0, 0.5])
    >>> plan = commuting_gradient(circuit, zz)
    >>> len(plan.readings)
    2
    >>> gradient, _ = plan.combine(plan.run(qas.ExactSimulator(), [0.1, 0.2, 0.3]))
    >>> value, slope = qas.ExactSimulator().value_and_grad(circuit, zz, [0.1, 0.2, 0.3])
    >>> bool(np.allclose(gradient, slope))
    True
    """

    n_params: int
    """Parameters of the circuit."""
    readings: tuple[Reading, ...]
    """One circuit each; its free angles are those of the circuit, in their order."""

    @property
    def evaluations(self) -> int:
        """Circuits of one gradient; the value itself is not among them."""
        return len(self.readings)

    def run(
        self, backend: Backend, params: ArrayLike, inputs: ArrayLike | None = None
    ) -> list[Estimate]:
        """Each reading's estimate, at rows of angles and data inputs; see `Backend.estimate`."""
        return [
            backend.estimate(one.circuit, one.observables, params, inputs) for one in self.readings
        ]

    def combine(self, estimates: Sequence[Estimate]) -> tuple[Reals, Reals]:
        """Gradient and its standard errors, both (batch, n_params), per radian.

        Parameters in no reading have slope 0.

        Raises:
            InputError: another number of estimates.
        """
        if len(estimates) != len(self.readings):
            raise InputError(f"the plan has {len(self.readings)} readings; given {len(estimates)}")
        batch = len(estimates[0].mean) if estimates else 1
        slope, variance = np.zeros((batch, self.n_params)), np.zeros((batch, self.n_params))
        for one, found in zip(self.readings, estimates, strict=True):
            slope[:, one.params] += found.mean
            variance[:, one.params] += found.stderr**2
        return slope, np.sqrt(variance)


def commuting_gradient(
    circuit: Circuit, observable: Observable, *, ancilla: bool = True
) -> CommutingPlan:
    """The plan of all slopes of an expectation value.

    Args:
        circuit: any gates; data inputs and angles that are no quarter turns count as rotations
            that are not trained.
        observable: its strings share circuits where all that is read from them commutes.
        ancilla: allow circuits with one qubit more, where generators anticommute.

    Raises:
        InputError: without ``ancilla``, generators that anticommute.
    """
    rotations = Rotations.of(circuit)
    groups = rotations.flips()
    if not ancilla:
        _require_commuting(rotations, groups)
    readings: list[Reading] = []
    for flipped, members in groups.items():
        for family in _families(rotations, members, flipped, observable):
            readings.append(_reading(rotations, flipped, family))
    return CommutingPlan(circuit.n_params, tuple(readings))


def gradient_circuits(circuit: Circuit, observable: Observable, rule: str) -> int:
    """Circuits that one gradient takes by a rule, measurement bases included.

    ``shift``: two for each angle; ``commuting``: no ancilla; ``blocks``: with one; ``spsa``: two
    in all. The value at the unshifted angles is not counted.

    Raises:
        InputError: an unknown rule, or ``commuting`` for generators that do not commute.

    >>> circuit = Circuit(2).then("rx", 0).then("rx", 1).then("rxx", 0, 1)
    >>> z = Observable.of(["IZ"], [1.0])
    >>> [gradient_circuits(circuit, z, rule) for rule in RULES]
    [6, 1, 1, 2]
    """
    if rule not in RULES:
        raise InputError(f"no rule {rule!r}; there are {', '.join(RULES)}")
    if rule in ("shift", "spsa"):
        return 2 * (circuit.n_params if rule == "shift" else 1) * observable.n_groups
    return commuting_gradient(circuit, observable, ancilla=rule == "blocks").evaluations


def is_commuting(circuit: Circuit) -> bool:
    """True if no trained generator anticommutes with a later one: no ancilla is needed.

    >>> is_commuting(Circuit(2).then("rx", 0).then("cx", 0, 1).then("rx", 1))
    True
    >>> is_commuting(Circuit(1).then("rx", 0).then("rz", 0))
    False
    """
    return all(not flipped for flipped in Rotations.of(circuit).flips())


@dataclass(frozen=True)
class Rotations:
    """The rotations of a circuit, and their generators as they stand at its end."""

    circuit: Circuit
    places: tuple[int, ...]
    """Position in the circuit of each gate that is not Clifford."""
    generators: Strings
    """Of each, with the Clifford gates behind it carried to the front."""

    @classmethod
    def of(cls, circuit: Circuit) -> Rotations:
        """The rotations of any circuit."""
        places: list[int] = []
        letters: list[str] = []
        strings = Strings.of(["I" * circuit.n_qubits])[[]]
        for place, gate in enumerate(circuit.gates):
            if is_clifford(gate):
                strings = strings.through([gate])
                continue
            letters = ["I"] * circuit.n_qubits
            letters[-1 - gate.qubits[0]] = _LETTER[gate.name]
            strings = strings.join(Strings.of(["".join(letters)]))
            places.append(place)
        return cls(circuit, tuple(places), strings)

    def flips(self) -> dict[tuple[int, ...], list[tuple[int, int]]]:
        """Trained rotations by the later ones that they anticommute with, first ones first.

        {positions in the circuit: [(number of the parameter, row of its generator), ...]}
        """
        against = self.generators.anticommute(self.generators)
        found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        free = [r for r, place in enumerate(self.places) if self.circuit.gates[place].is_free]
        for number, row in enumerate(free):
            later = row + 1 + np.flatnonzero(against[row, row + 1 :])
            key = tuple(self.places[k] for k in later)
            found.setdefault(key, []).append((number, row))
        return found


@dataclass
class _Family:
    """Commuting strings that one circuit reads, with what each is worth to which parameter."""

    strings: Strings
    shares: list[tuple[int, float]]


def _families(
    rotations: Rotations,
    members: list[tuple[int, int]],
    flipped: tuple[int, ...],
    observable: Observable,
) -> list[_Family]:
    """What the slopes of these parameters are read from, in as few commuting sets as come by."""
    numbers = np.array([number for number, _ in members])
    generators = rotations.generators[[row for _, row in members]]
    families: list[_Family] = []
    for pauli, coeff in zip(observable.paulis, observable.coeffs, strict=True):
        term = Strings.of([pauli])
        against = generators.anticommute(term)[:, 0]
        kept = np.arange(len(numbers)) if flipped else np.flatnonzero(against)
        if not len(kept) or set(pauli) == {"I"}:
            continue
        strings = generators[kept].times(term)
        if flipped:
            strings = _with_ancilla(strings, against)
        shares = [(int(k), coeff) for k in numbers[kept]]
        for family in families:
            if not family.strings.anticommute(strings).any():
                family.strings = family.strings.join(strings)
                family.shares += shares
                break
        else:
            families.append(_Family(strings, shares))
    return families


def _with_ancilla(strings: Strings, against: NDArray[np.bool_]) -> Strings:
    """X on the ancilla where generator and term anticommute, Y where they commute."""
    x = np.column_stack([strings.x, np.ones(len(strings), dtype=bool)])
    return Strings(x, np.column_stack([strings.z, ~against]), strings.minus)


def _reading(rotations: Rotations, flipped: tuple[int, ...], family: _Family) -> Reading:
    base = _branched(rotations.circuit, flipped) if flipped else rotations.circuit
    change = diagonaliser(family.strings)
    read = family.strings.through(change)
    parts: dict[int, tuple[list[str], list[float]]] = {}
    for pauli, minus, (number, coeff) in zip(read.paulis, read.minus, family.shares, strict=True):
        paulis, coeffs = parts.setdefault(number, ([], []))
        paulis.append(pauli)
        coeffs.append(-coeff if minus else coeff)
    return Reading(
        Circuit(base.n_qubits, base.gates + change),
        tuple(Observable.of(*part) for part in parts.values()),
        tuple(parts),
    )


def _branched(circuit: Circuit, flipped: tuple[int, ...]) -> Circuit:
    """With an ancilla in |+>, in whose |1> branch the rotations at these positions turn back."""
    ancilla, gates = circuit.n_qubits, [Gate("h", (circuit.n_qubits,))]
    turn_back = set(flipped)
    for place, gate in enumerate(circuit.gates):
        if place not in turn_back:
            gates.append(gate)
            continue
        if not gate.is_rotation:
            gate = Gate("rz", gate.qubits, pi / 4 if gate.name == "t" else -pi / 4)
        pair = Gate("cz" if gate.name == "rx" else "cx", (ancilla, gate.qubits[0]))
        gates += [pair, gate, pair]
    return Circuit(ancilla + 1, tuple(gates))


def _require_commuting(
    rotations: Rotations, groups: dict[tuple[int, ...], list[tuple[int, int]]]
) -> None:
    for flipped, members in groups.items():
        if flipped:
            place = rotations.places[members[0][1]]
            raise InputError(
                f"the generators of the rotations at positions {place} and {flipped[0]} "
                "anticommute: allow an ancilla, or search among circuits of rx and cx"
            )
