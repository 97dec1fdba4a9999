"""Plans of gradients: the shift rule against the adjoint sweep, for energies and losses."""

from __future__ import annotations

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.circuit.tie import Tied
from qas.device import Device, load_device
from qas.errors import InputError
from qas.execute import ExactSimulator, NoisySimulator
from qas.task import Observable
from qas.task.loss import Loss
from qas.train import parameter_shift

OBSERVABLE = Observable.of(["ZI", "XX", "IY"], [0.4, -0.7, 0.2])


def native() -> Circuit:
    circuit = Circuit(2)
    for q in (0, 1):
        circuit = circuit.then("rz", q).then("sx", q).then("rz", q).then("sx", q).then("rz", q)
    return circuit.then("cx", 0, 1).then("rz", 1).then("sx", 1)


def adjoint(
    simulator: NoisySimulator, circuit: Circuit, loss: Loss, params: np.ndarray
) -> tuple[float, np.ndarray]:
    """Loss and gradient: each expectation value's slope by the reverse sweep, chained."""
    found = [simulator.value_and_grad(circuit, o, params, loss.inputs) for o in loss.observables]
    losses, slopes = loss.per_sample(np.stack([value for value, _ in found], axis=1))
    gradient = np.einsum("so,osk->k", slopes, np.stack([slope for _, slope in found]))
    return float(losses.mean()), gradient / loss.n_samples


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


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_shift_is_the_exact_gradient_of_a_loss(
    scale: float, patch: Device, circuit: Circuit, loss: Loss
) -> None:
    simulator = NoisySimulator(patch, scale=scale)
    params = np.random.default_rng(5).uniform(-3, 3, circuit.n_params)
    plan = parameter_shift(params, n_samples=loss.n_samples)
    assert plan.evaluations == loss.n_samples * (1 + 2 * circuit.n_params)
    found = simulator.estimate(circuit, loss.observables, plan.bindings, loss.inputs[plan.samples])
    measured = plan.combine(found.mean, found.stderr, loss)
    value, gradient = adjoint(simulator, circuit, loss, params)
    assert measured.value == pytest.approx(value, abs=1e-12)
    np.testing.assert_allclose(measured.gradient, gradient, atol=1e-10)


def test_shared_and_controlled_angles_get_the_chain_rule() -> None:
    """Parameter 0 turns two gates and half of a controlled one: against central differences."""
    tied = Tied(2).then("ry", 0, param=0).then("ry", 1, param=1).then("crx", 0, 1, param=0)
    tied = tied.then("ry", 1, param=0).then("crz", 1, 0, param=2)
    simulator, step = ExactSimulator(), 1e-5
    params = np.array([0.3, -1.1, 0.8])

    def energy(at: np.ndarray) -> float:
        angles = tied.ties.angles(at)
        return float(simulator.estimate(tied.circuit, OBSERVABLE, angles).mean[0])

    plan = parameter_shift(params, ties=tied.ties)
    assert plan.bindings.shape == (1 + 2 * tied.circuit.n_params, tied.circuit.n_params)
    found = simulator.estimate(tied.circuit, OBSERVABLE, plan.bindings)
    slopes = [(energy(params + d) - energy(params - d)) / (2 * step) for d in step * np.eye(3)]
    measured = plan.combine(found.mean, found.stderr)
    np.testing.assert_allclose(measured.gradient, slopes, atol=1e-9)
    assert np.abs(slopes).min() > 1e-3
    one = parameter_shift(params, [1], ties=tied.ties)
    assert one.evaluations == 3  # only the one angle that it turns
    found = simulator.estimate(tied.circuit, OBSERVABLE, one.bindings)
    pruned = one.combine(found.mean, found.stderr).gradient
    np.testing.assert_allclose(pruned, [0.0, slopes[1], 0.0], atol=1e-9)


def test_a_shared_angle_of_a_frozen_parameter_is_not_its_gradient() -> None:
    """Two parameters turn the same angles: keeping one leaves the other's gradient at 0."""
    tied = Tied(1).then("ry", 0, param=0)
    ties = type(tied.ties)([[1.0, 2.0]], [0.5])
    plan = parameter_shift([0.1, 0.2], [1], ties=ties)
    z = Observable.of(["Z"], [1.0])
    found = ExactSimulator().estimate(tied.circuit, z, plan.bindings)
    gradient = plan.combine(found.mean, found.stderr).gradient
    np.testing.assert_allclose(gradient, [0.0, -2 * np.sin(1.0)], atol=1e-12)


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
    with pytest.raises(InputError, match="ties are of 1"):
        parameter_shift([0.0, 1.0], ties=Tied(1).then("ry", 0).ties)
