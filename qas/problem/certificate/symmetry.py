"""Symmetries of an observable: relabellings of its qubits that circuits cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from qas.problem.wiring import Wiring
from qas.task import Observable

SAME = 1e-9
"""Coefficients that differ by less than this (hartree) count as equal."""
MOST = 720
"""Largest group that is worth its keep; of a larger one a subgroup is taken."""

Relabelling = tuple[int, ...]
Term = frozenset[tuple[int, str]]


def symmetries(observable: Observable, wiring: Wiring) -> tuple[Relabelling, ...]:
    """The group of relabellings that keep the wiring and, up to local signs, the observable.

    Relabelling g renames qubit q to g[q]. It counts if the same pairs are wired afterwards and the
    observable is, up to a product of X and Z on some qubits: P O P = g(O). Dressed skeletons
    make the same set of energies before and after, as the states of a skeleton are closed under
    real local unitaries (see `skeleton_class`). The identity comes first. A group of
    more than `MOST` is cut down to the part that leaves the first few qubits in place.

    Args:
        observable: of as many qubits as the wiring.
        wiring: which pairs gates may join.

    >>> ring = Observable.of(["ZIZ", "IZZ", "ZZI", "IIX"], [1.0, -1.0, 1.0, 0.5])
    >>> symmetries(ring, Wiring(3, ((0, 1), (0, 2), (1, 2))))
    ((0, 1, 2), (0, 2, 1))
    """
    n = observable.n_qubits
    search = _Search(observable, wiring)
    for pinned in range(n):
        group = tuple(islice(search.run(tuple(range(pinned))), MOST + 1))
        if len(group) <= MOST:
            return group
    return (tuple(range(n)),)


class _Search:
    """Names for qubit 0, 1, ... in turn, each checked against all that is named so far."""

    def __init__(self, observable: Observable, wiring: Wiring) -> None:
        self.n_qubits = observable.n_qubits
        self.edges = {frozenset(pair) for pair in wiring.pairs}
        self.coeffs: dict[Term, float] = {}
        self.ending: list[list[Term]] = [[] for _ in range(self.n_qubits)]
        for pauli, coeff in zip(observable.paulis, observable.coeffs, strict=True):
            term = frozenset((q, p) for q, p in enumerate(reversed(pauli)) if p != "I")
            self.coeffs[term] = coeff
            if term:
                self.ending[max(q for q, _ in term)].append(term)

    def run(self, named: Relabelling) -> Iterator[Relabelling]:
        """All symmetries that begin with these names, in lexicographic order."""
        if len(named) == self.n_qubits:
            if self._signs_agree(named):
                yield named
            return
        for name in range(self.n_qubits):
            longer = (*named, name)
            if name not in named and self._fits(longer):
                yield from self.run(longer)

    def _fits(self, named: Relabelling) -> bool:
        """Whether the newest qubit keeps its couplings and the size of every term it ends."""
        new = len(named) - 1
        return all(
            (frozenset((q, new)) in self.edges) == (frozenset((named[q], named[new])) in self.edges)
            for q in range(new)
        ) and all(
            abs(abs(self.coeffs.get(_renamed(term, named), 0.0)) - abs(self.coeffs[term])) < SAME
            for term in self.ending[new]
        )

    def _signs_agree(self, named: Relabelling) -> bool:
        """Whether X and Z on some qubits give every term the sign that it has after renaming.

        Z on qubit q turns the sign of its X and Y, X that of its Z and Y: linear equations over
        bits, solved by elimination as they come.
        """
        pivots: dict[int, tuple[int, int]] = {}
        for term, coeff in self.coeffs.items():
            row = sum(_BITS[p] << 2 * q for q, p in term)
            turned = int(coeff * self.coeffs[_renamed(term, named)] < 0)
            while row:
                lead = row.bit_length()
                if lead not in pivots:
                    pivots[lead] = row, turned
                    break
                row, turned = row ^ pivots[lead][0], turned ^ pivots[lead][1]
            if not row and turned:
                return False
        return True


_BITS = {"X": 1, "Y": 3, "Z": 2}


def _renamed(term: Term, named: Relabelling) -> Term:
    return frozenset((named[q], p) for q, p in term)
