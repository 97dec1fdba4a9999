"""Placing circuits on chips: `python results/layouts/study.py [DEVICE ...]`.

Every (device, task, circuit) is a job; finished ones stand in runs.jsonl and are not run again.
README.md is written by page.py.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rival
from skeleton import TASKS, Trained, trained_circuits

from qas import Circuit, load_device
from qas.device.embedding import embeddings
from qas.device.lowering import is_native
from qas.execute import AerSimulator, NoisySimulator
from qas.problem import NORMAL, Candidate, Meter, Problem, Trial, minimise, relayout
from qas.problem.placement import Placement, layouts_for, placements, success_prices

HERE = Path(__file__).parent
RUNS = HERE / "runs.jsonl"
DEVICES = ("FakeManilaV2", "FakeMumbaiV2", "FakeMarrakesh")
FACTS = (
    "layout",
    "seconds",
    "evaluations",
    "seconds_trained",
    "aer_gap",
    "qiskit_seconds",
    "routed",
)
"""What of a row is no energy."""
WIDELY = 24
"""Placements trained by the wider search; the engine's own choice is 3."""
EVERY = 400
"""Placements up to which all are valued; of more, the first half of so many and as many drawn."""

Layout = tuple[int, ...]
Reals = np.ndarray

circuits = cache(trained_circuits)
device_of = cache(load_device)
backend_of = cache(rival.backend_of)


def run(name: str, one: Trained) -> dict[str, Any]:
    """One circuit on one device; energies in hartree above the ground state."""
    ground = one.task.ground_energy
    assert ground is not None
    problem = Problem.of(one.task, device_of(name))
    start = first_trial(problem, one)
    energies, n_places = values(problem, start)
    row = chosen(problem, start) | qiskit(name, problem, start, one)
    row |= {
        "exact": [one.energy],
        "by success": [by_success(problem, start)],
        "best": [min(energies.min(), *row["chosen"])],
        "median": [float(np.median(energies))],
        "worst": [float(energies.max())],
    }
    return {
        "device": name, "task": one.task.name, "circuit": one.kind,
        "two_qubit_gates": start.two_qubit_gates, "pairs": len(start.native.pairs),
        "places": n_places, "valued": len(energies),
        **{key: row.pop(key) for key in [k for k in row if k in FACTS]},
        **{key: [energy - ground for energy in energies] for key, energies in row.items()},
    }  # fmt: skip


def chosen(problem: Problem, start: Trial) -> dict[str, Any]:
    """Our placement: at the circuit's angles, and trained; with times and cost."""
    meter, clock = problem.meter(None), time.process_time()
    place = min(placements(problem, start, meter), key=lambda p: p.energy, default=start)
    seconds, evaluations = time.process_time() - clock, meter.spent.evaluations
    clock = time.process_time()
    own = problem.score(
        start.candidate, problem.meter(None), native=start.native, start=start.angles
    )
    trained = min(own, relayout(problem, start, problem.meter(None)), key=lambda t: t.energy)
    trained_seconds = time.process_time() - clock
    widely = relayout(problem, start, problem.meter(None), keep=WIDELY)
    widely = min(own, widely, key=lambda t: t.energy)
    best = place if place.energy < start.energy else start
    layout = best.layout if isinstance(best, Placement) else best.candidate.layout
    return {
        "chosen": [best.energy], "chosen trained": [trained.energy],
        "layout": list(layout), "seconds": seconds, "evaluations": evaluations,
        "seconds_trained": trained_seconds, "chosen trained widely": [widely.energy],
        "aer_gap": aer_gap(problem, start, layout),
    }  # fmt: skip


def first_trial(problem: Problem, one: Trained) -> Trial:
    """The simplified circuit on the best-calibrated layout offered that couples its pairs."""
    native, angles = rival.simplified(one.circuit, problem.device)
    same = problem.exact.estimate(native, one.task.observable, angles).mean[0]
    assert abs(same - one.energy) < 1e-9, "the simplified circuit is another"
    layout = next((x for x in problem.layouts if problem.fits(native, x)), None)
    layout = layout or layouts_for(problem, native)[0]
    assert is_native(native, problem.patch(layout))
    return trial_at(problem, native, angles, layout)


def trial_at(problem: Problem, native: Circuit, angles: Reals, layout: Layout) -> Trial:
    """A native circuit on a layout, as it stands."""
    energy = problem.value(native, layout, angles, problem.meter(None))[0]
    return Trial(Candidate(native, layout), native, tuple(angles.tolist()), float(energy))


def value_at(problem: Problem, trial: Trial, layout: tuple[int, ...]) -> float:
    """The trial's energy on other qubits, at its angles."""
    patch = problem.device.patch(layout)
    lowering = patch.lowering(trial.native)
    angles, observable = lowering.angles(trial.angles)[0], problem.task.observable
    return float(NoisySimulator(patch).estimate(lowering.native, observable, angles).mean[0])


