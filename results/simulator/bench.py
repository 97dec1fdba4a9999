"""Microseconds per circuit, ours beside Qiskit Aer, qulacs and tensorcircuit-ng, in one run.

    python results/simulator/bench.py              # writes README.md, bench.json and ratios.png
    python results/simulator/bench.py --sizes 2 4  # prints only

The peers are the extra `peers`; those that are absent are named and left out. Everything runs on
one CPU; each number is the best of the repeats, ours taken before and after the peers'. What is
timed of a peer stands with its function in `peers.py`, the circuits in `workload.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import peers

CPUS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else {0}
peers.single_thread()

import numpy as np
from workload import FAMILIES, SIZES, Workload, workload

import qas
from qas.circuit import Population

HERE = Path(__file__).parent
FIRST_CALL = """
import time, numpy as np, numba, qas
from qas.circuit import Population
import qas.execute.noisy, qas.device.population
patch = qas.load_device("FakeManilaV2").patch([0, 1])
circuit = qas.Circuit(2).then("rz", 0).then("sx", 0).then("cx", 0, 1)
observable = qas.Observable.of(["ZZ"], [1.0])
simulator = qas.NoisySimulator(patch)
for call in (
    lambda: simulator.estimate(circuit, observable, [0.1]),
    lambda: simulator.value_and_grad(circuit, observable, [0.1]),
    lambda: simulator.score_neighbours(circuit, observable, [0.1]),
):
    started = time.perf_counter()
    call()
    print(time.perf_counter() - started)
"""


def best_seconds(repeats: int, work: Any) -> float:
    return peers.best_of(repeats, work)[1]


def ours(work: Workload, repeats: int) -> dict[str, float]:
    """Microseconds of our own ways; per circuit, per row of angles, or per child."""
    simulator, observable = qas.NoisySimulator(work.patch), work.observable
    population = Population.of(work.circuits, work.angles)
    circuit, angles = work.circuits[work.typical], work.angles[work.typical]
    rows = many_angles(work)
    children = len(simulator.score_insertions(circuit, observable, angles))
    edits = len(simulator.score_neighbours(circuit, observable, angles))
    blocks = len(simulator.score_blocks(circuit, observable, angles))
    count, some = len(population), population[:20]
    ways = {
        "forward": (count, lambda: simulator.values(population, observable)),
        "from gates": (
            count,
            lambda: simulator.values(Population.of(work.circuits, work.angles), observable),
        ),
        "gradient": (count, lambda: simulator.gradients(population, observable)),
        "one structure": (len(rows), lambda: simulator.estimate(circuit, observable, rows)),
        "one structure, gradient": (
            len(rows),
            lambda: simulator.value_and_grad(circuit, observable, rows),
        ),
        "insertion": (children, lambda: simulator.score_insertions(circuit, observable, angles)),
        "insertion, population": (
            children * len(some),
            lambda: simulator.best_neighbours(some, observable, 3, edits=False),
        ),
        "neighbour": (edits, lambda: simulator.score_neighbours(circuit, observable, angles)),
        "block": (blocks, lambda: simulator.score_blocks(circuit, observable, angles)),
    }
    best = dict.fromkeys(ways, np.inf)
    for _ in range(2 * repeats):  # in turn, so that all ways meet the machine at the same speeds
        for name, (size, way) in ways.items():
            best[name] = min(best[name], 1e6 * best_seconds(1, way) / size)
    return best


def many_angles(work: Workload) -> np.ndarray:
    shape = (peers.BATCHES[work.n_qubits], work.circuits[work.typical].n_params)
    return np.random.default_rng(work.n_qubits).uniform(-np.pi, np.pi, shape)


def theirs(work: Workload, repeats: int, absent: dict[str, str]) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for peer in peers.MODULES:
        if peer not in absent:
            rows |= peers.report(work, peer, repeats)
    return rows


def measure(family: str, n: int, repeats: int, absent: dict[str, str]) -> dict[str, Any]:
    work = workload(family, n, peers.COUNTS[n])
    before = ours(work, repeats)
    rows = theirs(work, repeats, absent)
    after = ours(work, repeats)
    mine = {name: min(before[name], after[name]) for name in before}
    two = [c.two_qubit_gates for c in work.circuits]
    facts = {"circuits": len(two), "cx": float(np.mean(two)), "threads": threads_ratio(work)}
    return {"ours": mine, "peers": rows, **facts}


def threads_ratio(work: Workload) -> float | None:
    """Time of one thread over time of two, on a workload long enough for threads; best of five."""
    if len(CPUS) < 2:
        return None
    population = Population.of(work.circuits, work.angles)
    simulator, observable = qas.NoisySimulator(work.patch), work.observable
    once = best_seconds(2, lambda: simulator.values(population, observable))
    times = max(1, int(0.2 / once))
    larger = population[np.tile(np.arange(len(population)), times)]
    pinned = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CPUS)
    try:
        ratios = []
        for _ in range(5):
            one, two = (
                best_seconds(1, lambda t=t: simulator.values(larger, observable, threads=t))
                for t in (1, 2)
            )
            ratios.append(one / two)
        return max(ratios)
    finally:
        os.sched_setaffinity(0, pinned)


def first_calls() -> list[float]:
    """Seconds of the first value, gradient and neighbourhood of a process, in a warm cache."""
    command = [sys.executable, "-c", FIRST_CALL]
    for _ in range(2):
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [float(line) for line in out.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), choices=SIZES)
    parser.add_argument("--families", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    absent = {peer: why for peer in peers.MODULES if (why := peers.missing(peer))}
    record: dict[str, Any] = {
        "versions": peers.versions(), "absent": absent, "first calls": first_calls(),
        "date": time.strftime("%Y-%m-%d"), "cpu": processor(),
    }  # fmt: skip
    for family in options.families:
        for n in options.sizes:
            print(f"{family}, {n} qubits ...", file=sys.stderr, flush=True)
            record[f"{family} {n}"] = measure(family, n, options.repeats, absent)
            print(json.dumps({f"{family} {n}": record[f"{family} {n}"]}), flush=True)
    if options.sizes == list(SIZES) and options.families == list(FAMILIES):
        (HERE / "bench.json").write_text(json.dumps(record, indent=1) + "\n")
        subprocess.run([sys.executable, str(HERE / "page.py")], check=True)


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
