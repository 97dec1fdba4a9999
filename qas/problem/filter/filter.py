"""Cheap filters before scoring: a proxy, the share that it lets pass, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Population
from qas.device.population import lower_population
from qas.errors import InputError
from qas.problem.cost import Meter
from qas.problem.filter import proxy
from qas.problem.problem import Layout, Problem

Reals = NDArray[np.float64]
Judge = Callable[[Problem, Layout, Population, np.random.Generator, Meter], Reals]
"""Gives each circuit a number, more being better, and charges what a device would measure."""


@dataclass(frozen=True)
class Filter:
    """A switch between proposing circuits and scoring them."""

    name: str
    judge: Judge
    keep: float = 0.25
    """Share of the circuits that pass, in (0, 1]."""

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise InputError(f"a filter keeps a share in (0, 1]; given {self.keep}")


def select(
    chosen: Filter,
    problem: Problem,
    layout: Layout,
    population: Population,
    meter: Meter,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Positions of the circuits that pass, the most promising first; one at least.

    Args:
        chosen: the filter.
        problem: task and device.
        layout: where the circuits would run.
        population: un-lowered candidates, at least one.
        meter: charged with what the filter measures, not with what it computes.
        rng: of whatever it draws.
    """
    judged = chosen.judge(problem, layout, population, rng, meter)
    most = max(1, round(chosen.keep * len(population)))
    order: NDArray[np.intp] = np.argsort(-judged, kind="stable")[:most]
    return order


REPLICAS, DRAWS = 32, 4


def _clifford(
    problem: Problem, layout: Layout, population: Population, rng: np.random.Generator, meter: Meter
) -> Reals:
    """Only the noisy half is measured; Clifford circuits are simulated classically."""
    started = time.perf_counter()
    judged = proxy.clifford_noise_resilience(problem, layout, population, rng, REPLICAS)
    meter.charge(REPLICAS * len(population), started, sweeps=REPLICAS * len(population))
    return judged


def _gradient(
    problem: Problem, layout: Layout, population: Population, rng: np.random.Generator, meter: Meter
) -> Reals:
    started = time.perf_counter()
    judged = proxy.gradient_norm(problem, layout, population, rng, DRAWS)
    n_params = lower_population(population, problem.patch(layout)).n_params
    price = int(DRAWS * (2 * n_params).sum())
    meter.charge(price, started, sweeps=DRAWS * len(population))
    return judged


def _descent(
    problem: Problem, layout: Layout, population: Population, rng: np.random.Generator, meter: Meter
) -> Reals:
    return proxy.short_descent(problem, layout, population, rng, meter)


FILTERS: dict[str, Filter] = {
    item.name: item
    for item in (
        Filter("clifford", _clifford),
        Filter(
            "expressibility",
            lambda _p, _l, population, rng, _m: proxy.expressibility(population, rng),
        ),
        Filter("paths", lambda _p, _l, population, _r, _m: proxy.path_count(population)),
        Filter("gradient", _gradient),
        Filter(
            "success",
            lambda problem, layout, population, _r, _m: proxy.log_success(
                problem, layout, population
            ),
        ),
        Filter(
            "few-pairs",
            lambda _p, _l, population, _r, _m: -population.two_qubit_gates.astype(np.float64),
        ),
        Filter("descent", _descent),
    )
}
"""Filters by name; those of the literature first, then what they have to beat."""


def make_filter(name: str, keep: float = 0.25) -> Filter:
    """A filter by name.

    Raises:
        InputError: no such filter, or a share outside (0, 1].
    """
    if name not in FILTERS:
        raise InputError(f"filters are {', '.join(FILTERS)}; given {name!r}")
    return Filter(name, FILTERS[name].judge, keep)
