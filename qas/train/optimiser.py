"""torch's optimisers with parameters that stand still: frozen means frozen, moments included."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qas.errors import InputError

NAMES = ("Adam", "AdamW", "SGD", "RMSprop", "Adagrad", "NAdam", "RAdam", "Adamax", "Adadelta")
SCHEDULES = ("constant", "inverse", "cosine")
SINGLE = ("step", "mu_product")
"""What torch keeps in single precision, whatever the parameter's."""

Moments = tuple[tuple[tuple[str, float], ...], ...]
"""For each parameter what its optimiser remembers, (name, value) in torch's order."""


@dataclass(frozen=True)
class Schedule:
    """The learning rate as a multiple of the first, when so much of the training is done.

    constant: 1; inverse: 1 / (1 + decay t); cosine: from 1 to ``floor`` in ``span``.

    >>> Schedule("inverse", decay=0.5).factor(2), Schedule("cosine", span=10).factor(10)
    (0.5, 0.1)
    """

    kind: str = "constant"
    decay: float = 0.1
    span: int = 100
    """Of the cosine, in ``unit``."""
    floor: float = 0.1
    """Where the cosine ends."""
    unit: str = "steps"
    """What t counts: ``steps``, or ``circuits`` executed, so that trainings under the same
    budget end at the same rate however much their steps cost."""

    def __post_init__(self) -> None:
        if self.kind not in SCHEDULES or self.unit not in ("steps", "circuits"):
            raise InputError(
                f"a schedule is {', '.join(SCHEDULES)} in steps or circuits; given "
                f"{self.kind!r} in {self.unit!r}"
            )
        if not (np.isfinite(self.decay) and self.decay >= 0 and 0 <= self.floor <= 1):
            raise InputError(
                f"decay is 0 or more, floor in [0, 1]; given {self.decay!r} and {self.floor!r}"
            )
        if isinstance(self.span, bool) or not isinstance(self.span, int) or self.span < 1:
            raise InputError(f"span must be a whole number of at least 1; given {self.span!r}")

    def factor(self, done: int) -> float:
        """Multiple of the first learning rate after ``done`` steps or circuits."""
        if self.kind == "inverse":
            return 1.0 / (1.0 + self.decay * done)
        if self.kind == "cosine":
            turn = math.cos(math.pi * min(1.0, done / self.span))
            return self.floor + (1.0 - self.floor) * (1.0 + turn) / 2.0
        return 1.0


@dataclass(frozen=True)
class Optimiser:
    """One of torch.optim, by name, with its options.

    Every parameter is a tensor of its own, and those that a step does not measure have no
    gradient there: then torch leaves them, their moments and their counts of steps alone, weight
    decay included.
    """

    name: str = "Adam"
    learning_rate: float = 0.05
    """Radians for Adam and its kind; the first one, see ``schedule``."""
    schedule: Schedule = Schedule()
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further arguments of torch's class, such as {"betas": (0.9, 0.99)} or {"momentum": 0.9}."""

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise InputError(f"an optimiser is {', '.join(NAMES)}; given {self.name!r}")
        if not (np.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"learning rate must be positive; given {self.learning_rate!r}")

    def check(self) -> None:
        """Raise InputError now for options that torch refuses."""
        import torch

        self._made([torch.zeros((), dtype=torch.float64, requires_grad=True)], self.learning_rate)

    def start(self, n_params: int) -> Moments:
        """Before the first step nothing is remembered."""
        return ((),) * n_params

    def update(
        self,
        params: ArrayLike,
        gradient: ArrayLike,
        moments: Moments,
        kept: Sequence[int],
        done: int = 0,
    ) -> tuple[NDArray[np.float64], Moments]:
        """One step of the ``kept`` parameters; all others and their moments are untouched.

        Args:
            params: shape (n_params,), radians.
            gradient: shape (n_params,); read at ``kept`` only.
            moments: of the steps before.
            kept: parameters that move.
            done: steps or circuits before, as the schedule counts.

        Raises:
            InputError: options that torch refuses.
        """
        import torch

        values, slopes = np.asarray(params, dtype=np.float64), np.asarray(gradient)
        tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in values]
        optimiser = self._made(tensors, self.learning_rate * self.schedule.factor(done))
        for tensor, remembered in zip(tensors, moments, strict=True):
            if remembered:
                optimiser.state[tensor] = {k: _tensor(k, v) for k, v in remembered}
        for k in kept:
            tensors[k].grad = torch.tensor(slopes[k], dtype=torch.float64)
        optimiser.step()
        after = list(moments)
        for k in kept:
            state = optimiser.state.get(tensors[k], {})
            after[k] = tuple((key, float(v)) for key, v in state.items() if v is not None)
        return np.array([x.item() for x in tensors]), tuple(after)

    def _made(self, tensors: list[Any], rate: float) -> Any:
        import torch

        try:
            return getattr(torch.optim, self.name)(tensors, lr=rate, **self.options)
        except (TypeError, ValueError) as error:
            raise InputError(f"torch's {self.name} refuses {dict(self.options)}: {error}") from None


def _tensor(name: str, value: float) -> Any:
    import torch

    return torch.tensor(value, dtype=torch.float32 if name in SINGLE else torch.float64)
