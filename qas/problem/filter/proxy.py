"""Proxies: what may be said of circuits before they are trained, for whole populations.

Of each proxy more is meant to be better. What they are worth is measured in
`results/filters`; the names are those of the literature:

- Clifford noise resilience: Anagolum et al. ("Elivagar"), ASPLOS 2024, section 5. There it is
  the fidelity of measured distributions of Clifford replicas, with shots. A VQE measures
  energies: here it is how little noise changes the exact energies of the replicas.
- Path count and expressibility: He et al. ("TF-QAS"), AAAI 2024, after Sim et al., Advanced
  Quantum Technologies 2, 1900070 (2019).
- Gradient norm: slopes that vanish everywhere leave nothing to train.
- Success, few pairs, short descent: what needs no paper, and what these have to beat.

Elivagar's representational capacity compares how far the states of different classes of
*data* lie from each other. A Hamiltonian task has neither data nor classes, so that it has no
counterpart here; it belongs to tasks with encoders.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, Population
from qas.device.population import lower_population
from qas.execute import ExactSimulator
from qas.problem.batch import score_batch
from qas.problem.cost import Meter
from qas.problem.inner import Gradient
from qas.problem.optimise import Effort
from qas.problem.problem import Layout, Problem
from qas.task import Observable

Reals = NDArray[np.float64]
CHUNK = 2**14
"""Circuits that are simulated at a time."""
_INVERSE = {"s": "sdg", "sdg": "s", "t": "tdg", "tdg": "t", "sx": "sxdg", "sxdg": "sx"}
_INVERSES = np.array(
    [*(GATE_NAMES.index(_INVERSE.get(name, name)) for name in GATE_NAMES), -1], dtype=np.int16
)


def clifford_noise_resilience(
    problem: Problem,
    layout: Layout,
    population: Population,
    rng: np.random.Generator,
    replicas: int = 32,
) -> Reals:
    """Minus the mean change, hartree, that noise makes to the energy of Clifford replicas.

    A replica is the native circuit with every free angle at a random multiple of pi/2, so
    that it could be simulated classically at any size. Exact energies stand in for shots.

    Args:
        problem: its task is measured under the noise of the layout.
        layout: physical qubits.
        population: un-lowered or native; their angles do not count. Shape (n_circuits,) comes out.
        rng: draws the replicas; all circuits get draws of their own.
        replicas: of each circuit.
    """
    native, observable = lower_population(population, problem.patch(layout)), _observable(problem)
    change = np.zeros(len(native))
    for _ in range(replicas):
        turns = (np.pi / 2 * rng.integers(4, size=native.angles.shape)).astype(np.float64)
        replica = native.with_angles(turns)
        noisy = problem.noisy(layout).values(replica, observable)
        change += np.abs(noisy - problem.exact.values(replica, observable))
    return -change / replicas


def expressibility(population: Population, rng: np.random.Generator, pairs: int = 200) -> Reals:
    """Minus the Kullback-Leibler divergence of the circuits' fidelities from Haar's, (n_circuits,).

    D(P || P_Haar) of the histogram, in 75 bins, of F = |<psi(a)|psi(b)>|^2 for angles a and b
    drawn evenly; P_Haar(F) = (N - 1) (1 - F)^(N - 2) for states of dimension N. Noise-free
    and independent of the task. Sampling alone makes the divergence larger, by about (filled
    bins) / (2 pairs): compare circuits at the same number of pairs.

    Args:
        population: un-lowered.
        rng: draws angles.
        pairs: fidelities of each circuit.
    """
    fidelities = np.empty((len(population), pairs))
    step = max(1, CHUNK // pairs)
    for begin in range(0, len(population), step):
        some = slice(begin, begin + step)
        fidelities[some] = _fidelities(population[some], rng, pairs)
    return -_divergence(fidelities, 2**population.n_qubits)


def _fidelities(population: Population, rng: np.random.Generator, pairs: int) -> Reals:
    """|<psi(a)|psi(b)>|^2 as the probability to come back to |0...0>, (n_circuits, pairs)."""
    many = population[np.repeat(np.arange(len(population)), pairs)]
    there, back = (
        many.with_angles(rng.uniform(-np.pi, np.pi, many.angles.shape)) for _ in range(2)
    )
    echo = _joined(there, _inverse(back))
    found = ExactSimulator().values(echo, _projector(population.n_qubits))
    return np.clip(found, 0.0, 1.0).reshape(len(population), pairs)


def _inverse(population: Population) -> Population:
    """The inverse circuits; rows past the end come first, where they do not belong yet."""
    gates = population.gates[:, ::-1].copy()
    gates[..., 0] = _INVERSES[gates[..., 0]]
    angles, free = population.angles[:, ::-1], population.free[:, ::-1]
    return Population(population.n_qubits, gates, -angles, free)


def _joined(first: Population, second: Population) -> Population:
    """Each circuit of the one followed by that of the other, rows without a gate put last."""
    gates = np.concatenate([first.gates, second.gates], axis=1)
    order = np.argsort(gates[..., 0] < 0, axis=1, kind="stable")
    angles, free = (
        np.take_along_axis(np.concatenate([a, b], axis=1), order, axis=1)
        for a, b in ((first.angles, second.angles), (first.free, second.free))
    )
    rows = np.take_along_axis(gates, order[..., None], axis=1)
    return Population(first.n_qubits, rows, angles, free)


def _projector(n_qubits: int) -> Observable:
    """|0...0><0...0| = prod (1 + Z_q) / 2."""
    texts = [
        format(k, f"0{n_qubits}b").translate(str.maketrans("01", "IZ")) for k in range(2**n_qubits)
    ]
    return Observable.of(texts, [2.0**-n_qubits] * len(texts))


def _divergence(fidelities: Reals, dimension: int, bins: int = 75) -> Reals:
    """KL divergence of each row's histogram from Haar's, shape (rows,)."""
    place = np.minimum((fidelities * bins).astype(np.int64), bins - 1)
    rows = np.arange(len(fidelities))[:, None] * bins
    counts = np.bincount((rows + place).reshape(-1), minlength=len(fidelities) * bins)
    share = counts.reshape(len(fidelities), bins) / fidelities.shape[1]
    edges = np.linspace(0.0, 1.0, bins + 1)
    haar = (1 - edges[:-1]) ** (dimension - 1) - (1 - edges[1:]) ** (dimension - 1)
    terms = share * (np.log(np.where(share > 0, share, 1.0)) - np.log(haar))
    result: Reals = terms.sum(axis=1)
    return result


def path_count(population: Population) -> Reals:
    """Logarithm (base 2) of the number of paths from inputs to outputs, shape (n_circuits,).

    Gates are nodes, wires between them edges; only gates on two qubits make paths branch.
    """
    paths = np.zeros((len(population), population.n_qubits))  # log2 of the paths up to each wire
    for at in range(population.gates.shape[1]):
        row = np.flatnonzero(population.gates[:, at, 2] >= 0)
        a, b = population.gates[row, at, 1], population.gates[row, at, 2]
        paths[row, a] = paths[row, b] = np.logaddexp2(paths[row, a], paths[row, b])
    result: Reals = np.logaddexp2.reduce(paths, axis=1)
    return result


def gradient_norm(
    problem: Problem,
    layout: Layout,
    population: Population,
    rng: np.random.Generator,
    draws: int = 4,
) -> Reals:
    """Mean length of the gradient in native angles at random ones, hartree per radian.

    Args:
        problem: its task is measured under the noise of the layout.
        layout: physical qubits.
        population: un-lowered or native. Shape (n_circuits,) comes out.
        rng: draws angles.
        draws: gradients of each circuit.
    """
    native, simulator = (
        lower_population(population, problem.patch(layout)),
        problem.simulator(layout),
    )
    total = np.zeros(len(native))
    for _ in range(draws):
        here = native.with_angles(rng.uniform(-np.pi, np.pi, native.angles.shape))
        slopes = simulator.gradients(here, _observable(problem))[1]
        total += np.linalg.norm(np.where(native.free, slopes, 0.0), axis=1)
    return total / draws


def log_success(problem: Problem, layout: Layout, population: Population) -> Reals:
    """Logarithm of the chance that no gate of the native circuit fails, shape (n_circuits,)."""
    patch = problem.patch(layout)
    native = lower_population(population, patch)
    wires = patch.n_qubits + 1  # the last place stands for no second qubit
    table = np.zeros((len(GATE_NAMES) + 1, wires, wires))  # the last gate is none
    for gate in patch.gates:
        a, b = (*gate.qubits, -1)[:2]
        table[GATE_NAMES.index(gate.name), a, b] = np.log1p(-gate.error)
    number, a, b = np.moveaxis(native.gates.astype(np.int64), -1, 0)
    result: Reals = table[number, a, b].sum(axis=1)
    return result


def short_descent(
    problem: Problem,
    layout: Layout,
    population: Population,
    rng: np.random.Generator,
    meter: Meter,
    iterations: int = 6,
) -> Reals:
    """Minus the energy, hartree, after a few steps of L-BFGS from one random start, (n_circuits,).

    Args:
        problem: scores as ever.
        layout: physical qubits.
        population: un-lowered.
        rng: draws the starts.
        meter: charged; of circuits that it has no room for nothing is said: -inf.
        iterations: steps.
    """
    start = population.with_angles(rng.uniform(-np.pi, np.pi, population.angles.shape))
    inner = Gradient(Effort(iterations, 1e-6, 1e-4))
    batch = score_batch(problem, start, layout, meter, inner, rng)
    score = np.full(len(population), -np.inf)
    score[: len(batch)] = -batch.energy
    return score


def _observable(problem: Problem) -> Observable:
    return problem.energy
