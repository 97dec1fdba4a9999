"""Symmetries of observables, against matrices."""

from __future__ import annotations

from itertools import combinations, permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qas import load_task
from qas.problem.certificate.symmetry import MOST, symmetries
from qas.problem.wiring import Wiring
from qas.task import Observable

ALL = Wiring(3, tuple(combinations(range(3), 2)))
LINE = Wiring(3, ((0, 1), (1, 2)))
FLIPS = (np.eye(2), np.array([[0.0, 1], [1, 0]]), np.diag([1.0, -1]), np.array([[0.0, -1], [1, 0]]))
TERMS = st.dictionaries(
    st.text("IXYZ", min_size=3, max_size=3), st.sampled_from([-1.0, 1.0, 0.5]), min_size=1,
    max_size=7,
)  # fmt: skip


def by_matrices(observable: Observable, wiring: Wiring) -> set[tuple[int, ...]]:
    """Every relabelling of three qubits, with every product of X and Z, tried."""
    matrix = observable.matrix().toarray()
    local = [np.kron(c, np.kron(b, a)) for a, b, c in product(FLIPS, repeat=3)]
    found = set()
    for names in permutations(range(3)):
        edges = {tuple(sorted((names[a], names[b]))) for a, b in wiring.pairs}
        moved = sum((np.arange(8) >> q & 1) << names[q] for q in range(3))
        back = np.argsort(moved)
        other = matrix[np.ix_(back, back)]
        if edges == set(wiring.pairs) and any(np.allclose(p @ matrix @ p.T, other) for p in local):
            found.add(names)
    return found


@settings(max_examples=25, deadline=None)
@given(TERMS, st.sampled_from([ALL, LINE]))
def test_the_group_is_that_of_the_matrices(terms: dict[str, float], wiring: Wiring) -> None:
    observable = Observable.of(terms.keys(), terms.values())
    found = symmetries(observable, wiring)
    assert found[0] == (0, 1, 2)
    assert set(found) == by_matrices(observable, wiring)


@pytest.mark.parametrize("task", ["h2-4", "lih-4-2.2", "lih-6-2.2", "h2o-8", "heisenberg-5"])
def test_spin_up_and_down_or_the_ends_may_be_exchanged(task: str) -> None:
    observable = load_task(task).observable
    n = observable.n_qubits
    exchanged = tuple(range(n))[::-1] if n == 5 else tuple((q + n // 2) % n for q in range(n))
    wiring = Wiring(n, tuple(combinations(range(n), 2)))
    assert symmetries(observable, wiring) == (tuple(range(n)), exchanged)


def test_a_large_group_is_cut_down_to_a_group() -> None:
    """All seven qubits alike: 5,040 relabellings, of which those that keep qubit 0 remain."""
    observable = Observable.of(["I" * k + "Z" + "I" * (6 - k) for k in range(7)], [1.0] * 7)
    group = symmetries(observable, Wiring(7, tuple(combinations(range(7), 2))))
    assert len(group) == MOST
    assert {names[0] for names in group} == {0}
