"""A classifier's campaign: losses and accuracies in place of energies, data kept in the ledger."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit import qasm3
from qiskit.quantum_info import SparsePauliOp, Statevector

from qas import AerSimulator, Circuit, ExactSimulator, NoisySimulator, load_device, load_task
from qas.errors import InputError
from qas.problem import Problem, Trial
from qas.task import Classifier, Loss
from search.campaign import Campaign, Settings, TuneOptions
from search.campaign.campaign import exported
from search.campaign.classifier import EACH, held, shortlist, validated, validating, whole
from search.campaign.finalist import polish, rough_front
from search.campaign.ledger import read_rows, without_times

Invoke = Callable[..., Any]
DEVICE = load_device("FakeManilaV2")
SEARCH = (
    *("search", "--task", "digits2", "--strategy", "random,evolve", "--budget", "4000000"),
    *("--seed", "1"),
)
VALUES = {
    *("loss_exact", "loss_noisy", "loss_pessimistic", "loss_readout", "loss_valid", "loss_test"),
    *("loss_valid_worst", "loss_valid_spread", "loss_valid_other_days"),
    *("accuracy_train", "accuracy_valid", "accuracy_test", "accuracy_test_exact"),
    *("accuracy_test_readout", "confusion_test"),
}
COUNTS = {"two_qubit_gates", "gates", "depth", "n_params"}
OPTIONS = TuneOptions(steps=3, shots=64, seed=5, batch_size=6)


def task() -> Classifier:
    loaded = load_task("digits2")
    assert isinstance(loaded, Classifier)
    return loaded


@pytest.fixture(scope="module")
def folder(invoke: Invoke, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unbroken campaign; look, do not touch."""
    made: Path = tmp_path_factory.mktemp("digits2") / "c"
    assert invoke(*SEARCH, "--out", made).exit_code == 0
    return made


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def summary_of(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def timeless(folder: Path) -> Any:
    return without_times(read_rows(folder / "ledger.jsonl"))


def file_of(folder: Path, entry: dict[str, Any]) -> Circuit:
    """The circuit of a finalist's file, angles bound."""
    rows = [r for r in read_rows(folder / "ledger.jsonl") if r["kind"] == "finalist"]
    row = next(r for r in rows if r["finalist"]["id"] == entry["id"])
    bound = exported(row).bind(row["trial"]["params"])
    assert (folder / entry["qasm"]).read_text() == bound.to_qasm()
    return bound


def trials_of(folder: Path, name: str) -> list[Trial]:
    rows = read_rows(folder / "ledger.jsonl")
    found = [r for r in rows if r["kind"] == "trial" and r["strategy"] == name]
    return [Trial.from_dict(row["trial"]) for row in found]


# --- the summary ------------------------------------------------------------------------------


def test_the_summary_speaks_of_losses_and_accuracies_alone(folder: Path) -> None:
    summary = summary_of(folder)
    assert "energy" not in json.dumps(summary)
    assert summary["classes"] == ["3", "6"]
    assert summary["samples"] == {"train": 164, "valid": 100, "test": 100}
    for entry in summary["finalists"]:
        assert entry.keys() >= VALUES | COUNTS
        assert entry["ansatz"].keys() == entry["logical"].keys() == COUNTS
        assert 0 <= entry["accuracy_test"] <= 1
    for arm in summary["arms"]:
        assert arm["best_loss"] >= 0
        assert arm["best_accuracy_valid"] > 0.5
    known = summary["references"]
    assert known["loss_guessing"] == pytest.approx(np.log(2))
    assert known["accuracy_guessing"] == pytest.approx(0.52)


def test_finalists_are_the_front_of_validation_loss_against_two_qubit_gates(folder: Path) -> None:
    entries = summary_of(folder)["finalists"]
    losses = [entry["loss_valid"] for entry in entries]
    gates = [entry["two_qubit_gates"] for entry in entries]
    assert losses == sorted(losses)
    assert gates == sorted(gates, reverse=True)
    assert len(set(gates)) == len(gates)
    pareto = summary_of(folder)["pareto"]
    assert [row["loss_valid"] for row in pareto] == losses


def test_the_file_is_the_whole_circuit_and_qiskit_agrees_on_it(folder: Path) -> None:
    """Inputs by name, losses and accuracies without noise: no simulator of ours."""
    for entry in summary_of(folder)["finalists"][:2]:
        loaded = qasm3.load(folder / entry["qasm"])
        counted = loaded.size(), loaded.depth(), loaded.num_nonlocal_gates()
        assert counted == (entry["gates"], entry["depth"], entry["two_qubit_gates"])
        assert {p.name for p in loaded.parameters} == {f"x_{k}" for k in range(16)}
        test = task().test
        values = np.array([_by_qiskit(loaded, sample) for sample in test.inputs])
        assert test.accuracy(values) == entry["accuracy_test_exact"]
        ours, few = file_of(folder, entry), test.some(np.arange(8))
        means = ExactSimulator().estimate(ours, few.observables, [], few.inputs).mean
        np.testing.assert_allclose(means, values[:8], atol=1e-9)


def _by_qiskit(circuit: Any, sample: np.ndarray[Any, Any]) -> list[float]:
    fed = {p: sample[int(p.name.removeprefix("x_"))] for p in circuit.parameters}
    state = Statevector(circuit.assign_parameters(fed))
    labels = ["I" * (3 - q) + "Z" + "I" * q for q in range(4)]
    return [float(state.expectation_value(SparsePauliOp(label)).real) for label in labels]


def test_losses_and_accuracies_are_those_of_the_file(folder: Path) -> None:
    """Noise and all; that is Aer's on some samples."""
    entry = summary_of(folder)["finalists"][-1]
    circuit = file_of(folder, entry)
    patch = DEVICE.patch(entry["physical_qubits"])
    noisy, few = NoisySimulator(patch), task().test.some(np.arange(8))

    def seen(simulator: Any, loss: Loss) -> Any:
        return simulator.estimate(circuit, loss.observables, [], loss.inputs).mean

    np.testing.assert_allclose(seen(noisy, few), seen(AerSimulator(patch), few), atol=1e-9)
    data = task()
    for name, loss in (("noisy", data.train), ("valid", data.valid), ("test", data.test)):
        assert loss.of(seen(noisy, loss)) == pytest.approx(entry[f"loss_{name}"], abs=1e-9)
    test = data.test.accuracy(seen(noisy, data.test))
    assert test == entry["accuracy_test"]
    matrix = np.array(entry["confusion_test"])
    assert matrix.sum(axis=1).tolist() == np.bincount(data.test.labels).tolist()
    assert np.diag(matrix).sum() / matrix.sum() == pytest.approx(test)
    exact = NoisySimulator(patch, scale=0.0)
    assert data.train.of(seen(exact, data.train)) == pytest.approx(entry["loss_exact"], abs=1e-9)


def test_counts_tell_the_file_from_what_was_searched(folder: Path) -> None:
    rows = [r for r in read_rows(folder / "ledger.jsonl") if r["kind"] == "finalist"]
    encoder = task().train.encoder
    for row in rows:
        entry, trial = row["finalist"], Trial.from_dict(row["trial"])
        lowered = DEVICE.patch(entry["physical_qubits"]).lower(encoder)
        both = Circuit.from_json(row["whole"])
        assert both == lowered.append(trial.native)
        assert {key: entry[key] for key in COUNTS} == both.counts()
        assert entry["ansatz"] == trial.native.counts()
        assert entry["logical"] == trial.candidate.circuit.counts()
        assert entry["gates"] == entry["ansatz"]["gates"] + len(lowered.gates)
        assert entry["n_inputs"] == 16


# --- choosing -----------------------------------------------------------------------------------


def test_validation_samples_choose_and_test_samples_do_not(folder: Path) -> None:
    """Other test samples give the same finalists; other validation samples are what decides."""
    arms = {name: trials_of(folder, name) for name in ("random", "evolve")}
    problem = Problem.of(task(), DEVICE)
    found = [item.trial for item in rough_front(problem, arms)]
    for name, trials in arms.items():
        listed = shortlist(trials)
        values = validated(problem, listed)
        best = min(range(len(listed)), key=lambda k: (values[k], listed[k].two_qubit_gates))
        assert listed[best] in found, name
    train, valid = task().train, task().valid
    other = Classifier("other", train, valid, valid.some(np.arange(5)), ("3", "6"))
    assert [i.trial for i in rough_front(Problem.of(other, DEVICE), arms)] == found


def test_a_shortlist_holds_the_best_few_of_each_number_of_gates(folder: Path) -> None:
    trials = trials_of(folder, "random")
    listed = shortlist(trials)
    for pairs in {t.two_qubit_gates for t in trials}:
        own = sorted((t for t in trials if t.two_qubit_gates == pairs), key=lambda t: t.rank)
        assert [t for t in listed if t.two_qubit_gates == pairs] == own[:EACH]


def test_validating_changes_the_samples_and_nothing_else() -> None:
    problem = Problem.of(task(), DEVICE)
    other = validating(problem)
    assert other.task.observable == task().valid
    assert (other.device, other.layouts, other.limits) == (
        problem.device, problem.layouts, problem.limits
    )  # fmt: skip
    molecule = Problem.of(load_task("h2"), DEVICE)
    assert validating(molecule) is molecule


def test_polishing_never_costs_validation_loss(folder: Path) -> None:
    problem = Problem.of(task(), DEVICE)
    for trial in sorted(trials_of(folder, "evolve"), key=lambda t: t.rank)[:3]:
        after = polish(problem, trial, problem.meter(None))
        first, then = validated(problem, [trial, after])
        assert then <= first + 2e-4
        assert held(problem, trial, after) in (trial, after)
        assert after.two_qubit_gates <= trial.two_qubit_gates


# --- the ledger -------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_ledger(invoke: Invoke, folder: Path, tmp_path: Path) -> None:
    assert invoke(*SEARCH, "--out", tmp_path / "again").exit_code == 0
    assert timeless(tmp_path / "again") == timeless(folder)


@pytest.mark.parametrize("kept", ["settings", "half an arm", "one finalist"])
def test_a_ledger_that_ends_anywhere_is_completed(
    kept: str, invoke: Invoke, folder: Path, copy: Path
) -> None:
    lines = (folder / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    kinds = [row["kind"] for row in read_rows(folder / "ledger.jsonl")]
    place = {
        "settings": 1,
        "half an arm": kinds.index("arm") // 2,
        "one finalist": kinds.index("finalist") + 1,
    }[kept]
    (copy / "ledger.jsonl").write_bytes(b"".join(lines[:place]) + lines[place][:40])
    (copy / "summary.json").unlink()
    assert invoke("resume", copy).exit_code == 0
    assert timeless(copy) == timeless(folder)
    assert without_times(summary_of(copy)) == without_times(summary_of(folder))


def test_settings_hold_the_samples_themselves() -> None:
    made = Settings(task(), DEVICE, ("random",), budget=10)
    row = json.loads(json.dumps(made.to_row()))
    assert len(json.dumps(row["task"])) < 20_000
    again = Settings.from_row(row)
    assert again.task == made.task
    assert again.to_row() == made.to_row()
    assert row["task"]["reference"].keys() >= {"dataset", "source", "protocol", "seed", "sha256"}


@pytest.mark.parametrize("part", ["train", "valid", "test"])
@pytest.mark.parametrize("key", ["labels", "inputs", "id"])
def test_going_on_with_other_samples_is_refused(
    part: str, key: str, invoke: Invoke, copy: Path
) -> None:
    lines = (copy / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    row = json.loads(lines[0])
    samples = row["task"]["samples"]
    other = {"train": "valid", "valid": "test", "test": "valid"}[part]
    if key == "inputs":
        text = samples[part][key]
        samples[part][key] = text[:-8] + ("AAAAAAA=" if text[-8:] != "AAAAAAA=" else "BBBBBBB=")
    elif key == "labels":
        samples[part][key][0] = 1 - samples[part][key][0]
    else:
        samples[part][key] = samples[other][key]
    (copy / "ledger.jsonl").write_bytes(json.dumps(row).encode() + b"\n" + b"".join(lines[1:]))
    refused = invoke("resume", copy)
    assert refused.exit_code == 2
    assert re.search("not those that the campaign began with|not a campaign's", refused.stderr)


# --- fine-tuning --------------------------------------------------------------------------------


def test_tuning_counts_goes_on_and_says_what_it_was_worth(
    invoke: Invoke, copy: Path, tmp_path: Path
) -> None:
    whole_run = Path(shutil.copytree(copy, tmp_path / "whole"))
    for place, stops in ((whole_run, 3), (copy, 1)):
        campaign = Campaign.open(place)
        campaign.plan_tuning(OPTIONS)
        progress = campaign.tune()
        for _ in range(stops):
            next(progress)
        progress.close()
        assert len(list(Campaign.open(place).tune())) == 3 - stops
    assert timeless(copy) == timeless(whole_run)
    assert invoke("report", copy).exit_code == 0
    entry = summary_of(copy)["finalists"][0]
    rows = [row for row in read_rows(copy / "ledger.jsonl") if row["kind"] == "tuning"]
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert all(row["loss"] > 0 and row["loss_noisy"] > 0 for row in rows)
    full = 6 * (1 + 2 * entry["n_params"])
    assert rows[0]["circuits"] == full + 2  # and the readout's two
    assert rows[1]["circuits"] - rows[0]["circuits"] < full
    for name in ("untuned", "tuned"):
        assert entry[f"loss_{name}_stderr"] > 0
        assert 0.5 < entry[f"accuracy_test_{name}"] <= 1
    assert entry["circuits"] > rows[-1]["circuits"] + 2 * 8 * 100
    params = read_rows(copy / "ledger.jsonl")[-1]["params"]
    tuned = exported(Campaign.open(copy).ledger.of_kind("finalist")[0]).bind(params)
    assert (copy / entry["qasm_tuned"]).read_text() == tuned.to_qasm()
    patch, valid = DEVICE.patch(entry["physical_qubits"]), task().valid
    means = NoisySimulator(patch).estimate(tuned, valid.observables, [], valid.inputs).mean
    assert valid.of(means) == pytest.approx(entry["loss_tuned_valid"], abs=1e-9)


def test_measured_losses_are_those_of_the_noise_model(copy: Path) -> None:
    """Mitigated shots of the emulated chip scatter about the noisy loss, idling included."""
    campaign = Campaign.open(copy)
    campaign.plan_tuning(TuneOptions(steps=1, shots=4096, seed=3, batch_size=4))
    list(campaign.tune())
    entry = campaign.summary()["finalists"][0]
    trial = Trial.from_dict(campaign.ledger.of_kind("finalist")[0]["trial"])
    circuit, valid = whole(campaign.problem, trial), task().valid
    idle = NoisySimulator(DEVICE.patch(entry["physical_qubits"]), idle=True)
    means = idle.estimate(circuit, valid.observables, trial.angles, valid.inputs).mean
    assert abs(entry["loss_untuned"] - valid.of(means)) < 0.01


def test_mitigation_that_an_emulated_chip_lacks_is_refused(copy: Path) -> None:
    campaign = Campaign.open(copy)
    with pytest.raises(InputError, match="--resilience 0 or 1"):
        campaign.plan_tuning(TuneOptions(steps=1, shots=8, resilience_level=2))


# --- other settings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("--device", "ideal"),
        ("--robust", "--objectives", "loss,cx,duration"),
        ("--max-cx", "1", "--qubits", "0,1,2,3"),
    ],
)
def test_other_aims_end_with_a_finalist(
    words: tuple[str, ...], invoke: Invoke, tmp_path: Path
) -> None:
    start = ("search", "--task", "digits2", "--strategy", "random", "--budget", "600000")
    result = invoke(*start, *words, "--out", tmp_path / "c", "--json")
    assert result.exit_code == 0
    summary = json.loads(result.stdout)
    assert summary["finalists"]
    assert all(e["loss_valid"] <= e["loss_valid_worst"] + 1e-12 for e in summary["finalists"])
    if "--max-cx" in words:
        assert {e["two_qubit_gates"] for e in summary["finalists"]} <= {0, 1}
    if "ideal" in words:
        for entry in summary["finalists"]:
            assert entry["loss_exact"] == pytest.approx(entry["loss_noisy"], abs=1e-9)
        assert invoke("tune", tmp_path / "c").exit_code == 2
