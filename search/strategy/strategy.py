"""What a strategy promises, and the table of those there are."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from qas.errors import InputError
from qas.problem import Meter, Problem, Trial


class Strategy(Protocol):
    """Proposes architectures, one unit of work a step.

    A step's randomness follows from the seed and the number of the step, or from state
    that ``state_dict`` holds: loaded from it, a strategy goes on bit for bit.
    """

    name: str

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """One unit of work; it ends early, with what it has, when the meter is exhausted."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """State between steps: JSON values and numpy arrays, nested in dicts."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        ...


STRATEGIES: dict[str, tuple[str, str]] = {
    "random": (
        "search.strategy.random:RandomSearch",
        "legal gates drawn evenly: the control arm",
    ),
    "greedy": (
        "search.strategy.greedy:Greedy",
        "dressed CX blocks grown without noise, placed on every layout, pruned under noise",
    ),
    "tpe": (
        "search.strategy.tpe:TPE",
        "Bayesian search (Optuna TPE) over slots of gate tokens",
    ),
    "ddqn": (
        "search.strategy.ddqn:DoubleDQN",
        "reinforcement learning: double deep Q-network on the growth environment",
    ),
    "crlqas": (
        "search.strategy.ddqn:published",
        "the same agent in the environment of CRLQAS: single gates, its reward and curriculum",
    ),
    "ppo": (
        "search.strategy.ppo:MaskablePPOSearch",
        "reinforcement learning: proximal policy optimisation with masked actions (sb3-contrib)",
    ),
}
DEFAULT_STRATEGY = "greedy"


def strategy_names() -> tuple[str, ...]:
    """Names of all strategies, the control arm first."""
    return tuple(STRATEGIES)


def make_strategy(name: str, problem: Problem, seed: int) -> Strategy:
    """A fresh strategy.

    Raises:
        InputError: no strategy is called ``name``.
    """
    if name not in STRATEGIES:
        raise InputError(f"unknown strategy {name!r}; strategies are {', '.join(STRATEGIES)}")
    module, _, class_name = STRATEGIES[name][0].partition(":")
    make: Callable[[Problem, int], Strategy] = getattr(import_module(module), class_name)
    return make(problem, seed)
