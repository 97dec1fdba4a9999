"""README.md and frontier.png from the rows of the study: `python results/frontier/page.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from search.campaign.file import write_text
from search.campaign.ledger import read_rows

HERE = Path(__file__).parent
ARM = "archive"
SLACK = 1.05
"""A point counts as reached up to 5% above it, or up to what rounds to it."""
FLOOR = 1e-11
"""Hartree: what rounding leaves. A point below counts as reached at this."""
EXACT = 1e-9
"""Hartree below which an error counts as none: half of it says nothing."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """An error in hartree that a number of CX is known to reach."""

    cx: int
    error: float

    @property
    def most(self) -> float:
        """The largest error that counts as this one: points are known to one or two digits."""
        digits = 0 if f"{self.error:.1e}"[2] == "0" else 1
        half = 0.5 * 10.0 ** (np.floor(np.log10(self.error)) - digits)
        return float(max(SLACK * self.error, self.error + half, FLOOR))


FRONTIER: dict[tuple[str, str], tuple[Point, ...]] = {
    ("h2-4", "ideal"): (Point(3, 1e-12),),
    ("h2-4", "ideal:line"): (Point(3, 1e-12),),
    ("lih-4-2.2", "ideal"): (Point(3, 2.8e-4), Point(4, 4.1e-5), Point(5, 2e-10)),
    ("lih-4-2.2", "ideal:line"): (Point(3, 4.2e-4),),
    ("lih-4-3.4", "ideal"): (Point(3, 1.3e-3), Point(4, 1.1e-4), Point(6, 1e-12)),
    ("lih-4-3.4", "ideal:line"): (Point(4, 1.1e-4),),
    ("lih-6-2.2", "ideal"): (
        Point(6, 1.1e-3), Point(7, 2.8e-4), Point(8, 4.0e-5), Point(9, 2e-10),
    ),
    ("lih-6-2.2", "ideal:line"): (Point(7, 4.2e-4), Point(10, 1e-12)),
    ("beh2-6-published", "ideal"): (Point(3, 5.8e-5), Point(6, 1e-12)),
    ("beh2-6-published", "ideal:line"): (Point(3, 5.8e-5), Point(8, 5e-12)),
    ("h2o-8-published", "ideal"): (
        Point(3, 1.2e-3), Point(6, 1.74e-4), Point(8, 9e-7), Point(16, 3e-9),
    ),
    ("h2o-8-published", "ideal:line"): (Point(6, 1.7e-4), Point(12, 1.0e-4)),
}  # fmt: skip
"""Lowest errors of a throw-away search of ours, single runs of up to 110 s."""
PUBLISHED: dict[str, tuple[tuple[str, int, float], ...]] = {
    "lih-6-2.2": (),
    "beh2-6-published": (("CRLQAS, re-run", 5, 2.7e-4), ("TensorRL-QAS", 5, 6.8e-5)),
    "h2o-8-published": (
        ("CRLQAS", 105, 1.8e-4),
        ("quantumDARTS", 68, 3.1e-4),
        ("TensorRL-QAS", 30, 1.3e-4),
    ),
}
"""Name, CX, error in hartree, as published; TensorRL-QAS's leave out the CX of its warm start."""


def errors(row: Row, ground: float) -> dict[int, float]:
    """Lowest error by at most so many two-qubit gates, trained to the end, hartree."""
    found: dict[int, float] = {}
    for entry in row["incumbents"]:
        for own in (entry["found"], entry["polished"]):
            if own is not None:
                energy = min(own["energy_retrained"], own["energy_exact"])
                cx, error = own["two_qubit_gates"], energy - ground
                found[cx] = min(error, found.get(cx, np.inf))
    return found


def within(found: dict[int, float], cx: int) -> float:
    """Lowest error with at most ``cx`` two-qubit gates, hartree."""
    return min((error for own, error in found.items() if own <= cx), default=np.inf)


def reaches(found: dict[int, float], point: Point, more: int) -> bool:
    """Whether a point's error is reached with at most ``more`` CX more."""
    return within(found, point.cx + more) <= point.most


def passes(found: dict[int, float], point: Point) -> bool:
    """Half the error at as many CX, where it is above `EXACT`, or the error with one CX fewer."""
    half = point.error > EXACT and within(found, point.cx) <= point.error / 2
    return half or reaches(found, point, -1)


def seconds_to(row: Row, ground: float, error: float) -> float | None:
    """Wall time at which the run's best energy came below an error; None: never."""
    for _, seconds, energy in row["anytime"]:
        if energy - ground <= error:
            return float(seconds)
    return None


