"""Laws of the simulators, over random circuits on a cx, an ecr and a cz machine."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.quantum_info import DensityMatrix, Operator, Statevector

from qas import (
    AerSimulator,
    Circuit,
    ExactSimulator,
    InputError,
    NoisySimulator,
    Observable,
    load_device,
    load_task,
)

PATCHES = {
    "cx": ("FakeManilaV2", [1, 2, 3, 4]),
    "ecr": ("FakeSherbrooke", [2, 1, 0, 14]),
    "cz": ("FakeTorino", [3, 4, 5, 6]),
}


@pytest.fixture(params=PATCHES)
def patch(request):
    name, qubits = PATCHES[request.param]
    return load_device(name).patch(qubits)


def random_circuit(
    patch, rng, size=24, names=("rx", "ry", "rz", "h", "sx", "x", "t", "cx", "cz", "ecr")
):
    """Gates drawn at random; two-qubit ones on coupled pairs in either direction."""
    circuit = Circuit(patch.n_qubits)
    edges = [*patch.couplings, *[(b, a) for a, b in patch.couplings]]
    for _ in range(size):
        name = names[rng.integers(len(names))]
        if name in ("cx", "cz", "ecr"):
            circuit = circuit.then(name, *edges[rng.integers(len(edges))])
        else:
            angle = None
            if name in ("rx", "ry", "rz") and rng.random() < 0.2:
                angle = float(rng.uniform(-7, 7))
            circuit = circuit.then(name, int(rng.integers(patch.n_qubits)), angle=angle)
    return circuit


def random_observable(n_qubits, rng, terms=12):
    paulis = ["".join(rng.choice(list("IXYZ"), n_qubits)) for _ in range(terms)]
    return Observable.of(paulis, rng.normal(size=terms).tolist())


def angles(circuit, rng, batch=1):
    return rng.uniform(-np.pi, np.pi, (batch, circuit.n_params))


@pytest.mark.parametrize("seed", range(6))
def test_lowered_equals_logical_up_to_phase(patch, seed):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(patch, rng, size=30)
    lowering = patch.lowering(circuit)
    assert {g.name for g in lowering.native.gates} <= set(patch.native)
    for row in angles(circuit, rng, 3):
        native = lowering.native.bind(lowering.angles(row)[0])
        ideal = Operator(circuit.bind(row).to_qiskit())
        assert Operator(native.to_qiskit()).equiv(ideal)
    assert patch.lower(lowering.native) == lowering.native


@pytest.mark.parametrize("seed", range(4))
def test_noisy_equals_aer(patch, seed):
    rng = np.random.default_rng(seed)
    circuit, observable = random_circuit(patch, rng), random_observable(4, rng)
    params = angles(circuit, rng, 3)
    fast = NoisySimulator(patch).estimate(circuit, observable, params).mean
    np.testing.assert_allclose(
        fast, AerSimulator(patch).estimate(circuit, observable, params).mean, atol=1e-10
    )
    np.testing.assert_allclose(
        fast, AerSimulator(patch, kraus=False).estimate(circuit, observable, params).mean, atol=1e-7
    )


def test_noisy_equals_noise_model_from_backend(patch):
    """Against Qiskit's own model of the fake backend, on the physical qubits."""
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator as Aer
    from qiskit_aer.noise import NoiseModel
    from qiskit_ibm_runtime import fake_provider

    rng = np.random.default_rng(5)
    name = patch.name.split("[")[0].split(" ")[0]
    fakes = {
        "FakeManilaV2": "FakeManilaV2",
        "FakeSherbrooke": "FakeSherbrooke",
        "FakeTorino": "FakeTorino",
    }
    backend = getattr(
        fake_provider, next(f for f in fakes if f.lower().startswith(name.lower()[:9]))
    )()
    model = NoiseModel.from_backend(backend, readout_error=False)
    circuit, observable = random_circuit(patch, rng), random_observable(4, rng)
    row = angles(circuit, rng)[0]
    native = patch.lowering(circuit)
    chip = QuantumCircuit(backend.num_qubits)
    chip.compose(
        native.native.bind(native.angles(row)[0]).to_qiskit(),
        list(patch.physical_qubits),
        inplace=True,
    )
    # Aer drops qubits that no gate touches, so only the patch is simulated.
    used = QuantumCircuit(4)
    used.compose(native.native.bind(native.angles(row)[0]).to_qiskit(), inplace=True)
    small = NoiseModel(basis_gates=model.basis_gates)
    where = {p: i for i, p in enumerate(patch.physical_qubits)}
    for gate, errors in model._local_quantum_errors.items():
        for qubits, error in errors.items():
            if set(qubits) <= set(where):
                small.add_quantum_error(error, gate, [where[q] for q in qubits], warnings=False)
    used.save_density_matrix()
    state = (
        Aer(method="density_matrix", noise_model=small).run(used).result().data()["density_matrix"]
    )
    expected = DensityMatrix(state).expectation_value(observable.to_qiskit()).real
    mean = NoisySimulator(patch).estimate(circuit, observable, row).mean[0]
    assert abs(mean - expected) < 1e-7


