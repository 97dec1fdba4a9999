"""Pairs: a two-qubit gate written by the native one of a device, as a list of steps.

A step is the name of a gate and the wires it acts on: 0 and 1 for the first and the second
qubit of the gate that is written.
"""

from __future__ import annotations

from functools import cache

Step = tuple[str, tuple[int, ...]]
_Word = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]

# A two-qubit gate on (a, b) as one-qubit gates before, cx, one-qubit gates after; per wire.
_AS_CX: dict[str, _Word] = {
    "cx": ((), (), (), ()),
    "cz": ((), ("h",), (), ("h",)),
    "ecr": (("s",), ("sx",), ("x",), ()),
}
# cx on (a, b) by the native gate of a device, in the same form.
_CX_BY: dict[str, _Word] = {
    "cx": ((), (), (), ()),
    "cz": ((), ("h",), (), ("h",)),
    "ecr": (("sdg",), ("sxdg",), ("x",), ()),
}


@cache
def pair_steps(name: str, native: str, forward: bool, backward: bool) -> tuple[Step, ...]:
    """The steps of gate ``name``: one-qubit gates, and ``native`` on (0, 1) or (1, 0).

    Args:
        name: cx, cz, ecr or swap.
        native: the device's two-qubit gate: cx, cz or ecr.
        forward: whether it is available on (0, 1).
        backward: whether it is available on (1, 0); one of the two is.

    >>> pair_steps("cx", "cx", False, True)
    (('h', (0,)), ('h', (1,)), ('cx', (1, 0)), ('h', (0,)), ('h', (1,)))
    """
    if name == "swap":
        there = pair_steps("cx", native, forward, backward)
        return (*there, *_exchanged(pair_steps("cx", native, backward, forward)), *there)
    if name == native and (forward or native == "cz"):
        return ((native, (0, 1) if forward else (1, 0)),)
    if name == "cz" and native != "cz" and not forward:
        return _exchanged(pair_steps(name, native, backward, forward))
    return _around(_AS_CX[name], _cx_steps(native, forward))


def _cx_steps(native: str, forward: bool) -> tuple[Step, ...]:
    if forward or native == "cz":
        return _around(_CX_BY[native], ((native, (0, 1) if forward else (1, 0)),))
    turned: tuple[Step, ...] = (("h", (0,)), ("h", (1,)))
    return (*turned, *_exchanged(_cx_steps(native, True)), *turned)


def _around(word: _Word, core: tuple[Step, ...]) -> tuple[Step, ...]:
    before_a, before_b, after_a, after_b = word
    before = (*((gate, (0,)) for gate in before_a), *((gate, (1,)) for gate in before_b))
    after = (*((gate, (0,)) for gate in after_a), *((gate, (1,)) for gate in after_b))
    return (*before, *core, *after)


def _exchanged(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps with the roles of the two wires exchanged."""
    return tuple((name, tuple(1 - wire for wire in wires)) for name, wires in steps)
