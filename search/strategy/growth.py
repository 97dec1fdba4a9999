"""Words grown by ladders: letters and the same again backwards, which change nothing there.

A cx dressed with rotations at zero and the same once more undo each other, and so do two or three
letters and the same backwards. The rotations between the two halves then turn by the Pauli string
that the cx make of theirs: what moves one electron, two, or two where another two are, without
moving anything else. Which string, and where, is read off the slopes, as ADAPT chooses operators
(Grimsley et al., Nat. Commun. 10, 3007, 2019), but at every place of the word and of all strings
that so many letters reach.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qas.problem import Meter, Problem, Space, Word
from search.strategy.genome import Angles, Genome

DEPTHS = (0.75, 0.15, 0.1)
"""How often a ladder has one letter and the same again, two, three."""
FLAT = 1e-5
"""Slope, hartree per radian, below which a ladder is not tried: it would gain about the square."""
PRICE = 20_000
"""Evaluations that the slopes for one word may cost; of more, some are drawn."""
ALIKE = 0.02
"""Share by which slopes may differ and be taken for equal: the choice among them is drawn."""
TRIES = 4
"""Ladders spelled for each that is wanted: not all make legal words."""
QUARTER = math.pi / 2
_AXIS = {"rx": (1, 0), "ry": (1, 1), "rz": (0, 1)}


class Ladders(NamedTuple):
    """Pauli strings that ladders of one depth reach and less deep ones do not."""

    x: NDArray[np.int64]
    z: NDArray[np.int64]
    """Masks of the qubits with X or Y, and with Z or Y; shape (S,)."""
    chains: NDArray[np.int64]
    """Letters from the outermost on, shape (S, depth)."""


def can_grow(space: Space) -> bool:
    """True where every letter is a two-qubit gate that undoes itself, dressed on both wires."""
    dressed = ([gate.is_free for gate in x] == [False, True, True] for x in space.letters)
    return bool(len(space)) and all(dressed) and all(x[0].name == "cx" for x in space.letters)


def grown(
    problem: Problem,
    space: Space,
    genome: Genome,
    meter: Meter,
    rng: np.random.Generator,
    most: int,
) -> list[Genome]:
    """Up to so many legal words with a ladder put in, the steepest first, each flips others.

    One backward sweep knows all slopes (`ExactSimulator.rotation_slopes`). Charged as any value
    with so many slopes; nothing is done where the budget has no room for them.
    """
    depth = 1 + int(rng.choice(len(DEPTHS), p=DEPTHS))
    letters = tuple(x for x in range(len(space)) if space.fits((*genome.word, x)))
    ladders = ladders_of(space, letters, depth)
    room = int((min(PRICE, meter.left) - 1) // 2)
    if not len(ladders.x) or room < 1:
        return []
    started, n_places = time.perf_counter(), len(genome.word) + 1
    some, place = _drawn(len(ladders.x), room, rng), _drawn(n_places, room // len(ladders.x), rng)
    x, z, chains = (part[some] for part in ladders)
    circuit = space.circuit(genome.word)
    gate = len(space.start.gates) + len(space.letters[0]) * place
    slopes = problem.exact.rotation_slopes(circuit, problem.energy, genome.angles, x, z, gate)
    meter.charge(1 + 2 * slopes.size, started, sweeps=1)
    steep = np.abs(slopes)
    told = (steep * rng.uniform(1 - ALIKE, 1, steep.shape)).ravel()
    children, flipped, tries = list[Genome](), set[int](), TRIES * most
    for k in np.argsort(-told, kind="stable").tolist():
        at, string = divmod(k, len(x))
        if len(children) >= most or not tries or steep[at, string] <= FLAT:
            break
        if int(x[string]) not in flipped:
            tries -= 1
            child = laddered(space, genome, tuple(chains[string].tolist()), int(place[at]))
            if space.is_legal(child.word):
                flipped.add(int(x[string]))
                children.append(child)
    return children


def _drawn(count: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Up to so many of range(count), at least one, ascending."""
    return np.sort(rng.choice(count, size=min(count, max(most, 1)), replace=False))


def ladders_of(space: Space, letters: Word, depth: int) -> Ladders:
    """The strings that ladders of so many letters make of the rotations in their middle.

    >>> from qas import load_device, load_task
    >>> space = Space.of(Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4)))
    >>> [len(ladders_of(space, tuple(range(len(space))), depth).x) for depth in (1, 2, 3)]
    [24, 48, 36]
    """
    axis = _AXIS[space.letters[0][-1].name]
    wires = tuple((letter, *space.letters[letter][0].qubits) for letter in letters)
    return _ladders(space.n_qubits, axis, wires, depth)


@lru_cache(maxsize=256)
def _ladders(
    n_qubits: int, axis: tuple[int, int], wires: tuple[tuple[int, int, int], ...], depth: int
) -> Ladders:
    """Breadth first: a cx turns X of its control into XX, Z of its target into ZZ."""
    bit = 1 << np.arange(n_qubits)
    if depth == 0 or not wires:
        none = np.empty((n_qubits if depth == 0 else 0, 0), dtype=np.int64)
        return Ladders(axis[0] * bit[: len(none)], axis[1] * bit[: len(none)], none)
    shallow = [_ladders(n_qubits, axis, wires, k) for k in range(depth)]
    x, z, inner = shallow[-1]
    letter, control, target = (np.array(column)[:, None] for column in zip(*wires, strict=True))
    new_x = (x ^ (x >> control & 1) << target).ravel()
    new_z = (z ^ (z >> target & 1) << control).ravel()
    key, first = np.unique(new_x << n_qubits | new_z, return_index=True)
    known = np.concatenate([ladders.x << n_qubits | ladders.z for ladders in shallow])
    first = np.sort(first[~np.isin(key, known)])
    outer = np.broadcast_to(letter, (len(wires), len(x))).ravel()[first, None]
    chains = np.concatenate([outer, inner[first % max(len(x), 1)]], axis=1)
    return Ladders(new_x[first], new_z[first], chains)


def laddered(space: Space, genome: Genome, chain: Word, place: int) -> Genome:
    """The genome with some letters and the same backwards at a place, where they undo each other.

    A letter for which one turned round stands (`Space.facing`) is spelled with that one, between
    quarter turns.
    """
    for at, letter in enumerate((*chain, *reversed(chain)), place):
        facing = space.facing[letter]
        turns: Angles = (0.0, 0.0)
        if facing != letter:
            control, target = space.letters[facing][0].qubits
            genome = _turned(genome, space, at, target, QUARTER)
            genome = _turned(genome, space, at, control, -QUARTER)
            turns = (QUARTER, -QUARTER)
        genome = genome.put(at, (facing,), (turns,))
    return genome


def _turned(genome: Genome, space: Space, place: int, wire: int, angle: float) -> Genome:
    """With radians added to the last rotation on a wire before a place."""
    for at in range(place - 1, -1, -1):
        wires = space.letters[genome.word[at]][0].qubits
        if wire in wires:
            own = _added(genome.turns[at], wires.index(wire), angle)
            return genome.put(at, genome.word[at : at + 1], (own,), gone=1)
    return Genome(genome.word, _added(genome.first, wire, angle), genome.turns)


def _added(angles: Angles, at: int, angle: float) -> Angles:
    return (*angles[:at], angles[at] + angle, *angles[at + 1 :])
