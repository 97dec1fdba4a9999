"""The IBM Runtime Estimator as a backend: hardware, or a local stand-in."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, paired_rows
from qas.errors import InputError
from qas.execute.backend import Estimate
from qas.execute.chip import Chip
from qas.execute.cost import ShotCost
from qas.execute.runtime_result import read
from qas.task import Observable

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import SparsePauliOp

MODES = ("job", "batch", "session")
MAX_EXECUTIONS = 10_000_000
"""Shots of one job that the service accepts."""


@dataclass(frozen=True)
class RuntimeBackend:
    """Expectation values by the Runtime's Estimator, on native circuits of a patch.

    A request is one PUB with an array of bindings, in as few jobs as the limit on
    executions allows. The gates are submitted as they are: nothing is transpiled.
    Twirled readout mitigation replaces the last one-qubit gates before a measurement
    by two sx pulses, the basis change and the twirl merged in.
    """

    chip: Chip
    """Where to run: `local_chip`, `hardware_chip` or `parse_backend`."""
    shots: int = 4096
    """Shots per binding and measurement basis; twirling rounds them up to whole randomisations."""
    resilience_level: int = 1
    """0: no mitigation; 1: readout (TREX); 2: also zero-noise extrapolation by gate folding."""
    mode: str = "job"
    """``job``, ``batch`` (one batch per request), or ``session`` (see `opened`)."""
    seed: int | None = None
    """Seed of simulated shots and twirls; hardware ignores it. None: other shots at every call."""
    tags: tuple[str, ...] = ()
    """Job tags, by which submitted jobs are found again after a crash."""
    max_executions: int = MAX_EXECUTIONS
    """Shots of one job; larger requests are split by rows."""
    connection: Any = field(default=None, compare=False, repr=False)
    """An open session or batch, see `opened`."""

    def __post_init__(self) -> None:
        shots = self.shots
        if isinstance(shots, bool) or not isinstance(shots, (int, np.integer)) or shots < 1:
            raise InputError(f"shots must be a whole number of at least 1; given {shots!r}")
        if shots > self.max_executions:
            raise InputError(f"{shots} shots exceed the limit of {self.max_executions} per job")
        if self.resilience_level not in (0, 1, 2):
            raise InputError(f"resilience level is 0, 1 or 2; given {self.resilience_level!r}")
        if self.mode not in MODES:
            raise InputError(f"mode is {', '.join(MODES)}; given {self.mode!r}")

    @property
    def name(self) -> str:
        """The chip's name."""
        return self.chip.name

    @property
    def fingerprint(self) -> str:
        """What decides the estimates, but for the seed: chip, calibration, shots, mitigation."""
        chip = self.chip
        return f"{chip.name}/{chip.calibration}/{self.shots}/{self.resilience_level}"

    def with_seed(self, seed: int) -> RuntimeBackend:
        """The same backend with other simulated shots; any non-negative seed."""
        return replace(self, seed=seed)

    def with_shots(self, shots: int) -> RuntimeBackend:
        """The same backend with more or fewer shots a binding and basis."""
        return replace(self, shots=shots)

    @contextmanager
    def opened(self) -> Iterator[RuntimeBackend]:
        """This backend with its session (or batch) kept open over many requests."""
        if self.mode == "job" or self.connection is not None:
            yield self
            return
        from qiskit_ibm_runtime import Batch, Session

        kind = Batch if self.mode == "batch" else Session
        connection = kind(backend=self.chip.backend)
        try:
            yield replace(self, connection=connection)
        finally:
            connection.close()

    def cost(
        self, circuit: Circuit, observables: Observable | Sequence[Observable], n_rows: int
    ) -> ShotCost:
        """What `estimate` will execute, counted on the program the Estimator prepares."""
        placed, operators = self._placed(circuit, observables)
        per_row, per_job, shots = self._program_size(placed, operators)
        jobs = self._n_jobs(per_row, per_job, shots, n_rows)
        circuits = n_rows * per_row + jobs * per_job
        return ShotCost(circuits, circuits * shots, jobs)

    def estimate(
        self,
        circuit: Circuit,
        observables: Observable | Sequence[Observable],
        params: ArrayLike,
        inputs: ArrayLike | None = None,
    ) -> Estimate:
        """Mitigated means by the Estimator; errors from the recorded shots (`shot_noise`).

        Where zero-noise extrapolation is on, the errors are the Estimator's own.

        Raises:
            InputError: the circuit or the angles do not fit the patch.
            RuntimeError: the service returned something else than was asked for.
        """
        turned, data = paired_rows(circuit, params, inputs)
        used = sorted({g.input for g in circuit.gates if g.input is not None})
        rows = np.hstack([turned, data[:, used]])  # Qiskit sorts theta before x
        placed, operators = self._placed(circuit, observables)
        per_row, per_job, shots = self._program_size(placed, operators)
        n_jobs = self._n_jobs(per_row, per_job, shots, len(rows))
        with self.opened() as backend:
            jobs = [
                backend._submit(k, _pub(placed, operators, part))
                for k, part in enumerate(np.array_split(rows, n_jobs))
            ]
            parts = [read(job, operators) for job in jobs]
        mean = np.concatenate([p.mean for p in parts])
        stderr = np.concatenate([p.stderr for p in parts])
        if mean.shape != (len(rows), len(operators)) or not np.isfinite(mean).all():
            raise RuntimeError(
                f"{self.name} returned means of shape {mean.shape} for {len(rows)} rows, "
                "or values that are not finite: nothing of this request is used"
            )
        if isinstance(observables, Observable):
            mean, stderr = mean[:, 0], stderr[:, 0]
        circuits, total = sum(p.circuits for p in parts), sum(p.shots for p in parts)
        return Estimate(mean, stderr, total, circuits)

    def _placed(
        self, circuit: Circuit, observables: Observable | Sequence[Observable]
    ) -> tuple[QuantumCircuit, list[SparsePauliOp]]:
        many = [observables] if isinstance(observables, Observable) else list(observables)
        if not many:
            raise InputError("no observable given")
        for observable in many:
            if observable.n_qubits != circuit.n_qubits:
                raise InputError(
                    f"the observable has {observable.n_qubits} qubits, the circuit "
                    f"{circuit.n_qubits}: place both on the same patch"
                )
        return self.chip.place(circuit), [_operator(self.chip, o) for o in many]

    def _submit(self, part: int, pub: tuple[Any, ...]) -> Any:
        from qiskit_ibm_runtime.exceptions import IBMInputValueError, IBMNotAuthorizedError

        try:
            return self._estimator(part).run([pub])
        except IBMNotAuthorizedError:
            raise InputError(
                f"{self.name} refused the job: check the account's instance and plan "
                "(open plans have no sessions: use mode job or batch)"
            ) from None
        except IBMInputValueError as error:
            raise InputError(f"the Runtime refused the request: {error.message}") from None

    def _estimator(self, part: int = 0) -> Any:
        from qiskit_ibm_runtime.executor_estimator import Estimator

        estimator = Estimator(mode=self.connection or self.chip.backend)
        options = estimator.options
        options.resilience_level = self.resilience_level
        options.default_shots = int(self.shots)
        if self.resilience_level:
            options.twirling.num_randomizations = _randomisations(self.shots)
        options.simulator.angle_decimals = 15  # the default rounds angles to 8e-6 radians
        options.environment.job_tags = list(self.tags)
        if self.seed is not None:
            options.simulator.seed_simulator = _seed31(self.seed, part)
        return estimator

    def _program_size(
        self, placed: QuantumCircuit, operators: Sequence[SparsePauliOp]
    ) -> tuple[int, int, int]:
        """Circuits per row, circuits per job (calibration), shots per circuit."""
        from qiskit_ibm_runtime.executor_estimator.prepare import prepare

        row = np.zeros((1, placed.num_parameters))
        options = self._estimator().options
        program, _ = prepare([_pub(placed, operators, row)], options, backend=self.chip.backend)
        sizes = [item.size() for item in program.items]
        calibration = sizes.pop() if self.resilience_level else 0
        return sum(sizes), calibration, int(program.shots)

    def _n_jobs(self, per_row: int, per_job: int, shots: int, n_rows: int) -> int:
        rows = (self.max_executions // shots - per_job) // per_row
        if rows < 1:
            raise InputError(
                f"one binding takes {(per_row + per_job) * shots} shots; a job may have "
                f"{self.max_executions}: ask for fewer shots"
            )
        return max(1, math.ceil(n_rows / rows))


def _randomisations(shots: int) -> int:
    """Twirls over which the shots are spread: 64 shots each, but 16 to 32 twirls.

    The Runtime's own choice gives one twirl to 64 shots or fewer: then readout is
    calibrated on a single bit pattern and the reported errors are too small by half.
    """
    return min(shots, max(16, min(32, math.ceil(shots / 64))))


def _operator(chip: Chip, observable: Observable) -> SparsePauliOp:
    from qiskit.quantum_info import SparsePauliOp

    labels = [chip.place_label(pauli) for pauli in observable.paulis]
    return SparsePauliOp(labels, list(observable.coeffs))


def _pub(
    placed: QuantumCircuit, operators: Sequence[SparsePauliOp], rows: NDArray[np.float64]
) -> tuple[Any, ...]:
    """One PUB: rows along the first axis, observables along the second."""
    from qiskit.primitives.containers.bindings_array import BindingsArray

    if placed.num_parameters == 0:
        return (placed, list(operators), BindingsArray({}, shape=(len(rows), 1)))
    return (placed, list(operators), rows[:, None, :])


def _seed31(seed: int, part: int) -> int:
    """A 31-bit seed; near seeds give unrelated shots (Aer counts on from the seed it gets)."""
    digest = hashlib.sha256(f"{seed}/{part}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
