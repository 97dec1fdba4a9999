"""Lowering: a circuit in any known gates becomes one in the native gates of a device.

What comes out depends on the structure alone, never on the value of an angle.
Between two-qubit gates the one-qubit gates of a wire form a *run*:

- a stretch of gates without angles is shortened to at most one pulse (or two where
  its matrix needs them);
- a run with a free or fixed rx or ry, or of more than two pulses, becomes
  rz - sx - rz - sx - rz, i.e. any one-qubit unitary;
- any other run keeps its pulses, and neighbouring rz merge into one.

A rotation by a data input ends the run before it and is written by itself.

The angles of the free native rz are the trained ones: each stands in exactly one
gate. `Lowering.angles` maps the parameters of the circuit that came in to them.

Source of rz - sx - rz - sx - rz: McKay et al., Phys. Rev. A 96, 022330 (2017), eq. 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Gate, checked_params
from qas.device.pair import pair_steps
from qas.device.run import (
    Turn,
    euler_angles,
    euler_slopes,
    one_turn,
    run_unitary,
    shortened,
)
from qas.errors import InputError

if TYPE_CHECKING:
    from qas.device.device import Device


@dataclass(frozen=True)
class _Sum:
    """Native parameter ``slot`` = offset + the sum of the parameters in ``sources``."""

    slot: int
    offset: float
    sources: tuple[int, ...]


@dataclass(frozen=True)
class _Euler:
    """Native parameters slot, slot + 1, slot + 2 = Euler angles of the run's unitary."""

    slot: int
    run: tuple[Turn | str, ...]


