"""README.md and figures from runs.jsonl: `python results/qoc/page.py`."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from figure import draw_gains, draw_learning
from scipy.stats import t as student

from search.campaign.file import write_text

HERE = Path(__file__).parent
Row = dict[str, Any]
Case = tuple[str, str]
MODES = ("classical", "none", "probabilistic", "deterministic", "random", "wsbd")
METHODS = ("probabilistic", "deterministic", "random", "wsbd", "spsa", "guided", "adaptive")
REPULSION = 0.719969
"""Of H2's nuclei at 0.735 angstrom, hartree: energies without it are electronic."""
PUBLISHED = {
    "mnist4": (0.61, 0.59, 0.59, 0.64, 0.68, 0.85),
    "mnist2": (0.88, 0.79, 0.83, 0.86, 0.94, None),
    "fashion4": (0.73, 0.54, 0.49, 0.57, 0.75, None),
    "fashion2": (0.89, 0.89, 0.84, 0.91, 0.88, None),
    "vowel4": (0.37, 0.31, 0.34, 0.36, 0.48, None),
}
"""QOC, table 1: classical simulated, classical deployed, QC-Train, QC-Train-PGP; QuantumNAT;
QuantumNAS (about, on Yorktown)."""
FLOORS = {
    ("mnist2", "FakeJakartaV2"): 0.87,
    ("mnist4", "FakeJakartaV2"): 0.60,
    ("vowel4", "FakeLimaV2"): 0.30,
    ("fashion2", "FakeSantiagoV2"): 0.87,
    ("fashion4", "FakeManilaV2"): 0.57,
}
"""What an honest reproduction reaches: means of the probabilistic mode."""


def write(rows: Sequence[Row]) -> None:
    """The page and its figures, of whatever there is."""
    found: dict[str, dict[Case, dict[str, dict[int, Row]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(dict))
    )
    for row in rows:
        found[row["part"]][row["task"], row["device"]][row["arm"]][row["seed"]] = row
    modes = {case: arms for case, arms in found["modes"].items() if case[0] != "h2"}
    molecules = {case: arms for case, arms in found["modes"].items() if case[0] == "h2"}
    parts = {
        "table": _table(modes), "paired": _paired(modes), "premise": _premise(found["premise"]),
        "target": _target(found["modes"]), "searched": _searched(found["searched"]),
        "gains": _gains(found["searched"]), "molecules": _molecules(molecules, found["molecules"]),
        "runtime": _runtime(found["runtime"]),
        "repulsion": str(REPULSION), "speed": _speed(),
        "hours": f"{sum(row['seconds'] for row in rows) / 3600:.1f}",
    }  # fmt: skip
    text = (HERE / "words.md").read_text()
    for name, value in parts.items():
        text = text.replace("{" + name + "}", value)
    if left := re.findall(r"\{\w+\}", text):
        raise ValueError(f"words.md asks for {', '.join(left)}, which nothing fills in")
    write_text(HERE / "README.md", text)
    draw_learning(found["modes"], HERE / "learning.png")
    draw_gains(_gain_rows(found["searched"]), HERE / "gains.png")


def _speed() -> str:
    path = HERE / "speed.md"
    return path.read_text().rstrip() if path.exists() else ""


SHARED = {"vowel4": 1.1}
"""Test over training rows, where splits are drawn from so few rows that they overlap."""


def interval(values: Sequence[float], task: str = "") -> tuple[float, float, float]:
    """Mean with its 95% interval of Student's t.

    Splits of one small data set share rows and are not independent: their variance is
    multiplied as Nadeau and Bengio have it, Machine Learning 52, 239 (2003).
    """
    data = np.array(values, dtype=float)
    if len(data) < 2:
        return float(data.mean()), float("nan"), float("nan")
    share = 1 / len(data) + SHARED.get(task, 0.0)
    half = student.ppf(0.975, len(data) - 1) * data.std(ddof=1) * np.sqrt(share)
    return float(data.mean()), float(data.mean() - half), float(data.mean() + half)


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} +- {np.std(values, ddof=1) if len(values) > 1 else 0:.3f}"