def write(rows: Sequence[Row]) -> None:
    """README.md and the figure."""
    cases = {(r["task"], r["device"]): r for r in rows if r["kind"] == "case"}
    runs = [r for r in rows if r["kind"] == "run"]
    found = {id(r): errors(r, cases[r["task"], r["device"]]["ground_energy"]) for r in runs}
    lines, passed, reached, total = [], [], 0, 0
    for key, points in FRONTIER.items():
        own = [r for r in runs if (r["task"], r["device"]) == key and r["strategy"] == ARM]
        if not own:
            continue
        longest = max(r["seconds"] for r in own)
        for point in points:
            at = [within(found[id(r)], point.cx) for r in own]
            equal, one = (sum(reaches(found[id(r)], point, k) for r in own) for k in (0, 1))
            better = sum(passes(found[id(r)], point) for r in own)
            total, reached = total + 1, reached + (one >= 0.8 * len(own))
            if better:
                passed.append(f"{key[0]} on {key[1]} at {point.cx} CX ({better} of {len(own)})")
            lines.append(
                f"| {key[0]} | {'all-to-all' if key[1] == 'ideal' else 'line'} | {point.cx} | "
                f"{point.error:.2g} | {_error(np.median(at))} | {_error(min(at))} to "
                f"{_error(max(at))} | {equal} | {one} | {better} | {len(own)} | {longest:.0f} |"
            )
    beside = _beside(runs, found)
    text = (HERE / "words.md").read_text()
    filled = {
        "points": "\n".join(lines), "reached": str(reached), "total": str(total),
        "passed": "; ".join(passed) if passed else "none", "beside": beside,
        "seeds": str(len({r["seed"] for r in runs})),
        "hours": f"{sum(r['seconds'] for r in runs) / 3600:.1f}",
    }  # fmt: skip
    for name, value in filled.items():
        text = text.replace("{" + name + "}", value)
    write_text(HERE / "README.md", text)
    _draw(runs, found)


def _error(error: float) -> str:
    if not np.isfinite(error):
        return "none"
    return "< 1e-11" if error < FLOOR else f"{error:.2g}"


def _beside(runs: Sequence[Row], found: dict[int, dict[int, float]]) -> str:
    """Medians of every arm at the points' numbers of CX, all-to-all."""
    arms = sorted({r["strategy"] for r in runs}, key=lambda name: (name != ARM, name))
    lines = [
        "| molecule | CX | " + " | ".join(arms) + " | published |",
        "|---|---|" + "---|" * (len(arms) + 1),
    ]
    for (task, device), points in FRONTIER.items():
        if device != "ideal":
            continue
        said = "; ".join(f"{name} {error:.2g} ({cx} CX)" for name, cx, error in
                         PUBLISHED.get(task, ()))  # fmt: skip
        for point in points:
            cells = []
            for arm in arms:
                own = [
                    within(found[id(r)], point.cx) for r in runs
                    if (r["task"], r["device"], r["strategy"]) == (task, device, arm)
                ]  # fmt: skip
                cells.append(f"{_error(float(np.median(own)))} ({len(own)})" if own else "")
            lines.append(f"| {task} | {point.cx} | " + " | ".join(cells) + f" | {said} |")
            said = ""
    return "\n".join(lines)


def _draw(runs: Sequence[Row], found: dict[int, dict[int, float]]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    tasks = [t for t in dict.fromkeys(t for t, _ in FRONTIER) if any(r["task"] == t for r in runs)]
    figure, axes = plt.subplots(
        -(-len(tasks) // 3), 3, figsize=(11, 3.4 * -(-len(tasks) // 3)), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axis, task in zip(axes.flat, tasks, strict=False):
        most = max(point.cx for point in FRONTIER[task, "ideal"]) + 3
        for device, colour in (("ideal", "C0"), ("ideal:line", "C1")):
            own = [
                r for r in runs if (r["task"], r["device"], r["strategy"]) == (task, device, ARM)
            ]
            if not own:
                continue
            at = np.arange(most + 1)
            table = np.array([[within(found[id(r)], cx) for cx in at] for r in own])
            table = np.maximum(np.where(np.isfinite(table), table, np.nan), 1e-12)
            name = "all-to-all" if device == "ideal" else "line"
            axis.plot(at, np.nanmedian(table, axis=0), colour, drawstyle="steps-post", label=name)
            axis.fill_between(
                at, np.nanmin(table, axis=0), np.nanmax(table, axis=0), step="post", color=colour,
                alpha=0.2, lw=0,
            )  # fmt: skip
            known = FRONTIER[task, device]
            axis.plot(
                [p.cx for p in known], [max(p.error, 1e-12) for p in known], "o", color=colour,
                mfc="none",
            )  # fmt: skip
        known = sorted(PUBLISHED.get(task, ()), key=lambda entry: entry[2])
        for number, (name, cx, error) in enumerate(known):
            axis.plot(min(cx, most), error, "k>" if cx > most else "kx")
            axis.annotate(
                f"{name}, {cx} CX", (min(cx, most), error), (-8, -4 + 7 * number),
                textcoords="offset points", ha="right", va="bottom", fontsize=7,
            )  # fmt: skip
        axis.set(yscale="log", title=task, ylim=(5e-13, None), xlim=(0, most + 0.2))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_xlabel("CX at most")
        axis.set_ylabel("error, hartree")
    for axis in list(axes.flat)[len(tasks) :]:
        axis.set_visible(False)
    axes.flat[0].legend(fontsize=8)
    figure.savefig(HERE / "frontier.png", dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    write(read_rows(HERE / "bench" / "runs.jsonl"))
