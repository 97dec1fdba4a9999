"""The circuits that are placed: dressed skeletons on a line, trained without noise.

*Grown*: two CX at a time, the best of the blocks tried; *random*: CX drawn evenly. The line is
numbered at random, so that no chip's own numbering is favoured; every chip here holds a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from qas import Circuit, load_task
from qas.execute import ExactSimulator
from qas.problem import Effort, Meter, dressed, minimise
from qas.task import Task

TASKS = ("h2-4", "lih-4-2.2", "lih-4-3.4", "lih-6-2.2")
GROWN, RANDOM = (2, 4, 6), (3, 5)
BLOCKS, STARTS = 40, 3
EFFORT = Effort(200, 1e-11, 1e-7)

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Trained:
    """A circuit without noise: how it came about, and its energy."""

    task: Task
    kind: str
    circuit: Circuit
    """Bound."""
    energy: float
    """Hartree."""


def trained_circuits(name: str) -> list[Trained]:
    """All circuits of a task, the same on every device."""
    task = load_task(name)
    rng = np.random.default_rng([TASKS.index(name), 31])
    line = rng.permutation(task.n_qubits).tolist()
    pairs = [p for a, b in pairwise(line) for p in ((a, b), (b, a))]
    found, skeleton = [], ()
    for size in GROWN:
        skeleton = _grown(task, skeleton, pairs, size, rng)
        found.append(_trained(task, f"grown, {size} CX", skeleton, rng))
    for size in RANDOM:
        drawn = tuple(pairs[k] for k in rng.integers(len(pairs), size=size))
        found.append(_trained(task, f"random, {size} CX", drawn, rng))
    return found


def _grown(
    task: Task, skeleton: Pairs, pairs: list[tuple[int, int]], size: int, rng: np.random.Generator
) -> Pairs:
    blocks = list(product(pairs, repeat=size - len(skeleton)))
    tried = [blocks[k] for k in rng.permutation(len(blocks))[:BLOCKS]]
    return min(((*skeleton, *b) for b in tried), key=lambda s: _optimum(task, s, rng)[0])


def _trained(task: Task, kind: str, skeleton: Pairs, rng: np.random.Generator) -> Trained:
    energy, angles = _optimum(task, skeleton, rng)
    return Trained(task, kind, _circuit(task, skeleton).bind(angles), energy)


def _optimum(
    task: Task, skeleton: Pairs, rng: np.random.Generator
) -> tuple[float, NDArray[np.float64]]:
    circuit, meter = _circuit(task, skeleton), Meter(None, 1)
    found = [
        minimise(
            ExactSimulator(), circuit, task.observable,
            rng.uniform(-np.pi, np.pi, circuit.n_params), meter, EFFORT,
        )
        for _ in range(STARTS)
    ]  # fmt: skip
    return min(found, key=lambda row: row[0])


def _circuit(task: Task, skeleton: Pairs) -> Circuit:
    circuit = Circuit(task.n_qubits)
    for qubit in range(task.n_qubits):
        circuit = circuit.then("ry", qubit)
    return dressed(circuit, skeleton)
