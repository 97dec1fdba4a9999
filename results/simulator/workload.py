"""The circuits that every simulator is timed on: two families, five sizes, all seeded.

- ``random``: 60 native gates, 45% rz, 25% sx, 5% x and 25% cx, on random qubits and couplings of
  the patch. Every circuit has another structure.
- ``layered``: layers of ry on every qubit and cx along the patch's couplings, grown gate by gate
  until its native form has 60 gates or the first number beyond. One structure per size: the
  circuits differ in their angles.

Both stand on the best patch of a calibrated device; the observable is a sum of random Pauli
strings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle

import numpy as np
from numpy.typing import NDArray

import qas
from qas.circuit import Circuit, Gate

GATES = 60
NAMES, SHARES = ("rz", "sx", "x", "cx"), (0.45, 0.25, 0.05, 0.25)
DEVICES = {
    2: "FakeManilaV2",
    4: "FakeManilaV2",
    6: "FakeGuadalupeV2",
    8: "FakeGuadalupeV2",
    10: "FakeGuadalupeV2",
}
TERMS = {2: 5, 4: 15, 6: 60, 8: 80, 10: 80}
SIZES = tuple(DEVICES)
FAMILIES = ("random", "layered")


@dataclass(frozen=True)
class Workload:
    """Native circuits with free angles, one vector of angles for each, and an observable."""

    family: str
    device: qas.Device
    """The whole chip."""
    patch: qas.Device
    """Circuit qubit i is its qubit i."""
    circuits: tuple[Circuit, ...]
    angles: tuple[NDArray[np.float64], ...]
    """Radians; the k-th has shape (circuits[k].n_params,)."""
    observable: qas.Observable

    @property
    def n_qubits(self) -> int:
        return self.patch.n_qubits

    @cached_property
    def bound(self) -> tuple[Circuit, ...]:
        """The circuits with their angles put in."""
        pairs = zip(self.circuits, self.angles, strict=True)
        return tuple(circuit.bind(row) for circuit, row in pairs)

    @property
    def typical(self) -> int:
        """The first circuit with the median number of two-qubit gates: for what takes only one."""
        counts = [circuit.two_qubit_gates for circuit in self.circuits]
        return counts.index(sorted(counts)[len(counts) // 2])


def workload(family: str, n_qubits: int, count: int, seed: int = 0) -> Workload:
    """The first ``count`` circuits of a family; a longer workload starts with a shorter one."""
    device = qas.load_device(DEVICES[n_qubits])
    patch = device.patch(device.best_patch(n_qubits))
    make = {"random": random_circuits, "layered": layered_circuits}[family]
    pairs = list(make(patch, count, _rng(seed, n_qubits, FAMILIES.index(family))))
    circuits, angles = zip(*pairs, strict=True)
    observable = random_observable(n_qubits, TERMS[n_qubits], _rng(seed, n_qubits, 99))
    return Workload(family, device, patch, circuits, angles, observable)


def random_circuits(
    patch: qas.Device, count: int, rng: np.random.Generator
) -> Iterator[tuple[Circuit, NDArray[np.float64]]]:
    """Circuits of random native gates, each with its angles."""
    for _ in range(count):
        circuit = random_circuit(patch, rng)
        yield circuit, _angles(circuit, rng)


def random_circuit(patch: qas.Device, rng: np.random.Generator) -> Circuit:
    gates = []
    for name in rng.choice(NAMES, GATES, p=SHARES):
        if name == "cx":
            gates.append(Gate("cx", patch.couplings[rng.integers(len(patch.couplings))]))
        else:
            gates.append(Gate(str(name), (int(rng.integers(patch.n_qubits)),)))
    return Circuit.of(patch.n_qubits, gates)


def layered_circuits(
    patch: qas.Device, count: int, rng: np.random.Generator
) -> Iterator[tuple[Circuit, NDArray[np.float64]]]:
    """One hardware-efficient circuit, lowered, with ``count`` vectors of angles."""
    logical = hardware_efficient(patch)
    lowering = patch.lowering(logical)
    for _ in range(count):
        yield lowering.native, lowering.angles(_angles(logical, rng))[0]


def hardware_efficient(patch: qas.Device) -> Circuit:
    """Layers of ry and cx until the native form has `GATES` gates."""
    pairs = sorted({(min(pair), max(pair)) for pair in patch.couplings})
    layer = [Gate("ry", (q,)) for q in range(patch.n_qubits)] + [Gate("cx", p) for p in pairs]
    circuit = Circuit(patch.n_qubits)
    for gate in cycle(layer):
        circuit = circuit.then(gate.name, *gate.qubits)
        if len(patch.lower(circuit).gates) >= GATES:
            break
    return circuit


def random_observable(n_qubits: int, terms: int, rng: np.random.Generator) -> qas.Observable:
    """Different random Pauli strings with normal coefficients; the identity is left out."""
    chosen = 1 + rng.choice(4**n_qubits - 1, terms, replace=False)
    labels = ["".join("IXYZ"[(k >> 2 * q) & 3] for q in range(n_qubits)) for k in chosen.tolist()]
    return qas.Observable.of(labels, rng.normal(size=terms).tolist())


def _angles(circuit: Circuit, rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform(-np.pi, np.pi, circuit.n_params)


def _rng(*seeds: int) -> np.random.Generator:
    return np.random.default_rng(seeds)
