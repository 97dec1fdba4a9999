"""A classifier's page: accuracies on top, who is taken for whom, and no word of energies."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from qas import Circuit
from search.campaign import Campaign
from search.report import figures, render
from search.report.circuit_drawing import draw
from search.report.number import share_interval

Row = dict[str, Any]
Pages = tuple[list[Row], Row]
HOSTILE = '<script>alert("x")</script>\x00\u202e'


@pytest.fixture(scope="module")
def campaign(invoke: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """digits4 on FakeManilaV2, tuned for two steps."""
    folder: Path = tmp_path_factory.mktemp("page") / "c"
    words = ("run", "digits4", "--strategy", "random", "--budget", 3_000_000, "--steps", 2)
    assert invoke(*words, "--shots", 32, "--out", folder).exit_code == 0
    found = Campaign.open(folder)
    return found.ledger.rows, json.loads((folder / "summary.json").read_text())


@pytest.fixture(scope="module")
def page(campaign: Pages) -> str:
    return render(*campaign)


def words(page: str) -> str:
    bare = re.sub(r"<style.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", bare))


def test_it_speaks_of_accuracies_and_losses_alone(page: str, campaign: Pages) -> None:
    best = campaign[1]["finalists"][0]
    text = words(page)
    assert f"The best circuit tells {100 * best['accuracy_test']:.1f}% (95% interval" in text
    assert "of 200 test samples right under the noise of FakeManilaV2" in text
    assert "searched and trained on 320 other samples and chosen by 200 validation" in text
    assert f"{best['loss_valid']:.4f}" in text
    assert "Loss against two-qubit gates" in text
    for word in ("mHa", "hartree", "Hartree", "ground state", "chemical accuracy", "energies"):
        assert word not in text, word


def test_the_confusion_matrix_is_a_picture_and_a_table(page: str, campaign: Pages) -> None:
    drawn = figures(*campaign)
    for number, entry in enumerate(campaign[1]["finalists"], 1):
        matrix = np.array(entry["confusion_test"])
        picture = drawn[f"confusion-{number}.svg"].decode()
        cells = re.findall(r"<text[^>]*>(\d+)</text>", picture)
        assert {str(value) for value in matrix.ravel()} <= {*cells}
        part = page[page.index(f'id="finalist-{number}"') :]
        for k, name in enumerate(campaign[1]["classes"]):
            total, right = int(matrix[k].sum()), int(matrix[k, k])
            low, high = share_interval(right / total, total)
            shown = (name, total, right, f"{100 * right / total:.1f}%",
                     f"{100 * low:.1f}% to {100 * high:.1f}%")  # fmt: skip
            row = "".join(f"<td[^>]*>{value}</td>" for value in shown)
            assert re.search(row, part), shown


def test_data_enter_the_drawings_by_name(page: str) -> None:
    for number in range(16):
        figure = "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(number))
        assert f">x{figure}" in page
    drawing = draw(Circuit(1).then("ry", 0, input=2, angle=np.pi).then("rz", 0), params=[1.0])
    assert 'class="data"' in drawing
    assert "x₂ + π" in drawing
    assert "ry(x2 + 3.141593 rad) on q0" in drawing


def test_tuning_is_told_in_losses_and_accuracies(page: str, campaign: Pages) -> None:
    text = words(page)
    assert "Fine-tuned on the emulated chip (local), measured with fresh shots, it tells" in text
    assert "On fresh shots of the validation samples the loss at the tuned angles is" in text
    assert "tuning-1.svg" in figures(*campaign)


def test_a_page_whose_parts_are_missing_is_a_page(campaign: Pages) -> None:
    rows, summary = copy.deepcopy(campaign)
    bare = [row for row in rows if row["kind"] in ("campaign", "trial")]
    assert "has no finalist yet" in words(render(bare, {}))
    for entry in summary["finalists"]:
        entry["confusion_test"] = [[1, 2], "x"]
        entry["loss_valid"] = None
    text = words(render(rows, summary))
    assert "does not hold the confusion matrix" in text


def test_hostile_classes_are_text(campaign: Pages) -> None:
    rows, summary = copy.deepcopy(campaign)
    rows[0]["task"]["class_names"] = summary["classes"] = [HOSTILE, "1", "2", "3"]
    page = render(rows, summary)
    HTMLParser().feed(page)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    for name, content in figures(rows, summary).items():
        assert b"<script" not in content, name
        ElementTree.fromstring(content)


def test_equal_input_equal_page(page: str, campaign: Pages) -> None:
    assert render(*json.loads(json.dumps(campaign))) == page
    assert figures(*campaign) == figures(*campaign)
