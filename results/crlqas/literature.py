"""Published results, and the frontier of a throw-away search of ours."""

from __future__ import annotations

from dataclasses import dataclass, field

from sample import Entry, Row


@dataclass(frozen=True)
class Published:
    """A result to beat: its error in hartree and what it says of its circuit."""

    name: str
    error: float
    said: str
    """Its gates, in words."""
    counts: dict[str, int] = field(default_factory=dict)
    """A circuit that beats it has fewer of each."""

    def beaten(self, row: Row) -> bool:
        """Whether one circuit of a front is below in the error and in every count.

        >>> peer = Published("peer", 1e-3, "10 gates", {"gates": 10})
        >>> peer.beaten({"front": [{"error": 9e-4, "gates": 9}]})
        True
        >>> peer.beaten({"front": [{"error": 9e-4, "gates": 10}, {"error": 2e-3, "gates": 5}]})
        False
        """
        return any(self._below(entry) for entry in row["front"])

    def _below(self, entry: Entry) -> bool:
        fewer = all(entry[name] < count for name, count in self.counts.items())
        return fewer and bool(entry["error"] < self.error)


def _cx(count: int) -> dict[str, int]:
    return {"two_qubit_gates": count}


CRLQAS, DARTS = "CRLQAS", "quantumDARTS"
PUBLISHED: dict[str, tuple[Published, ...]] = {
    "lih-4-3.4": (Published("our goal", 1.6e-3, "at most 6 CX", _cx(7)),),
    "lih-6-2.2": (
        Published(CRLQAS, 6.7e-4, "67 gates", {"gates": 67}),
        Published(DARTS, 2.9e-4, "132 gates", {"gates": 132}),
        Published("Ostaszewski 2021", 2.4e-3, "35 gates", {"gates": 35}),
    ),
    "beh2-6-published": (
        Published(f"{CRLQAS}, re-run", 2.7e-4, "4-5 CX; fewer than 4 beat it", _cx(4)),
        Published("TensorRL-QAS", 6.8e-5, "5 CX, added to a warm start", _cx(5)),
    ),
    "h2o-8-published": (
        Published(
            CRLQAS, 1.8e-4, "140 gates, 105 of them CX, depth 75",
            {"gates": 140, "two_qubit_gates": 105, "depth": 75},
        ),
        Published(
            DARTS, 3.1e-4, "219 gates, 68 of them CX, depth 64",
            {"gates": 219, "two_qubit_gates": 68, "depth": 64},
        ),
        Published(
            "TensorRL-QAS", 1.3e-4,
            "163 gates, 30 of them CX, depth 33; its \"fixed\" rows leave out 21 CX of warm start",
            {"gates": 163, "two_qubit_gates": 30, "depth": 33},
        ),
    ),
}  # fmt: skip
"""By case: CRLQAS: Patel et al., arXiv 2402.03500; the others as later papers quote them."""

FRONTIER: dict[str, dict[int, float]] = {
    "lih-4-3.4": {3: 1.3e-3, 4: 1.1e-4, 6: 1e-12},
    "lih-6-2.2": {6: 1.1e-3, 7: 2.8e-4, 8: 4.0e-5, 9: 2e-10},
    "beh2-6-published": {3: 5.8e-5, 6: 1e-12},
    "h2o-8-published": {3: 1.2e-3, 6: 1.74e-4, 8: 9e-7},
}
"""Hartree by number of CX; single runs. Its point of 16 CX lies beyond this study's 12."""

LEFT, GATES = {"h2-4": 8e-5, "lih-4-3.4": 1.6e-3}, 32
"""Goals under noise: hartree after training again without noise, with at most so many gates."""
