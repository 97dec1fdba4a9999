"""Lowering: a circuit in any known gates becomes one in the native gates of a device.

What comes out depends on the structure alone, never on the value of an angle.
Between two-qubit gates the one-qubit gates of a wire form a *run*:

- a stretch of gates without angles is shortened to at most one pulse (or two where
  its matrix needs them);
- a run with a free or fixed rx or ry, or of more than two pulses, becomes
  rz - sx - rz - sx - rz, i.e. any one-qubit unitary;
- any other run keeps its pulses, and neighbouring rz merge into one.

The angles of the free native rz are the trained ones: each stands in exactly one
gate. `Lowering.angles` maps the parameters of the circuit that came in to them.

Source of rz - sx - rz - sx - rz: McKay et al., Phys. Rev. A 96, 022330 (2017), eq. 13.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, cached_property, reduce
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.circuit import Circuit, Gate, checked_params, fixed_matrix
from qas.errors import InputError

if TYPE_CHECKING:
    from qas.device.device import Device

_PI = math.pi
# A two-qubit gate on (a, b) as one-qubit gates before, cx, one-qubit gates after; per wire.
_AS_CX: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "cx": ((), (), (), ()),
    "cz": ((), ("h",), (), ("h",)),
    "ecr": (("s",), ("sx",), ("x",), ()),
}
# cx on (a, b) by the native gate of a device, in the same form.
_CX_BY: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "cx": ((), (), (), ()),
    "cz": ((), ("h",), (), ("h",)),
    "ecr": (("sdg",), ("sxdg",), ("x",), ()),
}


@dataclass(frozen=True)
class _Turn:
    """A rotation inside a run: by parameter ``source`` of the circuit, or by ``angle``."""

    axis: str
    source: int | None
    angle: float


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
    run: tuple[_Turn | str, ...]


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
            result[:, item.slot : item.slot + 3] = euler_angles(_unitary(item.run, values))
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
            for source, slope in _euler_slopes(item.run, values):
                result[:, source] += np.einsum("bi,bi->b", part, slope)
        return result


def lower_onto(circuit: Circuit, device: Device) -> Lowering:
    """Lower ``circuit`` to the native gates of ``device``, qubit i onto qubit i.

    On an ideal device lowering is the identity.

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
    return _Lowerer(circuit, device).lower()


def is_native(circuit: Circuit, device: Device) -> bool:
    """True if every gate of the circuit is available on the device as it stands."""
    if circuit.n_qubits > device.n_qubits:
        return False
    if device.is_ideal:
        return all(len(g.qubits) == 1 or device.gate("cx", g.qubits) for g in circuit.gates)
    return all(device.gate(g.name, g.qubits) is not None for g in circuit.gates)


