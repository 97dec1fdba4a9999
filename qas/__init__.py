"""Quantum architecture search: a device's calibration and a task in, circuits out.

>>> import qas
>>> qas.Circuit(2).then("ry", 0).then("cx", 0, 1).n_params
1
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qas.circuit import Circuit as Circuit
    from qas.device import Device as Device
    from qas.device import load_device as load_device
    from qas.errors import InputError as InputError
    from qas.execute import AerSimulator as AerSimulator
    from qas.execute import ExactSimulator as ExactSimulator
    from qas.execute import NoisySimulator as NoisySimulator
    from qas.execute import SampledSimulator as SampledSimulator
    from qas.task import Classifier as Classifier
    from qas.task import Loss as Loss
    from qas.task import Observable as Observable
    from qas.task import Task as Task
    from qas.task import load_dataset as load_dataset
    from qas.task import load_task as load_task
    from qas.train.module import QuantumLayer as QuantumLayer

_HOME = {
    "Circuit": "qas.circuit",
    "Device": "qas.device",
    "load_device": "qas.device",
    "InputError": "qas.errors",
    "AerSimulator": "qas.execute",
    "ExactSimulator": "qas.execute",
    "NoisySimulator": "qas.execute",
    "SampledSimulator": "qas.execute",
    "Classifier": "qas.task",
    "Loss": "qas.task",
    "Observable": "qas.task",
    "Task": "qas.task",
    "load_dataset": "qas.task",
    "load_task": "qas.task",
    "QuantumLayer": "qas.train.module",
}

__version__ = "0.1.0"
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that ``import qas`` is instant."""
    if name not in _HOME:
        raise AttributeError(f"module 'qas' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
