"""The price of a gradient: circuits of one step, by the cheapest exact rule that a circuit admits.

- ``shift``: two circuits for each free angle and measurement group of the target.
- ``commuting``: where no generator anticommutes with a later one, all slopes of a family of
  commuting strings are read from one circuit (`qas.train.commuting`).

The rule with an ancilla is not among them: it needs a qubit that the layout does not have, coupled
to all others. The value itself is not counted, and of a loss one sample is. The commuting rule is
exact where gates are; the noise of a device puts its slopes beside the noisy ones, and its
diagonaliser may need pairs that are not coupled: results/gradient_price measures both.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from qas.circuit import Circuit
from qas.task import Loss, Observable, Target
from qas.train.commuting import gradient_circuits, is_commuting


class GradientPrice(NamedTuple):
    """Circuits of one gradient, and the rule that needs so few."""

    circuits: int
    rule: str
    """``shift`` or ``commuting``."""


def gradient_price(circuit: Circuit, target: Target) -> GradientPrice:
    """What a gradient costs in all free angles of a circuit.

    Args:
        circuit: as it is trained: native on a device; of a loss behind its encoder, which no
            slope of a later rotation depends on.
        target: observable or loss.

    >>> x = Circuit(2).then("rx", 0).then("cx", 0, 1).then("rx", 0).then("rx", 1)
    >>> z = Observable.of(["IZ", "ZZ"], [1.0, 1.0])
    >>> gradient_price(x, z), gradient_price(x.then("ry", 0), z)
    (GradientPrice(circuits=2, rule='commuting'), GradientPrice(circuits=8, rule='shift'))
    """
    return _price(circuit, _measured(target))


@lru_cache(maxsize=1024)
def _price(circuit: Circuit, observable: Observable) -> GradientPrice:
    prices = [GradientPrice(gradient_circuits(circuit, observable, "shift"), "shift")]
    if is_commuting(circuit):
        commuting = gradient_circuits(circuit, observable, "commuting")
        prices.append(GradientPrice(commuting, "commuting"))
    return min(prices)


def _measured(target: Target) -> Observable:
    """All strings of a target, as one observable: coefficients change no count."""
    if not isinstance(target, Loss):
        return target
    return Observable.union(target.observables)
