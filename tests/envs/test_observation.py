"""Laws of observations: all members at once are what the slow twin shows of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs import Game, SequenceEncoding, Setup, TensorEncoding
from envs.make import block_setup, crlqas_setup, gate_setup, make_problem
from envs.observation import View, scaled_gains
from envs.setup import sequence, tensor
from qas.circuit import Circuit
from qas.errors import InputError
from qas.problem import Effort, Gradient

QUICK = Gradient(Effort(2, 1e-3, 1e-2))


def played(setup: Setup, size: int, rounds: int, seed: int) -> tuple[Game, list[list[int]]]:
    """Random members of a game take random legal actions."""
    game, rng = setup.game(size), np.random.default_rng(seed)
    crowd = game.crowd
    game.begin(np.arange(size), rng)
    taken: list[list[int]] = [[] for _ in range(size)]
    for _ in range(rounds):
        masks = crowd.masks()
        members = np.flatnonzero((rng.random(size) < 0.8) & masks.any(axis=1))
        if len(members):
            actions = np.array([rng.choice(np.flatnonzero(masks[m])) for m in members])
            crowd.extend(members, actions)
            crowd.score(members, rng)
            for member, action in zip(members, actions, strict=True):
                taken[member].append(int(action))
    return game, taken


# --- one circuit --------------------------------------------------------------------------


def test_one_cell_a_gate_in_its_own_row() -> None:
    circuit = Circuit(3).then("rz", 2).then("cx", 2, 0).then("rx", 1).then("ry", 0)
    cells = TensorEncoding(3, 4).tensor(circuit)
    assert cells.shape == (4, 6, 3)
    assert sorted(zip(*(i.tolist() for i in np.nonzero(cells)), strict=True)) == [
        (0, 3, 1),
        (0, 5, 2),
        (1, 0, 2),
        (2, 4, 0),
    ]


def test_different_circuits_look_different() -> None:
    """All circuits of up to three gates on two qubits, but for the order of what commutes."""
    rng, code, seen = np.random.default_rng(0), TensorEncoding(2, 3), {}
    gates = [("rx", 0), ("ry", 0), ("rz", 1), ("rx", 1), ("cx", 0, 1), ("cx", 1, 0)]
    for _ in range(300):
        circuit = Circuit(2)
        for index in rng.integers(len(gates), size=rng.integers(4)):
            circuit = circuit.then(*gates[index])
        wires = tuple(tuple(g for g in circuit.gates if q in g.qubits) for q in range(2))
        seen.setdefault(code.tensor(circuit).tobytes(), set()).add(wires)
    assert len(seen) > 50
    assert all(len(same) == 1 for same in seen.values())


def test_tensor_refuses_what_has_no_cell() -> None:
    with pytest.raises(InputError, match="given h"):
        TensorEncoding(1, 2).tensor(Circuit(1).then("h", 0))
    with pytest.raises(InputError, match="deeper than"):
        TensorEncoding(1, 1).tensor(Circuit(1).then("rx", 0).then("ry", 0))


# --- many ---------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize(("task", "device"), [("h2-3", "FakeManilaV2"), ("h2-4", "ideal")])
def test_tensors_of_a_crowd_are_those_of_its_circuits(task: str, device: str, blocks: bool) -> None:
    problem = make_problem(task, device, gates=20)
    setup = Setup.of(problem, blocks=blocks, inner=QUICK, encoding=tensor)
    crowd = played(setup, 15, 7, seed=1)[0].crowd
    code = TensorEncoding(problem.n_qubits, 20)
    bits = code.bits(crowd)
    assert bits.shape == (15, code.size)
    for member in range(15):
        assert np.array_equal(bits[member], code.tensor(crowd.circuit(member)).ravel())
    assert len(np.unique(bits, axis=0)) > 10


def test_sequences_of_a_crowd_are_the_actions_in_order() -> None:
    setup = gate_setup("h2-3", gates=9, blocks=True, inner=QUICK, encoding=sequence)
    game, taken = played(setup, 10, 5, seed=2)
    code = SequenceEncoding(len(setup.actions), setup.rules.steps)
    bits = code.bits(game.crowd).reshape(10, setup.rules.steps, len(setup.actions))
    assert len({len(actions) for actions in taken}) > 2
    for row, actions in zip(bits, taken, strict=True):
        assert row[: len(actions)].argmax(axis=1).tolist() == actions
        assert row.sum(axis=1).tolist() == [1.0] * len(actions) + [0.0] * (len(row) - len(actions))


def test_a_member_that_begins_anew_is_blank_again() -> None:
    for encoding in (tensor, sequence):
        setup = gate_setup("h2", gates=8, inner=QUICK, encoding=encoding)
        game, _ = played(setup, 4, 4, seed=3)
        game.begin(np.array([1, 3]), np.random.default_rng(0))
        filled = setup.view.encoding.bits(game.crowd).any(axis=1)
        assert filled.tolist() == [True, False, True, False]


@pytest.mark.parametrize("sweep", [False, True])
def test_views_join_bits_energy_and_gains(sweep: bool) -> None:
    setup = gate_setup("h2-3", gates=9, inner=QUICK, sweep=sweep)
    crowd = played(setup, 5, 3, seed=4)[0].crowd
    view, shown = setup.view, setup.view.observe(crowd)
    width = view.encoding.size
    assert shown.shape == (5, view.size)
    assert shown.dtype == np.float32
    assert np.array_equal(shown[:, :width], view.encoding.bits(crowd))
    assert np.array_equal(shown[:, width], crowd.energy.astype(np.float32))
    gains = scaled_gains(crowd.gains()).astype(np.float32)
    assert np.array_equal(shown[:, width + 1 :], gains if sweep else gains[:, :0])
    low, high = view.box(setup.problem.task.observable.bound())
    assert (low <= shown).all()
    assert (shown <= high).all()
    assert gains.max() > 0


# --- the sizes of CRLQAS ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "moments", "n_actions"),
    [("h2-4", 40, 24), ("lih-6-2.2", 70, 48), ("h2o-8", 250, 80)],
)
def test_shapes_are_those_of_crlqas(task: str, moments: int, n_actions: int) -> None:
    """D x (n + 3) x n zeros and ones, D = 40, 70 and 250; n (n + 2) actions; and the energy."""
    setup = crlqas_setup(task, "ideal")
    n, view = setup.problem.n_qubits, setup.view
    assert isinstance(view.encoding, TensorEncoding)
    assert view.encoding.shape == (moments, n + 3, n)
    assert view.size == moments * (n + 3) * n + 1
    assert len(setup.actions) == n_actions == n * (n + 2)
    assert setup.rules.steps == moments
    assert setup.problem.limits.gates == moments


def test_coupling_of_ourense_leaves_18_actions() -> None:
    setup = crlqas_setup("h2-4", "FakeOurenseV2")
    assert len(setup.actions) == 18
    pairs = [action[0].qubits for action in setup.actions if len(action[0].qubits) == 2]
    assert len(pairs) == 6
    assert {(b, a) for a, b in pairs} == set(pairs)
    everywhere = crlqas_setup("h2-4", "FakeOurenseV2", qubits=(0, 1, 3, 4))
    assert len(everywhere.actions) == 18


def test_block_views_are_short() -> None:
    """A sequence of at most as many blocks as cx fit, the energy, a gain for each."""
    setup = block_setup("h2-3", two_qubit_gates=4)
    assert len(setup.actions) == 4
    assert setup.view == View(SequenceEncoding(4, 4), 4, sweep=True)
    assert setup.view.size == 4 * 4 + 1 + 4


@pytest.mark.parametrize("bad", [{"layout": (0, 1, 2)}, {"start": Circuit(2).then("h", 0)}])
def test_what_cannot_be_shown_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"3|given also h"):
        gate_setup("h2", **bad)
