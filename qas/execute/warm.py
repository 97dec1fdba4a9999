"""Compile what a search runs, so that the first one starts at once.

    python -m qas.execute.warm

numba compiles a function when it is first called and keeps the machine code beside the source (or
in NUMBA_CACHE_DIR). Whoever skips this waits for as long at the first use.
"""

from __future__ import annotations

import numpy as np

from qas.circuit import Circuit, Gate, Population
from qas.device import load_device
from qas.device.population import lower_population
from qas.execute import ExactSimulator, NoisySimulator, SampledSimulator
from qas.task import Loss, Observable


def warm() -> None:
    """Run every kernel once, on two qubits."""
    patch = load_device("FakeManilaV2").patch([0, 1])
    observable = Observable.of(["ZZ", "XI"], [1.0, 0.5])
    circuit = Circuit(2).then("ry", 0).then("cx", 0, 1).then("ry", 1)
    logical = Population.of([circuit, circuit], [[0.1, 0.2], [0.3, 0.4]])
    natives, noisy, exact = (
        lower_population(logical, patch),
        NoisySimulator(patch),
        ExactSimulator(),
    )
    native, params = natives.circuit(0)
    noisy.values(natives, observable)
    noisy.gradients(natives, observable)
    noisy.score_neighbours(native, observable, params)
    noisy.score_blocks(native, observable, params)
    noisy.score_extensions(natives, observable, ((Gate("ry", (0,)), Gate("ry", (1,))),))
    SampledSimulator(noisy, shots=16).values(natives, observable)
    encoder, z = Circuit(2).then("ry", 0, input=0), Observable.of(["ZI"], [1.0])
    loss = Loss(
        encoder, np.array([[0.1], [0.2]]), np.array([0, 1]), (z,), np.array([[1.0], [-1.0]])
    )
    noisy.values(natives, loss)
    noisy.value_and_grad(native, loss, params)
    noisy.minimise(native, loss, params)
    exact.gradients(logical, observable)
    exact.score_insertions(circuit, observable, [0.1, 0.2])
    exact.rotation_slopes(circuit, observable, [0.1, 0.2], [1], [1])
    exact.score_extensions(logical, observable, ((Gate("rx", (0,)),),))
    for method in ("lbfgs", "rotosolve"):
        noisy.minimise(native, observable, params, method=method)
        exact.minimise(circuit, observable, np.array([0.1, 0.2]), method=method)


if __name__ == "__main__":
    warm()
