"""Plans of gradients: the shift rule against the adjoint sweep, and its cost."""

from __future__ import annotations

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.device import load_device
from qas.errors import InputError
from qas.execute import NoisySimulator
from qas.task import Observable
from qas.train import parameter_shift

OBSERVABLE = Observable.of(["ZI", "XX", "IY"], [0.4, -0.7, 0.2])


def native() -> Circuit:
    circuit = Circuit(2)
    for q in (0, 1):
        circuit = circuit.then("rz", q).then("sx", q).then("rz", q).then("sx", q).then("rz", q)
    return circuit.then("cx", 0, 1).then("rz", 1).then("sx", 1)


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_shift_is_the_exact_gradient(scale: float) -> None:
    simulator = NoisySimulator(load_device("FakeManilaV2").patch([1, 2]), scale=scale)
    params = np.random.default_rng(5).uniform(-3, 3, native().n_params)
    plan = parameter_shift(params)
    estimate = simulator.estimate(native(), OBSERVABLE, plan.bindings)
    measured = plan.combine(estimate.mean, estimate.stderr)
    value, gradient = simulator.value_and_grad(native(), OBSERVABLE, params)
    assert measured.value == pytest.approx(value[0], abs=1e-12)
    np.testing.assert_allclose(measured.gradient, gradient[0], atol=1e-10)
    assert not measured.stderr.any()


def test_only_kept_parameters_are_shifted() -> None:
    plan = parameter_shift([0.1, 0.2, 0.3, 0.4], kept=[3, 1])
    assert plan.kept == (1, 3)
    assert plan.evaluations == len(plan.bindings) == 5
    moved = plan.bindings - plan.bindings[0]
    assert [tuple(np.flatnonzero(row)) for row in moved] == [(), (1,), (1,), (3,), (3,)]
    result = plan.combine([1.0, 2.0, 0.0, 5.0, 4.0], [0.3, 0.3, 0.4, 0.0, 1.0])
    np.testing.assert_allclose(result.gradient, [0, 1.0, 0, 0.5])
    np.testing.assert_allclose(result.stderr, [0, 0.25, 0, 0.5])
    assert (result.value, result.value_stderr) == (1.0, 0.3)


def test_bad_plans_are_refused() -> None:
    with pytest.raises(InputError, match="finite vector"):
        parameter_shift([np.nan])
    for kept in ([0, 0], [2], [-1]):
        with pytest.raises(InputError, match="distinct"):
            parameter_shift([0.0, 1.0], kept)
    with pytest.raises(InputError, match="5 bindings"):
        parameter_shift([0.0, 1.0]).combine([1.0], [0.0])
