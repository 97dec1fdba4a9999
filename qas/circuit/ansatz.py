"""Hand-made circuits: the ansatz families of QOC and the design spaces of QuantumNAS.

Layer orders are those of TorchQuantum (``layer/layers``: SethLayer0, BarrenLayer0, FarhiLayer0,
U3CU3Layer0, MaxwellLayer0), the library in which both papers released their code: Wang et al.,
QuantumNAS, HPCA 2022 (arXiv:2107.10845); QOC, DAC 2022 (arXiv:2202.13239). A ring joins qubit k
and k + 1 mod n; on two qubits it is both orders, one after the other.

What QOC used where: its released example (``examples/gradient_pruning/configs.yml``) is rxyz+cz
with 3 blocks on the image encoder, 36 parameters. MNIST-2 and Fashion-2 are rzz+ry with 1 block,
8 parameters, by the circuit counts that the paper gives. No released file names the families of
MNIST-4, Fashion-4 and Vowel-4: take them as settings, not as facts.

Two things differ from what the names suggest. The "square root of H" in front of rxyz+cz is
ry(pi/4) in TorchQuantum, as in McClean et al., Nat. Commun. 9, 4812 (2018), and not a root of H;
and the released layer joins its qubits by cz in a *line* (``rxyz+cz-line``), where a ring is
written about. Before a measurement of Z, the last rz and cz of rxyz+cz change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from qas.circuit.circuit import Circuit
from qas.circuit.gate import Gate
from qas.circuit.tie import Tied
from qas.errors import InputError


def ansatz(name: str, n_qubits: int, blocks: int = 1) -> Circuit:
    """The circuit of a family whose angles are all independent.

    Args:
        name: one of `ANSATZE`.
        n_qubits: at least 2.
        blocks: how often the block repeats.

    Raises:
        InputError: an unknown name, one of `TIED_ANSATZE` alone, or a number too small.

    >>> ansatz("rzz+ry", 4).n_params, ansatz("rxyz+cz", 4, 3).n_params
    (8, 36)
    """
    if name in _TIED_BLOCKS:
        raise InputError(f"rotations of {name} share parameters: take tied_ansatz({name!r}, ...)")
    _check(name, n_qubits, blocks, ANSATZE)
    first, block = _BLOCKS[name]
    circuit = Circuit(n_qubits)
    for step in (first, *[block] * blocks):
        circuit = step(circuit)
    return circuit


def tied_ansatz(name: str, n_qubits: int, blocks: int = 1) -> Tied:
    """The circuit of any family, shared parameters included; see `ansatz`.

    >>> tied_ansatz("u3+cu3", 4).n_params, tied_ansatz("u3+cu3", 4).circuit.n_params
    (24, 36)
    """
    _check(name, n_qubits, blocks, TIED_ANSATZE)
    if name in _BLOCKS:
        return Tied.of(ansatz(name, n_qubits, blocks))
    tied = Tied(n_qubits)
    for _ in range(blocks):
        tied = _TIED_BLOCKS[name](tied)
    return tied


def ring(n_qubits: int) -> tuple[tuple[int, int], ...]:
    """The pairs (k, k + 1 mod n).

    >>> ring(3)
    ((0, 1), (1, 2), (2, 0))
    """
    return tuple((k, (k + 1) % n_qubits) for k in range(n_qubits))


Step = Callable[[Circuit], Circuit]


def _all(circuit: Circuit, name: str, angle: float | None = None) -> Circuit:
    for q in range(circuit.n_qubits):
        circuit = circuit.then(name, q, angle=angle)
    return circuit


def _pairs(circuit: Circuit, name: str, pairs: Sequence[tuple[int, int]]) -> Circuit:
    for a, b in pairs:
        circuit = circuit.then(name, a, b)
    return circuit


def _nothing(circuit: Circuit) -> Circuit:
    return circuit


def _eighth_turns(circuit: Circuit) -> Circuit:
    return _all(circuit, "ry", math.pi / 4)


def _rzz_ry(circuit: Circuit) -> Circuit:
    return _all(_pairs(circuit, "rzz", ring(circuit.n_qubits)), "ry")


def _rzx_rxx(circuit: Circuit) -> Circuit:
    pairs = ring(circuit.n_qubits)
    return _pairs(_pairs(circuit, "rzx", pairs), "rxx", pairs)


def _rxyz(circuit: Circuit) -> Circuit:
    for axis in ("rx", "ry", "rz"):
        circuit = _all(circuit, axis)
    return circuit


def _rxyz_cz(circuit: Circuit) -> Circuit:
    return _pairs(_rxyz(circuit), "cz", ring(circuit.n_qubits))


def _rxyz_cz_line(circuit: Circuit) -> Circuit:
    return _pairs(_rxyz(circuit), "cz", ring(circuit.n_qubits)[:-1])


def _u3_cu3(tied: Tied) -> Tied:
    for q in range(tied.n_qubits):
        tied = tied.then("u3", q)
    for a, b in ring(tied.n_qubits):
        tied = tied.then("cu3", a, b)
    return tied


def _maxwell(tied: Tied) -> Tied:
    """RX, S, CNOT, RY, T, SWAP, RZ, H, sqrt(SWAP), U1, CU3: eleven layers, pairs in rings."""
    pairs, n = ring(tied.n_qubits), tied.n_qubits
    roots = tuple(gate for a, b in pairs for gate in square_root_of_swap(a, b))
    rows = (("rx", "s", "cx"), ("ry", "t", "swap"), ("rz", "h", None), ("rz", None, None))
    for turn, fixed, pair in rows:  # u1 is rz, up to a global phase
        layer = _all(Circuit(n), turn)
        layer = _all(layer, fixed) if fixed else layer
        layer = _pairs(layer, pair, pairs) if pair else layer
        tied = tied.append(Circuit(n, layer.gates + roots) if fixed == "h" else layer)
    for a, b in pairs:
        tied = tied.then("cu3", a, b)
    return tied


def square_root_of_swap(a: int, b: int) -> tuple[Gate, ...]:
    """The gates of sqrt(swap), three of them cx, up to a global phase.

    exp(i pi/8 (XX + YY + ZZ)) as in Vatan and Williams, Phys. Rev. A 69, 032315 (2004), fig. 6.
    """
    half, turn = math.pi / 2, math.pi / 4
    return (
        Gate("rz", (b,), -half), Gate("cx", (b, a)), Gate("rz", (a,), -turn),
        Gate("ry", (b,), turn), Gate("cx", (a, b)), Gate("ry", (b,), -turn),
        Gate("cx", (b, a)), Gate("rz", (a,), half),
    )  # fmt: skip


_BLOCKS: dict[str, tuple[Step, Step]] = {
    "rzz+ry": (_nothing, _rzz_ry),
    "rxyz+cz": (_eighth_turns, _rxyz_cz),
    "rxyz+cz-line": (_eighth_turns, _rxyz_cz_line),
    "rzx+rxx": (_nothing, _rzx_rxx),
}
_TIED_BLOCKS: dict[str, Callable[[Tied], Tied]] = {
    "u3+cu3": _u3_cu3,
    "rxyz+u1+cu3": _maxwell,
}
ANSATZE = tuple(_BLOCKS)
"""Families whose angles are all independent."""
TIED_ANSATZE = (*ANSATZE, *_TIED_BLOCKS)
"""All families; the last have controlled rotations."""


def _check(name: str, n_qubits: int, blocks: int, known: tuple[str, ...]) -> None:
    if name not in known:
        raise InputError(f"no ansatz {name!r}; there are {', '.join(known)}")
    if n_qubits < 2 or blocks < 1:
        raise InputError(
            f"an ansatz needs at least 2 qubits and 1 block; given {n_qubits} and {blocks}"
        )
