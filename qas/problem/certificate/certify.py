"""Certifying: every skeleton optimised from several starts, the best from many.

Successive halving: all classes get a few loose runs, the best quarter as many again at normal
limits, and so on with twice the starts each time (Jamieson and Talwalkar, AISTATS 2016, give the
idea). In the end the best few are optimised finely and from fresh starts, which tells how often
one start is enough.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qas.errors import InputError
from qas.execute import ExactSimulator, Limits
from qas.problem.certificate.certificate import GAIN, GAPS, Certificate
from qas.problem.certificate.skeleton_class import (
    SkeletonClasses,
    TooMany,
    skeleton_classes,
    trace_count,
)
from qas.problem.certificate.symmetry import symmetries
from qas.problem.wiring import Wiring
from qas.task import Task

LOOSE = Limits(30, 1e-5, 1e-4)
NORMAL = Limits(100, 1e-9, 1e-6)
FINE = Limits(1000, 1e-14, 1e-9)
SHARE = 4
"""One in so many classes goes on to the next pass."""
FEW = 64
"""Classes of the last pass, at most; they are polished."""
CHECKED, FRESH = 16, 32
"""The best classes get so many fresh starts."""
SAMPLE = 256
"""Classes of the sample that tells how much each further start brings."""
BATCH = 4096
"""Circuits optimised at a time."""
MOST_QUBITS = 10
_RUNS_PER_START = 1.75
"""Optimisations of a long list for each class and start: 1 + 1/4 + 1/8 + ..., and a margin."""

Reals = NDArray[np.float64]
Progress = Callable[[int, int, float], None]
"""Called with runs done, runs in all, and the lowest energy so far, hartree."""


def certify(
    task: Task,
    classes: SkeletonClasses,
    rng: np.random.Generator,
    *,
    device: str = "",
    starts: int = 8,
    threads: int = 1,
    on_progress: Progress | None = None,
) -> Certificate:
    """Optimise every class of skeletons and report the lowest energy.

    Args:
        task: with a real observable.
        classes: from `classes_of`.
        rng: draws the starts.
        device: name of what the wiring came from, for the record.
        starts: of every class, at least 1.
        threads: circuits are shared out among so many; the outcome does not depend on it.
        on_progress: called after each batch.

    Raises:
        InputError: a task or a number of starts that does not fit, or no classes.

    >>> from qas import load_task
    >>> from qas.problem.wiring import Wiring
    >>> h2 = load_task("h2")
    >>> found = certify(h2, classes_of(h2, Wiring(2, ((0, 1),)), 1), np.random.default_rng(1))
    >>> found.n_classes, found.error < 1e-9
    (1, True)
    """
    began = time.perf_counter()
    _check(task, starts)
    work = _Work(task, classes, rng, threads, starts, on_progress)
    rungs = work.climb()
    hits, improved = work.check(), work.gains()
    best = int(work.energy.argmin())
    gaps = np.searchsorted(GAPS, work.energy - work.energy[best])
    return Certificate(
        task=task.name,
        task_id=task.id,
        n_qubits=task.n_qubits,
        device=device,
        couplings=classes.wiring.pairs,
        host=classes.wiring.host,
        n_cx=classes.n_cx,
        n_skeletons=classes.n_skeletons,
        n_classes=len(classes),
        n_symmetries=classes.n_symmetries,
        rungs=rungs,
        energy=float(work.energy[best]),
        ground_energy=task.ground_energy,
        skeleton=classes.skeleton(best),
        params=tuple(work.angles[best].tolist()),
        gaps=tuple(np.bincount(gaps, minlength=len(GAPS) + 1).tolist()),
        hits=hits,
        improved=improved,
        sample=min(SAMPLE, len(classes)),
        seconds=time.perf_counter() - began,
    )


def classes_of(
    task: Task,
    wiring: Wiring,
    n_cx: int,
    *,
    starts: int = 8,
    threads: int = 1,
    hours: float | None = None,
) -> SkeletonClasses:
    """The classes of skeletons for a task, if certifying them takes no more than ``hours``.

    Args:
        task: with a real observable, of as many qubits as the wiring.
        wiring: which pairs a circuit may join.
        n_cx: two-qubit gates of every skeleton; those with fewer are covered.
        starts, threads: of `certify`.
        hours: the limit; the pace is measured on some runs. None: no limit.

    Raises:
        InputError: too much work, a task that is not real or has too many qubits, or fewer gates
            that make every state already.
    """
    _check(task, starts)
    if task.n_qubits != wiring.n_qubits:
        raise InputError(f"{task.name} has {task.n_qubits} qubits, the wiring {wiring.n_qubits}")
    most = None
    if hours is not None:
        pace = _seconds_per_run(task, wiring, max(n_cx, 0)) / max(1, threads)
        most = max(FEW, int(3600 * hours / (_RUNS_PER_START * starts * pace)))
    try:
        classes = skeleton_classes(wiring, n_cx, symmetries(task.observable, wiring), most=most)
    except TooMany as error:
        count = trace_count(wiring, n_cx)
        raise InputError(
            f"{error} (of up to {count:.3g} skeletons), which takes more than {hours:g} h: take "
            "fewer two-qubit gates or starts, or allow more hours"
        ) from None
    if len(classes) == 0:
        raise InputError(
            f"one two-qubit gate makes every real state of 2 qubits, none that of 1: "
            f"{task.name} on {task.n_qubits} needs no certificate of {n_cx}"
        )
    return classes


def _seconds_per_run(task: Task, wiring: Wiring, n_cx: int) -> float:
    """How long one optimisation takes, measured on random words."""
    rng, length = np.random.default_rng(0), n_cx if wiring.pairs else 0
    words = rng.integers(0, max(1, len(wiring.pairs)), (FEW, length)).astype(np.int16)
    work = _Work(task, SkeletonClasses(wiring, words, np.ones(FEW, dtype=np.int64)), rng)
    work.optimise(np.arange(1), 1, LOOSE)  # compiles
    began = time.perf_counter()
    work.optimise(np.arange(FEW), 1, NORMAL)
    return (time.perf_counter() - began) / FEW


def _check(task: Task, starts: int) -> None:
    if starts < 1:
        raise InputError(f"every skeleton needs at least 1 start; given {starts}")
    if task.n_qubits > MOST_QUBITS:
        raise InputError(
            f"{task.name} has {task.n_qubits} qubits: certificates are for at most {MOST_QUBITS}"
        )
    if odd := [pauli for pauli in task.observable.paulis if pauli.count("Y") % 2]:
        raise InputError(
            f"{odd[0]} of {task.name} is not real: a certificate covers circuits of real gates, "
            "for observables with an even number of Y in every term"
        )


def planned_rungs(n_classes: int, starts: int) -> tuple[tuple[int, int], ...]:
    """(classes, starts of each in all) of every pass.

    >>> planned_rungs(10_000, 4)
    ((10000, 4), (2500, 8), (625, 16), (157, 32), (64, 64))
    """
    rungs = [(n_classes, starts)]
    while rungs[-1][0] > FEW:
        rungs.append((max(FEW, -(-rungs[-1][0] // SHARE)), 2 * rungs[-1][1]))
    return tuple(rungs)


def n_runs(n_classes: int, starts: int) -> int:
    """Optimisations that a certificate takes."""
    rungs = planned_rungs(n_classes, starts)
    later = sum(size * (total // 2 + 1) for size, total in rungs[1:])
    last = min(n_classes, FEW) + min(n_classes, CHECKED) * FRESH + min(n_classes, SAMPLE) * starts
    return n_classes * starts + later + last


@dataclass(eq=False)
class _Work:
    """Classes with the best angles found so far."""

    task: Task
    classes: SkeletonClasses
    rng: np.random.Generator
    threads: int = 1
    starts: int = 1
    on_progress: Progress | None = None
    energy: Reals = field(init=False)
    """Shape (n_classes,), hartree; infinite before the first run."""
    angles: Reals = field(init=False)
    """Shape (n_classes, n_params), radians."""
    _done: int = 0

    def __post_init__(self) -> None:
        self.simulator, self.observable = ExactSimulator(), self.task.observable
        self.energy = np.full(len(self.classes), np.inf)
        self.angles = np.zeros((len(self.classes), self._n_params))

    @property
    def _n_params(self) -> int:
        return self.task.n_qubits + 2 * self.classes.n_cx

    def climb(self) -> tuple[tuple[int, int], ...]:
        """All passes; what was done."""
        rungs = planned_rungs(len(self.classes), self.starts)
        self.optimise(np.arange(len(self.classes)), self.starts, LOOSE)
        for size, total in rungs[1:]:
            rows = np.sort(self._best(size))
            self.optimise(rows, 0, NORMAL)
            self.optimise(rows, total // 2, NORMAL)
        return rungs

    def check(self) -> tuple[float, ...]:
        """Polish the best; of the best of them, the share of fresh starts that are as good."""
        self.optimise(self._best(FEW), 0, FINE)
        rows = self._best(CHECKED)
        energies = self.optimise(rows, FRESH, FINE)
        hits = (energies <= self.energy[rows, None] + GAIN).mean(axis=1)
        return tuple(hits.tolist())

    def gains(self) -> tuple[float, ...]:
        """Share of a sample of classes whose 2nd, 3rd, ... start lowered its best."""
        size = min(SAMPLE, len(self.classes))
        rows = np.sort(self.rng.choice(len(self.classes), size, replace=False))
        energies = self.optimise(rows, self.starts, NORMAL)
        best = np.minimum.accumulate(energies, axis=1)
        return tuple((best[:, 1:] < best[:, :-1] - GAIN).mean(axis=0).tolist())

    def _best(self, count: int) -> NDArray[np.intp]:
        return np.argsort(self.energy, kind="stable")[:count]

    def optimise(self, rows: NDArray[np.intp], starts: int, limits: Limits) -> Reals:
        """Optimise classes from fresh starts, or with 0 starts from their best angles so far.

        Returns:
            Energies of all runs, shape (n_rows, starts or 1), hartree; the best are kept.
        """
        width = max(1, BATCH // max(starts, 1))
        parts = [rows[at : at + width] for at in range(0, len(rows), width)]
        return np.concatenate([self._optimise_batch(part, starts, limits) for part in parts])

    def _optimise_batch(self, rows: NDArray[np.intp], starts: int, limits: Limits) -> Reals:
        each = np.repeat(rows, max(starts, 1))
        shape = len(each), self._n_params
        first = self.rng.uniform(-np.pi, np.pi, shape) if starts else self.angles[each]
        population = self.classes.population(each, first)
        found = self.simulator.minimise_population(
            population, self.observable, limits, threads=self.threads
        )
        energies = found.energy.reshape(len(rows), -1)
        angles = found.params[population.free].reshape(*energies.shape, shape[1])
        self._keep(rows, energies, angles)
        return energies

    def _keep(self, rows: NDArray[np.intp], energies: Reals, angles: Reals) -> None:
        best, order = energies.argmin(axis=1), np.arange(len(rows))
        lower = energies[order, best] < self.energy[rows]
        self.energy[rows[lower]] = energies[order, best][lower]
        self.angles[rows[lower]] = angles[order, best][lower]
        self._done += energies.size
        if self.on_progress is not None:
            total = n_runs(len(self.classes), self.starts)
            self.on_progress(self._done, total, float(self.energy.min()))
