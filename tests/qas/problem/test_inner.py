"""Inner optimisers: one suite for all of them, and the laws of each."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import qas
import qas.problem.inner as inner
from qas.circuit import Population
from qas.device.population import lower_population
from qas.errors import InputError
from qas.execute import ExactSimulator, Limits, NoisySimulator, SampledSimulator
from qas.execute.objective import objective
from qas.problem import FINE, NORMAL, dressed
from qas.problem.inner import INNER, AdamSPSA, Cobyla, Gradient, make_inner

SHORT = AdamSPSA(stages=((61, 0.1), (40, 1.0)))
OBSERVABLE = qas.load_task("h2-4").observable
PATCH = qas.load_device("FakeManilaV2").patch([0, 1, 2, 3])
HARTREE_FOCK = min(OBSERVABLE.basis_energy(f"{bits:04b}") for bits in range(16))

# At zero angles the Hartree-Fock determinant 0101.
CIRCUIT = dressed(qas.Circuit(4).then("x", 0).then("x", 2).then("ry", 1), [(1, 3), (1, 0), (1, 2)])
FIXED = qas.Circuit(4).then("x", 0).then("x", 2).then("ry", 1, angle=0.3)


def population(spread: float = 0.4, count: int = 3) -> Population:
    """Copies of the circuit at small random angles, and one without free angles."""
    rng = np.random.default_rng(7)
    angles = [rng.normal(0, spread, CIRCUIT.n_params) for _ in range(count)]
    return Population.of([*[CIRCUIT] * count, FIXED], [*angles, []])


def line(count: int = 2) -> Population:
    """Native circuits on the patch, all their angles free."""
    circuit = dressed(qas.Circuit(4).then("x", 0).then("x", 1), [(1, 2), (2, 3)])
    rng = np.random.default_rng(7)
    angles = [rng.normal(0, 0.4, circuit.n_params) for _ in range(count)]
    return lower_population(Population.of([circuit] * count, angles), PATCH)


class Counting(ExactSimulator):
    """Writes down every value, and every descent with its price."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def values(self, population: Population, *args: Any, **options: Any) -> Any:
        self.total += len(population)
        return super().values(population, *args, **options)

    def minimise_population(self, population: Population, *args: Any, **options: Any) -> Any:
        found = super().minimise_population(population, *args, **options)
        self.total += int((found.calls * (1 + 2 * population.n_params)).sum())
        return found


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    simulator = Counting()

    def counted(*args: Any) -> Any:
        energy = objective(*args)

        def measured(free: Any) -> float:
            simulator.total += 1
            return energy(free)

        return measured

    monkeypatch.setattr(inner, "objective", counted)
    return simulator


ALL = [Gradient(), Gradient(kicks=(0.0, 0.3)), Cobyla(evaluations=300), SHORT]


