"""Chips that the Runtime runs on: a local stand-in made of a calibration, or a real one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qas.circuit import Circuit
from qas.device import Device, load_device
from qas.device.account import open_service
from qas.device.schedule import idle_after
from qas.errors import InputError
from qas.execute.aer import target_of

if TYPE_CHECKING:
    from qiskit import QuantumCircuit
    from qiskit.transpiler import Target

DENSITY_MATRIX_QUBITS = 10
"""Up to here the stand-in simulates density matrices; beyond, sampled trajectories."""
KEPT = 16
"""Placed circuits that a chip keeps."""
SHORTEST_WAIT = 1e-12
"""Seconds; shorter waits are rounding."""


@dataclass(frozen=True, eq=False)
class Chip:
    """A backend of the Runtime and where a patch's circuits stand on it."""

    name: str
    """``local``, ``local:<snapshot>`` or the machine's name, for reports and ledgers."""
    backend: Any
    """What the Runtime takes as mode: an AerSimulator, a fake backend or an IBMBackend."""
    target: Target
    """Gates available on the backend."""
    placement: tuple[int, ...]
    """Circuit qubit i runs on backend qubit ``placement[i]``."""
    n_qubits: int
    """Width of the circuits that are submitted."""
    idle: Device | None = None
    """Calibration whose durations become explicit delays; None where the machine keeps time."""
    calibration: str = ""
    """Hash of the calibration that a stand-in is made of."""
    patch: Device | None = None
    """The patch that circuits are lowered to; None where nobody said."""
    _placed: dict[Circuit, QuantumCircuit] = field(init=False, default_factory=dict, repr=False)

    def place(self, circuit: Circuit) -> QuantumCircuit:
        """The circuit as it is submitted: the same gates on the chip's qubits.

        The same object for the same circuit. The Runtime (0.51, through samplomatic 0.21) tells
        boxes without twirling apart by their Parameter objects and gives up at the 14th that
        differs in nothing else; new ones in every request would end a training there.

        Raises:
            InputError: another number of qubits, or a gate the chip does not have there.
        """
        if circuit not in self._placed:
            while len(self._placed) >= KEPT:
                del self._placed[next(iter(self._placed))]
            self._placed[circuit] = self._made(circuit)
        return self._placed[circuit]

    def _made(self, circuit: Circuit) -> QuantumCircuit:
        self._check(circuit)
        from qiskit import QuantumCircuit

        source = circuit.to_qiskit() if self.idle is None else with_delays(circuit, self.idle)
        if self.n_qubits == source.num_qubits and self.placement == tuple(range(self.n_qubits)):
            return source
        placed = QuantumCircuit(self.n_qubits)
        return placed.compose(source, qubits=list(self.placement))

    def place_label(self, pauli: str) -> str:
        """A Pauli label (rightmost letter = qubit 0) on the chip's qubits."""
        letters = ["I"] * self.n_qubits
        for q, letter in enumerate(reversed(pauli)):
            letters[self.n_qubits - 1 - self.placement[q]] = letter
        return "".join(letters)

    def _check(self, circuit: Circuit) -> None:
        if circuit.n_qubits != len(self.placement):
            raise InputError(
                f"the circuit has {circuit.n_qubits} qubits, the patch on {self.name} "
                f"{len(self.placement)}: lower the circuit onto this patch"
            )
        for gate in circuit.gates:
            qubits = tuple(self.placement[q] for q in gate.qubits)
            if not self.target.instruction_supported(gate.name, qubits):
                known = ", ".join(sorted(self.target.operation_names))
                raise InputError(
                    f"{self.name} has no {gate.name} on qubit(s) {gate.qubits} of the patch "
                    f"{self.placement}; its gates are {known}: "
                    "lower the circuit for this device first (device.lower)"
                )


def local_chip(device: Device, *, name: str = "local", idle: bool = True) -> Chip:
    """A local stand-in that behaves as a chip does and differs from the search's model.

    Gate errors as ``NoiseModel.from_backend``, asymmetric readout errors from p01 and
    p10, finite shots, and with ``idle`` thermal relaxation of waiting qubits: circuits
    are scheduled as late as possible with the calibration's durations and submitted
    with explicit delays, on which the noise acts.

    Raises:
        InputError: a qubit without readout calibration.
    """
    from qiskit_aer import AerSimulator

    target = target_of(device)
    options: dict[str, Any] = {
        "method": "density_matrix" if device.n_qubits <= DENSITY_MATRIX_QUBITS else "automatic"
    }
    if not device.is_ideal:
        options["noise_model"] = _noise_model(device, target)
    simulator = AerSimulator(**options)
    placement = tuple(range(device.n_qubits))
    scheduled = device if idle else None
    width, digest = device.n_qubits, device.hash
    return Chip(name, simulator, target, placement, width, scheduled, digest, device)


