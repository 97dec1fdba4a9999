"""The main job's search over seeds: every strategy at one budget, on several devices.

    python results/main_job/study.py                 # goes on where it was stopped
    python results/main_job/study.py --table         # only the table and the figure again

Each (task, device, seed) is one campaign; its summary is kept under results/main_job/campaigns.
"""

from __future__ import annotations

import json
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
KEPT = HERE / "campaigns"
SEEDS = range(5)
ALL = ("random", "tpe", "ddqn", "greedy")
CASES = (
    ("h2", "FakeManilaV2", ALL),
    ("h2-3", "FakeManilaV2", ALL),
    ("h2-4", "FakeManilaV2", ALL),
    ("h2-4", "ideal", ALL),
    ("h2-4", "FakeSherbrooke", ("greedy",)),
    ("h2-4", "FakeTorino", ("greedy",)),
)


def campaign(task: str, device: str, strategies: tuple[str, ...], seed: int) -> str:
    """Search once and keep the summary."""
    from search.campaign import Campaign, settings_of

    path = KEPT / f"{task}-{device}-s{seed}.json"
    if not path.exists():
        with tempfile.TemporaryDirectory() as folder:
            settings = settings_of(task, device, strategies, seed, None, None, None)
            run = Campaign.create(Path(folder) / "campaign", settings)
            for _ in run.search():
                pass
            summary = run.summary()
        KEPT.mkdir(exist_ok=True)
        path.write_text(json.dumps(summary, indent=1) + "\n")
    return path.name


def run_all() -> None:
    jobs = [(task, device, arms, seed) for seed in SEEDS for task, device, arms in CASES]
    with ProcessPoolExecutor(2) as pool:
        waiting = [pool.submit(campaign, *job) for job in jobs]
        for done, future in enumerate(as_completed(waiting), start=1):
            print(f"{done}/{len(jobs)} {future.result()}", file=sys.stderr, flush=True)


def summaries(task: str, device: str) -> list[dict]:
    return [json.loads((KEPT / f"{task}-{device}-s{seed}.json").read_text()) for seed in SEEDS]


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{np.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def table() -> str:
    lines = [
        "| task, device | strategy | budget | found | polished | pessimistic | 2q | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for task, device, strategies in CASES:
        runs = summaries(task, device)
        ground = runs[0]["references"]["ground_energy"]
        for name in strategies:
            arms = [next(a for a in run["arms"] if a["strategy"] == name) for run in runs]

            def error(key: str, arms: list[dict] = arms, ground: float = ground) -> str:
                return spread([1e3 * (arm[key] - ground) for arm in arms])

            pairs = sorted({arm["best_polished_two_qubit_gates"] for arm in arms})
            cells = [
                f"{task}, {device}",
                name,
                f"{runs[0]['budget']:,}",
                error("best_energy"),
                error("best_polished_energy"),
                error("best_pessimistic_energy"),
                ", ".join(map(str, pairs)),
                f"{np.median([arm['seconds'] for arm in arms]):.0f}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def references() -> str:
    lines = []
    for task, device, _ in CASES:
        run = summaries(task, device)[0]
        base = run["references"]
        error = 1e3 * (base["hartree_fock_noisy"] - base["ground_energy"])
        product = [f for f in run["finalists"] if f["two_qubit_gates"] == 0]
        guarded = min(
            (1e3 * (f["energy_pessimistic"] - base["ground_energy"]) for f in product),
            default=float("nan"),
        )
        retrained = [s["finalists"][0]["error_retrained"] for s in summaries(task, device)]
        date = run["device"]["calibration_date"] or "no calibration"
        lines.append(
            f"- {task} on {device} ({date}, hash {run['device']['hash'][:16]}): "
            f"Hartree-Fock's circuit on its best layout {error:.3f} mHa "
            f"({guarded:.3f} pessimistic, as the finalist without two-qubit gates); "
            f"best finalist retrained without noise: worst error {max(retrained):.1e} hartree."
        )
    return "\n".join(lines)


def figure() -> None:
    from matplotlib.figure import Figure

    shown = [case for case in CASES if case[1] == "FakeManilaV2"]
    canvas = Figure(figsize=(9, 3.2), layout="constrained")
    axes = canvas.subplots(1, len(shown), sharey=False)
    for axis, (task, device, strategies) in zip(axes, shown, strict=True):
        runs = summaries(task, device)
        ground, base = runs[0]["references"]["ground_energy"], runs[0]["references"]
        for row, name in enumerate(strategies):
            arms = [next(a for a in run["arms"] if a["strategy"] == name) for run in runs]
            for key, marker, color in (
                ("best_energy", "o", "#0072B2"),
                ("best_polished_energy", "D", "#D55E00"),
            ):
                values = [1e3 * (arm[key] - ground) for arm in arms]
                axis.plot(values, [row] * len(values), marker, color=color, alpha=0.6, mew=0)
        axis.axvline(1e3 * (base["hartree_fock_noisy"] - ground), color="0.5", ls=":", lw=1)
        axis.set_yticks(range(len(strategies)), strategies)
        axis.set_xscale("log")
        axis.set_title(f"{task} on {device}", fontsize=10)
        axis.set_xlabel("mHa above the ground state, under noise")
    labels = ("found by the search", "after the same polishing", "Hartree-Fock's circuit")
    handles = [
        axes[0].plot([], [], style, color=color)[0]
        for style, color in (("o", "#0072B2"), ("D", "#D55E00"), (":", "0.5"))
    ]
    canvas.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    canvas.savefig(HERE / "strategies.png", dpi=130)


def main() -> None:
    if "--table" not in sys.argv:
        run_all()
    figure()
    page = f"""# The main job's search, {len(SEEDS)} seeds

Made by `python results/main_job/study.py` on two cores (two campaigns at a time). Errors in mHa
above the ground state: median (least to greatest) over the seeds. Every strategy has the same
budget of evaluations (energies that a device would have to measure, gradients included).
*found*: lowest noisy energy of a trial; *polished*: the best after pruning, equivalent circuits,
other layouts and training to the end, the same for every strategy and metered apart;
*pessimistic*: that circuit under the second noise model (whole gate error as depolarizing on top
of relaxation, idle qubits decohering); *2q*: two-qubit gates of the polished circuits.

{table()}

![strategies](strategies.png)

{references()}

How far to trust the comparison: the strategies did not get equal care. `greedy` and the polishing
were developed on h2 and h2-4 on FakeManilaV2 while looking at seeds 0 to 9, which include these;
`ddqn`'s settings were chosen on h2 on FakeManilaV2 with seeds 0 and 1; `tpe` and `random` were
not tuned. h2-3, FakeSherbrooke and FakeTorino were not used for tuning. Five seeds give ranges,
no significance. The seconds were taken while other work ran on the machine.

What it shows: polishing, which is search too, levels much of the difference between strategies.
Under the pessimistic model circuits with two-qubit gates lose much of their gain: on four qubits
of Manila they stand above Hartree-Fock's circuit, on Sherbrooke and Torino they stay below it. The
standard model's optimum is not a promise.
"""
    (HERE / "README.md").write_text(page)
    print(page)


if __name__ == "__main__":
    main()