@pytest.mark.parametrize("optimiser", ALL, ids=repr)
class TestEvery:
    def test_evaluations_are_counted_exactly(self, optimiser: Any, counting: Counting) -> None:
        found = optimiser(counting, population(), OBSERVABLE, np.random.default_rng(0))
        assert found.evaluations.dtype == found.calls.dtype == np.int64
        assert found.evaluations.sum() == counting.total
        assert found.evaluations[-1] == 1
        assert (found.evaluations[:-1] > 10).all()

    @pytest.mark.parametrize("noise", [False, True])
    def test_energies_stand_at_the_angles_and_never_above_the_start(
        self, optimiser: Any, noise: bool
    ) -> None:
        simulator = NoisySimulator(PATCH) if noise else ExactSimulator()
        start = line() if noise else population()
        found = optimiser(simulator, start, OBSERVABLE, np.random.default_rng(0))
        end = start.with_angles(found.angles)
        np.testing.assert_array_equal(end.angles, found.angles)
        np.testing.assert_allclose(simulator.values(end, OBSERVABLE), found.energy, atol=1e-12)
        before = simulator.values(start, OBSERVABLE)
        moving = start.n_params > 0
        assert (found.energy[moving] <= before[moving]).all()
        assert found.energy[moving].mean() < before[moving].mean() - 1e-3
        np.testing.assert_allclose(found.energy[~moving], before[~moving], atol=1e-12)

    def test_equal_generators_give_equal_results(self, optimiser: Any) -> None:
        made = [
            optimiser(ExactSimulator(), population(), OBSERVABLE, np.random.default_rng(3))
            for _ in range(2)
        ]
        np.testing.assert_array_equal(made[0].angles, made[1].angles)
        np.testing.assert_array_equal(made[0].energy, made[1].energy)

    def test_whatever_is_left_every_circuit_is_measured(
        self, optimiser: Any, counting: Counting
    ) -> None:
        start, rng = population(), np.random.default_rng(0)
        late = optimiser(counting, start, OBSERVABLE, rng, deadline=time.monotonic() - 1)
        exact = ExactSimulator().values(start.with_angles(late.angles), OBSERVABLE)
        np.testing.assert_allclose(late.energy, exact, atol=1e-12)
        assert late.evaluations.sum() == counting.total
        poor = optimiser(counting, start, OBSERVABLE, rng, most=1)
        assert np.isfinite(poor.energy).all()
        price = 1 + 2 * CIRCUIT.n_params if isinstance(optimiser, Gradient) else 1
        assert (poor.evaluations <= 2 * price).all()

    def test_more_than_was_allowed_is_hardly_spent(self, optimiser: Any) -> None:
        start, rng = population(), np.random.default_rng(0)
        found = optimiser(ExactSimulator(), start, OBSERVABLE, rng, most=150)
        slack = 2 * len(start) * (1 + 2 * CIRCUIT.n_params) * isinstance(optimiser, Gradient)
        assert 30 < found.evaluations.sum() <= 150 + slack


@pytest.mark.parametrize("name", INNER)
def test_by_name_each_comes_below_hartree_fock(name: str) -> None:
    optimiser, start = make_inner(name), population(0.05, 2)
    assert optimiser.name == name
    at_zero = ExactSimulator().values(start.with_angles(0 * start.angles), OBSERVABLE)
    assert at_zero[:2] == pytest.approx(HARTREE_FOCK, abs=1e-12)
    found = optimiser(ExactSimulator(), start, OBSERVABLE, np.random.default_rng(1))
    assert (found.energy[:2] < HARTREE_FOCK - 1e-3).all()


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"gradient, cobyla, spsa.*'adam'"):
        make_inner("adam")


def test_one_gradient_descent_is_minimise_population() -> None:
    start = population()
    found = Gradient(FINE)(ExactSimulator(), start, OBSERVABLE, np.random.default_rng(0))
    limits = Limits(FINE.iterations, FINE.tolerance, FINE.slope)
    plain = ExactSimulator().minimise_population(start, OBSERVABLE, limits)
    np.testing.assert_array_equal(found.angles, plain.params)
    np.testing.assert_array_equal(found.energy, plain.energy)
    np.testing.assert_array_equal(found.evaluations, plain.evaluations)
    np.testing.assert_array_equal(found.calls, plain.calls)


def test_more_kicks_are_never_worse() -> None:
    start, energies = population(0.8), []
    for kicks in ((0.0,), (0.0, 0.5), (0.0, 0.5, 1.0, 1.0)):
        rng = np.random.default_rng(5)
        energies.append(Gradient(NORMAL, kicks)(ExactSimulator(), start, OBSERVABLE, rng).energy)
    assert (np.diff(energies, axis=0) <= 0).all()
    assert (np.array(energies[-1]) < energies[0]).any()


