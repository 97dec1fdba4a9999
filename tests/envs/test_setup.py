"""Laws of setups: shots, growing blind, warm starts, the published choices."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from envs import Curriculum, Halting, Rules, Setup, TensorEncoding
from envs.action import ActionTable, block_actions, gate_actions, rotation_layer
from envs.make import block_setup, crlqas_setup, gate_setup, make_problem
from envs.setup import crlqas, most_steps
from qas.circuit import Circuit, Gate, Population
from qas.errors import InputError
from qas.execute import ExactSimulator, NoisySimulator, SampledSimulator
from qas.problem import (
    FINE,
    AdamSPSA,
    Candidate,
    Cobyla,
    Effort,
    Gradient,
    InnerOptimiser,
    Limits,
    Problem,
    ordered_pairs,
)

QUICK = Gradient(Effort(4, 1e-4, 1e-2))
FEW_SHOTS = AdamSPSA(stages=((12, 0.1), (6, 1.0)))
START = Circuit(2).then("ry", 0).then("ry", 1).then("cx", 0, 1).then("rx", 1)
ANGLES = (0.4, -2.9, 0.3)

# --- actions ------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_qubits", "count"), [(4, 24), (6, 48), (8, 80)])
def test_single_gates_are_crlqas(n_qubits: int, count: int) -> None:
    task = {4: "h2-4", 6: "lih-6-2.2", 8: "h2o-8"}[n_qubits]
    problem = make_problem(task, "ideal")
    layout = problem.layouts[0]
    actions = gate_actions(problem, layout)
    assert len(actions) == len(set(actions)) == n_qubits * (n_qubits + 2) == count
    assert [gate for (gate,) in actions] == list(problem.tokens(layout))


@pytest.mark.parametrize("device", ["FakeManilaV2", "FakeTorino", "ideal:line"])
def test_blocks_stand_on_coupled_pairs_in_both_orders(device: str) -> None:
    problem = make_problem("h2-3", device)
    layout = problem.layouts[0]
    pairs = ordered_pairs(problem.patch(layout))
    assert len(pairs) == 4
    actions = block_actions(problem, layout, "rx")
    assert actions == tuple(
        (Gate("cx", (a, b)), Gate("rx", (a,)), Gate("rx", (b,))) for a, b in pairs
    )
    table = ActionTable.of((*actions, *gate_actions(problem, layout)))
    assert table.pairs.tolist() == [len(a[0].qubits) - 1 for a in table.actions]
    assert table.sizes.tolist() == [len(action) for action in table.actions]
    assert table.prices.tolist() == [9] * 4 + [2] * 9 + [1] * 4
    rows = table.rows
    for row, action in zip(rows, table.actions, strict=True):
        size = len(action)
        same = Population.of([Circuit(3, action)]).gates[0]
        assert np.array_equal(row[:size], same)
        assert (row[size:] == -1).all()


# --- what a setup chooses -----------------------------------------------------------------


def test_usual_choices() -> None:
    problem = make_problem("h2-3", gates=17, two_qubit_gates=4)
    single, block = Setup.of(problem), Setup.of(problem, blocks=True, gates=False)
    both = Setup.of(problem, blocks=True)
    assert single.layout == problem.layouts[0]
    assert (single.start, single.rules.steps) == (Circuit(3), 17)
    assert (block.start, block.rules.steps) == (rotation_layer(3), 4)
    assert (both.start, both.rules.steps) == (Circuit(3), 17)
    assert both.actions == (*single.actions, *block.actions)
    assert Setup.of(problem, steps=5, rules=Rules(99, edits=2)).rules == Rules(5, edits=2)


def test_no_action_fits_behind_the_most_steps() -> None:
    rng, problem = np.random.default_rng(0), make_problem("h2-4", "ideal", gates=16)
    for blocks, limits in ((True, (16, 3)), (True, (13, 9)), (False, (9, 2))):
        setup = Setup.of(
            replace(problem, limits=Limits(*limits)), blocks=blocks, gates=not blocks, inner=QUICK
        )
        game, one = setup.game(1), np.array([0])
        game.begin(one, rng)
        for _ in range(setup.rules.steps):
            legal = np.flatnonzero(game.crowd.masks()[0])
            game.crowd.extend(one, rng.choice(legal, 1))
        assert not game.crowd.masks().any()
    assert most_steps(Limits(4, 0), Circuit(1), ((Gate("cx", (0, 1)),),)) == 1


def test_published_choices() -> None:
    """Tensor, curriculum, halting, single gates, D = 40, 70, 250 steps."""
    for task, steps, moves in (("h2-4", 40, 500), ("lih-6-2.2", 70, 2000), ("h2o-8", 250, 2000)):
        setup = crlqas_setup(task)
        assert setup.rules.steps == steps
        assert setup.rules.curriculum == Curriculum.published(setup.problem.n_qubits)
        assert setup.rules.curriculum.every == moves
        assert setup.rules.halting == Halting.for_steps(steps)
        assert setup.problem.limits == Limits(steps, steps)
        assert setup.start == Circuit(setup.problem.n_qubits)
        assert isinstance(setup.view.encoding, TensorEncoding)
        assert not setup.view.sweep
    assert crlqas(make_problem("h2"), halting=False).rules.halting is None


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"layout": (0, 1, 2)}, "has 2 qubits; the layout names 3"),
        ({"start": Circuit(2).then("h", 0).then("swap", 0, 1)}, "given also h, swap"),
        ({"blind": True, "shots": 9}, "one of blind and shots"),
        ({"steps": 0}, "1 or more steps"),
        ({"blocks": False, "gates": False}, "nothing to append"),
    ],
)
def test_bad_settings_teach(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        Setup.of(make_problem("h2"), **settings).game(1)


def test_pool_without_a_row_is_refused() -> None:
    problem = make_problem("h2")
    with pytest.raises(InputError, match="given also h"):
        Setup.of(replace(problem, pool=("h", "ry", "cx")))


# --- warm starts --------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["ideal", "FakeManilaV2"])
def test_a_warm_start_keeps_its_angles(device: str) -> None:
    problem = make_problem("h2", device, gates=9)
    best = problem.score(
        Candidate(START, problem.layouts[0]), problem.meter(None), start=ANGLES, effort=FINE
    )
    still = Gradient(Effort(1, 1e-2, 1e9))
    value = partial(problem.value, START, problem.layouts[0], meter=problem.meter(None))
    cold = Setup.of(problem, start=START, inner=still).game(1)
    warm = Setup.of(problem, start=START, start_params=ANGLES, inner=still).game(1)
    for game, angles in ((cold, np.zeros(3)), (warm, np.array(ANGLES))):
        game.begin(np.array([0]), np.random.default_rng(0))
        assert game.crowd.energy[0] <= value(params=angles)[0] + 1e-9
        assert game.crowd.circuit(0) == START
    assert warm.crowd.energy[0] == pytest.approx(value(params=ANGLES)[0], abs=1e-9)
    tuned = Setup.of(problem, start=START, start_params=ANGLES, inner=Gradient(FINE)).game(1)
    tuned.begin(np.array([0]), np.random.default_rng(0))
    assert tuned.crowd.energy[0] == pytest.approx(best.energy, abs=1e-8)
    assert tuned.crowd.energy[0] < warm.crowd.energy[0] - 1e-3


def test_angles_that_do_not_fit_the_start_teach() -> None:
    with pytest.raises(InputError, match="3"):
        Setup.of(make_problem("h2"), start=START, start_params=(0.1,)).game(1)


def test_fixed_angles_of_the_start_stay() -> None:
    start = Circuit(2).then("ry", 0, angle=0.7).then("cx", 0, 1)
    for device in ("ideal", "FakeManilaV2"):
        setup = Setup.of(make_problem("h2", device, gates=9), start=start, inner=Gradient())
        game, one, rng = setup.game(1), np.array([0]), np.random.default_rng(0)
        game.begin(one, rng)
        game.step(one, np.array([3]), rng)
        trial = game.crowd.trial(0)
        assert trial.candidate.circuit == start.then("rx", 1)
        assert trial.candidate.circuit.n_params == 1
        value = setup.problem.score(trial.candidate, setup.problem.meter(None)).energy
        assert trial.energy == pytest.approx(value, abs=1e-6)


# --- shots --------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", [FEW_SHOTS, Cobyla(evaluations=8)], ids=["spsa", "cobyla"])
def test_measured_energies_scatter_about_the_exact_ones(inner: InnerOptimiser) -> None:
    """Readout error is measured, too. The lowest of a few is low by about an error at most."""
    problem, shots = make_problem("h2", gates=9), 400
    setup = Setup.of(problem, start=START, start_params=ANGLES, shots=shots, inner=inner)
    assert setup.scorer(5) == SampledSimulator(problem.noisy(setup.layout), shots, 5)
    game, rng, everyone = setup.game(6), np.random.default_rng(1), np.arange(6)
    crowd, observable = game.crowd, problem.task.observable
    quiet, read = (NoisySimulator(problem.patch(setup.layout), readout=on) for on in (False, True))
    spread, z, seen = SampledSimulator(read, shots), [], set()
    for _ in range(4):
        game.begin(everyone, rng)
        outcome = game.step(everyone, np.array([0, 1, 2, 4, 5, 7]), rng)
        assert not outcome.illegal.any()
        for member in everyone:
            trial = crowd.trial(member)
            at = trial.native, observable, trial.angles
            error = crowd.energy[member] - read.estimate(*at).mean[0]
            z.append(error / spread.estimate(*at).stderr[0])
            assert trial.energy == pytest.approx(quiet.estimate(*at).mean[0], abs=1e-12)
            seen.add(float(crowd.energy[member]))
    assert len(seen) > 12
    assert np.abs(z).max() < 5
    assert 0.6 < np.std(z) < 1.6
    assert -1.5 < np.mean(z) < 0.8


def test_equal_generators_draw_equal_shots() -> None:
    def energies(seed: int) -> list[float]:
        setup = gate_setup("h2", gates=6, shots=100, inner=FEW_SHOTS)
        game, rng = setup.game(3), np.random.default_rng(seed)
        game.begin(np.arange(3), rng)
        game.step(np.arange(3), np.array([1, 4, 6]), rng)
        return [float(energy) for energy in game.crowd.energy]

    assert energies(5) == energies(5)
    assert energies(5) != energies(6)


def test_exact_slopes_and_shots_do_not_go_together() -> None:
    with pytest.raises(InputError, match=r"AdamSPSA\(\) or Cobyla\(\)"):
        gate_setup("h2", gates=6, shots=100)


# --- blind --------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["FakeManilaV2", "FakeTorino"])
def test_blind_crowds_see_no_noise_but_their_trials_do(device: str) -> None:
    problem: Problem = make_problem("h2-3", device, gates=14)
    start, angles = rotation_layer(3), (0.5, 0.2, -0.8)
    setup = Setup.of(
        problem, start=start, start_params=angles, blind=True, blocks=True, inner=QUICK
    )
    game, rng, everyone = setup.game(3), np.random.default_rng(2), np.arange(3)
    game.begin(everyone, rng)
    crowd, observable = game.crowd, problem.task.observable
    coupled = set(ordered_pairs(problem.patch(setup.layout)))
    assert {a[0].qubits for a in setup.actions if len(a[0].qubits) == 2} == coupled
    for _ in range(2):
        actions = np.array([rng.choice(np.flatnonzero(row)) for row in crowd.masks()])
        game.step(everyone, actions, rng)
    exact, noisy = ExactSimulator(), problem.noisy(setup.layout)
    for member in everyone:
        native, params = crowd._native[member].circuit(0)
        assert native == crowd.circuit(member)
        value = exact.estimate(native, observable, params).mean[0]
        assert crowd.energy[member] == pytest.approx(value, abs=1e-12)
        before = crowd.meter.spent.evaluations
        trial = crowd.trial(member)
        assert crowd.meter.spent.evaluations - before == trial.cost.evaluations > 0
        assert trial.native == problem.lowering(crowd.circuit(member), setup.layout).native
        value = noisy.estimate(trial.native, observable, trial.angles).mean[0]
        assert trial.energy == pytest.approx(value, abs=1e-12)
        assert trial.energy > crowd.energy[member] + 1e-4
        assert trial.energy <= noisy.estimate(native, observable, params).mean[0] + 1e-9


def test_blind_on_an_ideal_device_is_nothing_special() -> None:
    seen = []
    for blind in (False, True):
        game = block_setup("h2-3", "ideal", blind=blind, inner=QUICK).game(2)
        rng = np.random.default_rng(3)
        game.begin(np.arange(2), rng)
        game.step(np.arange(2), np.array([0, 3]), rng)
        seen.append([game.crowd.trial(member) for member in range(2)])
    assert seen[0] == seen[1]
