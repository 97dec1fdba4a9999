from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas.errors import InputError
from qas.task import Observable


@st.composite
def sums(draw: st.DrawFn, max_qubits: int = 4) -> tuple[list[str], list[float]]:
    """Pauli strings, repeats included, and a coefficient for each."""
    n_qubits = draw(st.integers(1, max_qubits))
    string = st.text("IXYZ", min_size=n_qubits, max_size=n_qubits)
    paulis = draw(st.lists(string, min_size=1, max_size=12))
    number = st.floats(-10, 10, allow_nan=False, allow_subnormal=False)
    coeffs = draw(st.lists(number, min_size=len(paulis), max_size=len(paulis)))
    return paulis, coeffs


def by_kronecker(paulis: list[str], coeffs: list[float]) -> np.ndarray:
    """The slow twin: Kronecker products of 2 x 2 matrices, leftmost letter outermost."""
    single = {
        "I": np.eye(2),
        "X": np.array([[0, 1], [1, 0]]),
        "Y": np.array([[0, -1j], [1j, 0]]),
        "Z": np.diag([1, -1]),
    }
    total = np.zeros((2 ** len(paulis[0]),) * 2, dtype=complex)
    for pauli, coeff in zip(paulis, coeffs, strict=True):
        product = np.eye(1)
        for letter in pauli:
            product = np.kron(product, single[letter])
        total += coeff * product
    return total


@given(sums())
def test_matrix_is_the_sum_of_kronecker_products(terms: tuple[list[str], list[float]]) -> None:
    matrix = Observable.of(*terms).matrix()
    np.testing.assert_allclose(matrix.toarray(), by_kronecker(*terms), atol=1e-12)


@given(sums(max_qubits=3))
def test_matrix_equals_qiskits(terms: tuple[list[str], list[float]]) -> None:
    observable = Observable.of(*terms)
    theirs = observable.to_qiskit()
    np.testing.assert_allclose(observable.matrix().toarray(), theirs.to_matrix(), atol=1e-12)
    assert tuple(theirs.paulis.to_labels()) == observable.paulis


def test_matrix_is_real_where_it_can_be() -> None:
    assert Observable.of(["YY", "XX"], [1.0, 2.0]).matrix().dtype == np.float64
    assert Observable.of(["YI"], [1.0]).matrix().dtype == np.complex128


@given(sums(), st.randoms(use_true_random=False))
def test_value_does_not_depend_on_the_order_of_terms(terms, random) -> None:
    pairs = list(zip(*terms, strict=True))
    random.shuffle(pairs)
    assert Observable.of(*zip(*pairs, strict=True)) == Observable.of(*terms)


@given(sums())
def test_terms_are_canonical(terms: tuple[list[str], list[float]]) -> None:
    observable = Observable.of(*terms)
    assert list(observable.paulis) == sorted(set(observable.paulis))
    assert Observable.of(observable.paulis, observable.coeffs) == observable
    assert hash(Observable.of(*terms)) == hash(observable)
    assert all(observable.coeffs) or observable.paulis == ("I" * observable.n_qubits,)


def test_duplicates_merge_and_cancelled_terms_vanish() -> None:
    assert Observable.of(["ZI", "XX", "ZI"], [1.0, 2.0, -1.0]) == Observable.of(["XX"], [2.0])
    assert Observable.of(["Z", "Z"], [1.0, -1.0]) == Observable(1, ("I",), (0.0,))


