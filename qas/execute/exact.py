"""The exact simulator: state vectors without noise.

A circuit of real gates runs in real numbers; the kernels see to that. On n qubits a state has
a = 2^n floats, or 2^(n+1) where a gate is not real. With G gates, P angles and F distinct bit
flips of the observable a value takes a time of (G + F) a, a gradient about (3 G + P + 2 F) a,
and both the memory of two complex states (0.5 GiB at 24 qubits) for each thread, beside up to
256 MiB for the observable; insertions take 8 states more, or up to 64 small ones. See
`qas.execute.state_kernel`, `state_observable` and `state_insertion`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Gate, Population, checked_params
from qas.device.ideal import ideal_device
from qas.errors import InputError
from qas.execute.backend import Estimate, observable_list, refuse_inputs
from qas.execute.descent import NORMAL, Descent, descend, descend_population
from qas.execute.extension import Extensions, extend_states, state_table
from qas.execute.extension_table import Tables
from qas.execute.model import StateModel
from qas.execute.neighbour import INSERT, Neighbours
from qas.execute.noisy import NoisySimulator
from qas.execute.octet import aligned
from qas.execute.share import frozen, share_out
from qas.execute.state_circuit import Encoded, check_population, encode
from qas.execute.state_kernel import make_work, sweep
from qas.execute.state_observable import SignRows, rows_of
from qas.execute.state_probe import Probes, probes_of, score
from qas.execute.state_slope import slopes_of_strings, strings_of
from qas.execute.stop import Limits
from qas.task import Loss, Observable, Target

Reals = NDArray[np.float64]


class ExactSimulator:
    """Noise-free expectation values, all gradients, every one-gate extension.

    It runs any circuit as it stands, native or not, and whole populations in one call.

    >>> import qas
    >>> circuit = qas.Circuit(1).then("ry", 0)
    >>> z = qas.Observable.of(["Z"], [1.0])
    >>> ExactSimulator().value_and_grad(circuit, z, [0.0])[0].tolist()
    [1.0]
    """

    def __init__(self) -> None:
        self._encoded = lru_cache(maxsize=4096)(encode)
        self._probes = lru_cache(maxsize=8)(_probes)
        self._extensions = Tables(state_table)
        self._latest: tuple[Observable, SignRows] | None = None

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        return "exact simulator"

    def estimate(
        self,
        circuit: Circuit,
        observables: Target | Sequence[Observable],
        params: ArrayLike,
        inputs: ArrayLike | None = None,
    ) -> Estimate:
        """Exact expectation values; see `Backend.estimate`. Of a `Loss`, mean losses."""
        if isinstance(observables, Loss):
            refuse_inputs(inputs)  # a loss brings its own
            return _noiseless(circuit.n_qubits).estimate(circuit, observables, params)
        wanted, single = observable_list(observables)
        if circuit.n_inputs:
            return self._fed(wanted, single, Population.bindings(circuit, params, inputs))
        refuse_inputs(inputs)
        rows = checked_params(circuit, params)
        none = np.empty((len(rows), 0))
        columns = [self._sweep(circuit, one, rows, none) for one in wanted]
        mean = columns[0] if single else np.stack(columns, axis=1)
        return Estimate(mean, np.zeros_like(mean))

    def value_and_grad(
        self,
        circuit: Circuit,
        observable: Target,
        params: ArrayLike,
        inputs: ArrayLike | None = None,
    ) -> tuple[Reals, Reals]:
        """Values, shape (batch,), and gradients, shape (batch, n_params), per radian."""
        if isinstance(observable, Loss):
            refuse_inputs(inputs)
            return _noiseless(circuit.n_qubits).value_and_grad(circuit, observable, params)
        if circuit.n_inputs:
            fed = Population.bindings(circuit, params, inputs)
            value, slope = self.gradients(fed, observable)
            return value, slope[:, list(circuit.free)]
        refuse_inputs(inputs)
        rows = checked_params(circuit, params)
        slopes = np.empty(rows.shape)
        return self._sweep(circuit, observable, rows, slopes), slopes

    def values(self, population: Population, observable: Target, *, threads: int = 1) -> Reals:
        """Expectation values, or mean losses, of many different circuits, shape (n_circuits,).

        Args:
            population: any gates; of a loss the circuits behind its encoder.
            observable: of as many qubits.
            threads: circuits are shared out among so many.
        """
        if isinstance(observable, Loss):
            noiseless = _noiseless(population.n_qubits)
            return noiseless.values(population, observable, threads=threads)
        none = np.empty((len(population), 0))
        return self._sweep_population(population, observable, none, threads)

    def gradients(
        self, population: Population, observable: Observable, *, threads: int = 1
    ) -> tuple[Reals, Reals]:
        """Values, shape (n_circuits,), and derivatives in every rotation's angle, per radian.

        The derivatives, shape (n_circuits, longest), stand where the rotations do, 0 elsewhere.
        """
        slopes = np.empty(population.angles.shape)
        return self._sweep_population(population, observable, slopes, threads), slopes

    def score_insertions(
        self,
        circuit: Circuit,
        observable: Observable,
        params: ArrayLike,
        gates: Sequence[Gate] | None = None,
    ) -> Neighbours:
        """Every one-gate extension, exact, with its best angle.

        A rotation that comes with an angle is scored at that angle.

        Args:
            circuit: the parent.
            observable: of as many qubits.
            params: one vector of angles, radians.
            gates: what may be inserted; by default rx, ry, rz on every qubit and cx on
                every ordered pair.
        """
        values = checked_params(circuit, params)
        if len(values) != 1:
            raise InputError(f"score_insertions takes one vector of angles; given {len(values)}")
        tried = tuple(gates) if gates is not None else all_gates(circuit.n_qubits)
        program, rows = self._ready(circuit, observable)
        angles = program.angles[0].copy()
        angles[list(circuit.free)] = values[0]
        probes = self._probes(circuit.n_qubits, tried)
        energy, best, fresh = score(
            program.gates[0], frozen(angles), circuit.n_qubits, rows, probes
        )
        position = np.repeat(np.arange(len(energy)), len(tried))
        choice = np.tile(np.arange(len(tried)), len(energy))
        kind, fresh = np.full(position.size, INSERT, dtype=np.int8), fresh.reshape(-1)
        return Neighbours(
            circuit, values[0], tried, position, choice, energy.reshape(-1), best.reshape(-1),
            kind, fresh,
        )  # fmt: skip

    def rotation_slopes(
        self,
        circuit: Circuit,
        observable: Observable,
        params: ArrayLike,
        x_masks: ArrayLike,
        z_masks: ArrayLike,
        places: ArrayLike | None = None,
    ) -> Reals:
        """How fast the energy changes with a rotation about any Pauli string, put in anywhere.

        The rotation is exp(-i t P / 2), its t zero, and P has an X or a Y where ``x_masks`` has a
        bit, a Z or a Y where ``z_masks`` has one; bit q is qubit q. Strings that flip the same
        qubits come from one transform, see `qas.execute.state_slope`.

        Args:
            circuit: any gates.
            observable: of as many qubits.
            params: one vector of angles, radians.
            x_masks, z_masks: of the strings, shape (S,).
            places: gates before which a rotation is put, ascending, the number of gates for the
                end; by default all.

        Returns:
            Shape (places, S), hartree per radian.

        >>> import qas
        >>> z = qas.Observable.of(["Z"], [1.0])
        >>> circuit = qas.Circuit(1).then("ry", 0)
        >>> ExactSimulator().rotation_slopes(circuit, z, [1.5], [1], [1]).round(3).tolist()
        [[-0.997], [-0.997]]
        """
        values = checked_params(circuit, params)
        if len(values) != 1:
            raise InputError(f"rotation_slopes takes one vector of angles; given {len(values)}")
        program, rows = self._ready(circuit, observable)
        n_qubits, n_gates = circuit.n_qubits, len(circuit.gates)
        angles = program.angles[0].copy()
        angles[list(circuit.free)] = values[0]
        wanted = range(n_gates + 1) if places is None else places
        x, z, at = (np.atleast_1d(np.asarray(own)) for own in (x_masks, z_masks, wanted))
        sound = x.size and _are_integers(x, z) and x.shape == z.shape and x.ndim == 1
        if not sound or np.any((x | z) >> n_qubits):
            raise InputError(
                f"strings are one or more pairs of masks of {n_qubits} bits; given {x} and {z}"
            )
        if at.size and (
            not _are_integers(at) or np.any(np.diff(at) < 0) or at.min() < 0 or at.max() > n_gates
        ):
            raise InputError(f"places ascend from 0 to the {n_gates} gates; given {at.tolist()}")
        strings = strings_of(x.astype(np.int64), z.astype(np.int64))
        result = np.empty((len(at), len(x)))
        slopes_of_strings(
            program.gates[0], frozen(angles), n_qubits, rows, frozen(at.astype(np.int64)),
            *strings, result, aligned(4 * 2**n_qubits), aligned(2**n_qubits),
            np.empty((n_gates, 2)), frozen(np.full(n_gates, -1)),
        )  # fmt: skip
        return result

    def minimise(
        self,
        circuit: Circuit,
        observable: Target,
        starts: ArrayLike,
        limits: Limits = NORMAL,
        *,
        method: str = "lbfgs",
        threads: int = 1,
        deadline: float = np.inf,
    ) -> Descent:
        """The angles of one circuit optimised from each of many starts, in compiled code.

        Args:
            circuit: any gates.
            observable: of as many qubits.
            starts: shape (runs, n_params) or (n_params,), radians.
            limits: when a run stops.
            method: "lbfgs" (exact gradients) or "rotosolve" (one angle after the other).
            threads: runs are shared out among so many.
            deadline: when to break off, on the clock of `time.monotonic`.
        """
        if isinstance(observable, Loss):
            how: Any = {"method": method, "threads": threads, "deadline": deadline}
            return _noiseless(circuit.n_qubits).minimise(circuit, observable, starts, limits, **how)
        program, rows = self._ready(circuit, observable)
        first = np.atleast_2d(checked_params(circuit, starts))
        free = np.array(circuit.free, dtype=np.int64)
        slots = np.full(program.angles.shape, -1, dtype=np.int64)
        slots[0, free] = free
        model = StateModel(circuit.n_qubits, rows, program.gates, frozen(slots))
        return descend(
            model, first, limits, angles=program.angles[0], free=free, method=method,
            threads=threads, deadline=deadline,
        )  # fmt: skip

    def minimise_population(
        self,
        population: Population,
        observable: Target,
        limits: Limits = NORMAL,
        *,
        method: str = "lbfgs",
        threads: int = 1,
        deadline: float = np.inf,
    ) -> Descent:
        """Every circuit of a population optimised from the angles at which it stands.

        ``population.with_angles(found.params)`` are the optimised ones; see `minimise`.
        """
        if isinstance(observable, Loss):
            how: Any = {"method": method, "threads": threads, "deadline": deadline}
            noiseless = _noiseless(population.n_qubits)
            return noiseless.minimise_population(population, observable, limits, **how)
        _agree(population.n_qubits, observable)
        check_population(population)
        places = np.arange(population.gates.shape[1])
        slots = frozen(np.where(population.free, places, -1))
        model = StateModel(population.n_qubits, self._rows(observable), population.gates, slots)
        return descend_population(
            model, population, limits, method=method, threads=threads, deadline=deadline
        )

    def score_extensions(
        self, population: Population, observable: Observable, actions: Sequence[Sequence[Gate]]
    ) -> Extensions:
        """Every action appended to every circuit of a population, at its best angles.

        An action is a few gates, of which at most two are free rotations, each the last gate on
        its qubit; rotations that come with an angle are fixed gates.

        Args:
            population: any gates.
            observable: of as many qubits.
            actions: given the same tuple of tuples again, the preparations are not repeated.

        >>> import qas
        >>> bell = qas.Circuit(2).then("h", 0).then("cx", 0, 1)
        >>> zz = qas.Observable.of(["ZZ"], [1.0])
        >>> actions = ((Gate("ry", (0,)),), (Gate("z", (0,)),))
        >>> found = ExactSimulator().score_extensions(Population.of([bell]), zz, actions)
        >>> found.energy.round(9).tolist()
        [[-1.0, 1.0]]
        """
        _agree(population.n_qubits, observable)
        check_population(population)
        return extend_states(population, *self._extensions.of(observable, actions))

    def _fed(self, wanted: Sequence[Observable], single: bool, rows: Population) -> Estimate:
        """The estimate of a circuit that takes data, one binding a row."""
        columns = [self.values(rows, one) for one in wanted]
        mean = columns[0] if single else np.stack(columns, axis=1)
        return Estimate(mean, np.zeros_like(mean))

    # --- what the public methods share ----------------------------------------------------

    def _sweep(
        self, circuit: Circuit, observable: Observable, params: Reals, slopes: Reals
    ) -> Reals:
        program, rows = self._ready(circuit, observable)
        values = np.empty(len(params))
        work = make_work(circuit.n_qubits, len(circuit.gates))
        sweep(*program, circuit.n_qubits, *rows, frozen(params), slopes, values, *work)
        return values

    def _sweep_population(
        self, population: Population, observable: Observable, slopes: Reals, threads: int
    ) -> Reals:
        _agree(population.n_qubits, observable)
        check_population(population)
        rows, values = self._rows(observable), np.empty(len(population))
        gates, angles, n_qubits = population.gates, population.angles, population.n_qubits
        slots = frozen(np.arange(gates.shape[1]))

        def part(some: slice) -> None:
            work, own = make_work(n_qubits, gates.shape[1]), angles[some]
            sweep(gates[some], slots, own, n_qubits, *rows, own, slopes[some], values[some], *work)

        share_out(part, len(values), threads)
        return values

    def _ready(self, circuit: Circuit, observable: Observable) -> tuple[Encoded, SignRows]:
        program = self._encoded(circuit)
        _agree(circuit.n_qubits, observable)
        return program, self._rows(observable)

    def _rows(self, observable: Observable) -> SignRows:
        """The compiled observable; the latest one is known without hashing its terms."""
        latest = self._latest
        if latest is None or latest[0] is not observable:
            self._latest = latest = observable, rows_of(observable)
        return latest[1]


@lru_cache(maxsize=16)
def _noiseless(n_qubits: int) -> NoisySimulator:
    """What values losses without noise: on vectors of Pauli expectations a data set is linear."""
    return NoisySimulator(ideal_device("ideal", n_qubits))


@lru_cache(maxsize=32)
def all_gates(n_qubits: int) -> tuple[Gate, ...]:
    """rx, ry, rz on every qubit and cx on every ordered pair, rotations free."""
    turns = [Gate(name, (q,)) for q in range(n_qubits) for name in ("rx", "ry", "rz")]
    pairs = [Gate("cx", (a, b)) for a in range(n_qubits) for b in range(n_qubits) if a != b]
    return (*turns, *pairs)


def _probes(n_qubits: int, tried: tuple[Gate, ...]) -> Probes:
    encode(Circuit(n_qubits, tried))  # refuses gates that do not fit
    return probes_of(tried)


def _are_integers(*arrays: NDArray[Any]) -> bool:
    return all(np.issubdtype(own.dtype, np.integer) for own in arrays)


def _agree(n_qubits: int, observable: Observable) -> None:
    if observable.n_qubits != n_qubits:
        raise InputError(
            f"the observable has {observable.n_qubits} qubits, the circuit {n_qubits}: "
            "they must agree"
        )