@pytest.mark.parametrize("seed", range(3))
def test_gradient_is_shift_is_difference(patch, seed):
    rng = np.random.default_rng(seed)
    native, observable = patch.lower(random_circuit(patch, rng)), random_observable(4, rng)
    params = angles(native, rng)[0]
    for simulator in (
        NoisySimulator(patch),
        NoisySimulator(patch, pessimistic=True),
        ExactSimulator(),
    ):
        value, slope = simulator.value_and_grad(native, observable, params)
        assert value[0] == pytest.approx(
            simulator.estimate(native, observable, params).mean[0], abs=1e-12
        )
        eye = np.eye(len(params))
        plus = simulator.estimate(native, observable, params + np.pi / 2 * eye).mean
        minus = simulator.estimate(native, observable, params - np.pi / 2 * eye).mean
        np.testing.assert_allclose(slope[0], (plus - minus) / 2, atol=1e-11)
        step = 1e-5
        near = simulator.estimate(native, observable, params + step * eye).mean
        far = simulator.estimate(native, observable, params - step * eye).mean
        np.testing.assert_allclose(slope[0], (near - far) / (2 * step), atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_an_unlowered_circuit(patch, seed):
    rng = np.random.default_rng(seed)
    circuit, observable = random_circuit(patch, rng), random_observable(4, rng)
    params = angles(circuit, rng, 2)
    simulator = NoisySimulator(patch)
    _, slope = simulator.value_and_grad(circuit, observable, params)
    step = 1e-5
    for b, row in enumerate(params):
        shifts = step * np.eye(len(row))
        near = simulator.estimate(circuit, observable, row + shifts).mean
        far = simulator.estimate(circuit, observable, row - shifts).mean
        np.testing.assert_allclose(slope[b], (near - far) / (2 * step), atol=1e-7)


@pytest.mark.parametrize("seed", range(2))
def test_insertions_equal_full_simulation(patch, seed):
    rng = np.random.default_rng(seed)
    native, observable = patch.lower(random_circuit(patch, rng, 8)), random_observable(4, rng)
    params = angles(native, rng)[0]
    simulator = NoisySimulator(patch)
    scores = simulator.score_insertions(native, observable, params)
    assert len(scores) == (len(native.gates) + 1) * len(scores.gates)
    for index in rng.permutation(len(scores))[:120]:
        check_child(simulator, scores, int(index), observable)


def check_child(simulator, scores, index, observable):
    child, values = scores.child(index)
    assert simulator.estimate(child, observable, values).mean[0] == pytest.approx(
        scores.energy[index], abs=1e-10
    )
    if scores.gates[scores.choice[index]].is_free:
        at = child.free.index(int(scores.position[index]))
        grid = np.repeat(values[None], 41, axis=0)
        grid[:, at] = np.linspace(-np.pi, np.pi, 41)
        assert (
            simulator.estimate(child, observable, grid).mean.min() >= scores.energy[index] - 1e-12
        )


def test_exact_insertions_equal_full_simulation():
    rng = np.random.default_rng(1)
    device = load_device("ideal", n_qubits=3)
    circuit, observable = random_circuit(device, rng, 8), random_observable(3, rng)
    params = angles(circuit, rng)[0]
    exact = ExactSimulator()
    scores = exact.score_insertions(circuit, observable, params)
    for index in range(0, len(scores), 3):
        check_child(exact, scores, index, observable)
    noiseless = NoisySimulator(device)
    np.testing.assert_allclose(
        np.sort(noiseless.score_insertions(circuit, observable, params).energy),
        np.sort(scores.energy),
        atol=1e-10,
    )


def test_scale_zero_is_exact(patch):
    rng = np.random.default_rng(3)
    circuit, observable = random_circuit(patch, rng), random_observable(4, rng)
    params = angles(circuit, rng, 2)
    exact = ExactSimulator().estimate(circuit, observable, params).mean
    for options in ({}, {"readout": True}, {"pessimistic": True}):
        noisy = NoisySimulator(patch, scale=0.0, **options)
        np.testing.assert_allclose(
            noisy.estimate(circuit, observable, params).mean, exact, atol=1e-11
        )


def test_exact_equals_qiskit():
    rng = np.random.default_rng(4)
    device = load_device("ideal", n_qubits=5)
    circuit, observable = random_circuit(device, rng, 40), random_observable(5, rng)
    row = angles(circuit, rng)[0]
    state = Statevector(circuit.bind(row).to_qiskit())
    expected = state.expectation_value(observable.to_qiskit()).real
    assert ExactSimulator().estimate(circuit, observable, row).mean[0] == pytest.approx(
        expected, abs=1e-12
    )


def test_relabelling_qubits_changes_nothing(patch):
    rng = np.random.default_rng(6)
    circuit, observable = random_circuit(patch, rng), random_observable(4, rng)
    params = angles(circuit, rng)
    order = [2, 0, 3, 1]
    moved_patch = patch.patch([order.index(i) for i in range(4)])
    labels = ["".join(p[::-1][order.index(i)] for i in range(4))[::-1] for p in observable.paulis]
    moved = Observable.of(labels, observable.coeffs)
    here = NoisySimulator(patch).estimate(circuit, observable, params).mean
    there = NoisySimulator(moved_patch).estimate(circuit.relabelled(order), moved, params).mean
    np.testing.assert_allclose(here, there, atol=1e-12)


def test_readout_mixes_the_marginals(patch):
    """<Z_0 Z_3> with flips on both qubits, from the clean expectations."""
    rng = np.random.default_rng(7)
    circuit = random_circuit(patch, rng)
    params = angles(circuit, rng)

    def measured(label, **options):
        observable = Observable.of([label], [1.0])
        return NoisySimulator(patch, **options).estimate(circuit, observable, params).mean[0]

    gain = [1 - q.p01 - q.p10 for q in patch.qubits]
    bias = [q.p01 - q.p10 for q in patch.qubits]
    expected = gain[0] * gain[3] * measured("ZIIZ") + gain[0] * bias[3] * measured("IIIZ")
    expected += bias[0] * gain[3] * measured("ZIII") + bias[0] * bias[3]
    assert measured("ZIIZ", readout=True) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("pessimistic", [False, True])
def test_idle_decoherence_equals_aer(patch, pessimistic):
    """Against a density matrix in which every gate's channel and every wait is written out."""
    from qiskit.quantum_info import SuperOp
    from qiskit_aer.noise import depolarizing_error, thermal_relaxation_error

    from qas.device.schedule import idle_after
    from qas.execute.aer import noise_model

    rng = np.random.default_rng(8)
    native = patch.lower(random_circuit(patch, rng))
    params, observable = angles(native, rng)[0], random_observable(4, rng)
    local = noise_model(patch)._local_quantum_errors
    state = DensityMatrix.from_label("0000")
    bound = native.bind(params)
    for gate, waits in zip(bound.gates, idle_after(bound, patch), strict=True):
        state = state.evolve(Operator(gate.matrix()), list(gate.qubits))
        known = patch.gate(gate.name, gate.qubits)
        if pessimistic and known.duration > 0:
            d = 2 ** len(gate.qubits)
            p = min(known.error, d / (d + 1)) * d / (d - 1)
            state = state.evolve(SuperOp(depolarizing_error(p, len(gate.qubits))), gate.qubits)
            for q in gate.qubits:
                t = patch.qubits[q]
                relax = thermal_relaxation_error(t.t1, t.t2, known.duration)
                state = state.evolve(SuperOp(relax), [q])
        elif not pessimistic and gate.qubits in local.get(gate.name, {}):
            state = state.evolve(SuperOp(local[gate.name][gate.qubits]), list(gate.qubits))
        for q, wait in zip(gate.qubits, waits, strict=True):
            if wait > 0:
                t = patch.qubits[q]
                state = state.evolve(SuperOp(thermal_relaxation_error(t.t1, t.t2, wait)), [q])
    expected = state.expectation_value(observable.to_qiskit()).real
    simulator = NoisySimulator(patch, idle=True, pessimistic=pessimistic)
    assert simulator.estimate(native, observable, params).mean[0] == pytest.approx(
        expected, abs=1e-10
    )


def test_waits_are_qiskits_alap(patch):
    """The schedule against Qiskit's own pass, in units of dt."""
    from qiskit.circuit import Delay, Parameter
    from qiskit.transpiler import PassManager
    from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDelay

    from qas.device.schedule import idle_after
    from qas.execute.aer import target_of

    rng = np.random.default_rng(9)
    native = patch.lower(random_circuit(patch, rng, 14))
    circuit = native.bind(angles(native, rng)[0]).to_qiskit()
    target = target_of(patch)
    target.add_instruction(Delay(Parameter("t")), {(q,): None for q in range(4)})
    passes = PassManager([ALAPScheduleAnalysis(target=target), PadDelay(target=target)])
    theirs = np.zeros(4)
    seen = set()
    for item in passes.run(circuit).data:
        qubits = [circuit.find_bit(q).index for q in item.qubits]
        if item.operation.name != "delay":
            seen.update(qubits)
        elif qubits[0] in seen:  # the wait before a qubit's first gate is of no consequence
            unit = patch.dt if item.operation.unit == "dt" else 1.0
            theirs[qubits[0]] += item.operation.duration * unit
    ours = np.zeros(4)
    for gate, waits in zip(native.gates, idle_after(native, patch), strict=True):
        for q, wait in zip(gate.qubits, waits, strict=True):
            ours[q] += wait
    assert ours.max() > 0
    np.testing.assert_allclose(ours, theirs, atol=len(native.gates) * patch.dt)


def test_errors_teach(patch):
    simulator, observable = NoisySimulator(patch), load_task("h2").observable
    with pytest.raises(InputError, match="qubits"):
        simulator.estimate(Circuit(4).then("ry", 0), observable, [0.0])
    with pytest.raises(InputError, match="free angles"):
        simulator.estimate(Circuit(2).then("ry", 0), observable, [0.0, 1.0])
    with pytest.raises(InputError, match="finite"):
        simulator.estimate(Circuit(2).then("ry", 0), observable, [np.nan])
    with pytest.raises(InputError, match="share no edge"):
        simulator.estimate(
            Circuit(4).then("cx", 0, 3), random_observable(4, np.random.default_rng(0)), []
        )