@dataclass(frozen=True)
class Lowering:
    """A circuit, its native form, and how the angles of the one follow from the other's."""

    logical: Circuit
    """The circuit that came in."""
    native: Circuit
    """The same unitary up to a global phase, in native gates."""
    sums: tuple[_Sum, ...] = ()
    eulers: tuple[_Euler, ...] = ()

    @cached_property
    def _affine(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        slope = np.zeros((self.native.n_params, self.logical.n_params))
        offset = np.zeros(self.native.n_params)
        for item in self.sums:
            offset[item.slot] = item.offset
            for source in item.sources:
                slope[item.slot, source] += 1.0
        return slope, offset

    def angles(self, params: ArrayLike) -> NDArray[np.float64]:
        """Native angles, shape (batch, native.n_params), of logical ``params`` (batch, P)."""
        values = checked_params(self.logical, params)
        slope, offset = self._affine
        result: NDArray[np.float64] = values @ slope.T + offset
        for item in self.eulers:
            result[:, item.slot : item.slot + 3] = euler_angles(run_unitary(item.run, values))
        return result

    def pullback(self, params: ArrayLike, native_grad: NDArray[np.float64]) -> NDArray[np.float64]:
        """Gradient in the logical parameters, shape (batch, P), by the chain rule.

        Args:
            params: logical parameters, shape (batch, P), radians.
            native_grad: gradient in the native angles, shape (batch, native.n_params).

        Where a run of several rotations passes through an angle at which its Euler
        angles are not unique (a pole), the least-squares solution stands in.
        """
        values = checked_params(self.logical, params)
        result: NDArray[np.float64] = native_grad @ self._affine[0]
        for item in self.eulers:
            part = native_grad[:, item.slot : item.slot + 3]
            for source, slope in euler_slopes(item.run, values):
                result[:, source] += np.einsum("bi,bi->b", part, slope)
        return result


def lower_onto(circuit: Circuit, device: Device, *, apart: bool = False) -> Lowering:
    """Lower ``circuit`` to the native gates of ``device``, qubit i onto qubit i.

    On an ideal device lowering is the identity. With ``apart`` every free rotation is written by
    itself and its angle stays the one that is trained: as many native as logical parameters, for
    a few pulses more. Rotations by a data input are always written so.

    Raises:
        InputError: more qubits than the device has, or a two-qubit gate on qubits
            that share no edge.
    """
    if circuit.n_qubits > device.n_qubits:
        raise InputError(
            f"the circuit has {circuit.n_qubits} qubits, {device.name} only {device.n_qubits}"
        )
    if device.is_ideal:
        for gate in circuit.gates:
            if len(gate.qubits) == 2:
                device.require_coupling(*gate.qubits)
        slots = tuple(_Sum(k, 0.0, (k,)) for k in range(circuit.n_params))
        return Lowering(circuit, circuit, slots)
    return _Lowerer(circuit, device, apart).lower()


def is_native(circuit: Circuit, device: Device) -> bool:
    """True if every gate of the circuit is available on the device as it stands."""
    if circuit.n_qubits > device.n_qubits:
        return False
    if device.is_ideal:
        return all(len(g.qubits) == 1 or device.gate("cx", g.qubits) for g in circuit.gates)
    return all(device.gate(g.name, g.qubits) is not None for g in circuit.gates)


class _Lowerer:
    """Collects runs and writes native gates; lives for one call of `lower_onto`."""

    def __init__(self, circuit: Circuit, device: Device, apart: bool) -> None:
        self.circuit, self.device, self.apart = circuit, device, apart
        self.runs: list[list[Turn | str]] = [[] for _ in range(circuit.n_qubits)]
        self.gates: list[Gate] = []
        self.n_params = 0
        self.sums: list[_Sum] = []
        self.eulers: list[_Euler] = []

    def lower(self) -> Lowering:
        number = 0
        for gate in self.circuit.gates:
            if len(gate.qubits) == 2:
                self.place_two(gate.name, *gate.qubits)
            elif gate.is_rotation:
                source = number if gate.is_free else None
                number += gate.is_free
                turn = Turn(gate.name, source, gate.angle or 0.0, gate.input)
                if gate.input is not None or (self.apart and gate.is_free):
                    self.place_alone(gate.qubits[0], turn)
                else:
                    self.runs[gate.qubits[0]].append(turn)
            elif gate.name != "id":
                self.runs[gate.qubits[0]].append(gate.name)
        for qubit in range(self.circuit.n_qubits):
            self.flush(qubit)
        native = Circuit(self.circuit.n_qubits, tuple(self.gates))
        return Lowering(self.circuit, native, tuple(self.sums), tuple(self.eulers))

    def place_two(self, name: str, a: int, b: int) -> None:
        """Write a two-qubit gate by the native one, its corrections going into the runs."""
        self.device.require_coupling(a, b)
        native = self.device.two_qubit_gate
        forward, backward = (self.device.gate(native, q) is not None for q in ((a, b), (b, a)))
        for step, wires in pair_steps(name, native, forward, backward):
            qubits = tuple((a, b)[wire] for wire in wires)
            if len(qubits) == 2:
                self.emit_two(*qubits)
            else:
                self.runs[qubits[0]].append(step)

    def place_alone(self, qubit: int, turn: Turn) -> None:
        """Write one rotation by itself, so that its angle or data input stands in one rz."""
        self.flush(qubit)
        word = [turn] if turn.axis == "rz" else one_turn([turn])
        zero = Turn("rz", None, 0.0)
        self.write_word(qubit, [item for item in word if item != zero])

    def emit_two(self, a: int, b: int) -> None:
        self.flush(a)
        self.flush(b)
        self.gates.append(Gate(self.device.two_qubit_gate, (a, b)))

    def flush(self, qubit: int) -> None:
        """Write the run of a wire as native gates."""
        run, self.runs[qubit] = shortened(self.runs[qubit]), []
        pulses = sum(item in ("sx", "x") for item in run)
        turned = [item for item in run if isinstance(item, Turn)]
        if pulses <= 2 and all(item.axis == "rz" for item in turned):
            self.write_word(qubit, run)
        elif pulses == 0 and sum(item.axis != "rz" for item in turned) == 1:
            self.write_word(qubit, one_turn(turned), free=any(t.source is not None for t in turned))
        else:
            self.write_euler(qubit, tuple(run))

    def write_word(self, qubit: int, run: list[Turn | str], free: bool = False) -> None:
        """Write pulses as they stand, merging neighbouring rz; ``free`` frees every rz."""
        pending: list[Turn] = []
        for item in (*run, None):
            if isinstance(item, Turn):
                pending.append(item)
                continue
            if pending:
                self.write_rz(qubit, pending, free)
                pending = []
            if item is not None:
                self.gates.append(Gate(item, (qubit,)))

    def write_rz(self, qubit: int, turns: list[Turn], free: bool) -> None:
        offset = sum(turn.angle for turn in turns)
        sources = tuple(turn.source for turn in turns if turn.source is not None)
        data = [turn.data for turn in turns if turn.data is not None]
        if data:
            self.gates.append(Gate("rz", (qubit,), offset or None, data[0]))
        elif sources or free:
            self.sums.append(_Sum(self.n_params, offset, sources))
            self.n_params += 1
            self.gates.append(Gate("rz", (qubit,)))
        else:
            self.gates.append(Gate("rz", (qubit,), offset))

    def write_euler(self, qubit: int, run: tuple[Turn | str, ...]) -> None:
        free = any(isinstance(item, Turn) and item.source is not None for item in run)
        angles: list[float | None] = [None, None, None]
        if free:
            self.eulers.append(_Euler(self.n_params, run))
            self.n_params += 3
        else:
            angles = euler_angles(run_unitary(run, np.zeros((1, 0))))[0].tolist()
        first, middle, last = angles
        for gate in (("rz", first), ("sx", None), ("rz", middle), ("sx", None), ("rz", last)):
            self.gates.append(Gate(gate[0], (qubit,), gate[1]))
