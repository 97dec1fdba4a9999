"""How far our simulator is from Qiskit Aer on the benchmark's circuits; no times are taken.

    python results/simulator/verify.py             # writes verify.md beside it

Aer runs with every gate error rebuilt from its Kraus operators (stock errors drop branches below
1e-10). Values of circuits, derivatives by parameter shift, and one-gate neighbours; idle waiting
and readout error are compared in the tests (tests/qas/execute/test_simulators.py), where the
channels are written out by hand. Exit status 1 if anything is further off than 1e-10.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from workload import FAMILIES, SIZES, Workload, workload

import qas
from qas.circuit import Circuit, Population
from qas.execute import AerSimulator

HERE = Path(__file__).parent
LIMIT = 1e-10
COUNTS = {2: 40, 4: 40, 6: 20, 8: 6, 10: 2}
SHIFTED, CHILDREN = {2: 30, 4: 30, 6: 10, 8: 4, 10: 1}, {2: 60, 4: 60, 6: 30, 8: 6, 10: 2}


def deviations(work: Workload) -> Iterator[tuple[str, float, int]]:
    """(what, largest deviation, how many numbers were compared)."""
    simulator, aer, observable = (
        qas.NoisySimulator(work.patch),
        AerSimulator(work.patch),
        work.observable,
    )

    def by_aer(circuits: list[Circuit]) -> np.ndarray:
        return aer.estimate_many(circuits, [observable])[:, 0]

    population = Population.of(work.circuits, work.angles)
    values, slopes = simulator.gradients(population, observable)
    yield "value", float(np.abs(values - by_aer(list(work.bound))).max()), len(values)

    circuit, angles = work.circuits[0], work.angles[0]
    chosen = np.linspace(0, len(angles) - 1, SHIFTED[work.n_qubits]).round().astype(int)
    shifts = np.pi / 2 * np.eye(len(angles))[chosen]
    runs = [circuit.bind(angles + sign * shift) for sign in (1, -1) for shift in shifts]
    plus, minus = np.split(by_aer(runs), 2)
    ours = slopes[0, np.array(circuit.free)[chosen]]
    yield "derivative", float(np.abs(ours - (plus - minus) / 2).max()), len(chosen)

    scores = simulator.score_neighbours(circuit, observable, angles)
    picked = np.random.default_rng(0).permutation(len(scores))[: CHILDREN[work.n_qubits]]
    children = [scores.child(int(index)) for index in picked]
    there = by_aer([child.bind(params) for child, params in children])
    yield "neighbour", float(np.abs(scores.energy[picked] - there).max()), len(picked)


def main() -> None:
    lines = ["| circuits | n | compared | numbers | largest deviation |", "|---|---|---|---|---|"]
    worst = 0.0
    for family in FAMILIES:
        for n in SIZES:
            for what, deviation, count in deviations(workload(family, n, COUNTS[n])):
                worst = max(worst, deviation)
                lines.append(f"| {family} | {n} | {what} | {count} | {deviation:.1e} |")
                print(lines[-1], flush=True)
    text = "# Ours against Qiskit Aer\n\nMade by `python results/simulator/verify.py`.\n\n"
    text += " ".join((__doc__ or "").split("\n\n")[2].split()) + "\n\n" + "\n".join(lines) + "\n"
    (HERE / "verify.md").write_text(text)
    sys.exit(int(not worst <= LIMIT))


if __name__ == "__main__":
    main()
