"""Which qubits of a device to use, and in which order.

The score of a set of qubits estimates the logarithm of the chance that a circuit on it runs
without error: one two-qubit gate on each edge of its best spanning tree, four sx and a tenth
of a readout per qubit (readout errors are mitigated later: they cost shots rather than
energy), and one two-qubit gate's time of idling, whose average infidelity at T1 and T2 is
t/(6 T1) + t/(3 T2) to first order.

Sets are grown one neighbour at a time and the best 2,048 of each size are kept, so that
small devices and small sets are searched exhaustively and large ones in bounded time.
"""

from __future__ import annotations

from itertools import pairwise, permutations
from math import log1p
from numbers import Integral
from statistics import median

from qas.device.device import Device
from qas.errors import InputError

WIDTH = 2048
ORDERS = 512
FEW = 4  # up to here every order of a set is a layout
UNCOUPLED = -10.0  # score of two neighbours in the order that share no edge
N_SX = 4
READOUT_SHARE = 0.1

Layout = tuple[int, ...]


def best_patch(device: Device, n_qubits: int) -> Layout:
    """The best-calibrated connected set of qubits, in the order in which consecutive qubits
    are coupled where possible, by the best edges.

    Raises:
        InputError: the device has no connected set of that size.
    """
    return layouts(device, n_qubits, 1)[0]


def layouts(device: Device, n_qubits: int, limit: int = 64) -> tuple[Layout, ...]:
    """Ordered connected layouts, best first: circuit qubit i on the i-th qubit named.

    Sets come by their score, orders within a set by how well consecutive qubits are coupled.
    Up to four qubits every order of a set is given; beyond, only orders in which each qubit
    is coupled to an earlier one, and of these the best 512 or so. An ideal device has the one
    layout (0, ..., n - 1); where all qubits and gates are alike, layouts with the same
    couplings are the same patch, and the first of them is given.

    Raises:
        InputError: ``n_qubits`` or ``limit`` is below 1, or no connected set is large enough.
    """
    _require_positive("n_qubits", n_qubits)
    _require_positive("limit", limit)
    if n_qubits > len(device.available_qubits):
        raise _too_many(device, n_qubits, len(device.available_qubits))
    alike = is_uniform(device)
    complete = len(device.couplings) == device.n_qubits * (device.n_qubits - 1)
    if device.is_ideal or (alike and complete):
        return (tuple(range(n_qubits)),)
    model = Scores(device)
    found: list[Layout] = []
    sets = connected_sets(device, model, n_qubits)
    for chosen in _distinct(device, sets) if alike else sets:
        orders = _orders(device, model, chosen)
        found += _distinct(device, orders) if alike else orders
        if len(found) >= limit:
            break
    return tuple(found[:limit])


def is_uniform(device: Device) -> bool:
    """True if all qubits are alike, and all gates of a name."""
    kinds = {(gate.name, gate.error, gate.duration) for gate in device.gates}
    return len(set(device.qubits)) == 1 and len(kinds) == len({gate.name for gate in device.gates})


def _distinct(device: Device, orders: list[Layout]) -> list[Layout]:
    """The first layout of each pattern of couplings."""
    coupled = set(device.couplings)
    first: dict[tuple[bool, ...], Layout] = {}
    for order in orders:
        first.setdefault(tuple(pair in coupled for pair in permutations(order, 2)), order)
    return list(first.values())


def _too_many(device: Device, n_qubits: int, most: int) -> InputError:
    return InputError(
        f"{device.name} has no {n_qubits} connected available qubits, at most {most}: "
        "take fewer qubits or another device"
    )


def _require_positive(label: str, number: object) -> None:
    if isinstance(number, bool) or not isinstance(number, Integral) or int(number) < 1:
        raise InputError(f"{label} must be a whole number from 1, not {number!r}")


class Scores:
    """Log-success of each available qubit and each edge of a device."""

    def __init__(self, device: Device) -> None:
        gate = device.two_qubit_gate
        pairs = [g for g in device.gates if g.name == gate]
        busy = median(g.duration for g in pairs) if pairs else 0.0
        self.qubit = {q: _qubit_score(device, q, busy) for q in device.available_qubits}
        self.edge: dict[tuple[int, int], float] = {}
        for pair in pairs:
            a, b = pair.qubits
            score = max(log1p(-pair.error), self.edge.get((a, b), -float("inf")))
            self.edge[a, b] = self.edge[b, a] = score

    def link(self, a: int, b: int) -> float:
        """Of two neighbours in an order, coupled or not."""
        return self.edge.get((a, b), UNCOUPLED)


def _qubit_score(device: Device, qubit: int, busy: float) -> float:
    calibration = device.qubits[qubit]
    pulse = device.gate("sx", (qubit,))
    score = N_SX * log1p(-pulse.error) if pulse else 0.0
    if calibration.p01 is not None and calibration.p10 is not None:
        wrong = min((calibration.p01 + calibration.p10) / 2, 1 - 1e-12)
        score += READOUT_SHARE * log1p(-wrong)
    if calibration.t1 and calibration.t2:
        score -= busy / (6 * calibration.t1) + busy / (3 * calibration.t2)
    return score


def connected_sets(device: Device, model: Scores, n_qubits: int) -> list[tuple[int, ...]]:
    """Connected sets of available qubits, best score first.

    The best way of growing a set adds each qubit by its best edge, as Prim's algorithm does,
    so the largest score over all ways is that of the best spanning tree.
    """
    kept = {frozenset((q,)): score for q, score in model.qubit.items()}
    for size in range(1, n_qubits):
        grown: dict[frozenset[int], float] = {}
        for members, score in kept.items():
            for new, gain in _extensions(device, model, members).items():
                wider = members | {new}
                total = score + gain
                if total > grown.get(wider, -float("inf")):
                    grown[wider] = total
        if not grown:
            raise _too_many(device, n_qubits, size)
        ranked = sorted(grown.items(), key=_by_score)[:WIDTH]
        kept = dict(ranked)
    return [tuple(sorted(members)) for members, _ in sorted(kept.items(), key=_by_score)]


def _by_score(item: tuple[frozenset[int], float]) -> tuple[float, list[int]]:
    # Rounded, so that the same set reached in another order of additions ranks the same.
    return -round(item[1], 12), sorted(item[0])


def _extensions(device: Device, model: Scores, members: frozenset[int]) -> dict[int, float]:
    gains: dict[int, float] = {}
    for member in members:
        for new in device.neighbours(member):
            if new not in members:
                gain = model.qubit[new] + model.edge[member, new]
                gains[new] = max(gain, gains.get(new, gain))
    return gains


def _orders(device: Device, model: Scores, chosen: tuple[int, ...]) -> list[Layout]:
    if len(chosen) <= FEW:
        candidates = list(permutations(chosen))
    else:
        candidates = _connected_orders(device, model, chosen)
    return sorted(candidates, key=lambda order: (-round(_chain(model, order), 12), order))


def _chain(model: Scores, order: Layout) -> float:
    return sum(model.link(a, b) for a, b in pairwise(order))


def _connected_orders(device: Device, model: Scores, chosen: tuple[int, ...]) -> list[Layout]:
    inside = set(chosen)
    kept: list[Layout] = [(q,) for q in chosen]
    for _ in chosen[1:]:
        grown = [
            (*order, new)
            for order in kept
            for new in sorted({n for q in order for n in device.neighbours(q)} & inside)
            if new not in order
        ]
        grown.sort(key=lambda order: (-round(_chain(model, order), 12), order))
        kept = grown[:ORDERS]
    return kept
