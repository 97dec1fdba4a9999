"""README.md and ratios.png of the simulator benchmark, from bench.json.

python results/simulator/page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
Record = dict[str, Any]
GOALS = {
    "different circuits, against stock Aer batched": (300, 150, 40),
    "the same against Aer's C++ time alone (tuned)": (80, 45, 25),
    "all gradients, against Aer parameter shift": (2000, 1000, 350),
    "gradient / forward, at most": (3.5, 3.5, 4),
    "one structure, many angles, against tensorcircuit-ng, forward": (20, 8, None),
    "one structure, many angles, against tensorcircuit-ng, gradient": (20, 8, None),
    "one-gate neighbourhood, microseconds a child, at most": (0.3, 4, 80),
    "2 threads": (1.6, 1.6, 1.6),
}


def achieved(row: Record) -> list[float | None]:
    """The numbers of GOALS for one size, in their order; None where a peer is absent."""
    mine, others = row["ours"], row["peers"]

    def ratio(peer: str, own: str, key: str = "us") -> float | None:
        return others[peer][key] / mine[own] if key in others.get(peer, {}) else None

    slope = others.get("aer tuned, gradient", {})
    gradient = slope["us"] / mine["one structure, gradient"] if slope else None
    return [
        ratio("aer stock", "forward"),
        ratio("aer tuned", "forward", "own_us"),
        gradient,
        mine["gradient"] / mine["forward"],
        ratio("tensorcircuit", "one structure"),
        ratio("tensorcircuit, gradient", "one structure, gradient"),
        mine["insertion"],
        row["threads"],
    ]


def number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def goal_table(record: Record, family: str) -> list[str]:
    lines = ["| | n=4 | n=6 | n=8 |", "|---|---|---|---|"]
    columns = [achieved(record[f"{family} {n}"]) for n in (4, 6, 8)]
    for at, (name, goals) in enumerate(GOALS.items()):
        cells = []
        for column, goal in zip(columns, goals, strict=True):
            value = column[at]
            met = ""
            if goal is not None and value is not None:
                good = value <= goal if "at most" in name else value >= goal
                met = f" (goal {goal}: {'met' if good else 'missed'})"
            cells.append(f"{number(value)}{met}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def time_table(record: Record, family: str) -> list[str]:
    sizes = [n for n in (2, 4, 6, 8, 10) if f"{family} {n}" in record]
    rows = [record[f"{family} {n}"] for n in sizes]
    lines = [
        f"| {family} | {' | '.join(f'n={n}' for n in sizes)} |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    for name in rows[0]["ours"]:
        cells = [number(row["ours"][name]) for row in rows]
        lines.append(f"| **ours**, {name} | {' | '.join(cells)} |")
    for peer in rows[0]["peers"]:
        for key, label in (
            ("us", ""),
            ("own_us", ", its own C++ time"),
            ("build_us", ", building"),
        ):
            if not any(key in row["peers"].get(peer, {}) for row in rows):
                continue
            cells = [number(row["peers"].get(peer, {}).get(key)) for row in rows]
            lines.append(f"| {peer}{label} | {' | '.join(cells)} |")
        if any("compile_s" in row["peers"].get(peer, {}) for row in rows):
            cells = [number(row["peers"].get(peer, {}).get("compile_s")) for row in rows]
            lines.append(f"| {peer}, seconds of compilation per structure | {' | '.join(cells)} |")
    return lines


def page(record: Record) -> str:
    first = ", ".join(f"{seconds:.2f} s" for seconds in record["first calls"])
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    absent = "; ".join(f"{peer} {why}" for peer, why in record["absent"].items()) or "none"
    text = (HERE / "words.md").read_text()
    parts = {
        "goals random": "\n".join(goal_table(record, "random")),
        "goals layered": "\n".join(goal_table(record, "layered")),
        "times random": "\n".join(time_table(record, "random")),
        "times layered": "\n".join(time_table(record, "layered")),
        "first": first, "versions": versions, "absent": absent,
        "date": record["date"], "cpu": record["cpu"],
    }  # fmt: skip
    for name, value in parts.items():
        text = text.replace("{" + name + "}", value)
    return text


def figure(record: Record, path: Path) -> None:
    """Microseconds per circuit against qubits, ours and the peers', both families."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    styles = {
        "aer stock": ("Aer, stock, batched", "tab:red", "-"),
        "aer tuned": ("Aer, tuned, batched", "tab:red", "--"),
        "qulacs doubled": ("qulacs, superoperators", "tab:orange", "-"),
        "tensorcircuit": ("tensorcircuit-ng, jit + vmap,\none structure", "tab:green", "-"),
    }
    shown, axes = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True)
    for axis, family in zip(axes, ("random", "layered"), strict=True):
        sizes = [n for n in (2, 4, 6, 8, 10) if f"{family} {n}" in record]
        rows = [record[f"{family} {n}"] for n in sizes]
        for peer, (label, colour, line) in styles.items():
            found = [
                (n, r["peers"][peer]["us"])
                for n, r in zip(sizes, rows, strict=True)
                if peer in r["peers"]
            ]
            if found:
                axis.plot(*zip(*found, strict=True), line, color=colour, marker="o", label=label)
        for name, line in (("forward", "-"), ("gradient", "--"), ("insertion", ":")):
            values = [row["ours"][name] for row in rows]
            label = {
                "forward": "ours, different circuits",
                "gradient": "ours, all gradients",
                "insertion": "ours, per inserted gate",
            }[name]
            axis.plot(sizes, values, line, color="tab:blue", marker="s", label=label)
        axis.set(yscale="log", xlabel="qubits", title=f"{family}, about 60 native gates")
        axis.set_xticks(sizes)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("microseconds per circuit, one thread")
    axes[1].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    shown.tight_layout()
    shown.savefig(path, dpi=130)


def main() -> None:
    record = json.loads((HERE / "bench.json").read_text())
    (HERE / "README.md").write_text(page(record))
    figure(record, HERE / "ratios.png")


if __name__ == "__main__":
    main()
