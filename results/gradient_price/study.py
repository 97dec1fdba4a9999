"""The price of a gradient: circuits, shots and seconds of every way to it, and how wrong it is.

    python results/gradient_price/study.py          # runs what gradient_price.json lacks, writes
                                                    # it, README.md and price.png
    python results/gradient_price/study.py --page   # README.md and the figure alone

One process, one thread; some minutes. Remove gradient_price.json to measure again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import circuit
import numpy as np
import page
from method import MANY, METHODS, PAIRS, Case, by_method, cost, seconds, spsa_bias
from numpy.typing import NDArray
from sampling import errors, intervals, shots_for

import qas
from qas import Circuit, Observable
from qas.circuit.route import routed
from qas.execute.noisy import NoisySimulator
from qas.problem import Problem
from qas.problem.merit.gradient import gradient_price
from qas.train.commuting import commuting_gradient, gradient_circuits
from qas.train.method import SPSA
from search.strategy.archive import Archive

Reals = NDArray[np.float64]
HERE = Path(__file__).parent
FILE = HERE / "gradient_price.json"
SIZES = ((4, 4), (4, 8), (6, 16), (8, 32), (8, 64))
"""(qubits, parameters)."""
SEEDS, RESAMPLES = 60, 400
SHIFTS, POINTS = (0.2, 0.1, 0.05, 0.025), (4, 16, 64)
"""Radians, and shots of one point, among which SPSA's best are looked for."""
DIRECTIONS = 4000
"""In which the bias of SPSA is looked for, without shots."""
SHOTS = 2**16
"""Of a gradient, where errors are compared."""
EACH = 1024
"""Of a circuit, where costs are."""
TARGET = 0.1
CHIP, STARTS, NOISY_SIZE = "FakeManilaV2", 20, (4, 8)
TASKS, DEVICES, POOLS = ("h2", "tfim-4"), ("ideal", "FakeManilaV2"), ("free", "commuting")
RUNS, BUDGET = 8, 50_000
PUBLISHED = (
    ("commuting generators", 44, 16),
    ("quantum convolutional network", 48, 816),
    ("non-commuting", 40, 1006),
)
"""Circuits of one gradient on 16 qubits: model, parameters, circuits (Bowles et al.)."""


def case_of(family: str, n_qubits: int, n_params: int, seed: int = 0) -> Case:
    rng = np.random.default_rng([7, n_qubits, n_params, seed])
    made = circuit.FAMILIES[family](n_qubits, n_params, rng)
    return Case(family, made, ising(n_qubits), circuit.angles(n_params, rng))


def ising(n_qubits: int) -> Observable:
    """-sum Z_i Z_(i+1) - 1/2 sum Z_i: all of it is measured in one basis."""
    pairs = ["I" * k + "ZZ" + "I" * (n_qubits - 2 - k) for k in range(n_qubits - 1)]
    sites = ["I" * k + "Z" + "I" * (n_qubits - 1 - k) for k in range(n_qubits)]
    return Observable.of(pairs + sites, [-1.0] * len(pairs) + [-0.5] * len(sites))


# --- one gradient -------------------------------------------------------------------------


def gradients() -> list[dict[str, Any]]:
    rows = []
    for family in circuit.FAMILIES:
        for n_qubits, n_params in SIZES:
            case = case_of(family, n_qubits, n_params)
            rows.append(one_gradient(case))
            print(family, n_qubits, n_params, f"{time.perf_counter() - BEGAN:.0f} s", flush=True)
    return rows


def one_gradient(case: Case) -> dict[str, Any]:
    exact = qas.ExactSimulator()
    slope = exact.value_and_grad(case.circuit, case.observable, case.params)[1][0]
    strings = case.commuting.combine(case.commuting.run(exact, case.params))[0][0]
    rng = np.random.default_rng(5)
    value, adjoint = (seconds(case, name, rng) for name in ("value", "adjoint"))
    methods = {name: one_method(case, name, slope) for name in METHODS}
    many = many_pairs(case, slope)
    methods["SPSA, 1 pair"] |= {
        key: many[key] for key in ("bias", "shots_for_target")
    }  # known better there
    methods[MANY] = many
    tuned = tuned_spsa(case, slope)
    return {
        "family": case.family,
        "qubits": case.circuit.n_qubits,
        "params": len(case.params),
        "cx": case.circuit.two_qubit_gates,
        "groups": case.groups,
        "terms": len(case.observable.paulis),
        "length": float(np.linalg.norm(slope)),
        "commuting_off": float(np.abs(strings - slope).max()),
        "value_seconds": value,
        "adjoint_seconds": adjoint,
        "methods": methods,
        "tuned_spsa": tuned,
    }


