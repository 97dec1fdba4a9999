"""Open spin chains as tasks, of any length that can be solved exactly: `tfim-6`, `heisenberg-4`.

Every term is a short Pauli word that stands on each run of neighbouring qubits: ZZ on the bonds,
X on the sites. Energies are in units of the coupling J = 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qas.errors import InputError
from qas.task.ground import SPARSE_QUBITS, ground_energy
from qas.task.observable import Observable
from qas.task.task import Task
from qas.task.term import shown

LENGTHS = range(2, SPARSE_QUBITS + 1)
"""Numbers of qubits a chain may have: from one bond to what diagonalisation reaches."""


@dataclass(frozen=True)
class Chain:
    """A translation-invariant Hamiltonian H = sum_w c_w sum_i w_i on an open chain."""

    model: str
    """Its name for people, with the parameters that are fixed."""
    formula: str
    """H as people write it."""
    words: tuple[tuple[str, float], ...]
    """(Pauli word w, coefficient c_w in units of J)."""

    def observable(self, n_qubits: int) -> Observable:
        """The Hamiltonian on `n_qubits`; a word longer than the chain has no place on it.

        >>> CHAINS["tfim"].observable(2)
        Observable(n_qubits=2, paulis=('IX', 'XI', 'ZZ'), coeffs=(-1.0, -1.0, -1.0))
        """
        placed = [
            ("I" * start + word + "I" * (n_qubits - start - len(word)), coeff)
            for word, coeff in self.words
            for start in range(n_qubits - len(word) + 1)
        ]
        return Observable.of([pauli for pauli, _ in placed], [coeff for _, coeff in placed])

    def describe(self, n_qubits: int | str) -> str:
        """One line about the chain of that many qubits."""
        return f"{self.model}, {n_qubits} qubits on an open chain, {self.formula}, in units of J"


CHAINS = {
    "tfim": Chain(
        "transverse-field Ising at its critical point J = h = 1",
        "-J sum Z_i Z_(i+1) - h sum X_i",
        (("ZZ", -1.0), ("X", -1.0)),
    ),
    "heisenberg": Chain(
        "Heisenberg antiferromagnet J = 1",
        "J sum X_i X_(i+1) + Y_i Y_(i+1) + Z_i Z_(i+1)",
        (("XX", 1.0), ("YY", 1.0), ("ZZ", 1.0)),
    ),
}
"""Family -> chain; the task of six qubits is called FAMILY-6. The Ising chain is solved by free
fermions (Pfeuty, Annals of Physics 57, 79 (1970)), the Heisenberg chain by Bethe's ansatz."""


def chain_task(name: str) -> Task | None:
    """The chain of that name, its ground energy in units of J, or None if it names no chain.

    Raises InputError where the family is known and the length is not one of `LENGTHS`.

    >>> round(chain_task("heisenberg-2").ground_energy, 9)
    -3.0
    """
    match = re.fullmatch(r"([a-z]+)-([^./\\]*)", name)
    if match is None or match[1] not in CHAINS:
        return None
    family, length = match.groups()
    if length not in map(str, LENGTHS):
        raise InputError(
            f"the chain {shown(name)} asks for {shown(length)} qubits; "
            f"give a whole number from {LENGTHS[0]} to {LENGTHS[-1]}, such as {family}-6"
        )
    chain, n_qubits = CHAINS[family], int(length)
    observable = chain.observable(n_qubits)
    reference = {"description": chain.describe(n_qubits)}
    return Task(name, observable, ground_energy(observable), reference)


def describe_chains() -> dict[str, str]:
    """One line about each family, keyed by the pattern of its names.

    >>> list(describe_chains())
    ['tfim-N', 'heisenberg-N']
    """
    lengths = f"N = {LENGTHS[0]} to {LENGTHS[-1]}"
    return {f"{family}-N": chain.describe(lengths) for family, chain in CHAINS.items()}
