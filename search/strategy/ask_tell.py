"""Ask and tell: the search that the arms on Optuna's samplers share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from qas.errors import InputError
from qas.problem import Meter, Problem, Space, Trial, Word, score_words
from search.strategy.encoding import Choice, n_slots
from search.strategy.play import placed
from search.strategy.sampling import Recipe, Sampling
from search.strategy.strategy import START, Tally

if TYPE_CHECKING:
    import optuna

ASKS = 2
"""A step asks for at most so many times as many circuits as it wants: some are known already."""
DRAWS = 32
"""Random words drawn, at most, when a step has found nothing new."""


@dataclass(frozen=True)
class Proposal:
    """A circuit to score."""

    word: Word
    layout: int
    asked: optuna.Trial | None = None
    """None: not the sampler's own."""


class AskTell:
    """A search that one of Optuna's samplers leads.

    The first circuits are those that are known beforehand (Hartree-Fock's, and any others), then
    some that are drawn as `RandomSearch` draws them. A circuit that was scored before is not
    scored again; when nothing new comes, random words stand in, and when none is left, known
    ones are trained again from other angles. On a device a new best circuit is placed and
    pruned, and where it was placed is told too.

    Args:
        problem: what to search; its constraints are told to the sampler.
        seed: of everything that is drawn.
        space: the space that words are of.
        recipe: the sampler.
        known: words to begin with, after Hartree-Fock's.

    Raises:
        InputError: a known word is not legal.
    """

    def __init__(
        self, problem: Problem, seed: int, space: Space, recipe: Recipe, known: Sequence[Word] = ()
    ) -> None:
        for word in known:
            if not space.is_legal(word):
                raise InputError(f"word {word} is not legal in the space of {space.name}")
        self.name, self.seed, self.steps = recipe.name, seed, 0
        self.space, self.recipe = space, recipe
        self.known = tuple(dict.fromkeys([hartree_fock(problem, space), *known]))
        choice = Choice(space, recipe.encoding(space, seed))
        self.sampling = Sampling(choice, recipe, bool(problem.constraints))
        self.tally, self.best = Tally(), float("inf")

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """A batch of circuits, scored and told."""
        rng = np.random.default_rng([self.seed, self.steps])
        self.sampling.begin(int(rng.integers(2**31)))
        proposals = self._proposals(rng)
        self.steps += 1
        words, layouts = [p.word for p in proposals], [p.layout for p in proposals]
        scored = score_words(problem, self.space, words, layouts, meter, START, rng)
        for proposal, trial in zip(proposals, scored, strict=True):
            if trial is not None:
                self._tell(problem, proposal, trial)
        trials = sorted((trial for trial in scored if trial is not None), key=lambda t: t.rank)
        found = placed(problem, trials, self.best, meter)
        self._tell_placed(problem, proposals, found[: len(found) - len(trials)])
        self.best = min([self.best, *(trial.energy for trial in found)])
        self.sampling.end()
        return found

    def _proposals(self, rng: np.random.Generator) -> list[Proposal]:
        """New circuits, the sampler's own first; where there are none, old ones to train again."""
        fresh: list[Proposal] = []
        stale: list[Proposal] = []
        others = self._begun(rng)
        for _ in range(ASKS * self.recipe.batch):
            if len(others) + len(fresh) >= self.recipe.batch:
                break
            asked = self.sampling.ask()
            proposal = Proposal(*self.sampling.choice.read(asked.params), asked)
            new = self.tally.note(self.space, proposal.word, proposal.layout)
            (fresh if new else stale).append(proposal)
        fresh += others
        again = [Proposal(p.word, p.layout) for p in stale[: self.recipe.batch]]
        return fresh or self._random(rng) or again

    def _begun(self, rng: np.random.Generator) -> list[Proposal]:
        """This step's new ones of the circuits that no sampler proposes.

        Random circuits that the encoding cannot spell are left to the sampler's own start.
        """
        spelled = self.sampling.choice.params
        return [
            Proposal(word, layout)
            for word, layout in self._drawn(rng)
            if (word in self.known or spelled(word, layout) is not None)
            and self.tally.note(self.space, word, layout)
        ]

    def _drawn(self, rng: np.random.Generator) -> list[tuple[Word, int]]:
        """Circuits of this step that no sampler proposes: known ones, then random ones."""
        batch, first = self.recipe.batch, self.steps * self.recipe.batch
        found = [(word, self.space.layouts(word)[0]) for word in self.known[first : first + batch]]
        wanted = min(batch, len(self.known) + self.recipe.startup - first) - len(found)
        return found + [random_choice(self.space, rng) for _ in range(wanted)]

    def _random(self, rng: np.random.Generator) -> list[Proposal]:
        """Random words that are new, a batch at most."""
        fresh: list[Proposal] = []
        for _ in range(DRAWS):
            word, layout = random_choice(self.space, rng)
            if self.tally.note(self.space, word, layout):
                fresh.append(Proposal(word, layout))
            if len(fresh) == self.recipe.batch:
                break
        return fresh

    def _tell(self, problem: Problem, proposal: Proposal, trial: Trial) -> None:
        values = self.recipe.values(trial.energy, trial.two_qubit_gates)
        if proposal.asked is not None:
            self.sampling.tell(proposal.asked, values, excess(problem, trial))
            return
        params = self.sampling.choice.params(proposal.word, proposal.layout)
        if params is not None:
            self.sampling.add(params, values, excess(problem, trial))

    def _tell_placed(
        self, problem: Problem, proposals: list[Proposal], trials: list[Trial]
    ) -> None:
        """Tell where a circuit of the batch was placed, if the sampler can say so.

        One that was pruned has no word, a place apart from the problem's layouts no number.
        """
        words = {self.space.circuit(p.word): p.word for p in proposals}
        for trial in trials:
            word, layout = words.get(trial.candidate.circuit), trial.candidate.layout
            if word is not None and layout in problem.layouts:
                number = problem.layouts.index(layout)
                if self.tally.note(self.space, word, number):
                    self._tell(problem, Proposal(word, number), trial)

    def state_dict(self) -> dict[str, Any]:
        """Seed, steps, what was proposed and what was told."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "best": None if np.isinf(self.best) else self.best,
            "tally": self.tally.to_dict(),
            "sampling": self.sampling.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
        self.best = float("inf") if state["best"] is None else float(state["best"])
        self.tally = Tally.from_dict(state["tally"])
        self.sampling.load_state_dict(state["sampling"])


def excess(problem: Problem, trial: Trial) -> float:
    """By how much a trial breaks the problem's constraints, added up; 0 where it keeps them."""
    patch = problem.patch(trial.candidate.layout)
    return sum(problem.constraints.excess(trial.native, patch).values())


def random_choice(space: Space, rng: np.random.Generator) -> tuple[Word, int]:
    """A layout, a length and legal letters, each drawn evenly."""
    layout, length = int(rng.integers(len(space.coupled))), int(rng.integers(n_slots(space) + 1))
    return space.random_word(length, rng, layout), layout


def hartree_fock(problem: Problem, space: Space) -> Word:
    """The word whose angles reach Hartree-Fock's state: the empty one where a start has them.

    >>> from qas import load_device, load_task
    >>> problem = Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4))
    >>> hartree_fock(problem, Space.of(problem, "blocks"))
    ()
    >>> gates = Space.of(problem, "gates")
    >>> [gates.letters[letter][0].name for letter in hartree_fock(problem, gates)]
    ['ry', 'ry']
    """
    circuit = problem.task.hf_circuit()
    if circuit is None or space.start.gates:
        return ()
    axis = "ry" if "ry" in problem.pool else "rx"
    turned = {letter[0]: k for k, letter in enumerate(space.letters) if letter[0].name == axis}
    by_qubit = {gate.qubits: k for gate, k in turned.items()}
    word = tuple(by_qubit[gate.qubits] for gate in circuit.gates if gate.qubits in by_qubit)
    return word if space.is_legal(word) else ()