def _signed(values: Sequence[float], task: str = "") -> str:
    mean, low, high = interval(values, task)
    mark = " *" if low > 0 or high < 0 else ""
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f}){mark}"


def _lines(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    made = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*made, *("| " + " | ".join(row) + " |" for row in body)])


def _final(row: Row) -> float:
    return float(row["accuracy"])


def _table(modes: dict[Case, dict[str, dict[int, Row]]]) -> str:
    body = []
    for case, arms in modes.items():
        own = [_spread([_final(r) for r in arms[mode].values()]) for mode in MODES if arms[mode]]
        seeds = min(len(arms[mode]) for mode in MODES)
        told = PUBLISHED[case[0]] if case[1] != "FakeYorktownV2" else (None,) * 6
        beside = " / ".join("-" if x is None else f"{x:.2f}" for x in told[1:4])
        floor = FLOORS.get(case)
        mean = np.mean([_final(r) for r in arms["probabilistic"].values()])
        said = "" if floor is None else f"{floor:.2f} ({'reached' if mean >= floor else 'missed'})"
        one = next(iter(arms["none"].values()))
        what = f"{one['n_params']}, {one['two_qubit_gates']}"
        body.append([f"{case[0]}, {case[1]}", what, *own, str(seeds), beside, said])
    head = ["task, chip", "angles, CX", *MODES, "seeds", "QOC: classical / QC / PGP", "floor"]
    return _lines(head, body)


def _paired(modes: dict[Case, dict[str, dict[int, Row]]]) -> str:
    pairs = (
        ("probabilistic", "none"), ("probabilistic", "random"), ("deterministic", "none"),
        ("wsbd", "none"), ("none", "classical"),
    )  # fmt: skip
    body = []
    for case, arms in modes.items():
        cells = []
        for one, other in pairs:
            seeds = sorted(arms[one].keys() & arms[other].keys())
            gains = [_final(arms[one][s]) - _final(arms[other][s]) for s in seeds]
            cells.append(_signed(gains) if seeds else "")
        body.append([f"{case[0]}, {case[1]}", *cells])
    return _lines(["task, chip", *(f"{a} - {b}" for a, b in pairs)], body)


def _premise(found: dict[Case, dict[str, dict[int, Row]]]) -> str:
    body = []
    for case, arms in found.items():
        for row in arms["shift"].values():
            flips = [f"{100 * x:.0f}%" for x in row["flips"]]
            sizes = [f"{x:.2g}" for x in row["relative"]]
            told = [f"{row['correlation']:+.2f}", *flips, " / ".join(sizes)]
            body.append([f"{case[0]}, {case[1]}", *told, str(row["gradients"])])
    quarters = ["smallest quarter", "2nd", "3rd", "largest"]
    return _lines(
        ["task, chip", "rank correlation", *(f"signs wrong, {q}" for q in quarters[:1]),
         *quarters[1:], "median relative error", "gradients"], body,
    )  # fmt: skip


LOOKS = 5
"""Looks in a row that are beyond the target: single values of a noisy training mean little."""


def arrival(
    row: Row, values: Sequence[float], target: float, unit: int, rising: bool, pace: float
) -> float:
    """Circuits (unit 0) or shots (1) after which the value stays beyond the target; inf: never.

    Every training is looked at in steps of ``pace`` units, whatever its own steps are: who is
    looked at more often has more chances of a lucky streak. Behind its end the last value stays.
    """
    spent = np.array(row["spent"], dtype=float)[:, unit]
    grid = np.arange(0.0, spent[-1] + LOOKS * pace, pace)
    held = np.array(values)[np.searchsorted(spent, grid, side="right") - 1]
    good = held >= target if rising else held <= target
    for k in range(len(good) - LOOKS + 1):
        if good[k : k + LOOKS].all():
            return float(grid[k])
    return np.inf


