"""What may be built: the gates of the grammar, which of them are legal next, and edits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qas.circuit import Circuit, Gate
from qas.device import Device


def tokens(device: Device, pool: Sequence[str]) -> tuple[Gate, ...]:
    """Every gate of the pool on a patch: one-qubit gates by qubit, then coupled pairs.

    Two-qubit gates stand once for each ordered pair that shares an edge in either
    direction; lowering turns them round where the device has one direction only.

    >>> from qas import load_device
    >>> line = load_device("FakeManilaV2").patch([0, 1, 2])
    >>> len(tokens(line, ("rx", "ry", "rz", "cx")))
    13
    """
    singles = [Gate(name, (q,)) for q in range(device.n_qubits) for name in pool if name != "cx"]
    pairs = [Gate("cx", pair) for pair in ordered_pairs(device)] if "cx" in pool else []
    return (*singles, *pairs)


def ordered_pairs(device: Device) -> tuple[tuple[int, int], ...]:
    """Both orders of every pair of qubits that shares an edge, sorted."""
    return tuple(sorted({*device.couplings, *((b, a) for a, b in device.couplings)}))


def is_legal(circuit: Circuit, gate: Gate, most_gates: int, most_pairs: int) -> bool:
    """True if ``gate`` may come next.

    A gate is illegal that repeats the last gate on its wires (same rotation axis, or the
    same cx) with nothing in between, and one past a limit. Source of the first rule:
    Patel et al., arXiv 2402.03500, section 4 ("illegal actions").
    """
    if len(circuit.gates) >= most_gates:
        return False
    if len(gate.qubits) == 2 and circuit.two_qubit_gates >= most_pairs:
        return False
    last = [last_on(circuit, q) for q in gate.qubits]
    repeats = [item is not None and item == last[0] for item in last]
    return not (
        all(repeats)
        and last[0] is not None
        and circuit.gates[last[0]].name == gate.name
        and circuit.gates[last[0]].qubits == gate.qubits
    )


def last_on(circuit: Circuit, qubit: int) -> int | None:
    """Position of the last gate that touches a qubit."""
    for at in range(len(circuit.gates) - 1, -1, -1):
        if qubit in circuit.gates[at].qubits:
            return at
    return None


def dressed(circuit: Circuit, pairs: Sequence[tuple[int, int]], axis: str = "ry") -> Circuit:
    """The circuit followed by cx on each pair with a rotation on both of its wires behind it."""
    for a, b in pairs:
        circuit = circuit.then("cx", a, b).then(axis, a).then(axis, b)
    return circuit


def random_circuit(
    choices: Sequence[Gate],
    n_qubits: int,
    length: int,
    most_pairs: int,
    rng: np.random.Generator,
) -> Circuit:
    """``length`` legal gates, each drawn evenly among those that are legal next."""
    circuit = Circuit(n_qubits)
    for _ in range(length):
        legal = [g for g in choices if is_legal(circuit, g, length, most_pairs)]
        if not legal:
            break
        gate = legal[int(rng.integers(len(legal)))]
        circuit = circuit.then(gate.name, *gate.qubits)
    return circuit
