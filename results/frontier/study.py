"""The frontier: error against number of CX, of published molecules, all-to-all and on a line.

    python results/frontier/study.py            # then the page
    python results/frontier/study.py --seeds 3  # the other seeds later

Every (molecule, coupling, arm, seed) is a job of `search.campaign.bench`; finished ones stand in
bench/runs.jsonl and are not run again. No run may take two minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import page

from qas.errors import InputError
from search.campaign.bench import Bench, Case, Job, jobs_of
from search.campaign.jobs import on_processes
from search.cli.bench import bench_progress

HERE = Path(__file__).parent
FIRST_SEED = 100
"""Seeds below were looked at while the settings were chosen."""
MINUTES = 1.9
BUDGETS = {
    "h2-4": 2_000_000,
    "lih-4-2.2": 10_000_000,
    "lih-4-3.4": 10_000_000,
    "beh2-6-published": 80_000_000,
    "lih-6-2.2": 120_000_000,
    "h2o-8-published": 400_000_000,
}
"""Evaluations."""
BESIDE = ("greedy", "adapt")
"""Arms for comparison, all-to-all, on fewer seeds."""


def jobs(seeds: int, tasks: list[str], couplings: list[str]) -> list[Job]:
    """The default strategy on everything, then others beside it."""
    cases = [Case(task, chip, BUDGETS[task], MINUTES) for chip in couplings for task in tasks]
    wanted = jobs_of(cases, [page.ARM], range(FIRST_SEED, FIRST_SEED + seeds))
    few = [case for case in cases if case.device == "ideal"]
    return wanted + jobs_of(few, BESIDE, range(FIRST_SEED, FIRST_SEED + min(seeds, 3)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--tasks", nargs="*", default=list(BUDGETS), choices=list(BUDGETS))
    parser.add_argument("--couplings", nargs="*", default=["ideal", "ideal:line"])
    parser.add_argument("--no-others", action="store_true", help="the default strategy alone")
    given = parser.parse_args()
    try:
        bench = Bench(HERE / "bench")
        wanted = jobs(given.seeds, given.tasks, given.couplings)
        if given.no_others:
            wanted = [job for job in wanted if job.strategy == page.ARM]
        bench.check(wanted)
        with bench.locked():
            failures = bench_progress(bench, wanted, given.workers, on_processes)
    except InputError as error:
        parser.error(str(error))
    page.write(bench.ledger.rows)
    if failures:
        sys.exit(f"{failures} runs failed; the same command tries them again")


if __name__ == "__main__":
    main()
