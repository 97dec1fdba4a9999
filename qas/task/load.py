"""Tasks by name, energies and classifiers, and from a Hamiltonian file of the user's."""

from __future__ import annotations

import difflib
import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

from qas.errors import InputError
from qas.task.chain import chain_task, describe_chains
from qas.task.classifier import Classifier
from qas.task.dataset import dataset_names, describe_datasets, load_dataset, read_dataset
from qas.task.ground import ground_energy
from qas.task.observable import Observable
from qas.task.task import Task
from qas.task.term import shown

Folder = str | os.PathLike[str]
DATA = Path(__file__).with_name("data")
MAX_BYTES = 64 * 2**20
MAX_QUBITS = 20
VERIFY_QUBITS = 10
"""Up to here a ground energy that stands in a file is checked against diagonalisation."""
TOLERANCE = 1e-6
"""Hartree by which a stated ground energy may differ from the exact one."""
REQUIRED = ("name", "n_qubits", "paulis", "coeffs")
FORMAT = (
    '{"name": "mine", "n_qubits": 2, "paulis": ["ZI", "XX"], "coeffs": [0.5, 0.25]} '
    "with an optional ground_energy"
)


@overload
def load_task(name_or_path: Task, data_dir: Folder | None = None) -> Task: ...


@overload
def load_task(
    name_or_path: str | os.PathLike[str] | Task | Classifier, data_dir: Folder | None = None
) -> Task | Classifier: ...


def load_task(
    name_or_path: str | os.PathLike[str] | Task | Classifier, data_dir: Folder | None = None
) -> Task | Classifier:
    """The task of that name, or the one that a Hamiltonian .json file holds.

    A task comes back as it is, and a built-in name is never read as a file's. The names of data
    sets are classifiers with QOC's encoder, head and split; their data are read now, from
    ``data_dir``, $QAS_DATA_DIR or the network (`qas.task.load_dataset`), and digits2 and digits4
    need nothing. An .npz file is a data set of one's own (`qas.task.dataset.own`). A Hamiltonian
    file's ground energy is computed where it is absent and feasible, and verified
    up to 10 qubits. Raises InputError, saying what to do, for an unknown name, for a chain that is
    too short or too long, for data that are missing or not the published ones, and for anything in
    a file that is not a Hamiltonian.

    >>> load_task("h2").n_qubits
    2
    >>> load_task("digits2").class_names
    ('3', '6')
    """
    if isinstance(name_or_path, (Task, Classifier)):
        return name_or_path
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise InputError(f"the task is {shown(name_or_path)}; give a name or a file's path")
    if name_or_path in task_names():
        return _stored(str(name_or_path))
    if isinstance(name_or_path, str) and name_or_path in dataset_names():
        return Classifier.of(load_dataset(name_or_path, data_dir))
    if isinstance(name_or_path, str) and (chain := chain_task(name_or_path)) is not None:
        return chain
    if isinstance(name_or_path, str) and not _is_path(name_or_path):
        raise InputError(_unknown(name_or_path))
    if str(name_or_path).endswith(".npz"):
        return Classifier.of(read_dataset(Path(name_or_path)))
    return _from_file(Path(name_or_path))


def task_names() -> tuple[str, ...]:
    """The stored energies, in alphabetical order; chains and classifiers load beside them.

    >>> task_names()[:3]
    ('beh2-6', 'beh2-6-published', 'h2')
    """
    return tuple(sorted(path.stem for path in DATA.glob("*.json")))


def describe_tasks() -> dict[str, str]:
    """One line about each stored task, each family of chains and each classifier, by name.

    >>> describe_tasks()["h2"]
    'H2 at 0.735 angstrom, sto-3g, 2 qubits (parity mapping, 2 tapered)'
    >>> describe_tasks()["digits2"]
    'classify digits 3 and 6, 8 x 8 pixels; built in'
    """
    stored = {name: str(_stored(name).reference["description"]) for name in task_names()}
    classifiers = {name: f"classify {about}" for name, about in describe_datasets().items()}
    return stored | describe_chains() | classifiers


def _stored(name: str) -> Task:
    content = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    observable = Observable.of(content.pop("paulis"), content.pop("coeffs"))
    del content["n_qubits"]
    return Task(content.pop("name"), observable, content.pop("ground_energy"), content)


def _is_path(text: str) -> bool:
    separators = {os.sep, os.altsep or os.sep}
    return text.endswith((".json", ".npz")) or bool(separators & set(text)) or os.path.exists(text)


