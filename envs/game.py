"""Episodes of many members side by side: rewards, thresholds, ends."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from envs.crowd import Crowd, Members
from envs.curriculum import Curriculum
from envs.halting import Halting
from envs.reward import Reward, Shaping, target_energy
from qas.device.schedule import duration
from qas.errors import InputError


@dataclass(frozen=True)
class Rules:
    """How an episode goes."""

    steps: int
    """Its length."""
    reward: Reward = field(default_factory=Reward)
    curriculum: Curriculum = field(default_factory=Curriculum)
    """Threshold of success at first; it moves at the end of episodes."""
    halting: Halting | None = None
    """Draws the length of each episode; none is longer than ``steps``."""
    edits: int = 1
    """Actions between two scorings of a circuit."""
    shaping: Shaping | None = None
    discount: float = 0.9
    """Of the potential; the agent's own."""
    target: float | None = None
    """Hartree; by default the ground energy, or the fake minimum where nobody knows it."""

    def __post_init__(self) -> None:
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise InputError(f"an episode has 1 or more steps; given {self.steps!r}")
        if self.edits < 1:
            raise InputError(f"a circuit is scored after 1 or more edits; given {self.edits}")


@dataclass(frozen=True)
class Outcome:
    """What a step did, one entry a member that played."""

    reward: NDArray[np.float64]
    success: NDArray[np.bool_]
    """The energy came within the threshold: the episode terminates."""
    at_limit: NDArray[np.bool_]
    """The steps, or what is legal, are used up: the episode is truncated."""
    illegal: NDArray[np.bool_]
    scored: NDArray[np.bool_]
    """False where the budget no longer allowed it."""

    @property
    def over(self) -> NDArray[np.bool_]:
        """Episodes that ended."""
        return self.success | self.at_limit


class Game:
    """A crowd that plays by rules.

    The curriculum is one for all members; episodes that end together move it in the order of
    their numbers.
    """

    def __init__(self, crowd: Crowd, rules: Rules) -> None:
        self.crowd, self.rules, self.curriculum = crowd, rules, rules.curriculum
        task = crowd.problem.task
        self.target = target_energy(task) if rules.target is None else rules.target
        self.left = np.zeros(crowd.size, dtype=np.int64)
        """Steps left of each member's episode; 0 before the first and behind the end."""
        self.best = np.zeros(crowd.size)
        """Smallest gap of each member's episode, hartree."""
        self._first = np.zeros(crowd.size)
        self._taken = np.zeros(crowd.size, dtype=np.int64)
        self._potential = np.zeros(crowd.size)
        self._price = np.zeros(crowd.size)

    @property
    def gap(self) -> NDArray[np.float64]:
        """|target - energy| of every member, hartree."""
        gap: NDArray[np.float64] = np.abs(self.target - self.crowd.energy)
        return gap

    def begin(self, members: Members, rng: np.random.Generator) -> None:
        """Start new episodes."""
        self.crowd.begin(members, rng)
        self.left[members], halting = self.rules.steps, self.rules.halting
        if halting is not None:
            self.left[members] = np.minimum(halting.lengths(len(members), rng), self.rules.steps)
        self.best[members] = self._first[members] = self.gap[members]
        self._taken[members] = 0
        if self.rules.shaping is not None:
            self._potential[members] = self._potentials()[members]
        self._price[members] = self._prices(members)

    def step(
        self, members: Members, actions: NDArray[np.integer], rng: np.random.Generator
    ) -> Outcome:
        """One action of each of some members whose episodes go on; an illegal one is a no-op."""
        crowd, rules = self.crowd, self.rules
        legal = crowd.masks()[members, actions]
        before = crowd.energy[members]
        if legal.any():
            crowd.extend(members[legal], actions[legal])
        self._taken[members] += legal
        self.left[members] -= 1
        stuck = ~crowd.masks()[members].any(axis=1)
        ending = (self.left[members] == 0) | stuck
        due = ~crowd.is_scored[members] & ((self._taken[members] % rules.edits == 0) | ending)
        scored = np.ones(len(members), dtype=np.bool_)
        if due.any():
            scored[due] = crowd.score(members[due], rng)
        gap = self.gap[members]
        self.best[members] = np.minimum(self.best[members], gap)
        success = due & scored & (gap < self.curriculum.threshold)
        at_limit = ending & ~success
        after = crowd.energy[members]
        reward = rules.reward.of_steps(
            before, after, self.target, success=success, at_limit=at_limit, illegal=~legal
        )
        over = success | at_limit
        crowd.playing[members[over]] = False
        reward = reward + self._shaping(members, over) - self._dearer(members)
        for member in members[over]:
            self.left[member] = 0
            won = bool(success[members == member][0])
            self.curriculum = self.curriculum.after_episode(float(self.best[member]), won)
        return Outcome(reward, success, at_limit, ~legal, scored)

    def _potentials(self) -> NDArray[np.float64]:
        shaping, crowd = self.rules.shaping, self.crowd
        assert shaping is not None
        best = np.minimum(crowd.extensions().energy.min(axis=1), crowd.energy)
        return shaping.potential(self._first, np.abs(self.target - best))

    def _shaping(self, members: Members, over: NDArray[np.bool_]) -> NDArray[np.float64]:
        """gamma phi(after) - phi(before)."""
        if self.rules.shaping is None:
            return np.zeros(len(members))
        after = np.where(over, 0.0, self._potentials()[members])
        gained: NDArray[np.float64] = self.rules.discount * after - self._potential[members]
        self._potential[members] = after
        return gained

    def _prices(self, members: Members) -> NDArray[np.float64]:
        crowd, reward = self.crowd, self.rules.reward
        if not reward.has_prices:
            return np.zeros(len(members))
        pairs, moments = crowd.n_pairs[members], crowd.levels[members].max(axis=1)
        seconds = np.zeros(len(members))
        if reward.per_microsecond:
            patch = crowd.problem.patch(crowd.layout)
            natives = [crowd.problem.lowering(crowd.native(m), crowd.layout) for m in members]
            seconds = np.array([duration(lowered.native, patch) for lowered in natives])
        return reward.price(pairs, moments, seconds)

    def _dearer(self, members: Members) -> NDArray[np.float64]:
        """What the circuits cost more than a step ago."""
        now = self._prices(members)
        more: NDArray[np.float64] = now - self._price[members]
        self._price[members] = now
        return more
