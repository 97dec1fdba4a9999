"""Everything that defines an environment but its state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from envs.action import Action, axis_of, block_actions, gate_actions, rotation_layer
from envs.crowd import Crowd
from envs.curriculum import Curriculum
from envs.game import Game, Rules
from envs.halting import Halting
from envs.observation import AXES, Encoding, SequenceEncoding, TensorEncoding, View
from qas.circuit import Circuit
from qas.errors import InputError
from qas.execute import SampledSimulator
from qas.problem import Effort, Limits, Meter, Problem
from qas.problem.inner import Gradient, InnerOptimiser, Scorer
from qas.problem.problem import Layout

STEP = Gradient(Effort(40, 1e-8, 1e-5), kicks=(0.2, 3.0))
"""Of each step, from where the last one left the angles. A fresh rotation at 0 often stands where
its slope vanishes: a small kick helps. A cx moves the state out of its valley: a second start
anywhere helps; the better one stands."""


@dataclass(frozen=True)
class Setup:
    """What is grown, from what, how it is scored, and what of it is shown; see `Setup.of`."""

    problem: Problem
    layout: Layout
    """Physical qubits."""
    actions: tuple[Action, ...]
    rules: Rules
    start: Circuit
    """What every circuit begins with."""
    start_params: tuple[float, ...] | None = None
    """Radians; zeros where absent."""
    inner: InnerOptimiser = STEP
    """Optimises the angles after each step."""
    encoding: Callable[[Setup], Encoding] | None = None
    """`tensor` or `sequence`; the tensor where absent."""
    sweep: bool = False
    """Show the exact gain of every action."""
    shots: int | None = None
    """Shots of each measurement circuit; None: exact expectation values."""
    blind: bool = False
    """Grow without the device's noise, coupled pairs alone."""

    def __post_init__(self) -> None:
        names = {gate.name for action in self.actions for gate in action}
        names |= {gate.name for gate in self.start.gates}
        if others := names - {*AXES, "cx"}:
            raise InputError(
                f"the environment grows circuits of rx, ry, rz and cx; given also "
                f"{', '.join(sorted(others))}"
            )
        _check_layout(self.problem, self.layout)
        if self.sweep or self.rules.shaping is not None:
            _ = self.problem.molecule  # gains are known of energies alone
        if self.blind and self.shots is not None:
            raise InputError("choose one of blind and shots: without noise nothing is measured")
        if self.shots is not None and isinstance(self.inner, Gradient):
            raise InputError("shots have no exact gradient: give inner=AdamSPSA() or Cobyla()")

    @classmethod
    def of(
        cls,
        problem: Problem,
        *,
        layout: Layout | None = None,
        blocks: bool = False,
        gates: bool = True,
        steps: int | None = None,
        start: Circuit | None = None,
        rules: Rules | None = None,
        **settings: object,
    ) -> Setup:
        """The setup with the usual choices.

        Args:
            problem: task, device, limits.
            layout: physical qubits; the device's best by default.
            blocks: offer every cx with an RY on both wires behind it, as one action; or with
                what the gate pool has in place of RY.
            gates: offer single gates.
            steps: length of an episode; as long as the limits allow by default.
            start: what circuits begin with; by default nothing, or an RY on every qubit where
                there are blocks and no single gates.
            rules: of an episode; its ``steps`` give way to the ones here.
            settings: other fields of `Setup`.
        """
        chosen = problem.layouts[0] if layout is None else tuple(layout)
        _check_layout(problem, chosen)
        actions: tuple[Action, ...] = ()
        if gates:
            actions += gate_actions(problem, chosen)
        if blocks:
            actions += block_actions(problem, chosen, axis_of(problem))
        if not actions:
            raise InputError("nothing to append: offer gates or, on coupled qubits, blocks")
        if start is None:
            bare = Circuit(problem.n_qubits)
            layered = blocks and not gates
            start = rotation_layer(problem.n_qubits, axis_of(problem)) if layered else bare
        length = most_steps(problem.limits, start, actions) if steps is None else steps
        own = Rules(length) if rules is None else replace(rules, steps=length)
        return cls(problem, chosen, actions, own, start, **settings)  # type: ignore[arg-type]

    @cached_property
    def view(self) -> View:
        """What an agent sees."""
        encode = tensor if self.encoding is None else self.encoding
        return View(encode(self), len(self.actions), self.sweep)

    def scorer(self, seed: int = 0) -> Scorer:
        """What measures energies; ``seed`` is that of the shots."""
        if self.blind:
            return self.problem.exact
        if self.shots is None:
            return self.problem.simulator(self.layout)
        return SampledSimulator(self.problem.noisy(self.layout), self.shots, seed)

    def game(self, size: int, meter: Meter | None = None) -> Game:
        """Fresh episodes of so many members side by side."""
        crowd = Crowd(
            self.problem, self.layout, self.actions, size, inner=self.inner,
            meter=self.problem.meter(None) if meter is None else meter, scorer=self.scorer(),
            start=self.start, start_params=self.start_params, blind=self.blind,
        )  # fmt: skip
        return Game(crowd, self.rules)


def _check_layout(problem: Problem, layout: Layout) -> None:
    if len(layout) != problem.n_qubits:
        raise InputError(
            f"task {problem.task.name} has {problem.n_qubits} qubits; the layout names "
            f"{len(layout)}"
        )


def tensor(setup: Setup) -> Encoding:
    """CRLQAS's tensor of moments."""
    return TensorEncoding(setup.problem.n_qubits, setup.problem.limits.gates)


def sequence(setup: Setup) -> Encoding:
    """The actions taken, in order."""
    return SequenceEncoding(len(setup.actions), setup.rules.steps)


def most_steps(limits: Limits, start: Circuit, actions: tuple[Action, ...]) -> int:
    """Steps after which no action fits into the limits any more.

    >>> cx_block = Circuit(2).then("cx", 0, 1).then("ry", 0).then("ry", 1).gates
    >>> most_steps(Limits(gates=20, two_qubit_gates=6), rotation_layer(2), (cx_block,))
    6
    """
    smallest = min(len(action) for action in actions)
    steps = (limits.gates - len(start.gates)) // smallest
    if all(any(len(gate.qubits) == 2 for gate in action) for action in actions):
        steps = min(steps, limits.two_qubit_gates - start.two_qubit_gates)
    return max(1, steps)


CRLQAS_STEPS = {2: 40, 3: 40, 4: 40, 5: 70, 6: 70}
"""Moments of the tensor, and steps of an episode, by number of qubits; 250 above."""


def crlqas(
    problem: Problem, *, limits: Limits | None = None, halting: bool = True, **settings: object
) -> Setup:
    """CRLQAS as published: single gates, the tensor, its curriculum and random halting.

    Circuits may have as many gates as an episode has steps, whatever the problem's limits are;
    give ``limits`` to keep some.

    Source: Patel et al., arXiv 2402.03500, and the constants of its code.
    """
    steps = CRLQAS_STEPS.get(problem.n_qubits, 250)
    if limits is None:
        limits = Limits(gates=steps, two_qubit_gates=steps)
    steps = min(steps, limits.gates)
    rules = Rules(
        steps,
        curriculum=Curriculum.published(problem.n_qubits),
        halting=Halting.for_steps(steps) if halting else None,
    )
    return Setup.of(replace(problem, limits=limits), rules=rules, steps=steps, **settings)  # type: ignore[arg-type]
