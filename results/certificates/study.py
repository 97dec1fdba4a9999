"""How few two-qubit gates a molecule needs: certificates beside the best circuits known.

    python results/certificates/study.py            # goes on where it was stopped
    python results/certificates/study.py --more     # four long ones on top
    python results/certificates/study.py --table    # only README.md again

One core. Each certificate is kept as a line of certificates.jsonl, with its CPU time.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import qas
from qas.problem.certificate.certificate import Certificate
from qas.problem.certificate.certify import certify, classes_of
from qas.problem.wiring import Wiring

HERE = Path(__file__).parent
KEPT = HERE / "certificates.jsonl"
COMMAND = "python results/certificates/study.py"
ALL, LINE = "ideal", "ideal:line"
SEED, STARTS = 0, 8
CASES: tuple[tuple[str, str, dict[int, int]], ...] = (
    # task, device, {two-qubit gates: starts, where not STARTS}; fewer gates come for nothing
    ("h2-4", ALL, {3: STARTS}),
    ("h2-4", LINE, {3: STARTS}),
    ("lih-4-2.2", ALL, {5: STARTS}),
    ("lih-4-2.2", LINE, {6: STARTS}),
    ("lih-4-3.4", ALL, {6: STARTS}),
    ("lih-4-3.4", LINE, {6: STARTS}),
    ("beh2-6-published", ALL, {4: STARTS}),
    ("beh2-6-published", LINE, {4: STARTS}),
    ("lih-6-2.2", ALL, {4: STARTS, 5: 4}),
    ("lih-6-2.2", LINE, {5: 4}),
    ("h2o-8-published", ALL, {3: STARTS}),
    ("h2o-8-published", LINE, {3: STARTS}),
)
MORE: tuple[tuple[str, str, int, int], ...] = (
    # task, device, two-qubit gates, starts: some minutes of a core each, with --more
    ("beh2-6-published", ALL, 5, 2),
    ("beh2-6-published", LINE, 5, 4),
    ("lih-6-2.2", LINE, 6, 2),
    ("h2o-8-published", ALL, 4, 2),
)
KNOWN: dict[tuple[str, str], dict[int, str]] = {
    # errors in hartree at so many two-qubit gates of single long searches by compiled code
    ("h2-4", ALL): {3: "< 1e-12"},
    ("h2-4", LINE): {3: "< 1e-12"},
    ("lih-4-2.2", ALL): {3: "2.8e-4", 4: "4.1e-5", 5: "2e-10"},
    ("lih-4-2.2", LINE): {3: "4.2e-4"},
    ("lih-4-3.4", ALL): {3: "1.3e-3", 4: "1.1e-4", 6: "< 1e-12"},
    ("lih-4-3.4", LINE): {4: "1.1e-4"},
    ("beh2-6-published", ALL): {3: "5.8e-5", 6: "< 1e-12"},
    ("beh2-6-published", LINE): {3: "5.8e-5", 8: "5e-12"},
    ("lih-6-2.2", ALL): {6: "1.1e-3", 7: "2.8e-4", 8: "4.0e-5", 9: "2e-10"},
    ("lih-6-2.2", LINE): {7: "4.2e-4", 10: "< 1e-12"},
    ("h2o-8-published", ALL): {3: "1.2e-3", 6: "1.74e-4", 8: "9e-7", 16: "3e-9"},
    ("h2o-8-published", LINE): {6: "1.7e-4", 12: "1.0e-4"},
}


def jobs() -> Iterator[tuple[str, str, int, int]]:
    """(task, device, two-qubit gates, starts) of every certificate, short ones first."""
    wanted = []
    for task, device, hardest in CASES:
        for k in range(max(hardest) + 1):
            wanted.append((task, device, k, hardest.get(k, STARTS)))
    wanted.sort(key=lambda job: (job[2], job[0], job[1]))
    yield from (*wanted, *(MORE if "--more" in sys.argv[1:] else ()))


def certificate(task: str, device: str, n_cx: int, starts: int) -> tuple[Certificate, float]:
    """The certificate and the CPU seconds that it took."""
    began, loaded = time.process_time(), qas.load_task(task)
    wiring = Wiring.of(qas.load_device(device, n_qubits=loaded.n_qubits), loaded.n_qubits)
    classes = classes_of(loaded, wiring, n_cx, starts=starts)
    rng = np.random.default_rng(SEED)
    made = certify(loaded, classes, rng, device=device, starts=starts)
    return replace(made, task=task, seed=SEED), time.process_time() - began


def kept() -> dict[tuple[str, str, int], tuple[Certificate, float]]:
    """What is done, by task, device and two-qubit gates."""
    rows = map(json.loads, KEPT.read_text().splitlines() if KEPT.exists() else ())
    made = ((Certificate.from_json(json.dumps(row["certificate"])), row["cpu"]) for row in rows)
    return {(one.task, one.device, one.n_cx): (one, cpu) for one, cpu in made}


def run() -> None:
    done = kept()
    for task, device, n_cx, starts in jobs():
        if (task, device, n_cx) in done:
            continue
        made, cpu = certificate(task, device, n_cx, starts)
        with KEPT.open("a") as file:
            row = {"cpu": round(cpu, 2), "certificate": json.loads(made.to_json())}
            file.write(json.dumps(row) + "\n")
        print(task, device, made, file=sys.stderr, flush=True)


def page() -> str:
    """README.md: the words, then one table for each wiring."""
    done = kept()
    words = (
        (HERE / "words.md")
        .read_text()
        .format(
            command=COMMAND,
            minutes=round(sum(cpu for _, cpu in done.values()) / 60),
            runs=len(done),
            version=qas.__version__,
        )
    )
    parts = [words, floors(done), details(done)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def floors(done: dict[tuple[str, str, int], tuple[Certificate, float]]) -> str:
    """Lowest error at every number of two-qubit gates, and the best circuits known."""
    most = max(k for _, _, k in done)
    heads = ["", *map(str, range(most + 1)), "known, at more gates"]
    lines = ["## Lowest error (hartree) with at most k two-qubit gates", "", _row(heads)]
    lines.append(_row(["---"] * len(heads)))
    for task, device, _ in CASES:
        known = KNOWN[task, device]
        cells = [f"{task}, {'line' if device == LINE else 'all-to-all'}"]
        for k in range(most + 1):
            found = done.get((task, device, k))
            text = "" if found is None else _error(found[0])
            cells.append(f"{text} ({known[k]})" if text and k in known else text)
        last = max((k for t, d, k in done if (t, d) == (task, device)), default=-1)
        cells.append("; ".join(f"{k}: {error}" for k, error in known.items() if k > last))
        lines.append(_row(cells))
    return "\n".join(lines)


def details(done: dict[tuple[str, str, int], tuple[Certificate, float]]) -> str:
    """What stands behind the last certificates of each case."""
    heads = ["task", "wiring", "k", "skeletons", "classes", "starts: all, best 64"]
    heads += ["classes at the lowest", "hits", "missed", "2nd start helps", "last start helps"]
    heads += ["CPU s"]
    lines = ["## What stands behind them", "", _row(heads), _row(["---"] * len(heads))]
    for task, device, hardest in CASES:
        for k in range(max(1, max(hardest) - 1), max(hardest) + 3):
            if (task, device, k) in done:
                made, cpu = done[task, device, k]
                lines.append(_row([task, "line" if device == LINE else "all", *_detail(made, cpu)]))
    return "\n".join(lines)


def _detail(made: Certificate, cpu: float) -> list[str]:
    gains = made.improved or (0.0,)
    return [
        str(made.n_cx),
        f"{made.n_skeletons:,}",
        f"{made.n_classes:,}",
        f"{made.starts}, {made.rungs[-1][1]}",
        str(made.gaps[0]),
        f"{sum(made.hits) / len(made.hits):.2f}",
        f"{made.miss_chance:.1e}",
        f"{100 * gains[0]:.1f}%",
        f"{100 * gains[-1]:.1f}%",
        f"{cpu:.1f}",
    ]


def _error(made: Certificate) -> str:
    assert made.error is not None
    return "< 1e-11" if made.error < 1e-11 else f"{made.error:.2e}"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    if "--table" not in sys.argv[1:]:
        run()
    (HERE / "README.md").write_text(page())
    print(page())


if __name__ == "__main__":
    main()
