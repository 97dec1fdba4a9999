from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qas.errors import InputError
from qas.task import Observable, load_task, task_names
from qas.task.generate import TABLE, Molecule, task_content, write_tasks


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


def test_the_table_is_what_is_stored() -> None:
    assert sorted(molecule.task for molecule in TABLE) == list(task_names())
    for molecule in TABLE:
        assert load_task(molecule.task).reference["hf_bitstring"] == molecule.hf_bitstring


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


def test_rows_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="jw or parity"):
        Molecule("a", "a", "H 0 0 0", mapping="bk")
    with pytest.raises(InputError, match="only the parity mapping"):
        Molecule("a", "a", "H 0 0 0", tapered=2)


def test_an_active_space_that_does_not_fit_is_refused() -> None:
    chem()
    row = Molecule("a", "a", "Li 0 0 0; H 0 0 1.6", active=(1, 2), electrons=2)
    with pytest.raises(InputError, match="leave 1 orbitals doubly occupied, but 0 are frozen"):
        task_content(row)
