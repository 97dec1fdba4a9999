"""Options of a tuning: plans of before load and keep their keys, wrong ones are refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from qas.errors import InputError
from qas.train import SPSA, AdaptiveShots, GuidedSPSA, Pruning, Shift
from qas.train.optimiser import NAMES
from search.campaign import TuneOptions
from search.campaign.option import METHODS

FIRST: dict[str, Any] = {
    "backend": "local:other.json",
    "steps": 7,
    "shots": 128,
    "mode": "batch",
    "resilience_level": 2,
    "learning_rate": 0.03,
    "pruning": {"ratio": 0.25, "full_steps": 2, "pruned_steps": 3},
    "seed": 4,
    "max_shots": 10**6,
    "account": None,
}
"""A plan as the first ledgers hold it."""


def test_the_first_plans_load_and_keep_their_keys() -> None:
    options = TuneOptions.from_dict(FIRST)
    text = json.dumps(FIRST, sort_keys=True)
    assert options.key == hashlib.sha256(text.encode()).hexdigest()[:8]
    assert (options.method, options.optimiser, options.batch_size) == ("shift", "Adam", None)
    assert options.pruning == Pruning(0.25, 2, 3)


CHANGES: tuple[dict[str, Any], ...] = (
    {"method": "spsa"},
    {"method": "guided"},
    {"method": "adaptive"},
    {"optimiser": "SGD"},
    {"max_circuits": 10},
    {"max_qpu_seconds": 10.0},
    {"batch_size": 3},
    {"pruning": Pruning(method="wsbd")},
    {"pruning": Pruning(method="none")},
    {"pruning": Pruning(0.3)},
)


def test_other_options_have_other_keys_and_come_back() -> None:
    made = [TuneOptions(), *(replace(TuneOptions(), **change) for change in CHANGES)]
    assert len({options.key for options in made}) == len(made)
    for options in made:
        assert TuneOptions.from_dict(json.loads(json.dumps(asdict(options)))) == options


def test_methods_are_those_of_training() -> None:
    kinds = [type(TuneOptions(method=name).training.method) for name in METHODS]
    assert kinds == [Shift, SPSA, GuidedSPSA, AdaptiveShots]
    adaptive = TuneOptions(method="adaptive", shots=512, learning_rate=0.04).gradient
    assert adaptive == AdaptiveShots(0.04, 32, 512)
    assert TuneOptions(method="adaptive", shots=8).gradient == AdaptiveShots(0.02, 8, 8)


@pytest.mark.parametrize("name", NAMES)
def test_every_optimiser_takes_a_step(name: str) -> None:
    optimiser = TuneOptions(optimiser=name, learning_rate=0.1).training.optimiser
    after, _ = optimiser.update([0.5, 0.5], [1.0, 1.0], optimiser.start(2), [1])
    assert after[0] == 0.5 > after[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "finite differences"},
        {"optimiser": "adam"},
        {"max_circuits": -1},
        {"max_qpu_seconds": -1.0},
        {"max_qpu_seconds": float("nan")},
        {"max_qpu_seconds": float("inf")},
    ],
)
def test_options_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="given"):
        TuneOptions(**wrong)
