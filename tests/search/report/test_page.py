"""The page: self-contained, safe, equal for equal input, and whole where parts are missing."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from search.report import figures, render

Row = dict[str, Any]
Campaign = tuple[list[Row], Row]
VOID = {"meta"}
HOSTILE = '<script>alert("x")</script>$\\frac{\x00\u202e\ud800'


class Reader(HTMLParser):
    """Checks that tags nest; keeps tags, attributes and ids."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def words(page: str) -> str:
    """The page's text, without its figures' and its style sheet."""
    bare = re.sub(r"<(style|svg).*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", bare))


@pytest.fixture(scope="module")
def page(campaign: Campaign) -> str:
    return render(*campaign)


def test_says_what_came_out(page: str, campaign: Campaign) -> None:
    rows, summary = campaign
    best = summary["finalists"][0]
    text = words(page)
    assert "h2 on FakeManilaV2" in text
    assert "27 May 2024" in text
    assert rows[0]["device_summary"]["hash"] in text
    assert f"{best['energy_noisy']:.6f}".replace("-", "−") in text
    assert "The Hartree-Fock circuit in the same setting stands" in text
    assert "emulated" in text
    assert "never came from a quantum processor" in text
    for name in ("random", "greedy", "pessimistic", "with readout error", "re-trained"):
        assert name in text
    shots = f"{rows[-1]['shots']:,}".replace(",", "\u202f")
    assert shots in page


