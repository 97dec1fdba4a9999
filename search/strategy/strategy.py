"""What a strategy promises, and the table of those there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from qas.errors import InputError
from qas.problem import NORMAL, Gradient, Meter, Problem, Space, Trial, Word
from qas.problem.pool import dressing
from qas.task import Classifier, Task, dataset_names


class Strategy(Protocol):
    """Proposes architectures, one unit of work a step.

    A step's randomness follows from the seed and the number of the step, or from state
    that ``state_dict`` holds: loaded from it, a strategy goes on bit for bit.
    """

    name: str

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """One unit of work; it ends early, with what it has, when the meter is exhausted."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """State between steps: JSON values and numpy arrays, nested in dicts."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        ...


START = Gradient(NORMAL, kicks=(0.2, 3.0))
"""How a circuit that nothing is known of is trained, by every arm alike: from zero with a small
kick, for there slopes vanish, and from anywhere."""


def fingerprint(space: Space, word: Word, layout: int = 0) -> int:
    """64 bits that tell a circuit on a layout from others."""
    content = np.array([layout, *space.key(word)], dtype=np.int32).tobytes()
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")


@dataclass
class Tally:
    """How many circuits a strategy proposed, and which different ones.

    Circuits on a layout that differ only in the order of letters on disjoint qubits are the same.
    """

    proposed: int = 0
    seen: set[int] = field(default_factory=set)
    """Fingerprints of what was proposed."""

    @property
    def different(self) -> int:
        """How many different ones there were."""
        return len(self.seen)

    def note(self, space: Space, word: Word, layout: int = 0) -> bool:
        """Count a proposal; True if it is a new one, False if it need not be scored again."""
        return self.add(fingerprint(space, word, layout))

    def add(self, number: int) -> bool:
        """As `note`, for the `fingerprint` of a proposal."""
        self.proposed += 1
        if number in self.seen:
            return False
        self.seen.add(number)
        return True

    def to_dict(self) -> dict[str, Any]:
        """For ``state_dict``."""
        seen = np.array(sorted(self.seen), dtype=np.uint64)
        return {"proposed": self.proposed, "seen": seen}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Tally:
        """What `to_dict` returned."""
        return cls(int(state["proposed"]), set(np.asarray(state["seen"]).tolist()))


@dataclass(frozen=True)
class Entry:
    """A strategy in the table of those there are."""

    maker: str
    """``module:callable``, called with the problem, the seed and, where it has spaces, a space."""
    summary: str
    spaces: tuple[str, ...] = ()
    """Spaces that it searches, its usual one first; none where it has a grammar of its own."""
    of_energies: bool = False
    """True where it needs exact sweeps over extensions, which there are of energies alone."""
    gates: tuple[str, ...] = ()
    """Of a grammar of its own: what the gate pool has to hold for it."""
    dressed: bool = False
    """True where its grammar is cx dressed with a rotation of the pool."""
    merging: bool = False
    """True where circuits are lowered again as they grow, so that runs of rotations merge: then
    their generators do not commute."""


BOTH = ("blocks", "gates")
STRATEGIES: dict[str, Entry] = {
    "random": Entry(
        "search.strategy.random:RandomSearch",
        "legal letters drawn evenly: the control arm",
        ("gates", "blocks"),
    ),
    "greedy": Entry(
        "search.strategy.greedy:Greedy",
        "dressed CX blocks grown without noise, placed on every layout, pruned under noise",
        dressed=True,
    ),
    "beam": Entry(
        "search.strategy.beam:BeamSearch",
        "beam search on the exact sweep of all extensions, with look-ahead",
        BOTH,
        of_energies=True,
    ),
    "evolve": Entry(
        "search.strategy.evolve:Evolution",
        "evolutionary search of circuits and layouts: edits, crossover, tournaments",
        BOTH,
    ),
    "anneal": Entry(
        "search.strategy.anneal:Annealing",
        "simulated annealing of words, several chains side by side",
        BOTH,
    ),
    "adapt": Entry(
        "search.strategy.adapt:QubitADAPT",
        "qubit-ADAPT: Pauli rotations by their gradients, compiled onto the couplings",
        of_energies=True,
        gates=("rx", "ry", "rz", "cx"),
    ),
    "archive": Entry(
        "search.strategy.archive:Archive",
        "the best few words for each number of two-qubit gates, edited without noise and under it",
        BOTH,
    ),
    "tpe": Entry(
        "search.strategy.tpe:tpe",
        "Bayesian search: tree-structured Parzen estimator (Optuna)",
        BOTH,
    ),
    "gp": Entry(
        "search.strategy.gp:gp",
        "Bayesian search: Gaussian process with expected improvement (Optuna)",
        BOTH,
    ),
    "nsga2": Entry(
        "search.strategy.nsga2:nsga2",
        "evolution of the front of energy and two-qubit gates: NSGA-II (Optuna)",
        BOTH,
    ),
    "ddqn": Entry(
        "search.strategy.ddqn:DoubleDQN",
        "reinforcement learning: double deep Q-network on the growth environment",
        dressed=True,
        merging=True,
    ),
    "crlqas": Entry(
        "search.strategy.ddqn:published",
        "the same agent in the environment of CRLQAS: single gates, its reward and curriculum",
        merging=True,
    ),
    "ppo": Entry(
        "search.strategy.ppo:MaskablePPOSearch",
        "reinforcement learning: proximal policy optimisation with masked actions (sb3-contrib)",
        dressed=True,
        merging=True,
    ),
}
DEFAULT_STRATEGY, CLASSIFIER_STRATEGY = "archive", "anneal"
"""Where nobody chose, for energies and for classifiers. Measured: results/rl_vs_bayes, and
results/qoc/strategies, where the archive is ahead up to 4 two-qubit gates and behind from 6 on."""


