"""Environments from what people type: names, paths and numbers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from envs.growth import CircuitGrowth
from envs.setup import Setup, crlqas, sequence
from envs.vector import VectorGrowth
from qas.device import Device, load_device
from qas.errors import InputError
from qas.problem import Limits, Problem
from qas.problem.inner import InnerOptimiser, make_inner
from qas.task import Classifier, Task, load_task

Named = str | os.PathLike[str]


def make_problem(
    task: Named | Task | Classifier = "h2",
    device: Named | Device = "FakeManilaV2",
    *,
    qubits: Sequence[int] | None = None,
    gates: int | None = None,
    two_qubit_gates: int | None = None,
) -> Problem:
    """The problem of a task on a device.

    Args:
        task: name, path of a Hamiltonian file, or the value.
        device: name ("ideal" is noise-free), path of a snapshot, or the value.
        qubits: physical qubits, one for each of the task's; the device's best by default.
        gates: most gates of a circuit; 10 a qubit by default.
        two_qubit_gates: most two-qubit gates; 3 a qubit by default.

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
    return Problem.of(loaded, chip, qubits=qubits, limits=limits)


def gate_setup(
    task: Named | Task | Classifier = "h2",
    device: Named | Device = "FakeManilaV2",
    *,
    qubits: Sequence[int] | None = None,
    gates: int | None = None,
    two_qubit_gates: int | None = None,
    **settings: Any,
) -> Setup:
    """Single gates from |0...0>; ``settings`` go to `Setup.of`, all else to `make_problem`."""
    problem = make_problem(
        task, device, qubits=qubits, gates=gates, two_qubit_gates=two_qubit_gates
    )
    return Setup.of(problem, **settings)


def block_setup(
    task: Named | Task | Classifier = "h2",
    device: Named | Device = "FakeManilaV2",
    *,
    qubits: Sequence[int] | None = None,
    gates: int | None = None,
    two_qubit_gates: int | None = None,
    **settings: Any,
) -> Setup:
    """A cx dressed with RY on both wires each step, the actions as a sequence, gains shown.

    Of a loss no gains are known.
    """
    problem = make_problem(
        task, device, qubits=qubits, gates=gates, two_qubit_gates=two_qubit_gates
    )
    sweep = not isinstance(problem.task, Classifier)
    usual: dict[str, Any] = {"blocks": True, "gates": False, "sweep": sweep, "encoding": sequence}
    return Setup.of(problem, **{**usual, **settings})


def crlqas_setup(
    task: Named | Task | Classifier = "h2-4",
    device: Named | Device = "ideal",
    *,
    qubits: Sequence[int] | None = None,
    **settings: Any,
) -> Setup:
    """CRLQAS's own choices; ``settings`` go to `envs.setup.crlqas`."""
    return crlqas(make_problem(task, device, qubits=qubits), **settings)


SETUPS = {
    "qas/CircuitGrowth-v0": gate_setup,
    "qas/BlockGrowth-v0": block_setup,
    "qas/CRLQAS-v0": crlqas_setup,
}
"""Registered environments and what defines each."""


def make_single(
    *,
    setup: Callable[..., Setup],
    render_mode: str | None = None,
    inner: str | InnerOptimiser | None = None,
    **settings: Any,
) -> CircuitGrowth:
    """What ``gymnasium.make("envs:qas/...", ...)`` calls: the environment of a function's setup.

    ``inner`` optimises the angles: gradient, cobyla or spsa, or a value.
    """
    return CircuitGrowth(_made(setup, inner, settings), render_mode=render_mode)


def make_vector(
    *,
    setup: Callable[..., Setup],
    num_envs: int = 1,
    render_mode: str | None = None,
    inner: str | InnerOptimiser | None = None,
    **settings: Any,
) -> VectorGrowth:
    """What ``gymnasium.make_vec("envs:qas/...", ...)`` calls; see `make_single`."""
    return VectorGrowth(_made(setup, inner, settings), num_envs, render_mode=render_mode)


def _made(
    setup: Callable[..., Setup], inner: str | InnerOptimiser | None, settings: dict[str, Any]
) -> Setup:
    if inner is not None:
        settings["inner"] = make_inner(inner) if isinstance(inner, str) else inner
    return setup(**settings)


def _count(name: str, given: int | None, usual: int, least: int) -> int:
    if given is None:
        return usual
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        raise InputError(f"{name} must be a whole number of at least {least}; given {given!r}")
    return given
