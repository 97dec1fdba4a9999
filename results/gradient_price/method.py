"""The ways to a gradient: what each spends, and one measured gradient of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sampling import Lab, Reading, simulator

import qas
from qas import Circuit, Observable
from qas.execute.backend import Estimate
from qas.train.commuting import CommutingPlan, commuting_gradient
from qas.train.cost import JOB_SECONDS, Cost, price
from qas.train.method import SPSA, AdaptiveShots, GuidedSPSA, Method, Request, Shift, ShotMemory
from qas.train.plan import GradientPlan, PairPart, ShiftPart
from qas.train.prune import Pruner, Pruning

Reals = NDArray[np.float64]
PRUNING = Pruning(ratio=0.5, full_steps=1, pruned_steps=2)
REPEATS = 5
PAIRS = 512
MANY = f"SPSA, {PAIRS} pairs"


@dataclass(frozen=True, eq=False)
class Case:
    """A circuit at its angles, and what its gradient is of."""

    family: str
    circuit: Circuit
    observable: Observable
    params: Reals

    @cached_property
    def lab(self) -> Lab:
        return Lab(self.circuit, Reading.of([self.observable]))

    @cached_property
    def commuting(self) -> CommutingPlan:
        return commuting_gradient(self.circuit, self.observable)

    @cached_property
    def labs(self) -> list[Lab]:
        """Of the commuting plan's circuits."""
        return [Lab(one.circuit, Reading.of(one.observables)) for one in self.commuting.readings]

    @property
    def groups(self) -> int:
        return self.observable.n_groups

    def request(self, kept: tuple[int, ...] | None = None) -> Request:
        n = len(self.params)
        return Request(
            tuple(self.params.tolist()), tuple(range(n)) if kept is None else kept, 1, 0,
            self.observable.bound(), 1, ShotMemory.zeros(n),
        )  # fmt: skip


Draw = Callable[[Case, int, np.random.Generator], Reals]
"""Measured gradients, shape (draws, n_params), of a case for so many shots each."""


def charged(plan: GradientPlan) -> NDArray[np.bool_]:
    """Bindings that the gradient needs: all but the unshifted one, which tells the value."""
    return np.concatenate(
        [np.arange(p.n_rows) >= (1 if isinstance(p, ShiftPart) else 0) for p in plan.parts]
    )


def measured(
    case: Case, plan: GradientPlan, shots: int, rng: np.random.Generator,
    weights: Reals | None = None,
) -> Reals:  # fmt: skip
    """The gradient of a plan whose bindings share the shots, evenly or by weights (bindings,)."""
    paid = charged(plan)
    share = np.ones(int(paid.sum())) if weights is None else weights[paid]
    own = np.floor(shots * share / share.sum() / case.groups).astype(np.int64).clip(2)
    mean, stderr = np.zeros(plan.evaluations), np.zeros(plan.evaluations)
    found = case.lab.measured(plan.bindings[paid], own, rng)
    mean[paid], stderr[paid] = found[0][:, 0], found[1][:, 0]
    return plan.combine(mean, stderr).gradient


def by_method(method: Method) -> Draw:
    def draw(case: Case, shots: int, rng: np.random.Generator) -> Reals:
        return measured(case, method.plan(case.request(), rng), shots, rng)[None]

    return draw


def pruned(case: Case, shots: int, rng: np.random.Generator) -> Reals:
    """The steps of one window, at one place; frozen parameters have slope 0."""
    pruner, found = Pruner.start(len(case.params), PRUNING), []
    for _ in range(PRUNING.full_steps + PRUNING.pruned_steps):
        kept = pruner.kept(rng)
        plan = Shift().plan(case.request(kept), rng)
        found.append(measured(case, plan, shots, rng))
        pruner = pruner.update(found[-1], kept)
    return np.array(found)


def adaptive(case: Case, shots: int, rng: np.random.Generator) -> Reals:
    """Shots split as the method does after a first step of its fewest shots, not counted here."""
    method = AdaptiveShots(rate=min(0.1, 1 / case.observable.bound()), most=2**30)
    request = case.request()
    first = method.plan(request, rng)
    assert first.shots is not None
    mean, stderr = case.lab.measured(first.bindings, first.shots, rng)
    learnt = method.learnt(request.memory, first.combine(mean[:, 0], stderr[:, 0]), first)
    plan = method.plan(replace(request, memory=learnt, step=1), rng)
    assert plan.shots is not None
    return measured(case, plan, shots, rng, plan.shots.astype(float))[None]


