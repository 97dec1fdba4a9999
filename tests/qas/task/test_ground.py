from __future__ import annotations

import numpy as np
import pytest

from qas.task import Observable, ground_energy


def ising(n_qubits: int, field: float) -> Observable:
    """-sum Z_i Z_(i+1) - field sum X_i on an open chain."""
    bonds = ["I" * i + "ZZ" + "I" * (n_qubits - i - 2) for i in range(n_qubits - 1)]
    sites = ["I" * i + "X" + "I" * (n_qubits - i - 1) for i in range(n_qubits)]
    return Observable.of(bonds + sites, [-1.0] * len(bonds) + [-field] * len(sites))


def free_fermions(n_qubits: int, field: float) -> float:
    """The chain's ground energy in closed form: minus the sum of its singular values."""
    chain = field * np.eye(n_qubits) + np.eye(n_qubits, k=1)
    return -float(np.linalg.svd(chain, compute_uv=False).sum())


@pytest.mark.parametrize("n_qubits", [2, 5, 8, 9, 12])
@pytest.mark.parametrize("field", [0.3, 1.0])
def test_ising_chain_by_free_fermions(n_qubits: int, field: float) -> None:
    energy = ground_energy(ising(n_qubits, field))
    assert energy == pytest.approx(free_fermions(n_qubits, field), abs=1e-9)


@pytest.mark.parametrize(("n_qubits", "lowest"), [(1, -1.0), (8, -1.0), (10, -1.0)])
def test_one_string_alone(n_qubits: int, lowest: float) -> None:
    assert ground_energy(Observable.of(["X" * n_qubits], [1.0])) == pytest.approx(lowest)
    assert ground_energy(Observable.of(["Z" * n_qubits], [1.0])) == lowest


def test_nothing_but_a_constant() -> None:
    assert ground_energy(Observable.of(["I" * 12], [0.5])) == 0.5
    assert ground_energy(Observable.of(["I" * 12], [0.0])) == 0.0


def test_diagonal_observables_reach_further() -> None:
    bonds = ["I" * i + "ZZ" + "I" * (14 - i) for i in range(15)]
    assert ground_energy(Observable.of(bonds, [1.0] * 15)) == -15.0


def test_out_of_reach_is_none() -> None:
    assert ground_energy(Observable.of(["X" * 15], [1.0])) is None
    assert ground_energy(Observable.of(["Z" * 21], [1.0])) is None


def test_the_same_answer_twice() -> None:
    chain = ising(10, 0.7)
    assert ground_energy(chain) == ground_energy(chain)
