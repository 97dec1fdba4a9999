"""A Hermitian sum of Pauli strings: what a circuit is measured for."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError
from qas.task.term import LETTERS, check_bits, check_terms

if TYPE_CHECKING:
    from qiskit.quantum_info import SparsePauliOp

MAX_MATRIX_ENTRIES = 2**26
"""Entries of a sparse matrix that still fit in about a gigabyte."""


@dataclass(frozen=True)
class Observable:
    """O = sum_k c_k P_k with real c_k and distinct Pauli strings P_k, in canonical order.

    Build one with `Observable.of`, which merges and sorts; equal sums are then equal values.
    """

    n_qubits: int
    """Number of qubits that every string spans."""
    paulis: tuple[str, ...]
    """Strings over I, X, Y, Z, strictly increasing; the rightmost letter acts on qubit 0."""
    coeffs: tuple[float, ...]
    """Real coefficients, in the unit of the observable (hartree for molecules)."""

    def __post_init__(self) -> None:
        check_terms(self.paulis, self.coeffs, self.n_qubits)
        if any(a >= b for a, b in zip(self.paulis, self.paulis[1:], strict=False)):
            raise InputError(
                "the Pauli strings of an Observable must be sorted and distinct; "
                "Observable.of(paulis, coeffs) sorts them and merges duplicates"
            )

    @classmethod
    def of(cls, paulis: Iterable[str], coeffs: Iterable[float]) -> Observable:
        """The sum of `coeffs[k] * paulis[k]`, duplicates merged, exact zeros dropped, sorted.

        If every term cancels, the identity with coefficient 0 remains.
        Raises InputError for bad letters, unequal lengths or coefficients that are not finite.

        >>> Observable.of(["ZI", "IX", "ZI"], [0.5, 1.0, 0.25])
        Observable(n_qubits=2, paulis=('IX', 'ZI'), coeffs=(1.0, 0.75))
        """
        given, weights = tuple(paulis), tuple(coeffs)
        n_qubits = len(given[0]) if given and isinstance(given[0], str) else 1
        check_terms(given, weights, n_qubits)
        parts: defaultdict[str, list[float]] = defaultdict(list)
        for pauli, weight in zip(given, weights, strict=True):
            parts[pauli].append(float(weight))
        sums = {pauli: math.fsum(values) for pauli, values in sorted(parts.items())}
        kept = {p: c for p, c in sums.items() if c != 0.0} or {"I" * n_qubits: 0.0}
        return cls(n_qubits, tuple(kept), tuple(kept.values()))

    @classmethod
    def union(cls, observables: Iterable[Observable]) -> Observable:
        """Every string of some observables, with coefficient 1: what is measured for them all.

        >>> one, other = Observable.of(["ZI", "XX"], [2.0, 1.0]), Observable.of(["ZI"], [-1.0])
        >>> Observable.union([one, other]).paulis
        ('XX', 'ZI')
        """
        strings = sorted({pauli for one in observables for pauli in one.paulis})
        return cls.of(strings, [1.0] * len(strings))

    @cached_property
    def _masks(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(x, z) of every term as Python integers; bit q belongs to qubit q, Y has both."""
        flip, sign = str.maketrans("IXYZ", "0110"), str.maketrans("IXYZ", "0011")
        xs = tuple(int(pauli.translate(flip), 2) for pauli in self.paulis)
        zs = tuple(int(pauli.translate(sign), 2) for pauli in self.paulis)
        return xs, zs

    @property
    def x_masks(self) -> NDArray[np.int64]:
        """Bit q is set where a term flips qubit q (X or Y); shape (terms,)."""
        return np.array(self._masks[0], dtype=np.int64)

    @property
    def z_masks(self) -> NDArray[np.int64]:
        """Bit q is set where a term signs qubit q (Z or Y); shape (terms,)."""
        return np.array(self._masks[1], dtype=np.int64)

    @property
    def coeff_array(self) -> NDArray[np.float64]:
        """The coefficients as an array of shape (terms,)."""
        return np.array(self.coeffs, dtype=np.float64)

    @property
    def pauli_index(self) -> NDArray[np.int64]:
        """sum_q p_q 4^q with I, X, Y, Z = 0, 1, 2, 3: a term's place in a Pauli-basis vector.

        >>> Observable.of(["XI", "IZ"], [1.0, 1.0]).pauli_index.tolist()
        [3, 4]
        """
        digits = str.maketrans(LETTERS, "0123")
        return np.array([int(pauli.translate(digits), 4) for pauli in self.paulis], dtype=np.int64)

    @property
    def n_flips(self) -> int:
        """Number of distinct x masks: the non-zero entries per row of the matrix, at most."""
        return len(set(self._masks[0]))

    def bound(self) -> float:
        """sum_k |c_k|, which no expectation value exceeds in magnitude."""
        return math.fsum(abs(c) for c in self.coeffs)

    def basis_energy(self, bits: str) -> float:
        """<bits|O|bits> of a computational basis state; the rightmost bit is qubit 0.

        Raises InputError unless there is one bit for each qubit.

        >>> Observable.of(["IZ", "ZI", "XX"], [1.0, 0.5, 9.0]).basis_energy("01")
        -0.5
        """
        check_bits(bits, self.n_qubits)
        state = int(bits, 2)
        xs, zs = self._masks
        terms = zip(self.coeffs, xs, zs, strict=True)
        return math.fsum(c * (-1) ** (z & state).bit_count() for c, x, z in terms if x == 0)

    def matrix(self) -> Any:
        """The operator as a `scipy.sparse.csr_array` of shape (2^n, 2^n), qubit 0 the lowest bit.

        Real where no entry has an imaginary part. P|s> = i^#Y (-1)^|s & z| |s ^ x>, so that
        terms of one x mask share their entries. Raises InputError when the matrix would not fit
        in about a gigabyte.
        """
        from scipy.sparse import csr_array

        size = 2**self.n_qubits
        if self.n_flips * size > MAX_MATRIX_ENTRIES:
            raise InputError(
                f"the matrix of {self.n_qubits} qubits would hold {self.n_flips * size} entries; "
                f"at most {MAX_MATRIX_ENTRIES} are built: use fewer qubits or terms"
            )
        columns = np.arange(size)
        blocks = self._blocks(columns)
        rows = np.concatenate([columns ^ x for x in blocks])
        values = np.concatenate(list(blocks.values()))
        entries = values if values.imag.any() else values.real
        matrix = csr_array((entries, (rows, np.tile(columns, len(blocks)))), shape=(size, size))
        matrix.eliminate_zeros()
        return matrix

    def _blocks(self, states: NDArray[np.int64]) -> dict[int, NDArray[np.complex128]]:
        """{x: <s ^ x|O|s> for every s in `states`}."""
        blocks: dict[int, NDArray[np.complex128]] = {}
        for coeff, x, z in zip(self.coeffs, *self._masks, strict=True):
            signs = 1.0 - 2.0 * (np.bitwise_count(states & z) & 1)
            term = coeff * 1j ** (x & z).bit_count() * signs
            blocks[x] = blocks[x] + term if x in blocks else term
        return blocks

    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Term indices split into sets that commute qubit by qubit: one circuit measures each.

        Greedy first fit over the terms, those on most qubits first, ties in canonical order.
        The identity rides with the first set.

        >>> Observable.of(["II", "ZI", "IZ", "XX"], [1.0, 1.0, 1.0, 1.0]).groups()
        ((0, 2), (1, 3))
        """
        return self._groups

    @cached_property
    def _groups(self) -> tuple[tuple[int, ...], ...]:
        xs, zs = self._masks
        order = sorted(range(len(xs)), key=lambda k: -(xs[k] | zs[k]).bit_count())
        members: list[list[int]] = []
        bases: list[tuple[int, int]] = []
        for k in order:
            x, z = xs[k], zs[k]
            for g, (bx, bz) in enumerate(bases):
                shared = (x | z) & (bx | bz)
                if not shared & ((x ^ bx) | (z ^ bz)):
                    members[g].append(k)
                    bases[g] = (bx | x, bz | z)
                    break
            else:
                members.append([k])
                bases.append((x, z))
        return tuple(tuple(sorted(group)) for group in members)

    @property
    def price(self) -> int:
        """Evaluations that one value costs: one."""
        return 1

    @property
    def n_groups(self) -> int:
        """Number of circuits that measure the whole observable once."""
        return len(self._groups)

    def to_qiskit(self) -> SparsePauliOp:
        """The same operator as Qiskit's `SparsePauliOp`, terms in the same order."""
        from qiskit.quantum_info import SparsePauliOp

        return SparsePauliOp(list(self.paulis), self.coeff_array)
