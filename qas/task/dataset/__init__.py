"""Data sets of the classification tasks: sources, preparation, splits by seed."""

from __future__ import annotations

from qas.task.dataset.dataset import Dataset
from qas.task.dataset.load import dataset_names, describe_datasets, load_dataset
from qas.task.dataset.own import read_dataset
from qas.task.dataset.split import Split

__all__ = ["Dataset", "Split", "dataset_names", "describe_datasets", "load_dataset", "read_dataset"]
