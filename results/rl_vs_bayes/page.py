"""README.md, its figures and summary.json, from the rows of the study.

python results/rl_vs_bayes/page.py

What is said of the arms is drawn from the rows: of an unfinished study, of the seeds so far.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from search.campaign.file import write_atomically, write_text
from search.campaign.ledger import read_rows
from search.report.bench_finding import Outcome
from search.report.bench_page import fill, parts, summary
from search.report.bench_record import Row

HERE = Path(__file__).parent
ARMS = ("random", "random:blocks", "greedy", "archive", "tpe", "nsga2", "ddqn", "ppo")
"""Of the core study; arms of an extension follow by name."""
TARGETS = {
    ("h2-4", "ideal"): (1.6e-3, 1e-6),
    ("lih-4-2.2", "ideal"): (1.6e-3, 2.8e-4, 1e-6),
    ("lih-6-2.2", "ideal"): (1.6e-3, 2.8e-4, 1e-6),
    ("tfim-6", "ideal"): (1.6e-3, 1e-6),
    ("h2-4", "FakeManilaV2"): (12e-3, 6.0e-3),
    ("lih-4-2.2", "FakeManilaV2"): (14e-3, 8.6e-3),
    ("lih-6-2.2", "FakeJakartaV2"): (20e-3, 14.1e-3),
}
"""Hartree. On chips: what a hardware-efficient circuit or a noise-blind search leaves, and the
lowest that we knew before."""


def write(rows: Sequence[Row]) -> None:
    """Everything beside this file that is drawn."""
    outcome = Outcome.of(rows, ARMS)
    fragments, figures = parts(outcome, TARGETS)
    for old in HERE.glob("*.png"):
        if old.name not in figures:
            old.unlink()
    for name, data in figures.items():
        write_atomically(HERE / name, data, keep=False)
    write_text(HERE / "README.md", fill((HERE / "words.md").read_text(), fragments))
    text = json.dumps(summary(outcome), indent=1, allow_nan=False) + "\n"
    write_text(HERE / "summary.json", text)


if __name__ == "__main__":
    path = HERE / "bench" / "runs.jsonl"
    if not path.exists():
        raise SystemExit(f"there is no {path}; make it with results/rl_vs_bayes/study.py")
    write(read_rows(path))
