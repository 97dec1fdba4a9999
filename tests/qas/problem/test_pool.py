"""Gate pools: what they name, what circuits of the commuting pool keep, and what they cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qas import Circuit, ExactSimulator, InputError, load_device, load_task
from qas.circuit import Population
from qas.problem import SPACES, Candidate, Gradient, Problem, Space, score_words
from qas.problem.pool import POOLS, dressing, gate_pool, is_commuting_pool
from qas.train.commuting import is_commuting

TFIM = load_task("tfim-4")
CHIPS = ("ideal", "FakeManilaV2", "FakeTorino", "FakeSherbrooke")


def problem_of(chip: str, pool: object = "commuting", **settings: object) -> Problem:
    device = load_device(chip, n_qubits=4)
    return Problem.of(TFIM, device, pool=pool, n_layouts=2, **settings)  # type: ignore[arg-type]


def words_of(space: Space, count: int, length: int) -> list[tuple[int, ...]]:
    rng = np.random.default_rng(3)
    return [space.random_word(length, rng, 0) for _ in range(count)]


def test_the_pool_is_free_unless_asked_otherwise() -> None:
    device = load_device("FakeManilaV2")
    assert Problem.of(TFIM, device) == Problem.of(TFIM, device, pool="free")
    assert Problem.of(TFIM, device).pool == ("rx", "ry", "rz", "cx")
    assert Problem.of(TFIM, device, pool=["rx", "cx"]) == Problem.of(TFIM, device, pool="commuting")


@pytest.mark.parametrize("pool", ["best", "rx", [], ["rx", "rx"], ["rx", "cz"], ["id"], ["rx", 1]])
def test_unknown_pools_are_refused(pool: object) -> None:
    with pytest.raises(InputError, match="gate pool"):
        problem_of("ideal", pool)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("pool", [*POOLS, ("rz", "rx", "cx"), ("ry", "h", "cx")])
def test_spaces_are_spelled_in_the_gates_of_the_pool(name: str, pool: object) -> None:
    problem = problem_of("FakeManilaV2", pool)
    space = Space.of(problem, name)
    for word in words_of(space, 10, 6):
        assert {gate.name for gate in space.circuit(word).gates} <= {*problem.pool}


def test_blocks_need_cx_and_a_rotation() -> None:
    assert dressing(("rz", "rx", "cx")) == "rx"
    for pool in (("rx", "ry"), ("h", "cx")):
        with pytest.raises(InputError, match="gate by gate"):
            Space.of(problem_of("ideal", pool))
        assert len(Space.of(problem_of("ideal", pool), "gates"))


def test_a_block_of_rx_turned_round_is_another() -> None:
    space = Space.of(problem_of("ideal"))
    assert space.facing == tuple(range(len(space)))
    assert any(k != turned for k, turned in enumerate(space.turned))


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("chip", CHIPS)
def test_circuits_of_the_commuting_pool_commute_lowered_too(chip: str, name: str) -> None:
    problem = problem_of(chip)
    space, rng = Space.of(problem, name), np.random.default_rng(1)
    words = words_of(space, 5, 5)
    circuits = [space.circuit(word) for word in words]
    angles = [rng.uniform(-3, 3, c.n_params) for c in circuits]
    natives = problem.lowered(Population.of(circuits, angles), problem.layouts[0])
    again = problem.lowered(natives, problem.layouts[0])
    for row, (circuit, turns) in enumerate(zip(circuits, angles, strict=True)):
        native, params = natives.circuit(row)
        assert native.n_params == circuit.n_params
        assert is_commuting(circuit)
        assert is_commuting(native)
        wanted = ExactSimulator().estimate(circuit, TFIM.observable, turns).mean
        found = ExactSimulator().estimate(native, TFIM.observable, params).mean
        assert found == pytest.approx(wanted, abs=1e-9)
        assert again.circuit(row)[0].n_params == native.n_params


def test_scored_words_of_the_commuting_pool_are_admitted_and_stay_above_its_floor() -> None:
    """Strings of X have mean 0, so that the Ising chain is left with its bonds."""
    problem = problem_of("FakeManilaV2")
    space, meter, rng = Space.of(problem), problem.meter(None), np.random.default_rng(2)
    words = words_of(space, 6, 4)
    trials = score_words(problem, space, words, [0] * 6, meter, Gradient(kicks=(3.0,)), rng)
    for trial in trials:
        assert trial is not None
        assert problem.admits(trial)
        assert trial.energy >= -3.0 - 1e-9
        free = replace(problem, pool=POOLS["free"])
        assert free.admits(trial)


def test_what_left_the_pool_is_not_admitted() -> None:
    problem = problem_of("FakeManilaV2")
    layout = problem.layouts[0]
    circuit = Circuit(4).then("rx", 0).then("ry", 0)
    free = replace(problem, pool=POOLS["free"])
    trial = free.score(Candidate(circuit, layout), free.meter(50))
    assert free.admits(trial)
    assert not problem.admits(trial)


def test_which_pools_commute_is_what_their_circuits_say() -> None:
    for pool in (*POOLS.values(), ("rx", "sx", "y", "cx"), ("rx", "h", "cx"), ("ry", "cx")):
        space = Space.of(problem_of("ideal", gate_pool(pool)), "gates")
        commuting = all(is_commuting(space.circuit(word)) for word in words_of(space, 40, 12))
        assert is_commuting_pool(pool) == commuting
