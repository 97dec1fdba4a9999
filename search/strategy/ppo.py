"""Proximal policy optimisation with masked actions (sb3-contrib) on the growth environment.

A step is a rollout: an episode or a few of each of many members side by side, then epochs of
updates on what they played, which is then forgotten. Illegal actions have probability 0.

Each step builds its learner around the network that is kept, begins its episodes anew and draws
from a stream of its own, numbered by seed and step: network, Adam's moments and the curriculum
are all the state there is between two steps.

Sources: Schulman et al., arXiv 1707.06347 (PPO); Huang and Ontañón, arXiv 2006.14171 (masks);
Patel et al., arXiv 2402.03500 (CRLQAS: environment, reward, curriculum).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.curriculum import Curriculum
from envs.reward import Shaping
from envs.setup import Setup
from qas.errors import InputError
from qas.problem import Meter, Problem, Trial
from qas.task import Classifier
from search.strategy.play import Front, affordable, blocks, placed, swept

if TYPE_CHECKING:
    from sb3_contrib import MaskablePPO
    from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy

    from search.strategy.sb3 import GameEnv


@dataclass(frozen=True)
class Settings:
    """Numbers and switches of the agent, sized for minutes."""

    setup: Callable[[Problem], Setup] = swept
    """What is grown; the switches below change what is shown and rewarded."""
    members: int = 16
    """Episodes side by side."""
    episodes: int = 1
    """Length of a rollout in episodes of full length; short ones are followed by more."""
    width: int = 128
    """Units of each of the two hidden layers, of the actor and of the critic."""
    learning_rate: float = 1e-3
    discount: float = 0.9
    gae_lambda: float = 0.95
    """Of the generalised advantage: 0 trusts the critic, 1 the returns."""
    clip: float = 0.2
    """Most by which an update changes the probability of an action, as a share."""
    entropy: float = 0.02
    """Weight of the bonus for acting at random."""
    epochs: int = 10
    """Passes over a rollout."""
    batch: int = 64
    curriculum: Curriculum | None = Curriculum(every=100, after=25, slack=1e-5)
    """Threshold of success; None: the setup's own."""
    sweep: bool = True
    """Show the exact gain of every action."""
    shaping: Shaping | None = None

    def __post_init__(self) -> None:
        for name, least in (("members", 1), ("episodes", 1), ("epochs", 1), ("batch", 2)):
            if (given := getattr(self, name)) < least:
                raise InputError(f"{name} is a whole number from {least}; given {given}")


DEFAULT = Settings()
PLAIN = replace(DEFAULT, setup=blocks, sweep=False)
"""Without the gains of actions, which are known of energies alone."""


class MaskablePPOSearch:
    """Grows circuits on the problem's best layout; one step is one rollout.

    Its usual settings are `DEFAULT`, and `PLAIN` for a loss.
    """

    name = "ppo"

    def __init__(self, problem: Problem, seed: int, settings: Settings | None = None) -> None:
        if settings is None:
            settings = PLAIN if isinstance(problem.task, Classifier) else DEFAULT
        self.seed, self.settings = seed, settings
        self.rounds = self.env_steps = self.updates = 0
        self.best = np.inf
        self.outcomes: list[float] = []
        """Lowest energy of every finished episode, hartree; for learning curves."""
        setup = settings.setup(problem)
        rules = replace(setup.rules, shaping=settings.shaping, discount=settings.discount)
        if settings.curriculum is not None:
            rules = replace(rules, curriculum=settings.curriculum)
        self.setup = replace(setup, rules=rules, sweep=settings.sweep)
        self.curriculum = rules.curriculum
        self.policy = self._fresh_policy()

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """Play a rollout, learn from it, return its best trial of each two-qubit count."""
        import_quietly()
        from search.strategy.sb3 import GameEnv, global_streams

        self.rounds += 1
        rng = np.random.default_rng([self.seed, self.rounds])
        setup, seen = self.setup, Front()
        game = setup.game(affordable(self.settings.members, setup, meter), meter)
        game.curriculum = self.curriculum
        env = GameEnv(game, setup.view, rng, seen.see)
        with global_streams(rng):
            agent = self._learner(env)
            agent.learn(agent.n_steps * env.num_envs, lambda *_: not env.stopped, log_interval=None)  # type: ignore[arg-type]
        self.curriculum = game.curriculum
        self.env_steps += env.played
        self.updates += agent._n_updates
        self.outcomes += env.outcomes
        found = placed(problem, seen.trials, self.best, meter)
        self.best = min([self.best, *(trial.energy for trial in seen.trials)])
        return found

    def _learner(self, env: GameEnv) -> MaskablePPO:
        """PPO around the network that is kept; it says and writes nothing."""
        from sb3_contrib import MaskablePPO
        from stable_baselines3.common.logger import Logger

        settings = self.settings
        length = max(2, settings.episodes * self.setup.rules.steps)
        agent = MaskablePPO(
            lambda *_: self.policy,  # type: ignore[arg-type]  # asked for a class
            env,
            learning_rate=settings.learning_rate,
            n_steps=length,
            batch_size=batch_size(length * env.num_envs, settings.batch),
            n_epochs=settings.epochs,
            gamma=settings.discount,
            gae_lambda=settings.gae_lambda,
            clip_range=settings.clip,
            ent_coef=settings.entropy,
            device="cpu",
        )
        agent.set_logger(Logger(folder=None, output_formats=[]))
        return agent

    def _fresh_policy(self) -> MaskableActorCriticPolicy:
        import_quietly()
        from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy

        from search.strategy.sb3 import global_streams, spaces

        layers = [self.settings.width] * 2
        with global_streams(np.random.default_rng([self.seed, 0])):
            return MaskableActorCriticPolicy(
                *spaces(self.setup.view),
                lambda _: self.settings.learning_rate,
                net_arch={"pi": layers, "vf": layers},
            )

    def state_dict(self) -> dict[str, Any]:
        """Everything that later rounds depend on."""
        from search.strategy.sb3 import policy_arrays

        return {
            "seed": self.seed,
            "rounds": self.rounds,
            "env_steps": self.env_steps,
            "updates": self.updates,
            "best": None if np.isinf(self.best) else self.best,
            "outcomes": np.array(self.outcomes),
            "curriculum": self.curriculum.to_dict(),
            "policy": policy_arrays(self.policy),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned, for the same problem and settings.

        Raises:
            InputError: the network has another shape.
        """
        from search.strategy.sb3 import load_policy_arrays

        load_policy_arrays(self.policy, state["policy"])
        self.seed, self.rounds = int(state["seed"]), int(state["rounds"])
        self.env_steps, self.updates = int(state["env_steps"]), int(state["updates"])
        self.best = np.inf if state["best"] is None else float(state["best"])
        self.outcomes = state["outcomes"].tolist()
        self.curriculum = Curriculum(**state["curriculum"])


def batch_size(total: int, wanted: int) -> int:
    """Transitions in a batch, about ``wanted``: even batches, and none of a single transition.

    Advantages are divided by their spread within the batch; one alone has none.

    >>> batch_size(128, 64), batch_size(80, 64), batch_size(100, 64), batch_size(12, 64)
    (64, 80, 50, 12)
    """
    size = -(-total // max(1, round(total / wanted)))
    while total % size == 1:
        size += 1
    return size


def import_quietly() -> None:
    """Import Stable-Baselines3 without what that says about others, and hold torch to a thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        import search.strategy.sb3  # noqa: F401
    torch.set_num_threads(1)