def _pace(arms: dict[str, dict[int, Row]], unit: int) -> float:
    """What a full step of the shift rule costs."""
    row = next(iter(arms["none"].values()))
    return float(np.diff([spent[unit] for spent in row["spent"]]).max())


def _target(modes: dict[Case, dict[str, dict[int, Row]]]) -> str:
    body = []
    for case, arms in modes.items():
        if case[1] == "FakeYorktownV2" and case[0] != "h2":
            continue
        is_energy = case[0] == "h2"
        name = "energy" if is_energy else "valid_accuracy"
        finals = [np.mean(row[name][-5:]) for row in arms["none"].values()]
        if not finals:
            continue
        target, start = float(np.mean(finals)), _chance(case, arms)
        target = start + 0.95 * (target - start) if is_energy else 0.95 * target
        units = ((0, "circuits"), (1, "shots")) if arms["adaptive"] else ((0, "circuits"),)
        for unit, label in units:  # shots tell something new of adaptive shots alone
            cells, pace = [], _pace(arms, unit)
            for method in METHODS:
                if unit and method != "adaptive":
                    cells.append("")
                    continue
                seeds = sorted(arms[method].keys() & arms["none"].keys())
                cells.append(_ratio(arms, method, seeds, name, target, unit, not is_energy, pace))
            base = [
                arrival(r, r[name], target, unit, not is_energy, pace)
                for r in arms["none"].values()
            ]
            shown = np.median(base)
            never = f" ({sum(np.isinf(base))} never)" if np.isinf(base).any() else ""
            told = f"{shown:.3g}{never}" if np.isfinite(shown) else "never"
            body.append([f"{case[0]}, {case[1]}", label, f"{target:.3f}", told, *cells])
    return _lines(["task, chip", "unit", "target", "shift rule", *METHODS], body)


def _chance(case: Case, arms: dict[str, dict[int, Row]]) -> float:
    """Mean energy at the start: what 95% of the way is measured from."""
    return float(np.mean([row["energy"][0] for row in arms["none"].values()])) if (
        case[0] == "h2"
    ) else 0.0  # fmt: skip


def _ratio(
    arms: dict[str, dict[int, Row]], method: str, seeds: list[int], name: str, target: float,
    unit: int, rising: bool, pace: float,
) -> str:  # fmt: skip
    """Geometric mean of ratios to the shift rule where both arrive, and who never does."""
    logs, missing = [], 0
    for seed in seeds:
        ours = arrival(arms[method][seed], arms[method][seed][name], target, unit, rising, pace)
        base = arrival(arms["none"][seed], arms["none"][seed][name], target, unit, rising, pace)
        missing += np.isinf(ours)
        if np.isfinite(ours) and np.isfinite(base) and base > 0 and ours > 0:
            logs.append(np.log(ours / base))
    if not seeds:
        return ""
    if len(logs) < 2:
        return f"({missing} of {len(seeds)} never)"
    mean, low, high = np.exp(interval(logs))
    never = f", {missing} never" if missing else ""
    return f"{mean:.2f} ({low:.2f} to {high:.2f}{never})"


ARMS = {
    "qoc": "QOC's circuit", "best": "best hand-made", "archive": "searched",
    "random:blocks": "random", "evolve": "evolve",
}  # fmt: skip


def _searched(found: dict[Case, dict[str, dict[int, Row]]]) -> str:
    body = []
    for case, arms in found.items():
        for arm, name in ARMS.items():
            rows = list(arms[arm].values())
            if not rows:
                continue
            gates = np.median([r["two_qubit_gates"] for r in rows])
            angles = np.median([r["n_params"] for r in rows])
            cells = [_spread([r[key] for r in rows]) for key in ("before", "after", "scratch")]
            body.append([f"{case[0]}, {case[1]}", name, f"{gates:g}", f"{angles:g}", *cells,
                         str(len(rows))])  # fmt: skip
    head = ["task, chip", "circuit", "CX", "angles", "trained on the simulator, deployed",
            "and tuned on the chip", "trained on the chip from scratch", "splits"]  # fmt: skip
    return _lines(head, body)


