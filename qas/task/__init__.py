"""Tasks: what circuits are searched for, expectation values to lower or samples to classify."""

from __future__ import annotations

from qas.task.classifier import Classifier, paired_head
from qas.task.dataset import Dataset, dataset_names, describe_datasets, load_dataset
from qas.task.ground import ground_energy
from qas.task.load import describe_tasks, load_task, task_names
from qas.task.loss import Loss, Target
from qas.task.observable import Observable
from qas.task.task import Task

__all__ = [
    "Classifier",
    "Dataset",
    "Loss",
    "Observable",
    "Target",
    "Task",
    "dataset_names",
    "describe_datasets",
    "describe_tasks",
    "ground_energy",
    "load_dataset",
    "load_task",
    "paired_head",
    "task_names",
]
