"""The peers' side of the simulator benchmark: Qiskit Aer, qulacs and tensorcircuit-ng.

    python results/simulator/peers.py --sizes 2 4 --family random    # JSON: microseconds a circuit

Every peer computes the same thing as `qas.NoisySimulator`: the exact expectation value of an
observable after a native circuit with the gate noise of a calibration, no readout error, in
double precision on one thread. Each function returns a `Timing`: values, seconds, and what was
measured beside them. Seconds are the best of the repeats, because other work on the machine only
ever adds time; on a busy machine the processor time ("cpu") is the steadier number.

What every peer gets for nothing, because it is done once per patch: loading, noise models,
tables of channels, the observable in the peer's form.

Modules of a peer are imported inside its functions; `missing` says which peers are not there.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from workload import FAMILIES, SIZES, Workload, workload

import qas
from qas.circuit import Circuit, Gate, fixed_matrix
from qas.device.noise import gate_noise, unitary_transfer

Table = dict[tuple[str, tuple[int, ...]], NDArray[np.complex128]]
MODULES = {
    "aer": ("qiskit_aer",),
    "qulacs": ("qulacs",),
    "tensorcircuit": ("jax", "tensorcircuit"),
}
PACKAGES = {"qiskit_aer": "qiskit-aer", "tensorcircuit": "tensorcircuit-ng"}


@dataclass(frozen=True)
class Timing:
    """What a peer computed and how long it took."""

    values: NDArray[np.float64]
    """Expectation values, shape (circuits,); of a gradient function, shape (circuits, n_params)."""
    seconds: float
    """Wall time of all circuits together, best of the repeats."""
    apart: dict[str, float] = field(default_factory=dict)
    """Other seconds. "cpu": processor time of the same work, best of the repeats; "build" and
    "compile": processor time of work that is not in ``seconds``; "own": wall time of a part of
    it. Each function says which."""


class Step(NamedTuple):
    """Consecutive gates on the same qubits, and for each the number of its free angle."""

    qubits: tuple[int, ...]
    gates: tuple[tuple[Gate, int | None], ...]


def single_thread() -> None:
    """Hold this process to one CPU. Call it before any peer is imported.

    Environment variables do for Aer, qulacs and BLAS; XLA uses more than one thread for all its
    flags (CPU time was 1.8 times the wall time), so that only affinity holds it.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ.setdefault("XLA_FLAGS", flags)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def missing(peer: str) -> str | None:
    """Why a peer is absent; None where it can be imported."""
    for module in MODULES[peer]:
        try:
            importlib.import_module(module)
        except Exception as error:  # a peer that breaks on import is as absent as one not there
            return f"absent: {type(error).__name__}: {error}"
    return None


