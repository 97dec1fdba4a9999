"""Double deep Q-network on the growth environment.

After each episode the network learns from replayed n-step transitions, in which illegal
actions have the value -inf: when acting, when exploring and in the bootstrap.

Sources: van Hasselt et al., arXiv 1509.06461 (double Q-learning); Patel et al., arXiv
2402.03500 (CRLQAS: the environment, reward, curriculum). CRLQAS takes 5 layers of 1000
LeakyReLU units (<= 4 qubits), Adam 1e-4 or 3e-4, batches of 1000, a memory of 20,000, a target
network copied every 500 updates, epsilon x 0.99995 per step from 1 to 0.05 and gamma =
0.005^(1/steps), and trains for hours. `Settings` is sized for a few thousand steps:
a smaller network, a faster decay, several updates a step; the energy is shown to it as the
logarithm of the distance from the target, since raw hartrees hide the millihartrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from envs.curriculum import Curriculum
from envs.growth import CircuitGrowth, Observation
from qas.errors import InputError
from qas.problem import Meter, Problem, Trial, pareto_front
from search.strategy.replay import Batch, Replay, Transition, Vector

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Settings:
    """Numbers of the agent; CRLQAS's stand in the module's docstring."""

    steps_per_qubit: int = 5
    """Length of an episode, where the problem's limits allow it."""
    width: int = 128
    """Units of each of the two hidden layers."""
    n_step: int = 3
    discount: float = 0.8
    learning_rate: float = 1e-3
    batch: int = 64
    capacity: int = 20_000
    updates_per_step: int = 3
    sync: int = 200
    """Updates between two copies to the target network."""
    epsilon: tuple[float, float] = (1.0, 0.05)
    """Share of random actions at first and at least."""
    decay: float = 0.997
    """Of that share, per environment step."""
    curriculum: Curriculum = Curriculum(every=20, after=10, slack=5e-4)


DEFAULT = Settings()


@dataclass(frozen=True)
class Episode:
    """What was played: one more state than actions."""

    states: list[Vector]
    masks: list[NDArray[np.bool_]]
    actions: list[int]
    rewards: list[float]
    trials: list[Trial]
    over: bool
    """False where the budget ended it."""


