"""What the study runs: cases, arms, switches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from envs.curriculum import Curriculum
from envs.halting import Halting
from envs.reward import Shaping
from envs.setup import STEP, Setup, crlqas, sequence
from qas.problem import Limits, Problem
from qas.problem.inner import AdamSPSA, Cobyla
from search.strategy import Strategy, make_strategy
from search.strategy.ddqn import DEFAULT as DDQN
from search.strategy.ddqn import PLAIN, PUBLISHED, RANDOM, TEACHER, DoubleDQN, Settings

Maker = Callable[[Problem, int], Strategy]


@dataclass(frozen=True)
class Case:
    """A task on a device with a budget of evaluations."""

    task: str
    device: str
    pairs: int
    """Most two-qubit gates of a circuit of dressed blocks."""
    budget: int
    seeds: int = 10
    qubits: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        return self.task if self.device == "ideal" else f"{self.task} on {self.device}"

    def limits(self, n_qubits: int) -> Limits:
        """A rotation on every qubit, then blocks of three gates."""
        return Limits(gates=n_qubits + 3 * self.pairs, two_qubit_gates=self.pairs)


def agent(settings: Settings) -> Maker:
    return lambda problem, seed: DoubleDQN(problem, seed, settings)


def named(name: str) -> Maker:
    return lambda problem, seed: make_strategy(name, problem, seed)


def gate_by_gate(problem: Problem) -> Problem:
    """The usual limits of single gates: ten gates and three pairs a qubit."""
    return replace(problem, limits=Limits.for_qubits(problem.n_qubits))


ARMS: dict[str, Maker] = {
    "ddqn": agent(DDQN),
    "ppo": named("ppo"),
    "teacher": agent(TEACHER),
    "random blocks": agent(RANDOM),
    "greedy": named("greedy"),
    "random gates": lambda problem, seed: make_strategy("random", gate_by_gate(problem), seed),
    "crlqas": agent(PUBLISHED),
}

SINGLE_GATES = ("random gates", "crlqas")
"""Arms that grow single gates; left out where the budget is 10 million or more, since they take
several times as long and find little: they are in the switches on lih-6-2.2."""


def arms(case: Case) -> list[str]:
    """The arms of a published case."""
    return [arm for arm in ARMS if case.budget < 10_000_000 or arm not in SINGLE_GATES]


SMALL = (
    Case("h2", "ideal", 3, 200_000),
    Case("h2-3", "ideal", 4, 500_000),
    Case("h2-4", "ideal", 6, 1_000_000),
)
PUBLISHED_CASES = (
    Case("lih-4-3.4", "ideal", 6, 1_000_000),
    Case("lih-6-2.2", "ideal", 10, 20_000_000),
    Case("beh2-6-published", "ideal", 6, 3_000_000),
    Case("h2o-8-published", "ideal", 12, 20_000_000),
)
NOISY = (
    Case("h2-4", "FakeOurenseV2", 6, 2_000_000),
    Case("lih-4-3.4", "mumbai-medians", 6, 2_000_000),
)
CHAINS = (
    Case("tfim-6", "ideal", 10, 3_000_000, seeds=3),
    Case("heisenberg-6", "ideal", 12, 3_000_000, seeds=3),
)
ABLATED = Case("lih-6-2.2", "ideal", 9, 2_000_000, seeds=5)
ABLATED_NOISY = Case("h2-4", "FakeOurenseV2", 6, 1_000_000, seeds=5)
ABLATED_INNER = Case("h2-4", "ideal", 6, 1_000_000, seeds=5)


ONE_START = replace(STEP, kicks=(0.0,))


def _setup(**choices: object) -> Callable[[Problem], Setup]:
    usual = {"blocks": True, "gates": False, "encoding": sequence, "inner": ONE_START}
    return lambda problem: Setup.of(problem, **{**usual, **choices})  # type: ignore[arg-type]


def _halted(problem: Problem) -> Setup:
    made = _setup()(problem)
    return replace(made, rules=replace(made.rules, halting=Halting.for_steps(made.rules.steps)))


def _edits(count: int) -> Callable[[Problem], Setup]:
    def setup(problem: Problem) -> Setup:
        made = _setup()(problem)
        return replace(made, rules=replace(made.rules, edits=count))

    return setup


SWITCHES: dict[str, Settings] = {
    "as it is": DDQN,
    "without masks": replace(DDQN, masked=False),
    "with random halting": replace(DDQN, setup=_halted),
    "fixed threshold, 1.6 mHa": replace(DDQN, curriculum=Curriculum.fixed()),
    "CRLQAS's curriculum": replace(DDQN, curriculum=Curriculum.published(6)),
    "tensor encoding": replace(DDQN, setup=_setup(encoding=None)),
    "blocks and single gates": replace(DDQN, setup=_setup(gates=True)),
    "single gates": replace(DDQN, setup=_setup(gates=True, blocks=False)),
    "two edits a scoring": replace(DDQN, setup=_edits(2)),
    "two starts of L-BFGS": replace(DDQN, setup=_setup(inner=STEP)),
    "3-step returns": replace(DDQN, n_step=3),
    "without elites": replace(DDQN, elites=0),
    "sweep not shown": replace(DDQN, sweep=False),
    "sweep shapes": replace(DDQN, shaping=Shaping(0.5)),
    "teacher does not explore": replace(DDQN, guided=0.0),
    "no lessons": replace(DDQN, lessons=0),
    "no sweep at all": PLAIN,
    "never learns (teacher)": TEACHER,
    "never learns (random)": RANDOM,
    "CRLQAS's environment": PUBLISHED,
}
NOISY_SWITCHES: dict[str, Settings] = {
    "as it is": DDQN,
    "8 blind rounds first": replace(DDQN, blind_rounds=8),
    "no sweep at all": PLAIN,
    "no sweep, 8 blind rounds first": replace(PLAIN, blind_rounds=8),
    "CRLQAS's environment": PUBLISHED,
    "CRLQAS's, 8 blind rounds first": replace(PUBLISHED, blind_rounds=8),
}
INNER_SWITCHES: dict[str, Settings] = {
    "L-BFGS, exact gradient": DDQN,
    "COBYLA, 1000 evaluations": replace(DDQN, setup=_setup(inner=Cobyla())),
    "COBYLA, 200 evaluations": replace(DDQN, setup=_setup(inner=Cobyla(evaluations=200))),
    "Adam-SPSA, published stages": replace(DDQN, setup=_setup(inner=AdamSPSA())),
    "CRLQAS's environment, exact gradient": PUBLISHED,
    "CRLQAS's environment, COBYLA": replace(
        PUBLISHED, setup=lambda problem: crlqas(problem, inner=Cobyla())
    ),
}
