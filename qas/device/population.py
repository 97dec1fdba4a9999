"""Lowering of whole populations: compiled, identical to `Device.lowering` circuit by circuit."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from qas.circuit import GATE_NAMES, Population, fixed_matrix
from qas.circuit.gate import FIXED_ONE, FIXED_TWO
from qas.device.device import TWO_QUBIT_GATES, Device
from qas.device.pair import pair_steps
from qas.device.run import shortest, special
from qas.errors import InputError

_NUMBER = {name: number for number, name in enumerate(GATE_NAMES)}
_RZ = _NUMBER["rz"]
# On which orders, (a, b) and (b, a), of an edge the native two-qubit gate is available.
_WAYS = ((True, False), (True, True), (False, True))


def lower_population(population: Population, device: Device) -> Population:
    """The native circuits of a population at its angles, circuit qubit i on qubit i.

    For every circuit the gates and free rotations of ``device.lowering(circuit).native``,
    at the angles ``device.lowering(circuit).angles(params)``. On an ideal device the
    population itself.

    Raises:
        InputError: more qubits than the device has, a two-qubit gate on qubits that share
            no edge, or a row that is no gate; the first such circuit is named.

    >>> from qas import Circuit, load_device
    >>> pair = load_device("FakeManilaV2").patch([0, 1])
    >>> logical = Population.of([Circuit(2).then("ry", 0).then("cx", 0, 1)], [[0.5]])
    >>> [gate.name for gate in lower_population(logical, pair).circuit(0)[0].gates]
    ['rz', 'sx', 'rz', 'sx', 'rz', 'cx']
    """
    from qas.device.population_kernel import lower_all, padded, survey

    n_qubits = population.n_qubits
    if n_qubits > device.n_qubits:
        raise InputError(
            f"the circuits have {n_qubits} qubits, {device.name} only {device.n_qubits}"
        )
    patch = device if n_qubits == device.n_qubits else device.patch(range(n_qubits))
    ways = _ways(patch)
    index, row, pairs = survey(population.gates, ways)
    if index >= 0:
        _explain(population, index, row, patch)
    if patch.is_ideal:
        return population
    # A run is at most rz - sx - rz - sx - rz: two before each native pair, one at each end.
    most = 11 * pairs + 5 * n_qubits * len(population)
    stream = np.empty((most, 5))
    ends = lower_all(
        population.gates,
        population.angles,
        population.free,
        ways,
        _steps(patch.two_qubit_gate),
        *_stretches(),
        _spins(),
        stream,
    )
    return Population(n_qubits, *padded(ends, stream))


def _explain(population: Population, index: int, row: int, device: Device) -> None:
    """Raise the InputError of a row that is no gate, or whose qubits share no edge."""
    Population.checked(population.n_qubits, population.gates, population.angles, population.free)
    try:
        device.require_coupling(*population.gates[index, row, 1:].tolist())
    except InputError as error:
        raise InputError(f"circuit {index} of the population, gate {row}: {error}") from None


def _ways(device: Device) -> NDArray[np.int8]:
    """Index in `_WAYS` of each ordered pair, shape (n_qubits, n_qubits); -1 without an edge."""
    there = np.zeros((device.n_qubits, device.n_qubits), dtype=np.bool_)
    there[tuple(np.array(device.couplings, dtype=np.intp).reshape(-1, 2).T)] = True
    ways = np.full(there.shape, -1, dtype=np.int8)
    for index, (forward, backward) in enumerate(_WAYS):
        ways[(there == forward) & (backward == there.T)] = index
    return ways


@cache
def _steps(native: str) -> NDArray[np.int64]:
    """(gate, first wire) of each step of `pair_steps`, shape (names, ways, longest, 2), or -1."""
    if native not in TWO_QUBIT_GATES:
        return np.full((0, 0, 0, 2), -1)
    words = [[pair_steps(name, native, *way) for way in _WAYS] for name in FIXED_TWO]
    longest = max(len(word) for row in words for word in row)
    table = np.full((len(FIXED_TWO), len(_WAYS), longest, 2), -1)
    for row, of_name in zip(table, words, strict=True):
        for steps, word in zip(row, of_name, strict=True):
            steps[: len(word)] = [(_NUMBER[name], wires[0]) for name, wires in word]
    return table


@cache
def _stretches() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Stretches of gates without angles, told apart by their shortest words.

    Returns:
        The stretch that each gate turns a stretch into, shape (stretches, numbers), and their
        words, rows (gate, angle), shape (stretches, 5, 2); -1 elsewhere. Stretch 0 is empty.
        Nothing is listed behind a t or tdg: with them stretches never end.
    """
    stretches: list[tuple[str, ...]] = [()]
    number = {shortest(()): 0}
    after = []
    for stretch in stretches:
        after.append([-1] * len(GATE_NAMES))
        for name in FIXED_ONE if not {"t", "tdg"} & set(stretch) else ():
            longer = (*stretch, name)
            if shortest(longer) not in number:
                number[shortest(longer)] = len(stretches)
                stretches.append(longer)
            after[-1][_NUMBER[name]] = number[shortest(longer)]
    words = np.full((len(stretches), 5, 2), -1.0)
    for row, word in zip(words, number, strict=True):
        for at, item in enumerate(word):
            row[at] = (_NUMBER[item], 0.0) if isinstance(item, str) else (_RZ, item.angle)
    return np.array(after), words


@cache
def _spins() -> NDArray[np.complex128]:
    """Entries (1, 1) and (1, 0) of each gate's matrix with determinant 1, shape (numbers, 2)."""
    table = np.zeros((len(GATE_NAMES), 2), dtype=np.complex128)
    for name in FIXED_ONE:
        table[_NUMBER[name]] = special(fixed_matrix(name)[None])[0, 1, ::-1]
    return table
