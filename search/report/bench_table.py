"""Tables of a bench, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from search.report.bench_finding import Finding
from search.report.bench_record import CaseRecord, Contest, Run
from search.report.number import NONE, count, duration, millihartree, significant
from search.report.statistics import Arrival, Band, arrival

_THIN = "\N{NARROW NO-BREAK SPACE}"
BUDGETS = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Shares of the budget at which the curves are read off."""
PAIRS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12)
"""Numbers of two-qubit gates up to which the lowest error is shown."""


def table(head: str, rows: Iterable[Sequence[str]]) -> str:
    """Markdown; columns of ``head`` by bars."""
    lines = [" | ".join(_plain(cell) for cell in row) for row in rows]
    if not lines:
        return "No runs yet."
    rule = "|---" * (head.count("|") + 1) + "|"
    return "\n".join([f"| {head} |", rule, *(f"| {line} |" for line in lines)])


def scores(finding: Finding) -> str:
    """Interquartile mean scores, best first."""
    order = np.argsort(-finding.found.value, kind="stable")
    return table(
        "arm | score at the budget, interquartile mean | its 95% interval "
        "| after the polish | its 95% interval",
        (
            [
                finding.group.arms[k],
                f"{finding.found.value[k]:.3f}", _interval(finding.found, k),
                f"{finding.polished.value[k]:.3f}", _interval(finding.polished, k),
            ]
            for k in order
        ),
    )  # fmt: skip


def chances(finding: Finding) -> str:
    """Probability of improvement of every pair of arms, named so that the first is ahead."""
    rows, arms = [], finding.group.arms
    for one in range(len(arms)):
        for other in range(one + 1, len(arms)):
            a, b = (one, other) if finding.chance_found.value[one, other] >= 0.5 else (other, one)
            rows.append([
                f"{arms[a]} below {arms[b]}",
                f"{finding.chance_found.value[a, b]:.2f}",
                _interval(finding.chance_found, (a, b), 2),
                f"{finding.chance_polished.value[a, b]:.2f}",
                _interval(finding.chance_polished, (a, b), 2),
            ])  # fmt: skip
    return table(
        "a run of | probability | its 95% interval | after the polish | its 95% interval", rows
    )


def verdicts(finding: Finding) -> str:
    """Of each arm: those that it ends below, their interval above a half; then the undecided."""
    low, high, lines = finding.chance_found.low, finding.chance_found.high, []
    arms = finding.group.arms
    for k in np.argsort(-finding.found.value, kind="stable").tolist():
        below = [arms[j] for j in range(len(arms)) if j != k and low[k, j] > 0.5]
        open_ = [arms[j] for j in range(len(arms)) if j != k and low[k, j] <= 0.5 <= high[k, j]]
        lines.append(
            f"- **{arms[k]}** ends lower than {', '.join(below) or 'none'}; "
            f"undecided against {', '.join(open_) or 'none'}."
        )
    return "\n".join(lines)


def results(contest: Contest, case: CaseRecord) -> str:
    """What each arm reached on a case: medians over its seeds (least to greatest)."""
    show = shown(case)
    rows = []
    for arm in contest.arms:
        runs = list(contest.cell(case, arm).values())
        if not runs:
            continue
        cells = [
            arm, str(len(runs)), spread([run.found for run in runs], show),
            spread([run.polished for run in runs], show),
        ]  # fmt: skip
        if not case.ideal:
            keys = ("energy_pessimistic", "energy_exact", "energy_retrained")
            cells += [show(_median([run.best_error(key) for run in runs])) for key in keys]
        cells += [count(_median([run.best(key) for run in runs])) for key in ("two_qubit_gates",)]
        rows.append([*cells, *_spent(runs)])
    seen = "" if case.ideal else "| pessimistic | without noise | retrained without noise "
    return table(
        f"arm | seeds | found, {unit(case)} | polished {seen}| two-qubit gates "
        "| evaluations | most past the budget | for the polish | time",
        rows,
    )


def budgets(contest: Contest, case: CaseRecord) -> str:
    """Median error of the search itself at smaller budgets."""
    grid = np.round(np.array(BUDGETS) * case.budget)
    show, rows = shown(case), []
    for arm in contest.arms:
        runs = contest.cell(case, arm).values()
        if runs:
            errors = np.array([run.errors("evaluations", grid) for run in runs])
            middle = np.quantile(errors, 0.5, axis=0, method="inverted_cdf")
            rows.append([arm, *map(show, middle.tolist())])
    return table(f"arm | {' | '.join(count(b) for b in grid.tolist())}", rows)


