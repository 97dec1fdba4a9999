"""What a tuning lowers on a chip, and whether it was worth it.

An energy is measured by the Runtime's Estimator, which mitigates. A classifier takes a circuit for
each sample and shifted angle, thousands a step: on an emulated chip their shots are drawn from the
compiled simulator, which has the same gate errors, idle decoherence and readout errors, and the
training mitigates readout itself (`qas.train.readout`).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit
from qas.errors import InputError
from qas.execute import NoisySimulator, SampledSimulator
from qas.execute.chip import Chip
from qas.execute.runtime import RuntimeBackend
from qas.problem import Problem, Trial
from qas.task import Classifier, Loss, Target
from qas.train import (
    Calibration,
    Cost,
    Deployed,
    Readout,
    compare,
    deployed,
    mitigated,
    price,
    step_seed,
)
from qas.train.objective import observables_of
from qas.train.readout import calibration_price
from search.campaign.classifier import whole
from search.campaign.entry import word_of

if TYPE_CHECKING:
    from search.campaign.option import TuneOptions

REPEATS, LOSS_REPEATS = 24, 8
"""Fresh measurements of each set of angles in the final comparison, of an energy and of a loss."""
BATCH = 25
"""Samples of a classifier's step, where no other number is asked for."""

Machine = RuntimeBackend | SampledSimulator
Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Aim:
    """A finalist on its way to a chip."""

    circuit: Circuit
    """As it runs, native: of a classifier its encoder stands before it."""
    native: Circuit
    """What the search found."""
    target: Target
    """What is made small."""
    task: Classifier | None
    """Whose other samples judge; None for an energy."""

    @classmethod
    def of(cls, problem: Problem, trial: Trial) -> Aim:
        """The aim of a finalist."""
        task = problem.task if isinstance(problem.task, Classifier) else None
        return cls(whole(problem, trial), trial.native, problem.task.observable, task)

    @property
    def word(self) -> str:
        """ "energy" or "loss", as rows say it."""
        return "energy" if self.task is None else "loss"

    def batch(self, wanted: int | None) -> int | None:
        """Samples of a step; None for an energy, where InputError refuses a number."""
        if self.task is None:
            if wanted is not None:
                raise InputError(
                    f"--batch is of a classifier's samples, and this finalist lowers an energy; "
                    f"given {wanted}: leave it out"
                )
            return None
        return wanted or BATCH

    def noisy(self, model: NoisySimulator, params: Any) -> float:
        """Exact value under the search's noise."""
        return float(model.estimate(self.native, self.target, params).mean[0])

    def verdict(
        self, backend: Machine, untuned: Reals, tuned: Reals, options: TuneOptions
    ) -> dict[str, Any]:
        """Tuned against untuned angles on fresh shots, as keys of a row; what it took, too."""
        if self.task is not None:
            mitigate = readout_of(backend, options) is not None
            return _judged(self.task, self.circuit, backend, untuned, tuned, options.seed, mitigate)
        expected = self.verdict_price(backend, options)
        found = compare(
            backend, self.circuit, self.target, untuned, tuned, REPEATS, seed=options.seed + 1
        )
        return {
            "energy_untuned": found.untuned,
            "energy_untuned_stderr": found.untuned_stderr,
            "energy_tuned": found.tuned,
            "energy_tuned_stderr": found.tuned_stderr,
            "kept_tuned": found.tuned_is_better,
            "shots": found.shots,
            "circuits": found.circuits,
            "jobs": expected.jobs,
            "qpu_seconds": expected.qpu_seconds,
        }

    def price(self, backend: Machine, options: TuneOptions, n_rows: int) -> Cost:
        """What measuring so many bindings in one request costs."""
        observables = observables_of(self.target)
        if readout_of(backend, options) is not None:
            unknown = Calibration.unknown(self.circuit.n_qubits)
            observables = tuple(mitigated(one, unknown) for one in observables)
        return price(backend, self.circuit, observables, n_rows)

    def calibration(self, backend: Machine, options: TuneOptions) -> Cost:
        """What the training's own calibration of the readout costs; nothing where it has none."""
        if readout_of(backend, options) is None:
            return Cost()
        return calibration_price(backend, self.circuit.n_qubits)

    def verdict_price(self, backend: Machine, options: TuneOptions) -> Cost:
        """What `verdict` will cost."""
        if self.task is None:
            return times(self.price(backend, options, 2), REPEATS)
        once = self.calibration(backend, options)
        valid = once + self.price(backend, options, self.task.valid.n_samples)
        test = once + self.price(backend, options, self.task.test.n_samples)
        return times(valid, 2 * LOSS_REPEATS) + times(test, 2)


