"""Re-scoring: under today's calibration nothing changes, a hole is no advantage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qas import Circuit, NoisySimulator, load_device, load_task
from qas.device import Device
from qas.problem import Candidate, Problem, Trial, dressed
from qas.problem.merit.robust import Rescored, rescored, rescored_all, worsts

DEVICE = load_device("FakeManilaV2")


def worse(device: Device, factor: float) -> Device:
    """Reported errors of two-qubit gates times a factor."""
    gates = tuple(
        replace(g, error=g.error * (factor if g.name == "cx" else 1)) for g in device.gates
    )
    return replace(device, gates=gates)


def without(device: Device, edge: tuple[int, int]) -> Device:
    gates = tuple(g for g in device.gates if set(g.qubits) != set(edge))
    return replace(device, gates=gates)


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(load_task("h2"), DEVICE)


@pytest.fixture(scope="module")
def trials(problem: Problem) -> list[Trial]:
    circuit = dressed(Circuit(2).then("x", 0).then("ry", 1), [(0, 1)])
    return [
        problem.score(Candidate(circuit, layout), problem.meter(None), start=[0.2, -0.1, 0.1])
        for layout in ((3, 4), (1, 2), (4, 3))
    ]


def test_today_again_is_the_trial(problem: Problem, trials: list[Trial]) -> None:
    for trial in trials:
        scores = rescored(problem, trial, [DEVICE, replace(DEVICE, calibration_date="2020-01-01")])
        assert scores.standard == pytest.approx(trial.energy, abs=1e-12)
        assert scores.other_days == pytest.approx([trial.energy] * 2, abs=1e-12)
        patch = problem.patch(trial.candidate.layout)
        energy = NoisySimulator(patch, pessimistic=True).estimate(
            trial.native, problem.task.observable, trial.angles
        )
        assert scores.pessimistic == pytest.approx(energy.mean[0], abs=1e-12)
        assert scores.worst == pytest.approx(max(scores.pessimistic, scores.standard))
        assert scores.spread == pytest.approx(scores.pessimistic - scores.standard)


def test_many_at_once_are_each_alone(problem: Problem, trials: list[Trial]) -> None:
    days = [worse(DEVICE, 3.0), without(DEVICE, (3, 4))]
    for trial, scores in zip(trials, rescored_all(problem, trials, days), strict=True):
        alone = rescored(problem, trial, days)
        np.testing.assert_allclose(scores.other_days, alone.other_days, atol=1e-12)
        assert (scores.standard, scores.pessimistic) == (alone.standard, alone.pessimistic)


def test_a_day_without_the_gate_is_a_hole(problem: Problem, trials: list[Trial]) -> None:
    days = [worse(DEVICE, 5.0), without(DEVICE, (3, 4))]
    held, other = rescored(problem, trials[0], days), rescored(problem, trials[1], days)
    assert np.isnan(held.other_days).tolist() == [False, True]
    summary = held.days()
    assert summary is not None
    assert (summary["days"], summary["unavailable"]) == (1, 1)
    assert held.other_days[0] > held.standard
    assert not np.isnan(other.other_days).any()


def test_holes_and_bad_days_do_not_decide() -> None:
    fine = Rescored(-1.0, -0.9, np.array([-0.95, -0.5]))
    holed = Rescored(-1.0, -0.9, np.array([-0.94, np.nan]))
    assert worsts([fine]).tolist() == [-0.5]
    assert worsts([fine, holed]).tolist() == [-0.9, -0.9]
    days = np.append(np.full(19, -0.8), 5.0)
    assert worsts([Rescored(-1.0, -0.9, days)]).tolist() == [-0.8]
    assert Rescored(-1.0, -0.9, days).spread == pytest.approx(0.2)
    assert worsts([Rescored(-1.0, -0.9, days[-10:])]).tolist() == [5.0]
    assert worsts([]).tolist() == []
    assert Rescored(-1.0, -0.9, np.zeros(0)).days() is None
    assert Rescored(-1.0, -0.9, np.array([np.nan])).worst == -0.9


def test_the_circuit_does_not_matter_to_the_numbering_of_qubits(
    problem: Problem, trials: list[Trial]
) -> None:
    """The same native gates on the same chip, qubits listed the other way round."""
    trial = trials[0]
    turned = Problem.of(replace(problem.task, observable=_turned(problem.task.observable)), DEVICE)
    other = replace(
        trial, candidate=Candidate(trial.candidate.circuit.relabelled([1, 0]), (4, 3)),
        native=trial.native.relabelled([1, 0]),
    )  # fmt: skip
    days = [worse(DEVICE, 2.0)]
    first, second = rescored(problem, trial, days), rescored(turned, other, days)
    assert first.pessimistic == pytest.approx(second.pessimistic, abs=1e-12)
    assert first.other_days == pytest.approx(second.other_days, abs=1e-12)


def _turned(observable):
    return type(observable).of([text[::-1] for text in observable.paulis], observable.coeffs)
