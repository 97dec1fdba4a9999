"""Every circuit of at most one two-qubit gate for H2 on FakeManilaV2, and what the search finds.

A wire segment before or after the two-qubit gate holds one of the runs that lowering can
make: nothing, rz, x - rz, rz - sx - rz, or rz - sx - rz - sx - rz (which is any one-qubit
unitary). That is every dressing by rotations, however many, and every pruned one. All ordered
layouts, both directions of the gate, STARTS random starts of L-BFGS with exact gradients each.

    python results/h2_enumeration/enumerate.py            # writes enumeration.json, README.md
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np

import qas
from qas.circuit import Circuit, Gate
from qas.problem import Effort, Meter, Problem, minimise
from search.campaign.finalist import polish
from search.strategy import make_strategy

TASK, DEVICE = "h2", "FakeManilaV2"
STARTS = 6
EFFORT = Effort(400, 1e-14, 1e-8)
RUNS = {
    "-": (),
    "z": ("rz",),
    "xz": ("x", "rz"),
    "zsz": ("rz", "sx", "rz"),
    "zszsz": ("rz", "sx", "rz", "sx", "rz"),
}
ROTATIONS_ONLY = {"-", "z", "zszsz"}
SEEDS, BUDGET = range(100, 110), 200_000  # none of them was looked at while greedy was written


def circuits() -> list[tuple[tuple[str, ...], tuple[int, int] | None, Circuit]]:
    """(runs, direction of the cx or None, native circuit) of every structure."""
    found = []
    for names in product(RUNS, repeat=2):
        found.append((names, None, Circuit(2, _run(0, names[0]) + _run(1, names[1]))))
    for pair in ((0, 1), (1, 0)):
        for names in product(RUNS, repeat=4):
            before = _run(0, names[0]) + _run(1, names[1])
            after = _run(0, names[2]) + _run(1, names[3])
            found.append((names, pair, Circuit(2, (*before, Gate("cx", pair), *after))))
    return found


def _run(qubit: int, name: str) -> tuple[Gate, ...]:
    return tuple(Gate(gate, (qubit,)) for gate in RUNS[name])


def optimum(layout: tuple[int, int]) -> list[dict[str, object]]:
    """The lowest noisy energy of every structure on one layout."""
    problem = Problem.of(qas.load_task(TASK), qas.load_device(DEVICE))
    simulator, observable = problem.simulator(layout), problem.task.observable
    rng = np.random.default_rng([*layout, 7])
    rows: list[dict[str, object]] = []
    for names, pair, circuit in circuits():
        starts = STARTS if circuit.n_params else 1
        energy = min(
            minimise(
                simulator,
                circuit,
                observable,
                rng.uniform(-np.pi, np.pi, circuit.n_params),
                Meter(None, 1),
                EFFORT,
            )[0]
            for _ in range(starts)
        )
        rows.append({"layout": layout, "runs": names, "cx": pair, "energy": energy})
    return rows


def searched(strategy: str, seed: int) -> float:
    """Best polished noisy energy of one strategy at the budget of the main job."""
    problem = Problem.of(qas.load_task(TASK), qas.load_device(DEVICE))
    meter, arm, best = problem.meter(BUDGET), make_strategy(strategy, problem, seed), None
    while not meter.exhausted:
        for trial in arm.step(problem, meter):
            best = trial if best is None or trial.rank < best.rank else best
    assert best is not None
    return polish(problem, best, problem.meter(None)).energy


def main() -> None:
    here, started = Path(__file__).parent, time.perf_counter()
    problem = Problem.of(qas.load_task(TASK), qas.load_device(DEVICE))
    ground = problem.task.ground_energy
    assert ground is not None
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        rows = [row for part in pool.imap(optimum, problem.layouts) for row in part]
        enumerated = time.perf_counter() - started
        greedy = pool.starmap(searched, [("greedy", seed) for seed in SEEDS])
    best = _best(rows)
    record = {
        "command": "python results/h2_enumeration/enumerate.py",
        "device_hash": problem.device.hash[:16],
        "structures": len(rows),
        "starts": STARTS,
        "optimum": best,
        "optimum_rotations_only": _best([r for r in rows if set(r["runs"]) <= ROTATIONS_ONLY]),
        "optimum_without_two_qubit_gate": _best([r for r in rows if r["cx"] is None]),
        "greedy_polished": greedy,
    }
    (here / "enumeration.json").write_text(json.dumps(record, indent=1) + "\n")
    (here / "README.md").write_text(_page(record, ground, enumerated))
    print((here / "README.md").read_text())
    sys.exit(0 if min(greedy) <= best["energy"] + 1e-6 else 1)


def _best(rows: list[dict[str, object]]) -> dict[str, object]:
    return min(rows, key=lambda row: float(row["energy"]))  # type: ignore[arg-type]


def _page(record: dict[str, object], ground: float, seconds: float) -> str:
    def line(label: str, key: str) -> str:
        row = record[key]
        mha = 1e3 * (row["energy"] - ground)
        runs = " ".join(row["runs"])
        cells = (label, f"{row['energy']:.9f}", f"{mha:.6f}", row["layout"], row["cx"], runs)
        return f"| {' | '.join(map(str, cells))} |"

    greedy = np.array(record["greedy_polished"])
    target = record["optimum"]["energy"]
    hits = int((greedy <= target + 1e-6).sum())
    return f"""# H2 on FakeManilaV2: every circuit with at most one two-qubit gate

Made by `{record["command"]}` ({seconds:.0f} s for the enumeration on two cores).
{record["structures"]:,} structures, {record["starts"]} starts each; calibration hash
{record["device_hash"]}. Energies: exact expectation under the device's gate noise, hartree;
error above the ground state {ground:.9f} in mHa. Runs stand for qubit 0 before, qubit 1 before,
qubit 0 after, qubit 1 after the cx: `-` nothing, `z` rz, `xz` x rz, `zsz` rz sx rz,
`zszsz` rz sx rz sx rz.

| | energy | mHa | layout | cx | runs |
|---|---|---|---|---|---|
{line("optimum", "optimum")}
{line("rotations only (nothing pruned)", "optimum_rotations_only")}
{line("no two-qubit gate", "optimum_without_two_qubit_gate")}

The `greedy` strategy at the main job's budget ({BUDGET:,} evaluations), polished like every
finalist, seeds {SEEDS[0]} to {SEEDS[-1]} (none used while it was written): {hits} of
{len(SEEDS)} reach the optimum to 1e-6 hartree; worst
{1e3 * (greedy.max() - target):.6f} mHa above it, best {1e3 * (greedy.min() - target):.6f} mHa.
"""


if __name__ == "__main__":
    main()
