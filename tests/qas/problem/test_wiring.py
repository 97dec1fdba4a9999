"""Wirings: what fits on a machine, against all ways to place it."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from qas import load_device
from qas.errors import InputError
from qas.problem.wiring import Pair, Wiring, undirected

HOSTS: dict[str, tuple[Pair, ...]] = {
    "line": ((0, 1), (1, 2), (2, 3), (3, 4)),
    "T": ((0, 1), (1, 2), (1, 3), (3, 4)),
    "ring": ((0, 1), (1, 2), (2, 3), (3, 4), (0, 4)),
}


@pytest.mark.parametrize("host", HOSTS)
def test_pairs_fit_if_some_placement_does(host: str) -> None:
    there, rng = set(HOSTS[host]), np.random.default_rng(2)
    pairs = tuple(combinations(range(5), 2))
    wiring = Wiring(5, pairs, HOSTS[host])
    outcomes = set()
    for _ in range(60):
        joined = [pairs[k] for k in rng.choice(10, rng.integers(0, 6), replace=False)]
        placed = (undirected((p[a], p[b]) for a, b in joined) for p in permutations(range(5)))
        fits = any(there.issuperset(some) for some in placed)
        assert wiring.fits(joined) == fits
        outcomes.add(fits)
    assert outcomes == {True, False}


def test_a_chip_gives_all_layouts_or_one() -> None:
    chip = load_device("FakeManilaV2")
    anywhere, there = Wiring.of(chip, 4), Wiring.of(chip, 4, [3, 2, 1, 0])
    assert anywhere.host == (*there.pairs, (3, 4)) == HOSTS["line"]
    assert anywhere.pairs == tuple(combinations(range(4), 2))
    assert anywhere.fits([(0, 3), (1, 2)])
    assert not there.fits([(0, 3), (1, 2)])
    assert there.host is None


def test_what_does_not_hang_together_is_refused() -> None:
    chip = load_device("FakeManilaV2")
    with pytest.raises(InputError, match=r"do not connect qubit 0 with \[2, 3\]"):
        Wiring.of(chip, 4, [0, 1, 3, 4])
    with pytest.raises(InputError, match="4 qubits; 2 are named"):
        Wiring.of(chip, 4, [0, 1])
    with pytest.raises(InputError, match="at most 5"):
        Wiring.of(chip, 6)
    with pytest.raises(InputError, match="the smaller first"):
        Wiring(2, ((1, 0),))
