"""A small campaign on FakeManilaV2, run for real; only its tuning is made up."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from qas import ExactSimulator, NoisySimulator, load_device, load_task
from qas.device import Device
from qas.problem import Candidate, Meter, Problem, Trial, pareto_front, prune, random_circuit

Rows = list[dict[str, Any]]
BUDGET = 4000


def trial_rows(problem: Problem, strategy: str, lengths: list[int], seed: int) -> Rows:
    """Random circuits, scored; "greedy" prunes each of them as well."""
    rng = np.random.default_rng(seed)
    meter = problem.meter(BUDGET)
    rows: Rows = []
    for number, length in enumerate(lengths):
        layout = problem.layouts[int(rng.integers(min(6, len(problem.layouts))))]
        tokens = problem.tokens(layout)
        circuit = random_circuit(tokens, problem.n_qubits, length, 3 * (problem.n_qubits - 1), rng)
        start = rng.uniform(-math.pi, math.pi, circuit.n_params)
        trial = problem.score(Candidate(circuit, layout), meter, start=start)
        if strategy == "greedy":
            trial = prune(problem, trial, meter, tolerance=1e-5)
        rows.append(_trial_row(strategy, number, trial, meter))
        if meter.exhausted:
            break
    return rows


def _trial_row(strategy: str, number: int, trial: Trial, meter: Meter) -> dict[str, Any]:
    return {
        "schema": 1, "kind": "trial", "strategy": strategy, "number": number,
        "trial": trial.to_dict(), "spent": meter.spent.to_dict(),
        "seconds": meter.spent.evaluations / 900, "time": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def finalist_row(problem: Problem, trial: Trial, strategy: str) -> dict[str, Any]:
    """With every energy of the summary, by the simulators."""
    task, patch = problem.task, problem.patch(trial.candidate.layout)

    def energy(simulator: NoisySimulator | ExactSimulator) -> float:
        return float(simulator.estimate(trial.native, task.observable, trial.angles).mean[0])

    exact = energy(ExactSimulator())
    entry = {
        "id": trial.native.id[:12], "qasm": f"{trial.native.id[:12]}.qasm",
        "physical_qubits": list(trial.candidate.layout), **trial.native.counts(),
        "logical": trial.candidate.circuit.counts(), "energy_exact": exact,
        "error_exact": exact - (task.ground_energy or 0.0), "error_retrained": 3.1e-10,
        "energy_noisy": trial.energy,
        "energy_pessimistic": energy(NoisySimulator(patch, pessimistic=True)),
        "energy_readout": energy(NoisySimulator(patch, readout=True)),
    }  # fmt: skip
    return {
        "schema": 1, "kind": "finalist", "finalist": entry, "trial": trial.to_dict(),
        "strategy": strategy,
    }  # fmt: skip


def tuning_rows(finalist: dict[str, Any], n_steps: int = 24) -> Rows:
    """Made up: an energy that falls with noise, half of the angles rest in two of three steps."""
    rng = np.random.default_rng(5)
    name, n_params = finalist["id"], finalist["n_params"]
    end = finalist["energy_noisy"]
    rows: Rows = []
    shots = circuits = 0
    for step in range(n_steps):
        n_kept = n_params if step % 3 == 0 else max(1, n_params // 2)
        kept = sorted(rng.choice(n_params, n_kept, replace=False).tolist())
        exact = end + 0.018 * math.exp(-step / 6)
        circuits += 2 * (1 + 2 * n_kept)
        shots += 4096 * 2 * (1 + 2 * n_kept)
        rows.append({
            "schema": 1, "kind": "tuning", "id": name, "step": step,
            "energy": exact - 0.004 + 0.0025 * float(rng.normal()), "stderr": 0.0025,
            "energy_noisy": exact, "kept": kept, "shots": shots, "circuits": circuits,
        })  # fmt: skip
    rows.append({
        "schema": 1, "kind": "tuned", "id": name, "backend": "local", "energy_untuned": end + 0.012,
        "energy_untuned_stderr": 0.0013, "energy_tuned": end - 0.003,
        "energy_tuned_stderr": 0.0012, "energy_tuned_noisy": end + 0.0002, "shots": shots + 65536,
        "circuits": circuits + 16, "resilience": {"measure_mitigation": True, "zne": False},
        "kept_tuned": True,
    })  # fmt: skip
    return rows


def campaign_row(problem: Problem, strategies: list[str]) -> dict[str, Any]:
    task, device = problem.task, problem.device
    return {
        "schema": 1, "kind": "campaign",
        "task": {
            "name": task.name, "n_qubits": task.n_qubits, "id": task.id,
            "ground_energy": task.ground_energy, "hf_energy": task.reference.get("hf_energy"),
            "paulis": list(task.observable.paulis), "coeffs": list(task.observable.coeffs),
        },
        "device": json.loads(device.to_json()),
        "device_summary": {
            "name": device.name, "calibration_date": device.calibration_date,
            "hash": device.hash[:16],
        },
        "strategies": strategies, "seed": 7, "budget": BUDGET, "minutes": None,
        "layouts": [list(layout) for layout in problem.layouts],
        "limits": {"gates": 20, "two_qubit_gates": 6}, "pool": list(problem.pool),
        "version": "0.1.0", "packages": {"numpy": "2.4.0", "qiskit": "2.6.0"},
    }  # fmt: skip


def arm_entry(rows: Rows) -> dict[str, Any]:
    best = min(rows, key=lambda row: row["trial"]["energy"])
    return {
        "strategy": rows[0]["strategy"], "trials": len(rows), "spent": rows[-1]["spent"],
        "seconds": rows[-1]["seconds"], "best_energy": best["trial"]["energy"],
        "best_two_qubit_gates": best["trial"]["two_qubit_gates"],
        "best_polished_energy": best["trial"]["energy"] - 1e-6,
        "best_pessimistic_energy": best["trial"]["energy"] + 0.006,
        "physical_qubits": best["trial"]["physical_qubits"],
    }  # fmt: skip


def made(task_name: str, device: Device, lengths: list[int]) -> tuple[Rows, dict[str, Any]]:
    """Ledger rows and summary of a campaign of two strategies with up to three finalists."""
    problem = Problem.of(load_task(task_name), device)
    arms = {
        "random": trial_rows(problem, "random", lengths, 1),
        "greedy": trial_rows(problem, "greedy", lengths[::3], 2),
    }
    found = [(Trial.from_dict(r["trial"]), name) for name, rows in arms.items() for r in rows]
    front = pareto_front([trial for trial, _ in found])[:3]
    origin = dict(found)
    finalists = [finalist_row(problem, trial, origin[trial]) for trial in front]
    tuned = tuning_rows(finalists[0]["finalist"]) if front[0].params else []
    rows = [campaign_row(problem, [*arms]), *arms["random"], *arms["greedy"], *finalists, *tuned]
    return rows, _summary(problem, arms, [row["finalist"] for row in finalists])


def _summary(problem: Problem, arms: dict[str, Rows], finalists: Rows) -> dict[str, Any]:
    reference = problem.task.hf_circuit()
    assert reference is not None
    start = problem.score(Candidate(reference, problem.layouts[0]), problem.meter(None))
    return {
        "schema": 1, "task": problem.task.name,
        "device": campaign_row(problem, [])["device_summary"], "strategy": [*arms], "seed": 7,
        "budget": BUDGET, "spent": arms["random"][-1]["spent"], "finalists": finalists,
        "arms": [arm_entry(rows) for rows in arms.values()],
        "references": {
            "ground_energy": problem.task.ground_energy, "hartree_fock_noisy": start.energy,
        },
        "settings": {"effort": {"iterations": 100}, "n_layouts": 48},
    }  # fmt: skip


@pytest.fixture(scope="session")
def campaign() -> tuple[Rows, dict[str, Any]]:
    """H2 on two qubits of FakeManilaV2."""
    return made("h2", load_device("FakeManilaV2"), [3, 4, 5, 6, 7, 8] * 5)