def _gain_rows(found: dict[Case, dict[str, dict[int, Row]]]) -> list[tuple[str, str, list[float]]]:
    """(task, control, paired gains of the searched circuit, tuned, over it)."""
    made = []
    for case, arms in found.items():
        for control in ("qoc", "best", "random:blocks"):
            splits = sorted(arms["archive"].keys() & arms[control].keys())
            gains = [arms["archive"][s]["after"] - arms[control][s]["after"] for s in splits]
            if gains:
                made.append((case[0], control, gains))
    return made


def _gains(found: dict[Case, dict[str, dict[int, Row]]]) -> str:
    body = []
    for case, arms in found.items():
        cells = []
        for key in ("after", "scratch"):
            for control in ("qoc", "best", "random:blocks"):
                splits = sorted(arms["archive"].keys() & arms[control].keys())
                gains = [arms["archive"][s][key] - arms[control][s][key] for s in splits]
                cells.append(_signed(gains, case[0]) if gains else "")
        told = PUBLISHED[case[0]]
        mean = np.mean([r["after"] for r in arms["archive"].values()])
        beside = [f"{told[3]:.2f}", f"{told[4]:.2f}", "" if told[5] is None else f"{told[5]:.2f}"]
        body.append([f"{case[0]}, {case[1]}", *cells, f"{mean:.3f}", *beside])
    head = ["task, chip", "tuned: over QOC's", "over best hand-made", "over random search",
            "from scratch: over QOC's", "over best hand-made", "over random search",
            "searched, tuned", "QOC", "QuantumNAT", "QuantumNAS"]  # fmt: skip
    return _lines(head, body)


def _molecules(
    modes: dict[Case, dict[str, dict[int, Row]]], searched: dict[Case, dict[str, dict[int, Row]]]
) -> str:
    body = []
    for case, arms in modes.items():
        own = [
            _spread([r["energy"][-1] - REPULSION for r in arms[mode].values()]) for mode in MODES
        ]
        seeds = sorted(arms["probabilistic"].keys() & arms["classical"].keys())
        gain = [arms["classical"][s]["energy"][-1] - arms["probabilistic"][s]["energy"][-1]
                for s in seeds]  # fmt: skip
        rows = list(searched[case]["archive"].values())
        ours = [_spread([r[key] - REPULSION for r in rows]) for key in ("scratch", "after")]
        gates = f"{np.median([r['two_qubit_gates'] for r in rows]):g}" if rows else ""
        body.append([case[1], *own, _signed(gain), *(ours if rows else ["", ""]), gates])
    head = ["chip", *MODES, "probabilistic below classical", "searched, from scratch",
            "searched, tuned", "its CX"]  # fmt: skip
    return _lines(head, body)


def _runtime(found: dict[Case, dict[str, dict[int, Row]]]) -> str:
    body = []
    for case, arms in found.items():
        for row in arms["shift"].values():
            ends = row["ends"]
            body.append([
                f"{case[0]}, {case[1]}", f"{row['spread']['runtime']:.3f}",
                f"{row['spread']['ours']:.3f}", f"{row['normal_p']['runtime']:.2f}",
                f"{row['normal_p']['ours']:.2f}", _spread(ends["runtime"]), _spread(ends["ours"]),
                f"{row['ends_p']:.2f}",
            ])  # fmt: skip
    head = ["task, chip", "spread, Runtime", "ours", "p normal, Runtime", "ours",
            "end of training, Runtime", "ours", "p equal means"]  # fmt: skip
    return _lines(head, body)


if __name__ == "__main__":
    write([json.loads(line) for line in (HERE / "runs.jsonl").read_text().splitlines()])
