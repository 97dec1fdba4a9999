from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qas.errors import InputError
from qas.task import Observable, load_task
from qas.task.generate import signed, task_content, write_tasks
from qas.task.molecule import TABLE, Molecule


def chem() -> None:
    pytest.importorskip("pyscf", reason="needs the extra chem")
    pytest.importorskip("openfermion", reason="needs the extra chem")


def from_reference(entry: dict[str, Any]) -> Molecule:
    return Molecule(
        task=entry["name"],
        formula=entry["name"],
        geometry=entry["geometry"],
        frozen=tuple(entry["frozen_mos"]),
        active=tuple(entry["active_mos"]),
        electrons=entry["active_electrons"],
        unit=entry["unit"],
        mapping=entry["mapping"].split()[0],
        tapered=entry["tapered_qubits"],
    )


def test_generating_again_gives_the_stored_tasks(tmp_path: Path) -> None:
    chem()
    for path in write_tasks(tmp_path):
        again, stored = load_task(path), load_task(path.stem)
        assert again.observable.paulis == stored.observable.paulis
        np.testing.assert_allclose(again.observable.coeffs, stored.observable.coeffs, atol=1e-9)
        assert again.ground_energy == pytest.approx(stored.ground_energy, abs=1e-9)
        assert again.reference["hf_energy"] == pytest.approx(
            stored.reference["hf_energy"], abs=1e-9
        )


def test_every_reference_molecule_is_one_row(data_folder: Path) -> None:
    chem()
    text = (data_folder / "hamiltonians" / "hamiltonians.json").read_text()
    for entry in json.loads(text)["hamiltonians"]:
        content = task_content(from_reference(entry))
        expected = Observable.of(entry["paulis"], entry["coeffs"])
        assert content["paulis"] == expected.paulis, entry["name"]
        np.testing.assert_allclose(content["coeffs"], expected.coeffs, atol=1e-9)
        assert content["ground_energy"] == pytest.approx(entry["ground_energy"], abs=1e-9)
        assert content["hf_bitstring"] == entry["hf_bitstring"]


def test_an_active_space_that_does_not_fit_is_refused() -> None:
    chem()
    row = Molecule("a", "a", "Li 0 0 0; H 0 0 1.6", active=(1, 2), electrons=2)
    with pytest.raises(InputError, match="leave 1 orbitals doubly occupied, but 0 are frozen"):
        task_content(row)


def test_signs_do_not_hang_on_rounding() -> None:
    # Two hydrogens share an orbital with opposite signs; which one is larger is rounding.
    orbital = np.array([[-0.7], [0.1], [0.7]])
    for noise in (-1e-9, 0.0, 1e-9):
        noisy = orbital + np.array([[noise], [0.0], [0.0]])
        np.testing.assert_allclose(signed(noisy), -orbital, atol=1e-8)
        np.testing.assert_allclose(signed(-noisy), -orbital, atol=1e-8)


def test_signs_change_neither_shape_nor_size() -> None:
    orbitals = np.random.default_rng(0).standard_normal((5, 4))
    chosen = signed(orbitals)
    np.testing.assert_array_equal(np.abs(chosen), np.abs(orbitals))
    np.testing.assert_array_equal(chosen.max(axis=0), np.abs(orbitals).max(axis=0))
    np.testing.assert_array_equal(signed(chosen * [1, -1, -1, 1]), chosen)


def test_the_hamiltonian_forgets_the_signs_that_were_given() -> None:
    chem()
    from qas.task.generate import fermion_operator, hartree_fock, observable_of

    row = next(row for row in TABLE if row.task == "lih-4-2.2")
    field = hartree_fock(row)
    before = observable_of(row, fermion_operator(row, field))
    field.mo_coeff = field.mo_coeff * [1, -1, 1, 1, -1, 1]
    assert observable_of(row, fermion_operator(row, field)) == before
