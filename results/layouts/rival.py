"""Qiskit's level 3 on the same circuit: its layout, its routing, its gates."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile

from qas import Circuit, Observable
from qas.circuit import Gate
from qas.device import Device

SEEDS = range(10)


@dataclass(frozen=True)
class Native:
    """A native circuit with every rz free, on some qubits, and what is measured there."""

    circuit: Circuit
    angles: NDArray[np.float64]
    qubits: tuple[int, ...]
    observable: Observable
    in_place: bool
    """No wire was moved by swaps: ``qubits`` is a layout."""


def simplified(circuit: Circuit, device: Device) -> tuple[Circuit, NDArray[np.float64]]:
    """The circuit in the chip's gates, simplified by Qiskit's level 3 without a coupling map.

    What is placed: else Qiskit's dropping of gates that do nothing at these angles would count
    for its layout.
    """
    made = transpile(
        circuit.to_qiskit(), basis_gates=list(device.native), optimization_level=3,
        seed_transpiler=0,
    )  # fmt: skip
    return freed(Circuit.from_qiskit(made))


def backend_of(name: str) -> Any:
    from qiskit_ibm_runtime import fake_provider

    return getattr(fake_provider, name)()


def transpiled(circuit: Circuit, observable: Observable, backend: Any, seed: int) -> Native:
    """Level 3 for the backend's target; qubit i of it is where wire i ends, then the others."""
    made = transpile(
        circuit.to_qiskit(), backend=backend, optimization_level=3, seed_transpiler=seed
    )
    first, last = (
        tuple(wires(filter_ancillas=True))
        for wires in (made.layout.initial_index_layout, made.layout.final_index_layout)
    )
    touched = {made.find_bit(q).index for item in made.data for q in item.qubits}
    used = (*last, *sorted(touched - set(last)))
    native, angles = freed(Circuit.from_qiskit(_on(made, used)))
    return Native(native, angles, used, _padded(observable, len(used)), first == used)


def timed(circuit: Circuit, backend: Any, seed: int) -> float:
    """Seconds of one processor that one transpilation takes."""
    source, started = circuit.to_qiskit(), time.process_time()
    transpile(source, backend=backend, optimization_level=3, seed_transpiler=seed)
    return time.process_time() - started


def freed(circuit: Circuit) -> tuple[Circuit, NDArray[np.float64]]:
    """The circuit with every rz free, and the angles at which they stood."""
    angles = [g.angle for g in circuit.gates if g.is_rotation]
    gates = tuple(Gate(g.name, g.qubits) for g in circuit.gates)
    return Circuit(circuit.n_qubits, gates), np.array(angles, dtype=np.float64)


def _padded(observable: Observable, n_qubits: int) -> Observable:
    """The observable of the first wires on more of them."""
    more = "I" * (n_qubits - observable.n_qubits)
    return Observable.of([more + pauli for pauli in observable.paulis], list(observable.coeffs))


def _on(made: QuantumCircuit, used: tuple[int, ...]) -> QuantumCircuit:
    """The circuit on the qubits that it uses alone."""
    small = QuantumCircuit(len(used))
    for item in made.data:
        small.append(item.operation, [used.index(made.find_bit(q).index) for q in item.qubits])
    return small
