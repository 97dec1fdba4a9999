from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas.errors import InputError
from qas.task import (
    Classifier,
    Observable,
    Task,
    dataset_names,
    describe_tasks,
    ground_energy,
    load_dataset,
    load_task,
    task_names,
)
from qas.task.load import MAX_BYTES

GOOD = {"name": "mine", "n_qubits": 2, "paulis": ["ZI", "XX"], "coeffs": [0.5, 0.25]}

SHARED = {
    "h2": "H2_2q_parity_r0.735",
    "h2-3": "H2_3q_parity_r0.7414",
    "h2-4": "H2_4q_jw_r0.7414",
    "lih-4-1.2": "LiH_4q_parity_r1.2",
    "lih-4-2.2": "LiH_4q_parity_r2.2",
    "lih-4-3.4": "LiH_4q_parity_r3.4",
    "lih-6-1.2": "LiH_6q_jw_r1.2",
    "lih-6-2.2": "LiH_6q_jw_r2.2",
    "lih-6-3.4": "LiH_6q_jw_r3.4",
    "beh2-6": "BeH2_6q_parity_r1.33A_cas4e4o",
    "beh2-6-published": "BeH2_6q_jw_r1.33bohr_cas4e3o_AS_IN_REPOS",
    "h2o-8": "H2O_8q_jw_A_cas4e4o",
    "h2o-8-published": "H2O_8q_jw_bohr_cas4e4o_AS_IN_REPOS",
}


def written(folder: Path, content: object) -> Path:
    path = folder / "mine.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


def refusal(source: Any) -> str:
    with pytest.raises(InputError) as caught:
        load_task(source)
    return str(caught.value)


# The built-in tasks


@pytest.mark.parametrize("name", ["digits2", "digits4"])
def test_data_sets_are_classifiers(name: str) -> None:
    task = load_task(name)
    assert isinstance(task, Classifier)
    assert task.name == name
    assert load_task(task) is task
    data = load_dataset(name)
    assert task.reference["dataset"] == data.id
    assert np.array_equal(task.test.inputs, data.x_test)
    assert str(task.reference["description"]).startswith(name)


def test_a_data_folder_is_the_only_place_looked_into(tmp_path: Path) -> None:
    for name in set(dataset_names()) - {"digits2", "digits4"}:
        with pytest.raises(InputError, match="no files of"):
            load_task(name, tmp_path)
        with pytest.raises(InputError, match="does not exist"):
            load_task(name, tmp_path / "none")
    assert load_task("digits2", tmp_path / "none") == load_task("digits2")


def test_every_name_is_described_without_its_data() -> None:
    code = (
        "import sys; from qas.task import describe_tasks; print(len(describe_tasks()));"
        "assert not {'sklearn', 'scipy.sparse'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(task_names()) + 2 + len(dataset_names())
    assert {*dataset_names(), *task_names()} <= {*describe_tasks()}


@pytest.mark.parametrize("name", task_names())
def test_stored_energies_are_the_observables(name: str) -> None:
    task = load_task(name)
    assert task.name == name
    assert task.ground_energy == pytest.approx(ground_energy(task.observable), abs=1e-10)
    bits, energy = task.reference["hf_bitstring"], task.reference["hf_energy"]
    assert task.observable.basis_energy(bits) == pytest.approx(energy, abs=1e-10)
    assert task.ground_energy < energy


@pytest.mark.parametrize("name", task_names())
def test_stored_provenance_is_complete(name: str) -> None:
    provenance = load_task(name).reference["provenance"]
    needed = {"geometry", "unit", "basis", "mapping", "tapered_qubits", "versions", "command"}
    assert needed <= set(provenance)
    assert set(provenance["versions"]) == {"pyscf", "openfermion"}


@pytest.mark.parametrize("name", task_names())
def test_a_stored_task_is_a_valid_hamiltonian_file(name: str) -> None:
    import qas.task

    path = Path(qas.task.__file__).parent / "data" / f"{name}.json"
    assert load_task(path) == load_task(name)


def test_every_stored_task_has_a_reference() -> None:
    assert sorted(SHARED) == list(task_names())


@pytest.mark.parametrize(("name", "entry"), SHARED.items())
def test_stored_tasks_equal_the_reference_data(name: str, entry: str, data_folder: Path) -> None:
    text = (data_folder / "hamiltonians" / "hamiltonians.json").read_text()
    theirs = next(h for h in json.loads(text)["hamiltonians"] if h["name"] == entry)
    task = load_task(name)
    expected = Observable.of(theirs["paulis"], theirs["coeffs"])
    assert task.observable.paulis == expected.paulis
    np.testing.assert_allclose(task.observable.coeffs, expected.coeffs, atol=1e-9)
    assert task.ground_energy == pytest.approx(theirs["ground_energy"], abs=1e-9)
    assert task.reference["hf_energy"] == pytest.approx(theirs["hf_energy"], abs=1e-9)
    assert task.reference["hf_bitstring"] == theirs["hf_bitstring"]
    assert task.reference["provenance"]["unit"] == theirs["unit"]
    # The lowest two levels of the reference were computed apart from its coefficients.
    levels = np.linalg.eigvalsh(task.observable.matrix().toarray())[:2]
    published = [theirs["ground_energy"], theirs["first_excited_energy_full_space"]]
    np.testing.assert_allclose(levels, published, atol=1e-9)
    # The target of a search that does not know the ground energy.
    assert -task.observable.bound() == pytest.approx(-np.abs(theirs["coeffs"]).sum(), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "energy"), [("beh2-6-published", -14.86158918), ("h2o-8-published", -73.29410676)]
)
def test_published_tasks_have_the_published_ground_energy(name: str, energy: float) -> None:
    assert load_task(name).ground_energy == pytest.approx(energy, abs=2e-8)


