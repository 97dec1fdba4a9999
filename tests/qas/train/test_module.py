"""A circuit inside a PyTorch model: slopes by torch's own check, on every kind of backend."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from qas import (
    AerSimulator,
    Circuit,
    ExactSimulator,
    InputError,
    NoisySimulator,
    Observable,
    SampledSimulator,
    load_device,
)
from qas.circuit.ansatz import ansatz, tied_ansatz
from qas.circuit.encoder import angle_encoder, reuploaded
from qas.circuit.tie import Tied
from qas.execute.chip import local_chip
from qas.execute.runtime import RuntimeBackend
from qas.train.module import QuantumLayer

Z = [Observable.of([p], [1.0]) for p in ("IZ", "ZI")] + [Observable.of(["XY"], [0.5])]
PATCH = load_device("FakeManilaV2").patch([0, 1])
CIRCUIT = reuploaded(
    angle_encoder(3, 2, ("ry", "rz")), [Circuit(2).then("rzz", 0, 1).then("ry", 0)] * 2
)


def parameters(n, seed=0):
    return np.random.default_rng(seed).uniform(-3, 3, n)


def samples(*shape, dtype=torch.float64, seed=1):
    rows = np.random.default_rng(seed).uniform(-3, 3, shape)
    return torch.tensor(rows, dtype=dtype, requires_grad=True)


def double(*args, **options):
    return QuantumLayer(*args, **options, dtype=torch.float64)


@pytest.mark.parametrize("backend", [ExactSimulator(), NoisySimulator(PATCH), AerSimulator(PATCH)])
def test_torch_checks_the_slopes(backend):
    layer = double(CIRCUIT, Z, backend, params=parameters(4))

    def run(inputs, params):
        return torch.func.functional_call(layer, {"params": params}, (inputs,))

    assert torch.autograd.gradcheck(run, (samples(2, 3), layer.params), atol=1e-6)


def test_shared_parameters_are_checked_too():
    shared = Tied(2).append(angle_encoder(2, 2)).then("u3", 0).then("cu3", 0, 1, param=(0, 1, 3))
    layer = double(shared.circuit, Z, ExactSimulator(), params=parameters(4), ties=shared.ties)

    def run(inputs, params):
        return torch.func.functional_call(layer, {"params": params}, (inputs,))

    assert layer.params.shape == (4,)
    assert torch.autograd.gradcheck(run, (samples(2, 2), layer.params), atol=1e-6)


def test_adjoint_and_shift_rule_agree_under_noise():
    found = []
    for backend in (NoisySimulator(PATCH), AerSimulator(PATCH)):
        layer, inputs = double(CIRCUIT, Z, backend, params=parameters(4)), samples(3, 3)
        layer(inputs).pow(2).sum().backward()
        found.append((layer.params.grad, inputs.grad, layer.evaluations))
    for left, right in zip(found[0][:2], found[1][:2], strict=True):
        torch.testing.assert_close(left, right, atol=1e-8, rtol=0)
    n_angles = 4 + 6
    assert [one[2] for one in found] == [3 * (1 + 2 * n_angles)] * 2


def test_values_are_those_of_the_native_circuit():
    native = PATCH.lower(CIRCUIT, apart=True)
    simulator, inputs = NoisySimulator(PATCH), samples(4, 3)
    params = PATCH.lowering(CIRCUIT, apart=True).angles(parameters(4))
    wanted = simulator.estimate(native, Z, params, inputs.detach().numpy()).mean
    layer = double(CIRCUIT, Z, simulator, params=parameters(4))
    np.testing.assert_allclose(layer(inputs).detach(), wanted, atol=1e-12)


def test_shots_scatter_about_the_exact_slopes():
    slopes = []
    exact = double(CIRCUIT, Z, NoisySimulator(PATCH, readout=True), params=[0.3] * 4)
    sampled = SampledSimulator(NoisySimulator(PATCH), shots=400)
    layer = double(CIRCUIT, Z, sampled, params=[0.3] * 4)
    inputs = samples(1, 3).detach()
    exact(inputs).sum().backward()
    for seed in range(30):
        layer.zero_grad()
        layer.reseed(seed)
        layer(inputs).sum().backward()
        slopes.append(layer.params.grad.clone())
    spread = torch.stack(slopes).std(0) / 30**0.5
    assert (torch.stack(slopes).mean(0) - exact.params.grad).abs().lt(4 * spread).all()
    rows = 30 * (1 + 2 * 4)  # data needs no slope: only the parameters are shifted
    assert (layer.evaluations, layer.shots) == (rows, rows * 2 * 400)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_batches_of_any_shape_and_both_precisions(dtype):
    layer = QuantumLayer(CIRCUIT, Z, ExactSimulator(), params=parameters(4)).to(dtype)
    inputs = samples(2, 5, 3, dtype=dtype)
    found = layer(inputs)
    assert found.shape == (2, 5, 3)
    assert found.dtype == dtype
    torch.testing.assert_close(found[1, 2], layer(inputs[1, 2]))
    found.sum().backward()
    assert layer.params.grad.dtype == inputs.grad.dtype == dtype
    assert inputs.grad.shape == inputs.shape


def test_a_circuit_without_data_is_a_vector_of_values():
    layer = QuantumLayer(ansatz("rzz+ry", 2), Z, ExactSimulator(), params=parameters(4))
    assert layer().shape == (3,)
    layer().sum().backward()
    assert layer.params.grad.abs().max() > 0


def test_states_are_saved_and_loaded():
    tied = tied_ansatz("u3+cu3", 2)
    circuit = angle_encoder(2, 2).append(tied.circuit)
    made = [
        QuantumLayer(circuit, Z, ExactSimulator(), params=parameters(12, seed), ties=tied.ties)
        for seed in range(2)
    ]
    inputs = samples(4, 2)
    assert not torch.equal(made[0](inputs), made[1](inputs))
    made[1].load_state_dict(made[0].state_dict())
    assert torch.equal(made[0](inputs), made[1](inputs))
    assert "12 parameters" in repr(made[0])


def test_a_model_learns_an_exclusive_or():
    torch.manual_seed(0)
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    labels = torch.tensor([0, 1, 1, 0])
    circuit = angle_encoder(2, 2).append(ansatz("rzz+ry", 2))
    layer = QuantumLayer(circuit, Z[:2], ExactSimulator(), params=parameters(4))
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), layer, torch.nn.Linear(2, 2))
    before = model[0].weight.clone()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(120):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(corners), labels).backward()
        optimiser.step()
    assert torch.equal(model(corners).argmax(1), labels)
    assert not torch.equal(before, model[0].weight)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="4 parameters"):
        QuantumLayer(CIRCUIT, Z, ExactSimulator(), params=[0.0])
    ties = tied_ansatz("u3+cu3", 2).ties
    with pytest.raises(InputError, match="ties of 18"):
        QuantumLayer(CIRCUIT, Z, ExactSimulator(), params=[0.0] * 4, ties=ties)
    layer = QuantumLayer(CIRCUIT, Z, ExactSimulator(), params=[0.0] * 4)
    for wrong in (None, torch.zeros(4)):
        with pytest.raises(InputError, match="takes 3 features"):
            layer(wrong)


def test_torch_is_not_imported_with_the_rest():
    text = "import sys, qas.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


def test_an_unlowered_circuit_runs_through_the_runtime():
    patch = load_device("FakeManilaV2").patch([1, 2])
    backend = RuntimeBackend(local_chip(patch, idle=False), 4000, 0, seed=3)
    circuit = Circuit(2).then("ry", 0, input=0).then("ry", 1).then("cx", 0, 1)
    z = [Observable.of(["ZI"], [1.0])]
    layers = [
        QuantumLayer(circuit, z, own, params=[0.4])
        for own in (backend, NoisySimulator(patch, readout=True))
    ]
    sample = torch.tensor([[0.7]], dtype=torch.float64)
    measured, exact = (layer(sample).item() for layer in layers)
    assert abs(measured - exact) < 5 / np.sqrt(4000)
