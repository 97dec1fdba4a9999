"""Laws of crowds: many circuits at once are what each is alone, built gate by gate."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from envs.action import ActionTable, block_actions, gate_actions
from envs.crowd import Crowd
from envs.make import make_problem
from qas.circuit import Circuit, Gate
from qas.errors import InputError
from qas.execute import AerSimulator, NoisySimulator
from qas.problem import Effort, Gradient, Meter, Problem, is_legal

EXACT = Gradient(Effort(6, 1e-6, 1e-3))
"""Nothing is drawn: the same circuit from the same angles ends at the same energy."""
DEVICES = ("ideal", "FakeManilaV2", "FakeTorino")
"""Without noise; cx in one direction; cz."""


def grow(problem: Problem, size: int, kind: str = "both", **settings: Any) -> Crowd:
    layout = problem.layouts[0]
    single, block = gate_actions(problem, layout), block_actions(problem, layout)
    actions = {"gates": single, "blocks": block, "both": (*single, *block)}[kind]
    given = {"inner": EXACT, "meter": problem.meter(None), **settings}
    return Crowd(problem, layout, actions, size, **given)


def warm(problem: Problem, size: int, kind: str = "both", **settings: Any) -> Crowd:
    """From angles where slopes do not vanish, as they do for all of these tasks at 0."""
    start = Circuit(problem.n_qubits)
    for qubit in range(problem.n_qubits):
        start = start.then("ry", qubit).then("rx", qubit)
    params = 0.4 + 0.1 * np.arange(start.n_params)
    return grow(problem, size, kind, start=start, start_params=params, **settings)


def play(
    crowd: Crowd, rounds: int, rng: np.random.Generator, *, score: bool = False
) -> list[list[int]]:
    """Legal actions of random members, and what each of them took."""
    crowd.begin(np.arange(crowd.size), rng)
    taken: list[list[int]] = [[] for _ in range(crowd.size)]
    for _ in range(rounds):
        masks = crowd.masks()
        members = np.flatnonzero(masks.any(axis=1) & (rng.random(crowd.size) < 0.8))
        if not len(members):
            continue
        actions = np.array([rng.choice(np.flatnonzero(masks[m])) for m in members])
        crowd.extend(members, actions)
        if score:
            crowd.score(members, rng)
        for member, action in zip(members, actions, strict=True):
            taken[member].append(int(action))
    return taken


def built(crowd: Crowd, actions: list[int]) -> Circuit:
    """The slow twin: one gate after the other."""
    circuit = crowd.start
    for action in actions:
        for gate in crowd.table.actions[action]:
            circuit = circuit.then(gate.name, *gate.qubits)
    return circuit


# --- what is built ------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
def test_circuits_are_those_built_gate_by_gate(device: str) -> None:
    rng = np.random.default_rng(1)
    start = Circuit(3).then("ry", 1).then("rx", 0, angle=0.3)
    crowd = grow(make_problem("h2-3", device, gates=15), 20, start=start)
    taken = play(crowd, 8, rng)
    assert len({len(actions) for actions in taken}) > 2
    for member, actions in enumerate(taken):
        circuit = crowd.circuit(member)
        assert circuit == built(crowd, actions)
        assert crowd.chosen[member, : crowd.n_chosen[member]].tolist() == actions
        assert crowd.n_gates[member] == len(circuit.gates)
        assert crowd.n_pairs[member] == circuit.two_qubit_gates
        assert crowd.levels[member].max() == circuit.depth


@pytest.mark.parametrize("device", ["FakeManilaV2", "FakeTorino", "FakeSherbrooke"])
def test_native_circuits_are_lowered_action_by_action(device: str) -> None:
    crowd = grow(make_problem("h2-3", device, gates=15), 12)
    patch = crowd.problem.patch(crowd.layout)
    for member, actions in enumerate(play(crowd, 6, np.random.default_rng(2))):
        native = Circuit(3)
        for action in actions:
            for gate in crowd.table.actions[action]:
                native = native.then(gate.name, *gate.qubits)
            native = patch.lower(native)
        assert crowd.native(member) == native


def test_members_that_wait_stay_as_they_are() -> None:
    rng = np.random.default_rng(3)
    crowd = grow(make_problem("h2-3", gates=12), 6)
    play(crowd, 3, rng, score=True)
    moving, waiting = np.array([1, 4]), [0, 2, 3, 5]
    before = [crowd.trial(member) for member in waiting]
    masks = crowd.masks()
    crowd.extend(moving, np.array([np.flatnonzero(masks[m])[0] for m in moving]))
    crowd.score(moving, rng)
    crowd.begin(moving, rng)
    assert [crowd.trial(member) for member in waiting] == before
    assert [crowd.circuit(member) for member in moving] == [crowd.start] * 2


# --- what is legal ------------------------------------------------------------------------


def legal(crowd: Crowd, member: int, action: int) -> bool:
    """The slow twin of the masks."""
    gates, circuit = crowd.table.actions[action], crowd.circuit(member)
    limits = crowd.problem.limits
    if len(gates) == 1:
        return is_legal(circuit, gates[0], limits.gates, limits.two_qubit_gates)
    pair = set(gates[0].qubits)
    touching = [set(g.qubits) for g in circuit.gates if len(g.qubits) == 2 and {*g.qubits} & pair]
    fits = len(circuit.gates) + len(gates) <= limits.gates
    room = circuit.two_qubit_gates < limits.two_qubit_gates
    return fits and room and touching[-2:] != [pair, pair]


@pytest.mark.parametrize("kind", ["gates", "blocks", "both"])
@pytest.mark.parametrize(("task", "device"), [("h2-3", "ideal"), ("h2-4", "FakeOurenseV2")])
def test_masks_are_the_rule_gate_by_gate(kind: str, task: str, device: str) -> None:
    rng = np.random.default_rng(4)
    crowd = grow(make_problem(task, device, gates=13, two_qubit_gates=4), 12, kind)
    seen: list[bool] = []
    crowd.begin(np.arange(12), rng)
    for _ in range(14):
        masks = crowd.masks()
        for member, action in np.ndindex(masks.shape):
            assert masks[member, action] == legal(crowd, member, action)
        seen += masks.ravel().tolist()
        alive = np.flatnonzero(masks.any(axis=1))
        if len(alive):
            chosen = np.array([rng.choice(np.flatnonzero(masks[m])) for m in alive])
            crowd.extend(alive, chosen)
    assert 0.1 < np.mean(seen) < 0.9
    assert crowd.n_gates.max() <= 13
    assert crowd.n_pairs.max() == 4
    assert (~crowd.masks()).any(axis=1).all()


def test_a_third_block_in_a_row_on_a_pair_is_idle() -> None:
    rng = np.random.default_rng(0)
    crowd = grow(make_problem("h2-3", "ideal"), 1, "blocks")
    pairs = [action[0].qubits for action in crowd.table.actions]
    one = np.array([0])
    crowd.begin(one, rng)
    masks = []
    for pair in ((0, 1), (1, 0), (1, 2)):
        assert crowd.masks()[0].all()
        crowd.extend(one, np.array([pairs.index(pair)]))
        masks.append({p for p, free in zip(pairs, crowd.masks()[0], strict=True) if not free})
        if len(masks) == 2:
            crowd.extend(one, np.array([pairs.index((1, 2))]))
            break
    assert masks == [set(), {(0, 1), (1, 0)}]
    assert crowd.masks()[0].all()


# --- energies -----------------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
def test_energies_are_those_of_a_fresh_simulation(device: str) -> None:
    rng = np.random.default_rng(5)
    problem = make_problem("h2-3", device, gates=18)
    crowd = warm(problem, 6)
    play(crowd, 5, rng, score=True)
    fresh = make_problem("h2-3", device, gates=18)
    for member in range(crowd.size):
        trial = crowd.trial(member)
        simulator = fresh.simulator(trial.candidate.layout)
        value = simulator.estimate(trial.native, problem.task.observable, trial.angles).mean[0]
        assert trial.energy == crowd.energy[member] == pytest.approx(value, abs=1e-12)
        assert trial.candidate.circuit == crowd.circuit(member)


@pytest.mark.parametrize("device", ["FakeManilaV2", "FakeTorino"])
def test_energies_are_aers(device: str) -> None:
    problem = make_problem("h2", device, gates=9)
    crowd = warm(problem, 3)
    play(crowd, 4, np.random.default_rng(6), score=True)
    aer = AerSimulator(problem.patch(crowd.layout))
    for trial in map(crowd.trial, range(crowd.size)):
        value = aer.estimate(trial.native, problem.task.observable, trial.angles).mean[0]
        assert trial.energy == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_a_member_is_the_same_alone(device: str) -> None:
    problem = make_problem("h2-3", device, gates=18)
    crowd = warm(problem, 7)
    taken = play(crowd, 5, np.random.default_rng(7), score=True)
    for member in (0, 3, 6):
        alone, rng = warm(problem, 1), np.random.default_rng(99)
        alone.begin(np.array([0]), rng)
        for action in taken[member]:
            alone.extend(np.array([0]), np.array([action]))
            alone.score(np.array([0]), rng)
        assert alone.energy[0] == pytest.approx(crowd.energy[member], abs=1e-12)
        assert alone.evaluations[0] == crowd.evaluations[member]
        ours, theirs = alone.trial(0), crowd.trial(member)
        assert ours.native == theirs.native
        np.testing.assert_allclose(ours.angles, theirs.angles, atol=1e-9)


def test_scoring_never_raises_the_energy_of_where_it_starts() -> None:
    rng = np.random.default_rng(8)
    crowd = warm(make_problem("h2-3", gates=16), 8)
    play(crowd, 4, rng)
    before = [crowd.trial(member).energy for member in range(8)]
    assert crowd.score(np.arange(8), rng).all()
    assert (crowd.energy <= np.array(before) + 1e-12).all()
    assert (crowd.energy < np.array(before) - 1e-5).all()


def test_a_rotation_at_zero_leaves_the_state_without_noise() -> None:
    rng = np.random.default_rng(9)
    crowd = warm(make_problem("h2-3", "ideal", gates=16), 9, "gates")
    play(crowd, 5, rng, score=True)
    before, turns = crowd.energy.copy(), np.flatnonzero(crowd.table.pairs == 0)
    crowd.extend(np.arange(9), turns)
    assert not crowd.is_scored.any()
    for member in range(9):
        assert crowd.trial(member).energy == pytest.approx(before[member], abs=1e-12)


def test_a_grown_member_has_no_energy_of_before() -> None:
    """Between growing and scoring a trial is simulated as it stands."""
    rng = np.random.default_rng(10)
    crowd = warm(make_problem("h2-3", gates=16), 4)
    play(crowd, 2, rng, score=True)
    last = crowd.energy.copy()
    masks = crowd.masks()
    crowd.extend(np.arange(4), np.array([np.flatnonzero(row)[-1] for row in masks]))
    assert crowd.energy.tolist() == last.tolist()
    for member in range(4):
        trial = crowd.trial(member)
        simulator = crowd.problem.simulator(crowd.layout)
        value = simulator.estimate(trial.native, crowd.problem.task.observable, trial.angles)
        assert trial.energy == pytest.approx(value.mean[0], abs=1e-12)
        assert trial.energy != pytest.approx(last[member], abs=1e-6)


# --- gains --------------------------------------------------------------------------------


def lowest(problem: Problem, circuit: Circuit, fixed: NDArray[np.float64]) -> float:
    """Over the last angles, all others fixed: a grid, then a polish of its best points."""
    observable, n_free = problem.task.observable, circuit.n_params - len(fixed)

    def energies(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        full = np.hstack([np.tile(fixed, (len(rows), 1)), rows])
        return problem.exact.estimate(circuit, observable, full).mean

    if n_free == 0:
        return float(energies(np.zeros((1, 0)))[0])
    axis = np.linspace(-np.pi, np.pi, 16, endpoint=False)
    grid = np.stack(np.meshgrid(*[axis] * n_free), axis=-1).reshape(-1, n_free)
    best = grid[np.argsort(energies(grid))[:4]]
    polish = partial(minimize, lambda x: float(energies(x[None])[0]), tol=1e-12)
    return min(float(polish(start).fun) for start in best)


def test_gains_are_those_of_optimised_extensions() -> None:
    rng = np.random.default_rng(11)
    problem = make_problem("h2-3", "ideal", gates=15)
    crowd = warm(problem, 4)
    play(crowd, 3, rng, score=True)
    gains = crowd.gains()
    assert gains.shape == (4, len(crowd.table))
    assert (gains >= 0).all()
    assert 0 < (gains == 0).sum() < gains.size
    for member, action in np.ndindex(gains.shape):
        trial, circuit = crowd.trial(member), crowd.circuit(member)
        for gate in crowd.table.actions[action]:
            circuit = circuit.then(gate.name, *gate.qubits)
        best = lowest(problem, circuit, trial.angles)
        assert crowd.extensions().energy[member, action] == pytest.approx(best, abs=1e-9)
        assert gains[member, action] == pytest.approx(max(trial.energy - best, 0), abs=1e-9)


def test_known_extensions_are_where_angles_start() -> None:
    rng = np.random.default_rng(12)
    crowd = warm(make_problem("h2-3", "ideal", gates=18), 6)
    play(crowd, 3, rng, score=True)
    found = crowd.extensions().energy
    masks = crowd.masks()
    actions = np.array([rng.choice(np.flatnonzero(row)) for row in masks])
    crowd.extend(np.arange(6), actions)
    for member in range(6):
        expected = found[member, actions[member]]
        assert crowd.trial(member).energy == pytest.approx(expected, abs=1e-10)


def test_extensions_are_charged_once_and_known_until_something_grows() -> None:
    problem = make_problem("h2-3", gates=12)
    meter = problem.meter(None)
    crowd = grow(problem, 3, meter=meter)
    rng, everyone = np.random.default_rng(13), np.arange(3)
    crowd.begin(everyone, rng)
    before = meter.spent.evaluations
    first = crowd.extensions()
    crowd.gains()
    assert crowd.extensions() is first
    assert meter.spent.evaluations - before == 3 * crowd.table.prices.sum()
    crowd.extend(everyone, np.zeros(3, dtype=np.int64))
    assert crowd.extensions() is not first


# --- the start, the budget ----------------------------------------------------------------


def test_the_start_is_scored_once_with_draws_of_its_own() -> None:
    problem, kicked = make_problem("h2", gates=9), Gradient(Effort(6), kicks=(0.0, 0.7))
    start, meter = Circuit(2).then("ry", 0).then("ry", 1), problem.meter(None)
    crowd = grow(problem, 3, start=start, inner=kicked, meter=meter)
    rng, untouched = np.random.default_rng(14), np.random.default_rng(14)
    crowd.begin(np.array([0, 2]), rng)
    spent = meter.spent
    assert spent.evaluations == crowd.evaluations[0] > 1
    crowd.begin(np.array([1]), rng)
    assert meter.spent == spent
    assert (crowd.energy == crowd.energy[0]).all()
    assert rng.random() == untouched.random()


def test_what_the_budget_no_longer_allows_is_left() -> None:
    problem = make_problem("h2", gates=9)
    meter = Meter(9, n_groups=2)
    crowd = grow(problem, 4, "gates", meter=meter)
    rng, everyone = np.random.default_rng(15), np.arange(4)
    crowd.begin(everyone, rng)
    before = crowd.energy.copy()
    crowd.extend(everyone, np.array([1, 1, 4, 4]))
    scored = crowd.score(everyone, rng)
    assert scored.tolist() == [True, False, False, False]
    assert crowd.energy[0] != before[0]
    assert crowd.energy[1:].tolist() == before[1:].tolist()
    assert crowd.is_scored.tolist() == scored.tolist()


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"start": Circuit(3).then("cx", 0, 2)}, "share no edge"),
        ({"start": Circuit(3, (Gate("ry", (0,)),) * 9)}, "9 gates, the limit is 9"),
    ],
)
def test_bad_starts_teach(settings: dict[str, Any], match: str) -> None:
    problem = make_problem("h2-3", "FakeManilaV2", qubits=(0, 1, 2), gates=9)
    with pytest.raises(InputError, match=match):
        grow(problem, 1, **settings)


def test_actions_are_needed() -> None:
    for actions in ((), ((),)):
        with pytest.raises(InputError, match="at least one"):
            ActionTable.of(actions)


def test_the_scorer_can_be_another() -> None:
    problem = make_problem("h2", gates=9)
    loud = NoisySimulator(problem.patch(problem.layouts[0]), scale=3.0)
    rng, crowd = np.random.default_rng(16), warm(problem, 1, scorer=loud)
    play(crowd, 3, rng, score=True)
    native, params = crowd.trial(0).native, crowd.trial(0).angles
    value = loud.estimate(native, problem.task.observable, params).mean[0]
    assert crowd.energy[0] == pytest.approx(value, abs=1e-12)
