"""Laws of episodes: rewards, ends, potentials, prices, whatever is played."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from envs import Curriculum, Game, Halting, Reward, Rules, Setup, Shaping
from envs.game import Outcome
from envs.make import gate_setup, make_problem
from qas.circuit import Circuit
from qas.device.schedule import duration
from qas.problem import Effort, Gradient, Meter

QUICK = Gradient(Effort(4, 1e-4, 1e-2))
START = Circuit(3).then("ry", 0).then("rx", 1).then("ry", 2)
ANGLES = (0.4, 0.9, -0.7)
NEVER = Curriculum.fixed(1e-12)


def game_of(size: int = 3, device: str = "FakeManilaV2", steps: int = 6, **settings: Any) -> Game:
    """A game of h2-3 that starts with some rotations; rules and fields of `Setup` by name."""
    rules = Rules(steps, **{"curriculum": NEVER, **settings.pop("rules", {})})
    given = {"inner": QUICK, "start": START, "start_params": ANGLES, **settings}
    problem = make_problem("h2-3", device, gates=20)
    return Setup.of(problem, rules=rules, steps=steps, **given).game(size)


def drawn(game: Game, members: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.int64]:
    """Actions of some members, one in five illegal where there is such a one."""
    actions = []
    for mask in game.crowd.masks()[members]:
        wanted = mask if mask.all() or rng.random() < 0.8 else ~mask
        actions.append(rng.choice(np.flatnonzero(wanted)))
    return np.array(actions)


def bare(game: Game, outcome: Outcome, before: NDArray[np.float64], members: Any) -> Any:
    """The reward by itself, without potential and prices."""
    return game.rules.reward.of_steps(
        before, game.crowd.energy[members], game.target,
        success=outcome.success, at_limit=outcome.at_limit, illegal=outcome.illegal,
    )  # fmt: skip


# --- rewards and ends ---------------------------------------------------------------------


def test_rewards_follow_the_equation_and_illegal_actions_change_nothing() -> None:
    game, rng, everyone = game_of(8), np.random.default_rng(0), np.arange(8)
    game.begin(everyone, rng)
    kinds = set()
    for step in range(1, 7):
        crowd = game.crowd
        actions, masks, before = drawn(game, everyone, rng), crowd.masks(), crowd.energy.copy()
        circuits = [crowd.circuit(member) for member in everyone]
        outcome = game.step(everyone, actions, rng)
        for m in everyone:
            gates = game.crowd.table.actions[actions[m]]
            legal = bool(masks[m, actions[m]])
            assert outcome.illegal[m] != legal
            grown = Circuit(3, (*circuits[m].gates, *gates)) if legal else circuits[m]
            assert crowd.circuit(m) == grown
            share = (before[m] - crowd.energy[m]) / abs(before[m] - game.target)
            expected = np.clip(share, -1, 1) if legal else -0.1
            expected = -5.0 if step == 6 else expected
            assert outcome.reward[m] == pytest.approx(expected, abs=1e-9)
            kinds.add((legal, step == 6))
        assert outcome.at_limit.all() == outcome.over.any() == (step == 6)
    assert len(kinds) == 4
    assert (game.left == 0).all()


def test_success_is_an_energy_within_the_threshold() -> None:
    """Those that come within it earn 5 and end; the curriculum hears of each, in order."""
    rng, everyone = np.random.default_rng(1), np.arange(8)
    game = game_of(8, "ideal", rules={"curriculum": Curriculum(0.13, every=100, after=50)})
    game.begin(everyone, rng)
    assert not (game.gap < 0.13).any()
    won = np.zeros(8, dtype=np.bool_)
    for _ in range(5):
        members = np.flatnonzero(~won)
        if not len(members):
            break
        outcome = game.step(members, drawn(game, members, rng), rng)
        legal = ~outcome.illegal
        assert np.array_equal(outcome.success, legal & (game.gap[members] < 0.13))
        assert (outcome.reward[outcome.success] == 5.0).all()
        assert (outcome.reward[~outcome.success] <= 1.0).all()
        won[members[outcome.success]] = True
    assert won.any()
    assert game.curriculum.episodes == game.curriculum.successes == won.sum()
    assert game.curriculum.best == pytest.approx(game.best[won].min())


def test_the_curriculum_hears_of_the_smallest_gap_of_each_episode() -> None:
    rng, everyone = np.random.default_rng(10), np.arange(6)
    game = game_of(6, rules={"curriculum": Curriculum(1e-12, every=6, slack=1e-3)})
    for _ in range(2):
        game.begin(everyone, rng)
        gaps = [game.gap]
        for _ in range(6):
            assert game.curriculum.episodes == 0
            game.step(everyone, drawn(game, everyone, rng), rng)
            gaps.append(game.gap)
        assert game.best.tolist() == np.min(gaps, axis=0).tolist()
        assert (game.best < gaps[-1]).any()
        assert game.curriculum.threshold == game.curriculum.best + 1e-3
        game.curriculum = game.rules.curriculum


def test_target_is_the_ground_energy_the_fake_minimum_or_ones_own() -> None:
    task = make_problem("h2").task
    unknown = replace(task, ground_energy=None)
    assert gate_setup(task).game(1).target == task.ground_energy
    assert gate_setup(unknown).game(1).target == -np.abs(task.observable.coeff_array).sum()
    assert gate_setup(unknown, rules=Rules(1, target=-3.0)).game(1).target == -3.0


def test_lengths_are_drawn_for_each_episode() -> None:
    halting = Halting(20, 0.573, 4, 19)
    game = game_of(40, steps=12, rules={"halting": halting})
    game.begin(np.arange(40), np.random.default_rng(3))
    lengths = halting.lengths(40, np.random.default_rng(3))
    assert game.left.tolist() == np.minimum(lengths, 12).tolist()
    assert len(np.unique(game.left)) > 3
    few = np.argsort(game.left)[:2]
    ends = [game.step(few, np.zeros(2, dtype=int), np.random.default_rng(0)) for _ in range(4)]
    assert ends[-1].at_limit.tolist() == (lengths[few] == 4).tolist()


def test_an_episode_ends_where_nothing_is_legal() -> None:
    problem = make_problem("h2", gates=9, two_qubit_gates=1)
    problem = replace(problem, pool=("ry", "cx"))
    game, rng, one = Setup.of(problem, inner=QUICK).game(1), np.random.default_rng(0), np.array([0])
    game.begin(one, rng)
    ends = [game.step(one, np.array([action]), rng).at_limit[0] for action in (2, 0, 1)]
    assert ends == [False, False, True]


# --- edits --------------------------------------------------------------------------------


def test_two_edits_are_scored_together() -> None:
    rng, one = np.random.default_rng(4), np.array([0])
    game = game_of(1, steps=5, rules={"edits": 2})
    game.begin(one, rng)
    crowd, spent, seen = game.crowd, [], []
    for action in (0, 4, 5, 6, 2):
        before = crowd.meter.spent.evaluations
        outcome = game.step(one, np.array([action]), rng)
        assert not outcome.illegal[0]
        spent.append(crowd.meter.spent.evaluations - before > 0)
        seen.append(float(outcome.reward[0]))
        assert bool(crowd.is_scored[0]) == spent[-1]
    assert spent == [False, True, False, True, True]
    assert seen[0] == seen[2] == 0.0
    assert seen[4] == -5.0
    value = crowd.problem.value(crowd.native(0), crowd.layout, crowd.trial(0).angles, crowd.meter)
    assert crowd.energy[0] == pytest.approx(value[0], abs=1e-12)


def test_the_last_circuit_is_scored_whatever_the_last_action() -> None:
    rng, one = np.random.default_rng(5), np.array([0])
    game = game_of(1, steps=2, rules={"edits": 2})
    game.begin(one, rng)
    before = game.crowd.energy[0]
    game.step(one, np.array([4]), rng)
    assert not game.crowd.is_scored[0]
    outcome = game.step(one, np.array([4]), rng)
    assert outcome.illegal[0]
    assert outcome.at_limit[0]
    assert game.crowd.is_scored[0]
    assert game.crowd.energy[0] != before


# --- potentials ---------------------------------------------------------------------------


@pytest.mark.parametrize(("discount", "threshold"), [(0.9, 0.05), (1.0, 1e-12)])
def test_shaping_telescopes(discount: float, threshold: float) -> None:
    """Over any episode the discounted potential differences add up to -phi of its start."""
    shaping, size = Shaping(weight=1.5), 6
    rules = {
        "shaping": shaping, "discount": discount,
        "halting": Halting(5, 0.5, 2, 6), "curriculum": Curriculum.fixed(threshold),
    }  # fmt: skip
    game, rng = game_of(size, rules=rules), np.random.default_rng(6)
    ends: set[tuple[bool, bool]] = set()
    for _ in range(3):
        game.begin(np.arange(size), rng)
        start = game.crowd.extensions().energy.min(axis=1)
        ahead = np.abs(game.target - np.minimum(start, game.crowd.energy))
        phi = 1.5 * np.log10(game.gap / np.maximum(ahead, 1e-6))
        assert (phi > 0.01).all()
        total, weight = np.zeros(size), np.ones(size)
        playing, steps = np.arange(size), set()
        while len(playing):
            before = game.crowd.energy[playing]
            outcome = game.step(playing, drawn(game, playing, rng), rng)
            shaped = outcome.reward - bare(game, outcome, before, playing)
            total[playing] += weight[playing] * shaped
            weight[playing] *= discount
            ends |= set(zip(outcome.success.tolist(), outcome.at_limit.tolist(), strict=True))
            steps |= set(np.abs(shaped).round(6).tolist())
            playing = playing[~outcome.over]
        np.testing.assert_allclose(total, -phi, atol=1e-9)
        assert len(steps) > 3
    won = threshold > 1e-3
    assert ends == {(False, False), (won, not won)}


def test_an_illegal_step_keeps_the_potential() -> None:
    rules = {"shaping": Shaping(), "discount": 0.8}
    game, rng, one = game_of(1, rules=rules), np.random.default_rng(7), np.array([0])
    game.begin(one, rng)
    ahead = game.crowd.extensions().energy.min()
    phi = np.log10(game.gap[0] / abs(game.target - ahead))
    outcome = game.step(one, np.array([1]), rng)  # repeats the ry that the start ends with
    assert outcome.illegal[0]
    assert outcome.reward[0] == pytest.approx(-0.1 + 0.8 * phi - phi, abs=1e-9)


# --- prices -------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["FakeManilaV2", "FakeTorino"])
@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize(
    "reward",
    [Reward(per_pair=0.3), Reward(per_moment=0.1), Reward(per_microsecond=2.0)],
    ids=["pairs", "moments", "microseconds"],
)
def test_a_step_costs_what_it_adds(reward: Reward, blind: bool, device: str) -> None:
    rng, everyone = np.random.default_rng(8), np.arange(4)
    game = game_of(4, device, rules={"reward": reward}, blind=blind)
    game.begin(everyone, rng)
    crowd, charged = game.crowd, []
    patch = crowd.problem.patch(crowd.layout)

    def bill(member: int) -> float:
        circuit = crowd.circuit(member)
        native = crowd.trial(member).native
        return float(
            reward.per_pair * circuit.two_qubit_gates
            + reward.per_moment * circuit.depth
            + reward.per_microsecond * duration(native, patch) * 1e6
        )

    for _ in range(5):
        paid = np.array([bill(member) for member in everyone])
        before = crowd.energy.copy()
        outcome = game.step(everyone, drawn(game, everyone, rng), rng)
        price = bare(game, outcome, before, everyone) - outcome.reward
        owed = np.array([bill(member) for member in everyone]) - paid
        np.testing.assert_allclose(price, owed, atol=1e-9)
        assert (price[outcome.illegal] == 0).all()
        charged += price.tolist()
    assert max(charged) > 0.05


# --- budgets ------------------------------------------------------------------------------


def test_a_budget_ends_the_scoring_not_the_game() -> None:
    setup = Setup.of(make_problem("h2-3", gates=20), steps=6, inner=QUICK, start=START)
    meter, rng, everyone = Meter(400, n_groups=1), np.random.default_rng(9), np.arange(6)
    game = setup.game(6, meter)
    game.begin(everyone, rng)
    refused = []
    for _ in range(5):
        before = game.crowd.energy.copy()
        outcome = game.step(everyone, game.crowd.masks().argmax(axis=1), rng)
        refused.append((~outcome.scored).sum())
        kept = ~outcome.scored
        assert (game.crowd.energy[kept] == before[kept]).all()
        assert not outcome.success[kept].any()
    assert refused[0] == 0
    assert refused[-1] == 5
