"""A sampler for circuits that all have the same parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState


class Fixed(BaseSampler):
    """Another sampler that is told what there is to choose.

    Left to themselves samplers compare the parameters of all trials to see which are in every
    one: half the time of a proposal.

    Args:
        inner: proposes.
        space: what every trial has.
    """

    def __init__(self, inner: BaseSampler, space: dict[str, BaseDistribution]) -> None:
        self.inner = inner
        self._space = {name: own for name, own in space.items() if not own.single()}

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Everything that leaves a choice."""
        return dict(sorted(self._space.items()))

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the inner sampler proposes."""
        return self.inner.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """What the inner sampler draws where it proposes nothing."""
        return self.inner.sample_independent(study, trial, param_name, param_distribution)

    def reseed_rng(self) -> None:
        """Pass it on."""
        self.inner.reseed_rng()

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass it on."""
        self.inner.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Pass it on."""
        self.inner.after_trial(study, trial, state, values)
