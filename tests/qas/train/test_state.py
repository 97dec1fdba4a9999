"""Training states: text and back, and refusals of anything else."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas.errors import InputError
from qas.train import Calibration, Pruning, StepRecord, TrainState, step_seed
from qas.train.method import ShotMemory

REALS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(REALS, min_size=1, max_size=5), REALS, st.integers(0, 10**12))
def test_round_trip(params: list[float], value: float, shots: int) -> None:
    state = replace(
        TrainState.start(params, Pruning(0.3, 2, 1), key="k"),
        best_value=value,
        shots=shots,
        jobs=2,
        qpu_seconds=0.1 + shots,
        moments=((("step", 3.0), ("exp_avg", value)), *[()] * (len(params) - 1)),
        shot_memory=ShotMemory((value,) * len(params), (0.5,) * len(params), (1,) * len(params)),
        calibration=Calibration((0.9, 0.8), (0.01, -0.02)),
        history=(StepRecord(value, 0.1, (0,), shots, 3, (0.25,), 1, 2.5),),
    )
    assert TrainState.from_json(state.to_json()) == state


def broken(change: dict[str, object]) -> str:
    record = json.loads(TrainState.start([0.1, 0.2]).to_json())
    return json.dumps(record | change)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        broken({"schema": "qas-train-state-1"}),
        broken({"params": [0.1]}),
        broken({"params": [0.1, "x"]}),
        broken({"params": [0.1, float("nan")]}),
        broken({"shots": -1}),
        broken({"shots": 1.5}),
        broken({"extra": 1}),
        broken({"moments": {}}),
        broken({"moments": [[["step", "x"]], []]}),
        broken({"shot_memory": {"mean": [0.0, 0.0], "variance": [0.0], "steps": [0, 0]}}),
        broken({"calibration": {"slope": [1.0], "offset": []}}),
        broken({"pruner": {"sums": [0.0, 0.0], "phase": 0, "settings": {}, "active": [-1]}}),
        broken({"history": [{"value": 1.0}]}),
        broken({"key": None}),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        TrainState.from_json(text)


def test_start_refuses_angles_that_are_not_finite() -> None:
    with pytest.raises(InputError):
        TrainState.start([np.inf])


def test_seeds_differ_by_run_step_and_purpose() -> None:
    seeds = {step_seed(r, s, p) for r in range(9) for s in range(9) for p in ("prune", "shots")}
    assert len(seeds) == 162
    assert step_seed(1, 2, "shots") == step_seed(1, 2, "shots") < 2**63
