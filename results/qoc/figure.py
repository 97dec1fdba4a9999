"""Figures of the page: learning curves, and gains of searched circuits with their intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt

COLOURS = {
    "classical": "0.5", "none": "#1f77b4", "probabilistic": "#d62728", "deterministic": "#2ca02c",
    "random": "#ff7f0e", "wsbd": "#9467bd",
}  # fmt: skip
SHOWN = ("none", "probabilistic", "random", "wsbd")


def draw_learning(modes: dict[Any, Any], path: Path) -> None:
    """Value on unseen data against circuits, mean over seeds."""
    cases = list(modes)
    figure, axes = plt.subplots(2, (len(cases) + 1) // 2, figsize=(14, 6.2), squeeze=False)
    for axis, case in zip(axes.flat, cases, strict=False):
        name = "energy" if case[0] == "h2" else "valid_accuracy"
        for arm in ("classical", *SHOWN):
            _curve(axis, list(modes[case][arm].values()), name, arm)
        axis.set_title(f"{case[0]}, {case[1]}", fontsize=9)
        axis.set_xlabel("circuits executed, thousands", fontsize=8)
        axis.set_ylabel("energy, Ha" if case[0] == "h2" else "validation accuracy", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    for axis in axes.flat[len(cases) :]:
        axis.set_visible(False)
    axes.flat[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _curve(axis: Any, rows: list[Any], name: str, arm: str) -> None:
    if not rows:
        return
    end = max(row["spent"][-1][0] for row in rows)
    grid = np.linspace(0, end / 1000, 60)
    curves = [np.interp(grid, [x / 1000 for x, _ in row["spent"]], row[name]) for row in rows]
    if arm == "classical":  # its circuits are the simulator's
        axis.axhline(np.mean([row[name][-1] for row in rows]), color="0.5", ls="--", label=arm)
        return
    axis.plot(grid, np.mean(curves, axis=0), color=COLOURS[arm], label=arm, lw=1.2)


def draw_gains(rows: list[tuple[str, str, list[float]]], path: Path) -> None:
    """Paired gains of searched circuits: every split a dot, the mean with its interval."""
    from page import interval

    names = {
        "qoc": "over QOC's circuit",
        "best": "over the best hand-made",
        "random:blocks": "over random search",
    }
    tasks = list(dict.fromkeys(task for task, _, _ in rows))
    figure, axes = plt.subplots(1, 3, figsize=(12, 0.6 * len(tasks) + 1.6), sharey=True)
    for axis, (control, title) in zip(axes, names.items(), strict=True):
        for task, own, gains in rows:
            if own != control:
                continue
            at, (mean, low, high) = tasks.index(task), interval(gains, task)
            axis.plot(gains, [at + 0.12] * len(gains), "o", ms=3, color="0.6", alpha=0.7)
            axis.plot([low, high], [at, at], color="#d62728", lw=2)
            axis.plot([mean], [at], "D", ms=5, color="#d62728")
        axis.axvline(0, color="k", lw=0.8)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("test accuracy gained", fontsize=9)
        axis.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(tasks)), tasks)
    axes[0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
