"""QOC's table, its premise, what its gradients cost, and searched against hand-made circuits.

    python results/qoc/study.py --data-dir FOLDER            # everything, then the page
    python results/qoc/study.py --data-dir FOLDER --seeds 3  # the other seeds later
    python results/qoc/study.py --data-dir FOLDER --parts searched

FOLDER holds MNIST, Fashion-MNIST and the vowels (see `qas.task.dataset`). Every job is a row of
runs.jsonl; finished ones are not run again.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import page
from premise import premise
from runtime import cross_checked
from searching import HANDMADE, SEARCHES, handmade, searched
from setting import EVERY, MOLECULES, NOISIEST, SETTINGS, Setting, placed
from training import METHODS, MODES, trained

from search.campaign.jobs import on_processes
from search.campaign.ledger import Ledger

HERE = Path(__file__).parent
FIRST_SEED, SEEDS, FEW = 100, 10, 3
"""Seeds below were looked at while the settings were chosen; the last strategy has a few."""
PARTS = ("modes", "searched", "molecules", "premise", "runtime")
COMPARED = (*SETTINGS[:2], *MOLECULES)
"""Where the other gradient methods run too."""


@dataclass(frozen=True)
class Job:
    part: str
    setting: Setting
    arm: str
    seed: int
    folder: Path

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        return self.part, self.setting.task, self.setting.device, self.arm, self.seed


def jobs_of(seeds: int, folder: Path, parts: list[str]) -> list[Job]:
    """Seed by seed, so that a study that is stopped is complete for the first seeds."""
    found: list[Job] = []
    for k in range(seeds):
        seed = FIRST_SEED + k
        for setting in EVERY:
            arms = MODES + (tuple(METHODS) if setting in COMPARED else ())
            found += [Job("modes", setting, arm, seed, folder) for arm in arms]
        for setting in SETTINGS:
            searches = SEARCHES if k < FEW else SEARCHES[:-1]
            found += [Job("searched", setting, a, seed, folder) for a in (*HANDMADE, *searches)]
        found += [Job("molecules", setting, "archive", seed, folder) for setting in MOLECULES]
        if k == 0:
            found += [Job("premise", s, "shift", seed, folder) for s in (*SETTINGS, *NOISIEST)]
            found += [Job("runtime", s, "shift", seed, folder) for s in (*SETTINGS, *MOLECULES)]
    return [job for job in found if job.part in parts]


def run(job: Job) -> dict[str, Any]:
    """One job's row."""
    started = time.perf_counter()
    setting, folder, arm, seed = job.setting, job.folder, job.arm, job.seed
    if job.part == "modes":
        row = trained(setting, placed(setting, folder), arm, seed)
    elif job.part == "molecules":
        from molecule import searched_molecule

        row = searched_molecule(setting, seed)
    elif job.part == "searched":
        row = (handmade if arm in HANDMADE else searched)(setting, folder, arm, seed)
    else:
        row = {"premise": premise, "runtime": cross_checked}[job.part](setting, folder, seed)
    part, task, device, arm, seed = job.key
    head = {"kind": "run", "part": part, "task": task, "device": device, "arm": arm, "seed": seed}
    return head | row | {"seconds": round(time.perf_counter() - started, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=PARTS)
    given = parser.parse_args()
    ledger = Ledger(HERE / "runs.jsonl")
    fields = ("part", "task", "device", "arm", "seed")
    done = {tuple(row[name] for name in fields) for row in ledger.rows}
    wanted = jobs_of(given.seeds, given.data_dir.resolve(), given.parts)
    jobs = [job for job in wanted if job.key not in done]
    sys.stderr.write(f"{len(jobs)} jobs, {len(done)} done before\n")
    started, failures = time.time(), 0
    for number, outcome in enumerate(on_processes(run, jobs, given.workers), start=1):
        if outcome.failure is None:
            ledger.append([outcome.result])
        failures += outcome.failure is not None
        said = outcome.failure or f"{outcome.result['seconds']:.0f} s"
        clock = f"{number}/{len(jobs)} {time.time() - started:.0f} s"
        sys.stderr.write(f"{clock}: {' '.join(map(str, outcome.job.key))}: {said}\n")
    page.write(ledger.rows)
    if failures:
        sys.exit(f"{failures} runs failed; the same command tries them again")


if __name__ == "__main__":
    main()
