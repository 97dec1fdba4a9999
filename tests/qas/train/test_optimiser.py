"""torch's optimisers with parameters that stand still, and as values that can be saved."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from qas.errors import InputError
from qas.train import Moments, Optimiser, Schedule
from qas.train.optimiser import NAMES

EVERY = [*[Optimiser(name) for name in NAMES], Optimiser("SGD", 0.1, options={"momentum": 0.9})]


def walked(optimiser: Optimiser, gradients: np.ndarray, kept: list[list[int]]):
    params, moments = np.linspace(-1, 1, gradients.shape[1]), optimiser.start(gradients.shape[1])
    for done, (gradient, moving) in enumerate(zip(gradients, kept, strict=True)):
        params, moments = optimiser.update(params, gradient, moments, moving, done)
        yield params, moments


@pytest.mark.parametrize("optimiser", EVERY, ids=lambda o: o.name + str(dict(o.options)))
def test_a_walk_through_values_is_torchs_own_walk(optimiser: Optimiser) -> None:
    """Bit by bit, through JSON after every step, with a parameter frozen in between."""
    gradients = np.random.default_rng(0).normal(size=(6, 3))
    kept = [[0, 1, 2], [0, 2], [1], [0, 1, 2], [2], [0, 1]]
    tensors = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (-1.0, 0.0, 1.0)]
    own = getattr(torch.optim, optimiser.name)(
        tensors, lr=optimiser.learning_rate, **optimiser.options
    )
    params, moments = np.array([-1.0, 0.0, 1.0]), optimiser.start(3)
    for gradient, moving in zip(gradients, kept, strict=True):
        for k, tensor in enumerate(tensors):
            tensor.grad = torch.tensor(gradient[k], dtype=torch.float64) if k in moving else None
        own.step()
        moments = tuple(
            tuple((name, value) for name, value in row) for row in json.loads(json.dumps(moments))
        )
        params, moments = optimiser.update(params, gradient, moments, moving)
        assert params.tolist() == [x.item() for x in tensors]


@pytest.mark.parametrize(
    "optimiser", [*EVERY, Optimiser("AdamW", options={"weight_decay": 0.5})], ids=lambda o: o.name
)
def test_frozen_parameters_and_their_moments_do_not_change(optimiser: Optimiser) -> None:
    """Weight decay included: the released code of QOC moves frozen parameters by it."""
    gradients, kept = np.ones((5, 4)), [[0, 1, 2, 3], [0, 2], [1], [3], [0, 1, 2, 3]]
    states = list(walked(optimiser, gradients, kept))
    for ((before, old), (after, new)), moving in zip(pairwise(states), kept[1:], strict=True):
        for k in range(4):
            assert (before[k] != after[k]) == (k in moving)
            assert k in moving or old[k] == new[k]


def test_a_parameter_moves_as_if_the_others_were_not_there() -> None:
    """Steps in which it is frozen leave no trace in its path."""
    adam = Optimiser()
    alone, own = np.array([0.3]), adam.start(1)
    both, shared = np.array([0.3, 1.0]), adam.start(2)
    for g in (0.5, -0.2, 0.9):
        alone, own = adam.update(alone, [g], own, [0])
        both, shared = adam.update(both, [g, 1.0], shared, [0])
        both, shared = adam.update(both, [7.0, 1.0], shared, [1])
    assert both[0] == alone[0]


def test_full_steps_are_textbook_adam() -> None:
    adam, rng = Optimiser("Adam", 0.1, options={"betas": (0.9, 0.99)}), np.random.default_rng(0)
    params: np.ndarray = np.array([1.0, -2.0])
    moments: Moments = adam.start(2)
    x, m, v = params.copy(), np.zeros(2), np.zeros(2)
    for t in range(1, 6):
        g = rng.normal(size=2)
        params, moments = adam.update(params, g, moments, [0, 1])
        m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
        x -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
        np.testing.assert_allclose(params, x, rtol=1e-12)


def test_schedules_scale_the_step() -> None:
    for schedule in (Schedule("inverse", 0.1), Schedule("cosine", span=10, floor=0.2)):
        plain = Optimiser("SGD", 1.0, schedule)
        for done in (0, 3, 10, 50):
            moved, _ = plain.update([0.0], [1.0], plain.start(1), [0], done)
            assert moved[0] == pytest.approx(-schedule.factor(done), rel=1e-15)
    assert Schedule("cosine", span=10, floor=0.2).factor(5) == pytest.approx(0.6)
    assert Schedule("cosine", span=10, floor=0.2).factor(99) == pytest.approx(0.2)
    assert Schedule("inverse", 0.1).factor(10) == pytest.approx(0.5)


def test_bad_settings_are_refused() -> None:
    for bad in ({"learning_rate": 0.0}, {"learning_rate": np.nan}, {"name": "LBFGS"}):
        with pytest.raises(InputError, match="given"):
            Optimiser(**bad)
    for wrong in ({"kind": "step"}, {"unit": "days"}, {"decay": -1.0}, {"floor": 2.0}, {"span": 0}):
        with pytest.raises(InputError, match="given"):
            Schedule(**wrong)
    with pytest.raises(InputError, match="torch's Adam refuses"):
        Optimiser("Adam", options={"momentum": 0.9}).update([0.0], [1.0], ((),), [0])
