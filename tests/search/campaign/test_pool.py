"""Gate pools in a campaign: kept in its settings, respected by strategies or refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qas import Circuit, load_device, load_task
from qas.errors import InputError
from qas.problem import Problem
from qas.problem.pool import POOLS
from qas.train.commuting import is_commuting
from search.campaign import Settings
from search.campaign.ledger import read_rows
from search.campaign.settings import settings_of
from search.strategy import STRATEGIES, check_pool, make_strategy

Invoke = Callable[..., Any]
TASK, DEVICE = load_task("h2"), load_device("FakeManilaV2")
USUAL = Settings(TASK, DEVICE, ("random",), budget=100)


def test_the_pool_stands_in_the_settings() -> None:
    made = replace(USUAL, pool=("ry", "cx"))
    assert made.problem().pool == ("ry", "cx")
    assert Settings.from_row(json.loads(json.dumps(made.to_row()))) == made
    assert USUAL.pool == POOLS["free"]
    old = USUAL.to_row()
    del old["pool"]
    assert Settings.from_row(old) == USUAL


REFUSED = {
    POOLS["commuting"]: ("adapt", "ddqn", "crlqas", "ppo"),
    ("ry", "cx"): ("adapt",),
    ("rx", "ry"): tuple(name for name in STRATEGIES if name not in ("random", "crlqas")),
}
"""Of each pool that is tried, who cannot build from it."""


@pytest.mark.parametrize("pool", REFUSED, ids=",".join)
@pytest.mark.parametrize("name", STRATEGIES)
def test_strategies_keep_to_the_pool_or_are_refused_by_name(
    name: str, pool: tuple[str, ...]
) -> None:
    problem = Problem.of(TASK, DEVICE, pool=pool)
    if name in REFUSED[pool]:
        for door in (check_pool, lambda n, p: make_strategy(n, p, 1), lambda n, _: of(n, pool)):
            with pytest.raises(InputError, match=f"^{name}"):
                door(name, problem)
        return
    assert of(name, pool).pool == pool
    meter, trials = problem.meter(1500), []
    strategy = make_strategy(name, problem, 1)
    while not trials and not meter.exhausted:
        trials = strategy.step(problem, meter)
    grown = [trial for trial in trials if problem.admits(trial)]
    assert grown
    # Hartree-Fock's circuit is of X; edits of native circuits move rz to where they cost nothing.
    names = {gate.name for trial in grown for gate in trial.candidate.circuit.gates}
    assert names <= {*pool, "x", "rz"} - ({"rz"} if problem.is_commuting else set())


def of(name: str, pool: tuple[str, ...]) -> Settings:
    return replace(USUAL, strategies=(name,), pool=pool)


def test_the_free_pool_refuses_nobody() -> None:
    for name in STRATEGIES:
        check_pool(name, USUAL.problem())


def test_a_search_in_the_commuting_pool(invoke: Invoke, tmp_path: Path) -> None:
    out = tmp_path / "c"
    words = ("--task", "h2", "--strategy", "tpe,archive:gates", "--budget", "2000")
    assert invoke("search", *words, "--pool", "commuting", "--out", out).exit_code == 0
    assert json.loads((out / "summary.json").read_text())["settings"]["pool"] == ["rx", "cx"]
    rows = read_rows(out / "ledger.jsonl")
    trials = [row["trial"] for row in rows if row["kind"] in ("trial", "finalist")]
    assert trials
    assert all(is_commuting(Circuit.from_json(trial["native"])) for trial in trials)
    again = tmp_path / "again"
    assert invoke("search", *words, "--pool", "rx, cx", "--out", again).exit_code == 0
    assert outcome(again) == outcome(out) != []


def outcome(folder: Path) -> list[list[Any]]:
    rows = [row for row in read_rows(folder / "ledger.jsonl") if row["kind"] == "finalist"]
    return [[row["trial"][key] for key in ("native", "params", "energy")] for row in rows]


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        ("all", "no gate pool 'all'"),
        ("", "no gate pool ''"),
        ("rx,toffoli", "names each gate once"),
        ("rx,rx", "names each gate once"),
        ("ry", "archive: blocks are cx"),
    ],
)
def test_pools_that_cannot_be_are_refused(
    pool: str, said: str, invoke: Invoke, tmp_path: Path
) -> None:
    out = tmp_path / "c"
    result = invoke("search", "--task", "h2", "--pool", pool, "--budget", "10", "--out", out)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not out.exists()


def test_a_data_folder_for_an_energy_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="--data-dir is for classifiers"):
        settings_of("h2", "FakeManilaV2", ("random",), 0, None, None, None, data_dir=tmp_path)
