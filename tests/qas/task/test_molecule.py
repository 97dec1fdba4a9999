from __future__ import annotations

import math

import pytest

from qas.errors import InputError
from qas.task import load_task, task_names
from qas.task.molecule import TABLE, Molecule


def test_the_table_is_what_is_stored() -> None:
    assert sorted(molecule.task for molecule in TABLE) == list(task_names())
    for molecule in TABLE:
        assert load_task(molecule.task).reference["hf_bitstring"] == molecule.hf_bitstring


def test_rows_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="jw or parity"):
        Molecule("a", "a", "H 0 0 0", mapping="bk")
    with pytest.raises(InputError, match="only the parity mapping"):
        Molecule("a", "a", "H 0 0 0", tapered=2)


@pytest.mark.parametrize("molecule", TABLE, ids=lambda molecule: molecule.task)
def test_qubits_are_spin_orbitals_less_the_tapered(molecule: Molecule) -> None:
    task = load_task(molecule.task)
    assert task.n_qubits == 2 * len(molecule.active) - molecule.tapered
    assert task.name.split("-")[1:2] in ([], [str(task.n_qubits)])
    provenance = task.reference["provenance"]
    assert provenance["geometry"] == molecule.geometry
    assert provenance["unit"] == molecule.unit
    assert tuple(provenance["active_orbitals"]) == molecule.active


@pytest.mark.parametrize("molecule", TABLE, ids=lambda molecule: molecule.task)
def test_the_misread_geometries_say_so(molecule: Molecule) -> None:
    published = molecule.task.endswith("-published")
    assert (molecule.unit == "bohr") is published
    description = load_task(molecule.task).reference["description"]
    assert ("angstrom numbers read as bohr, as in the published files" in description) is published
    assert molecule.formula in description


def test_lengths_in_the_formula_are_those_of_the_geometry() -> None:
    for molecule in TABLE:
        atoms = [atom.split() for atom in molecule.geometry.split(";")]
        heavy = next((a for a in atoms if a[0] != "H"), atoms[-1])
        bonded = next(a for a in atoms if a[0] == "H" and a is not heavy)
        points = [[float(x) for x in atom[1:]] for atom in (heavy, bonded)]
        stated = float(molecule.formula.split()[2])
        assert math.dist(*points) == pytest.approx(stated, abs=5e-3)


def test_spin_blocks_and_parities_by_hand() -> None:
    four = {"geometry": "", "active": (1, 2, 3, 4), "electrons": 4}
    assert Molecule("a", "a", **four).hf_bitstring == "00110011"
    parity = Molecule("a", "a", **four, mapping="parity", tapered=2)
    # Parities of the modes 11001100, first to last: 10001000; the fourth and eighth are dropped.
    assert parity.hf_bitstring == "001001"
    assert parity.signs == {7: 1, 3: 1}