@pytest.mark.parametrize("name", task_names())
def test_no_state_is_below_the_fake_minimum(name: str) -> None:
    task = load_task(name)
    assert -task.observable.bound() < task.ground_energy


@pytest.mark.parametrize("length", ["1.2", "2.2", "3.4"])
def test_the_two_mappings_of_lih_are_one_molecule(length: str) -> None:
    tapered, full = load_task(f"lih-4-{length}"), load_task(f"lih-6-{length}")
    assert tapered.ground_energy == pytest.approx(full.ground_energy, abs=1e-10)
    assert tapered.correlation_energy == pytest.approx(full.correlation_energy, abs=1e-10)
    levels = np.linalg.eigvalsh(full.observable.matrix().toarray())
    gaps = np.abs(np.linalg.eigvalsh(tapered.observable.matrix().toarray())[:, None] - levels)
    assert gaps.min(axis=1).max() < 1e-10  # tapering keeps a sector, so a part of the spectrum


def test_each_task_has_a_line_about_it() -> None:
    lines = describe_tasks()
    assert tuple(lines) == (*task_names(), "tfim-N", "heisenberg-N", *dataset_names())
    assert all(line and "\n" not in line for line in lines.values())


def test_a_task_comes_back_as_it_is() -> None:
    task = load_task("h2")
    assert load_task(task) is task


# Files