def usual_strategy(task: str) -> str:
    """The strategy for a task of that name, or of that file, where nobody chose one.

    >>> usual_strategy("lih-6-2.2"), usual_strategy("mnist4"), usual_strategy("./mine.npz")
    ('archive', 'anneal', 'anneal')
    """
    is_data = task in dataset_names() or task.endswith(".npz")
    return CLASSIFIER_STRATEGY if is_data else DEFAULT_STRATEGY


def strategy_names() -> tuple[str, ...]:
    """Names of all strategies, the control arm first."""
    return tuple(STRATEGIES)


def check_strategy(name: str) -> tuple[Entry, str | None]:
    """The entry of a strategy and the space that its name asks for, such as ``tpe:gates``.

    Raises:
        InputError: no strategy is called so, or it does not search that space.
    """
    plain, colon, space = name.partition(":")
    if plain not in STRATEGIES:
        raise InputError(f"unknown strategy {plain!r}; strategies are {', '.join(STRATEGIES)}")
    entry = STRATEGIES[plain]
    if not colon:
        return entry, entry.spaces[0] if entry.spaces else None
    if space not in entry.spaces:
        known = " and ".join(f"{plain}:{own}" for own in entry.spaces)
        there = f"there are {known}" if known else "it has a grammar of its own"
        raise InputError(f"{plain} does not search {space!r}: {there}")
    return entry, space


def check_suits(name: str, task: Task | Classifier) -> None:
    """Raise InputError where a strategy needs an energy and the task is to lower a loss."""
    entry, _ = check_strategy(name)
    if entry.of_energies and isinstance(task, Classifier):
        others = [plain for plain, other in STRATEGIES.items() if not other.of_energies]
        raise InputError(
            f"{name} sweeps over all extensions of a circuit, of which energies alone are known; "
            f"for {task.name}, a classifier, there are {', '.join(others)}"
        )


def check_pool(name: str, problem: Problem) -> None:
    """Raise InputError where a strategy cannot build from the problem's gate pool alone."""
    entry, space = check_strategy(name)
    pool = ", ".join(problem.pool)
    missing = [gate for gate in entry.gates if gate not in problem.pool]
    if missing:
        raise InputError(
            f"{name} builds Pauli rotations of {', '.join(entry.gates)}, and the gate pool {pool} "
            f"has no {' and no '.join(missing)}: take archive, or another that searches a space"
        )
    if entry.merging and problem.is_commuting and not problem.device.is_ideal:
        raise InputError(
            f"{name} lowers circuits as they grow, where runs of rotations merge, and the gate "
            f"pool {pool} promises generators that commute: take archive, or another that "
            "searches a space"
        )
    if problem.n_qubits > 1 and (entry.dressed or space == "blocks"):
        try:
            dressing(problem.pool)
        except InputError as error:
            raise InputError(f"{name}: {error}; such as random, or archive:gates") from None


def make_strategy(name: str, problem: Problem, seed: int) -> Strategy:
    """A fresh strategy; ``name`` may end in the space that it is to search, as in ``tpe:gates``.

    Raises:
        InputError: no such strategy, not in that space, or not for such a task or gate pool.
    """
    entry, space = check_strategy(name)
    check_suits(name, problem.task)
    check_pool(name, problem)
    module, _, maker = entry.maker.partition(":")
    make: Callable[..., Strategy] = getattr(import_module(module), maker)
    return make(problem, seed) if space is None else make(problem, seed, space)
