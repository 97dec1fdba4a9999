"""Gate pools: the un-lowered gates that circuits are grown from, by name or one by one.

In the pool ``commuting`` every circuit is a row of rotations by strings of X and I: these commute,
so that all slopes of a Pauli string are read from one circuit (`qas.train.commuting`). What such
circuits cannot reach is said there, and measured in results/gradient_price.
"""

from __future__ import annotations

from collections.abc import Sequence

from qas.circuit.gate import FIXED_ONE, ROTATIONS
from qas.errors import InputError

POOLS: dict[str, tuple[str, ...]] = {
    "free": (*ROTATIONS, "cx"),
    "commuting": ("rx", "cx"),
}
"""Pools that have a name."""
GATES = (*ROTATIONS, *(name for name in FIXED_ONE if name != "id"), "cx")
"""What a pool may hold."""
_KEEP_X = frozenset(("rx", "x", "y", "z", "sx", "sxdg", "cx"))
"""Rotations by X, and gates that carry strings of X and I to such strings."""


def gate_pool(pool: str | Sequence[str]) -> tuple[str, ...]:
    """The gates of a pool, of `POOLS` by name, or as they are given.

    Raises:
        InputError: an unknown name, one twice, or none at all.

    >>> gate_pool("commuting"), gate_pool(["ry", "cx"])
    (('rx', 'cx'), ('ry', 'cx'))
    """
    if isinstance(pool, str):
        if pool not in POOLS:
            raise InputError(
                f"no gate pool {pool!r:.40}; there are {', '.join(POOLS)}, or name its gates"
            )
        return POOLS[pool]
    names = tuple(pool)
    unknown = [name for name in names if name not in GATES]
    if unknown or not names or len(set(names)) != len(names):
        raise InputError(
            f"a gate pool names each gate once, of {', '.join(GATES)}; given {list(names)!r:.80}"
        )
    return names


def dressing(pool: Sequence[str]) -> str:
    """The rotation behind a cx in a block: RY where the pool has it, else RX, else RZ.

    One axis alone: an energy in more than two angles has no closed form that sweeps could take.
    Other rotations of a pool are reached gate by gate.

    Raises:
        InputError: a pool without cx, or without a rotation.

    >>> dressing(("rx", "ry", "rz", "cx")), dressing(("rx", "cx"))
    ('ry', 'rx')
    """
    axis = next((name for name in ("ry", "rx", "rz") if name in pool), None)
    if axis is None or "cx" not in pool:
        raise InputError(
            f"blocks are cx dressed with a rotation, and the gate pool is {', '.join(pool)}: "
            'grow gate by gate (space "gates"), or add them'
        )
    return axis


def is_commuting_pool(pool: Sequence[str]) -> bool:
    """True if the generators of every circuit of a pool are strings of X and I.

    >>> is_commuting_pool(("rx", "cx")), is_commuting_pool(("ry", "cx"))
    (True, False)
    """
    return _KEEP_X.issuperset(pool)