def test_needs_nothing_else(page: str) -> None:
    reader = read(page)
    assert len(page.encode()) < 3_000_000
    assert not {"script", "link", "img", "iframe", "image", "use-external"} & {
        tag for tag, _ in reader.tags
    }
    for tag, attributes in reader.tags:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#"), tag
        assert (attributes.get("xlink:href") or "#").startswith("#"), tag
        assert not any(name.startswith("on") for name in attributes)
    assert "@import" not in page
    assert set(re.findall(r"url\((.)", page)) <= {"#"}
    assert set(re.findall(r"https?://[^\"]*", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_ids_are_unique_and_links_lead_somewhere(page: str) -> None:
    ids = [a["id"] for _, a in read(page).tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"(?:url\(|href=\")#([^\")]+)", page)) <= set(ids)


def test_equal_input_equal_page(page: str, campaign: Campaign) -> None:
    assert render(*json.loads(json.dumps(campaign))) == page
    assert figures(*campaign) == figures(*campaign)


def test_input_is_left_alone(campaign: Campaign) -> None:
    before = copy.deepcopy(campaign)
    render(*campaign)
    assert campaign == before


@pytest.mark.filterwarnings("error")
def test_hostile_names_are_text(campaign: Campaign) -> None:
    rows, summary = copy.deepcopy(campaign)
    rows[0]["task"]["name"] = summary["task"] = HOSTILE
    rows[0]["device"]["name"] = rows[0]["device_summary"]["name"] = HOSTILE
    rows[0]["device"]["notes"] = [HOSTILE]
    rows[0]["packages"] = {HOSTILE: HOSTILE}
    rows[0]["strategies"] = [HOSTILE, "greedy"]
    summary["device"] = rows[0]["device_summary"]
    summary["settings"] = {HOSTILE: [HOSTILE]}
    summary["finalists"][0]["qasm"] = HOSTILE
    for row in [*rows, *summary["arms"]]:
        if row.get("strategy") == "random":
            row["strategy"] = HOSTILE
        if row.get("kind") == "tuned":
            row |= {"backend": HOSTILE, "resilience": {HOSTILE: HOSTILE}}
    page = render(rows, summary)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "\x00" not in page
    read(page)
    page.encode("utf-8")
    for name, content in figures(rows, summary).items():
        assert b"<script" not in content, name
        ElementTree.fromstring(content)


def test_empty_ledger() -> None:
    page = render([], {})
    text = words(page)
    read(page)
    assert "No strategy has run yet." in text
    assert "The campaign has no finalist yet" in text
    assert "the ledger does not hold the device" in text
    assert figures([], {}) == {}


def test_search_without_tuning(campaign: Campaign) -> None:
    rows = [row for row in campaign[0] if row["kind"] not in ("tuning", "tuned")]
    text = words(render(rows, campaign[1]))
    assert "This finalist has not been tuned." in text
    assert "Nothing has been measured yet" in text
    assert "Fine-tuned on" not in text


def test_interrupted_tuning(campaign: Campaign) -> None:
    rows = [row for row in campaign[0] if row["kind"] != "tuned"]
    assert "has not been made yet" in words(render(rows, campaign[1]))


def test_unknown_ground_energy(campaign: Campaign) -> None:
    rows, summary = copy.deepcopy(campaign)
    rows[0]["task"]["ground_energy"] = summary["references"]["ground_energy"] = None
    text = words(render(rows, summary))
    assert "how far that is from the ground state is not known" in text
    assert "mHa below the Hartree-Fock circuit" in text


def test_only_the_ledger(campaign: Campaign) -> None:
    text = words(render(campaign[0], {}))
    assert "h2 on FakeManilaV2" in text
    assert "Finalist 1" in text


def test_silent_and_single_arms(campaign: Campaign) -> None:
    rows = [r for r in campaign[0] if r.get("strategy") != "random"]
    summary = campaign[1] | {"arms": []}
    assert "No trial of random is in the ledger." in words(render(rows, summary))
    alone = copy.deepcopy(rows)
    alone[0]["strategies"] = ["greedy"]
    assert "random" not in words(render(alone, summary))


def test_ideal_device(campaign: Campaign) -> None:
    from qas import load_device

    rows, summary = copy.deepcopy(campaign)
    device = load_device("ideal", n_qubits=5)
    rows[0]["device"] = json.loads(device.to_json())
    rows[0]["device_summary"] = {"name": "ideal", "calibration_date": None, "hash": device.hash}
    text = words(render(rows, summary | {"device": rows[0]["device_summary"]}))
    assert "no noise, no calibration" in text
    assert "without noise, with" in text
    assert "device.svg" not in figures(rows, summary)


def test_quantum_processor_is_named_as_such(campaign: Campaign) -> None:
    rows = copy.deepcopy(campaign[0])
    rows[-1]["backend"] = "ibm_somewhere"
    text = words(render(rows, campaign[1]))
    assert "the quantum processor ibm_somewhere" in text
    assert "emulated" not in text


def test_damaged_rows_do_not_stop_the_report(campaign: Campaign) -> None:
    rows, summary = copy.deepcopy(campaign)
    rows[0]["device"] = {"schema": "other"}
    finalist = next(row for row in rows if row["kind"] == "finalist")
    finalist["trial"] = {"native": "not a circuit", "params": ["x"]}
    rows.append({"kind": "trial", "strategy": "random", "trial": None})
    text = words(render(rows, summary))
    assert "the device in the ledger cannot be read" in text
    assert "The ledger does not hold this circuit." in text


def test_the_learning_curve_is_against_circuits(campaign: Campaign) -> None:
    rows, summary = copy.deepcopy(campaign)
    drawn = figures(rows, summary)["tuning-1.svg"].decode()
    for word in ("circuits executed", "standard error", "measured and moved", "frozen", "step"):
        assert word in drawn
    for row in rows:
        if row["kind"] == "tuning":
            del row["circuits"]
    assert "circuits executed" not in figures(rows, summary)["tuning-1.svg"].decode()


def test_the_last_plan_alone_is_drawn(campaign: Campaign) -> None:
    """Of a finalist that was tuned twice the steps are of the tuning that is told."""
    rows, summary = copy.deepcopy(campaign)
    mine = [row for row in rows if row["kind"] in ("tuning", "tuned")]
    others = copy.deepcopy(mine)
    for plan, some in (("a", others), ("b", mine)):
        for row in some:
            row |= {"plan": plan, "backend": "local"}
    for row in others:
        row["energy"] = 5.0
    drawn = figures([*rows[: -len(mine)], *others, *mine], summary)["tuning-1.svg"]
    assert drawn == figures(rows, summary)["tuning-1.svg"]
    assert drawn != figures([*rows, *others], summary)["tuning-1.svg"]


def test_costs_of_a_tuning_are_told(campaign: Campaign) -> None:
    rows, summary = copy.deepcopy(campaign)
    settings = {"method": "guided", "optimiser": "SGD", "pruning": {"method": "wsbd"}}
    rows[-1] |= {"jobs": 54, "qpu_seconds": 200.0, "settings": settings}
    text = words(render(rows, summary))
    for said in ("jobs in all 54", "3 min 20 s", "guided, SGD", "weighted stochastic block"):
        assert said in text


def test_figures_are_files(campaign: Campaign) -> None:
    found = figures(*campaign)
    assert {"anytime.svg", "front.svg", "device.svg", "tuning-1.svg", "circuit-1-native.svg"} <= {
        *found
    }
    for content in found.values():
        assert ElementTree.fromstring(content).tag.endswith("svg")
    pictures = figures(*campaign, file_format="png")
    assert pictures["front.png"].startswith(b"\x89PNG")
    assert pictures["device.svg"] == found["device.svg"]