@given(sums())
def test_masks_and_index_spell_the_same_strings(terms: tuple[list[str], list[float]]) -> None:
    observable = Observable.of(*terms)
    for pauli, x, z, index in zip(
        observable.paulis,
        observable.x_masks.tolist(),
        observable.z_masks.tolist(),
        observable.pauli_index.tolist(),
        strict=True,
    ):
        letters = list(reversed(pauli))
        assert ["IXZY"[(x >> q & 1) + 2 * (z >> q & 1)] for q in range(len(letters))] == letters
        assert ["IXYZ"[index // 4**q % 4] for q in range(len(letters))] == letters


def test_writing_into_an_array_leaves_the_value_alone() -> None:
    observable = Observable.of(["XZ"], [1.0])
    observable.x_masks[:] = 0
    observable.coeff_array[:] = 0
    assert observable.x_masks.tolist() == [2]
    assert observable.coeff_array.tolist() == [1.0]


def test_index_of_the_widest_observable_fits() -> None:
    assert Observable.of(["Z" * 31], [1.0]).pauli_index.tolist() == [4**31 - 1]


@given(sums())
def test_groups_partition_the_terms_and_commute_qubit_by_qubit(terms) -> None:
    observable = Observable.of(*terms)
    groups = observable.groups()
    assert sorted(itertools.chain(*groups)) == list(range(len(observable.paulis)))
    assert observable.n_groups == len(groups)
    for group in groups:
        for a, b in itertools.combinations((observable.paulis[k] for k in group), 2):
            assert all(p == q or "I" in (p, q) for p, q in zip(a, b, strict=True))


@given(sums(max_qubits=3))
def test_no_eigenvalue_exceeds_the_bound(terms: tuple[list[str], list[float]]) -> None:
    observable = Observable.of(*terms)
    spectrum = np.linalg.eigvalsh(observable.matrix().toarray())
    assert np.abs(spectrum).max() <= observable.bound() + 1e-12


@given(sums())
def test_basis_energies_are_the_diagonal(terms: tuple[list[str], list[float]]) -> None:
    observable = Observable.of(*terms)
    n_qubits = observable.n_qubits
    energies = [observable.basis_energy(f"{k:0{n_qubits}b}") for k in range(2**n_qubits)]
    np.testing.assert_allclose(observable.matrix().diagonal(), energies, atol=1e-12)


def test_matrix_refuses_what_would_not_fit() -> None:
    with pytest.raises(InputError, match="fewer qubits or terms"):
        Observable.of(["Z" * 28], [1.0]).matrix()


@pytest.mark.parametrize(
    ("paulis", "coeffs", "message"),
    [
        ([], [], "at least one term"),
        ([""], [1.0], "0 qubits given"),
        (["Z" * 32], [1.0], "1 to 31"),
        (["ZI"], [1.0, 2.0], "1 Pauli strings but 2 coefficients"),
        (["ZI", "Z"], [1.0, 1.0], "string 1 is 'Z' with 1 letters; 2 qubits need 2"),
        (["zI"], [1.0], "'z' is no Pauli letter; use capital"),
        (["Z<script>"], [1.0], "'<' is no Pauli letter"),
        ([7], [1.0], "string 0 is 7"),
        (["Z"], [math.nan], "coefficient 0 is nan; coefficients are finite"),
        (["Z"], [-math.inf], "coefficient 0 is -inf"),
        (["Z"], [10**400], "coefficients are finite"),
        (["Z"], [10**5000], "a very large number"),
        (["Z"], [1j], "coefficients are real numbers"),
        (["Z"], ["1"], "coefficient 0 is '1'"),
        (["Z"], [True], "coefficient 0 is True"),
        (["Z", "X"], [1e308, 1e308], "more than a float can hold"),
    ],
)
def test_errors_teach(paulis: list[str], coeffs: list[float], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Observable.of(paulis, coeffs)
    assert message in str(caught.value)


@pytest.mark.parametrize("bits", ["0", "012", "0x", ""])
def test_basis_energy_needs_one_bit_for_each_qubit(bits: str) -> None:
    with pytest.raises(InputError, match="2 characters 0 or 1"):
        Observable.of(["ZZ"], [1.0]).basis_energy(bits)


def test_terms_out_of_order_are_refused() -> None:
    with pytest.raises(InputError, match=r"Observable\.of"):
        Observable(1, ("Z", "X"), (1.0, 1.0))