def times(cost: Cost, number: int) -> Cost:
    """The same cost so many times."""
    return Cost(*(number * one for one in astuple(cost)))


def machine(problem: Problem, chip: Chip, options: TuneOptions, name: str) -> Machine:
    """What a tuning runs on.

    Raises:
        InputError: shots, a mode or a mitigation that it does not have.
    """
    if chip.idle is None or word_of(problem.task) == "energy":
        return RuntimeBackend(
            chip, options.shots, options.resilience_level, options.mode, options.seed,
            ("qas", name),
        )  # fmt: skip
    if options.resilience_level not in (0, 1):
        raise InputError(
            "of a classifier readout alone is mitigated on an emulated chip: --resilience 0 or 1; "
            f"given {options.resilience_level}"
        )
    if options.mode not in ("job", "batch", "session"):
        raise InputError(f"--mode is job, batch or session; given {options.mode!r}")
    return SampledSimulator(NoisySimulator(chip.idle, idle=True), options.shots, options.seed)


def opened(backend: Machine) -> AbstractContextManager[Machine]:
    """The backend inside one session or batch, where it has such."""
    return backend.opened() if isinstance(backend, RuntimeBackend) else nullcontext(backend)


def readout_of(backend: Machine, options: TuneOptions) -> Readout | None:
    """Mitigation by the training itself, where the backend does none."""
    own = isinstance(backend, SampledSimulator) and options.resilience_level > 0
    return Readout() if own else None


def mitigation(backend: Machine, options: TuneOptions) -> str:
    """How readout is mitigated, in a word or two."""
    if not options.resilience_level:
        return "none"
    return "TREX" if isinstance(backend, RuntimeBackend) else "two calibration circuits"


def _judged(
    task: Classifier,
    circuit: Circuit,
    backend: Machine,
    untuned: Reals,
    tuned: Reals,
    seed: int,
    mitigate: bool,
) -> dict[str, Any]:
    """Validation samples decide, by a loss that is lower by its standard error; test samples are
    measured once and decide nothing."""
    total, row = Cost(), dict[str, Any]()
    for name, angles in (("untuned", untuned), ("tuned", tuned)):

        def run(samples: Loss, purpose: str, repeat: int = 0, angles: Reals = angles) -> Deployed:
            own = step_seed(seed, repeat, purpose)
            return deployed(backend, circuit, samples, angles, seed=own, mitigate=mitigate)

        seen = [run(task.valid, f"valid/{name}", k) for k in range(LOSS_REPEATS)]
        last = run(task.test, f"test/{name}")
        losses = np.array([one.loss for one in seen])
        row[f"loss_{name}"] = float(losses.mean())
        row[f"loss_{name}_stderr"] = float(losses.std(ddof=1) / np.sqrt(LOSS_REPEATS))
        row[f"accuracy_valid_{name}"] = float(np.mean([one.accuracy for one in seen]))
        row[f"accuracy_test_{name}"] = last.accuracy
        row[f"confusion_test_{name}"] = last.confusion.tolist()
        total = sum((one.cost for one in (*seen, last)), total)
    gain = row["loss_untuned"] - row["loss_tuned"]
    error = float(np.hypot(row["loss_untuned_stderr"], row["loss_tuned_stderr"]))
    return {**row, "kept_tuned": bool(gain > error), **asdict(total)}


def other_values(aim: Aim, model: NoisySimulator, params: Reals) -> dict[str, float]:
    """Exact values at tuned angles beside that of the target: the validation loss."""
    if aim.task is None:
        return {}
    valid: Loss = aim.task.valid
    return {"loss_tuned_valid": float(model.estimate(aim.native, valid, params).mean[0])}
