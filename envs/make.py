"""Environments from what people type: names, paths and numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from envs.growth import CircuitGrowth
from qas.device import Device, load_device
from qas.errors import InputError
from qas.problem import Limits, Problem
from qas.task import Task, load_task


def make_growth(
    task: str | os.PathLike[str] | Task = "h2",
    device: str | os.PathLike[str] | Device = "FakeManilaV2",
    *,
    qubits: Sequence[int] | None = None,
    gates: int | None = None,
    two_qubit_gates: int | None = None,
    **settings: Any,
) -> CircuitGrowth:
    """What ``gymnasium.make("envs:qas/CircuitGrowth-v0", ...)`` calls.

    Args:
        task: name, path of a Hamiltonian file, or the value.
        device: name ("ideal" is noise-free), path of a snapshot, or the value.
        qubits: physical qubits, one for each of the task's; the device's best by default.
        gates: most gates of a circuit, and steps of an episode; 10 a qubit by default.
        two_qubit_gates: most two-qubit gates; 3 a qubit by default.
        settings: passed on to `CircuitGrowth`.

    Raises:
        InputError: something of these cannot be used; the message says what can.
    """
    loaded = load_task(task)
    n = loaded.n_qubits
    usual = Limits.for_qubits(n)
    limits = Limits(
        gates=_count("gates", gates, usual.gates, least=1),
        two_qubit_gates=_count("two_qubit_gates", two_qubit_gates, usual.two_qubit_gates, least=0),
    )
    chip = device if isinstance(device, Device) else load_device(os.fspath(device), n_qubits=n)
    return CircuitGrowth(Problem.of(loaded, chip, qubits=qubits, limits=limits), **settings)


def _count(name: str, given: int | None, usual: int, least: int) -> int:
    if given is None:
        return usual
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        raise InputError(f"{name} must be a whole number of at least {least}; given {given!r}")
    return given