def best_of(repeats: int, work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The last result, the shortest wall time and the shortest processor time, in seconds."""
    wall = cpu = np.inf
    result = None
    for _ in range(repeats):
        started, spent = time.perf_counter(), time.process_time()
        result = work()
        wall = min(wall, time.perf_counter() - started)
        cpu = min(cpu, time.process_time() - spent)
    return result, wall, cpu


# --- Channels and observables on the doubled space -------------------------------------------
#
# A density matrix is a vector of 4^n entries: entry r + 2^n c is rho[r, c]. Bit q of r is the
# ket of qubit q, bit n + q of the index its bra.


def superoperators(patch: qas.Device) -> Table:
    """Every noisy gate of the patch with its noise, shape (4, 4) or (16, 16).

    Index: ket bits of the gate's qubits, its first qubit lowest, then their bra bits.
    """
    return {
        (gate.name, gate.qubits): superoperator(
            gate_noise(patch, gate.name, gate.qubits) @ unitary_transfer(fixed_matrix(gate.name))
        )
        for gate in patch.gates
        if gate.name != "rz"
    }


def superoperator(transfer: NDArray[np.float64]) -> NDArray[np.complex128]:
    """S = sum_ij T_ij vec(P_i) vec(P_j)^+ / d of a Pauli transfer matrix T."""
    paulis = [fixed_matrix(name) for name in ("id", "x", "y", "z")]
    if len(transfer) == 16:
        paulis = [np.kron(second, first) for second in paulis for first in paulis]
    columns = np.array([pauli.T.ravel() for pauli in paulis]).T
    result: NDArray[np.complex128] = columns @ transfer @ columns.conj().T / len(paulis[0])
    result[np.abs(result) < 1e-16] = 0.0
    return result


def kraus(channel: NDArray[np.complex128]) -> list[NDArray[np.complex128]]:
    """The fewest Kraus operators of a superoperator: eigenvectors of its Choi matrix."""
    d = int(np.sqrt(len(channel)))
    choi = channel.reshape(d, d, d, d).transpose(1, 3, 0, 2).reshape(d * d, d * d)
    weights, vectors = np.linalg.eigh(choi)
    return [
        np.sqrt(weight) * vector.reshape(d, d)
        for weight, vector in zip(weights, vectors.T, strict=True)
        if weight > 1e-14
    ]


def observable_vector(observable: qas.Observable) -> NDArray[np.complex128]:
    """The vector o with sum_k o_k rho_k = tr(O rho), shape (4^n,)."""
    return np.ascontiguousarray(observable.matrix().toarray(), dtype=np.complex128).ravel()


def rz_diagonal(angle: Any, module: Any = np) -> Any:
    """What rz does to the entries (0,0), (1,0), (0,1), (1,1) of a qubit's density matrix."""
    phase = module.exp(1j * angle)
    return module.array([1.0, phase, module.conj(phase), 1.0])


def steps(circuit: Circuit) -> Iterator[Step]:
    """The circuit with consecutive one-qubit gates of a wire taken together."""
    waiting: list[list[tuple[Gate, int | None]]] = [[] for _ in range(circuit.n_qubits)]
    slot = 0
    for gate in circuit.gates:
        number, slot = (slot, slot + 1) if gate.is_free else (None, slot)
        if len(gate.qubits) == 1:
            waiting[gate.qubits[0]].append((gate, number))
            continue
        for qubit in gate.qubits:
            if waiting[qubit]:
                yield Step((qubit,), tuple(waiting[qubit]))
                waiting[qubit] = []
        yield Step(gate.qubits, ((gate, number),))
    for qubit, run in enumerate(waiting):
        if run:
            yield Step((qubit,), tuple(run))


def step_matrix(step: Step, angles: Any, table: Table, module: Any = np) -> Any:
    """The product of a step's gates, noise included, as one superoperator."""
    product = None
    for gate, slot in step.gates:
        if gate.name == "rz":
            diagonal = rz_diagonal(gate.angle if slot is None else angles[slot], module)
            product = module.diag(diagonal) if product is None else diagonal[:, None] * product
        else:
            matrix = table[gate.name, gate.qubits]
            product = matrix if product is None else matrix @ product
    return product


# --- Qiskit Aer -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Aer:
    """Aer's density-matrix simulator with a noise model, made once."""

    simulator: Any
    wires: tuple[int, ...]
    """Circuit qubit i is this qubit of the simulator."""
    n_wires: int


def aer_stock(device: qas.Device, patch: qas.Device) -> Aer:
    """Aer as its manual has it: the noise model of the whole device, default settings."""
    from qiskit_aer import AerSimulator
    from qiskit_aer.noise import NoiseModel
    from qiskit_ibm_runtime import fake_provider

    backend = getattr(fake_provider, device.name)()
    noise = NoiseModel.from_backend(backend, readout_error=False)
    simulator = AerSimulator(method="density_matrix", max_parallel_threads=1, noise_model=noise)
    return Aer(simulator, patch.physical_qubits, device.n_qubits)


def aer_tuned(patch: qas.Device, *, rebuilt: bool = True, **options: Any) -> Aer:
    """Aer at its fastest: noise of the patch alone, fusion from six qubits, one shot.

    Args:
        patch: the qubits in use.
        rebuilt: each gate error is one Kraus channel, which is exact and quicker to load than
            the stock mixture of circuits (and as quick to simulate).
        options: of AerSimulator, over these.
    """
    from qiskit_aer import AerSimulator

    from qas.execute.aer import noise_model

    settings: dict[str, Any] = {
        "method": "density_matrix",
        "max_parallel_threads": 1,
        "noise_model": noise_model(patch, kraus=rebuilt),
        "fusion_threshold": 5,  # fuses above it; Aer's own is 7, fusing at 4 qubits costs time
        "shots": 1,
    }
    return Aer(AerSimulator(**settings | options), tuple(range(patch.n_qubits)), patch.n_qubits)


def aer_forward(
    aer: Aer, circuits: Sequence[Circuit], observable: qas.Observable, repeats: int = 3
) -> Timing:
    """Bound circuits in one batched run().

    Timed: run() to values in Python, that is Aer's assembling of Qiskit circuits, its loading of
    the noise model, the simulation, and the reading of results. Not timed: making the Qiskit
    circuits (apart["build"]). Inside: apart["own"], see `own_seconds`.
    """
    runs, _, build = best_of(1, lambda: _aer_circuits(aer, circuits, observable))
    return _aer_run(aer, runs, None, repeats, build)


def aer_angles(
    aer: Aer,
    circuit: Circuit,
    angles: NDArray[np.float64],
    observable: qas.Observable,
    repeats: int = 3,
) -> Timing:
    """One structure at many angles, shape (batch, n_params), in one run() with parameter_binds.

    Aer assembles the circuit once and binds in C++: a quarter of the time of as many bound
    circuits at two qubits. Timed and apart as in `aer_forward`.
    """
    runs, _, build = best_of(1, lambda: _aer_circuits(aer, [circuit], observable))
    columns = np.asarray(angles).T.tolist()
    binds = [{theta: columns[theta.index] for theta in runs[0].parameters}]
    return _aer_run(aer, runs, binds, repeats, build)


def aer_gradient(
    aer: Aer,
    circuit: Circuit,
    angles: NDArray[np.float64],
    observable: qas.Observable,
    repeats: int = 3,
    limit: int | None = None,
) -> Timing:
    """The gradient in the free rz of one circuit by parameter shift, two runs for each angle.

    One call of `aer_angles`. With ``limit`` only that many angles are shifted, evenly spread;
    times are then scaled to all of them, the values not measured are not-a-number, and
    apart["shifted"] says how many were.
    """
    n_params = len(angles)
    chosen = np.arange(n_params)
    if limit is not None and limit < n_params:
        chosen = np.linspace(0, n_params - 1, limit).round().astype(int)
    shift = np.pi / 2 * np.eye(n_params)[chosen]
    timing = aer_angles(
        aer, circuit, np.vstack([angles + shift, angles - shift]), observable, repeats
    )
    plus, minus = np.split(timing.values, 2)
    slope = np.full(n_params, np.nan)
    slope[chosen] = (plus - minus) / 2
    scale = n_params / len(chosen)
    apart = {"build": timing.apart["build"], "shifted": float(len(chosen))}
    apart |= {name: timing.apart[name] * scale for name in ("cpu", "own")}
    return Timing(slope[None], timing.seconds * scale, apart)


def own_seconds(result: Any) -> float:
    """Aer's own C++ time: the sum of ``time_taken`` over the experiments of a result.

    From circuit_executor.hpp: the clock starts and stops inside the run of one circuit, so that
    it holds the insertion of noise, fusion, the state's updates and the expectation value, and
    neither Python's assembling nor the conversion of the noise model nor the reading of results.
    ``time_taken_execute`` in the metadata adds the noise model and the output. Not valid with
    runtime_parameter_bind_enable, where each experiment reports the time of all.
    """
    return float(sum(one.time_taken for one in result.results))


def _aer_circuits(aer: Aer, circuits: Sequence[Circuit], observable: qas.Observable) -> list[Any]:
    from qiskit import QuantumCircuit
    from qiskit_aer.library import SaveExpectationValue

    save = SaveExpectationValue(observable.to_qiskit(), label="value")
    runs = []
    for circuit in circuits:
        run = circuit.to_qiskit()
        if aer.n_wires != circuit.n_qubits:
            run = QuantumCircuit(aer.n_wires).compose(run, aer.wires)
        run.append(save, aer.wires)
        runs.append(run)
    return runs


def _aer_run(aer: Aer, runs: list[Any], binds: Any, repeats: int, build: float) -> Timing:
    own = []

    def work() -> NDArray[np.float64]:
        result = aer.simulator.run(runs, parameter_binds=binds).result()
        if not result.success:
            raise RuntimeError(f"Aer failed: {result.status}")
        own.append(own_seconds(result))
        return np.array([result.data(k)["value"] for k in range(len(result.results))])

    values, seconds, cpu = best_of(repeats, work)
    return Timing(values, seconds, {"cpu": cpu, "own": min(own), "build": build})


# --- qulacs ---------------------------------------------------------------------------------


def qulacs_density(
    patch: qas.Device, circuits: Sequence[Circuit], observable: qas.Observable, repeats: int = 3
) -> Timing:
    """Bound circuits on qulacs' DensityMatrix, each noisy gate one CPTP of its Kraus operators.

    Timed: making the state, update_quantum_state, get_expectation_value. Not timed: building
    the QuantumCircuit (apart["build"]), which a new circuit needs as well.
    """
    import qulacs

    gates = _qulacs_channels(patch)
    wanted = qulacs_observable(observable)
    built, _, build = best_of(repeats, lambda: [_qulacs_circuit(c, gates) for c in circuits])

    def value(circuit: Any) -> float:
        state = qulacs.DensityMatrix(patch.n_qubits)
        circuit.update_quantum_state(state)
        return float(wanted.get_expectation_value(state))

    values, seconds, cpu = best_of(repeats, lambda: [value(circuit) for circuit in built])
    return Timing(np.array(values), seconds, {"cpu": cpu, "build": build})


def qulacs_doubled(
    patch: qas.Device, circuits: Sequence[Circuit], observable: qas.Observable, repeats: int = 3
) -> Timing:
    """Bound circuits as superoperators on qulacs' state vector of 2n qubits: its fastest way.

    A cx with its noise is a SparseMatrix of 25-32 entries, sx and x dense 4 x 4 matrices, rz a
    pair of RZ; from six qubits on, the one-qubit gates of a wire merge into one matrix first. The
    value is an inner product with the observable as a vector. Timed and apart as in
    `qulacs_density`; merging counts as building.
    """
    import qulacs
    from qulacs.state import inner_product

    n = patch.n_qubits
    table = superoperators(patch)
    gates = _qulacs_superoperators(patch, table)
    bra = qulacs.QuantumState(2 * n)
    bra.load(observable_vector(observable).conj())
    merge = n >= 6
    built, _, build = best_of(
        repeats, lambda: [_qulacs_doubled_circuit(c, gates, table, merge) for c in circuits]
    )

    def value(circuit: Any) -> float:
        state = qulacs.QuantumState(2 * n)
        circuit.update_quantum_state(state)
        return float(inner_product(bra, state).real)

    values, seconds, cpu = best_of(repeats, lambda: [value(circuit) for circuit in built])
    return Timing(np.array(values), seconds, {"cpu": cpu, "build": build})


def _qulacs_channels(patch: qas.Device) -> dict[Any, Any]:
    from qulacs.gate import CPTP, DenseMatrix

    return {
        key: CPTP([DenseMatrix(list(key[1]), operator) for operator in kraus(matrix)])
        for key, matrix in superoperators(patch).items()
    }


def _qulacs_superoperators(patch: qas.Device, table: Table) -> dict[Any, Any]:
    from qulacs.gate import DenseMatrix, SparseMatrix
    from scipy.sparse import csc_matrix

    gates = {}
    for (name, qubits), matrix in table.items():
        wires = [*qubits, *(q + patch.n_qubits for q in qubits)]
        two = len(qubits) == 2
        gates[name, qubits] = (
            SparseMatrix(wires, csc_matrix(matrix)) if two else DenseMatrix(wires, matrix)
        )
    return gates


def qulacs_observable(observable: qas.Observable) -> Any:
    """The observable as qulacs' own."""
    import qulacs

    result = qulacs.Observable(observable.n_qubits)
    for pauli, coefficient in zip(observable.paulis, observable.coeffs, strict=True):
        letters = enumerate(reversed(pauli))
        result.add_operator(coefficient, " ".join(f"{x} {q}" for q, x in letters if x != "I"))
    return result


def _qulacs_circuit(circuit: Circuit, gates: dict[Any, Any]) -> Any:
    import qulacs
    from qulacs.gate import RotZ

    result = qulacs.QuantumCircuit(circuit.n_qubits)
    for gate in circuit.gates:
        if gate.name == "rz":
            result.add_gate(RotZ(gate.qubits[0], gate.angle))
        else:
            result.add_gate(gates[gate.name, gate.qubits])
    return result


def _qulacs_doubled_circuit(
    circuit: Circuit, gates: dict[Any, Any], table: Table, merge: bool
) -> Any:
    import qulacs
    from qulacs.gate import DenseMatrix, RotZ

    n = circuit.n_qubits
    result = qulacs.QuantumCircuit(2 * n)
    alone = (Step(gate.qubits, ((gate, None),)) for gate in circuit.gates)
    for step in steps(circuit) if merge else alone:
        (gate, _), qubit = step.gates[0], step.qubits[0]
        if all(one.name == "rz" for one, _ in step.gates):
            angle = sum(one.angle or 0.0 for one, _ in step.gates)
            result.add_gate(RotZ(qubit, angle))
            result.add_gate(RotZ(qubit + n, -angle))
        elif len(step.gates) == 1:
            result.add_gate(gates[gate.name, gate.qubits])
        else:
            result.add_gate(DenseMatrix([qubit, qubit + n], step_matrix(step, (), table)))
    return result


# --- tensorcircuit-ng ------------------------------------------------------------------------


def tensorcircuit_forward(
    patch: qas.Device,
    circuit: Circuit,
    angles: NDArray[np.float64],
    observable: qas.Observable,
    repeats: int = 3,
    contractor: str | None = None,
) -> Timing:
    """One circuit structure at many angles, shape (batch, n_params): jit of vmap, jax on the CPU.

    Timed: one call of the compiled function until its result is there. Not timed:
    apart["compile"], the first call: tracing, the search for a contraction path and XLA. Each new
    structure needs it again.

    Args:
        contractor: "plain" (gate by gate), "greedy" (tensorcircuit's default) or "random" (best of
            64 random-greedy paths); by default what was fastest: plain at two qubits, else random.
    """
    energy = _tensorcircuit_energy(patch, circuit, observable, contractor)
    return _tensorcircuit_time(energy, angles, repeats)


def tensorcircuit_gradient(
    patch: qas.Device,
    circuit: Circuit,
    angles: NDArray[np.float64],
    observable: qas.Observable,
    repeats: int = 3,
    contractor: str | None = None,
) -> Timing:
    """Gradients by jax.value_and_grad, shape (batch, n_params); see `tensorcircuit_forward`."""
    import jax

    energy = _tensorcircuit_energy(patch, circuit, observable, contractor)
    both = jax.value_and_grad(energy)
    return _tensorcircuit_time(lambda row: both(row)[::-1], angles, repeats)


def _tensorcircuit_energy(
    patch: qas.Device, circuit: Circuit, observable: qas.Observable, contractor: str | None
) -> Callable[[Any], Any]:
    """The energy as a function of the free angles, traceable by jax.

    The density matrix is a circuit of 2n wires, which is how DMCircuit keeps it, but with gate
    and noise as one superoperator and the one-qubit gates of a wire merged: 1.5-2 times as fast
    as DMCircuit's rz and general_kraus. Wires count from the most significant bit.
    """
    import jax
    import jax.numpy as jnp
    import tensorcircuit as tc

    jax.config.update("jax_enable_x64", True)
    tc.set_backend("jax")
    tc.set_dtype("complex128")
    n, table = patch.n_qubits, superoperators(patch)
    _set_contractor(contractor or ("plain" if n == 2 else "random"))
    weights = observable_vector(observable)
    plan = list(steps(circuit))

    def energy(angles: Any) -> Any:
        doubled = tc.Circuit(2 * n)
        for step in plan:
            bits = [*step.qubits, *(q + n for q in step.qubits)]
            wires = [2 * n - 1 - bit for bit in reversed(bits)]
            doubled.any(*wires, unitary=step_matrix(step, angles, table, jnp))
        return jnp.real(jnp.sum(doubled.state() * weights))

    return energy


def _set_contractor(name: str) -> None:
    import tensorcircuit as tc

    if name != "random":
        tc.set_contractor(name)
        return
    from opt_einsum import RandomGreedy

    tc.set_contractor("custom", optimizer=RandomGreedy(max_repeats=64, parallel=False))


def _tensorcircuit_time(
    function: Callable[[Any], Any], angles: NDArray[np.float64], repeats: int
) -> Timing:
    """The first output of a function of one vector of angles, over the batch."""
    import jax

    compiled = jax.jit(jax.vmap(function))
    _, _, first_call = best_of(1, lambda: jax.block_until_ready(compiled(angles)))
    result, seconds, cpu = best_of(repeats, lambda: jax.block_until_ready(compiled(angles)))
    first = result[0] if isinstance(result, tuple) else result
    return Timing(np.asarray(first), seconds, {"cpu": cpu, "compile": first_call})


# --- Alone ----------------------------------------------------------------------------------

COUNTS = {2: 200, 4: 200, 6: 60, 8: 20, 10: 4}
SLOW_COUNTS = {2: 100, 4: 50, 6: 10, 8: 2}  # of qulacs' DensityMatrix; 10 qubits take 10 s each
SHIFTS = {8: 10, 10: 2}
BATCHES = {2: 256, 4: 256, 6: 64, 8: 8, 10: 2}


def report(work: Workload, peer: str, repeats: int) -> dict[str, dict[str, float]]:
    """Microseconds per circuit of one peer's ways, and how far they are from our simulator."""
    return {"aer": _report_aer, "qulacs": _report_qulacs, "tensorcircuit": _report_tensorcircuit}[
        peer
    ](work, repeats)


def _report_aer(work: Workload, repeats: int) -> dict[str, dict[str, float]]:
    n, exact = work.n_qubits, _exact(work)
    circuit, angles = work.circuits[work.typical], work.angles[work.typical]
    many = np.random.default_rng(n).uniform(-np.pi, np.pi, (COUNTS[n], circuit.n_params))
    tuned = aer_tuned(work.patch)
    ways = {"aer stock": aer_stock(work.device, work.patch), "aer tuned": tuned}
    rows = {
        name: _row(aer_forward(way, work.bound, work.observable, repeats), exact)
        for name, way in ways.items()
    }
    same = aer_angles(tuned, circuit, many, work.observable, repeats)
    rows["aer tuned, one structure"] = _row(same, _exact_angles(work, many))
    slope = aer_gradient(tuned, circuit, angles, work.observable, repeats, SHIFTS.get(n))
    rows["aer tuned, gradient"] = _row(slope, _exact_slope(work, angles[None]))
    return rows


def _report_qulacs(work: Workload, repeats: int) -> dict[str, dict[str, float]]:
    exact, few = _exact(work), work.bound[: SLOW_COUNTS.get(work.n_qubits, 0)]
    doubled = qulacs_doubled(work.patch, work.bound, work.observable, repeats)
    rows = {"qulacs doubled": _row(doubled, exact)}
    if few:
        density = qulacs_density(work.patch, few, work.observable, min(repeats, 3))
        rows["qulacs density"] = _row(density, exact[: len(few)])
    return rows


def _report_tensorcircuit(work: Workload, repeats: int) -> dict[str, dict[str, float]]:
    circuit, patch = work.circuits[work.typical], work.patch
    shape = (BATCHES[work.n_qubits], circuit.n_params)
    angles = np.random.default_rng(work.n_qubits).uniform(-np.pi, np.pi, shape)
    forward = tensorcircuit_forward(patch, circuit, angles, work.observable, repeats)
    slope = tensorcircuit_gradient(patch, circuit, angles, work.observable, repeats)
    return {
        "tensorcircuit": _row(forward, _exact_angles(work, angles)),
        "tensorcircuit, gradient": _row(slope, _exact_slope(work, angles)),
    }


def _exact(work: Workload) -> NDArray[np.float64]:
    ours = qas.NoisySimulator(work.patch)
    return np.array([ours.estimate(c, work.observable, []).mean[0] for c in work.bound])


def _exact_angles(work: Workload, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    ours = qas.NoisySimulator(work.patch)
    return ours.estimate(work.circuits[work.typical], work.observable, angles).mean


def _exact_slope(work: Workload, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    ours = qas.NoisySimulator(work.patch)
    return ours.value_and_grad(work.circuits[work.typical], work.observable, angles)[1]


def _row(timing: Timing, exact: NDArray[np.float64]) -> dict[str, float]:
    """Microseconds per circuit, seconds of compilation, and the largest deviation."""
    count = len(timing.values)
    row: dict[str, float] = {"circuits": count, "us": round(1e6 * timing.seconds / count, 1)}
    for name in ("cpu", "own", "build"):
        if name in timing.apart:
            row[f"{name}_us"] = round(1e6 * timing.apart[name] / count, 1)
    if "compile" in timing.apart:
        row["compile_s"] = round(timing.apart["compile"], 1)
    if "shifted" in timing.apart:
        row["shifted"] = timing.apart["shifted"]
    return row | {"deviation": float(np.nanmax(np.abs(timing.values - exact)))}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Times the peers alone and prints JSON.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 4, 6, 8], choices=SIZES)
    parser.add_argument("--family", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--peers", nargs="+", default=list(MODULES), choices=list(MODULES))
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def versions() -> dict[str, str]:
    """Versions of the peers' packages, or why a peer is absent."""
    found = {}
    for peer in MODULES:
        absent = missing(peer)
        for module in MODULES[peer]:
            package = PACKAGES.get(module, module)
            found[package] = absent or importlib.metadata.version(package)
    return found


def main() -> None:
    single_thread()
    given = _arguments()
    absent = {peer: missing(peer) for peer in given.peers}
    results: list[dict[str, Any]] = []
    for family in given.family:
        for n in given.sizes:
            work = workload(family, n, COUNTS[n])
            for peer in given.peers:
                rows = {peer: absent[peer]} if absent[peer] else report(work, peer, given.repeats)
                results.append({"family": family, "n": n, "load": os.getloadavg()[0]} | rows)
    print(json.dumps({"versions": versions(), "results": results}, indent=1))


if __name__ == "__main__":
    main()
