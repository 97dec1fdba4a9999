"""How likely a circuit is to run without an error, estimated from the calibration alone."""

from __future__ import annotations

from math import exp, inf, log1p
from typing import TYPE_CHECKING

from qas.circuit import Circuit
from qas.device.schedule import idle_after
from qas.errors import InputError

if TYPE_CHECKING:
    from qas.device.device import Device


def success_probability(circuit: Circuit, device: Device, *, readout: bool = True) -> float:
    """Estimated probability of success of a native circuit.

    prod_gates (1 - error) * prod_qubits (1 - (p01 + p10) / 2) * exp(-idle), where waiting
    for t seconds adds t / (6 T1) + t / (3 T2) to the idle part: the average infidelity of
    relaxation to first order, as patches are ranked by. Reported errors hold the relaxation
    during gates already. Source of the product: Nishio et al., ACM JETC 16, 32 (2020).

    Args:
        circuit: native; qubit i runs on qubit i of the device.
        device: the patch with its calibration; 1 on an ideal device.
        readout: every qubit of the circuit is measured at the end.

    Raises:
        InputError: a gate that the device does not have.
    """
    total = -_idle(circuit, device)
    for gate in circuit.gates:
        if device.is_ideal and len(gate.qubits) == 1:
            continue  # every one-qubit gate is native there, the device lists only some
        calibration = device.gate(gate.name, gate.qubits)
        if calibration is None:
            raise InputError(
                f"{gate.name} on {list(gate.qubits)} is not available on {device.name}: "
                "lower the circuit onto this calibration first"
            )
        total += log1p(-calibration.error)
    for qubit in device.qubits[: circuit.n_qubits] if readout else ():
        if qubit.p01 is not None and qubit.p10 is not None:
            wrong = (qubit.p01 + qubit.p10) / 2
            total += log1p(-wrong) if wrong < 1 else -inf
    return exp(total)


def _idle(circuit: Circuit, device: Device) -> float:
    """What all waits together add to the infidelity."""
    total = 0.0
    for gate, waits in zip(circuit.gates, idle_after(circuit, device), strict=True):
        for qubit, wait in zip(gate.qubits, waits, strict=True):
            times = device.qubits[qubit]
            if times.t1 and times.t2:
                total += wait / (6 * times.t1) + wait / (3 * times.t2)
    return total
