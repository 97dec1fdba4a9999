"""Devices by name, from a file, or through the user's IBM Quantum account."""

from __future__ import annotations

import gzip
import json
import logging
import re
import zlib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qas.device.calibration import calibrated, summary
from qas.device.device import Device
from qas.device.ideal import IDEAL_NAMES, ideal_device
from qas.device.reading import Readings, read_runtime, read_saved
from qas.device.uniform import UNIFORM_FORM, UNIFORM_NAMES, named_uniform_device
from qas.errors import InputError

MOST_BYTES = 64 * 2**20
_log = logging.getLogger("qas.device")
_said: set[str] = set()


def load_device(
    name_or_path: str | Path | Device, *, n_qubits: int = 16, account: str | None = None
) -> Device:
    """The device of a name or file.

    Args:
        name_or_path: a fake backend ("FakeManilaV2"; case, underscores and the V2 do not
            matter), "ideal" or "ideal:line", "uniform:p1=...,p2=..." or a published set of
            medians (`qas.device.uniform`), ``ibm_<name>`` of the user's account, or the path
            of a JSON file, gzipped or not: a saved device, or IBM's properties and
            configuration as {"props", "conf"}. A Device is returned as it is.
        n_qubits: size of an ideal or uniform device; others have their own.
        account: name of the saved IBM Quantum account for ``ibm_<name>``.

    What the calibration policy refuses is logged once per device, and kept in its notes.

    Raises:
        InputError: nothing of that name, or a file that is no device.

    >>> load_device("ideal:line", n_qubits=3).couplings
    ((0, 1), (1, 0), (1, 2), (2, 1))
    """
    if isinstance(name_or_path, Device):
        return name_or_path
    text = str(name_or_path)
    if text.lower() in IDEAL_NAMES:
        return ideal_device(text.lower(), n_qubits)
    uniform = named_uniform_device(text, n_qubits)
    if uniform is not None:
        return uniform
    return _said_aloud(_device(name_or_path, text, account))


def _device(name_or_path: str | Path, text: str, account: str | None) -> Device:
    looks_like_path = isinstance(name_or_path, Path) or "/" in text or ".json" in text.lower()
    if not looks_like_path:
        fake = _fake_aliases().get(_plain(text))
        if fake is not None:
            return _fake_device(fake)
        if re.fullmatch(r"ibm_\w+", text):
            from qas.device.account import read_account_device

            return calibrated(read_account_device(text, account))
    if looks_like_path or _is_file(Path(text)):
        return _file_device(Path(text))
    raise InputError(_unknown(text))


def device_names() -> tuple[str, ...]:
    """Names that `load_device` knows without an account: ideal, published medians, fakes."""
    return (*IDEAL_NAMES, *UNIFORM_NAMES, *sorted(_fake_folders()))


def describe_devices() -> list[dict[str, Any]]:
    """Of each fake backend its name, qubits, two-qubit gate and calibration date.

    Fakes that the engine cannot use are left out.
    """
    rows: list[dict[str, Any]] = []
    for name in sorted(_fake_folders()):
        try:
            device = _fake_device(name)
        except InputError:
            continue
        rows.append(
            {
                "name": name,
                "n_qubits": device.n_qubits,
                "two_qubit_gate": device.two_qubit_gate,
                "calibration_date": device.calibration_date,
                "notes": len(device.notes),
            }
        )
    return rows


def device_from_json(text: str, where: str) -> Device:
    """The device of a JSON text: one saved by us, or IBM's properties and configuration."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {_brief(error)}") from None
    return calibrated(_readings(data, where))


def _readings(data: object, where: str) -> Readings:
    if isinstance(data, Mapping):
        if "schema" in data:
            return read_saved(data)
        for properties, configuration in (("props", "conf"), ("properties", "configuration")):
            if all(isinstance(data.get(k), Mapping) for k in (properties, configuration)):
                return read_runtime(data[properties], data[configuration])
    raise InputError(
        f'{where} is no device: needed is what Device.to_json writes, or {{"props": ..., '
        '"conf": ...} with the properties and the configuration of an IBM backend'
    )


def _file_device(path: Path) -> Device:
    if not _is_file(path):
        raise InputError(
            f"there is no file {str(path)!r}; give a device's JSON file or a name of `qas devices`"
        )
    return device_from_json(_file_text(path), repr(str(path)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or forbidden
        return False


def _file_text(path: Path) -> str:
    """The file's text, gunzipped if need be; never more than MOST_BYTES of it in memory."""
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{str(path)!r} cannot be read: {_brief(error)}") from None
    if len(content) > MOST_BYTES:
        raise InputError(f"{str(path)!r} holds more than {MOST_BYTES >> 20} MiB; no device does")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{str(path)!r} is not JSON: it is not UTF-8 text") from None


def _brief(error: BaseException) -> str:
    return str(error)[:120] or type(error).__name__


@cache
def _backends_folder() -> Path:
    """Folder of qiskit-ibm-runtime's fake backends; their JSON is read without importing the
    package, which takes seconds."""
    spec = find_spec("qiskit_ibm_runtime")
    if spec is None or not spec.submodule_search_locations:
        raise InputError("the fake backends need qiskit-ibm-runtime: pip install it")
    return Path(spec.submodule_search_locations[0]) / "fake_provider" / "backends"


@cache
def _fake_folders() -> dict[str, str]:
    """Class name -> folder name of each fake backend."""
    text = (_backends_folder() / "__init__.py").read_text(encoding="utf-8")
    found = re.findall(r"^from \.(\w+) import (Fake\w+)", text, flags=re.MULTILINE)
    return {name: folder for folder, name in found}


@cache
def _fake_aliases() -> dict[str, str]:
    """Every accepted spelling, plain -> class name."""
    spellings: dict[str, str] = {}
    for name, folder in _fake_folders().items():
        for spelling in (name, name.removesuffix("V2"), f"fake{folder}"):
            spellings.setdefault(_plain(spelling), name)
    return spellings


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower())


@cache
def _fake_device(name: str) -> Device:
    folder = _fake_folders()[name]
    home = _backends_folder() / folder
    properties = _json_object(home / f"props_{folder}.json")
    configuration = _json_object(home / f"conf_{folder}.json")
    return calibrated(read_runtime(properties, configuration, name))


def _json_object(path: Path) -> dict[str, Any]:
    data = json.loads(_file_text(path))
    if not isinstance(data, dict):
        raise InputError(f"{str(path)!r} is no JSON object")
    return data


def _unknown(name: str) -> str:
    spellings = {_plain(known): known for known in device_names()} | _fake_aliases()
    spellings["uniform"] = UNIFORM_FORM
    for wanted in (name, name.partition(":")[0]):
        close = get_close_matches(_plain(wanted), spellings, n=6, cutoff=0.6)
        if close:
            break
    likely = list(dict.fromkeys(spellings[spelling] for spelling in close))[:3]
    hint = f"did you mean {' or '.join(likely)}? " if likely else ""
    return (
        f"unknown device {name[:80]!r}; {hint}`qas devices` lists the names, ibm_<name> is a "
        "device of your account, a path ending in .json or .json.gz a file"
    )


def _said_aloud(device: Device) -> Device:
    """The device; a warning on what its calibration lacks, once per process."""
    line = summary(device)
    if line and device.hash not in _said:
        _said.add(device.hash)
        _log.warning(line)
    return device
