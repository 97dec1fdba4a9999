"""Angles carried from one native circuit to another with the same two-qubit gates."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Gate
from qas.device.run import euler_angles

Segment = list[tuple[int, Gate]]


def transfer(old: Circuit, params: ArrayLike, new: Circuit) -> NDArray[np.float64]:
    """Angles of ``new`` that bring its one-qubit runs closest to those of ``old``.

    Runs that are the same gates keep their angles; of any other run the angles are read
    off the Euler angles of the old run's unitary: exact where the new run can be it, a
    starting point where it has fewer pulses.

    Args:
        old: native circuit.
        params: its angles, shape (old.n_params,), radians.
        new: native circuit with the same two-qubit gates in the same order.
    """
    bound = old.bind(params)
    values = np.zeros(new.n_params)
    number = {at: k for k, at in enumerate(new.free)}
    for (kept, old_run), (made, new_run) in zip(_runs(old), _runs(new), strict=True):
        assert kept == made
        angles = [bound.gates[at].angle for at, _ in old_run]
        if [g for _, g in old_run] != [g for _, g in new_run]:
            angles = _closest([bound.gates[at] for at, _ in old_run], [g for _, g in new_run])
        for (at, gate), angle in zip(new_run, angles, strict=True):
            if gate.is_free and angle is not None:
                values[number[at]] = angle
    return values


def _runs(circuit: Circuit) -> Iterator[tuple[tuple[int, int], Segment]]:
    """((qubit, how many two-qubit gates it had before), run) for every wire and stretch."""
    runs: list[list[Segment]] = [[[]] for _ in range(circuit.n_qubits)]
    for at, gate in enumerate(circuit.gates):
        if len(gate.qubits) == 1:
            runs[gate.qubits[0]][-1].append((at, gate))
        else:
            for qubit in gate.qubits:
                runs[qubit].append([])
    for qubit, wire in enumerate(runs):
        for index, run in enumerate(wire):
            yield (qubit, index), run


def _closest(old: list[Gate], new: list[Gate]) -> list[float | None]:
    """Angles for the gates of ``new``, None where a gate has none."""
    unitary = reduce(lambda total, gate: gate.matrix() @ total, old, np.eye(2, dtype=np.complex128))
    first, middle, last = euler_angles(unitary[None])[0]
    pulses = [gate.name for gate in new if not gate.is_rotation]
    if pulses == ["sx", "sx"]:
        wanted = [first, middle, last]
    elif pulses == ["sx"]:
        wanted = [first - np.pi / 2, last - np.pi / 2]
    elif pulses == ["x"]:
        wanted = [0.0, last - first]
    else:
        wanted = [first + last - np.pi]
    angles: list[float | None] = []
    slot = 0
    for gate in new:
        slot += not gate.is_rotation
        free = gate.is_rotation and slot < len(wanted)
        angles.append(float(wanted[slot]) if free else None)
    return angles
