"""Compiled functions: numba's, cached on disk, and compiled anew when anything they use changed.

numba keeps compiled code beside the source and looks at the date of that one file alone, so that
a kernel would go on running the old version of a function that it takes from another file.
Here the stamp covers every file that a kernel's own file takes compiled functions from.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numba

_stamps: dict[str, tuple[tuple[float, int], ...]] = {}


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


def _stamp(function: Callable[..., Any]) -> tuple[tuple[float, int], ...]:
    """Date and size of the function's file and of those that it takes compiled functions from."""
    own = function.__code__.co_filename
    files: dict[str, tuple[tuple[float, int], ...]] = {own: (_date_and_size(own),)}
    for value in function.__globals__.values():
        source = getattr(value, "py_func", None) or getattr(value, "_defn", None)
        if source is not None and (path := source.__code__.co_filename) not in files:
            files[path] = _stamps.get(path) or (_date_and_size(path),)
    _stamps[own] = tuple(sorted({item for stamp in files.values() for item in stamp}))
    return _stamps[own]


def _date_and_size(path: str) -> tuple[float, int]:
    status = os.stat(path)
    return status.st_mtime, status.st_size
