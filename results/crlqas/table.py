"""Tables of the page: medians over seeds, least and greatest in brackets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from case import ARMS, CHAINS, PUBLISHED_CASES, SMALL, Case, arms
from figure import BLOCK_ARMS
from literature import FRONTIER, GATES, PUBLISHED
from sample import (
    FLOOR,
    Cell,
    Pairing,
    Row,
    Study,
    each,
    error,
    found,
    interval,
    lowest,
    recovered,
    retrained,
    under_hartree_fock,
    within,
)

CHAIN_ARMS = ("ddqn", "greedy", "random blocks")
Format = Callable[[float], str]


def hartree(value: float) -> str:
    """
    >>> hartree(6.7e-4), hartree(1e-12), hartree(float("inf"))
    ('6.7e-4', '<1e-10', '-')
    """
    if not np.isfinite(value):
        return "-"
    return "<1e-10" if value <= FLOOR else f"{value:.1e}".replace("e-0", "e-").replace("e+0", "e+")


def count(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def whole(value: float) -> str:
    """Evaluations, episodes: three figures are enough."""
    return f"{value:,.0f}" if value < 1e6 else f"{value / 1e6:.3g}M"


def seconds(value: float) -> str:
    return f"{value:.1f}" if value < 10 else whole(value)


def percent(value: float) -> str:
    """
    >>> percent(0.94118), percent(0.99996)
    ('94.12%', '>99.99%')
    """
    return ">99.99%" if value > 0.9999 else f"{100 * value:.2f}%"


def spread(values: Sequence[float], show: Format) -> str:
    """Median (least to greatest); once where they look alike."""
    median, low, high = (
        show(v) for v in (float(np.median(values)), float(min(values)), float(max(values)))
    )
    return median if low == high else f"{median} ({low} to {high})"


def bracket(values: Iterable[float], show: Format) -> str:
    """Bootstrap interval of the median; none of fewer than three seeds."""
    known = list(values)
    if len(known) < 3:
        return "-"
    low, high = interval(known)
    return f"{show(low)} to {show(high)}"


def signed(value: float) -> str:
    """A logarithm of a ratio.

    >>> signed(-1.234), signed(0.0123), signed(-0.0001)
    ('-1.23', '+0.012', '0.00')
    """
    if abs(value) < 5e-4:
        return "0.00"
    return f"{value:+.2f}" if abs(value) >= 0.1 else f"{value:+.3f}"


def seeds(cell: Cell, case: Case) -> str:
    return f"{len(cell)} of {case.seeds}"


def table(head: str, rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    if not rows:
        return "No rows yet."
    lines = [f"| {head} |", "|---" * (head.count("|") + 1) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def gates(cell: Cell, key: str = "gates") -> str:
    return spread(each(cell, lambda row: lowest(row)[key]), count)


def cost(cell: Cell) -> list[str]:
    """Evaluations and seconds."""
    spent = each(cell, lambda row: row["spent"]["evaluations"])
    return [whole(float(np.median(spent))), spread(each(cell, lambda row: row["seconds"]), seconds)]


def exact(study: Study) -> str:
    rows = [
        [
            case.name, seeds(cell, case), spread(each(cell, error), hartree),
            f"{sum(e <= 1e-6 for e in each(cell, error))} of {len(cell)}",
            f"{sum(e <= 7.2e-8 for e in each(cell, error))} of {len(cell)}",
            gates(cell, "two_qubit_gates"), gates(cell), gates(cell, "n_params"), *cost(cell),
        ]
        for case in SMALL
        if (cell := study.cell("exact", case, "ddqn"))
    ]  # fmt: skip
    return table(
        "case | seeds | error | at most 1e-6 | at most 7.2e-8 | CX | gates | angles "
        "| evaluations | seconds",
        rows,
    )


def published(study: Study, case: Case) -> str:
    peers = PUBLISHED[case.task]
    rows = [
        [
            arm, seeds(cell, case), spread(each(cell, error), hartree),
            hartree(float(np.median(each(cell, found)))), gates(cell, "two_qubit_gates"),
            gates(cell), percent(float(np.median(each(cell, recovered)))),
            *(f"{sum(peer.beaten(row) for row in cell.values())} of {len(cell)}" for peer in peers),
            *cost(cell),
        ]
        for arm, cell in study.cells("published", case, arms(case)).items()
    ]  # fmt: skip
    beaten = " | ".join(f"beat {peer.name}" for peer in peers)
    return table(
        "arm | seeds | error | found | CX | gates | correlation energy "
        f"| {beaten} | evaluations | seconds",
        rows,
    )


def pairs(study: Study, part: str, case: Case) -> str:
    """ddqn against every other arm at equal budget; empty without pairs."""
    cells = study.cells(part, case, ARMS)
    base, rows = cells.pop("ddqn", {}), []
    for arm, cell in cells.items():
        pairing, before = Pairing.of(base, cell), Pairing.of(base, cell, found)
        if pairing.logs:
            rows.append([
                arm, str(len(pairing.logs)), str(pairing.lower), str(pairing.tied),
                signed(pairing.median), bracket(pairing.logs, signed),
                signed(before.median), bracket(before.logs, signed),
            ])  # fmt: skip
    if not rows:
        return ""
    return table(
        "ddqn against | pairs of seeds | ddqn lower | tied | median log10 ratio | 95% interval "
        "| of *found* | 95% interval",
        rows,
    )


def frontier(study: Study) -> str:
    """Factor between the arms' median error within so many CX and the frontier's."""
    rows = []
    for case in PUBLISHED_CASES:
        cells = study.cells("published", case, BLOCK_ARMS)
        if cells:
            for k, best in FRONTIER[case.task].items():
                factors = (distance(cells.get(arm, {}), k, best) for arm in BLOCK_ARMS)
                rows.append([case.name, str(k), hartree(best), *map(factor, factors)])
    return table("case | CX | frontier | " + " | ".join(BLOCK_ARMS), rows)


def distance(cell: Cell, k: int, best: float) -> float | None:
    """Median error within k CX over the frontier's; None without seeds."""
    errors = each(cell, lambda row: within(row, k))
    return float(np.median(errors)) / max(best, FLOOR) if errors else None


