"""The page of a bench, of rows made up so that what it must say is known."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from search.report.bench_finding import Outcome
from search.report.bench_page import bench_page, parts, summary
from search.report.bench_record import CaseRecord, Contest
from search.report.bench_table import arrivals, budgets, chances, results, verdicts

GROUND = -1.0
IDEAL: dict[str, Any] = {
    "kind": "case", "task": "made|up", "device": "ideal", "budget": 1000, "minutes": None,
    "ideal": True, "n_qubits": 2, "layouts": 1, "ground_energy": GROUND, "calibration_date": None,
    "reference": "Hartree-Fock", "reference_energy": GROUND + 0.1,
}  # fmt: skip
CHIP = IDEAL | {"device": "chip", "ideal": False, "calibration_date": "2024-05-27T08:00:00"}
UNKNOWN = IDEAL | {"task": "open", "ground_energy": None}


def run(case: dict[str, Any], arm: str, seed: int, *curve: tuple[int, float]) -> dict[str, Any]:
    """A run that fell to these errors at these evaluations, a hundred a second."""
    last = curve[-1][1] if curve else 0.5
    best = {
        "energy": GROUND + last / 2, "two_qubit_gates": 3, "gates": 7,
        **{f"energy_{k}": GROUND + last for k in ("exact", "noisy", "pessimistic", "retrained")},
    }  # fmt: skip
    return {
        "kind": "run", "task": case["task"], "device": case["device"], "strategy": arm,
        "seed": seed, "budget": 1000, "stopped_by": "budget", "seconds": 10.0, "overshoot": 3,
        "spent": {"evaluations": 1003}, "spent_polishing": {"evaluations": 50},
        "proposed": 40, "different": 10,
        "anytime": [[at, at / 100, GROUND + error] for at, error in curve],
        "incumbents": [{"two_qubit_gates": 3, "found": best, "polished": best}] if curve else [],
    }  # fmt: skip


def rows() -> list[dict[str, Any]]:
    """good is always below bad; lazy finds nothing without noise and lacks the chip."""
    made = [IDEAL, CHIP, UNKNOWN]
    for seed in range(4):
        low, high = 1e-5 * (1 + seed / 9), 1e-2 * (1 + seed / 9)
        for case, factor in ((IDEAL, 1.0), (CHIP, 1e3), (UNKNOWN, 1.0)):
            made.append(run(case, "good", seed, (100, high), (400, min(low * factor, 0.05))))
            made.append(run(case, "bad", seed, (800, 0.09)))
        made.append(run(IDEAL, "lazy", seed))
    return made


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return Outcome.of(rows())


def lines(text: str, *words: str) -> list[list[str]]:
    """Cells of the rows of a table that begin with these words."""
    cells = [[c.strip() for c in line.strip("|").split(" | ")] for line in text.splitlines()]
    return [row for row in cells if row[: len(words)] == list(words)]


def test_the_better_arm_is_said_to_be_better(outcome: Outcome) -> None:
    ideal, chip = outcome.findings
    assert ideal.group.arms == ("bad", "good", "lazy")
    assert lines(chances(ideal), "good below bad")[0][1:] == [
        "1.00", "1.00 to 1.00", "1.00", "1.00 to 1.00",
    ]  # fmt: skip
    said = verdicts(ideal).splitlines()
    assert said[0] == "- **good** ends lower than bad, lazy; undecided against none."
    assert said[2] == "- **lazy** ends lower than none; undecided against none."
    assert chip.group.arms == ("bad", "good")
    assert chip.group.left_out == ("lazy",)


def test_scores_are_where_the_errors_are(outcome: Outcome) -> None:
    ideal = outcome.findings[0]
    bad, good, lazy = ideal.found.value
    assert lazy == 0
    assert bad == pytest.approx(np.log(0.1 / 0.09) / np.log(0.1 / 1e-9))
    assert np.log10(0.1 / 1.4e-5) / 8 < good < np.log10(0.1 / 1e-5) / 8
    assert (ideal.polished.value[:2] > ideal.found.value[:2]).all()
    curve = ideal.curves["evaluations"].value[1]
    assert (np.diff(curve) >= 0).all()
    assert curve[0] == 0
    assert curve[-1] == pytest.approx(good)


def test_only_seeds_of_all_arms_are_averaged() -> None:
    more = [*rows(), run(IDEAL, "good", 9, (100, 1e-9))]
    assert Outcome.of(more).findings[0].group.n_seeds == (4,)
    found, before = (Outcome.of(r).findings[0].found.value.tolist() for r in (more, rows()))
    assert found == before
    assert lines(results(Contest.of(more), CaseRecord(IDEAL)), "good")[0][1] == "5"


def test_curves_are_read_off_at_smaller_budgets(outcome: Outcome) -> None:
    (good,) = lines(budgets(outcome.contest, CaseRecord(IDEAL)), "good")
    assert good[1:3] == ["–", "–"]
    assert good[3] == good[4] == "0.0111"
    assert good[5] == "1.11×10⁻⁵"


def test_targets_that_are_missed_stay_missed_however_fast_the_run_ended() -> None:
    fast = [run(IDEAL, "quick", seed) | {"seconds": 0.01} for seed in range(3)]
    mixed = [*fast, run(IDEAL, "quick", 3, (500, 1e-4))]
    text = arrivals(Contest.of([IDEAL, *mixed]), CaseRecord(IDEAL), [1e-3])
    (cells,) = lines(text, "0.00100", "quick")
    assert cells[2] == "1 of 4"
    assert cells[4] == cells[6] == "not by half"


def test_targets_that_are_met_have_a_time(outcome: Outcome) -> None:
    text = arrivals(outcome.contest, CaseRecord(IDEAL), [1.6e-3])
    (good,) = lines(text, "0.00160", "good")
    assert good[2] == "4 of 4"
    assert (good[4], good[6]) == ("400", "4.00")
    assert lines(text, "0.00160", "lazy")[0][4] == "not by half"


def test_a_case_without_a_ground_energy_has_energies_and_no_scores(outcome: Outcome) -> None:
    assert all("open" not in case.key for f in outcome.findings for case in f.group.cases)
    text = results(outcome.contest, CaseRecord(UNKNOWN))
    assert "energy, hartree" in text
    assert lines(text, "bad")[0][2] == "−0.9100000"


@pytest.fixture(scope="module")
def page(outcome: Outcome) -> dict[str, bytes]:
    return bench_page(outcome, "qas bench --made up")


def test_the_page_shows_every_figure_and_leaves_no_gap(page: dict[str, bytes]) -> None:
    files = dict(page)
    text = files.pop("README.md").decode()
    assert "qas bench --made up" in text
    assert not re.search(r"\{\w", text)
    assert set(re.findall(r"\]\(([\w-]+\.png)\)", text)) == set(files)
    assert all(data.startswith(b"\x89PNG") for data in files.values())
    assert not [row for row in text.splitlines() if "made|up" in row and row.startswith("|")]
    assert "75%" in text, "30 of 40 proposals are repeats"


def test_equal_rows_give_an_equal_page(page: dict[str, bytes]) -> None:
    assert bench_page(Outcome.of(rows()), "qas bench --made up") == page


def test_the_summary_is_json_without_what_is_none(outcome: Outcome) -> None:
    said = summary(outcome)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    lazy = said["cases"][0]["arms"]["lazy"]
    assert lazy["found"] == [None] * 4
    assert said["groups"]["on chips"]["probability_of_improvement"]["found"]["good below bad"] == [
        1.0, 1.0, 1.0,
    ]  # fmt: skip


@pytest.mark.parametrize("held", [[], [IDEAL], [IDEAL, run(IDEAL, "only", 0, (5, 1e-3))]])
def test_benches_that_have_hardly_begun_have_pages(held: list[dict[str, Any]]) -> None:
    fragments, figures = parts(Outcome.of(held))
    assert fragments["runs"] == str(sum(row["kind"] == "run" for row in held))
    assert len(figures) == (3 if len(held) == 2 else 0)