def values(problem: Problem, trial: Trial) -> tuple[np.ndarray, int]:
    """Exact energies of all placements, or of a sample, and how many there are."""
    found = embeddings(success_prices(trial.native, problem.device), 10**6).places
    chosen = np.arange(len(found))
    if len(found) > EVERY:
        rng = np.random.default_rng(5)
        drawn = rng.choice(len(found), EVERY // 2, replace=False)
        chosen = np.unique([*range(EVERY // 2), *drawn])
    energies = [value_at(problem, trial, tuple(row)) for row in found[chosen].tolist()]
    return np.array(energies), len(found)


def by_success(problem: Problem, trial: Trial) -> float:
    """Energy of the placement that is first by the chance that no gate fails."""
    found = embeddings(success_prices(trial.native, problem.device), 1)
    return value_at(problem, trial, tuple(found.places[0].tolist()))


def qiskit(name: str, problem: Problem, start: Trial, one: Trained) -> dict[str, list[Any]]:
    """Qiskit's level 3, seed by seed: its layout for our circuit, and its own circuit."""
    known: dict[Any, dict[str, float]] = {}
    rows, routed = [], 0
    for seed in rival.SEEDS:
        made = rival.transpiled(one.circuit, one.task.observable, backend_of(name), seed)
        routed += not made.in_place
        key = made.circuit, made.qubits, tuple(made.angles.tolist())
        if key not in known:
            known[key] = scored(problem, start, made)
        rows.append(known[key])
    seconds = [rival.timed(one.circuit, backend_of(name), seed) for seed in (0, 1, 2)]
    by_kind = {kind: [row[kind] for row in rows] for kind in rows[0]}
    return by_kind | {"qiskit_seconds": seconds, "routed": routed}


def scored(problem: Problem, start: Trial, made: rival.Native) -> dict[str, float]:
    """Our circuit on its layout, its own circuit there, and that one moved by our placement.

    Where it moved wires by swaps there is no layout: then its own circuit stands for all.
    """
    simulator = NoisySimulator(problem.device.patch(made.qubits))
    own = float(simulator.estimate(made.circuit, made.observable, made.angles).mean[0])
    trained, best = minimise(
        simulator, made.circuit, made.observable, made.angles, Meter(None, 1), NORMAL
    )
    if not made.in_place:
        names = (
            "on its layout",
            "on its layout trained",
            "own",
            "own trained",
            "moved",
            "moved trained",
        )
        return dict(zip(names, [own, trained] * 3, strict=True))
    there = trial_at(problem, start.native, start.angles, made.qubits)
    its = trial_at(problem, made.circuit, made.angles, made.qubits)
    moved = placements(problem, its, problem.meter(None))
    again = relayout(
        problem, trial_at(problem, made.circuit, best, made.qubits), problem.meter(None)
    )
    score = problem.score(
        there.candidate, problem.meter(None), native=there.native, start=there.angles
    )
    return {
        "on its layout": there.energy, "on its layout trained": score.energy,
        "own": own, "own trained": trained,
        "moved": min(own, *(place.energy for place in moved)), "moved trained": again.energy,
    }  # fmt: skip


def aer_gap(problem: Problem, trial: Trial, layout: tuple[int, ...]) -> float:
    """By how much Aer's density matrix differs on the chosen placement, hartree."""
    patch = problem.device.patch(layout)
    lowering = patch.lowering(trial.native)
    bound: Circuit = lowering.native.bind(lowering.angles(trial.angles)[0])
    aer = AerSimulator(patch, kraus=False).estimate(bound, problem.task.observable, []).mean[0]
    return abs(float(aer) - value_at(problem, trial, layout))


def finished() -> set[tuple[str, str, str]]:
    if not RUNS.exists():
        return set()
    rows = [json.loads(line) for line in RUNS.read_text().split("\n")[:-1]]
    return {(row["device"], row["task"], row["circuit"]) for row in rows}


def main() -> None:
    devices, done = sys.argv[1:] or DEVICES, finished()
    for name in devices:
        for task in TASKS:
            for one in circuits(task):
                fits = one.task.n_qubits <= device_of(name).n_qubits
                if fits and (name, task, one.kind) not in done:
                    row = run(name, one)
                    with RUNS.open("a") as file:
                        file.write(json.dumps(row) + "\n")
                    gain = 1e3 * (np.median(row["on its layout"]) - row["chosen"][0])
                    sys.stderr.write(
                        f"{name}, {task}, {one.kind}: {1e3 * row['chosen'][0]:.2f} mHa, "
                        f"{gain:+.2f} to Qiskit's layout, {row['seconds']:.2f} s\n"
                    )


if __name__ == "__main__":
    main()
