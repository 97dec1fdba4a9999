"""Strategies: one file each, one conformance suite for all."""

from search.strategy.strategy import (
    CLASSIFIER_STRATEGY,
    DEFAULT_STRATEGY,
    STRATEGIES,
    Strategy,
    check_pool,
    check_strategy,
    check_suits,
    make_strategy,
    strategy_names,
    usual_strategy,
)

__all__ = [
    "CLASSIFIER_STRATEGY",
    "DEFAULT_STRATEGY",
    "STRATEGIES",
    "Strategy",
    "check_pool",
    "check_strategy",
    "check_suits",
    "make_strategy",
    "strategy_names",
    "usual_strategy",
]