def hardware_chip(backend: Any, device: Device) -> Chip:
    """A machine of the account (or a fake backend); ``device`` is a patch of it.

    Circuits stand on ``device.physical_qubits`` with their gates unchanged; the
    machine schedules them itself.

    Raises:
        InputError: the patch has qubits that the machine lacks.
    """
    if max(device.physical_qubits) >= backend.num_qubits:
        raise InputError(
            f"{backend.name} has qubits 0..{backend.num_qubits - 1}; "
            f"the patch stands on {device.physical_qubits}: search on this machine's calibration"
        )
    n_qubits = int(backend.num_qubits)
    placement = tuple(device.physical_qubits)
    return Chip(backend.name, backend, backend.target, placement, n_qubits, patch=device)


def parse_backend(spec: str, device: Device, account: str | None = None) -> Chip:
    """The chip that ``local``, ``local:<snapshot>`` or ``ibm_<name>`` stands for.

    Args:
        spec: as typed; a snapshot is a name or path that `load_device` takes,
            usually another day's calibration of the same chip.
        device: the patch that circuits are native on.
        account: name of a saved account, for ``ibm_<name>``.

    Raises:
        InputError: no such form; a snapshot on which the patch does not fit; no account.
    """
    if spec == "local":
        return local_chip(device)
    if spec.startswith("local:") and len(spec) > len("local:"):
        return local_chip(_snapshot(spec.removeprefix("local:"), device), name=spec)
    if spec.startswith("ibm_"):
        return hardware_chip(ibm_backend(spec, account), device)
    raise InputError(
        f"unknown backend {spec!r}: give local, local:<snapshot> (a device name or a "
        "calibration file), or ibm_<name>"
    )


def ibm_backend(name: str, account: str | None = None) -> Any:
    """The machine ``name`` of the user's IBM Quantum account (see `open_service`).

    Raises:
        InputError: no account, or no such machine in it; a token is never repeated.
    """
    service = open_service(account)
    try:
        return service.backend(name)
    except Exception as error:
        raise InputError(
            f"the account offers no machine {name!r} ({type(error).__name__}): "
            "QiskitRuntimeService().backends() lists what it offers"
        ) from None


def _snapshot(name: str, device: Device) -> Device:
    """The patch of ``device`` on another calibration, checked to be the same chip."""
    other = load_device(name)
    if other.physical_qubits != device.physical_qubits:
        if max(device.physical_qubits) >= other.n_qubits:
            raise InputError(
                f"{name} has {other.n_qubits} qubits; the patch stands on qubits "
                f"{device.physical_qubits}: give another day's calibration of the same chip"
            )
        other = other.patch(device.physical_qubits)
    missing = sorted(set(device.couplings) - set(other.couplings))
    if missing or other.two_qubit_gate != device.two_qubit_gate:
        raise InputError(
            f"{name} does not fit the patch {device.physical_qubits} of {device.name}: "
            f"{device.two_qubit_gate} needed, missing on patch qubits {missing}; "
            f"it has {other.two_qubit_gate} on {sorted(other.couplings)}"
        )
    return other


def with_delays(circuit: Circuit, device: Device) -> QuantumCircuit:
    """The circuit scheduled as late as possible, waiting times as delays in seconds."""
    plain = circuit.to_qiskit()
    result = plain.copy_empty_like()
    waits = idle_after(circuit, device)
    for gate, instruction, seconds in zip(circuit.gates, plain.data, waits, strict=True):
        result.append(instruction)
        for qubit, wait in zip(gate.qubits, seconds, strict=True):
            if wait > SHORTEST_WAIT:
                result.delay(wait, qubit, unit="s")
    return result


def _noise_model(device: Device, target: Target) -> Any:
    from qiskit_aer.noise import NoiseModel, ReadoutError

    # Of a backend with T1 and T2 this also puts relaxation on delays.
    model = NoiseModel.from_backend(_calibrated(device.name, target), readout_error=False)
    for q, qubit in enumerate(device.qubits):
        if qubit.p01 is None or qubit.p10 is None:
            raise InputError(
                f"qubit {device.physical_qubits[q]} of {device.name} has no readout "
                "calibration: choose a patch without it"
            )
        rows = [[1 - qubit.p10, qubit.p10], [qubit.p01, 1 - qubit.p01]]
        model.add_readout_error(ReadoutError(rows), [q])
    return model


def _calibrated(name: str, target: Target) -> Any:
    """A backend that only carries a target: the form in which Aer reads a calibration."""
    from qiskit.providers import BackendV2, Options

    class Calibrated(BackendV2):  # type: ignore[misc]
        target = None
        max_circuits = None

        @classmethod
        def _default_options(cls) -> Any:
            return Options()

        def run(self, run_input: Any, **options: Any) -> Any:
            raise NotImplementedError

    backend = Calibrated(name=name)
    backend.target = target
    return backend
