"""Pruning: the laws of QOC, the traps of its released code, the controls, and WSBD."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas.errors import InputError
from qas.train import Pruner, Pruning, parameter_shift


@given(st.integers(1, 60), st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.9]))
def test_kept_count(n: int, ratio: float) -> None:
    wanted = max(1, (n * round((1 - ratio) * 10)) // 10)
    pruning = Pruning(ratio, 1, 2)
    assert pruning.n_kept(n) == wanted
    pruner = Pruner.start(n, pruning).update(np.linspace(0, 1, n))
    kept = pruner.kept(np.random.default_rng(0))
    assert len(kept) == len(set(kept)) == (n if ratio == 0 else wanted)
    assert list(kept) == sorted(kept)


@pytest.mark.parametrize("method", ["probabilistic", "deterministic", "random", "wsbd"])
@pytest.mark.parametrize(("n", "circuits"), [(8, [17, 9, 9]), (36, [73, 37, 37])])
def test_circuits_of_a_window(n: int, circuits: list[int], method: str) -> None:
    pruner, rng = Pruner.start(n, Pruning(method=method)), np.random.default_rng(0)
    seen = []
    for _ in range(6):
        plan = parameter_shift(np.zeros(n), pruner.kept(rng))
        seen.append(plan.evaluations)
        pruner = pruner.update(np.ones(n), plan.kept)
    assert seen == (circuits * 2 if method != "wsbd" else [circuits[0], *[circuits[1]] * 5])


def test_inclusion_follows_the_accumulated_magnitudes() -> None:
    """One of four kept: frequencies are the shares. A uniform reset would give 1/4 each."""
    gradient = np.array([0.1, -0.2, 0.3, -0.4])
    pruner = Pruner.start(4, Pruning(0.75)).update(gradient)
    rng, n = np.random.default_rng(1), 6_000
    counts = np.bincount([pruner.kept(rng)[0] for _ in range(n)], minlength=4)
    share = np.abs(gradient)
    np.testing.assert_allclose(counts / n, share, atol=5 * np.sqrt(0.25 / n))


def test_two_of_four_are_drawn_one_after_the_other() -> None:
    """P(i kept) = p_i + sum_j p_j p_i / (1 - p_j): successive draws without replacement."""
    p = np.array([0.05, 0.15, 0.2, 0.6])
    pruner = Pruner.start(4, Pruning(0.5)).update(p)
    rng, n = np.random.default_rng(2), 6_000
    counts = np.zeros(4)
    for _ in range(n):
        counts[list(pruner.kept(rng))] += 1
    expected = [p[i] + sum(p[j] * p[i] / (1 - p[j]) for j in range(4) if j != i) for i in range(4)]
    np.testing.assert_allclose(counts / n, expected, atol=5 * np.sqrt(0.25 / n))


def test_sums_run_over_one_window_only() -> None:
    pruner = Pruner.start(2, Pruning(0.5, full_steps=2, pruned_steps=1))
    pruner = pruner.update([1.0, -2.0])
    assert pruner.is_full
    pruner = pruner.update([3.0, 4.0])
    assert (pruner.sums, pruner.is_full) == ((4.0, 6.0), False)
    pruner = pruner.update([9.0, 0.0])  # a pruned step's partial gradient is not added
    assert (pruner.sums, pruner.phase) == ((4.0, 6.0), 0)
    assert pruner.update([1.0, 1.0]).sums == (1.0, 1.0)


def test_deterministic_pruning_keeps_the_largest_sums() -> None:
    pruner = Pruner.start(5, Pruning(0.6, method="deterministic"))
    pruner = pruner.update([0.1, -0.9, 0.3, 0.0, 0.5])
    assert {pruner.kept(np.random.default_rng(seed)) for seed in range(20)} == {(1, 4)}


def test_random_pruning_does_not_look_at_the_gradient() -> None:
    pruner = Pruner.start(4, Pruning(0.5, method="random")).update([0.0, 0.0, 0.0, 9.0])
    rng, n = np.random.default_rng(4), 6_000
    counts = np.bincount(np.concatenate([pruner.kept(rng) for _ in range(n)]), minlength=4)
    np.testing.assert_allclose(counts / n, 0.5, atol=5 * np.sqrt(0.25 / n))


def test_wsbd_draws_by_the_size_of_the_summed_gradient() -> None:
    """Gradients that change their sign cancel; the drawn ones stay for the whole window."""
    pruner = Pruner.start(3, Pruning(0.6, 2, 3, "wsbd"))
    for gradient in ([5.0, 0.3, -0.7], [-5.0, 0.3, -0.7]):
        pruner = pruner.update(gradient, pruner.kept(np.random.default_rng(0)))
    assert pruner.sums == (0.0, 0.6, -1.4)
    rng, n = np.random.default_rng(1), 6_000
    counts = np.bincount([pruner.kept(rng)[0] for _ in range(n)], minlength=3)
    np.testing.assert_allclose(counts / n, [0.0, 0.3, 0.7], atol=5 * np.sqrt(0.25 / n))


def test_wsbd_remembers_frozen_scores_and_starts_drawn_ones_anew() -> None:
    pruner = Pruner.start(2, Pruning(0.5, 1, 2, "wsbd")).update([1.0, 1000.0], [0, 1])
    (first,) = pruner.kept(np.random.default_rng(0))
    assert first == 1
    gradient = [0.0, 0.25]
    for _ in range(2):
        assert pruner.kept(np.random.default_rng(9)) == (1,)
        pruner = pruner.update(gradient, [1])
    assert pruner.sums == (1.0, 0.5)  # the frozen one keeps its score, the active one's is new
    draws = {pruner.kept(np.random.default_rng(seed)) for seed in range(50)}
    assert draws == {(0,), (1,)}
    again = pruner.update([-0.5, 0.0], [0])
    assert again.sums == (-0.5, 0.5)
    assert again.active == (0,)


@pytest.mark.parametrize("off", [Pruning(0.0), Pruning(0.5, 1, 0), Pruning(0.5, method="none")])
def test_no_pruning(off: Pruning) -> None:
    pruner = Pruner.start(3, off)
    for _ in range(5):
        assert pruner.kept(np.random.default_rng(0)) == (0, 1, 2)
        pruner = pruner.update([1.0, 0.0, 0.0])


def test_zero_magnitudes_do_not_stop_the_draw() -> None:
    rng = np.random.default_rng(3)
    one = Pruner.start(4).update([0.0, 0.0, 5.0, 0.0])
    drawn = [one.kept(rng) for _ in range(200)]
    assert all(2 in kept and len(kept) == 2 for kept in drawn)
    assert {k for kept in drawn for k in kept} == {0, 1, 2, 3}
    assert len(Pruner.start(4).update(np.zeros(4)).kept(rng)) == 2


@pytest.mark.parametrize(
    "settings", [(1.0, 1, 2), (-0.1, 1, 2), (0.5, 0, 2), (0.5, 1, -1), (0.5, 1.5, 2)]
)
def test_bad_settings_are_refused(settings: tuple[float, int, int]) -> None:
    with pytest.raises(InputError):
        Pruning(*settings)
    with pytest.raises(InputError, match="gradient"):
        Pruning(method="gradient")
