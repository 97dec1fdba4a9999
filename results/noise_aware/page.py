"""README.md and survival.png from runs.jsonl: `python results/noise_aware/page.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from search.campaign.file import write_text

HERE = Path(__file__).parent
Row = dict[str, Any]
GOALS = {
    ("h2-4", "FakeManilaV2"): 6.0,
    ("lih-4-2.2", "FakeManilaV2"): 8.6,
    ("lih-4-3.4", "FakeManilaV2"): 8.8,
    ("lih-6-2.2", "FakeJakartaV2"): 20.0,
}
"""mHa, medians."""
MODELS = {
    "noisy": "standard",
    "noisy_readout": "standard, readout",
    "pessimistic": "pessimistic",
    "pessimistic_readout": "pessimistic, readout",
}


def lowest(row: Row) -> dict[str, Any]:
    """The circuit of lowest noisy energy."""
    return min(row["circuits"], key=lambda own: own["noisy"])


def safest(row: Row) -> dict[str, Any]:
    """The circuit whose worse energy of both models is lowest."""
    return min(row["circuits"], key=lambda own: max(own["noisy"], own["pessimistic"]))


def error(row: Row, circuit: dict[str, Any], model: str) -> float:
    """mHa above the ground state."""
    return float(1e3 * (circuit[model] - row["ground_energy"]))


def write(rows: Sequence[Row]) -> None:
    """README.md and the figure."""
    cases = list(dict.fromkeys((r["task"], r["device"]) for r in rows))
    table = {
        case: {
            arm: sorted(
                (r for r in rows if (r["task"], r["device"], r["arm"]) == (*case, arm)),
                key=lambda r: r["seed"],
            )
            for arm in ("aware", "blind")
        }
        for case in cases
    }
    parts = {
        "energies": _energies(table), "gains": _gains(table), "robust": _robust(table),
        "goals": _goals(table), "budgets": _budgets(table),
        "seeds": str(len({r["seed"] for r in rows})),
        "hours": f"{sum(r['seconds'] + r['seconds_after'] for r in rows) / 3600:.1f}",
    }  # fmt: skip
    text = (HERE / "words.md").read_text()
    for name, value in parts.items():
        text = text.replace("{" + name + "}", value)
    write_text(HERE / "README.md", text)
    _draw(table)


Table = dict[tuple[str, str], dict[str, list[Row]]]


def _budgets(table: Table) -> str:
    return "; ".join(
        f"{task} on {device} {own['aware'][0]['budget'] / 1e6:g}M"
        for (task, device), own in table.items()
        if own["aware"]
    )


def _energies(table: Table) -> str:
    lines = [
        "| task, device | seeds | Hartree-Fock | aware: median | all | blind, best of its front "
        "| all | blind, chosen blind | 2q gates (aware, blind) | s a search (aware, blind) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (task, device), own in table.items():
        if not (own["aware"] and own["blind"]):
            continue
        ground = own["aware"][0]["ground_energy"]
        reference = 1e3 * (own["aware"][0]["hartree_fock_noisy"] - ground)
        cells = []
        for arm in ("aware", "blind"):
            at = [error(r, lowest(r), "noisy") for r in own[arm]]
            cells += [f"{np.median(at):.2f}", f"{min(at):.2f} to {max(at):.2f}"]
        chosen = np.median([1e3 * (r["blind_choice"] - ground) for r in own["blind"]])
        gates = ", ".join(
            f"{np.median([lowest(r)['two_qubit_gates'] for r in own[arm]]):g}" for arm in own
        )
        times = ", ".join(f"{np.median([r['seconds'] for r in own[arm]]):.0f}" for arm in own)
        lines.append(
            f"| {task}, {device} | {len(own['aware'])}, {len(own['blind'])} | {reference:.1f} | "
            f"{' | '.join(cells)} | {chosen:.2f} | "
            f"{gates} | {times} |"
        )
    return "\n".join(lines)


def _pairs(
    own: dict[str, list[Row]], of: Callable[[Row], dict[str, Any]], model: str
) -> np.ndarray:
    """Blind less aware, mHa, seed by seed."""
    blind = {r["seed"]: r for r in own["blind"]}
    return np.array([
        error(blind[r["seed"]], of(blind[r["seed"]]), model) - error(r, of(r), model)
        for r in own["aware"] if r["seed"] in blind
    ])  # fmt: skip


def _interval(values: np.ndarray) -> str:
    """Median with its 95% bootstrap interval."""
    if len(values) < 3 or np.ptp(values) < 1e-9:
        return f"{np.median(values):+.2f}"
    found = bootstrap(
        (values,), np.median, method="percentile", rng=np.random.default_rng(0), vectorized=True,
        axis=0,
    ).confidence_interval  # fmt: skip
    return f"{np.median(values):+.2f} ({found.low:+.2f} to {found.high:+.2f})"


def _gains(table: Table) -> str:
    lines = [
        "| task, device | " + " | ".join(MODELS.values()) + " |",
        "|---|" + "---|" * len(MODELS),
    ]
    for (task, device), own in table.items():
        if own["aware"] and own["blind"]:
            cells = [_interval(_pairs(own, lowest, model)) for model in MODELS]
            lines.append(f"| {task}, {device} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _robust(table: Table) -> str:
    lines = [
        "| task, device | Hartree-Fock | lowest noisy: standard | pessimistic | "
        "safest: standard | pessimistic | gain over blind's safest, pessimistic |",
        "|---|---|---|---|---|---|---|",
    ]
    for (task, device), own in table.items():
        if not (own["aware"] and own["blind"]):
            continue
        rows = own["aware"]
        reference = 1e3 * (rows[0]["hartree_fock_noisy"] - rows[0]["ground_energy"])
        cells = [
            f"{np.median([error(r, of(r), model) for r in rows]):.2f}"
            for of in (lowest, safest)
            for model in ("noisy", "pessimistic")
        ]
        gain = _interval(_pairs(own, safest, "pessimistic"))
        lines.append(f"| {task}, {device} | {reference:.1f} | {' | '.join(cells)} | {gain} |")
    return "\n".join(lines)


def _goals(table: Table) -> str:
    lines = []
    for case, goal in GOALS.items():
        rows = table.get(case, {}).get("aware", [])
        if rows:
            at = [error(r, lowest(r), "noisy") for r in rows]
            searched = max(r["seconds"] + r["seconds_after"] for r in rows)
            lines.append(
                f"- {case[0]} on {case[1]}: goal {goal:g}, median **{np.median(at):.2f}**, best "
                f"{min(at):.2f}, worst {max(at):.2f} ({len(at)} seeds); the longest campaign, "
                f"polishing included, took {searched:.0f} s."
            )
    return "\n".join(lines)


def _draw(table: Table) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    known = [case for case in table if table[case]["aware"] and table[case]["blind"]]
    figure, axes = plt.subplots(1, 2, figsize=(11, 0.55 * len(known) + 1.6), layout="constrained",
                                sharey=True)  # fmt: skip
    for axis, model in zip(axes, ("noisy", "pessimistic"), strict=True):
        for number, case in enumerate(known):
            for arm, colour, shift in (("aware", "C0", -0.15), ("blind", "C1", 0.15)):
                at = [error(r, lowest(r), model) for r in table[case][arm]]
                axis.plot(at, np.full(len(at), number + shift), "o", color=colour, ms=4, alpha=0.5,
                          label=arm if number == 0 else None)  # fmt: skip
                axis.plot(np.median(at), number + shift, "|", color=colour, ms=14, mew=2)
            own = table[case]["aware"][0]
            axis.plot(1e3 * (own["hartree_fock_noisy"] - own["ground_energy"]), number, "kx", ms=5,
                      label="Hartree-Fock, standard model" if number == 0 else None)  # fmt: skip
        axis.set(xscale="log", xlabel="mHa above the ground state", title=MODELS[model] + " model")
    axes[0].set_yticks(range(len(known)), [f"{task}, {device}" for task, device in known])
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, ncols=3, loc="outside lower center")
    figure.savefig(HERE / "survival.png", dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    write([json.loads(line) for line in (HERE / "runs.jsonl").read_text().splitlines()])
