"""The page of the study: tables and a figure from gradient_price.json, beside words.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

Rows = list[dict[str, Any]]
WAYS = {
    "parameter shift": ("C0", "o"),
    "pruned, r = .5": ("C1", "v"),
    "adaptive shots": ("C2", "^"),
    "guided SPSA": ("C4", "D"),
    "SPSA, 1 pair": ("C5", "s"),
    "SPSA, 512 pairs": ("C6", "P"),
    "commuting": ("C3", "*"),
}
MANY = "SPSA, 512 pairs"
"""Only where errors are compared: it has 64 shots for each of its points."""
SIMULATED = ("parameter shift", "SPSA, 1 pair", "commuting")
"""The others run circuits of the shift rule: their seconds are its own by the circuit."""
NUDGE = {"commuting generators": -30, "quantum convolutional network": -11, "non-commuting": 3}
"""Points that the words stand above their cross."""
NAMES = {"commuting": "commuting generators", "blocks": "three commuting blocks"}


def write(study: dict[str, Any], folder: Path) -> None:
    said = study["settings"]
    rows = study["gradients"]
    text = (folder / "words.md").read_text()
    made = text.format(
        seconds=f"{sum(study['seconds'].values()):.0f}",
        **{key: f"{said[key]:,}" for key in ("seeds", "shots", "each", "starts", "runs", "budget")},
        target=f"{100 * said['target']:.0f}%", chip=said["chip"],
        circuits=circuits_table(rows), cost=cost_table(rows), errors=errors_table(rows),
        bias=bias_table(rows), adjoint=adjoint_table(rows),
        off=f"{max(row['commuting_off'] for row in rows):.0e}",
        published=published_table(said["published"]), own_shift=study["own"]["shift"],
        own=study["own"]["commuting"], noise=noise_table(study["noise"]),
        searches=searches_table(study["searches"], study["floors"]),
    )  # fmt: skip
    (folder / "README.md").write_text(made)
    draw(rows, said, folder / "price.png")


def table(head: list[str], lines: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def of_family(rows: Rows, family: str) -> Rows:
    return [row for row in rows if row["family"] == family]


def label(family: str, name: str) -> str:
    return (
        ("commuting blocks" if family == "blocks" else "commuting") if name == "commuting" else name
    )


def circuits_table(rows: Rows) -> str:
    """Circuits of one gradient; the strings have a line for each family."""
    first = of_family(rows, "commuting")
    head = ["angles (qubits)", *(f"{row['params']} ({row['qubits']})" for row in first)]
    lines = [
        [name, *(f"{row['methods'][name]['circuits']:,}" for row in first)]
        for name in WAYS
        if name not in ("commuting", MANY)
    ]
    for family, name in NAMES.items():
        own = of_family(rows, family)
        lines.append([name, *(str(row["methods"]["commuting"]["circuits"]) for row in own)])
    return table(head, lines)


def cost_table(rows: Rows) -> str:
    """Of the largest circuit of each family."""
    lines = []
    for family in NAMES:
        row = of_family(rows, family)[-1]
        for name in WAYS:
            own = row["methods"][name]
            if name == MANY or (family == "blocks" and name != "commuting"):
                continue
            lines.append([
                label(family, name), f"{own['circuits']:,}", f"{own['shots']:,}",
                f"{own['qpu_seconds']:.1f}", f"{1e3 * simulated(row, name):.2f}",
            ])  # fmt: skip
    return table(["", "circuits", "shots", "QPU seconds", "simulator, ms"], lines)


def simulated(row: dict[str, Any], name: str) -> float:
    """Seconds on the exact simulator."""
    methods = row["methods"]
    if name in SIMULATED:
        return float(methods[name]["seconds"])
    shift = methods["parameter shift"]
    return float(shift["seconds"] * methods[name]["circuits"] / shift["circuits"])


def adjoint_table(rows: Rows) -> str:
    own = of_family(rows, "commuting")
    head = ["angles (qubits)", *(f"{row['params']} ({row['qubits']})" for row in own)]
    return table(head, [
        ["one value, ms", *(f"{1e3 * row['value_seconds']:.3f}" for row in own)],
        ["value and adjoint gradient, ms", *(f"{1e3 * row['adjoint_seconds']:.3f}" for row in own)],
        ["ratio", *(f"{row['adjoint_seconds'] / row['value_seconds']:.1f}" for row in own)],
        ["parameter shift over value", *(
            f"{row['methods']['parameter shift']['seconds'] / row['value_seconds']:.0f}"
            for row in own)],
    ])  # fmt: skip


def errors_table(rows: Rows) -> str:
    """Errors at equal shots of a middle and of the largest circuit."""
    lines = []
    for family in NAMES:
        for row in of_family(rows, family)[2::2]:
            for name in WAYS:
                own = row["methods"][name]
                needed = own["shots_for_target"]
                lines.append([
                    f"{NAMES[family]}, {row['params']}", label(family, name),
                    interval(own["rms"]), interval(own["bias"]),
                    "–" if own["cosine"] is None else f"{own['cosine'][0]:.2f}",
                    "never" if needed is None else thousands(needed),
                ])  # fmt: skip
            own = row["tuned_spsa"]
            lines.append([
                f"{NAMES[family]}, {row['params']}",
                f"SPSA, c = {own['shift']:g}, {own['point']} shots a point",
                "–", "–", "–", thousands(own["shots_for_target"]),
            ])  # fmt: skip
    return table(
        ["circuit, angles", "", "rms error, %", "bias, %", "cosine", "shots to the goal"], lines
    )


def bias_table(rows: Rows) -> str:
    """How the bias of SPSA grows."""
    first = of_family(rows, "commuting")
    head = ["bias of SPSA, %", *(f"{row['params']} ({row['qubits']})" for row in first)]
    lines = [
        [
            name,
            *(interval(row["methods"]["SPSA, 1 pair"]["bias"]) for row in of_family(rows, family)),
        ]
        for family, name in NAMES.items()
    ]
    return table(head, lines)


def published_table(published: list[list[Any]]) -> str:
    lines = [
        [name, str(n), f"{circuits:,}", f"{circuits / n:.2g}"] for name, n, circuits in published
    ]
    return table(["model", "angles", "circuits", "circuits an angle"], lines)


def noise_table(rows: Rows) -> str:
    lines = []
    for row in rows:
        base = [one[0] for one in row["cx"]]
        reading = [np.mean(one[1:]) for one in row["cx"]]
        lines.append([
            NAMES[row["family"]], interval(mean(row["off"])), interval(mean(row["damped"])),
            f"{np.mean(base):.0f}", f"{np.mean(reading):.0f}",
        ])  # fmt: skip
    return table(
        ["", "strings against noisy gradient, %", "noisy against exact gradient, %",
         "CX of the circuit", "CX of a reading"], lines,
    )  # fmt: skip


def searches_table(rows: Rows, floors: dict[str, dict[str, float]]) -> str:
    lines = []
    for task, own in floors.items():
        for device in ("ideal", "FakeManilaV2"):
            some = {
                pool: sorted(
                    (
                        r
                        for r in rows
                        if (r["task"], r["device"], r["pool"]) == (task, device, pool)
                    ),
                    key=lambda r: r["seed"],
                )
                for pool in ("free", "commuting")
            }
            energy = {pool: np.array([r["energy"] for r in runs]) for pool, runs in some.items()}
            gap = 1e3 * (energy["commuting"] - energy["free"])
            lines.append([
                f"{task}, {device}", f"{own['ground']:.6f}",
                *(f"{np.median(energy[pool]):.6f}" for pool in some),
                f"{own['floor']:.6f}", interval(mean(gap), 1.0),
                *(span([r["gradient_circuits"] for r in runs]) for runs in some.values()),
            ])  # fmt: skip
    return table(
        ["task, device", "ground", "free", "commuting", "floor of the pool",
         "commuting less free, 10⁻³", "circuits of a gradient: free", "commuting"], lines,
    )  # fmt: skip


def mean(values: list[float] | NDArray[np.float64]) -> list[float]:
    """[mean, low, high]: the 95% bootstrap interval."""
    data = np.asarray(values, dtype=float)
    if np.ptp(data) < 1e-9:
        return [float(data.mean())] * 3
    found = bootstrap((data,), np.mean, method="percentile", rng=np.random.default_rng(1))
    return [float(data.mean()), *map(float, found.confidence_interval)]


def interval(values: list[float], unit: float = 100.0) -> str:
    shown = [short(unit * value) for value in values]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def thousands(value: float) -> str:
    return f"{value / 1e6:.1f} M" if value >= 1e6 else f"{value / 1e3:.1f} k"


def span(values: list[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"


def draw(rows: Rows, said: dict[str, Any], file: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(9.5, 7), sharex=True)
    first, second = (of_family(rows, family) for family in NAMES)
    for axis, key, title in zip(
        axes.flat,
        ("circuits", "qpu_seconds", "seconds", "rms"),
        ("circuits of one gradient", f"estimated QPU seconds, {said['each']:,} shots a circuit",
         "seconds on the exact simulator", f"rms error over length, {said['shots']:,} shots"),
        strict=True,
    ):  # fmt: skip
        for name, (colour, marker) in WAYS.items():
            if (name == MANY and key != "rms") or (key == "seconds" and name not in SIMULATED):
                continue
            line(
                axis, first, name, key, color=colour, marker=marker, label=label("commuting", name)
            )
        line(axis, second, "commuting", key, color="C3", marker="*", linestyle="--",
             label="commuting blocks (on three blocks)")  # fmt: skip
        if key == "seconds":
            adjoint(axis, first)
        if key == "circuits":
            for model, n, count in said["published"]:
                axis.plot(n, count, "x", color="0.3", markersize=7)
                axis.annotate(
                    f"published: {model}, {count:,}", (n, count), (-6, NUDGE[model]),
                    textcoords="offset points", fontsize=7, color="0.3", ha="right",
                )  # fmt: skip
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        if key == "qpu_seconds":
            axis.set_yticks([2, 5, 10, 20, 40], ["2", "5", "10", "20", "40"])
            axis.minorticks_off()
        axis.set_title(title, fontsize=10)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(True, which="major", color="0.92")
    axes[0, 0].set_xticks([4, 8, 16, 32, 64], ["4", "8", "16", "32", "64"])
    figure.supxlabel("angles", fontsize=10)
    known: dict[str, Any] = {}
    for axis in (axes[1, 1], axes[1, 0]):
        handles, names = axis.get_legend_handles_labels()
        known |= dict(zip(names, handles, strict=True))
    figure.legend(
        known.values(), known.keys(), loc="upper center", ncols=5, frameon=False, fontsize=8
    )
    figure.tight_layout(rect=(0, 0, 1, 0.93))
    figure.savefig(file, dpi=130)
    plt.close(figure)


def line(axis: Any, rows: Rows, name: str, key: str, **style: Any) -> None:
    n = [row["params"] for row in rows]
    values = [row["methods"][name][key] for row in rows]
    if key == "rms":
        data = np.array(values)
        spread = np.abs(data[:, 1:] - data[:, :1]).T
        axis.errorbar(n, data[:, 0], yerr=spread, capsize=2, linewidth=1.2, markersize=5, **style)
    else:
        axis.plot(n, values, linewidth=1.2, markersize=5, **style)


def adjoint(axis: Any, rows: Rows) -> None:
    n = [row["params"] for row in rows]
    axis.plot(n, [r["adjoint_seconds"] for r in rows], color="k", linewidth=1.2, label="adjoint")
    axis.plot(n, [r["value_seconds"] for r in rows], color="k", linestyle=":", label="one value")