class _Lowerer:
    """Collects runs and writes native gates; lives for one call of `lower_onto`."""

    def __init__(self, circuit: Circuit, device: Device) -> None:
        self.circuit, self.device = circuit, device
        self.runs: list[list[_Turn | str]] = [[] for _ in range(circuit.n_qubits)]
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
                self.runs[gate.qubits[0]].append(_Turn(gate.name, source, gate.angle or 0.0))
            elif gate.name != "id":
                self.runs[gate.qubits[0]].append(gate.name)
        for qubit in range(self.circuit.n_qubits):
            self.flush(qubit)
        native = Circuit(self.circuit.n_qubits, tuple(self.gates))
        return Lowering(self.circuit, native, tuple(self.sums), tuple(self.eulers))

    def place_two(self, name: str, a: int, b: int) -> None:
        """Write a two-qubit gate by the native one, its corrections going into the runs."""
        if name == "swap":
            for first, second in ((a, b), (b, a), (a, b)):
                self.place_two("cx", first, second)
            return
        self.device.require_coupling(a, b)
        native = self.device.two_qubit_gate
        if name == native and self.device.gate(native, (a, b)):
            self.emit_two(a, b)
        elif name == native == "cz":
            self.emit_two(b, a)
        elif name == "cx" or native == "cz":
            self.place_as_cx(name, a, b)
        elif name == "cz" and not self.device.gate(native, (a, b)):
            self.place_as_cx(name, b, a)
        else:
            self.place_as_cx(name, a, b)

    def place_as_cx(self, name: str, a: int, b: int) -> None:
        native = self.device.two_qubit_gate
        before_a, before_b, after_a, after_b = _AS_CX[name]
        self.runs[a] += before_a
        self.runs[b] += before_b
        if self.device.gate(native, (a, b)):
            self.place_cx(a, b, native)
        elif native == "cz":
            self.runs[b].append("h")
            self.emit_two(b, a)
            self.runs[b].append("h")
        else:
            self.turn_round(a, b)
            self.place_cx(b, a, native)
            self.turn_round(a, b)
        self.runs[a] += after_a
        self.runs[b] += after_b

    def turn_round(self, a: int, b: int) -> None:
        self.runs[a].append("h")
        self.runs[b].append("h")

    def place_cx(self, a: int, b: int, native: str) -> None:
        before_a, before_b, after_a, after_b = _CX_BY[native]
        self.runs[a] += before_a
        self.runs[b] += before_b
        self.emit_two(a, b)
        self.runs[a] += after_a
        self.runs[b] += after_b

    def emit_two(self, a: int, b: int) -> None:
        self.flush(a)
        self.flush(b)
        self.gates.append(Gate(self.device.two_qubit_gate, (a, b)))

    def flush(self, qubit: int) -> None:
        """Write the run of a wire as native gates."""
        run, self.runs[qubit] = _shorten(self.runs[qubit]), []
        pulses = sum(item in ("sx", "x") for item in run)
        turned = [item for item in run if isinstance(item, _Turn)]
        if pulses <= 2 and all(item.axis == "rz" for item in turned):
            self.write_word(qubit, run)
        elif pulses == 0 and sum(item.axis != "rz" for item in turned) == 1:
            self.write_word(
                qubit, _one_turn(turned), free=any(t.source is not None for t in turned)
            )
        else:
            self.write_euler(qubit, tuple(run))

    def write_word(self, qubit: int, run: list[_Turn | str], free: bool = False) -> None:
        """Write pulses as they stand, merging neighbouring rz; ``free`` frees every rz."""
        pending: list[_Turn] = []
        for item in (*run, None):
            if isinstance(item, _Turn):
                pending.append(item)
                continue
            if pending:
                self.write_rz(qubit, pending, free)
                pending = []
            if item is not None:
                self.gates.append(Gate(item, (qubit,)))

    def write_rz(self, qubit: int, turns: list[_Turn], free: bool) -> None:
        offset = sum(turn.angle for turn in turns)
        sources = tuple(turn.source for turn in turns if turn.source is not None)
        if sources or free:
            self.sums.append(_Sum(self.n_params, offset, sources))
            self.n_params += 1
            self.gates.append(Gate("rz", (qubit,)))
        else:
            self.gates.append(Gate("rz", (qubit,), offset))

    def write_euler(self, qubit: int, run: tuple[_Turn | str, ...]) -> None:
        free = any(isinstance(item, _Turn) and item.source is not None for item in run)
        angles: list[float | None] = [None, None, None]
        if free:
            self.eulers.append(_Euler(self.n_params, run))
            self.n_params += 3
        else:
            angles = euler_angles(_unitary(run, np.zeros((1, 0))))[0].tolist()
        first, middle, last = angles
        for gate in (("rz", first), ("sx", None), ("rz", middle), ("sx", None), ("rz", last)):
            self.gates.append(Gate(gate[0], (qubit,), gate[1]))


def _one_turn(turns: list[_Turn]) -> list[_Turn | str]:
    """rz ... (rx or ry) ... rz as rz - sx - rz - sx - rz, linear in every angle."""
    at = next(i for i, turn in enumerate(turns) if turn.axis != "rz")
    middle = turns[at]
    before, after = (0.0, _PI) if middle.axis == "ry" else (_PI / 2, _PI / 2)
    return [
        *turns[:at],
        _Turn("rz", None, before),
        "sx",
        _Turn("rz", middle.source, middle.angle),
        _Turn("rz", None, _PI),
        "sx",
        _Turn("rz", None, after),
        *turns[at + 1 :],
    ]


def _shorten(run: list[_Turn | str]) -> list[_Turn | str]:
    """The run with each stretch of gates without angles in its shortest native form."""
    result: list[_Turn | str] = []
    stretch: list[str] = []
    for item in (*run, None):
        if isinstance(item, str):
            stretch.append(item)
            continue
        if stretch:
            result += _shortest(tuple(stretch))
            stretch = []
        if item is not None:
            result.append(item)
    return result


