"""Compiled code is stored, found again by the next process, and made anew after an edit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
