"""README.md and the figures of the study, from runs.jsonl.

python results/crlqas/page.py [OTHER_RUNS.jsonl]

Verdicts are drawn from the rows: of an unfinished study they are those of the seeds so far.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import case as cases
import figure
import table
from case import Case
from literature import FRONTIER, GATES, LEFT, PUBLISHED
from sample import Cell, Pairing, Row, Study, error, lowest, retrained, slowest, under_hartree_fock

HERE = Path(__file__).parent
COMMAND = "python results/crlqas/study.py"
SWITCHED = {
    "switches": (cases.ABLATED, list(cases.SWITCHES)),
    "switches under noise": (cases.ABLATED_NOISY, list(cases.NOISY_SWITCHES)),
    "inner optimiser": (cases.ABLATED_INNER, list(cases.INNER_SWITCHES)),
}
PARTS: dict[str, tuple[Case, ...]] = {
    "exact": cases.SMALL, "published": cases.PUBLISHED_CASES, "noise": cases.NOISY,
    "chains": cases.CHAINS, **{part: (case,) for part, (case, _) in SWITCHED.items()},
}  # fmt: skip


# --- Verdicts --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Goal:
    """What ddqn's seeds are to meet."""

    text: str
    part: str
    case: Case
    met: Callable[[Row], bool]
    need: float = 0.9
    """Share of the seeds."""

    def line(self, study: Study) -> list[str]:
        """Of the table: ddqn's seeds, those of the arm that only draws, the verdict."""
        cell, control = (study.cell(self.part, self.case, arm) for arm in ("ddqn", "random blocks"))
        counts = [self._count(cell), self._count(control)]
        if not cell:
            return [self.text, *counts, "open"]
        good = sum(map(self.met, cell.values()))
        verdict = "met" if good >= self.need * len(cell) else "in part" if good else "missed"
        partial = len(cell) < self.case.seeds
        return [self.text, *counts, f"{verdict} so far" if partial else f"**{verdict}**"]

    def _count(self, cell: Cell) -> str:
        return f"{sum(map(self.met, cell.values()))} of {len(cell)}" if cell else "-"


def goals() -> Iterator[Goal]:
    for case in cases.SMALL:
        text = f"{case.name}: error at most 1e-6"
        yield Goal(text, "exact", case, lambda row: error(row) <= 1e-6)
    text = f"{case.name}: at most CRLQAS's 7.2e-8"
    yield Goal(text, "exact", case, lambda row: error(row) <= 7.2e-8)
    for case in cases.PUBLISHED_CASES:
        for peer in PUBLISHED[case.task]:
            text = f"{case.name}: below {peer.name} ({table.hartree(peer.error)}; {peer.said})"
            yield Goal(text, "published", case, peer.beaten)
    for case in cases.NOISY:
        yield from noisy_goals(case, LEFT[case.task])


def noisy_goals(case: Case, left: float) -> Iterator[Goal]:
    text = f"{case.name}: noisy energy below Hartree-Fock's, every seed"
    yield Goal(text, "noise", case, under_hartree_fock, 1.0)
    text = (
        f"{case.name}: {table.hartree(left)} when the circuit of lowest noisy energy is retrained"
    )
    yield Goal(text, "noise", case, lambda row: lowest(row)["retrained"] <= left)
    text = f"{case.name}: the same, some circuit of the run, with at most {GATES} gates"
    yield Goal(text, "noise", case, lambda row: retrained(row, GATES) <= left)
    text = f"{case.name}: half of the late episodes below Hartree-Fock, half of the seeds"
    yield Goal(text, "noise", case, lambda row: (row["under_hf"] or 0.0) >= 0.5, 0.5)


def goal_table(study: Study) -> str:
    lines = [goal.line(study) for goal in goals()]
    return table.table("goal | ddqn, seeds | random blocks, seeds | verdict", lines)


def by_verdict(pairings: dict[str, Pairing]) -> dict[int, str]:
    """Names with median ratios by verdict, -1, 1 and 0; of at least three pairs."""
    judged = {
        f"{name} (x {table.factor(10**p.median)})": p.verdict
        for name, p in pairings.items()
        if len(p.logs) >= 3
    }
    found = {side: [name for name, at in judged.items() if at == side] for side in (-1, 1, 0)}
    return {side: "; ".join(names) or "none" for side, names in found.items()} if judged else {}


def arm_verdicts(study: Study, part: str) -> str:
    """Of each case: the arms that ddqn beats, those that beat it, and the rest."""
    lines = []
    for case in PARTS[part]:
        cells = study.cells(part, case, cases.ARMS)
        base = cells.pop("ddqn", {})
        arms = by_verdict({arm: Pairing.of(base, cell) for arm, cell in cells.items()})
        if arms:
            lines.append(
                f"- {case.name}: lower than {arms[-1]}. Higher than {arms[1]}. "
                f"Undecided against {arms[0]}."
            )
    return "\n".join(lines) or "- Not enough seeds yet."


