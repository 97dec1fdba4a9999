"""Microseconds per circuit and per gradient, ours and Qiskit Aer's, same circuits, one run.

    python results/simulator/bench.py                # writes README.md beside it

Random native circuits of 60 gates (45% rz, 25% sx, 5% x, 25% cx), exact expectation of an
observable of 15 random Pauli terms, gate noise of a real calibration, one thread. Aer runs all
circuits in one batched call, noise restricted to the qubits in use; its gradient is parameter
shift, timed on one circuit. Ours is called from Python circuit by circuit; the encoding of a
new circuit stands in its own column.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import time
from pathlib import Path

import numpy as np

import qas
from qas.circuit import Circuit, Gate
from qas.execute import AerSimulator, NoisySimulator

GATES, CIRCUITS, REPEATS = 60, 40, 5
PATCHES = {2: "FakeManilaV2", 4: "FakeManilaV2", 6: "FakeGuadalupeV2"}


def random_native(patch: qas.Device, rng: np.random.Generator) -> Circuit:
    gates = []
    for name in rng.choice(["rz", "sx", "x", "cx"], GATES, p=[0.45, 0.25, 0.05, 0.25]):
        if name == "cx":
            gates.append(Gate("cx", patch.couplings[rng.integers(len(patch.couplings))]))
        else:
            gates.append(Gate(str(name), (int(rng.integers(patch.n_qubits)),)))
    return Circuit(patch.n_qubits, tuple(gates))


def microseconds(work, count: int) -> float:
    """Median over repeats of the time per item."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1e6 * float(np.median(times)) / count


def measure(n: int) -> dict[str, float]:
    rng = np.random.default_rng(n)
    device = qas.load_device(PATCHES[n])
    patch = device.patch(device.best_patch(n))
    labels = ["".join(rng.choice(list("IXYZ"), n)) for _ in range(15)]
    observable = qas.Observable.of(labels, rng.normal(size=15).tolist())
    circuits = [random_native(patch, rng) for _ in range(CIRCUITS)]
    angles = [rng.uniform(-np.pi, np.pi, c.n_params) for c in circuits]
    pairs = list(zip(circuits, angles, strict=True))
    ours, aer = NoisySimulator(patch), AerSimulator(patch)
    values = [ours.estimate(circuits[0], observable, angles[0]).mean[0]]  # loads the kernels
    started = time.perf_counter()
    values += [ours.estimate(c, observable, a).mean[0] for c, a in pairs[1:]]
    first = 1e6 * (time.perf_counter() - started) / (CIRCUITS - 1)
    ours.value_and_grad(*[circuits[0], observable, angles[0]])
    ours.score_insertions(circuits[0], observable, angles[0])
    forward = microseconds(lambda: [ours.estimate(c, observable, a) for c, a in pairs], CIRCUITS)
    slope = microseconds(
        lambda: [ours.value_and_grad(c, observable, a) for c, a in pairs], CIRCUITS
    )
    children = len(ours.score_insertions(circuits[0], observable, angles[0]))
    sweep = microseconds(
        lambda: ours.score_insertions(circuits[0], observable, angles[0]), children
    )
    bound = [c.bind(a) for c, a in pairs]
    theirs = np.array([aer.estimate(c, observable, []).mean[0] for c in bound])
    assert np.abs(theirs - values).max() < 1e-9, "the two must agree"
    aer_forward = microseconds(lambda: aer.estimate_many(bound, [observable]), CIRCUITS)
    row, eye = angles[0], np.eye(len(angles[0])) * np.pi / 2
    shifted = [circuits[0].bind(row + sign * shift) for shift in eye for sign in (1, -1)]
    aer_slope = microseconds(lambda: aer.estimate_many(shifted, [observable]), 1)
    return {
        "forward": forward,
        "first": first,
        "gradient": slope,
        "child": sweep,
        "aer": aer_forward,
        "aer_gradient": aer_slope,
    }


def main() -> None:
    lines = [
        "| n | forward | forward, circuit never seen | gradient | insertion, per child "
        "| Aer forward | Aer gradient | forward ratio | gradient ratio |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for n in PATCHES:
        t = measure(n)
        cells = [f"{t[k]:,.1f}" for k in ("forward", "first", "gradient", "child", "aer")]
        cells += [f"{t['aer_gradient']:,.0f}"]
        cells += [f"{t['aer'] / t['forward']:,.0f}x", f"{t['aer_gradient'] / t['gradient']:,.0f}x"]
        lines.append(f"| {n} | {' | '.join(cells)} |")
    page = "# The noisy simulator beside Qiskit Aer\n\nMade by "
    page += "`python results/simulator/bench.py`; microseconds, medians of "
    page += f"{REPEATS} repeats over {CIRCUITS} circuits.\n\n"
    page += (__doc__ or "").split("\n\n", 2)[2] + "\n" + "\n".join(lines) + "\n"
    page += "\nBoth sides agree to 1e-9 on every circuit, checked in the same run.\n"
    (Path(__file__).parent / "README.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
