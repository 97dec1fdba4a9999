"""Circuits whose gradients are priced: commuting generators, and three commuting blocks.

A generator is a Pauli string of X, on the last qubit perhaps Z, written as one rx between cx.
"""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np

from qas import Circuit

WIDEST = 3
"""Qubits of the longest string."""
BLOCKS = "XZX"
"""Letter on the last qubit of each block's generators: neighbouring blocks anticommute."""
SPREAD = 1.5
"""Angles are normal with this over the root of their number, radians: at random ones over the
whole circle the slopes of so many commuting rotations vanish."""


def commuting(n_qubits: int, n_params: int, rng: np.random.Generator) -> Circuit:
    """Rotations by different strings of X on one to three qubits."""
    strings = _strings(range(n_qubits), 1)
    circuit = Circuit(n_qubits)
    for row in rng.choice(len(strings), size=n_params, replace=False):
        circuit = _turn(circuit, strings[row])
    return circuit


def blocks(n_qubits: int, n_params: int, rng: np.random.Generator) -> Circuit:
    """Three blocks: inside of one all generators commute, of neighbours all anticommute."""
    strings = _strings(range(n_qubits - 1), 0)
    last, circuit = n_qubits - 1, Circuit(n_qubits)
    sizes = [len(part) for part in np.array_split(np.arange(n_params), len(BLOCKS))]
    for letter, size in zip(BLOCKS, sizes, strict=True):
        for row in rng.choice(len(strings), size=size, replace=False):
            wires = (last, *strings[row])
            if letter == "X":
                circuit = _turn(circuit, wires)
            else:
                circuit = _turn(circuit.then("h", last), wires).then("h", last)
    return circuit


FAMILIES = {"commuting": commuting, "blocks": blocks}


def angles(n_params: int, rng: np.random.Generator) -> np.ndarray:
    """Shape (n_params,), radians."""
    return rng.normal(0.0, SPREAD / np.sqrt(n_params), n_params)


def _strings(wires: range, least: int) -> list[tuple[int, ...]]:
    sizes = range(least, WIDEST + 1)
    return list(chain.from_iterable(combinations(wires, size) for size in sizes))


def _turn(circuit: Circuit, wires: tuple[int, ...]) -> Circuit:
    """A rotation by X on all these wires: rx on the first, carried to the others."""
    first, *others = wires
    for q in others:
        circuit = circuit.then("cx", first, q)
    circuit = circuit.then("rx", first)
    for q in reversed(others):
        circuit = circuit.then("cx", first, q)
    return circuit