def switch_verdicts(study: Study, part: str) -> str:
    """The switches that help or harm, beside the first arm."""
    case, names = SWITCHED[part]
    cells = study.cells(part, case, names)
    base = cells.pop(names[0], {})
    arms = by_verdict({arm: Pairing.of(cell, base) for arm, cell in cells.items()})
    if not arms:
        return "Not enough seeds yet."
    return (
        f'Lower error than "{names[0]}", the interval below 0: {arms[-1]}. Higher, the '
        f"interval above 0: {arms[1]}. Undecided: {arms[0]}."
    )


def frontier_verdicts(study: Study) -> str:
    """Of each case: ddqn's distance to the frontier."""
    lines = []
    for case in cases.PUBLISHED_CASES:
        cell = study.cell("published", case, "ddqn")
        if cell:
            points = (
                f"{k} CX {table.factor(table.distance(cell, k, best))}"
                for k, best in FRONTIER[case.task].items()
            )
            lines.append(
                f"- {case.name}, ddqn's median error over the frontier's: {', '.join(points)}."
            )
    return "\n".join(lines) or "- Not run yet."


# --- The page --------------------------------------------------------------------------------


def made(study: Study, part: str) -> str:
    """How a part was made: command, seeds, budgets, time."""
    quoted = f'"{part}"' if " " in part else part
    rows = [row for row in study.rows if row["part"] == part]
    budgets = ", ".join(f"{case.name} {case.budget:,}" for case in PARTS[part])
    if not rows:
        return f"`{COMMAND} {quoted}`; budgets in evaluations: {budgets}. Not run yet."
    numbers = sorted({row["seed"] for row in rows})
    taken = sum(row["seconds"] for row in rows)
    return (
        f"`{COMMAND} {quoted}`: {len(rows)} runs, seeds {numbers[0]} to {numbers[-1]}, "
        f"{taken / 3600:.1f} hours of search in all; budgets in evaluations: {budgets}."
    )


def base_lines(study: Study) -> str:
    """Hartree-Fock's noisy error of each noisy case."""
    known = {row["case"]: row["hf_error"] for row in study.rows if row["part"] == "noise"}
    return "; ".join(f"{name} {1e3 * value:.2f} mHa" for name, value in known.items()) or "not run"


def peer_lines() -> str:
    lines = []
    for case in cases.PUBLISHED_CASES:
        rows = [f"{p.name} {table.hartree(p.error)} ({p.said})" for p in PUBLISHED[case.task]]
        lines.append(f"- {case.name}: {'; '.join(rows)}.")
    return "\n".join(lines)


def span(values: list[float]) -> str:
    low, high = f"{min(values):,.0f}", f"{max(values):,.0f}"
    return low if low == high else f"{low} to {high}"


def throughput() -> str:
    """The headline of throughput.json where it is there."""
    path = HERE / "throughput.json"
    if not path.exists():
        return "How many steps a second: [throughput.md](throughput.md)."
    ratios = {
        name: [row["ratio"] for row in found.values()]
        for name, found in json.loads(path.read_text())["steps"].items()
    }
    said = "; ".join(f"{name} {span(found)}" for name, found in ratios.items() if found)
    return (
        "Steps a second over those of the published loop with Aer, medians of several settings: "
        f"{said}. See [throughput.md](throughput.md)."
    )


def page(study: Study) -> str:
    text = (HERE / "words.md").read_text()
    parts = {
        "goals": goal_table(study), "throughput": throughput(), "peers": peer_lines(),
        "exact": table.exact(study), "frontier": table.frontier(study),
        "frontier verdicts": frontier_verdicts(study), "hartree-fock": base_lines(study),
        "chains": table.chains(study), "runs": f"{len(study.rows):,}",
    }  # fmt: skip
    small = [study.cell("exact", case, "ddqn") for case in cases.SMALL]
    parts["uneven"] = f"{slowest(small):.1f}"
    parts |= {f"made {part}": made(study, part) for part in PARTS}
    for part, build in (("published", table.published), ("noise", table.noise)):
        parts[f"{part} verdicts"] = arm_verdicts(study, part)
        parts[part] = "\n\n".join(
            f"### {case.name}\n\n{build(study, case)}\n\n{table.pairs(study, part, case)}".rstrip()
            for case in PARTS[part]
        )
    for part, (case, names) in SWITCHED.items():
        parts[part] = table.switches(study, part, case, names)
        parts[f"{part} verdicts"] = switch_verdicts(study, part)
    for name, value in parts.items():
        text = text.replace("{" + name + "}", value)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="README.md and figures from runs.jsonl")
    parser.add_argument("runs", nargs="?", type=Path, default=HERE / "runs.jsonl")
    study = Study.read(parser.parse_args().runs)
    (HERE / "README.md").write_text(page(study))
    for draw in (figure.frontier, figure.anytime, figure.learning):
        draw(study, HERE / f"{draw.__name__}.png")


if __name__ == "__main__":
    main()
