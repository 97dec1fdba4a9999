"""Words grown by a pair of equal letters that changes nothing where it stands.

A cx dressed with rotations at zero and the same once more undo each other, so a word with such a
pair put in anywhere has the energy it had. The rotations between the two then turn by the Pauli
word that the cx make of theirs: what moves an electron, or two, without moving anything else. Which
letter, and where, is read off the slopes, as ADAPT chooses operators (Grimsley et al., Nat. Commun.
10, 3007, 2019), at every place of the word and not only at its end.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from qas.problem import Meter, Problem, Space
from search.strategy.genome import Angles, Genome

FLAT = 1e-5
"""Slope, hartree per radian, below which a pair is not tried: it would gain about the square."""
QUARTER = math.pi / 2


def can_grow(space: Space) -> bool:
    """True where every letter is a two-qubit gate that undoes itself, dressed on both wires."""
    dressed = ([gate.is_free for gate in x] == [False, True, True] for x in space.letters)
    return bool(len(space)) and all(dressed) and all(x[0].name == "cx" for x in space.letters)


def grown(problem: Problem, space: Space, genome: Genome, meter: Meter) -> list[Genome]:
    """For each letter the word with a pair of it where it is steepest; the steepest first.

    One gradient knows all slopes: of the circuit with all pairs of all letters at all places, none
    of which changes anything. Charged as any value with so many slopes; nothing is done where the
    budget has no room for them.
    """
    n_places, n_letters, still = len(genome.word) + 1, len(space), (0.0, 0.0)
    price = 1 + 2 * 2 * n_places * n_letters
    if price > meter.left:
        return []
    started = time.perf_counter()
    pairs = tuple(letter for letter in range(n_letters) for _ in range(2))
    full = genome
    for place in reversed(range(n_places)):
        full = full.put(place, pairs, (still,) * len(pairs))
    population = space.population([full.word], [full.angles])
    # A letter is a cx and two rotations; between two places stands one letter of the word.
    before = np.arange(n_places)[:, None] * (len(pairs) + 1) + 2 * np.arange(n_letters)
    inner = len(space.start.gates) + 3 * before[:, :, None] + np.array([1, 2])
    free = np.zeros_like(population.free)
    free[0, inner] = True
    _, slopes = problem.exact.gradients(replace(population, free=free), problem.energy)
    meter.charge(price, started, sweeps=1)
    steep = np.abs(slopes[0, inner]).max(axis=2)
    best, where = steep.max(axis=0), steep.argmax(axis=0)
    order = np.argsort(-best, kind="stable").tolist()
    return [paired(space, genome, x, int(where[x])) for x in order if best[x] > FLAT]


def paired(space: Space, genome: Genome, letter: int, place: int) -> Genome:
    """The genome with a letter twice in a row at a place, where the two undo each other.

    A letter for which one turned round stands (`Space.facing`) is spelled with that one: quarter
    turns before and behind the pair make up for it.
    """
    facing, still = space.facing[letter], (0.0, 0.0)
    if facing == letter:
        return genome.put(place, (letter, letter), (still, still))
    control, target = space.letters[facing][0].qubits
    before = _turned(
        _turned(genome, space, place, target, QUARTER), space, place, control, -QUARTER
    )
    return before.put(place, (facing, facing), (still, (QUARTER, -QUARTER)))


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
