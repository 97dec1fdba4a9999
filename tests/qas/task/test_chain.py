from __future__ import annotations

import math
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qas.errors import InputError
from qas.task import Observable, load_task
from qas.task.chain import CHAINS, LENGTHS, chain_task, describe_chains

PAULI = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def on(sites: dict[int, str], n_qubits: int) -> NDArray[np.complex128]:
    """Kronecker product of the letters at `sites`, identities elsewhere; site 0 rightmost."""
    return reduce(np.kron, [PAULI[sites.get(q, "I")] for q in reversed(range(n_qubits))])


def slow_matrix(family: str, n: int) -> NDArray[np.complex128]:
    if family == "tfim":
        bonds = [-on({i: "Z", i + 1: "Z"}, n) for i in range(n - 1)]
        return sum(bonds + [-on({i: "X"}, n) for i in range(n)])
    return sum(on({i: letter, i + 1: letter}, n) for i in range(n - 1) for letter in "XYZ")


@pytest.mark.parametrize("family", CHAINS)
@pytest.mark.parametrize("n_qubits", [2, 3, 5])
def test_a_chain_is_its_formula(family: str, n_qubits: int) -> None:
    matrix = load_task(f"{family}-{n_qubits}").observable.matrix().toarray()
    np.testing.assert_allclose(matrix, slow_matrix(family, n_qubits), atol=1e-15)


@pytest.mark.parametrize("n_qubits", LENGTHS)
def test_the_critical_ising_chain_by_free_fermions(n_qubits: int) -> None:
    # Modes 2 sin((2k + 1) pi / (2 (2N + 1))), k < N, all empty; their sum in closed form.
    exact = 1 - 1 / math.sin(math.pi / (2 * (2 * n_qubits + 1)))
    assert load_task(f"tfim-{n_qubits}").ground_energy == pytest.approx(exact, abs=1e-10)


@pytest.mark.parametrize(
    ("n_qubits", "exact"), [(2, -3.0), (3, -4.0), (4, -3 - 2 * math.sqrt(3)), (6, -9.9743085355)]
)
def test_short_heisenberg_chains(n_qubits: int, exact: float) -> None:
    # In terms of S: -3/4, -1, -(3 + 2 sqrt 3)/4 and the tabulated -2.4935771.
    assert load_task(f"heisenberg-{n_qubits}").ground_energy == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("family", CHAINS)
@pytest.mark.parametrize("n_qubits", LENGTHS)
def test_every_length_is_solved_and_looks_the_same_from_both_ends(
    family: str, n_qubits: int
) -> None:
    task = load_task(f"{family}-{n_qubits}")
    terms = task.observable
    assert task.name == f"{family}-{n_qubits}"
    assert task.n_qubits == n_qubits
    assert Observable.of([pauli[::-1] for pauli in terms.paulis], terms.coeffs) == terms
    assert task.ground_energy is not None
    assert -terms.bound() <= task.ground_energy


@pytest.mark.parametrize("n_qubits", range(3, 15))
def test_a_bond_more_lowers_heisenberg_by_three_at_most(n_qubits: int) -> None:
    # <H> of the shorter ground state with a free spin bounds from above, a singlet from below.
    longer = load_task(f"heisenberg-{n_qubits}").ground_energy
    shorter = load_task(f"heisenberg-{n_qubits - 1}").ground_energy
    assert shorter - 3 <= longer < shorter


def test_chains_have_no_hartree_fock_state() -> None:
    task = load_task("tfim-4")
    assert task.hf_circuit() is None
    assert task.correlation_energy is None


def test_the_same_chain_twice_is_one_value() -> None:
    assert load_task("tfim-12") == load_task("tfim-12")
    assert load_task("tfim-6").id != load_task("heisenberg-6").id


@pytest.mark.parametrize("family", CHAINS)
@pytest.mark.parametrize(
    "length", ["1", "0", "-4", "15", "99", "x", "N", "", "06", "6 ", "4e0", "٤", "6\n", "9" * 5000]
)
def test_other_lengths_are_refused_with_the_range(family: str, length: str) -> None:
    with pytest.raises(InputError, match=f"from 2 to 14, such as {family}-6") as caught:
        load_task(f"{family}-{length}")
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "name", ["tfim", "h2", "h2-4", "xy-6", "Tfim-6", "tfim-6.json", "./tfim-6"]
)
def test_other_names_are_no_chains(name: str) -> None:
    assert chain_task(name) is None


def test_a_folder_of_the_same_name_hides_no_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tfim-4").mkdir()
    assert load_task("tfim-4").n_qubits == 4
    Path("tfim-99.json").write_text('{"name": "a", "n_qubits": 1, "paulis": ["Z"], "coeffs": [1]}')
    assert load_task("tfim-99.json").name == "a"


def test_each_family_says_what_it_is() -> None:
    lines = describe_chains()
    assert list(lines) == [f"{family}-N" for family in CHAINS]
    for family, line in zip(CHAINS, lines.values(), strict=True):
        of_six = load_task(f"{family}-6").reference["description"]
        assert line.replace("N = 2 to 14", "6") == of_six
        assert "in units of J" in line
