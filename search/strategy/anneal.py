"""Simulated annealing of words, several chains side by side.

Each chain proposes an edit of its word; all proposals are trained as one population from the
angles that they inherit, and accepted by Metropolis's rule. Each chain has its own price of a
two-qubit gate, so that together they cover short and long circuits. The temperature falls
geometrically with the share of the budget that is spent, and is raised again a few times: then
each chain goes on from the best word that any has seen at its price.

Source: Kirkpatrick, Gelatt and Vecchi, Science 220, 671 (1983).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from qas.problem import Meter, Problem, Space, Trial
from search.strategy.genome import Genome
from search.strategy.judge import Judge, Member, judged
from search.strategy.mutation import INHERITED, founders, loosened, mutated
from search.strategy.strategy import Tally

CHAINS = 8
PRICES = np.geomspace(1e-6, 3e-3, CHAINS)
"""Hartree for each two-qubit gate, chain by chain."""
HOT, COLD = 1e-2, 1e-5
"""Hartree: temperatures between which a cycle falls."""
CYCLES = 4
"""Times that a budget is heated."""
PERIOD = 120
"""Steps of a cycle where there is no budget of evaluations."""
PATIENCE = 20
"""Draws for a new word before a chain starts its own anew from anywhere."""


class Annealing:
    """Chains of words that cool together."""

    name = "anneal"

    def __init__(self, problem: Problem, seed: int, space: str = "blocks") -> None:
        self.space, self.seed, self.steps = Space.of(problem, space), seed, 0
        self.tally, self.judge = Tally(), Judge()
        self.chains: list[Member] = []
        self.best: list[Member] = []
        """The best at each chain's price."""
        self.cycle = 0

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """One proposal of every chain."""
        rng = np.random.default_rng([self.seed, self.steps])
        cycle, temperature = schedule(self.steps, meter)
        self.steps += 1
        if cycle != self.cycle:
            self.chains, self.cycle = list(self.best), cycle
        genomes = [self._proposal(member, rng) for member in self.chains]
        if not genomes:
            genomes = founders(self.space, CHAINS, self.tally, rng)
        found, trials = judged(self.judge, problem, self.space, genomes, meter, rng, INHERITED)
        if self.chains:
            self._accept(found, temperature, rng)
        else:
            self.chains = [found[k % len(found)] for k in range(CHAINS)]
            self.best = list(self.chains)
        self._remember(found)
        return trials

    def _proposal(self, member: Member, rng: np.random.Generator) -> Genome:
        """A new word next to the chain's; its own from anywhere where none is found."""
        for _ in range(PATIENCE):
            child = mutated(self.space, member.genome, rng)
            if child is not None and self.tally.note(self.space, child.word):
                return child
        return loosened(self.space, member.genome, rng)

    def _accept(self, found: list[Member], temperature: float, rng: np.random.Generator) -> None:
        """Metropolis's rule, chain by chain."""
        chances = rng.random(CHAINS).tolist()
        for chain, new in enumerate(found):
            worse = self._cost(chain, new) - self._cost(chain, self.chains[chain])
            if worse <= 0 or chances[chain] < np.exp(-worse / temperature):
                self.chains[chain] = new

    def _remember(self, found: list[Member]) -> None:
        for chain in range(CHAINS):
            self.best[chain] = min(
                [self.best[chain], *found], key=lambda one: self._cost(chain, one)
            )

    def _cost(self, chain: int, member: Member) -> float:
        return member.energy + float(PRICES[chain]) * self.space.n_pairs(member.genome.word)

    def state_dict(self) -> dict[str, Any]:
        """Seed, counters, and where the chains stand."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "cycle": self.cycle,
            "chains": [member.to_row() for member in self.chains],
            "best": [member.to_row() for member in self.best],
            "tally": self.tally.to_dict(),
            "judge": self.judge.to_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
        self.cycle = int(state["cycle"])
        self.chains = [Member.from_row(self.space, row) for row in state["chains"]]
        self.best = [Member.from_row(self.space, row) for row in state["best"]]
        self.tally = Tally.from_dict(state["tally"])
        self.judge = Judge.from_dict(state["judge"])


def schedule(steps: int, meter: Meter) -> tuple[int, float]:
    """The cycle, counted from 0, and its temperature in hartree.

    Args:
        steps: taken so far; they count where the meter has no budget of evaluations.
        meter: its budget is shared out among `CYCLES`.
    """
    if meter.budget is None:
        cycle, place = divmod(steps, PERIOD)
        share = place / PERIOD
    else:
        turn = CYCLES * min(meter.spent.evaluations / meter.budget, 1.0)
        cycle = min(int(turn), CYCLES - 1)
        share = turn - cycle
    return cycle, float(HOT * (COLD / HOT) ** share)
