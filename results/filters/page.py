"""The page of the study: tables and a figure from filters.json, beside words.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, rankdata, spearmanr

ALONE = 20
"""Circuits that are trained without a filter: their price is the budget with one."""
RESAMPLES = 2000
LITERATURE = ("clifford", "expressibility", "paths", "gradient")
Reals = NDArray[np.float64]


def write(study: dict[str, Any], folder: Path) -> None:
    names = list(study["cases"][0]["pools"][0]["filters"])
    found = [case | {"rows": {n: measured(case, n) for n in names}} for case in study["cases"]]
    words = (folder / "words.md").read_text()
    text = words.format(
        seconds=f"{study['seconds']:.0f}", device=study["device"],
        circuits=len(found[0]["pools"]) * len(found[0]["pools"][0]["error"]),
        seeds=len(found[0]["pools"]), pool=len(found[0]["pools"][0]["error"]),
        alone=ALONE, correlation=correlation_table(found), cost=cost_table(found),
        saving=saving_table(found, "evaluations"), same=saving_table(found, "circuits"),
        trained=trained_words(found), repeats=repeats_table(found),
    )  # fmt: skip
    (folder / "README.md").write_text(text)
    draw(found, folder / "correlation.png")


def measured(case: dict[str, Any], name: str) -> dict[str, Any]:
    """Correlations, costs and saving of one filter on one case."""
    pools = case["pools"]
    judged = np.concatenate([p["filters"][name]["judged"] for p in pools])
    error = np.concatenate([p["error"] for p in pools])
    pairs = np.concatenate([p["pairs"] for p in pools])
    spent = sum(p["filters"][name]["evaluations"] for p in pools)
    seconds = sum(p["filters"][name]["seconds"] for p in pools)
    return {
        "rho": interval(judged, error, rank_correlation),
        "within": within_pairs(judged, error, pairs),
        "evaluations": spent / sum(sum(p["evaluations"]) for p in pools),
        "seconds": seconds / sum(p["seconds"] for p in pools),
        "gain": gains(pools, name),
    }


def rank_correlation(judged: Reals, error: Reals) -> float:
    """Spearman's, of more-is-better with less-error; 0 where a filter says the same of all."""
    if np.ptp(judged) == 0:
        return 0.0
    return float(spearmanr(judged, -error).statistic)


