"""Reinforcement learning against Bayesian, evolutionary, archive, greedy and random search.

    python results/rl_vs_bayes/study.py             # the core study, then the page
    python results/rl_vs_bayes/study.py --extended  # and what does not fit two hours

Every (case, arm, seed) is a job of `search.campaign.bench`, as of `qas bench`; finished ones
stand in bench/runs.jsonl and are not run again. Smaller budgets are read off the curves.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import page

from qas.errors import InputError
from search.campaign.bench import Bench, Case, Job, jobs_of
from search.campaign.jobs import on_processes, on_ray
from search.cli.bench import bench_progress

HERE = Path(__file__).parent
FIRST_SEED = 100
"""Seeds below were looked at while the settings of the arms were chosen."""
SEEDS = 10

CORE = (
    Case("h2-4", "ideal", 500_000),
    Case("lih-4-2.2", "ideal", 1_000_000),
    Case("lih-6-2.2", "ideal", 2_000_000),
    Case("tfim-6", "ideal", 1_000_000),
    Case("h2-4", "FakeManilaV2", 1_000_000),
    Case("lih-4-2.2", "FakeManilaV2", 1_000_000),
    Case("lih-6-2.2", "FakeJakartaV2", 1_000_000),
    Case("tfim-6", "FakeJakartaV2", 1_000_000),
)
"""Budgets in evaluations; small ones are read off the curves."""
EXTENSION = (
    Case("lih-4-3.4", "FakeManilaV2", 200_000),
    Case("h2-4", "FakeTorino", 200_000),
    Case("beh2-6-published", "ideal", 500_000),
    Case("heisenberg-6", "ideal", 500_000),
)
MORE_ARMS = ("tpe:gates", "nsga2:gates", "archive:gates", "gp", "evolve", "beam", "anneal", "adapt")


def jobs(extended: bool, seeds: int, arms: list[str] | None) -> list[Job]:
    """The core study, then what extends it."""
    numbers = range(FIRST_SEED, FIRST_SEED + seeds)
    wanted = jobs_of(CORE, page.ARMS, numbers)
    if extended:
        wanted += jobs_of(EXTENSION, page.ARMS, numbers)
        wanted += jobs_of((*CORE, *EXTENSION), MORE_ARMS, numbers)
    return [job for job in wanted if arms is None or job.strategy in arms]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of each; the rest later")
    parser.add_argument("--arms", type=lambda text: text.split(","), help="only these, by commas")
    parser.add_argument("--extended", action="store_true", help="more cases and arms")
    parser.add_argument("--ray", action="store_true", help="on Ray instead of local processes")
    given = parser.parse_args()
    try:
        wanted, bench = jobs(given.extended, given.seeds, given.arms), Bench(HERE / "bench")
        bench.check(wanted)
        with bench.locked():
            engine = on_ray if given.ray else on_processes
            failures = bench_progress(bench, wanted, given.workers, engine)
    except InputError as error:
        parser.error(str(error))
    page.write(bench.ledger.rows)
    if failures:
        sys.exit(f"{failures} runs failed; the same command tries them again")


if __name__ == "__main__":
    main()