def within(contest: Contest, case: CaseRecord) -> str:
    """Median error with at most so many two-qubit gates, the polish included."""
    show = shown(case)
    rows = []
    for arm in contest.arms:
        runs = list(contest.cell(case, arm).values())
        if runs:
            medians = [float(np.median([run.within(k) for run in runs])) for k in PAIRS]
            rows.append([arm, *(show(x) if np.isfinite(x) else "–" for x in medians)])
    return table("arm | " + " | ".join(f"at most {k}" for k in PAIRS), rows)


def arrivals(contest: Contest, case: CaseRecord, targets: Sequence[float] = ()) -> str:
    """Evaluations and seconds until half of the runs had reached a target."""
    rows = []
    for target in targets or case.targets:
        for arm in contest.arms:
            runs = list(contest.cell(case, arm).values())
            if runs:
                found = arrived(runs, "evaluations", target), arrived(runs, "seconds", target)
                share = found[0].share
                rows.append([
                    shown(case)(target), arm, f"{found[0].reached} of {found[0].runs}",
                    f"{share[1]:.2f} to {share[2]:.2f}",
                    *_when(found[0], count), *_when(found[1], _seconds),
                ])  # fmt: skip
    return table(
        f"target, {unit(case)} | arm | reached | share, 95% | evaluations, median | its 95% "
        "interval | seconds, median | its 95% interval",
        rows,
    )


def arrived(runs: Sequence[Run], against: str, target: float) -> Arrival:
    """When runs reached a target; see `Run.arrival`."""
    pairs = [run.arrival(against, target) for run in runs]
    times, reached = np.array([t for t, _ in pairs]), np.array([r for _, r in pairs])
    last = max(run.row["seconds"] for run in runs)
    return arrival(np.where(np.isinf(times), last, times), reached)


def proposals(contest: Contest) -> str:
    """Circuits proposed, and how many of them were new: medians over the seeds."""
    rows = []
    for case in contest.cases:
        for arm in contest.arms:
            runs = list(contest.cell(case, arm).values())
            if runs:
                made, new = (
                    _median([run.row[key] for run in runs]) for key in ("proposed", "different")
                )
                per = _median([run.row["spent"]["evaluations"] for run in runs]) / max(made, 1)
                repeated = 1 - new / made if made else 0.0
                rows.append(
                    [case.name, arm, count(made), count(new), f"{100 * repeated:.0f}%", count(per)]
                )
    return table("case | arm | proposed | different | repeated | evaluations each", rows)


def shown(case: CaseRecord) -> Callable[[float], str]:
    """How errors of a case are written: mHa on a chip, hartree without noise."""
    if case.ground is None:
        return lambda energy: significant(energy, 7) if np.isfinite(energy) else NONE
    if case.ideal:
        return lambda error: significant(max(error, case.floor), 3) if np.isfinite(error) else NONE
    return lambda error: millihartree(error) if np.isfinite(error) else NONE


def unit(case: CaseRecord) -> str:
    """Of `shown`."""
    if case.ground is None:
        return "loss, nats" if case.row.get("unit") == "nats" else "energy, hartree"
    return "hartree" if case.ideal else "mHa"


def spread(values: Sequence[float], show: Callable[[float], str]) -> str:
    """Median (least to greatest); once where they look alike."""
    low, middle, high = (show(v) for v in (min(values), _median(values), max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"


def _median(values: Sequence[float]) -> float:
    """The middle value, or the lower one of the two: always one of them, infinity included."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.quantile(known, 0.5, method="inverted_cdf")) if known else np.nan


def _spent(runs: Sequence[Run]) -> list[str]:
    return [
        count(_median([run.row["spent"]["evaluations"] for run in runs])),
        count(max(run.row["overshoot"] for run in runs)),
        count(_median([run.row["spent_polishing"]["evaluations"] for run in runs])),
        duration(_median([run.row["seconds"] for run in runs])),
    ]


def _interval(band: Band, at: int | tuple[int, int], digits: int = 3) -> str:
    low, high = float(band.low[at]), float(band.high[at])
    return NONE if np.isnan(low) else f"{low:.{digits}f} to {high:.{digits}f}"


def _when(found: Arrival, show: Callable[[float], str]) -> list[str]:
    """The median and its interval."""
    if found.median is None:
        return ["not by half", NONE]
    low, high = found.interval
    return [
        show(found.median),
        f"{'' if low is None else show(low)} to {'…' if high is None else show(high)}".strip(),
    ]


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else count(value)


def _plain(cell: str) -> str:
    """Names may be a stranger's: no bar, mark-up or line of theirs breaks the table."""
    return "".join("\\" + c if c in "|<>`*[]" else c for c in cell if c.isprintable() or c == _THIN)
