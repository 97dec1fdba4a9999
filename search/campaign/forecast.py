"""What a tuning will cost, said before it is paid."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from qas.task import Loss
from qas.train import (
    AdaptiveShots,
    Cost,
    Method,
    Request,
    Shift,
    TrainState,
    TuneSettings,
    batch,
)
from qas.train.method import ShotMemory
from search.campaign.aim import Aim, Machine, readout_of, times
from search.campaign.option import TuneOptions


@dataclass(frozen=True)
class Forecast:
    """What is left of a finalist's tuning."""

    id: str
    backend: str
    done: int
    """Steps that are done."""
    steps: int
    """Steps to come, as far as the limits allow."""
    cost: Cost
    """Of those and of the comparison behind them."""
    is_bound: bool
    """True where it is the most, not the amount: adaptive shots follow from what is measured."""


def training_of(aim: Aim, backend: Machine, options: TuneOptions) -> TuneSettings:
    """What the training of a finalist is told: its limits leave what the comparison takes."""
    settings = replace(
        options.training,
        batch_size=aim.batch(options.batch_size),
        readout=readout_of(backend, options),
    )
    if not options.is_limited:
        return settings
    kept = aim.verdict_price(backend, options)
    shots, circuits, seconds = options.max_shots, options.max_circuits, options.max_qpu_seconds
    return replace(
        settings,
        max_shots=None if shots is None else max(0, shots - kept.shots),
        max_circuits=None if circuits is None else max(0, circuits - kept.circuits),
        max_qpu_seconds=None if seconds is None else max(0.0, seconds - kept.qpu_seconds),
    )


def forecast(
    aim: Aim, backend: Machine, options: TuneOptions, state: TrainState
) -> tuple[int, Cost]:
    """Steps to come, as far as the limits allow, and their cost with that of the comparison.

    Pruning freezes a number of angles that is known, whichever they will be. Adaptive shots are
    taken at their most; then limits may allow more steps than are counted here.
    """
    settings = training_of(aim, backend, options)
    pruner = replace(state.pruner, settings=options.pruning)
    still, total, steps = np.zeros(len(state.params)), Cost(), 0

    @cache
    def priced(n_rows: int) -> Cost:
        return aim.price(backend, options, n_rows)

    for step in range(state.step, settings.max_steps):
        kept = pruner.kept(np.random.default_rng(step))
        pruner = pruner.update(still, kept)
        cost = _requests(settings.method, _request(aim, settings, state, kept, step), priced)
        if settings.readout is not None and step % settings.readout.every == 0:
            cost += aim.calibration(backend, options)
        if not settings.covers(state.spent + total + cost):
            break
        total, steps = total + cost, steps + 1
    return steps, total + aim.verdict_price(backend, options)


def _request(
    aim: Aim, settings: TuneSettings, state: TrainState, kept: tuple[int, ...], step: int
) -> Request:
    n_samples, memory = 1, ShotMemory.zeros(len(state.params))
    if isinstance(aim.target, Loss):
        n_samples = len(batch(aim.target, settings.batch_size, settings.seed, step))
    return Request(state.params, kept, n_samples, step, 0.0, 0, memory)


def _requests(method: Method, request: Request, priced: Callable[[int], Cost]) -> Cost:
    """One request for a step; of adaptive shots one for each number of shots there may be."""
    if not isinstance(method, AdaptiveShots):
        return priced(method.plan(request, np.random.default_rng(request.step)).evaluations)
    rows = Shift().plan(request, np.random.default_rng(0)).evaluations
    levels = 1 + math.ceil(2 * math.log2(method.most / method.least))
    levels = min(levels, max(1, len(request.kept)))
    return times(priced(math.ceil(rows / levels)), levels)
