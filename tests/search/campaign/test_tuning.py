"""Fine-tuning inside a campaign: counted, saved after every step, resumable."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from qas.errors import InputError
from search.campaign import Campaign, TuneOptions
from search.campaign.ledger import read_rows, without_times

Invoke = Callable[..., Any]
KINDS = ("plan", "tuning", "tuned")
OPTIONS = TuneOptions(steps=4, shots=64, seed=5)


def tuning_rows(folder: Path) -> Any:
    rows = read_rows(folder / "ledger.jsonl")
    return without_times([row for row in rows if row["kind"] in KINDS])


def test_every_step_is_counted(tuned: Path) -> None:
    steps = [row for row in tuning_rows(tuned) if row["kind"] == "tuning"]
    assert [row["step"] for row in steps] == [1, 2, 3, 4]
    assert all(row["energy_noisy"] is not None and row["stderr"] > 0 for row in steps)
    for key in ("shots", "circuits"):
        assert sorted({row[key] for row in steps}) == [row[key] for row in steps]
    last = tuning_rows(tuned)[-1]
    assert last["kind"] == "tuned"
    assert last["shots"] > steps[-1]["shots"]
    assert last["circuits"] > steps[-1]["circuits"]
    assert len(steps[0]["kept"]) >= len(steps[1]["kept"])


def test_a_tuning_that_stops_after_a_step_goes_on(tuned: Path, campaign_copy: Path) -> None:
    campaign = Campaign.open(campaign_copy)
    campaign.plan_tuning(OPTIONS)
    progress = campaign.tune()
    next(progress)
    progress.close()
    again = Campaign.open(campaign_copy)
    assert len(list(again.tune())) == 3
    assert tuning_rows(campaign_copy) == tuning_rows(tuned)
    assert list(again.tune()) == []


@pytest.mark.parametrize("lost", ["all", "bit", "ledger row"])
def test_a_damaged_checkpoint_or_a_torn_row_costs_steps_and_nothing_else(
    lost: str, tuned: Path, campaign_copy: Path
) -> None:
    campaign = Campaign.open(campaign_copy)
    campaign.plan_tuning(OPTIONS)
    progress = campaign.tune()
    for _ in range(3):
        next(progress)
    progress.close()
    saved = sorted((campaign_copy / "checkpoints").glob("tune-*"))
    assert len(saved) == 2
    if lost == "bit":
        data = bytearray(saved[0].read_bytes())
        at = data.index(b"0."[0], len(data) // 2)
        data[at] ^= 1
        saved[0].write_bytes(data)
    elif lost == "ledger row":
        ledger = campaign_copy / "ledger.jsonl"
        ledger.write_bytes(ledger.read_bytes()[:-30])
    else:
        for file in saved:
            file.write_bytes(file.read_bytes()[:-7])
    list(Campaign.open(campaign_copy).tune())
    assert tuning_rows(campaign_copy) == tuning_rows(tuned)


def test_the_tuned_angles_are_those_of_the_tuned_file(tuned: Path) -> None:
    import numpy as np
    from qiskit import qasm3

    from qas import Circuit, NoisySimulator, load_device, load_task

    entry = json.loads((tuned / "summary.json").read_text())["finalists"][0]
    row = tuning_rows(tuned)[-1]
    assert entry["qasm_tuned"] == f"finalist-{entry['id']}-tuned.qasm"
    circuit = Circuit.from_qiskit(qasm3.load(tuned / entry["qasm_tuned"]))
    angles = [gate.angle for gate in circuit.gates if gate.name == "rz"]
    turns = (np.array(angles) - np.array(row["params"])) / (2 * np.pi)
    assert np.abs(turns - np.round(turns)).max(initial=0.0) < 1e-9
    patch = load_device("FakeManilaV2").patch(entry["physical_qubits"])
    value = NoisySimulator(patch).estimate(circuit, load_task("h2").observable, []).mean[0]
    assert abs(value - entry["energy_tuned_noisy"]) < 1e-9


def test_a_second_tuning_stands_beside_the_first(invoke: Invoke, campaign_copy: Path) -> None:
    campaign = Campaign.open(campaign_copy)
    campaign.plan_tuning(TuneOptions(steps=1, shots=8))
    list(campaign.tune())
    campaign.plan_tuning(TuneOptions(steps=1, shots=16))
    list(campaign.tune())
    assert invoke("tune", campaign_copy, "--steps", "1", "--shots", 16).exit_code == 0
    rows = tuning_rows(campaign_copy)
    assert [row["settings"]["shots"] for row in rows if row["kind"] == "tuned"] == [8, 16]
    entry = json.loads((campaign_copy / "summary.json").read_text())["finalists"][0]
    assert entry["settings"]["shots"] == 16


def test_options_come_back_and_have_a_key_of_their_own() -> None:
    from dataclasses import asdict, replace

    assert TuneOptions.from_dict(json.loads(json.dumps(asdict(OPTIONS)))) == OPTIONS
    assert replace(OPTIONS, steps=5).key != OPTIONS.key == replace(OPTIONS).key


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"shots": 0}, {"shots": -5}, {"learning_rate": float("nan")}]
)
def test_options_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="given"):
        TuneOptions(**wrong)
