"""Wirings: which pairs of a circuit's qubits two-qubit gates may join, all in one circuit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

from qas.device import Device
from qas.errors import InputError

if TYPE_CHECKING:
    import networkx

Pair = tuple[int, int]


@dataclass(frozen=True)
class Wiring:
    """Pairs for a circuit whose qubits have their places, or may be put anywhere on a host."""

    n_qubits: int
    """Of the circuit."""
    pairs: tuple[Pair, ...]
    """Unordered, sorted: those that a gate may join."""
    host: tuple[Pair, ...] | None = None
    """Couplings of a machine. Where given, all pairs that one circuit joins must fit on it at
    once, whatever the order of the qubits; idle qubits need no place beside the others."""
    _known: dict[tuple[Pair, ...], bool] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        reached = {0}
        for _ in range(self.n_qubits):
            reached |= {q for pair in self.pairs if reached & set(pair) for q in pair}
        if lost := sorted(set(range(self.n_qubits)) - reached):
            raise InputError(
                f"the couplings {list(self.pairs)} do not connect qubit 0 with {lost}: "
                "choose qubits that hang together"
            )
        if wrong := [pair for pair in self.pairs if not 0 <= pair[0] < pair[1] < self.n_qubits]:
            raise InputError(
                f"a coupling joins two of the qubits 0 to {self.n_qubits - 1}, the smaller "
                f"first; given {wrong[0]}"
            )

    @classmethod
    def of(cls, device: Device, n_qubits: int, qubits: Sequence[int] | None = None) -> Wiring:
        """The wiring of so many qubits of a device, wherever they lie or on given ones.

        Args:
            device: whole.
            n_qubits: of the circuit.
            qubits: circuit qubit i on ``qubits[i]``; by default any layout is allowed.

        Raises:
            InputError: the device has no connected set of that size, or ``qubits`` are not one.

        >>> from qas import load_device
        >>> Wiring.of(load_device("ideal", n_qubits=4), 3)
        Wiring(n_qubits=3, pairs=((0, 1), (0, 2), (1, 2)), host=None)
        >>> Wiring.of(load_device("FakeManilaV2"), 3, [2, 1, 3]).pairs
        ((0, 1), (0, 2))
        """
        if qubits is not None:
            if len(qubits) != n_qubits:
                raise InputError(f"the circuit has {n_qubits} qubits; {len(qubits)} are named")
            return cls(n_qubits, undirected(device.patch(qubits).couplings))
        device.best_patch(n_qubits)  # refuses devices that are too small
        host, pairs = undirected(device.couplings), tuple(combinations(range(n_qubits), 2))
        complete = len(host) == device.n_qubits * (device.n_qubits - 1) // 2
        return cls(n_qubits, pairs, None if complete else host)

    def fits(self, pairs: Iterable[Pair]) -> bool:
        """Whether one circuit may join all these pairs.

        >>> line = Wiring(3, ((0, 1), (0, 2), (1, 2)), host=((0, 1), (1, 2)))
        >>> line.fits([(0, 1), (0, 2)]), line.fits([(0, 1), (0, 2), (1, 2)])
        (True, False)
        """
        if self.host is None:
            return set(pairs) <= set(self.pairs)
        shape = _renumbered(tuple(pairs))
        if shape not in self._known:
            self._known[shape] = self._embeds(shape)
        return self._known[shape]

    def _embeds(self, shape: tuple[Pair, ...]) -> bool:
        import networkx

        matcher = networkx.algorithms.isomorphism.GraphMatcher(self._graph, networkx.Graph(shape))
        found: bool = matcher.subgraph_is_monomorphic()
        return found

    def place(self, pairs: Iterable[Pair]) -> tuple[int, ...] | None:
        """A host qubit for every circuit qubit that fits all these pairs; None without one.

        >>> line = Wiring(3, ((0, 1), (0, 2), (1, 2)), host=((0, 1), (1, 2)))
        >>> line.place([(0, 1), (0, 2)]) in ((1, 0, 2), (1, 2, 0))
        True
        """
        import networkx

        if self.host is None:
            return tuple(range(self.n_qubits)) if self.fits(pairs) else None
        matcher = networkx.algorithms.isomorphism.GraphMatcher(self._graph, networkx.Graph(pairs))
        for found in matcher.subgraph_monomorphisms_iter():
            where = {wire: place for place, wire in found.items()}
            idle = iter(sorted(set(self._graph) - set(found)))
            return tuple(where[q] if q in where else next(idle) for q in range(self.n_qubits))
        return None

    @cached_property
    def _graph(self) -> networkx.Graph[int]:
        import networkx

        return networkx.Graph(self.host)


def undirected(couplings: Iterable[Pair]) -> tuple[Pair, ...]:
    """Each pair once, the smaller qubit first, sorted."""
    return tuple(sorted({(min(pair), max(pair)) for pair in couplings}))


def _renumbered(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """The same graph with its qubits numbered by degree: most relabelled graphs become equal."""
    near: dict[int, list[int]] = {}
    for a, b in pairs:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    rank = {q: (len(there), sorted(len(near[p]) for p in there)) for q, there in near.items()}
    number = {q: k for k, q in enumerate(sorted(near, key=lambda q: rank[q]))}
    return undirected((number[a], number[b]) for a, b in pairs)