class DoubleDQN:
    """Grows circuits on the problem's best layout; one step is one episode.

    Each episode draws from a stream of its own, numbered by seed and episode, so that the
    state between two steps holds no generators.
    """

    name = "ddqn"

    def __init__(self, problem: Problem, seed: int, settings: Settings = DEFAULT) -> None:
        self.seed, self.settings = seed, settings
        self.episodes = self.env_steps = self.updates = 0
        self.curriculum = settings.curriculum
        env = self._environment(problem, problem.meter(None))
        size, n_actions = env.encoding.size, len(env.tokens)
        self._shape = (size, settings.width, settings.width, n_actions)
        self.replay = Replay(settings.capacity, size, n_actions)
        self.online = _fresh_network(self._shape, np.random.default_rng([seed, 0]))
        self.target = [layer.detach().clone() for layer in self.online]
        # Adam's moments; torch.optim would import its compiler, several seconds for six lines.
        self.mean = [layer.detach() * 0 for layer in self.online]
        self.square = [layer.detach() * 0 for layer in self.online]

    @property
    def epsilon(self) -> float:
        """Share of random actions at present."""
        first, last = self.settings.epsilon
        return max(last, first * self.settings.decay**self.env_steps)

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """Play an episode, learn from it, return the best trials of each two-qubit count."""
        import torch

        torch.set_num_threads(1)
        self.episodes += 1
        rng = np.random.default_rng([self.seed, self.episodes])
        env = self._environment(problem, meter)
        episode = self._play(env, rng)
        self.curriculum = env.curriculum
        for transition in transitions(episode, self.settings.n_step, self.settings.discount):
            self.replay.add(transition)
        if len(self.replay) >= self.settings.batch:
            for _ in range(self.settings.updates_per_step * len(episode.actions)):
                self._learn(self.replay.sample(self.settings.batch, rng))
        return pareto_front(episode.trials)

    def _environment(self, problem: Problem, meter: Meter) -> CircuitGrowth:
        steps = min(problem.limits.gates, self.settings.steps_per_qubit * problem.n_qubits)
        return CircuitGrowth(problem, steps=steps, curriculum=self.curriculum, meter=meter)

    def _play(self, env: CircuitGrowth, rng: np.random.Generator) -> Episode:
        """One episode by the epsilon-greedy policy, cut short when the meter is exhausted."""
        observation, _ = env.reset(seed=int(rng.integers(2**31)))
        episode = Episode([], [], [], [], [env.trial], over=False)
        over = False
        while True:
            episode.states.append(features(observation, env.target))
            episode.masks.append(env.action_masks())
            if over or env.meter.exhausted:
                break
            action = self._act(episode.states[-1], episode.masks[-1], rng)
            observation, reward, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
            episode.actions.append(action)
            episode.rewards.append(float(reward))
            episode.trials.append(env.trial)
            self.env_steps += 1
        return Episode(
            episode.states,
            episode.masks,
            episode.actions,
            episode.rewards,
            episode.trials,
            over,
        )

    def _act(self, state: Vector, mask: NDArray[np.bool_], rng: np.random.Generator) -> int:
        import torch

        if rng.random() < self.epsilon:
            return int(rng.choice(np.flatnonzero(mask)))
        with torch.no_grad():
            known = values(self.online, torch.from_numpy(state)).numpy()
        return int(np.argmax(np.where(mask, known, -np.inf)))

    def wanted(self, batch: Batch) -> Tensor:
        """Double-Q targets, shape (batch,): the online network chooses among what is legal, the
        target network values it."""
        import torch

        following, legal = torch.from_numpy(batch.following), torch.from_numpy(batch.legal)
        with torch.no_grad():
            chosen = values(self.online, following).masked_fill(~legal, -torch.inf).argmax(1)
            later = values(self.target, following).gather(1, chosen[:, None])[:, 0]
            return torch.from_numpy(batch.rewards) + torch.from_numpy(batch.discounts) * later

    def _learn(self, batch: Batch) -> None:
        """One update towards the targets."""
        import torch
        from torch.nn.functional import smooth_l1_loss

        actions = torch.from_numpy(batch.actions)[:, None]
        known = values(self.online, torch.from_numpy(batch.states)).gather(1, actions)[:, 0]
        slopes = torch.autograd.grad(smooth_l1_loss(known, self.wanted(batch)), self.online)
        self.updates += 1
        self._adam(slopes)
        if self.updates % self.settings.sync == 0:
            self.target = [layer.detach().clone() for layer in self.online]

    def _adam(self, slopes: Sequence[Tensor]) -> None:
        """One update of every layer in place (Kingma and Ba, arXiv 1412.6980)."""
        import torch

        decays, t = (0.9, 0.999), self.updates
        rate = self.settings.learning_rate * (1 - decays[1] ** t) ** 0.5 / (1 - decays[0] ** t)
        with torch.no_grad():
            for layer, mean, square, slope in zip(
                self.online, self.mean, self.square, slopes, strict=True
            ):
                mean.lerp_(slope, 1 - decays[0])
                square.mul_(decays[1]).addcmul_(slope, slope, value=1 - decays[1])
                layer.addcdiv_(mean, square.sqrt().add_(1e-8), value=-rate)

    def state_dict(self) -> dict[str, Any]:
        """Everything that later episodes depend on."""
        return {
            "seed": self.seed,
            "episodes": self.episodes,
            "env_steps": self.env_steps,
            "updates": self.updates,
            "curriculum": self.curriculum.to_dict(),
            "online": _arrays(self.online),
            "target": _arrays(self.target),
            "mean": _arrays(self.mean),
            "square": _arrays(self.square),
            "replay": self.replay.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned, for the same problem and settings.

        Raises:
            InputError: the networks have another shape.
        """
        shapes = [tuple(state["online"][str(k)].shape) for k in range(len(self.online))]
        if shapes != (own := [tuple(layer.shape) for layer in self.online]):
            raise InputError(f"the saved network has layers {shapes}, this problem needs {own}")
        self.seed, self.episodes = int(state["seed"]), int(state["episodes"])
        self.env_steps, self.updates = int(state["env_steps"]), int(state["updates"])
        self.curriculum = Curriculum(**state["curriculum"])
        self.replay.load_state_dict(state["replay"])
        self.online = [layer.requires_grad_() for layer in _tensors(state["online"])]
        self.target = _tensors(state["target"])
        self.mean, self.square = _tensors(state["mean"]), _tensors(state["square"])


def features(observation: Observation, target: float) -> Vector:
    """The observation with log10 of the distance from the target (hartree) for the energy."""
    gap = max(abs(float(observation[-1]) - target), 1e-7)
    return np.append(observation[:-1], np.float32(np.log10(gap))).astype(np.float32)


def transitions(episode: Episode, n_step: int, discount: float) -> list[Transition]:
    """The n-step transitions of an episode, shorter ones at its end."""
    length, found = len(episode.actions), []
    for at in range(length):
        to = min(at + n_step, length)
        rewards = episode.rewards[at:to]
        ended = episode.over and to == length
        found.append(
            Transition(
                episode.states[at],
                episode.actions[at],
                sum(discount**k * reward for k, reward in enumerate(rewards)),
                0.0 if ended else discount ** (to - at),
                episode.states[to],
                # The value behind the end is multiplied by 0: -inf must not stand there.
                np.ones_like(episode.masks[to]) if ended else episode.masks[to],
            )
        )
    return found


def _fresh_network(shape: tuple[int, ...], rng: np.random.Generator) -> list[Tensor]:
    """Weights and biases in turn, uniform within 1 / sqrt(inputs), as torch's layers are."""
    import torch

    layers: list[Tensor] = []
    for inputs, outputs in pairwise(shape):
        bound = inputs**-0.5
        for size in ((outputs, inputs), (outputs,)):
            values = rng.uniform(-bound, bound, size).astype(np.float32)
            layers.append(torch.from_numpy(values).requires_grad_())
    return layers


def values(layers: list[Tensor], states: Tensor) -> Tensor:
    """Q of every action, shape (..., n_actions)."""
    from torch.nn.functional import leaky_relu, linear

    for k in range(0, len(layers), 2):
        states = linear(states, layers[k], layers[k + 1])
        if k + 2 < len(layers):
            states = leaky_relu(states)
    return states


def _arrays(layers: list[Tensor]) -> dict[str, NDArray[np.float32]]:
    return {str(k): layer.detach().numpy().copy() for k, layer in enumerate(layers)}


def _tensors(arrays: dict[str, NDArray[np.float32]]) -> list[Tensor]:
    import torch

    return [torch.from_numpy(np.array(arrays[str(k)])) for k in range(len(arrays))]