def factor(value: float | None) -> str:
    """A ratio, in figures that can be read.

    >>> factor(3e-6), factor(0.0213), factor(0.992), factor(1.0), factor(23.4), factor(56789.0)
    ('3e-6', '0.021', '0.992', '1', '23', '6e+4')
    """
    if value is None or not np.isfinite(value):
        return "-"
    if not 1e-3 <= value < 1e4:
        return f"{value:.0e}".replace("e+0", "e+").replace("e-0", "e-")
    if value >= 10:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value - 1) < 0.1 else f"{value:.2g}"


def noise(study: Study, case: Case) -> str:
    def left(row: Row) -> float:
        return max(float(lowest(row)["retrained"]), FLOOR)

    def late(row: Row) -> float:
        return float("nan") if row["under_hf"] is None else row["under_hf"]

    rows = []
    for arm, cell in study.cells("noise", case, ARMS).items():
        shares = [share for share in each(cell, late) if np.isfinite(share)]
        small = each(cell, lambda row: retrained(row, GATES))
        rows.append([
            arm, seeds(cell, case), spread([1e3 * e for e in each(cell, error)], "{:.2f}".format),
            f"{1e3 * np.median(each(cell, found)):.2f}",
            gates(cell, "two_qubit_gates"), gates(cell), spread(each(cell, left), hartree),
            spread(small, hartree),
            f"{sum(map(under_hartree_fock, cell.values()))} of {len(cell)}",
            spread([100 * share for share in shares], "{:.0f}%".format) if shares else "-",
            *cost(cell),
        ])  # fmt: skip
    return table(
        "arm | seeds | noisy error, mHa | found, mHa | CX | gates | the same, retrained "
        f"| least retrained, at most {GATES} gates | below Hartree-Fock "
        "| late episodes below it | evaluations | seconds",
        rows,
    )


def switches(study: Study, part: str, case: Case, names: Sequence[str]) -> str:
    """Every arm beside the first."""
    base = study.cell(part, case, names[0])
    rows = []
    for arm, cell in study.cells(part, case, names).items():
        pairing = Pairing.of(cell, base)
        against = ["-", "-"]
        if arm != names[0] and pairing.logs:
            against = [signed(pairing.median), bracket(pairing.logs, signed)]
        rows.append([
            arm, seeds(cell, case), hartree(float(np.median(each(cell, error)))),
            bracket(each(cell, error), hartree), *against,
            hartree(float(np.median(each(cell, lambda row: row["quantiles"][-1][1])))),
            whole(float(np.median(each(cell, lambda row: row["episodes"])))), *cost(cell),
        ])  # fmt: skip
    return table(
        f"arm | seeds | error | its interval | log10 ratio to \"{names[0]}\" | its interval "
        "| a late episode's | episodes | evaluations | seconds",
        rows,
    )  # fmt: skip


def chains(study: Study) -> str:
    rows = [
        [
            case.name, arm, seeds(cell, case), spread(each(cell, error), hartree),
            hartree(float(np.median(each(cell, found)))), gates(cell, "two_qubit_gates"),
            gates(cell), *cost(cell),
        ]
        for case in CHAINS
        for arm, cell in study.cells("chains", case, CHAIN_ARMS).items()
    ]  # fmt: skip
    return table("case | arm | seeds | error | found | CX | gates | evaluations | seconds", rows)
