"""What one value and one gradient of a loss cost: whole data set at once, one by one, Qiskit Aer.

    python results/qoc/speed.py --data-dir FOLDER    # writes speed.json and speed.md

All in one run and one thread, the same circuit and samples, the same values to 1e-9.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from setting import NOISIEST, SETTINGS, Setting, first_angles, placed

from qas.circuit import Population
from qas.execute import AerSimulator, NoisySimulator
from qas.task import Loss
from qas.train import trainable
from search.campaign.file import write_text

HERE = Path(__file__).parent
REPEATS, INNER = 5, 20


def seconds(work: Callable[[], Any], inner: int = 1) -> float:
    """Median over repeats of the time of one call."""
    work()
    found = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        for _ in range(inner):
            work()
        found.append((time.perf_counter() - started) / inner)
    return statistics.median(found)


def row(setting: Setting, folder: Path) -> dict[str, Any]:
    """Times of one setting, s."""
    own = placed(setting, folder)
    loss = own.parts["train"]
    if not isinstance(loss, Loss):
        raise TypeError("a classifier is wanted")
    chip, aer = NoisySimulator(own.patch), AerSimulator(own.patch)
    native, whole = own.native, trainable(loss, own.native, own.patch)
    angles = first_angles(native.n_params, 0)
    one, prepared = Population.bindings(native, angles), chip.prepared(loss)

    def by_sample() -> np.ndarray:
        """Slopes sample by sample: the loss's slope in each observable times its gradient."""
        values = chip.estimate(whole, loss.observables, angles, loss.inputs).mean
        slope, total = loss.per_sample(values)[1] / loss.n_samples, np.zeros(native.n_params)
        for number, observable in enumerate(loss.observables):
            found = chip.value_and_grad(whole, observable, angles, loss.inputs)[1]
            total += slope[:, number] @ found
        return total

    values = aer.estimate(whole, loss.observables, angles, loss.inputs).mean
    ours = prepared.expectations(one)[0]
    gradient = chip.value_and_grad(native, loss, angles)[1][0]
    return {
        "task": setting.task, "device": setting.device, "samples": loss.n_samples,
        "params": native.n_params, "two_qubit_gates": native.two_qubit_gates,
        "value": seconds(lambda: prepared.values(one), INNER),
        "gradient": seconds(lambda: chip.value_and_grad(native, loss, angles), INNER),
        "gradient_by_sample": seconds(by_sample),
        "value_aer": seconds(
            lambda: aer.estimate(whole, loss.observables, angles, loss.inputs)
        ),
        "difference_aer": float(np.abs(values - ours).max()),
        "difference_gradient": float(np.abs(by_sample() - gradient).max()),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    folder = parser.parse_args().data_dir.resolve()
    rows = [row(setting, folder) for setting in (*SETTINGS, *NOISIEST)]
    write_text(HERE / "speed.json", json.dumps(rows, indent=1) + "\n")
    lines = [
        "| task, chip | samples | angles, CX | value, us | value and gradient, us | gradient "
        "sample by sample, ratio | Aer's value, ratio | Aer's gradient by shifts, ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        aer = r["value_aer"]
        lines.append(
            f"| {r['task']}, {r['device']} | {r['samples']} | {r['params']}, "
            f"{r['two_qubit_gates']} | {1e6 * r['value']:.0f} | {1e6 * r['gradient']:.0f} | "
            f"{r['gradient_by_sample'] / r['gradient']:.0f} | {aer / r['value']:,.0f} | "
            f"{aer * (1 + 2 * r['params']) / r['gradient']:,.0f} |"
        )
    write_text(HERE / "speed.md", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
