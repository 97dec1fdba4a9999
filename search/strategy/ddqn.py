"""Double deep Q-network on the growth environment.

A round is an episode of each of many members side by side, scored together. After it the
network learns from replayed n-step transitions, in which illegal actions have the value -inf:
when acting, when exploring and in the bootstrap.

What the exact gain of every action (`Crowd.gains`) gives beyond CRLQAS, each a switch: it is shown
(``sweep``), it shapes the reward (``shaping``), it explores (``guided``), and it teaches
(``lessons``: at first the teacher plays, and its actions are to be valued above all others by a
margin). ``blind_rounds`` learns without noise first and keeps memory and network.

Sources: van Hasselt et al., arXiv 1509.06461 (double Q-learning); Hester et al., arXiv
1704.03732 (margin loss on demonstrations); Patel et al., arXiv 2402.03500 (CRLQAS: environment,
reward, curriculum). CRLQAS takes 5 layers of 1000 LeakyReLU units (<= 4 qubits), Adam 1e-4 or
3e-4, batches of 1000, a memory of 20,000, a target network copied every 500 updates, epsilon x
0.99995 per step from 1 to 0.05 and gamma = 0.005^(1/steps), and trains for hours. `Settings` is
sized for minutes: a smaller network, a faster decay; the energy is shown to it as the
logarithm of the distance from the target, since raw hartrees hide the millihartrees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from envs.curriculum import Curriculum
from envs.game import Game, Rules
from envs.observation import View
from envs.reward import Shaping
from envs.setup import Setup, crlqas
from qas.errors import InputError
from qas.problem import Meter, Problem, Trial
from qas.task import Classifier
from search.strategy.play import Front, affordable, blocks, features, placed, swept
from search.strategy.replay import Batch, Elite, Replay, Transition, Vector

if TYPE_CHECKING:
    from torch import Tensor

Mask = NDArray[np.bool_]
LEAST_GAIN = 1e-7
"""Hartree: what gains less is as good as nothing to the teacher."""


@dataclass(frozen=True)
class Settings:
    """Numbers and switches of the agent; CRLQAS's numbers stand in the module's docstring."""

    setup: Callable[[Problem], Setup] = swept
    """What is grown; the switches below change what is shown and rewarded."""
    members: int = 16
    """Episodes side by side."""
    width: int = 128
    """Units of each of the two hidden layers."""
    n_step: int = 1
    discount: float = 0.9
    learning_rate: float = 1e-3
    batch: int = 128
    capacity: int = 20_000
    updates_per_step: float = 0.2
    """Updates for each step of a member."""
    sync: int = 200
    """Updates between two copies to the target network, where ``tau`` is 0."""
    tau: float = 0.0
    """Share of the online network that every update blends into the target network."""
    epsilon: tuple[float, float] = (1.0, 0.15)
    """Share of exploring actions at first and at least."""
    decay: float = 0.999
    """Of that share, per environment step."""
    curriculum: Curriculum | None = Curriculum(every=100, after=25, slack=1e-5)
    """Threshold of success; None: the setup's own."""
    masked: bool = True
    """False: illegal actions may be chosen; they change nothing and cost a step."""
    sweep: bool = True
    shaping: Shaping | None = None
    guided: float = 0.2
    """Share of the exploring actions that the teacher draws."""
    lessons: int = 2
    """Rounds that the teacher plays at first."""
    margin: float = 0.5
    """By which taught actions are to be valued above others; 0: they are not told apart."""
    elites: int = 16
    """Best episodes so far that are learned like the teacher's; 0: none."""
    elite_share: float = 0.25
    """Of a batch."""
    sharpness: float = 1.0
    """The teacher draws an action with the probability of its gain to this power."""
    blind_rounds: int = 0
    """Rounds without noise before all others."""
    play: bool = True
    """False: never ask the network, only explore; the control arm in the same space."""


DEFAULT = Settings()
PLAIN = replace(DEFAULT, setup=blocks, sweep=False, guided=0.0, lessons=0)
"""Learning from the reward alone."""
RANDOM = replace(PLAIN, play=False)
"""Legal actions drawn evenly, scored like all others."""
TEACHER = replace(DEFAULT, play=False, guided=1.0, lessons=0)
"""The teacher alone: what learning has to beat."""
PUBLISHED = replace(
    PLAIN, setup=crlqas, curriculum=None, elites=0, epsilon=(1.0, 0.05), decay=0.9997, discount=0.93
)
"""CRLQAS's environment, single gates, its tensor, reward, curriculum and halting, with an agent
of this size."""


@dataclass
class Episode:
    """What a member played: one more state than actions."""

    states: list[Vector] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    taught: list[bool] = field(default_factory=list)
    over: bool = False
    """False where the budget ended it."""
    best: float = np.inf
    """Lowest energy seen, hartree."""


