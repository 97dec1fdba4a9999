"""The page of a bench: README.md with its figures, and summary.json, from the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from search.report import bench_figure, bench_table
from search.report.bench_finding import SEED, Finding, Outcome
from search.report.bench_record import CHIP_FLOOR, CaseRecord, Contest
from search.report.number import SMALLEST, count
from search.report.statistics import Band

Targets = Mapping[tuple[str, str], Sequence[float]]
"""Errors to reach, hartree, by (task, device), where the usual ones are not wanted."""


def bench_page(outcome: Outcome, command: str) -> dict[str, bytes]:
    """README.md and its figures by file name; ``command`` is what made the rows."""
    fragments, drawn = parts(outcome)
    body = "\n\n".join([fragments["groups"], fragments["each case"], fragments["proposals"]])
    text = fill(_template("bench.md"), {**fragments, "body": body, "command": command})
    return {"README.md": text.encode(), **drawn}


def parts(
    outcome: Outcome, targets: Targets | None = None
) -> tuple[dict[str, str], dict[str, bytes]]:
    """Markdown by name, for a page's placeholders, and the figures that it shows by file name.

    Args:
        outcome: what is shown.
        targets: instead of the usual ones.
    """
    contest, found = outcome.contest, outcome.findings
    rng = np.random.default_rng(SEED)
    drawn = {f"anytime-{_slug(f.name)}.png": bench_figure.anytime(f, contest.arms) for f in found}
    if found:
        drawn["profiles.png"] = bench_figure.profile(found, contest.arms)
    sections = []
    for case in contest.cases:
        figure = bench_figure.case_curves(contest, case, rng)
        name = f"case-{_slug('-'.join(case.key))}.png"
        drawn |= {} if figure is None else {name: figure}
        wanted = (targets or {}).get(case.key, ())
        sections.append(_case(contest, case, name if figure else None, wanted))
    fragments = {
        "method": method(),
        "runs": count(sum(map(len, contest.runs.values()))),
        "seeds": _seeds(contest),
        "hours": f"{_hours(contest):.1f}",
        "cases": _cases(contest),
        "groups": _groups(found),
        "verdicts": "\n\n".join(f"{_capital(f.name)}:\n\n{bench_table.verdicts(f)}" for f in found),
        "each case": "\n\n".join(sections) or "No runs yet.",
        "proposals": "## Unique and repeated proposals\n\n" + bench_table.proposals(contest),
    }
    return fragments, drawn


def method() -> str:
    """How the numbers are to be read."""
    from search.campaign.trace import ALLOWANCE

    values = {
        "allowance": f"{100 * ALLOWANCE:.0f}% of it",
        "floor": f"{SMALLEST:.0e}".replace("e-0", "e-"),
        "chip_floor": f"{100 * CHIP_FLOOR:.0f}%",
    }
    return fill(_template("bench_method.md"), values).rstrip()


def summary(outcome: Outcome) -> dict[str, Any]:
    """The bench's outcome as plain values; errors in hartree, None where there is none."""
    contest = outcome.contest
    return {
        "schema": 1,
        "arms": list(contest.arms),
        "cases": [_case_entry(contest, case) for case in contest.cases],
        "groups": {f.name: _group_entry(f) for f in outcome.findings},
    }


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with ``{name}`` replaced.

    >>> fill("{a} and {b}", {"a": "1"})
    '1 and {b}'
    """
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    return template


def _template(name: str) -> str:
    return files("search.report").joinpath(name).read_text(encoding="utf-8")


def _groups(found: Sequence[Finding]) -> str:
    if not found:
        return "Nothing to average yet."
    return "\n\n".join([*map(_group, found), "![Performance profiles](profiles.png)"])


def _group(finding: Finding) -> str:
    group, name = finding.group, finding.name
    cases = ", ".join(
        f"{case.name} ({seeds} seeds)"
        for case, seeds in zip(group.cases, group.n_seeds, strict=True)
    )
    missing = f" Left out, as not run on all of them: {', '.join(group.left_out)}."
    return "\n\n".join([
        f"## All cases {name}",
        f"{cases}.{missing if group.left_out else ''}",
        bench_table.scores(finding),
        f"![Score against budget and time, {name}](anytime-{_slug(name)}.png)",
        "### Probability of improvement",
        bench_table.chances(finding),
        "Whose interval is above a half, at the budget, before the polish:",
        bench_table.verdicts(finding),
    ])  # fmt: skip


def _case(contest: Contest, case: CaseRecord, figure: str | None, targets: Sequence[float]) -> str:
    blocks = [
        f"## {_capital(case.name)}",
        f"{case.row['n_qubits']} qubits, layouts to choose from: {count(case.row['layouts'])}; a "
        f"budget of {count(case.budget)} evaluations. {case.row['reference']}: "
        f"{bench_table.shown(case)(case.reference)} {bench_table.unit(case)}.",
        bench_table.results(contest, case),
    ]
    if figure is not None:
        blocks.append(f"![Lowest error against evaluations and seconds]({figure})")
    blocks += ["Found at smaller budgets, median:", bench_table.budgets(contest, case)]
    blocks += [
        "With at most so many two-qubit gates, polish included, median:",
        bench_table.within(contest, case),
    ]
    if case.ground is not None:
        blocks += ["Time to target:", bench_table.arrivals(contest, case, targets)]
    return "\n\n".join(blocks)


def _seeds(contest: Contest) -> str:
    seeds = sorted({seed for cell in contest.runs.values() for seed in cell})
    return f"{seeds[0]} to {seeds[-1]}" if seeds else "none"


def _hours(contest: Contest) -> float:
    """Of all runs, one after the other, without the polish."""
    runs = (run for cell in contest.runs.values() for run in cell.values())
    return sum(float(run.row["seconds"]) for run in runs) / 3600


def _cases(contest: Contest) -> str:
    dated = {
        case.key[1]: f"{case.key[1]}, calibration of {str(case.row['calibration_date'])[:10]}"
        for case in contest.cases
        if case.row["calibration_date"]
    }
    return f"Devices: {'; '.join(dated.values())}." if dated else ""


def _case_entry(contest: Contest, case: CaseRecord) -> dict[str, Any]:
    arms = {arm: contest.cell(case, arm) for arm in contest.arms}
    return {
        "task": case.key[0],
        "device": case.key[1],
        "budget": case.budget,
        "reference": case.row["reference"],
        "reference_energy": case.row["reference_energy"],
        "ground_energy": case.ground,
        "arms": {
            arm: {
                "seeds": list(cell),
                "found": [_number(run.found) for run in cell.values()],
                "polished": [_number(run.polished) for run in cell.values()],
                "seconds": [run.row["seconds"] for run in cell.values()],
            }
            for arm, cell in arms.items()
            if cell
        },
    }


def _group_entry(finding: Finding) -> dict[str, Any]:
    arms = finding.group.arms
    return {
        "cases": [list(case.key) for case in finding.group.cases],
        "seeds": list(finding.group.n_seeds),
        "score": {
            kind: {arm: _triple(band, k) for k, arm in enumerate(arms)}
            for kind, band in (("found", finding.found), ("polished", finding.polished))
        },
        "probability_of_improvement": {
            kind: {
                f"{one} below {other}": _triple(band, (a, b))
                for a, one in enumerate(arms)
                for b, other in enumerate(arms)
                if a != b
            }
            for kind, band in (
                ("found", finding.chance_found),
                ("polished", finding.chance_polished),
            )
        },
    }


def _triple(band: Band, at: int | tuple[int, int]) -> list[float | None]:
    """Value, lower and upper bound."""
    return [_number(float(values[at])) for values in (band.value, band.low, band.high)]


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)[:60].strip("-").lower()


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
