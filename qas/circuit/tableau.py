"""Pauli strings as bits, carried through Clifford gates, and made diagonal by them.

Updates as in Aaronson and Gottesman, Phys. Rev. A 70, 052328 (2004). A string is the Hermitian
i^(x.z) X^x Z^z with a sign; the rightmost letter of its text acts on qubit 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from qas.circuit.gate import Gate
from qas.errors import InputError

Bits = NDArray[np.bool_]
_LETTERS = np.array([["I", "Z"], ["X", "Y"]])
_STEPS: dict[str, str] = {
    "id": "", "x": "x", "y": "xz", "z": "z", "h": "h", "s": "s", "sdg": "sz",
    "sx": "hsh", "sxdg": "hszh", "rz": "s", "rx": "hsh", "ry": "zh",
}  # fmt: skip
"""Each one-qubit gate in steps of h, s, x, z, up to phase; a rotation by its quarter turn."""
TOLERANCE = 1e-9
"""Radians within which an angle is a quarter turn."""


@dataclass(frozen=True, eq=False)
class Strings:
    """Signed Pauli strings on n qubits.

    >>> from qas.circuit import Circuit
    >>> Strings.of(["IX"]).through(Circuit(2).then("cx", 0, 1).gates).labels
    ('+XX',)
    """

    x: Bits
    """Shape (n_strings, n_qubits): True at X and Y."""
    z: Bits
    """Shape (n_strings, n_qubits): True at Z and Y."""
    minus: Bits
    """Shape (n_strings,): True where the sign is -1."""

    @classmethod
    def of(cls, paulis: Sequence[str]) -> Strings:
        """Strings of letters I, X, Y, Z, all of one length, with sign +1."""
        letters = np.array([list(reversed(pauli)) for pauli in paulis])
        x, z = np.isin(letters, ["X", "Y"]), np.isin(letters, ["Z", "Y"])
        return cls(x, z, np.zeros(len(paulis), dtype=bool))

    def __len__(self) -> int:
        return len(self.minus)

    def __getitem__(self, rows: Sequence[int] | NDArray[np.integer]) -> Strings:
        """The strings at these places."""
        return Strings(self.x[rows], self.z[rows], self.minus[rows])

    @property
    def n_qubits(self) -> int:
        """Letters of each string."""
        return int(self.x.shape[1])

    @property
    def paulis(self) -> tuple[str, ...]:
        """The letters, without the signs."""
        letters = _LETTERS[self.x.astype(int), self.z.astype(int)]
        return tuple("".join(reversed(row)) for row in letters.tolist())

    @property
    def labels(self) -> tuple[str, ...]:
        """Sign and letters."""
        return tuple(("-" if m else "+") + p for m, p in zip(self.minus, self.paulis, strict=True))

    def anticommute(self, other: Strings) -> Bits:
        """Shape (len(self), len(other)): True where two strings anticommute."""
        parity = self.x.astype(int) @ other.z.T + self.z.astype(int) @ other.x.T
        found: Bits = (parity % 2).astype(bool)
        return found

    def times(self, other: Strings) -> Strings:
        """Row by row the product of two strings, times i where they anticommute: Hermitian.

        A single string on either side serves all rows.
        """
        x, z = self.x ^ other.x, self.z ^ other.z
        power = (
            (self.x & self.z).sum(axis=1)
            + (other.x & other.z).sum(axis=1)
            + 2 * (self.z & other.x).sum(axis=1)
            - (x & z).sum(axis=1)
        )
        power = (power + power % 2) % 4  # i^power is now 1 or -1
        return Strings(x, z, (power == 2) ^ self.minus ^ other.minus)

    def through(self, gates: Iterable[Gate]) -> Strings:
        """C P C^dagger for each string P and the circuit C of these gates.

        Raises:
            InputError: a gate that is not Clifford.
        """
        made = Strings(self.x.copy(), self.z.copy(), self.minus.copy())
        for gate in gates:
            made._conjugate(gate)
        return made

    def join(self, other: Strings) -> Strings:
        """These strings, then others of the same number of qubits."""
        return Strings(
            np.concatenate([self.x, other.x]),
            np.concatenate([self.z, other.z]),
            np.concatenate([self.minus, other.minus]),
        )

    def _conjugate(self, gate: Gate) -> None:
        if not is_clifford(gate):
            raise InputError(f"{gate.name} on {gate.qubits} is not a Clifford gate")
        if len(gate.qubits) == 2:
            self._two(gate.name, *gate.qubits)
            return
        turns = round((gate.angle or 0.0) / (pi / 2)) % 4 if gate.is_rotation else 1
        for step in _STEPS[gate.name] * turns:
            self._one(step, gate.qubits[0])

    def _one(self, step: str, q: int) -> None:
        x, z = self.x[:, q], self.z[:, q]
        if step in "hs":
            self.minus[:] ^= x & z
        else:
            self.minus[:] ^= z if step == "x" else x
        if step == "s":
            z ^= x
        elif step == "h":
            self.x[:, q], self.z[:, q] = z.copy(), x.copy()

    def _two(self, name: str, a: int, b: int) -> None:
        if name == "swap":
            for bits in (self.x, self.z):
                bits[:, [a, b]] = bits[:, [b, a]]
            return
        before, after = {
            "cx": ([], []),
            "cz": ([("h", b)], [("h", b)]),
            "ecr": ([("s", a), *[(step, b) for step in "hsh"]], [("x", a)]),
        }[name]
        for step, q in before:
            self._one(step, q)
        x, z = self.x, self.z
        self.minus[:] ^= x[:, a] & z[:, b] & ~(x[:, b] ^ z[:, a])
        x[:, b] ^= x[:, a]
        z[:, a] ^= z[:, b]
        for step, q in after:
            self._one(step, q)


def is_clifford(gate: Gate) -> bool:
    """True for gates that carry Pauli strings to Pauli strings: all but t, tdg and rotations.

    A rotation by a fixed number of quarter turns is one.

    >>> is_clifford(Gate("rz", (0,), pi / 2)), is_clifford(Gate("rz", (0,)))
    (True, False)
    """
    if not gate.is_rotation:
        return gate.name not in ("t", "tdg")
    if gate.angle is None or gate.input is not None:
        return False
    return abs(gate.angle - pi / 2 * round(gate.angle / (pi / 2))) < TOLERANCE


def diagonaliser(strings: Strings) -> tuple[Gate, ...]:
    """Clifford gates behind which commuting strings can be measured qubit by qubit.

    On each qubit all carried strings then have one letter, or none; the change of basis that
    is left is part of any measurement. Where they do already, no gate is needed.

    One string after the other becomes a single Z, which the others then have no X or Y beside;
    at most n (n - 1) / 2 gates are cx.

    Raises:
        InputError: strings that do not commute.

    >>> [g.name for g in diagonaliser(Strings.of(["XX", "ZZ"]))]
    ['cx']
    >>> diagonaliser(Strings.of(["XIY", "XXI"]))
    ()
    """
    if strings.anticommute(strings).any():
        raise InputError("strings that do not commute have no common basis: group them first")
    gates = [gate for q in range(strings.n_qubits) for gate in _to_z(strings, q)]
    rows = strings.through(gates)
    while rows.x.any():
        fresh = _isolating(rows)
        rows = rows.through(fresh)
        gates += fresh
    return _without_last_turns(gates)


def _to_z(strings: Strings, q: int) -> list[Gate]:
    """The change of basis that makes qubit q diagonal, where the strings have one letter there."""
    letters = {pair for pair in zip(strings.x[:, q], strings.z[:, q], strict=True) if any(pair)}
    if letters == {(True, False)}:
        return [Gate("h", (q,))]
    return [Gate("sdg", (q,)), Gate("h", (q,))] if letters == {(True, True)} else []


def _isolating(rows: Strings) -> list[Gate]:
    """Gates that make one string a single Z on the qubits that are not diagonal yet."""
    busy = rows.x.any(axis=0)
    support = (rows.x | rows.z) & busy
    sizes = np.where(rows.x.any(axis=1), support.sum(axis=1), rows.n_qubits + 1)
    one = int(sizes.argmin())
    wires = [int(q) for q in np.flatnonzero(support[one])]
    gates: list[Gate] = []
    for q in wires:
        if rows.z[one, q]:
            gates.append(Gate("sdg" if rows.x[one, q] else "h", (q,)))
    pivot, *others = wires
    gates += [Gate("cx", (pivot, q)) for q in others]
    return [*gates, Gate("h", (pivot,))]


def _without_last_turns(gates: Sequence[Gate]) -> tuple[Gate, ...]:
    kept: list[Gate] = []
    joined: set[int] = set()
    for gate in reversed(gates):
        if len(gate.qubits) == 2:
            joined |= set(gate.qubits)
        if joined & set(gate.qubits):
            kept.append(gate)
    return tuple(reversed(kept))