def one_method(case: Case, name: str, slope: Reals) -> dict[str, Any]:
    rng = np.random.default_rng([11, *name.encode()])
    drawn = np.array([METHODS[name](case, SHOTS, rng) for _ in range(SEEDS)])
    found = intervals(drawn, slope, RESAMPLES, rng)
    return spent(case, name, rng) | found | {"shots_for_target": until(found, SHOTS)}


def many_pairs(case: Case, slope: Reals) -> dict[str, Any]:
    """SPSA that shares its shots among many pairs: fewer are measured, the rest is arithmetic."""
    rng, some = np.random.default_rng(13), SHOTS // PAIRS
    draw, length = METHODS["SPSA, 1 pair"], float(np.linalg.norm(slope))
    off = np.array([draw(case, some, rng)[0] for _ in range(8 * SEEDS)]) - slope
    bias = intervals(
        slope + spsa_bias(case, slope, SPSA(), DIRECTIONS, rng)[:, None], slope, RESAMPLES, rng
    )["bias"]
    squares = (off**2).sum(axis=1) / length**2
    resampled = rng.choice(squares, size=(RESAMPLES, len(squares))).mean(axis=1)
    single = [squares.mean(), *np.quantile(resampled, [0.025, 0.975])]
    rms = [float(np.sqrt(max(v - bias[0] ** 2, 0.0) / PAIRS + bias[0] ** 2)) for v in single]
    one = {"rms": [float(np.sqrt(single[0]))], "bias": bias}
    found = {"rms": rms, "bias": bias, "cosine": None, "shots_for_target": until(one, some)}
    return spent(case, MANY, rng) | found


