"""Laws of pruning: what edits may change, what a pruned trial is, and what it may cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qas import Circuit, load_device, load_task
from qas.circuit import Gate, Population
from qas.device.population import lower_population
from qas.execute import AerSimulator
from qas.problem import QUICK, Candidate, Problem, Trial, dressed, prune, random_circuit, trim, vary
from qas.problem.constraint import Constraints
from qas.problem.pruning.edit import FRAME, KINDS, PAIR, RUN, TURN, NativeDraft
from qas.problem.pruning.logical import logical
from qas.problem.pruning.row import RowDraft
from qas.problem.pruning.sheet import Sheet, settled
from qas.problem.pruning.vary import turn

CHIPS = ("FakeManilaV2", "FakeSherbrooke", "FakeTorino")
"""Native cx in both directions, ecr in one, cz."""
DEVICES = (*CHIPS, "ideal")


def problem_on(name: str, **options) -> Problem:
    task = load_task("h2-4")
    device = load_device(name, n_qubits=4) if name == "ideal" else load_device(name)
    return Problem.of(task, device, n_layouts=1, **options)


@pytest.fixture(scope="module", params=DEVICES)
def problem(request):
    return problem_on(request.param)


def grown(problem: Problem, seed: int, effort=QUICK) -> Trial:
    """A trial of a random circuit of dressed blocks and single gates."""
    rng, layout = np.random.default_rng(seed), problem.layouts[0]
    pairs = [g.qubits for g in problem.tokens(layout) if len(g.qubits) == 2]
    circuit = Circuit(4).then("ry", 0).then("ry", 1).then("x", 2)
    for k in rng.integers(len(pairs), size=3):
        circuit = dressed(circuit, [pairs[k]])
    circuit = circuit.append(random_circuit(problem.tokens(layout), 4, 4, 0, rng))
    start = rng.uniform(-3, 3, circuit.n_params)
    return problem.score(
        Candidate(circuit, layout), problem.meter(None), start=start, effort=effort
    )


def random_native(problem: Problem, seed: int) -> tuple[Population, NativeDraft]:
    """A circuit of random native gates, x among them, as lowering writes it; and its draft."""
    rng, patch = np.random.default_rng(seed), problem.patch(problem.layouts[0])
    gates = [Gate(name, (q,)) for q in range(4) for name in ("rz", "sx", "x", "rz", "sx")]
    gates += [Gate(patch.two_qubit_gate, pair) for pair in patch.couplings if max(pair) < 4] * 3
    circuit = Circuit(4, tuple(gates[k] for k in rng.integers(len(gates), size=40)))
    at = Population.of([circuit], [rng.uniform(-3, 3, circuit.n_params)])
    native = lower_population(at, patch)
    return native, NativeDraft(Sheet.of(native), patch)


def all_made(draft, kinds=KINDS) -> Population:
    edits = draft.edits(kinds)
    return edits.made([[k] for k in range(len(edits.keys))])


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("seed", range(4))
def test_a_sheet_is_its_circuit_and_settling_changes_no_energy(name, seed):
    problem = problem_on(name)
    native, draft = random_native(problem, seed)
    assert draft.population.circuit(0)[0] == native.circuit(0)[0]
    assert np.array_equal(draft.population.circuit(0)[1], native.circuit(0)[1])
    late = settled(draft.sheet).population
    observable = problem.task.observable
    for simulator in (problem.exact, problem.noisy(problem.layouts[0])):
        was, now = (simulator.values(one, observable)[0] for one in (native, late))
        assert now == pytest.approx(was, abs=1e-12)
    assert late.n_params[0] <= native.n_params[0]
    assert settled(Sheet.of(late)).population.circuit(0)[0] == late.circuit(0)[0]


@pytest.mark.parametrize("name", CHIPS)
@pytest.mark.parametrize("seed", range(4))
def test_behind_an_encoder_settling_changes_no_loss(name, seed):
    """Its qubits are not in |0>: an rz before the first pulse matters there."""
    problem = problem_on(name)
    loss = load_task("digits2").train.some(np.arange(12))
    native, draft = random_native(problem, seed)
    late = settled(draft.sheet, grounded=False).population
    for simulator in (problem.exact, problem.noisy(problem.layouts[0])):
        was, now = (simulator.values(one, loss)[0] for one in (native, late))
        assert now == pytest.approx(was, abs=1e-12)


@pytest.mark.parametrize("name", [*CHIPS, "ideal"])
def test_pruning_and_trimming_a_classifier_never_raise_its_loss(name):
    task = load_task("digits2")
    small = replace(task, train=task.train.some(np.arange(24)))
    device = load_device(name, n_qubits=4) if name == "ideal" else load_device(name)
    problem = Problem.of(small, device, n_layouts=1)
    for seed in range(3):
        trial = grown(problem, seed)
        for shorter in (prune, trim):
            after = shorter(problem, trial, problem.meter(None))
            steps = len(trial.native.gates)
            assert after.energy <= trial.energy + 1e-9 * (1 + steps)
            again = problem.value(after.native, after.candidate.layout, after.angles,
                                  problem.meter(None))  # fmt: skip
            assert again[0] == pytest.approx(after.energy, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_euler_angles_are_those_of_the_runs(seed):
    _, draft = random_native(problem_on("FakeManilaV2"), seed)
    for (gates, angles), (first, middle, last) in zip(
        zip(draft.sheet.gates.tolist(), draft.sheet.angles, strict=True),
        draft.sheet.euler,
        strict=True,
    ):
        run, wanted = np.eye(2), np.eye(2)
        for number, angle in zip(gates, angles, strict=True):
            if number >= 0:
                run = (
                    Gate(("rx", "ry", "rz", "x")[number] if number < 4 else "sx", (0,)).matrix(
                        angle
                    )
                    @ run
                )
        for name, angle in (("rz", first), ("ry", middle), ("rz", last)):
            wanted = Gate(name, (0,)).matrix(angle) @ wanted
        assert abs(np.trace(run.conj().T @ wanted)) == pytest.approx(2.0, abs=1e-9)
        assert -1e-12 <= middle <= np.pi + 1e-12


@pytest.mark.parametrize("seed", range(6))
def test_x_through_a_cx_changes_no_state(seed):
    problem = problem_on("FakeManilaV2")
    native, draft = random_native(problem, seed)
    moved = all_made(draft, (FRAME,))
    assert len(moved) == 2 * draft.population.two_qubit_gates[0]
    was = problem.exact.values(native, problem.task.observable)[0]
    assert np.allclose(problem.exact.values(moved, problem.task.observable), was, atol=1e-11)
    assert (moved.two_qubit_gates == native.two_qubit_gates[0]).all()


@pytest.mark.parametrize("name", CHIPS)
def test_each_edit_does_what_its_kind_says(name):
    problem = problem_on(name)
    draft = NativeDraft.of(random_native(problem, 1)[0], problem.patch(problem.layouts[0]))
    edits = draft.edits(KINDS)
    made, pulses = all_made(draft), draft.sheet.n_pulses.sum()
    assert len(np.unique(edits.keys, axis=0)) == len(edits.keys)
    for one in range(len(made)):  # what is measured is as lowering writes it
        native = made.circuit(one)[0]
        assert problem.lowering(native, problem.layouts[0]).native == native
    for k, (kind, _, _) in enumerate(edits.keys.tolist()):
        sheet = Sheet.of(made[[k]])
        if kind == PAIR:
            assert len(sheet.pairs) == len(draft.sheet.pairs) - 1
        elif kind == RUN:
            assert sheet.n_pulses.sum() < pulses
        elif kind == TURN:
            assert made.n_gates[k] == draft.population.n_gates[0] - 1
        simulator, observable = problem.noisy(problem.layouts[0]), problem.task.observable
        one, other = made[[k]], edits.draft([k]).population
        assert simulator.values(one, observable)[0] == pytest.approx(
            simulator.values(other, observable)[0], abs=1e-12
        )


def test_edits_that_touch_no_place_in_common_can_be_made_in_turn():
    problem = problem_on("FakeManilaV2")
    draft = random_native(problem, 2)[1]
    edits = draft.edits((RUN, TURN))
    one = 0
    other = next(
        k for k in range(len(edits.keys)) if not (edits.touched[k] & edits.touched[0]).any()
    )
    together = edits.made([[one, other]]).circuit(0)
    assert together[0] == edits.made([[other, one]]).circuit(0)[0]
    pulses = [
        Sheet.of(edits.made([some])).n_pulses.sum() for some in ([one], [other], [one, other])
    ]
    assert pulses[0] + pulses[1] == pulses[2] + draft.sheet.n_pulses.sum()


@pytest.mark.parametrize("seed", range(4))
def test_a_pruned_trial_is_no_worse_no_longer_and_what_runs(problem, seed):
    trial, meter = grown(problem, seed), problem.meter(None)
    pruned = prune(problem, trial, meter, tolerance=1e-9, effort=QUICK)
    assert pruned.energy <= trial.energy + 1e-7
    assert pruned.two_qubit_gates <= trial.two_qubit_gates
    runs = problem.simulator(trial.candidate.layout)
    energy = runs.estimate(pruned.native, problem.task.observable, pruned.angles).mean[0]
    assert energy == pytest.approx(pruned.energy, abs=1e-9)
    assert pruned.cost == meter.spent
    assert Trial.from_dict(pruned.to_dict()) == pruned
    again = prune(problem, pruned, meter, tolerance=1e-9, effort=QUICK)
    assert again.energy <= pruned.energy + 1e-7
    assert again.two_qubit_gates <= pruned.two_qubit_gates


@pytest.mark.parametrize("seed", range(4))
def test_the_native_circuit_is_the_lowered_one_less_some_rz(problem, seed):
    pruned = prune(problem, grown(problem, seed), problem.meter(None), tolerance=1e-9, effort=QUICK)
    lowered = problem.lowering(pruned.candidate.circuit, pruned.candidate.layout).native
    if problem.device.is_ideal:
        assert lowered == pruned.native
        return
    sheets = [Sheet.of(Population.of([circuit])) for circuit in (lowered, pruned.native)]
    assert np.array_equal(sheets[0].pairs, sheets[1].pairs)
    assert np.array_equal(sheets[0].gates[:, 1::2], sheets[1].gates[:, 1::2])
    assert not ((sheets[1].gates >= 0) & (sheets[0].gates < 0)).any()


def test_aer_gives_a_pruned_trial_its_energy():
    problem = problem_on("FakeManilaV2")
    pruned = prune(problem, grown(problem, 0), problem.meter(None), effort=QUICK)
    aer = AerSimulator(problem.patch(pruned.candidate.layout))
    energy = aer.estimate(pruned.native, problem.task.observable, pruned.angles).mean[0]
    assert energy == pytest.approx(pruned.energy, abs=1e-9)


@pytest.mark.parametrize("budget", [1, 40, 400, 4000])
def test_a_budget_is_passed_by_one_batch_at_most(problem, budget):
    trial, meter = grown(problem, 1), problem.meter(budget)
    pruned = prune(problem, trial, meter, effort=QUICK)
    batch = 8 * len(trial.native.gates) * (1 + 2 * trial.native.n_params)
    assert meter.spent.evaluations <= budget + min(batch, 300 * budget)
    assert pruned.energy <= trial.energy + 1e-7
    spent = meter.spent.evaluations
    if meter.exhausted:
        assert prune(problem, trial, meter) == trial
        assert vary(problem, trial, meter) == trial
        assert trim(problem, trial, meter) == trial
        assert meter.spent.evaluations == spent


def test_every_rotation_that_does_nothing_goes_on_an_ideal_device():
    problem = problem_on("ideal")
    circuit = Circuit(4).then("x", 0).then("x", 1).then("ry", 0).then("ry", 0).then("cx", 0, 1)
    circuit = circuit.then("cx", 0, 1).then("rz", 3).then("cx", 2, 3)
    trial = problem.score(Candidate(circuit, problem.layouts[0]), problem.meter(None))
    pruned = prune(problem, trial, problem.meter(None))
    assert pruned.energy <= trial.energy + 1e-8
    assert pruned.two_qubit_gates == 0
    assert len(pruned.native.gates) <= 3


def test_row_edits_leave_out_one_gate_or_two_cx_that_meet():
    circuit = Circuit(2).then("ry", 0).then("ry", 0).then("cx", 0, 1).then("cx", 0, 1)
    one = Population.of([circuit], [[0.3, 0.4]])
    made = all_made(RowDraft(one), (PAIR, RUN))
    assert made.n_gates.tolist() == [3, 3, 3, 3, 2]
    # The second rotation hands its angle to the first.
    assert made.circuit(1)[1].tolist() == pytest.approx([0.7])


def test_trim_leaves_out_rz_alone():
    problem = problem_on("FakeManilaV2")
    trial, meter = grown(problem, 3), problem.meter(None)
    trimmed = trim(problem, trial, meter, tolerance=1e-8)
    assert trimmed.energy <= trial.energy + 1e-7
    assert len(trimmed.native.gates) < len(trial.native.gates)
    kept = [[g for g in c.gates if g.name != "rz"] for c in (trimmed.native, trial.native)]
    assert kept[0] == kept[1]


@pytest.mark.parametrize("name", ["FakeManilaV2", "ideal"])
@pytest.mark.parametrize("seed", range(3))
def test_varied_trials_are_no_worse_and_what_runs(name, seed):
    problem = problem_on(name)
    trial, meter = grown(problem, seed), problem.meter(None)
    varied = vary(problem, trial, meter, effort=QUICK)
    assert varied.energy <= trial.energy
    runs = problem.simulator(varied.candidate.layout)
    energy = runs.estimate(varied.native, problem.task.observable, varied.angles).mean[0]
    assert energy == pytest.approx(varied.energy, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_logical_circuit_stays_where_merely_rz_went(seed):
    problem = problem_on("FakeManilaV2")
    trial = grown(problem, seed)
    circuit, layout, native = trial.candidate.circuit, trial.candidate.layout, trial.native
    assert logical(problem, circuit, layout, native) == circuit
    last = max(k for k, gate in enumerate(native.gates) if gate.name == "rz")
    assert logical(problem, circuit, layout, native.without(last)) == circuit


def test_turning_a_cx_round_changes_no_state():
    task = load_task("h2")
    circuit = Circuit(2).then("ry", 0).then("cx", 0, 1).then("ry", 1)
    turned = turn(circuit, 0)
    assert turned is not None
    assert turned.gates[1].qubits == (1, 0)
    exact = problem_on("ideal").exact
    values = [exact.estimate(c, task.observable, [0.7, 0.2]).mean[0] for c in (circuit, turned)]
    assert values[0] == pytest.approx(values[1], abs=1e-12)
    assert turn(circuit.then("cx", 0, 1), 1) is None


def test_pruning_keeps_the_constraints_that_a_trial_keeps():
    free = problem_on("FakeManilaV2")
    trial = grown(free, 2)
    bound = problem_on("FakeManilaV2", constraints=Constraints(depth=trial.native.depth))
    assert bound.admits(trial)
    pruned = prune(bound, trial, bound.meter(None), effort=QUICK)
    assert bound.admits(pruned)
    assert pruned.energy <= trial.energy + 1e-7
