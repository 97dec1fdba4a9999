"""Microseconds per circuit without noise, ours beside qulacs, in one run.

    python results/simulator/exact.py              # writes exact.md beside it
    python results/simulator/exact.py --tasks h2o-8-published

Circuits of 60 gates, each of another structure: *real*, ry and cx, as the archive's words on
molecules are; *any*, rx, ry, rz and cx. One CPU, one thread, double precision. A gradient is that
of all angles: ours with the value, qulacs' by its `backprop` (which returns no value). Ours takes
all circuits in one call; qulacs is called circuit by circuit, from Python, and building its
circuits is not timed. The best of the repeats, ours and qulacs' in turn; both must agree.
"""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import peers

peers.single_thread()

import numpy as np

import qas
from qas.circuit import Circuit, Population

HERE = Path(__file__).parent
TASKS = ("lih-4-2.2", "lih-6-2.2", "h2o-8-published", "tfim-10", "tfim-12", "tfim-14")
KINDS = {"real": ("ry", "ry", "cx"), "any": ("rx", "ry", "rz", "cx")}
GATES, REPEATS, LIMIT = 60, 7, 1e-10


def random_circuit(n_qubits: int, names: tuple[str, ...], rng: np.random.Generator) -> Circuit:
    circuit = Circuit(n_qubits)
    for name in rng.choice(names, GATES):
        size = 2 if name == "cx" else 1
        circuit = circuit.then(str(name), *map(int, rng.choice(n_qubits, size, replace=False)))
    return circuit


def in_qulacs(circuit: Circuit, angles: np.ndarray) -> Any:
    """Its rotations turn the other way."""
    import qulacs

    built, left = qulacs.ParametricQuantumCircuit(circuit.n_qubits), iter(angles.tolist())
    for gate in circuit.gates:
        if gate.name == "cx":
            built.add_CNOT_gate(*gate.qubits)
        else:
            add = getattr(built, f"add_parametric_{gate.name.upper()}_gate")
            add(gate.qubits[0], -next(left))
    return built


def timings(task: str, kind: str) -> dict[str, float]:
    """Microseconds a circuit of ours and of qulacs', values and gradients."""
    import qulacs

    rng, observable = np.random.default_rng(0), qas.load_task(task).observable
    n = observable.n_qubits
    count = 400 if n <= 8 else 40
    circuits = [random_circuit(n, KINDS[kind], rng) for _ in range(count)]
    angles = [rng.uniform(-np.pi, np.pi, circuit.n_params) for circuit in circuits]
    population, simulator = Population.of(circuits, angles), qas.ExactSimulator()
    pairs = list(zip(circuits, angles, strict=True))
    built, wanted = [in_qulacs(*pair) for pair in pairs], peers.qulacs_observable(observable)

    state = qulacs.QuantumState(n)

    def value(circuit: Any) -> float:
        state.set_zero_state()
        circuit.update_quantum_state(state)
        return float(wanted.get_expectation_value(state))

    ways = {
        "value": lambda: simulator.values(population, observable),
        "gradient": lambda: simulator.gradients(population, observable),
        "qulacs value": lambda: [value(circuit) for circuit in built],
        "qulacs gradient": lambda: [circuit.backprop(wanted) for circuit in built],
    }
    found, best = {name: way() for name, way in ways.items()}, dict.fromkeys(ways, np.inf)
    for _ in range(REPEATS):
        for name, way in ways.items():
            best[name] = min(best[name], peers.best_of(1, way)[1])
    off = np.abs(found["value"] - np.array(found["qulacs value"])).max()
    for row, (circuit, theirs) in enumerate(zip(circuits, found["qulacs gradient"], strict=True)):
        ours = found["gradient"][1][row, list(circuit.free)]
        off = max(off, np.abs(ours + np.array(theirs)).max())
    if not off <= LIMIT:
        sys.exit(f"{task}, {kind}: ours and qulacs' differ by {off:.1e}")
    return {name: 1e6 * seconds / count for name, seconds in best.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="*", help="prints only")
    given = parser.parse_args()
    if reason := peers.missing("qulacs"):
        parser.error(f'qulacs is {reason}; pip install -e ".[peers]" brings it')
    lines = [
        "| task | qubits | circuits | value, us | qulacs, us | ratio | gradient, us | qulacs, us "
        "| ratio | gradient / value |",
        "|" + "---|" * 10,
    ]
    try:
        for task in given.tasks or TASKS:
            qas.load_task(task)
    except qas.InputError as error:
        parser.error(str(error))
    for task in given.tasks or TASKS:
        for kind in KINDS:
            us, n = timings(task, kind), qas.load_task(task).n_qubits
            cells = [task, n, kind]
            for what in ("value", "gradient"):
                theirs = us[f"qulacs {what}"]
                cells += [f"{us[what]:.1f}", f"{theirs:.1f}", f"{theirs / us[what]:.1f}"]
            cells.append(f"{us['gradient'] / us['value']:.1f}")
            lines.append("| " + " | ".join(map(str, cells)) + " |")
            print(lines[-1], flush=True)
    if not given.tasks:
        made = f"Made by `python results/simulator/exact.py` (qulacs {version('qulacs')})."
        text = f"# Without noise, beside qulacs\n\n{made}\n\n"
        text += " ".join((__doc__ or "").rstrip().split("\n\n")[-1].split()) + "\n\n"
        (HERE / "exact.md").write_text(text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
