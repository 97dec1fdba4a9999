"""Tasks: the observables whose expectation values circuits are searched for."""

from __future__ import annotations

from qas.task.ground import ground_energy
from qas.task.load import describe_tasks, load_task, task_names
from qas.task.observable import Observable
from qas.task.task import Task

__all__ = ["Observable", "Task", "describe_tasks", "ground_energy", "load_task", "task_names"]
