"""Compiled code is stored, found again by the next process, and made anew after an edit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import qas.compiled

GROUND = "from qas.compiled import inlined\n\n@inlined\ndef ground(x):\n    return x + {number}\n"
MIDDLE = """
from ground import ground
from qas.compiled import part

@part
def middle(x):
    return ground(x)
"""
TOP = """
from middle import middle
from qas.compiled import compiled

@compiled
def top(x):
    return middle(x)

print(top(1), sum(top.stats.cache_hits.values()))
"""
NUMBER = """
from qas.circuit.gate import GATE_NAMES
from qas.compiled import compiled

NUMBER = GATE_NAMES.index("x")

@compiled
def number():
    return NUMBER

print(number(), sum(number.stats.cache_hits.values()))
"""


def run(folder: Path) -> list[int]:
    """What a process of its own computes, and whether it found compiled code."""
    environment = os.environ | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-W", "error", str(folder / "top.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_an_edit_two_files_away_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "ground.py").write_text(GROUND.format(number=1))
    (tmp_path / "middle.py").write_text(MIDDLE)
    (tmp_path / "top.py").write_text(TOP)
    assert run(tmp_path) == [2, 0]
    assert run(tmp_path) == [2, 1]
    (tmp_path / "ground.py").write_text(GROUND.format(number=10))
    assert run(tmp_path) == [11, 0]
    assert run(tmp_path) == [11, 1]


def test_another_order_of_the_gate_names_is_noticed(tmp_path: Path) -> None:
    """Kernels hold numbers of gates as constants; files of one date and size are told apart."""
    circuit, gate = tmp_path / "qas" / "circuit", tmp_path / "qas" / "circuit" / "gate.py"
    circuit.mkdir(parents=True)
    for package in (tmp_path / "qas", circuit):
        (package / "__init__.py").touch()
    shutil.copy(qas.compiled.__file__, tmp_path / "qas" / "compiled.py")
    (tmp_path / "top.py").write_text(NUMBER)
    for names, found in (("xyz", 0), ("yzx", 2)):
        gate.write_text(f"GATE_NAMES = {tuple(names)}\n")
        os.utime(gate, (10**9, 10**9))
        shutil.rmtree(circuit / "__pycache__", ignore_errors=True)  # Python's own, by date and size
        assert run(tmp_path) == [found, 0]
        assert run(tmp_path) == [found, 1]