class DoubleDQN:
    """Grows circuits on the problem's best layout; one step is one round.

    Each round draws from a stream of its own, numbered by seed and round, so that the
    state between two steps holds no generators. Its usual settings are `DEFAULT`, and `PLAIN`
    for a loss, of which no gains are known.
    """

    name = "ddqn"

    def __init__(self, problem: Problem, seed: int, settings: Settings | None = None) -> None:
        if settings is None:
            settings = PLAIN if isinstance(problem.task, Classifier) else DEFAULT
        self.seed, self.settings = seed, settings
        self.rounds = self.env_steps = self.updates = 0
        self.best = np.inf
        self.outcomes: list[float] = []
        """Lowest energy of every episode, hartree; for learning curves."""
        self.setup = _equipped(settings, problem)
        self.curriculum = self.setup.rules.curriculum
        view, n_actions = self.setup.view, len(self.setup.actions)
        self._shape = (view.size, settings.width, settings.width, n_actions)
        sizes = view.encoding.size, view.size - view.encoding.size, n_actions
        self.replay = Replay(settings.capacity, *sizes)
        self.elite = Elite(settings.elites, self.setup.rules.steps, sizes)
        self.online = _fresh_network(self._shape, np.random.default_rng([seed, 0]))
        self.target = [layer.detach().clone() for layer in self.online]
        # Adam's moments; torch.optim would import its compiler, several seconds for six lines.
        self.mean = [layer.detach() * 0 for layer in self.online]
        self.square = [layer.detach() * 0 for layer in self.online]

    @property
    def epsilon(self) -> float:
        """Share of exploring actions at present."""
        first, last = self.settings.epsilon
        return max(last, first * self.settings.decay**self.env_steps)

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """Play a round, learn from it, return its best trial of each two-qubit count."""
        import torch

        torch.set_num_threads(1)
        self.rounds += 1
        rng = np.random.default_rng([self.seed, self.rounds])
        blind = self.rounds <= self.settings.blind_rounds
        setup = replace(self.setup, blind=blind)
        game = setup.game(affordable(self.settings.members, setup, meter), meter)
        game.curriculum = self.curriculum
        episodes, trials = self._play(game, setup.view, rng)
        self.curriculum = self.setup.rules.curriculum if blind else game.curriculum
        self.outcomes += [episode.best for episode in episodes]
        if self.settings.play:
            self._study(game, episodes, rng)
        found = placed(problem, trials, self.best, meter)
        self.best = min([self.best, *(trial.energy for trial in trials)])
        return found

    def _study(self, game: Game, episodes: list[Episode], rng: np.random.Generator) -> None:
        """Remember a round and learn."""
        settings = self.settings
        for episode in episodes:
            found = transitions(episode, settings.n_step, settings.discount)
            self.elite.offer(abs(game.target - episode.best), found)
            for transition in found:
                self.replay.add(transition)
        if len(self.replay) < settings.batch:
            return
        chosen = round(settings.elite_share * settings.batch) if len(self.elite) else 0
        steps = sum(len(episode.actions) for episode in episodes)
        for _ in range(round(settings.updates_per_step * steps)):
            batch = self.replay.sample(settings.batch - chosen, rng)
            self._learn(batch.and_(self.elite.sample(chosen, rng)) if chosen else batch)

    def _play(
        self, game: Game, view: View, rng: np.random.Generator
    ) -> tuple[list[Episode], list[Trial]]:
        """An episode of every member, cut short when the meter is exhausted."""
        crowd, everyone = game.crowd, np.arange(game.crowd.size)
        shape = crowd.size, len(crowd.table)
        game.begin(everyone, rng)
        episodes = [Episode() for _ in everyone]
        front, playing = Front(), everyone
        front.see(game, everyone)
        while True:
            states = features(view.observe(crowd), game.target, view)
            masks = crowd.masks() if self.settings.masked else np.ones(shape, dtype=np.bool_)
            for member, episode in enumerate(episodes):
                if len(episode.states) == len(episode.actions):
                    episode.states.append(states[member])
                    episode.masks.append(masks[member])
                    episode.best = min(episode.best, float(crowd.energy[member]))
            if not len(playing) or crowd.meter.exhausted:
                return episodes, front.trials
            actions, taught = self._act(game, playing, states[playing], masks[playing], rng)
            outcome = game.step(playing, actions, rng)
            self.env_steps += len(playing)
            for at, member in enumerate(playing.tolist()):
                episode = episodes[member]
                episode.actions.append(int(actions[at]))
                episode.rewards.append(float(outcome.reward[at]))
                episode.taught.append(bool(taught[at]))
                episode.over = bool(outcome.over[at])
            front.see(game, playing[outcome.scored])
            playing = playing[~outcome.over & outcome.scored]

    def _act(
        self, game: Game, playing: NDArray[np.intp], states: Vector, masks: Mask,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int64], Mask]:  # fmt: skip
        """Actions, and which of them the teacher chose."""
        import torch

        settings, count = self.settings, len(playing)
        lesson = settings.lessons > 0 and self.rounds - settings.blind_rounds <= settings.lessons
        explore = (rng.random(count) < self.epsilon) | (not settings.play) | lesson
        taught = explore & ((rng.random(count) < settings.guided) | lesson)
        weights = masks.astype(np.float64)
        if taught.any():
            gains = np.maximum(game.crowd.gains()[playing[taught]], LEAST_GAIN)
            weights[taught] *= (gains / gains.max(axis=1, keepdims=True)) ** settings.sharpness
        drawn = _drawn(weights, rng)
        if explore.all():
            return drawn, taught
        with torch.no_grad():
            known = values(self.online, torch.from_numpy(states)).numpy()
        greedy = np.argmax(np.where(masks, known, -np.inf), axis=1)
        return np.where(explore, drawn, greedy), taught

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
        known = values(self.online, torch.from_numpy(batch.states))
        taken = known.gather(1, actions)[:, 0]
        loss = smooth_l1_loss(taken, self.wanted(batch))
        if self.settings.margin and batch.taught.any():
            above = torch.full_like(known, self.settings.margin).scatter(1, actions, 0.0)
            short = (known + above).max(1).values - taken
            loss = loss + (short * torch.from_numpy(batch.taught)).mean()
        slopes = torch.autograd.grad(loss, self.online)
        self.updates += 1
        self._adam(slopes)
        self._follow()

    def _follow(self) -> None:
        """Move the target network: a copy now and then, or a little every time."""
        import torch

        tau = self.settings.tau
        if tau:
            with torch.no_grad():
                for slow, layer in zip(self.target, self.online, strict=True):
                    slow.lerp_(layer, tau)
        elif self.updates % self.settings.sync == 0:
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
        """Everything that later rounds depend on."""
        return {
            "seed": self.seed,
            "rounds": self.rounds,
            "env_steps": self.env_steps,
            "updates": self.updates,
            "best": None if np.isinf(self.best) else self.best,
            "outcomes": np.array(self.outcomes),
            "curriculum": self.curriculum.to_dict(),
            "online": _arrays(self.online),
            "target": _arrays(self.target),
            "mean": _arrays(self.mean),
            "square": _arrays(self.square),
            "replay": self.replay.state_dict(),
            "elite": self.elite.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned, for the same problem and settings.

        Raises:
            InputError: the networks have another shape.
        """
        shapes = [tuple(state["online"][str(k)].shape) for k in range(len(self.online))]
        if shapes != (own := [tuple(layer.shape) for layer in self.online]):
            raise InputError(f"the saved network has layers {shapes}, this problem needs {own}")
        self.seed, self.rounds = int(state["seed"]), int(state["rounds"])
        self.env_steps, self.updates = int(state["env_steps"]), int(state["updates"])
        self.best = np.inf if state["best"] is None else float(state["best"])
        self.outcomes = state["outcomes"].tolist()
        self.curriculum = Curriculum(**state["curriculum"])
        self.replay.load_state_dict(state["replay"])
        self.elite.load_state_dict(state["elite"])
        self.online = [layer.requires_grad_() for layer in _tensors(state["online"])]
        self.target = _tensors(state["target"])
        self.mean, self.square = _tensors(state["mean"]), _tensors(state["square"])


def published(problem: Problem, seed: int) -> DoubleDQN:
    """The agent in CRLQAS's own environment."""
    own = replace(PUBLISHED, setup=lambda problem: crlqas(problem, limits=problem.limits))
    agent = DoubleDQN(problem, seed, own)
    agent.name = "crlqas"
    return agent


def _equipped(settings: Settings, problem: Problem) -> Setup:
    """The settings' setup with what their switches show and reward."""
    setup = settings.setup(problem)
    rules: Rules = replace(setup.rules, shaping=settings.shaping, discount=settings.discount)
    if settings.curriculum is not None:
        rules = replace(rules, curriculum=settings.curriculum)
    return replace(setup, rules=rules, sweep=settings.sweep)


def _drawn(weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """One column of each row, with the probability of its weight."""
    heights = np.cumsum(weights, axis=1)
    marks = rng.random(len(weights)) * heights[:, -1]
    chosen = (heights <= marks[:, None]).sum(axis=1)
    last = weights.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)
    return np.asarray(np.minimum(chosen, last))


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
                episode.taught[at],
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
