"""throughput.md from throughput.json and the words around its tables.

python results/crlqas/throughput_page.py
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
Record = dict[str, Any]
HARTREES = {"ideal": "h2-4 without noise", "FakeOurenseV2": "h2-4 under the noise of Ourense"}

ACCURATE, ENOUGH = 1.6e-3, 1e-6
"""Hartree above the ground energy: chemical accuracy, and where the peer's search ends."""


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(head: str, rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {head} |", "|---" * (head.count("|") + 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def step_table(record: Record) -> str:
    rows = []
    for case, found in record["steps"].items():
        for name, row in found.items():
            form, members = name.rsplit(", ", 1)
            low, high = number(row["ratios"][0]), number(row["ratios"][-1])
            rows.append([
                case, form, members, number(row["evaluations"]), f"{row['us']:.1f}",
                number(row["ours"]), f"{row['peer']:.3g}",
                f"**{number(row['ratio'])}** ({low} to {high})", number(row["cpu ratio"]),
                f"{100 * row['inside']:.0f}%",
            ])  # fmt: skip
    return table(
        "case | Aer's form | our members | evaluations a step | ours, us an evaluation "
        "| ours, steps/s | peer, steps/s | **ratio** (range) | by processor time | peer in C++",
        rows,
    )


def form_table(record: Record) -> str:
    rows = []
    for device, found in record["forms"].items():
        for name, row in found.items():
            cells = [f"{row[key]:.2f}" if key in row else "-" for key in ("1", "2", "inside")]
            rows.append([HARTREES[device], name, *cells])
    return table("| form | 1 point, ms | 2 points, ms | of 1 point in C++, ms", rows)


def arithmetic_table(record: Record) -> str:
    rows = [
        [str(row["actions"]), str(row["angles"])]
        + [f"{row[key]:.1f}" for key in ("energy", "cobyla", "trivial")]
        for row in record["arithmetic"]
    ]
    return table(
        "gates | angles | our energy, us | COBYLA with it, us an evaluation "
        "| COBYLA with x.x, us an evaluation",
        rows,
    )


def race_table(record: Record) -> str:
    rows = []
    for device, run in record["race"].items():
        for seed, peer in enumerate(run["peer"]):
            head = [HARTREES[device], str(seed), str(peer["steps"])]
            for name, energy in targets(run, peer, record["scale"]["seconds"]).items():
                rows.append([*head, name, *race_cells(run, peer, energy)])
    return table(
        "| peer's seed | its steps in all | energy | error, mHa | the peer reached it, s "
        "| ours reached it, s (range) | **ratio** | by processor time",
        rows,
    )


def targets(run: Record, peer: Record, seconds: float) -> dict[str, float]:
    """Energies that a search of the peer reached: fixed ones, or its best."""
    fixed = {"chemical accuracy": ACCURATE, "1e-6 hartree": ENOUGH}
    best = peer["seen"][-1][2] - run["ground"]
    found = {name: run["ground"] + gap for name, gap in fixed.items() if best <= gap}
    for share in (0.25, 1.0) if best > ENOUGH else ():
        before = [row[2] for row in peer["seen"] if row[0] <= share * seconds]
        found[f"best after {share * seconds:.0f} s"] = min(before, default=peer["seen"][0][2])
    return found


def race_cells(run: Record, peer: Record, energy: float) -> list[str]:
    wall, cpu = (reached(peer["seen"], energy, clock) for clock in (0, 1))
    own, own_cpu = (
        [reached(one["seen"], energy, clock) for one in run["ours"]] for clock in (0, 1)
    )
    head = [f"{1e3 * (energy - run['ground']):.4g}", f"{wall:.2f}"]
    if None in own:
        return [*head, f"{len(own) - own.count(None)} of {len(own)} seeds reached it", "-", "-"]
    spread = f"{median(own):.3g} ({min(own):.3g} to {max(own):.3g})"
    return [*head, spread, f"**{number(wall / median(own))}**", number(cpu / median(own_cpu))]


def reached(seen: list[list[float]], energy: float, clock: int) -> float | None:
    """Seconds until an energy as low; None where it never came."""
    return next((row[clock] for row in seen if row[2] <= energy), None)


def tables(record: Record) -> dict[str, str]:
    return {
        "steps": step_table(record), "forms": form_table(record),
        "arithmetic": arithmetic_table(record), "race": race_table(record),
    }  # fmt: skip


def page(record: Record) -> str:
    words, scale = (HERE / "throughput_words.md").read_text(), record["scale"]
    worst = max(row["deviation"] for rows in record["steps"].values() for row in rows.values())
    parts = tables(record) | {
        "versions": ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        "load": " and ".join(f"{load:.1f}" for load in record["load"]), "date": record["date"],
        "cpu": record["cpu"], "minutes": f"{record['minutes']:.0f}", "deviation": f"{worst:.0e}",
        "seconds": f"{scale['seconds']:.0f}", "samples": f"{scale['samples']}",
        "repeats": f"{scale['repeats']}", "own": f"{scale['own']}",
    }  # fmt: skip
    for name, (load, first) in record["cold"].items():
        parts |= {f"{name} load": f"{load:.1f} s", f"{name} first": f"{first:.2f} s"}
    for name, value in parts.items():
        words = words.replace("{" + name + "}", value)
    return words


def main() -> None:
    record = json.loads((HERE / "throughput.json").read_text())
    (HERE / "throughput.md").write_text(page(record))


if __name__ == "__main__":
    main()
