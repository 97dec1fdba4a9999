"""What a campaign leaves: summary.json and circuits that others load and find as good."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit, qasm3
from qiskit.quantum_info import Operator, SparsePauliOp

from qas import AerSimulator, Circuit, load_device, load_task
from qas.problem import Trial
from search.campaign.ledger import read_rows

Invoke = Callable[..., Any]
SUMMARY = {"schema", "task", "device", "strategy", "seed", "budget", "spent", "finalists"}
FINALIST = {
    *("id", "qasm", "physical_qubits", "two_qubit_gates", "gates", "depth", "n_params"),
    *("logical", "energy_exact", "error_exact", "error_retrained", "energy_noisy"),
    *("energy_pessimistic", "energy_readout", "energy_other_days", "energy_worst", "spread"),
    *("duration", "success_probability", "measurement_groups", "gradient_circuits"),
}
TUNED = {
    *("qasm_tuned", "energy_untuned", "energy_untuned_stderr", "energy_tuned"),
    *("energy_tuned_stderr", "energy_tuned_noisy", "shots", "circuits", "resilience"),
}
ARM = {
    *("strategy", "trials", "spent", "seconds", "best_energy", "best_two_qubit_gates"),
    *("best_polished_energy", "best_pessimistic_energy", "physical_qubits"),
}
COUNTS = {"two_qubit_gates", "gates", "depth", "n_params"}


def summary_of(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


@pytest.fixture(scope="module")
def on_ecr(invoke: Invoke, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("ecr") / "c"
    words = ("search", "--task", "h2", "--device", "FakeSherbrooke", "--strategy", "random")
    assert invoke(*words, "--budget", "1200", "--seed", "2", "--out", folder).exit_code == 0
    return folder


def test_fields_are_those_of_the_public_face(finished: Path, tuned: Path) -> None:
    summary = summary_of(finished)
    beside = {"spent_polishing", "spent_tuning", "arms", "references", "settings"}
    beside |= {"pareto", "hypervolume"}
    assert summary.keys() == SUMMARY | beside
    assert summary["device"].keys() == {"name", "calibration_date", "hash"}
    assert (summary["task"], summary["strategy"]) == ("h2", "random,tpe,greedy")
    assert (summary["schema"], summary["seed"], summary["budget"]) == (1, 1, 3000)
    for entry in summary["finalists"]:
        assert entry.keys() == FINALIST | {"strategy"}
        assert entry["logical"].keys() == COUNTS
    for arm in summary["arms"]:
        assert arm.keys() >= ARM
    entry = summary_of(tuned)["finalists"][0]
    extras = {"strategy", "backend", "plan", "kept_tuned", "steps", "settings"}
    extras |= {"jobs", "qpu_seconds"}
    assert entry.keys() == FINALIST | TUNED | extras


def test_finalists_are_a_front_best_first(finished: Path) -> None:
    summary = summary_of(finished)
    noisy = [entry["energy_noisy"] for entry in summary["finalists"]]
    pairs = [entry["two_qubit_gates"] for entry in summary["finalists"]]
    assert noisy == sorted(noisy)
    assert pairs == sorted(set(pairs), reverse=True)
    assert noisy[0] <= min(arm["best_energy"] for arm in summary["arms"])
    assert summary["spent"]["evaluations"] == sum(
        arm["spent"]["evaluations"] for arm in summary["arms"]
    )
    ground = load_task("h2").ground_energy
    assert ground is not None
    for entry in summary["finalists"]:
        assert entry["error_exact"] == entry["energy_exact"] - ground
        assert -1e-9 < entry["error_retrained"] <= entry["error_exact"] + 1e-12
        assert entry["energy_pessimistic"] > entry["energy_noisy"]


def test_folder_holds_what_the_summary_names(tuned: Path) -> None:
    summary = summary_of(tuned)
    names = {"ledger.jsonl", "summary.json", "report.html", "checkpoints", ".lock"}
    for entry in summary["finalists"]:
        names |= {entry["qasm"], f"finalist-{entry['id']}.json"}
        names |= {entry["qasm_tuned"]} if "qasm_tuned" in entry else set()
    assert {path.name for path in tuned.iterdir()} == names


@pytest.mark.parametrize("machine", ["cx", "ecr"])
def test_exported_circuits_load_in_qiskit_with_the_counts_that_are_stated(
    machine: str, finished: Path, on_ecr: Path
) -> None:
    folder = {"cx": finished, "ecr": on_ecr}[machine]
    rows = {r["finalist"]["id"]: r for r in read_rows(folder / "ledger.jsonl") if "finalist" in r}
    used = set()
    for entry in summary_of(folder)["finalists"]:
        loaded = qasm3.load(folder / entry["qasm"])
        assert loaded.num_parameters == 0
        assert loaded.size() == entry["gates"]
        assert loaded.depth() == entry["depth"]
        two = [item for item in loaded.data if item.operation.num_qubits == 2]
        assert len(two) == entry["two_qubit_gates"]
        assert loaded.num_qubits == len(entry["physical_qubits"])
        native = Trial.from_dict(rows[entry["id"]]["trial"]).bound
        assert Operator(loaded).equiv(Operator(native.to_qiskit()))
        used |= {item.operation.name for item in loaded.data}
    assert machine in used <= {"rz", "sx", "x", machine}


@pytest.mark.parametrize("machine", ["cx", "ecr"])
def test_the_noisy_energy_of_the_file_is_aers(machine: str, finished: Path, on_ecr: Path) -> None:
    folder, name = {"cx": (finished, "FakeManilaV2"), "ecr": (on_ecr, "FakeSherbrooke")}[machine]
    for entry in summary_of(folder)["finalists"]:
        circuit = Circuit.from_qiskit(qasm3.load(folder / entry["qasm"]))
        aer = AerSimulator(load_device(name).patch(entry["physical_qubits"]), kraus=False)
        value = aer.estimate(circuit, load_task("h2").observable, []).mean[0]
        assert abs(value - entry["energy_noisy"]) < 1e-7


def test_noisy_energy_is_that_of_the_whole_chip_by_qiskit_alone(finished: Path) -> None:
    """No code of ours between the file and the energy: noise, layout and observable by Qiskit."""
    task = load_task("h2")
    for entry in summary_of(finished)["finalists"]:
        qubits = entry["physical_qubits"]
        loaded = qasm3.load(finished / entry["qasm"])
        placed = QuantumCircuit(5).compose(loaded, qubits)
        labels = ["".join(_placed(pauli, qubits)) for pauli in task.observable.paulis]
        placed.save_expectation_value(SparsePauliOp(labels, task.observable.coeffs), range(5))
        result = _whole_chip().run(placed).result()
        assert abs(result.data()["expectation_value"] - entry["energy_noisy"]) < 1e-7


def _placed(pauli: str, qubits: list[int]) -> list[str]:
    letters = ["I"] * 5
    for number, letter in enumerate(reversed(pauli)):
        letters[4 - qubits[number]] = letter
    return letters


@cache
def _whole_chip() -> Any:
    import qiskit_aer
    from qiskit_aer.noise import NoiseModel
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    model = NoiseModel.from_backend(FakeManilaV2(), readout_error=False)
    return qiskit_aer.AerSimulator(method="density_matrix", noise_model=model)


def test_finalist_json_holds_the_trial(finished: Path) -> None:
    for entry in summary_of(finished)["finalists"]:
        record = json.loads((finished / f"finalist-{entry['id']}.json").read_text())
        trial = Trial.from_dict(record)
        assert record["summary"] == entry
        assert record["qasm"] == (finished / entry["qasm"]).read_text()
        assert abs(trial.energy - entry["energy_noisy"]) < 1e-10
        assert trial.candidate.circuit.counts() == entry["logical"]
        assert np.isfinite(trial.angles).all()


def test_references_are_stated(finished: Path) -> None:
    references = summary_of(finished)["references"]
    ground = load_task("h2").ground_energy
    assert references["ground_energy"] == ground
    assert references["hartree_fock_noisy"] > summary_of(finished)["finalists"][0]["energy_noisy"]
