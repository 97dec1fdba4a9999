"""Laws of a loss in compiled code: as every sample by itself, and its slopes as differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from qas import Circuit, ExactSimulator, InputError, NoisySimulator, Observable, load_device
from qas.circuit import Population
from qas.device.population import lower_population
from qas.execute import Limits
from qas.task import Loss, paired_head

N = 3


@pytest.fixture(scope="module")
def patch():
    return load_device("FakeManilaV2").patch([1, 2, 3])


def make_loss(rng: np.random.Generator, n_samples: int = 11, n_classes: int = 3) -> Loss:
    encoder = Circuit(N)
    for number, axis in enumerate(("ry", "rz", "rx", "ry", "rx")):
        encoder = encoder.then(axis, number % N, input=number)
    encoder = encoder.then("cx", 0, 1).then("ry", 1, input=5)
    observables, head = paired_head(N, n_classes)
    inputs = rng.uniform(-np.pi, np.pi, (n_samples, 6))
    return Loss(encoder, inputs, rng.integers(0, n_classes, n_samples), observables, head)


def make_circuits(rng: np.random.Generator, count: int = 4) -> Population:
    """Circuits of different lengths, one of them empty."""
    made = [Circuit(N)]
    for _ in range(count - 1):
        circuit = Circuit(N)
        for _ in range(int(rng.integers(1, 9))):
            a = int(rng.integers(N - 1))
            circuit = circuit.then("ry", a).then("cx", a, a + 1).then("rx", a + 1)
        made.append(circuit)
    return Population.of(made, [rng.uniform(-3, 3, circuit.n_params) for circuit in made])


def sample_by_sample(simulator: NoisySimulator, loss: Loss, native: Circuit, params) -> float:
    """The obvious twin: every sample runs through encoder and circuit."""
    whole = simulator.device.lower(loss.encoder).append(native)
    values = simulator.estimate(whole, loss.observables, params, loss.inputs).mean
    return loss.of(values)


@pytest.mark.parametrize("options", [{}, {"readout": True}, {"scale": 3.0}, {"pessimistic": True}])
def test_a_loss_is_that_of_every_sample_by_itself(options, patch) -> None:
    rng = np.random.default_rng(1)
    loss, circuits = make_loss(rng), lower_population(make_circuits(rng), patch)
    simulator = NoisySimulator(patch, **options)
    found = simulator.values(circuits, loss)
    for row in range(len(circuits)):
        native, params = circuits.circuit(row)
        assert abs(found[row] - sample_by_sample(simulator, loss, native, params)) < 1e-12


def test_without_noise_it_is_that_of_state_vectors() -> None:
    rng = np.random.default_rng(2)
    loss, circuits = make_loss(rng), make_circuits(rng)
    found = ExactSimulator().values(circuits, loss)
    for row in range(len(circuits)):
        circuit, params = circuits.circuit(row)
        whole = loss.encoder.append(circuit)
        values = ExactSimulator().estimate(whole, loss.observables, params, loss.inputs).mean
        assert abs(found[row] - loss.of(values)) < 1e-12


@pytest.mark.parametrize("device", ["FakeManilaV2", "FakeSherbrooke", "FakeTorino"])
def test_slopes_are_differences(device: str) -> None:
    rng = np.random.default_rng(3)
    patch = load_device(device)
    patch = patch.patch(next(iter(_lines(patch))))
    loss = make_loss(rng)
    circuit, params = lower_population(make_circuits(rng), patch).circuit(3)
    simulator = NoisySimulator(patch)
    value, slope = simulator.value_and_grad(circuit, loss, params)
    assert value.shape == (1,)
    step = 1e-5 * np.eye(circuit.n_params)
    ends = [simulator.estimate(circuit, loss, params + sign * step).mean for sign in (1, -1)]
    assert np.allclose(slope[0], (ends[0] - ends[1]) / 2e-5, atol=1e-8)


def test_cross_entropy_is_torchs() -> None:
    rng = np.random.default_rng(4)
    loss = make_loss(rng, n_samples=40)
    values = rng.uniform(-1, 1, (40, N))
    tensor = torch.tensor(values, requires_grad=True)
    logits = tensor @ torch.tensor(loss.head).T
    mean = torch.nn.functional.cross_entropy(logits, torch.tensor(loss.labels))
    mean.backward()
    each, slope = loss.per_sample(values)
    assert abs(loss.of(values) - mean.item()) < 1e-12
    assert abs(each.mean() - mean.item()) < 1e-12
    assert np.allclose(slope / 40, tensor.grad.numpy(), atol=1e-14)


def test_descent_goes_down_and_is_charged_for_every_sample(patch) -> None:
    rng = np.random.default_rng(5)
    loss, circuits = make_loss(rng), lower_population(make_circuits(rng), patch)
    simulator = NoisySimulator(patch)
    found = simulator.minimise_population(circuits, loss, Limits(30))
    assert (found.energy <= simulator.values(circuits, loss) + 1e-12).all()
    there = simulator.values(circuits.with_angles(found.params), loss)
    assert np.allclose(there, found.energy, atol=1e-12)
    price = (1 + 2 * circuits.n_params) * loss.n_samples
    assert (found.evaluations == found.calls * price).all()
    one, params = circuits.circuit(3)
    again = simulator.minimise(one, loss, np.stack([params, params + 0.3]), Limits(30))
    assert abs(again.energy[0] - found.energy[3]) < 1e-9
    with pytest.raises(InputError, match="lbfgs"):
        simulator.minimise(one, loss, params, method="rotosolve")


def test_threads_and_batches_do_not_change_a_loss(patch) -> None:
    rng = np.random.default_rng(6)
    loss, circuits = make_loss(rng), lower_population(make_circuits(rng, 7), patch)
    simulator = NoisySimulator(patch)
    together = simulator.values(circuits, loss, threads=2)
    apart = [simulator.values(circuits[[row]], loss)[0] for row in range(7)]
    assert together.tolist() == apart


def test_losses_are_equal_by_content_and_parts_add_up() -> None:
    loss = make_loss(np.random.default_rng(7))
    assert loss == make_loss(np.random.default_rng(7))
    assert loss != make_loss(np.random.default_rng(8))
    values = np.random.default_rng(9).uniform(-1, 1, (11, N))
    parts = [loss.some([k]).of(values[[k]]) for k in range(11)]
    assert abs(np.mean(parts) - loss.of(values)) < 1e-12
    right = loss.predicted(values) == loss.labels
    assert loss.accuracy(values) == right.mean()
    assert loss.of(values) <= loss.bound()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"labels": np.array([0, 1])}, "as many labels"),
        ({"labels": np.full(11, 0.9)}, "whole numbers"),
        ({"head": np.full((3, 3), np.nan)}, "NaN or infinity"),
        ({"observables": ()}, "at least one observable"),
        ({"labels": np.full(11, 3)}, "labels are 0..2"),
        ({"inputs": np.zeros((11, 5))}, "takes 6 data inputs"),
        ({"encoder": Circuit(N).then("ry", 0)}, "no data inputs"),
        ({"head": np.ones((3, 2))}, "a column for each"),
        ({"observables": (Observable.of(["ZZ"], [1.0]),) * 3}, "same number of qubits"),
    ],
)
def test_wrong_losses_are_refused(change, match: str) -> None:
    loss = make_loss(np.random.default_rng(0))
    fields = {name: getattr(loss, name) for name in loss.__dataclass_fields__}
    with pytest.raises(InputError, match=match):
        Loss(**{**fields, **change})


def test_a_loss_owns_its_arrays() -> None:
    loss = make_loss(np.random.default_rng(10))
    inputs, head = np.array(loss.inputs), np.array(loss.head)
    own = Loss(loss.encoder, inputs, loss.labels, loss.observables, head)
    inputs[:] = 0.0
    head[:] = 0.0
    assert own == loss
    assert np.array_equal(own.inputs, loss.inputs)
    assert np.array_equal(own.head, loss.head)


def test_a_loss_brings_its_own_samples(patch) -> None:
    loss = make_loss(np.random.default_rng(11))
    for simulator in (ExactSimulator(), NoisySimulator(patch)):
        for ask in (simulator.estimate, simulator.value_and_grad):
            with pytest.raises(InputError, match="brings its samples"):
                ask(Circuit(N), loss, [], loss.inputs)


def test_a_qubit_that_is_left_over_counts_for_no_class() -> None:
    _, head = paired_head(4, 3)
    assert head.tolist() == np.eye(4)[:3].tolist()
    with pytest.raises(InputError, match="2 to 4 classes"):
        paired_head(4, 5)


def _lines(device):
    """Lines of three coupled qubits."""
    for a, b in device.couplings:
        for c in device.neighbours(b):
            if c not in (a, b):
                yield a, b, c