@given(
    terms=st.dictionaries(
        st.text("IXYZ", min_size=3, max_size=3), st.floats(-9, 9, width=32), min_size=1
    ),
    name=st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=80),
)
def test_what_is_written_is_what_is_loaded(
    terms: dict[str, float], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = {"name": name, "n_qubits": 3, "paulis": [*terms], "coeffs": [*terms.values()]}
    task = load_task(written(tmp_path_factory.mktemp("round"), content))
    assert task.name == name
    assert task.observable == Observable.of(terms.keys(), terms.values())
    assert task.ground_energy == ground_energy(task.observable)


def test_an_absent_ground_energy_is_computed(tmp_path: Path) -> None:
    task = load_task(str(written(tmp_path, GOOD)))
    assert task == Task("mine", Observable.of(["ZI", "XX"], [0.5, 0.25]), task.ground_energy, {})
    assert task.ground_energy == pytest.approx(-np.hypot(0.5, 0.25))
    assert load_task(written(tmp_path, {**GOOD, "ground_energy": None})) == task


def test_a_stated_ground_energy_is_kept(tmp_path: Path) -> None:
    stated = -np.hypot(0.5, 0.25) + 5e-7
    assert load_task(written(tmp_path, {**GOOD, "ground_energy": stated})).ground_energy == stated


def test_a_wide_hamiltonian_keeps_its_stated_energy(tmp_path: Path) -> None:
    wide = {"name": "w", "n_qubits": 20, "paulis": ["X" * 20, "I" * 20], "coeffs": [1.0, -3.0]}
    assert load_task(written(tmp_path, wide)).ground_energy is None
    assert load_task(written(tmp_path, {**wide, "ground_energy": -4})).ground_energy == -4.0
    for wrong in (-4.1, -2.9):
        message = refusal(written(tmp_path, {**wide, "ground_energy": wrong}))
        assert "lies between -4.000000000 and -3.000000000" in message


def test_other_keys_become_the_reference(tmp_path: Path) -> None:
    extra = {"hf_bitstring": "01", "hf_energy": -0.5, "source": {"by": "hand"}}
    assert load_task(written(tmp_path, {**GOOD, **extra})).reference == extra


def test_a_byte_order_mark_is_harmless(tmp_path: Path) -> None:
    path = tmp_path / "bom.json"
    path.write_text(json.dumps(GOOD), encoding="utf-8-sig")
    assert load_task(path).name == "mine"


def test_a_relative_path_and_any_ending_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain").write_text(json.dumps(GOOD))
    assert load_task("plain") == load_task("./plain") == load_task(Path("plain"))


def changed(**keys: object) -> dict[str, object]:
    return {**GOOD, **keys}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("paulis: ZI", 'write {"name": "mine"'),
        ("[" * 100_000, "nested too deeply"),
        ("[1]", "it holds a list, not an object"),
        ("null", "it holds null"),
        ("3", "it holds a number"),
        ('{"name": "a", "name": "b"}', "the key 'name' stands there twice"),
        ({}, "it lacks name, n_qubits, paulis, coeffs"),
        ({"paulis": ["Z"], "coeffs": [1]}, "it lacks name, n_qubits"),
        (changed(name=""), "1 to 80 printable"),
        (changed(name="a\nb"), "1 to 80 printable"),
        (changed(name=None), "name is None"),
        (changed(n_qubits=0), "n_qubits is 0; give a whole number from 1 to 20"),
        (changed(n_qubits=-2), "n_qubits is -2"),
        (changed(n_qubits=21), "from 1 to 20"),
        (changed(n_qubits=2.0), "n_qubits is 2.0"),
        (changed(n_qubits="2"), "n_qubits is '2'"),
        (changed(n_qubits=True), "n_qubits is True"),
        (changed(n_qubits=3), "n_qubits is 3 but Pauli string 0 is 'ZI'"),
        (changed(paulis=[], coeffs=[]), "at least one term"),
        (changed(paulis="ZI"), "paulis is 'ZI'; give a list"),
        (changed(coeffs={"ZI": 1}), "coeffs is {'ZI': 1}; give a list"),
        (changed(paulis=["ZI", "XA"]), "'A' is no Pauli letter"),
        (changed(paulis=["ZI", "xx"]), "use capital I, X, Y and Z"),
        (changed(paulis=["ZI", "XXX"]), "3 letters; 2 qubits need 2"),
        (changed(paulis=["ZI", 5]), "string 1 is 5"),
        (changed(paulis=["ZI"]), "1 Pauli strings but 2 coefficients"),
        (changed(coeffs=[0.5, float("nan")]), "coefficient 1 is nan"),
        (changed(coeffs=[0.5, float("inf")]), "coefficient 1 is inf"),
        (changed(coeffs=[0.5, "0.25"]), "coefficient 1 is '0.25'"),
        (changed(coeffs=[0.5, [0.25, 0.0]]), "coefficient 1 is [0.25, 0.0]"),
        (changed(coeffs=[0.5, None]), "coefficient 1 is None"),
        (changed(coeffs=[0.5, 10**400]), "coefficients are finite"),
        (changed(ground_energy="low"), "ground_energy is 'low'"),
        (changed(ground_energy=float("nan")), "ground_energy is nan"),
        (changed(ground_energy=-0.56), "but exact diagonalisation gives -0.559016994"),
        (changed(ground_energy=-0.55), "correct it or leave it out"),
        (changed(hf_bitstring="011"), "2 characters 0 or 1"),
        (changed(hf_energy="x"), "hf_energy is 'x'"),
    ],
)
def test_a_bad_file_is_explained(tmp_path: Path, content: object, message: str) -> None:
    text = refusal(written(tmp_path, content))
    assert message in text
    assert "mine.json" in text
    assert len(text) < 500
    assert text.isprintable()


def test_files_that_cannot_be_read_are_explained(tmp_path: Path) -> None:
    assert "there is no such file" in refusal(tmp_path / "absent.json")
    assert "not a regular file" in refusal(tmp_path)
    assert "not a regular file" in refusal("/dev/null")
    assert "cannot be read" in refusal(tmp_path / ("n" * 300 + ".json"))
    (tmp_path / "latin.json").write_bytes(b'{"name": "\xe9"}')
    assert "not JSON" in refusal(tmp_path / "latin.json")
    assert "null" in refusal("\0.json")


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    path.touch()
    os.truncate(path, MAX_BYTES + 1)
    assert f"at most {MAX_BYTES} are read" in refusal(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("h3", "did you mean h2"),
        ("H2", "did you mean h2"),
        ("h2_4", "h2-4"),
        ("caffeine", "the tasks are beh2-6, beh2-6-published, h2, h2-3, h2-4, h2o-8, h2o-8-pub"),
        ("caffeine", "tfim-N, heisenberg-N, digits2"),
        ("caffeine", "vowel4; or give the path of a Hamiltonian file"),
        ("mnist-4", "did you mean mnist4"),
        ("tfim", "did you mean tfim-N"),
        ("TFIM-6", "did you mean tfim-N"),
        ("heisenberg_4", "did you mean heisenberg-N"),
        ("tfim-1", "give a whole number from 2 to 14, such as tfim-6"),
        ("heisenberg-99", "give a whole number from 2 to 14, such as heisenberg-6"),
        ("tfim-N", "the chain 'tfim-N' asks for 'N' qubits"),
        ("", "the tasks are"),
        ("\x1b[31m", "the tasks are"),
        ("n" * 5000, "the tasks are"),
        (7, "the task is 7; give a name"),
        (None, "give a name"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known(name: object, message: str) -> None:
    text = refusal(name)
    assert message in text
    assert len(text) < 400
    assert text.isprintable()