def _unknown(name: str) -> str:
    names = (*task_names(), *describe_chains(), *dataset_names())
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return (
        f"no task is called {shown(name)}; {hint}the tasks are {', '.join(names)}; "
        "or give the path of a Hamiltonian file, such as ./mine.json, or of a data set, ./mine.npz"
    )


def _from_file(path: Path) -> Task:
    where = shown(str(path), limit=200)
    try:
        return _task(_content(path))
    except InputError as error:
        raise InputError(f"Hamiltonian file {where}: {error}") from None


def _content(path: Path) -> dict[str, Any]:
    """The JSON object that the file holds, its size checked before it is read."""
    try:
        content = json.loads(_text(path), object_pairs_hook=_without_repeats)
    except RecursionError:
        raise InputError(f"it is nested too deeply; write {FORMAT}") from None
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"it is not JSON ({error}); write {FORMAT}") from None
    if not isinstance(content, dict):
        raise InputError(f"it holds {_kind(content)}, not an object; write {FORMAT}")
    return content


def _text(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError("it is not a regular file; give the path of a .json file")
        if status.st_size > MAX_BYTES:
            raise InputError(f"it has {status.st_size} bytes; at most {MAX_BYTES} are read")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no such file; create it with {FORMAT}") from None
    except OSError as error:
        raise InputError(f"it cannot be read ({error.strerror}); give a readable file") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"the key {shown(twice)} stands there twice; keep one")
    return content


def _kind(content: object) -> str:
    kinds = {list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return kinds.get(type(content), "a number")


def _task(content: dict[str, Any]) -> Task:
    """The task that a user's file spells, everything in it checked."""
    if missing := [key for key in REQUIRED if key not in content]:
        raise InputError(f"it lacks {', '.join(missing)}; write {FORMAT}")
    n_qubits = _n_qubits(content["n_qubits"])
    paulis, coeffs = _sequence(content, "paulis"), _sequence(content, "coeffs")
    _check_width(paulis, n_qubits)
    observable = Observable.of(paulis, coeffs)
    known = {*REQUIRED, "ground_energy"}
    reference = {key: value for key, value in content.items() if key not in known}
    task = Task(content["name"], observable, content.get("ground_energy"), reference)
    return replace(task, ground_energy=_ground(task))


def _n_qubits(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_QUBITS:
        raise InputError(f"n_qubits is {shown(value)}; give a whole number from 1 to {MAX_QUBITS}")
    return value


def _sequence(content: dict[str, Any], key: str) -> list[Any]:
    value = content[key]
    if not isinstance(value, list):
        raise InputError(f"{key} is {shown(value)}; give a list")
    return value


def _check_width(paulis: list[Any], n_qubits: int) -> None:
    """Blame n_qubits when the first string disagrees with it; the rest is checked later."""
    first = paulis[0] if paulis else ""
    if isinstance(first, str) and first and len(first) != n_qubits:
        raise InputError(
            f"n_qubits is {n_qubits} but Pauli string 0 is {shown(first)} with {len(first)} "
            "letters; every string needs one letter for each qubit, the rightmost for qubit 0"
        )


def _ground(task: Task) -> float | None:
    """The ground energy: computed where the file states none, else the stated one, verified."""
    stated = task.ground_energy
    if stated is None:
        return ground_energy(task.observable)
    if task.n_qubits <= VERIFY_QUBITS:
        _check_exact(stated, ground_energy(task.observable))
    else:
        _check_range(stated, task.observable)
    return float(stated)


def _check_exact(stated: float, exact: float | None) -> None:
    if exact is not None and abs(stated - exact) > TOLERANCE:
        raise InputError(
            f"ground_energy is {stated!r} but exact diagonalisation gives {exact:.9f}; "
            "correct it or leave it out, then it is computed"
        )


def _check_range(stated: float, observable: Observable) -> None:
    """No eigenvalue lies below -sum |c|, and the lowest is at most their mean."""
    terms = dict(zip(observable.paulis, observable.coeffs, strict=True))
    mean = terms.get("I" * observable.n_qubits, 0.0)
    if not -observable.bound() - TOLERANCE <= stated <= mean + TOLERANCE:
        raise InputError(
            f"ground_energy is {stated!r} but the lowest eigenvalue lies between "
            f"{-observable.bound():.9f} and {mean:.9f}; correct it or leave it out"
        )
