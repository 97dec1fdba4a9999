"""Compiled functions: numba's, cached on disk, and compiled anew when anything they use changed.

numba keeps compiled code beside the source and looks at the date of that one file alone, so that
a kernel would go on running the old version of a function that it takes from another file.
Here the stamp is the text of every file that a kernel's own file takes compiled functions from,
of this file, and of the one with the order of gate names: kernels hold gates as numbers. The text
and not its date, since installed packages may give all their files the same one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("NUMBA_OPT", "2")  # as fast as numba's 3, and compiled in 0.6 of the time
import numba

_stamps: dict[str, tuple[str, ...]] = {}
_ALWAYS = (__file__, str(Path(__file__).with_name("circuit") / "gate.py"))
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract"},
    "_nrt": False,
}
"""Without numba's run time for memory: counting references to arrays at every call would cost
more than the arithmetic of a short function. Kernels therefore allocate nothing; whoever calls
them brings the work arrays."""
_PART: dict[str, Any] = {"no_cfunc_wrapper": True, "no_cpython_wrapper": True}


def compiled(function: Callable[..., Any]) -> Any:
    """The function as machine code: no Python inside, the interpreter's lock released."""
    return _stamped(numba.njit(no_cfunc_wrapper=True, **_OPTIONS)(function))


def part(function: Callable[..., Any]) -> Any:
    """As `compiled`, for functions that only compiled ones call: Python cannot."""
    return _stamped(numba.njit(**_PART, **_OPTIONS)(function))


def inlined(function: Callable[..., Any]) -> Any:
    """As `part`, and copied into its callers."""
    return _stamped(numba.njit(forceinline=True, **_PART, **_OPTIONS)(function))


def _stamped(kernel: Any) -> Any:
    kernel._cache._cache_file._source_stamp = _stamp(kernel.py_func)
    return kernel


def _stamp(function: Callable[..., Any]) -> tuple[str, ...]:
    """Digests of the function's file, of `_ALWAYS`, and of all that it takes functions from."""
    own = function.__code__.co_filename
    files: dict[str, tuple[str, ...]] = {path: (_digest(path),) for path in (own, *_ALWAYS)}
    for value in function.__globals__.values():
        source = getattr(value, "py_func", None) or getattr(value, "_defn", None)
        if source is not None and (path := source.__code__.co_filename) not in files:
            files[path] = _stamps.get(path) or (_digest(path),)
    _stamps[own] = tuple(sorted({item for stamp in files.values() for item in stamp}))
    return _stamps[own]


@cache
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
