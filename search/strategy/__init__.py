"""Strategies: one file each, one conformance suite for all."""

from search.strategy.strategy import (
    DEFAULT_STRATEGY,
    STRATEGIES,
    Strategy,
    check_pool,
    check_strategy,
    check_suits,
    make_strategy,
    strategy_names,
)

__all__ = [
    "DEFAULT_STRATEGY",
    "STRATEGIES",
    "Strategy",
    "check_pool",
    "check_strategy",
    "check_suits",
    "make_strategy",
    "strategy_names",
]
