from __future__ import annotations

import copy
import math
import pickle

import pytest

from qas.circuit import Circuit
from qas.errors import InputError
from qas.task import Observable, Task, load_task, task_names

Z = Observable.of(["ZI"], [1.0])


def test_id_is_the_observables_and_not_the_names() -> None:
    task = Task("a", Z, -1.0, {"hf_energy": -1.0})
    assert task.id == Task("b", Observable.of(["ZI"], [1])).id
    assert task.id != Task("a", Observable.of(["ZI"], [1.1])).id
    assert len(task.id) == 64


def test_integers_and_floats_are_the_same_problem() -> None:
    assert Task("a", Observable(1, ("Z",), (1,))).id == Task("a", Observable.of(["Z"], [1.0])).id


def test_a_task_is_a_value() -> None:
    task = load_task("h2")
    assert task == load_task("h2")
    assert hash(task) == hash(load_task("h2"))
    assert pickle.loads(pickle.dumps(task)) == copy.deepcopy(task) == task


@pytest.mark.parametrize("name", task_names())
def test_hf_circuit_prepares_the_hf_state(name: str) -> None:
    task = load_task(name)
    circuit = task.hf_circuit()
    assert circuit is not None
    flipped = {gate.qubits[0] for gate in circuit.gates}
    bits = "".join("1" if q in flipped else "0" for q in reversed(range(task.n_qubits)))
    assert {gate.name for gate in circuit.gates} == {"x"}
    assert task.observable.basis_energy(bits) == pytest.approx(task.reference["hf_energy"])


def test_hf_circuit_by_hand() -> None:
    assert Task("a", Z, reference={"hf_bitstring": "10"}).hf_circuit() == Circuit(2).then("x", 1)
    assert Task("a", Z, reference={"hf_bitstring": "00"}).hf_circuit() == Circuit(2)
    assert Task("a", Z).hf_circuit() is None


def test_correlation_energy_is_what_hartree_fock_misses() -> None:
    task = Task("a", Z, -1.0, {"hf_energy": -0.75})
    assert task.correlation_energy == 0.25
    assert Task("a", Z, -1.0).correlation_energy is None
    assert Task("a", Z, reference={"hf_energy": -0.75}).correlation_energy is None
    assert Task("a", Z, 0.0, {"hf_energy": 0.0}).correlation_energy == 0.0


@pytest.mark.parametrize("name", task_names())
def test_the_hf_state_recovers_no_correlation_and_the_ground_state_all(name: str) -> None:
    task = load_task(name)
    hf_energy, missed = task.reference["hf_energy"], task.correlation_energy
    assert missed is not None
    assert 1e-3 < missed < 0.2  # hartree: molecules of a few electrons in a minimal basis
    assert hf_energy - missed == pytest.approx(task.ground_energy, abs=1e-12)


@pytest.mark.parametrize("name", ["x", "H2O 8q", "<b>&'\"", "../../etc/passwd", "é", "n" * 80])
def test_printable_names_are_data(name: str) -> None:
    assert Task(name, Z).name == name


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x1b[31m", "a\u202eb", "\ud800", "n" * 81, 7])
def test_other_names_are_refused(name: object) -> None:
    with pytest.raises(InputError, match="name is"):
        Task(name, Z)


@pytest.mark.parametrize("energy", [math.nan, math.inf, "-1", True, [1.0], 10**400])
def test_energies_are_finite_numbers(energy: object) -> None:
    with pytest.raises(InputError, match="ground_energy is"):
        Task("a", Z, energy)
    with pytest.raises(InputError, match="hf_energy is"):
        Task("a", Z, reference={"hf_energy": energy})


@pytest.mark.parametrize("bits", ["1", "101", "1a", 10, ["1", "0"]])
def test_hf_bits_are_one_for_each_qubit(bits: object) -> None:
    with pytest.raises(InputError, match="2 characters 0 or 1"):
        Task("a", Z, reference={"hf_bitstring": bits})