def test_slopes_are_not_to_be_had_from_shots() -> None:
    sampled = SampledSimulator(NoisySimulator(PATCH))
    with pytest.raises(InputError, match=r"Cobyla or AdamSPSA"):
        Gradient()(sampled, line(), OBSERVABLE, np.random.default_rng(0))


@pytest.mark.parametrize("kicks", [(), (-0.1,), (np.inf,)])
def test_bad_kicks_are_refused(kicks: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="kicks"):
        Gradient(kicks=kicks)


@pytest.mark.parametrize("optimiser", [Cobyla(evaluations=200), AdamSPSA()], ids=repr)
def test_with_shots_the_start_is_improved_upon(optimiser: Any) -> None:
    """As the exact values at both points tell; and the energy given is honest."""
    noisy, start = NoisySimulator(PATCH, readout=True), line()
    sampled = SampledSimulator(noisy, shots=2000)
    found = optimiser(sampled, start, OBSERVABLE, np.random.default_rng(2))
    exact = noisy.values(start.with_angles(found.angles), OBSERVABLE)
    assert (exact < noisy.values(start, OBSERVABLE) - 0.02).all()
    error = sampled.values(start.with_angles(found.angles), OBSERVABLE).stderr
    assert (abs(found.energy - exact) < 5 * error).all()
    again = optimiser(sampled, start, OBSERVABLE, np.random.default_rng(2))
    np.testing.assert_array_equal(again.energy, found.energy)


@dataclass(frozen=True)
class Watched(SampledSimulator):
    """Writes down (shots, seed, circuits) of every measurement."""

    log: list[tuple[int, int, int]] = field(default_factory=list)

    def values(self, population: Population, *args: Any, **options: Any) -> Any:
        self.log.append((self.shots, self.seed, len(population)))
        return super().values(population, *args, **options)


def test_stages_share_the_shots_and_every_measurement_has_fresh_ones() -> None:
    watched = Watched(NoisySimulator(PATCH), shots=50)
    spsa = AdamSPSA(stages=((9, 0.001), (1, 0.2), (6, 0.5), (3, 1.0)))
    found = spsa(watched, line(), OBSERVABLE, np.random.default_rng(0))
    shots, seeds, sizes = zip(*watched.log, strict=True)
    assert shots == (1,) * 4 + (25,) * 3 + (50,) + (50,)
    assert len(set(seeds)) == len(seeds)
    assert sizes == (4,) * 8 + (8,)  # both points of two circuits; then start and stages
    assert found.evaluations.tolist() == [sum(sizes) // 2] * 2


@pytest.mark.parametrize("stages", [((10, 0.0),), ((10, 1.5),), ((-1, 1.0),)])
def test_bad_stages_are_refused(stages: Any) -> None:
    with pytest.raises(InputError, match="stages"):
        AdamSPSA(stages=stages)


@pytest.mark.parametrize("lowered", [False, True])
def test_an_objective_is_the_simulators_value(lowered: bool) -> None:
    """Call after call: nothing of one remains in the next."""
    logical = population(0.5, 1)[:1] if not lowered else line(1)
    chain = Population.of([dressed(qas.Circuit(4), [(0, 1), (1, 2)])])
    cases = [(ExactSimulator(), logical), (NoisySimulator(PATCH), line(1) if lowered else chain)]
    rng = np.random.default_rng(0)
    for simulator, one in cases:
        energy = objective(simulator, one, OBSERVABLE)
        for _ in range(4):
            angles = rng.normal(size=one.angles.shape)
            expected = simulator.values(one.with_angles(angles), OBSERVABLE)[0]
            assert energy(angles[one.free]) == pytest.approx(expected, abs=1e-13)


def test_an_objective_says_what_does_not_fit() -> None:
    with pytest.raises(InputError, match="one circuit"):
        objective(ExactSimulator(), population(), OBSERVABLE)
    with pytest.raises(InputError, match="observable has 1"):
        objective(ExactSimulator(), population()[:1], qas.Observable.of(["Z"], [1.0]))
