"""The Runtime's Estimator in local mode: counts, errors, mitigation, seeds, splitting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from qas.circuit import Circuit
from qas.device import Device, load_device
from qas.errors import InputError
from qas.execute import Backend, NoisySimulator
from qas.execute.chip import hardware_chip, local_chip
from qas.execute.cost import ShotBackend
from qas.execute.runtime import RuntimeBackend, _seed31
from qas.execute.runtime_result import recorded, shots_of, terms_of
from qas.execute.shot_noise import mean_and_stderr
from qas.task import Observable

H2 = Observable.of(["II", "IZ", "ZI", "ZZ", "XX"], [-0.33, 0.398, -0.398, -0.0113, 0.181])
ROWS = np.array([[0.1, 2.7, 0.2], [1.0, 1.2, -0.4]])


def native() -> Circuit:
    first = Circuit(2).then("rz", 0).then("sx", 0).then("rz", 0).then("sx", 0).then("rz", 0)
    return first.then("cx", 0, 1)


@pytest.fixture(scope="module")
def device() -> Device:
    """Manila's qubits 1 and 2 with readout errors that cannot be overlooked."""
    patch = load_device("FakeManilaV2").patch([1, 2])
    return replace(patch, qubits=tuple(replace(q, p01=0.09, p10=0.03) for q in patch.qubits))


@pytest.fixture(scope="module")
def backend(device: Device) -> RuntimeBackend:
    return RuntimeBackend(local_chip(device), shots=512, seed=7)


def test_roles(backend: RuntimeBackend) -> None:
    assert isinstance(backend, Backend)
    assert isinstance(backend, ShotBackend)
    assert backend.name == "local"


def test_mitigation_reduces_the_bias_of_readout(device: Device, backend: RuntimeBackend) -> None:
    truth = NoisySimulator(device, idle=True).estimate(native(), H2, ROWS).mean
    biased = NoisySimulator(device, idle=True, readout=True).estimate(native(), H2, ROWS).mean
    many = replace(backend, shots=40_000)
    raw = replace(many, resilience_level=0).estimate(native(), H2, ROWS)
    mitigated = many.estimate(native(), H2, ROWS)
    assert np.abs(raw.mean - biased).max() < 4 * raw.stderr.max() + 2e-3
    assert np.abs(biased - truth).min() > 0.012
    # What remains is the Runtime's: it takes the flip rate p as a generator's rate, exp(-2p).
    assert np.abs(mitigated.mean - truth).max() < 4 * mitigated.stderr.max() + 4e-3


@pytest.mark.parametrize(("level", "shots"), [(0, 300), (1, 300), (1, 40)])
def test_errors_are_honest(backend: RuntimeBackend, level: int, shots: int) -> None:
    """Squared deviations from the mean over seeds agree with the reported errors."""
    few = replace(backend, shots=shots, resilience_level=level)
    runs = [few.with_seed(s).estimate(native(), H2, ROWS) for s in range(25)]
    means, errors = np.stack([r.mean for r in runs]), np.stack([r.stderr for r in runs])
    chi2 = ((means - means.mean(axis=0)) ** 2).sum() / (errors**2).mean(axis=0).mean() / 24 / 2
    assert 0.6 < chi2 < 1.6


def test_correlated_terms_share_their_shots(device: Device) -> None:
    """ZI + IZ of a Bell pair is 2, 0 or -2: twice the variance of independent terms."""
    chip = local_chip(load_device("ideal").patch([0, 1]))
    bell = Circuit(2).then("ry", 0, angle=np.pi / 2).then("cx", 0, 1)
    level0 = RuntimeBackend(chip, 1000, resilience_level=0, seed=0)
    plus, minus = Observable.of(["ZI", "IZ"], [1, 1]), Observable.of(["ZI", "IZ"], [1, -1])
    got = level0.estimate(bell, [plus, minus], [[]])
    assert got.stderr[0, 0] == pytest.approx(2 / np.sqrt(1000), rel=0.02)
    assert got.stderr[0, 1] == 0


