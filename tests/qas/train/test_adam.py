"""Adam: against the textbook, and with parameters that stand still."""

from __future__ import annotations

import numpy as np
import pytest

from qas.errors import InputError
from qas.train import Adam, Moments


def test_full_steps_are_textbook_adam() -> None:
    adam, rng = Adam(0.1, 0.9, 0.999), np.random.default_rng(0)
    params, moments = np.array([1.0, -2.0]), Moments.zeros(2)
    x, m, v = params.copy(), np.zeros(2), np.zeros(2)
    for t in range(1, 6):
        g = rng.normal(size=2)
        params, moments = adam.update(params, g, moments, [0, 1])
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        x -= 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        np.testing.assert_allclose(params, x, rtol=1e-12)


def test_frozen_parameters_and_their_moments_do_not_change() -> None:
    adam = Adam()
    params, moments = adam.update([0.5, 0.6, 0.7], [1.0, -1.0, 2.0], Moments.zeros(3), [0, 1, 2])
    after, later = adam.update(params, [3.0, 9.0, 9.0], moments, [0])
    assert after[0] != params[0]
    np.testing.assert_array_equal(after[1:], params[1:])
    assert later.first[1:] == moments.first[1:]
    assert later.second[1:] == moments.second[1:]
    assert later.steps == (2, 1, 1)


def test_a_parameter_moves_as_if_the_others_were_not_there() -> None:
    """Steps in which it is frozen leave no trace in its path."""
    adam = Adam()
    alone, own = np.array([0.3]), Moments.zeros(1)
    both, shared = np.array([0.3, 1.0]), Moments.zeros(2)
    for g in (0.5, -0.2, 0.9):
        alone, own = adam.update(alone, [g], own, [0])
        both, shared = adam.update(both, [g, 1.0], shared, [0])
        both, shared = adam.update(both, [7.0, 1.0], shared, [1])
    assert both[0] == alone[0]


@pytest.mark.parametrize("bad", [{"learning_rate": 0}, {"beta1": 1.0}, {"epsilon": 0}])
def test_bad_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Adam(**bad)
