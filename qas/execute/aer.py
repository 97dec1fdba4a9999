"""Qiskit Aer behind the same protocol: the oracle that the fast simulator is held against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, paired_rows
from qas.device import Device
from qas.device.lowering import is_native
from qas.execute.backend import Estimate, observable_list
from qas.task import Observable

if TYPE_CHECKING:
    from qiskit_aer.noise import NoiseModel


class AerSimulator:
    """Exact noisy expectation values from Aer's density-matrix simulator.

    Args:
        device: the patch that circuits run on; circuit qubit i is its qubit i.
        kraus: rebuild each gate error as a Kraus channel. Stock errors drop branches of
            probability below 1e-10, which shows as differences of 1e-8.
    """

    def __init__(self, device: Device, *, kraus: bool = True) -> None:
        from qiskit_aer import AerSimulator as Aer

        self.device = device
        options: dict[str, Any] = {"method": "density_matrix", "max_parallel_threads": 1}
        if not device.is_ideal:
            options["noise_model"] = noise_model(device, kraus=kraus)
        self._aer = Aer(**options)

    @property
    def name(self) -> str:
        """Name for reports and ledgers."""
        return f"Aer on {self.device.name}"

    def estimate(
        self,
        circuit: Circuit,
        observables: Observable | Sequence[Observable],
        params: ArrayLike,
        inputs: ArrayLike | None = None,
    ) -> Estimate:
        """Exact expectation values; see `Backend.estimate`."""
        wanted, single = observable_list(observables)
        native, (rows, data) = circuit, paired_rows(circuit, params, inputs)
        if not is_native(circuit, self.device):
            lowering = self.device.lowering(circuit)
            native, rows = lowering.native, lowering.angles(rows)
        fed = [native.feed(sample) if native.n_inputs else native for sample in data]
        bound = [one.bind(row) for one, row in zip(fed, rows, strict=True)]
        mean = self.estimate_many(bound, wanted)
        mean = mean[:, 0] if single else mean
        return Estimate(mean, np.zeros_like(mean), circuits=len(rows))

    def estimate_many(
        self, circuits: Sequence[Circuit], observables: Sequence[Observable]
    ) -> NDArray[np.float64]:
        """Values, shape (n_circuits, n_observables), of bound native circuits in one batch."""
        from qiskit_aer.library import SaveExpectationValue

        if not circuits:
            return np.zeros((0, len(observables)))
        runs = []
        for circuit in circuits:
            run = circuit.to_qiskit()
            for number, one in enumerate(observables):
                save = SaveExpectationValue(one.to_qiskit(), label=f"value{number}")
                run.append(save, range(run.num_qubits))
            runs.append(run)
        result = self._aer.run(runs).result()
        if not result.success:
            raise RuntimeError(f"Aer failed: {result.status}")
        labels = [f"value{number}" for number in range(len(observables))]
        rows = [[result.data(b)[label] for label in labels] for b in range(len(runs))]
        return np.array(rows, dtype=np.float64).reshape(len(runs), len(labels))


def noise_model(device: Device, *, kraus: bool = True) -> NoiseModel:
    """Aer's own noise model of the device's calibration, without readout error.

    The errors are `NoiseModel.from_backend`'s: `basic_device_gate_errors` on a Target.
    """
    from qiskit.quantum_info import Kraus, SuperOp
    from qiskit_aer.noise import NoiseModel, QuantumError
    from qiskit_aer.noise.device import basic_device_gate_errors

    model = NoiseModel(basis_gates=sorted({*device.native, "rz", "id"}))
    for name, qubits, error in basic_device_gate_errors(target=target_of(device)):
        if kraus:
            error = QuantumError(Kraus(SuperOp(error)))
        model.add_quantum_error(error, name, qubits, warnings=False)
    return model


def target_of(device: Device) -> Any:
    """The device as a Qiskit Target: gates with error and duration, T1, T2, readout."""
    from qiskit.circuit import Measure
    from qiskit.circuit.library import get_standard_gate_name_mapping
    from qiskit.transpiler import InstructionProperties, QubitProperties, Target

    target = Target(
        num_qubits=device.n_qubits,
        dt=device.dt,
        qubit_properties=[QubitProperties(t1=q.t1, t2=q.t2) for q in device.qubits],
    )
    standard = get_standard_gate_name_mapping()
    for name in device.native:
        found = [gate for gate in device.gates if gate.name == name]
        properties = {
            gate.qubits: InstructionProperties(duration=gate.duration, error=gate.error)
            for gate in found
        }
        target.add_instruction(standard[name], properties)
    target.add_instruction(Measure(), {(q,): None for q in range(device.n_qubits)})
    return target
