"""The study's rows and their statistics: medians, bootstrap intervals, pairs of seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from case import Case

Row = dict[str, Any]
Entry = dict[str, Any]
"""A circuit of a row's front."""
Cell = dict[int, Row]
"""Rows of one arm on one case, by seed."""
FLOOR = 1e-10
"""Hartree: smaller errors count as this, or rounding would be compared."""
RESAMPLES = 4000


@dataclass(frozen=True)
class Study:
    """The rows of a file; a later row of the same seed stands for an earlier one."""

    rows: tuple[Row, ...]

    @classmethod
    def read(cls, path: Path) -> Study:
        """Raises SystemExit where there is no such file. A line still being written is left out."""
        if not path.exists():
            raise SystemExit(
                f"there is no {path}; make it with `python results/crlqas/study.py`, "
                "or give the path of another runs.jsonl"
            )
        return cls(tuple(json.loads(line) for line in path.read_text().split("\n")[:-1]))

    def cell(self, part: str, case: Case, arm: str) -> Cell:
        """Rows at the case's budget, seeds in order."""
        wanted = (part, case.name, arm, case.budget)
        found = {
            row["seed"]: row
            for row in self.rows
            if (row["part"], row["case"], row["arm"], row["budget"]) == wanted
        }
        return dict(sorted(found.items()))

    def cells(self, part: str, case: Case, arms: Iterable[str]) -> dict[str, Cell]:
        """By arm; arms without a row are left out."""
        found = {arm: self.cell(part, case, arm) for arm in arms}
        return {arm: cell for arm, cell in found.items() if cell}


# --- Of one row ------------------------------------------------------------------------------


def lowest(row: Row) -> Entry:
    """The circuit of lowest error; among exact ones (see `FLOOR`) that of fewest gates."""
    return min(
        row["front"], key=lambda e: (max(e["error"], FLOOR), e["two_qubit_gates"], e["gates"])
    )


def error(row: Row) -> float:
    """Hartree, at least `FLOOR`."""
    return max(float(lowest(row)["error"]), FLOOR)


def within(row: Row, pairs: int) -> float:
    """Lowest error of at most so many two-qubit gates, hartree; inf where there is none."""
    errors = [entry["error"] for entry in row["front"] if entry["two_qubit_gates"] <= pairs]
    return max(min(errors), FLOOR) if errors else np.inf


def found(row: Row) -> float:
    """Lowest error before the polish, hartree."""
    return max(min(float(entry["found"]) for entry in row["front"]), FLOOR)


def retrained(row: Row, gates: int) -> float:
    """Lowest noise-free error of the front's structures of at most so many gates; else inf."""
    pruned = [entry["retrained"] for entry in row["front"] if entry["gates"] <= gates]
    whole = [entry["found_retrained"] for entry in row["front"] if entry["found_gates"] <= gates]
    errors = [*pruned, *whole]
    return max(min(errors), FLOOR) if errors else np.inf


def recovered(row: Row) -> float:
    """Share of the correlation energy."""
    return 1 - error(row) / float(row["hf_error"])


def under_hartree_fock(row: Row) -> bool:
    return bool(lowest(row)["error"] < row["hf_error"] - 1e-6)


# --- Of many ---------------------------------------------------------------------------------


def each(cell: Cell, value: Callable[[Row], float]) -> list[float]:
    return [value(row) for row in cell.values()]


def interval(values: Iterable[float]) -> tuple[float, float]:
    """Percentile bootstrap of the median, 95%.

    >>> interval([1.0, 1.0, 1.0])
    (1.0, 1.0)
    """
    known = np.array(list(values))
    draws = np.random.default_rng(0).choice(known, (RESAMPLES, len(known)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return float(low), float(high)


def slowest(cells: Iterable[Cell]) -> float:
    """Largest ratio of seconds between two seeds of a cell: how uneven the machine was."""
    seconds = [each(cell, lambda row: row["seconds"]) for cell in cells if cell]
    return max((max(taken) / min(taken) for taken in seconds), default=float("nan"))


@dataclass(frozen=True)
class Pairing:
    """One arm against another, seed by seed."""

    logs: tuple[float, ...]
    """log10 of the ratio of lowest errors; below 0 the first arm is better."""

    @classmethod
    def of(cls, one: Cell, other: Cell, value: Callable[[Row], float] = error) -> Pairing:
        """
        >>> row = lambda e: {"front": [{"error": e, "two_qubit_gates": 1, "gates": 2}]}
        >>> Pairing.of({1: row(1e-4), 2: row(1e-12)}, {1: row(1e-3), 2: row(1e-13)}).logs
        (-1.0, 0.0)
        """
        both = [seed for seed in one if seed in other]
        logs = (np.log10(value(one[seed]) / value(other[seed])) for seed in both)
        return cls(tuple(round(float(log), 6) for log in logs))

    @property
    def lower(self) -> int:
        return sum(log < 0 and not _same(log) for log in self.logs)

    @property
    def tied(self) -> int:
        return sum(_same(log) for log in self.logs)

    @property
    def median(self) -> float:
        return float(np.median(self.logs))

    @property
    def interval(self) -> tuple[float, float]:
        return interval(self.logs)

    @property
    def verdict(self) -> int:
        """-1 or 1: the first arm is lower or higher, its interval on one side of 0; else 0."""
        low, high = self.interval
        return -1 if high < 0 and not _same(high) else int(low > 0 and not _same(low))


def _same(log: float) -> bool:
    """Errors within 0.2% of each other."""
    return abs(log) < 1e-3