def by_strings(case: Case, shots: int, rng: np.random.Generator) -> Reals:
    """All slopes from the commuting circuits."""
    each = np.array([shots // case.commuting.evaluations])
    rows = case.params[None]
    found = [Estimate(*lab.measured(rows, each, rng)) for lab in case.labs]
    return case.commuting.combine(found)[0]


METHODS: dict[str, Draw] = {
    "parameter shift": by_method(Shift()),
    "pruned, r = .5": pruned,
    "adaptive shots": adaptive,
    "guided SPSA": by_method(GuidedSPSA()),
    "SPSA, 1 pair": by_method(SPSA()),
    "commuting": by_strings,
}


def spsa_bias(
    case: Case, slope: Reals, method: SPSA, directions: int, rng: np.random.Generator
) -> Reals:
    """What SPSA without shots adds to the gradient, shape (directions, n_params).

    The directions' own scatter is left out: d (d . g), whose mean is the gradient g.
    """
    (part,) = replace(method, pairs=directions).plan(case.request(), rng).parts
    assert isinstance(part, PairPart)
    rows, _ = part.rows()
    values = qas.ExactSimulator().estimate(case.circuit, case.observable, rows).mean
    along = (values[0::2] - values[1::2]) / (2 * part.shift)
    d = part.directions[0]
    return d * (along - d @ slope)[:, None]


def cost(case: Case, name: str, shots: int, rng: np.random.Generator) -> Cost:
    """Of one gradient with so many shots a circuit, everything in one job."""
    rows: dict[str, Method] = {
        "guided SPSA": GuidedSPSA(),
        "SPSA, 1 pair": SPSA(),
        MANY: SPSA(PAIRS),
    }
    n = len(case.params)
    if name == "commuting":
        each = [
            price(simulator(one.circuit.n_qubits, shots), one.circuit, one.observables, 1)
            for one in case.commuting.readings
        ]
        total = sum(each, start=Cost())
        return replace(
            total, jobs=1, qpu_seconds=total.qpu_seconds - (total.jobs - 1) * JOB_SECONDS
        )
    if name in rows:
        count = float(charged(rows[name].plan(case.request(), rng)).sum())
    else:
        full, part = PRUNING.full_steps, PRUNING.pruned_steps
        window = 2 * (full * n + part * PRUNING.n_kept(n)) / (full + part)
        count = window if name.startswith("pruned") else 2 * n
    one = price(simulator(case.circuit.n_qubits, shots), case.circuit, [case.observable], 1)
    return Cost(
        round(count * one.circuits),
        round(count * one.shots),
        1,
        count * (one.qpu_seconds - JOB_SECONDS) + JOB_SECONDS,
    )


def seconds(case: Case, name: str, rng: np.random.Generator) -> float:
    """Of one gradient on the exact simulator, the best of a few, plans being ready."""
    exact, rows = qas.ExactSimulator(), case.params
    if name == "value":
        return _timed(lambda: exact.estimate(case.circuit, case.observable, rows))
    if name == "adjoint":
        return _timed(lambda: exact.value_and_grad(case.circuit, case.observable, rows))
    if name == "commuting":
        return _timed(lambda: case.commuting.combine(case.commuting.run(exact, rows)))
    share = 1.0
    methods: dict[str, Method] = {
        "guided SPSA": GuidedSPSA(), "SPSA, 1 pair": SPSA(), MANY: SPSA(PAIRS)
    }  # fmt: skip
    plan = methods.get(name, Shift()).plan(case.request(), rng)
    if name.startswith("pruned"):
        share = cost(case, name, 1, rng).circuits / cost(case, "parameter shift", 1, rng).circuits
    bindings = plan.bindings[charged(plan)]
    return share * _timed(lambda: exact.estimate(case.circuit, case.observable, bindings))


def _timed(work: Callable[[], object]) -> float:
    work()
    found = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)
