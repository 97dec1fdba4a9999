from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs import Curriculum, Encoding, Reward
from envs.drawing import draw
from envs.reward import improvement
from qas.circuit import Circuit
from qas.errors import InputError

ENERGY = st.floats(-2, 2)


def test_one_cell_a_gate_in_its_own_row() -> None:
    circuit = Circuit(3).then("rz", 2).then("cx", 2, 0).then("rx", 1).then("ry", 0)
    cells = Encoding(3, 4).tensor(circuit)
    assert cells.shape == (4, 6, 3)
    assert sorted(zip(*(i.tolist() for i in np.nonzero(cells)), strict=True)) == [
        (0, 3, 1),
        (0, 5, 2),
        (1, 0, 2),
        (2, 4, 0),
    ]


def test_observation_is_the_flat_tensor_and_the_energy() -> None:
    code, circuit = Encoding(2, 3), Circuit(2).then("ry", 1)
    seen = code.observe(circuit, -1.25)
    assert seen.shape == (code.size,)
    assert np.array_equal(seen[:-1].reshape(code.shape), code.tensor(circuit))
    assert seen[-1] == -1.25


def test_tensor_refuses_what_has_no_cell() -> None:
    with pytest.raises(InputError, match="given h"):
        Encoding(1, 2).tensor(Circuit(1).then("h", 0))
    with pytest.raises(InputError, match="deeper than"):
        Encoding(1, 1).tensor(Circuit(1).then("rx", 0).then("ry", 0))


@given(ENERGY, ENERGY, ENERGY)
def test_reward_is_bounded_and_has_the_sign_of_the_change(
    before: float, after: float, target: float
) -> None:
    value = improvement(before, after, target)
    assert -1 <= value <= 1
    assert value * (before - after) >= 0


def test_reward_of_the_ends() -> None:
    reward = Reward()
    assert reward.of_step(0.0, -1.0, -1.0, success=True, at_limit=True) == 5.0
    assert reward.of_step(0.0, -1.0, -1.0, at_limit=True) == -5.0
    assert reward.of_step(-1.0, -1.0, -1.0) == 0.0
    assert reward.of_step(-1.0, -1.0, -2.0, illegal=True) == -0.1


def test_threshold_shifts_to_the_best_gap() -> None:
    curriculum = Curriculum(threshold=1e-3, every=3, after=2, slack=1e-3)
    for gap in (0.02, 0.004, 0.03):
        assert curriculum.threshold == 1e-3
        curriculum = curriculum.after_episode(gap, success=False)
    assert curriculum.threshold == pytest.approx(0.005)
    assert (curriculum.episodes, curriculum.best) == (0, 0.004)


def test_successes_lower_the_threshold_ten_times_at_most() -> None:
    curriculum = Curriculum(threshold=0.1, every=1000, after=2, slack=1e-2)
    for _ in range(50):
        curriculum = curriculum.after_episode(0.01, success=True)
    assert curriculum.lowered == 10
    assert curriculum.threshold == pytest.approx(0.1 - 10 * 1e-3)


def test_a_fixed_threshold_stays() -> None:
    fixed = Curriculum.fixed(0.01)
    assert fixed.after_episode(0.5, success=True) == fixed


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=60))
def test_threshold_stays_positive_and_survives_json(rounds: list[tuple[float, bool]]) -> None:
    curriculum = Curriculum(every=7, after=1, slack=1e-3)
    for gap, success in rounds:
        curriculum = curriculum.after_episode(gap, success)
        assert curriculum.threshold > 0
    assert Curriculum(**json.loads(json.dumps(curriculum.to_dict()))) == curriculum


@pytest.mark.parametrize(
    "settings",
    [{"threshold": 0.0}, {"slack": -1.0}, {"threshold": float("nan")}, {"every": 0}, {"after": 0}],
)
def test_bad_curriculum(settings: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Curriculum(**settings)  # type: ignore[arg-type]


def test_drawing_gives_each_pair_its_own_column() -> None:
    circuit = Circuit(4).then("cx", 0, 2).then("cx", 1, 3).then("rx", 0)
    assert draw(circuit).splitlines() == [
        "q0: -o---rx-",
        "q1: -----o--",
        "q2: -+------",
        "q3: -----+--",
    ]
