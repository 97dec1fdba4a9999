"""A task: the observable whose expectation value a circuit shall make small."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from qas.circuit import Circuit
from qas.errors import InputError
from qas.task.observable import Observable
from qas.task.term import check_bits, shown

MAX_NAME = 80


@dataclass(frozen=True)
class Task:
    """A variational task: find a state of low <O>.

    Raises InputError when the name is not 1 to 80 printable characters, or an energy or the
    Hartree-Fock bits in `reference` are not what they should be.
    """

    name: str
    """What people call it; printable, but to be escaped like any text of a stranger's."""
    observable: Observable
    """The operator, in hartree for molecules."""
    ground_energy: float | None = None
    """Its lowest eigenvalue, or None where nobody knows it."""
    reference: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What else is known: `hf_energy`, `hf_bitstring` (rightmost bit = qubit 0), provenance."""

    def __post_init__(self) -> None:
        check_name(self.name)
        _check_energy("ground_energy", self.ground_energy)
        _check_energy("hf_energy", self.reference.get("hf_energy"))
        if (bits := self.reference.get("hf_bitstring")) is not None:
            check_bits(bits, self.n_qubits)

    @property
    def n_qubits(self) -> int:
        """Number of qubits of the observable."""
        return self.observable.n_qubits

    @property
    def correlation_energy(self) -> float | None:
        """What Hartree-Fock misses, E_HF - E_0 >= 0 in hartree; None where either is unknown.

        A circuit of energy E recovers the share (E_HF - E) / (E_HF - E_0) of it. This compares
        molecules more fairly than the error alone, as Hartree-Fock itself may be close.

        >>> task = Task("a", Observable.of(["Z"], [1.0]), -1.0, {"hf_energy": -0.5})
        >>> (task.reference["hf_energy"] - -0.75) / task.correlation_energy
        0.5
        """
        hf_energy: float | None = self.reference.get("hf_energy")
        if hf_energy is None or self.ground_energy is None:
            return None
        return hf_energy - self.ground_energy

    @cached_property
    def id(self) -> str:
        """SHA-256 (hex) of the observable: the same problem under another name is the same."""
        terms = self.observable
        content = {"paulis": terms.paulis, "coeffs": [float(c) for c in terms.coeffs]}
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def hf_circuit(self) -> Circuit | None:
        """X gates that prepare the Hartree-Fock state, or None if its bits are unknown."""
        bits: str | None = self.reference.get("hf_bitstring")
        if bits is None:
            return None
        circuit = Circuit(self.n_qubits)
        for qubit, bit in enumerate(reversed(bits)):
            circuit = circuit.then("x", qubit) if bit == "1" else circuit
        return circuit


def check_name(name: object) -> None:
    """Raise InputError unless a task may be called so."""
    if not isinstance(name, str):
        raise InputError(f"the task's name is {shown(name)}; give a string")
    if not (name.isprintable() and name.strip() and len(name) <= MAX_NAME):
        raise InputError(
            f"the task's name is {shown(name)} with {len(name)} characters; "
            f"use 1 to {MAX_NAME} printable ones"
        )


def _check_energy(key: str, energy: object) -> None:
    if energy is None:
        return
    number = isinstance(energy, (int, float)) and not isinstance(energy, bool)
    try:
        finite = number and math.isfinite(float(energy))  # type: ignore[arg-type]
    except OverflowError:
        finite = False
    if not finite:
        raise InputError(f"{key} is {shown(energy)}; give a finite number in hartree, or leave it")