@pytest.mark.parametrize("level", [0, 1])
def test_means_are_the_estimators_own(backend: RuntimeBackend, level: int) -> None:
    from qiskit.quantum_info import SparsePauliOp

    one = replace(backend, resilience_level=level)
    operator = SparsePauliOp(list(H2.paulis), list(H2.coeffs))
    estimator = one._estimator(0)
    job = estimator.run([(one.chip.place(native()), operator, ROWS)])
    data = job.result()[0].data
    mean, stderr = mean_and_stderr(shots_of(recorded(job)), terms_of(operator))
    got = one.estimate(native(), H2, ROWS)
    np.testing.assert_array_equal(got.mean, data.evs)
    np.testing.assert_allclose(mean, data.evs, atol=1e-12)
    np.testing.assert_array_equal(stderr, got.stderr)


@pytest.mark.parametrize(("level", "shots"), [(0, 100), (1, 100), (1, 2500), (2, 64)])
def test_counts_are_what_was_executed(
    backend: RuntimeBackend, level: int, shots: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Price in advance = circuits and shots that reach Aer's sampler."""
    from qiskit_aer.primitives import SamplerV2

    executed = []
    run = SamplerV2.run

    def counting(self: SamplerV2, pubs: list, **options: object) -> object:
        executed.extend((pub.parameter_values.size, pub.shots) for pub in pubs)
        return run(self, pubs, **options)

    monkeypatch.setattr(SamplerV2, "run", counting)
    some = replace(backend, resilience_level=level, shots=shots)
    price = some.cost(native(), H2, 2)
    got = some.estimate(native(), H2, ROWS)
    assert (got.circuits, got.shots) == (price.circuits, price.shots)
    assert got.circuits == sum(n for n, _ in executed)
    assert got.shots == sum(n * s for n, s in executed)
    bases, rows = 2, 2
    if level == 0:
        assert (got.circuits, got.shots) == (rows * bases, rows * bases * shots)
    if level == 1:
        twirls = 16 if shots == 100 else 32
        assert got.circuits == (rows * bases + 1) * twirls
        assert got.shots >= (rows * bases + 1) * shots


def test_several_observables_cost_their_common_bases(backend: RuntimeBackend) -> None:
    parts = [Observable.of(["ZI"], [1.0]), Observable.of(["ZZ"], [0.5])]
    got = backend.estimate(native(), parts, ROWS)
    alone = backend.estimate(native(), parts[0], ROWS)
    assert got.mean.shape == got.stderr.shape == (2, 2)
    assert got.shots == alone.shots


def test_same_seed_same_shots(backend: RuntimeBackend) -> None:
    first, again, other = (
        backend.with_seed(s).estimate(native(), H2, ROWS).mean for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()
    assert len({_seed31(seed, part) for seed in range(100) for part in range(10)}) == 1000


def test_angles_are_not_rounded(device: Device) -> None:
    """The Runtime's default rounds to 8e-6 radians; a 1e-6 turn must still arrive."""
    options = RuntimeBackend(local_chip(device))._estimator().options
    assert options.simulator.angle_decimals >= 12


def test_large_requests_are_split_by_rows(backend: RuntimeBackend) -> None:
    rows = np.tile(ROWS[0], (5, 1))
    per_row, calibration = 2 * 16 * 32, 16 * 32
    small = replace(backend, max_executions=2 * per_row + calibration, shots=512)
    price = small.cost(native(), H2, 5)
    assert price.jobs == 3
    assert price.shots == 5 * per_row + 3 * calibration
    got = small.estimate(native(), H2, rows)
    assert (got.shots, got.circuits) == (price.shots, price.circuits)
    assert len(set(got.mean)) == 5
    with pytest.raises(InputError, match="fewer shots"):
        replace(backend, max_executions=600).cost(native(), H2, 1)


@pytest.mark.parametrize("mode", ["batch", "session"])
def test_modes_agree(backend: RuntimeBackend, mode: str) -> None:
    expected = backend.estimate(native(), H2, ROWS).mean
    other = replace(backend, mode=mode)
    np.testing.assert_array_equal(other.estimate(native(), H2, ROWS).mean, expected)
    with other.opened() as open_backend:
        assert open_backend.connection is not None
        np.testing.assert_array_equal(open_backend.estimate(native(), H2, ROWS).mean, expected)


def test_on_a_whole_machine_the_patch_keeps_its_meaning() -> None:
    """A fake machine stands in for hardware: reversed patch, observable not symmetric."""
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    patch = load_device("FakeManilaV2").patch([3, 2])
    backend = RuntimeBackend(hardware_chip(FakeManilaV2(), patch), 2000, seed=1)
    z0, z1 = Observable.of(["IZ"], [1.0]), Observable.of(["ZI"], [1.0])
    got = backend.estimate(Circuit(2).then("x", 0), [z0, z1], [[]])
    np.testing.assert_allclose(got.mean, [[-1.0, 1.0]], atol=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shots": 0}, "shots"),
        ({"shots": 1.5}, "shots"),
        ({"shots": True}, "shots"),
        ({"shots": 10**9}, "limit"),
        ({"mode": "now"}, "mode is job"),
        ({"resilience_level": 3}, "resilience level"),
    ],
)
def test_bad_settings_are_refused(
    backend: RuntimeBackend, change: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        replace(backend, **change)


def test_misfits_are_refused(backend: RuntimeBackend) -> None:
    with pytest.raises(InputError, match="3 qubits"):
        backend.estimate(Circuit(3), Observable.of(["ZZZ"], [1.0]), [[]])
    with pytest.raises(InputError, match="observable has 3"):
        backend.estimate(native(), Observable.of(["ZZZ"], [1.0]), ROWS)
    with pytest.raises(InputError, match="has no ry"):
        backend.estimate(Circuit(2).then("ry", 0), H2, [[0.1]])
    with pytest.raises(InputError, match="free angles"):
        backend.estimate(native(), H2, [[0.1]])
    with pytest.raises(InputError, match="data inputs"):
        backend.estimate(native(), H2, ROWS, inputs=[[1.0]])
    with pytest.raises(InputError, match="no observable"):
        backend.estimate(native(), [], ROWS)


def test_refusals_of_the_service_are_explained_without_secrets(
    backend: RuntimeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qiskit_ibm_runtime.exceptions import IBMInputValueError, IBMNotAuthorizedError
    from qiskit_ibm_runtime.executor_estimator import Estimator

    for raised, message in (
        (IBMNotAuthorizedError("token canary-42"), "refused the job: check the account"),
        (IBMInputValueError("too many parameters"), "too many parameters"),
    ):

        def refuse(*_: object, error: Exception = raised, **__: object) -> None:
            raise error

        monkeypatch.setattr(Estimator, "run", refuse)
        with pytest.raises(InputError, match=message) as caught:
            backend.estimate(native(), H2, ROWS)
        assert "canary" not in str(caught.value)


def test_wrong_results_are_refused(
    backend: RuntimeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qas.execute import runtime

    read = runtime.read

    def without_a_row(job: object, operators: list) -> object:
        part = read(job, operators)
        return replace(part, mean=part.mean[:1], stderr=part.stderr[:1])

    monkeypatch.setattr(runtime, "read", without_a_row)
    with pytest.raises(RuntimeError, match="nothing of this request is used"):
        backend.estimate(native(), H2, ROWS)


def test_a_training_without_mitigation_may_take_many_requests(device: Device) -> None:
    """Equal circuits are one object for the Runtime, which else gives up at the 14th."""
    plain = RuntimeBackend(local_chip(device), shots=16, resilience_level=0)
    for seed in range(16):
        plain.with_seed(seed).estimate(native(), H2, ROWS[:1])
    assert plain.chip.place(native()) is plain.chip.place(native())


def test_data_inputs_may_have_gaps(device: Device, backend: RuntimeBackend) -> None:
    circuit = native().then("rz", 0, input=2).then("sx", 0).then("rz", 1, input=0)
    many = replace(backend, shots=20_000, resilience_level=0, chip=local_chip(device, idle=False))
    inputs = np.array([[0.3, 9.9, 1.1], [0.0, -9.9, 0.4]])
    exact = NoisySimulator(device, readout=True).estimate(circuit, H2, ROWS, inputs)
    found = many.estimate(circuit, H2, ROWS, inputs)
    assert (np.abs(found.mean - exact.mean) < 5 * found.stderr).all()


def test_a_chip_with_another_placement_places_anew(device: Device) -> None:
    chip = local_chip(device)
    chip.place(native())
    turned = replace(chip, placement=chip.placement[::-1])
    pairs = [chip.place(native()).data[-1].qubits, turned.place(native()).data[-1].qubits]
    assert pairs[0] == pairs[1][::-1]