@cache
def _shortest(names: tuple[str, ...]) -> tuple[_Turn | str, ...]:
    """rz, rz - sx - rz, x - rz or the full form, whichever the product of the gates needs."""
    if len(names) == 1 and names[0] in ("sx", "x"):
        return names
    unitary: NDArray[np.complex128] = reduce(
        lambda u, name: fixed_matrix(name) @ u, names, np.eye(2, dtype=np.complex128)
    )
    first, middle, last = (_snapped(a) for a in euler_angles(unitary[None])[0])
    theta = _snapped(middle - _PI)
    word: list[_Turn | str]
    if abs(theta) < 1e-9:
        word = [_Turn("rz", None, _snapped(first + last - _PI))]
    elif abs(abs(theta) - _PI) < 1e-9:
        word = ["x", _Turn("rz", None, _snapped(last - first))]
    elif abs(theta - _PI / 2) < 1e-9:
        # Ry(pi/2) = Rz(pi/2) sx Rz(-pi/2) up to phase
        word = [
            _Turn("rz", None, _snapped(first - _PI / 2)),
            "sx",
            _Turn("rz", None, _snapped(last - _PI / 2)),
        ]
    else:
        turns = [_Turn("rz", None, angle) for angle in (first, middle, last)]
        word = [turns[0], "sx", turns[1], "sx", turns[2]]
    return tuple(item for item in word if isinstance(item, str) or abs(item.angle) > 1e-9)


def _snapped(angle: float) -> float:
    """The angle in (-pi, pi], a multiple of pi/4 made exact."""
    angle = -((-float(angle) + _PI) % (2 * _PI) - _PI)
    step = round(angle / (_PI / 4))
    angle = step * _PI / 4 if abs(angle - step * _PI / 4) < 1e-12 * 64 else angle
    return _PI if abs(angle + _PI) < 1e-9 else angle


def _unitary(run: tuple[_Turn | str, ...], params: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Unitary of a run at every row of ``params``, shape (batch, 2, 2)."""
    total = np.broadcast_to(np.eye(2, dtype=np.complex128), (len(params), 2, 2))
    for item in run:
        total = _matrix(item, params) @ total
    return total


def _matrix(item: _Turn | str, params: NDArray[np.float64]) -> NDArray[np.complex128]:
    if isinstance(item, str):
        return fixed_matrix(item)
    half = np.full(len(params), item.angle) if item.source is None else params[:, item.source]
    c, s = np.cos(half / 2), np.sin(half / 2)
    pauli = fixed_matrix(item.axis[1])
    result: NDArray[np.complex128] = c[:, None, None] * np.eye(2) - 1j * s[:, None, None] * pauli
    return result


def euler_angles(unitary: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Angles (a, b, c), shape (batch, 3), with U = rz(c) sx rz(b) sx rz(a) up to phase."""
    special = unitary / np.sqrt(np.linalg.det(unitary))[:, None, None]
    down, across = special[:, 1, 1], special[:, 1, 0]
    theta = 2 * np.arctan2(np.abs(across), np.abs(down))
    total = np.where(np.abs(down) > 1e-12, 2 * np.angle(down), 0.0)
    gap = np.where(np.abs(across) > 1e-12, 2 * np.angle(across), 0.0)
    phi, lam = (total + gap) / 2, (total - gap) / 2
    return np.stack([lam, theta + _PI, phi + _PI], axis=1)


def _euler_slopes(
    run: tuple[_Turn | str, ...], params: NDArray[np.float64]
) -> list[tuple[int, NDArray[np.float64]]]:
    """(source, d(a, b, c)/d source), slopes of shape (batch, 3), for every free turn.

    The angular velocity of the whole run equals the axis of the turn carried along by
    what follows it; it is solved for the rates of the three Euler angles.
    """
    _, middle, last = euler_angles(_unitary(run, params)).T
    theta, phi = middle - _PI, last - _PI
    zero, one = np.zeros_like(phi), np.ones_like(phi)
    axes = np.stack(
        [
            np.stack([np.cos(phi) * np.sin(theta), np.sin(phi) * np.sin(theta), np.cos(theta)], 1),
            np.stack([-np.sin(phi), np.cos(phi), zero], axis=1),
            np.stack([zero, zero, one], axis=1),
        ],
        axis=2,
    )
    inverse = np.linalg.pinv(axes, rcond=1e-9)
    slopes = []
    for at, item in enumerate(run):
        if isinstance(item, _Turn) and item.source is not None:
            carried = _carried_axis(item.axis, _unitary(run[at + 1 :], params))
            slopes.append((item.source, np.einsum("bij,bj->bi", inverse, carried)))
    return slopes


def _carried_axis(axis: str, unitary: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Bloch vector, shape (batch, 3), of U P U^dagger for P = X, Y or Z."""
    turned = unitary @ fixed_matrix(axis[1]) @ unitary.conj().transpose(0, 2, 1)
    parts = [np.einsum("bij,ji->b", turned, fixed_matrix(p)).real / 2 for p in "xyz"]
    return np.stack(parts, axis=1)