def tuned_spsa(case: Case, slope: Reals) -> dict[str, Any]:
    """The shift and the shots a point with which SPSA is at the goal after the fewest shots."""
    found = []
    for shift in SHIFTS:
        method, rng = SPSA(shift=shift), np.random.default_rng(17)
        off = slope + spsa_bias(case, slope, method, DIRECTIONS // 4, rng)[:, None]
        bias = intervals(off, slope, RESAMPLES // 4, rng)["bias"]
        for point in POINTS:
            rng = np.random.default_rng(19)
            draw = by_method(method)
            drawn = np.array([draw(case, 2 * point, rng) for _ in range(2 * SEEDS)])
            one = {"rms": [errors(drawn, slope).rms], "bias": bias}
            needed = until(one, 2 * point)
            if needed is not None:
                found.append((needed, shift, point))
    needed, shift, point = min(found)
    return {"shots_for_target": needed, "shift": shift, "point": point}


def spent(case: Case, name: str, rng: np.random.Generator) -> dict[str, Any]:
    known = cost(case, name, EACH, rng)
    return {
        "circuits": known.circuits,
        "shots": known.shots,
        "qpu_seconds": known.qpu_seconds,
        "seconds": seconds(case, name, rng),
    }


def until(found: dict[str, list[float]], shots: int) -> float | None:
    """Shots until the mean of such gradients is as near as `TARGET`; None where it never is."""
    bias = found["bias"][0] if found["bias"][1] > 0 else 0.0
    needed = shots_for(TARGET, found["rms"][0], bias, shots)
    return needed if np.isfinite(needed) else None


def as_large_as_published() -> dict[str, int]:
    """Our count for 44 generators of X on 16 qubits, and a mean of all Z."""
    made = circuit.commuting(16, PUBLISHED[0][1], np.random.default_rng(0))
    z = Observable.of(["I" * (15 - k) + "Z" + "I" * k for k in range(16)], [1 / 16] * 16)
    rules = ("shift", "commuting")
    return {rule: gradient_circuits(made, z, rule) for rule in rules}


# --- under noise --------------------------------------------------------------------------


def noise() -> list[dict[str, Any]]:
    """How far the slopes that strings give under noise are from the slopes of the noisy value."""
    return [noisy_family(family) for family in circuit.FAMILIES]


def noisy_family(family: str) -> dict[str, Any]:
    device, off, damped, added = qas.load_device(CHIP), [], [], []
    for seed in range(STARTS):
        case = case_of(family, *NOISY_SIZE, seed)
        patch = device.patch(range(case.circuit.n_qubits))
        placed = routed(case.circuit, patch.couplings)
        lowering = patch.lowering(placed.circuit, apart=True)
        native, angles = lowering.native, lowering.angles(case.params)
        observable = moved(case.observable, placed)
        slope = NoisySimulator(patch).value_and_grad(native, observable, angles)[1][0]
        exact = qas.ExactSimulator().value_and_grad(case.circuit, case.observable, case.params)[1]
        made, extra = on_chip(placed.circuit, observable, case.params)
        extra.insert(0, native.two_qubit_gates)
        length = np.linalg.norm(slope)
        off.append(float(np.linalg.norm(made - slope) / length))
        damped.append(float(np.linalg.norm(exact[0] - slope) / np.linalg.norm(exact[0])))
        added.append(extra)
    return {"family": family, "off": off, "damped": damped, "cx": added}


def on_chip(placed: Circuit, observable: Observable, params: Reals) -> tuple[Reals, list[int]]:
    """The gradient from its strings on the chip, and the two-qubit gates of each reading.

    Readings whose pairs are coupled stand where the circuit itself does; others are routed anew.
    """
    device, slope, pairs = qas.load_device(CHIP), np.zeros(len(params)), []
    for one in commuting_gradient(placed, observable).readings:
        patch = device.patch(range(one.circuit.n_qubits))
        own = routed(one.circuit, patch.couplings)
        lowering = patch.lowering(own.circuit, apart=True)
        observables = [moved(o, own) for o in one.observables]
        angles = lowering.angles(params)
        found = NoisySimulator(patch).estimate(lowering.native, observables, angles)
        slope[list(one.params)] += found.mean[0]
        pairs.append(lowering.native.two_qubit_gates)
    return slope, pairs


def moved(observable: Observable, placed: Any) -> Observable:
    return Observable.of([placed.moved(p) for p in observable.paulis], observable.coeffs)


# --- what a pool can reach ----------------------------------------------------------------


def searches() -> list[dict[str, Any]]:
    rows = []
    for task in TASKS:
        for device in DEVICES:
            for pool in POOLS:
                rows += [search(task, device, pool, seed) for seed in range(RUNS)]
                print(task, device, pool, f"{time.perf_counter() - BEGAN:.0f} s", flush=True)
    return rows


def search(task: str, device: str, pool: str, seed: int) -> dict[str, Any]:
    """The best trial that keeps to the pool, of one search."""
    loaded = qas.load_task(task)
    chip = qas.load_device(device, n_qubits=loaded.n_qubits)
    problem = Problem.of(loaded, chip, pool=pool)
    archive, meter, trials = Archive(problem, seed), problem.meter(BUDGET), []
    while not meter.exhausted:
        trials += [trial for trial in archive.step(problem, meter) if problem.admits(trial)]
    best = min(trials, key=lambda trial: trial.rank)
    price = gradient_price(best.native, loaded.observable)
    return {
        "task": task, "device": device, "pool": pool, "seed": seed, "energy": best.energy,
        "error": best.energy - loaded.ground_energy, "two_qubit_gates": best.two_qubit_gates,
        "params": best.native.n_params, "gradient_circuits": price.circuits, "rule": price.rule,
        "evaluations": meter.spent.evaluations,
    }  # fmt: skip


def floors() -> dict[str, dict[str, float]]:
    """Ground energy, and the lowest energy of any circuit of the commuting pool."""
    found = {}
    for name in TASKS:
        task = qas.load_task(name)
        n = task.n_qubits
        states = [task.observable.basis_energy(format(k, f"0{n}b")) for k in range(2**n)]
        found[name] = {"ground": task.ground_energy, "floor": min(states)}
    return found


PARTS = {
    "gradients": gradients, "own": as_large_as_published, "noise": noise, "floors": floors,
    "searches": searches,
}  # fmt: skip
BEGAN = time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="only write the page again")
    study = json.loads(FILE.read_text()) if FILE.exists() else {"seconds": {}}
    if not parser.parse_args().page:
        for name, part in PARTS.items():
            if name in study:
                continue
            started = time.perf_counter()
            study[name] = part()
            study["seconds"][name] = round(time.perf_counter() - started, 1)
            FILE.write_text(json.dumps(study, indent=1) + "\n")
    settings = {
        "seeds": SEEDS, "shots": SHOTS, "each": EACH, "target": TARGET, "chip": CHIP,
        "starts": STARTS, "runs": RUNS, "budget": BUDGET, "published": PUBLISHED,
    }  # fmt: skip
    page.write(study | {"settings": settings}, HERE)


if __name__ == "__main__":
    main()