def interval(judged: Reals, error: Reals, statistic: Any) -> tuple[float, float, float]:
    """The value and its 95% bootstrap interval over circuits."""
    result = bootstrap(
        (judged, error), statistic, paired=True, vectorized=False, n_resamples=RESAMPLES,
        method="percentile", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    return statistic(judged, error), float(result.low), float(result.high)


def within_pairs(judged: Reals, error: Reals, pairs: Reals) -> tuple[float, float, float]:
    """The same among circuits of equally many cx: ranks are taken within each number."""
    groups = [np.flatnonzero(pairs == k) for k in np.unique(pairs)]
    groups = [group for group in groups if len(group) >= 10]

    def centred(values: Reals) -> Reals:
        ranks = [rankdata(values[g]) for g in groups]
        return np.concatenate([(2 * r - len(r) - 1) / (2 * len(r)) for r in ranks])

    def correlation(a: Reals, b: Reals) -> float:
        return float(a @ b / np.sqrt((a @ a) * (b @ b))) if a.any() and b.any() else 0.0

    return interval(centred(judged), -centred(error), lambda a, b: correlation(a, b))


def gains(pools: list[dict[str, Any]], name: str) -> dict[str, Reals]:
    """By how much the filter lowers the best error, hartree, and how many it trains, per seed.

    Without: the first circuits of a pool are trained. With: all of it is judged and trained, best
    first, until as many evaluations are spent, those of the filter included, or until as many
    circuits are trained.
    """
    rows = []
    for p in pools:
        error, price = np.array(p["error"]), np.array(p["evaluations"])
        order = np.argsort(-np.array(p["filters"][name]["judged"]), kind="stable")
        left = price[:ALONE].sum() - p["filters"][name]["evaluations"]
        trained = order[np.cumsum(price[order]) <= left]
        alone, best = error[:ALONE].min(), error[trained].min(initial=np.inf)
        rows.append((alone - best, alone - error[order[:ALONE]].min(), len(trained)))
    return dict(zip(("evaluations", "circuits", "trained"), np.array(rows).T, strict=True))


def correlation_table(found: list[dict[str, Any]]) -> str:
    head = "| filter | " + " | ".join(title(case) for case in found) + " |"
    lines = [head, "|---" * (len(found) + 1) + "|"]
    for name in found[0]["rows"]:
        cells = []
        for case in found:
            (value, low, high), (inner, _, _) = (
                case["rows"][name]["rho"],
                case["rows"][name]["within"],
            )
            cells.append(f"{value:+.2f} [{low:+.2f}, {high:+.2f}]; {inner:+.2f}".replace("-", "−"))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cost_table(found: list[dict[str, Any]]) -> str:
    lines = ["| filter | evaluations, % of training | seconds, % of training |", "|---|---|---|"]
    for name in found[0]["rows"]:
        spans = []
        for key in ("evaluations", "seconds"):
            shares = [100 * case["rows"][name][key] for case in found]
            span = f"{min(shares):.2g} to {max(shares):.3g}"
            spans.append(span if max(shares) else "0")
        lines.append(f"| {name} | {spans[0]} | {spans[1]} |")
    return "\n".join(lines)


def saving_table(found: list[dict[str, Any]], key: str) -> str:
    head = "| filter | " + " | ".join(title(case) for case in found) + " |"
    lines = [head, "|---" * (len(found) + 1) + "|"]
    for name in found[0]["rows"]:
        cells = []
        for case in found:
            gain = 1e3 * case["rows"][name]["gain"][key]
            ran = gain[np.isfinite(gain)]
            mean = bootstrap((ran,), np.median, method="percentile", rng=np.random.default_rng(1))
            low, high = mean.confidence_interval
            wins, losses = int((gain > 1e-3).sum()), int((gain < -1e-3).sum())
            cell = f"{np.median(ran):+.2f} [{low:+.2f}, {high:+.2f}]; {wins}:{losses}"
            cells.append(cell.replace("-", "−"))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    plain = [
        f"{1e3 * np.median([min(p['error'][:ALONE]) for p in case['pools']]):.1f}" for case in found
    ]
    lines.append("| *median best error without a filter, mHa* | " + " | ".join(plain) + " |")
    return "\n".join(lines)


def trained_words(found: list[dict[str, Any]]) -> str:
    """How many circuits each filter's order trains for the budget, over the cases."""
    said = []
    for name in found[0]["rows"]:
        counts = [np.median(case["rows"][name]["gain"]["trained"]) for case in found]
        said.append(f"{name} {min(counts):.0f} to {max(counts):.0f}")
    return ", ".join(said)


def repeats_table(found: list[dict[str, Any]]) -> str:
    keys = list(found[0]["repeats"])
    lines = ["| | " + " | ".join(keys) + " |", "|---" * (len(keys) + 1) + "|"]
    for case in found[:2]:
        counts = [f"{case['repeats'][key]:,}" for key in keys]
        lines.append(f"| {case['space']} | " + " | ".join(counts) + " |")
    return "\n".join(lines)


def title(case: dict[str, Any]) -> str:
    return f"{case['task']}, {case['space']}"


def draw(found: list[dict[str, Any]], file: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = list(found[0]["rows"])
    figure, axes = plt.subplots(1, len(found), figsize=(11, 3.4), sharey=True, sharex=True)
    place = np.arange(len(names))[::-1]
    for axis, case in zip(axes, found, strict=True):
        axis.axvline(0, color="0.6", linewidth=0.8)
        for key, shift, marker, label in (
            ("rho", 0.14, "o", "all circuits"),
            ("within", -0.14, "s", "among equally many cx"),
        ):
            rows = np.array([case["rows"][name][key] for name in names])
            spread = np.abs(rows[:, 1:].T - rows[:, 0])
            axis.errorbar(
                rows[:, 0], place + shift, xerr=spread, fmt=marker, markersize=4.5, capsize=2,
                color="C0" if key == "rho" else "C1", label=label,
            )  # fmt: skip
        axis.axhline(len(names) - len(LITERATURE) - 0.5, color="0.8", linestyle=":", linewidth=1)
        axis.set_title(title(case), fontsize=10)
        axis.set_xlim(-1, 1)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(place, names)
    figure.supxlabel(
        "rank correlation with the trained noisy energy (right is better)", fontsize=10
    )
    figure.legend(*axes[0].get_legend_handles_labels(), loc="upper center", ncols=2, frameon=False,
                  fontsize=9)  # fmt: skip
    figure.tight_layout(rect=(0, 0, 1, 0.93))
    figure.savefig(file, dpi=130)
    plt.close(figure)
