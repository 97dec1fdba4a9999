"""Finalists of a classifier: validation samples choose them, test samples are looked at last.

Circuits are searched and trained on the training samples, so that among the best of them the
lowest training loss says little. Losses are in nats, accuracies shares of samples whose likeliest
class is theirs; both under the noise of the device unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit, Population
from qas.errors import InputError
from qas.execute import NoisySimulator
from qas.problem import Problem, Trial
from qas.problem.merit.merit import Merit
from qas.problem.merit.robust import Rescored
from qas.task import Classifier, Loss

EACH = 4
"""Trials with as many two-qubit gates, lowest training loss first, that are validated."""
TIE = 1e-4
"""Nats: no difference."""

Reals = NDArray[np.float64]


def classifier_of(problem: Problem) -> Classifier:
    """The task of a problem; InputError for one that asks for an energy."""
    if not isinstance(problem.task, Classifier):
        raise InputError(f"task {problem.task.name} asks for an energy and has no samples")
    return problem.task


def validating(problem: Problem) -> Problem:
    """The problem whose loss is that of the validation samples; another one stays as it is."""
    if not isinstance(problem.task, Classifier):
        return problem
    return replace(problem, task=replace(problem.task, train=problem.task.valid))


def shortlist(trials: list[Trial]) -> list[Trial]:
    """The few of lowest training loss for each number of two-qubit gates, best first."""
    taken: dict[int, int] = {}
    found = []
    for trial in sorted(trials, key=lambda t: t.rank):
        pairs = trial.two_qubit_gates
        taken[pairs] = taken.get(pairs, 0) + 1
        if taken[pairs] <= EACH:
            found.append(trial)
    return found


def validated(problem: Problem, trials: list[Trial]) -> Reals:
    """Validation loss of each trial at its own angles, shape (trials,)."""
    loss, found = classifier_of(problem).valid, np.empty(len(trials))
    for layout in {trial.candidate.layout for trial in trials}:
        rows = [k for k, trial in enumerate(trials) if trial.candidate.layout == layout]
        natives, angles = [trials[k].native for k in rows], [trials[k].angles for k in rows]
        found[rows] = problem.simulator(layout).values(Population.of(natives, angles), loss)
    return found


def held(problem: Problem, before: Trial, after: Trial) -> Trial:
    """What polishing made of a trial, unless validation samples say that it was better before."""
    first, then = validated(problem, [before, after])
    return before if first < then - TIE else after


def whole(problem: Problem, trial: Trial) -> Circuit:
    """What runs: the native circuit, angles free; of a classifier encoder and circuit together."""
    if not isinstance(problem.task, Classifier):
        return trial.native
    encoder = problem.task.observable.encoder
    return problem.patch(trial.candidate.layout).lower(encoder).append(trial.native)


def expectations(simulator: Any, circuit: Circuit, trial: Trial, loss: Loss) -> Reals:
    """Of a whole circuit at the trial's angles, shape (n_samples, n_observables)."""
    found: Reals = simulator.estimate(circuit, loss.observables, trial.angles, loss.inputs).mean
    return found


def accuracy(problem: Problem, trial: Trial, loss: Loss) -> float:
    """Share of samples that a trial tells right under the noise of the device."""
    simulator = problem.simulator(trial.candidate.layout)
    return loss.accuracy(expectations(simulator, whole(problem, trial), trial, loss))


def guessing(task: Classifier) -> dict[str, float]:
    """Loss of equal odds, and the accuracy of always naming the commonest class of the test."""
    share = np.bincount(task.test.labels, minlength=len(task.class_names)).max()
    return {
        "loss_guessing": float(np.log(len(task.class_names))),
        "accuracy_guessing": float(share / task.test.n_samples),
    }


def described(problem: Problem, trial: Trial, scores: Rescored) -> dict[str, Any]:
    """What the summary says of a classifier's finalist, all at the angles of its file.

    Counts, duration and probability of success are of the file, the encoder included; those of
    the native circuit behind the encoder stand under ``ansatz``, as un-lowered under ``logical``.

    Args:
        problem: of the trial.
        trial: native circuit and angles.
        scores: on `validating`'s problem.
    """
    task, circuit = classifier_of(problem), whole(problem, trial)
    patch, exact = problem.patch(trial.candidate.layout), problem.exact
    noisy, readout = NoisySimulator(patch), NoisySimulator(patch, readout=True)
    pessimistic = NoisySimulator(patch, pessimistic=True)

    def seen(simulator: Any, loss: Loss) -> Reals:
        return expectations(simulator, circuit, trial, loss)

    train, valid, test = (seen(noisy, one) for one in (task.train, task.valid, task.test))
    merit = Merit.of(problem, replace(trial, native=circuit))
    return {
        **circuit.counts(),
        "n_inputs": circuit.n_inputs,
        "ansatz": trial.native.counts(),
        "logical": trial.candidate.circuit.counts(),
        "loss_exact": task.train.of(seen(exact, task.train)),
        "loss_noisy": task.train.of(train),
        "loss_pessimistic": task.train.of(seen(pessimistic, task.train)),
        "loss_readout": task.train.of(seen(readout, task.train)),
        "loss_valid": task.valid.of(valid),
        "loss_valid_worst": scores.worst,
        "loss_valid_spread": scores.spread,
        "loss_valid_other_days": scores.days(),
        "loss_test": task.test.of(test),
        "accuracy_train": task.train.accuracy(train),
        "accuracy_valid": task.valid.accuracy(valid),
        "accuracy_test": task.test.accuracy(test),
        "accuracy_test_exact": task.test.accuracy(seen(exact, task.test)),
        "accuracy_test_readout": task.test.accuracy(seen(readout, task.test)),
        "confusion_test": task.test.confusion(test).tolist(),
        "duration": merit.duration,
        "success_probability": merit.success_probability,
        "measurement_groups": merit.measurement_groups,
        "gradient_circuits": merit.gradient_circuits,
    }
