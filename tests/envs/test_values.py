"""Laws of rewards, thresholds, lengths, potentials and drawings."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from envs import Curriculum, Halting, Reward, Rules, Shaping
from envs.drawing import draw
from envs.observation import scaled_gains
from envs.reward import fake_minimum, improvement, target_energy
from qas.circuit import Circuit
from qas.errors import InputError
from qas.task import load_task

ENERGY = st.floats(-2, 2)

# --- rewards ------------------------------------------------------------------------------


@given(ENERGY, ENERGY, ENERGY)
def test_improvement_is_bounded_and_has_the_sign_of_the_change(
    before: float, after: float, target: float
) -> None:
    value = float(improvement(before, after, target))
    assert -1 <= value <= 1
    assert value * (before - after) >= 0


@given(ENERGY, ENERGY, st.floats(-9, -3))
def test_improvement_is_the_share_of_the_gap_that_was_removed(
    before: float, after: float, target: float
) -> None:
    share = 1 - (after - target) / (before - target)
    assert float(improvement(before, after, target)) == pytest.approx(max(share, -1.0), abs=1e-11)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ({}, 0.5),
        ({"success": True}, 5.0),
        ({"success": True, "at_limit": True}, 5.0),
        ({"at_limit": True}, -5.0),
        ({"illegal": True}, -0.1),
        ({"illegal": True, "at_limit": True}, -5.0),
    ],
)
def test_reward_is_that_of_crlqas(ends: dict[str, bool], expected: float) -> None:
    """+5, -5, else clip((C_prev - C) / |C_prev - mu|, -1, 1); a penalty for what is illegal."""
    assert float(Reward().of_steps(-1.0, -1.5, -2.0, **ends)) == expected
    assert Reward().of_steps([-1.0, -1.0], [-3.0, 0.5], -2.0).tolist() == [1.0, -1.0]


def test_rewards_of_many_are_those_of_each() -> None:
    rng, reward = np.random.default_rng(0), Reward(1.0, -2.0, -3.0)
    before, after = rng.normal(size=(2, 30))
    marks = dict(zip(("success", "at_limit", "illegal"), rng.random((3, 30)) < 0.3, strict=True))
    together = reward.of_steps(before, after, -2.0, **marks)
    for k in range(30):
        own = {name: values[k] for name, values in marks.items()}
        assert together[k] == reward.of_steps(before[k], after[k], -2.0, **own)


def test_prices_add_up() -> None:
    assert not Reward().has_prices
    reward = Reward(per_pair=0.5, per_moment=0.25, per_microsecond=2.0)
    assert reward.has_prices
    assert reward.price([0, 3], [0, 4], [0.0, 1.5e-6]).tolist() == [0.0, 1.5 + 1.0 + 3.0]


def test_fake_minimum_is_minus_the_sum_of_coefficients() -> None:
    task = load_task("h2")
    assert fake_minimum(task) == pytest.approx(-np.abs(task.observable.coeff_array).sum())
    assert fake_minimum(task, 0.25) == fake_minimum(task) + 0.25
    assert target_energy(task) == task.ground_energy
    assert target_energy(replace(task, ground_energy=None)) == fake_minimum(task)
    assert fake_minimum(task) < task.ground_energy


# --- potentials ---------------------------------------------------------------------------


def test_potential_counts_decades() -> None:
    shaping = Shaping(weight=3.0, floor=1e-5)
    assert shaping.potential(1e-1, [1e-1, 1e-2, 1.0]).tolist() == [0.0, 3.0, -3.0]
    assert shaping.potential(1e-1, [1e-5, 1e-9, 0.0]).tolist() == [12.0] * 3
    assert float(shaping.potential(0.0, 0.0)) == 0.0


def test_gains_are_shown_on_a_scale_of_decades() -> None:
    shown = scaled_gains(np.array([0.0, 1e-12, 1e-8, 1e-6, 1e-2, 1.0, 3.0]))
    assert shown.tolist() == [0.0, 0.0, 0.0, 0.25, 0.75, 1.0, 1.0]
    gains = np.geomspace(1e-8, 1, 50)
    assert (np.diff(scaled_gains(gains)) > 0).all()


# --- the curriculum -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("curriculum", "constants"),
    [
        (Curriculum.published(2), (500, 25, 5e-4)),
        (Curriculum.published(4), (500, 25, 5e-4)),
        (Curriculum.published(6), (2000, 50, 1e-3)),
        (Curriculum.published(8), (2000, 50, 1e-3)),
        (Curriculum.stated(), (500, 50, 1e-4)),
    ],
)
def test_constants_of_crlqas(curriculum: Curriculum, constants: tuple[float, ...]) -> None:
    assert (curriculum.every, curriculum.after, curriculum.slack) == constants


def test_threshold_shifts_to_the_best_gap() -> None:
    curriculum = Curriculum(threshold=1e-3, every=3, after=2, slack=1e-3)
    for gap in (0.02, 0.004, 0.03):
        assert curriculum.threshold == 1e-3
        curriculum = curriculum.after_episode(gap, success=False)
    assert curriculum.threshold == pytest.approx(0.005)
    assert (curriculum.episodes, curriculum.best) == (0, 0.004)


def test_successes_lower_the_threshold_ten_times_at_most() -> None:
    curriculum = Curriculum(threshold=0.1, every=1000, after=2, slack=1e-2)
    seen = []
    for _ in range(50):
        curriculum = curriculum.after_episode(0.01, success=True)
        seen.append(curriculum.threshold)
    assert seen[:4] == pytest.approx([0.1, 0.099, 0.099, 0.098])
    assert curriculum.lowered == 10
    assert curriculum.threshold == pytest.approx(0.1 - 10 * 1e-3)


def test_a_shift_allows_ten_more() -> None:
    curriculum = Curriculum(threshold=0.1, every=30, after=1, slack=1e-2)
    for _ in range(30):
        curriculum = curriculum.after_episode(0.02, success=True)
    assert (curriculum.lowered, curriculum.threshold) == (0, pytest.approx(0.03))
    assert curriculum.after_episode(0.02, success=True).threshold == pytest.approx(0.029)


def test_a_fixed_threshold_stays() -> None:
    fixed = Curriculum.fixed(0.01)
    assert fixed.threshold == 0.01
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
    with pytest.raises(InputError, match=r"given|after 1 or more"):
        Curriculum(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "match"),
    [({"steps": 0}, "given 0"), ({"steps": True}, "given True"), ({"steps": 2, "edits": 0}, "0")],
)
def test_bad_rules(settings: dict[str, int], match: str) -> None:
    with pytest.raises(InputError, match=match):
        Rules(**settings)


# --- lengths of episodes ------------------------------------------------------------------


def test_lengths_are_the_published_distribution() -> None:
    """clip(NB(70, 0.573), 25, 70): its mean, spread and the weight at both ends."""
    count = 200_000
    drawn = Halting().lengths(count, np.random.default_rng(0))
    assert (drawn.min(), drawn.max()) == (25, 70)
    k = np.arange(500)
    weight, clipped = nbinom(70, 0.573).pmf(k), np.clip(k, 25, 70)
    mean = (weight * clipped).sum()
    spread = np.sqrt((weight * (clipped - mean) ** 2).sum())
    assert drawn.mean() == pytest.approx(mean, abs=5 * spread / np.sqrt(count))
    assert drawn.std() == pytest.approx(spread, rel=0.02)
    for end, chance in ((25, weight[k <= 25].sum()), (70, weight[k >= 70].sum())):
        assert (drawn == end).mean() == pytest.approx(chance, abs=5 * np.sqrt(chance / count))


def test_lengths_scale_with_the_steps() -> None:
    assert Halting.for_steps(70) == Halting()
    assert Halting.for_steps(40) == Halting(40, 0.573, 14, 40)
    assert Halting.for_steps(1) == Halting(1, 0.573, 1, 1)
    rng = np.random.default_rng(1)
    shares = [Halting.for_steps(n).lengths(20_000, rng).mean() / n for n in (40, 70, 280)]
    assert shares == pytest.approx([shares[1]] * 3, abs=0.02)


@pytest.mark.parametrize(
    "settings",
    [{"successes": 0}, {"probability": 0.0}, {"probability": 1.1}, {"least": 0}, {"most": 3}],
)
def test_bad_halting(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match="given"):
        Halting(**settings)  # type: ignore[arg-type]


# --- drawings -----------------------------------------------------------------------------


def test_drawing_gives_each_pair_its_own_column() -> None:
    circuit = Circuit(4).then("cx", 0, 2).then("cx", 1, 3).then("rx", 0)
    assert draw(circuit).splitlines() == [
        "q0: -o---rx-",
        "q1: -----o--",
        "q2: -+------",
        "q3: -----+--",
    ]
