"""The loss of a whole data set, and its slopes, compiled: the circuit runs once, not once a sample.

Samples enter a circuit as vectors of Pauli expectations that the encoder, noise included, has
prepared; everything behind the encoder is linear in them. So the observables are carried back
through the circuit once, o_q(theta) = M(theta)^T o_q, and every sample's expectation value is a
scalar product, f_sq = o_q(theta) . r_s. The slopes of the mean loss L in f weigh the samples into
one vector for each observable, m_q = sum_s dL/df_sq r_s, and

    dL/dtheta = sum_q d/dtheta [ o_q . M(theta) m_q ]

is the gradient of as many circuits as there are observables, whatever the number of samples.
"""

from __future__ import annotations

import math
from collections import namedtuple

import numpy as np

from qas.compiled import compiled, inlined, part
from qas.execute import lbfgs, pauli_kernel
from qas.execute.octet import aligned

_run_on, _reverse, _lbfgs = pauli_kernel.run_on, pauli_kernel.reverse, lbfgs.advance

Samples = namedtuple("Samples", "states across labels duals head")
"""A data set under one noise model, read-only.

- states, shape (S, V): the prepared vectors.
- across, shape (V, S): the same, so that either sum over them runs along memory.
- labels, shape (S,).
- duals, shape (Q, V): the observables.
- head, shape (C, Q).
"""

Room = namedtuple("Room", "back mixed values pull weights own")
"""Work arrays: back, mixed (Q, V); values, pull (Q, S); weights (C,); own (G,)."""


def make_room(samples: Samples, n_gates: int) -> Room:
    """Work arrays for a data set and circuits of so many gates."""
    (n_observables, vector), n_samples = samples.duals.shape, len(samples.labels)
    return Room(
        aligned(n_observables, vector), aligned(n_observables, vector),
        aligned(n_observables, n_samples), aligned(n_observables, n_samples),
        aligned(len(samples.head)), aligned(n_gates),
    )  # fmt: skip


@compiled
def prepare(channels, gates, angles, states, work):
    """The vectors that one circuit prepares at many bindings, into ``states``, shape (S, V)."""
    for s in range(len(angles)):
        pauli_run(channels, gates, angles[s], work)
        for k in range(states.shape[1]):
            states[s, k] = work.states[k]


pauli_run = pauli_kernel.run


@inlined
def add(total, weight, vector):
    """total += weight vector, but for a weight of zero: many Pauli strings do not matter."""
    if weight != 0.0:
        for k in range(len(total)):
            total[k] += weight * vector[k]


@part
def expectations(channels, samples, gates, angles, work, room):
    """Expectation values of all samples behind one circuit, into ``room.values``."""
    length = len(work.dual)
    for k in range(length):
        work.states[k] = samples.states[0, k]
    at = _run_on(channels, gates, angles, work)
    for q in range(len(samples.duals)):
        _reverse(channels, samples.duals[q], gates, room.own, work, at)
        for k in range(length):
            room.back[q, k] = work.dual[k]
        for s in range(len(samples.labels)):
            room.values[q, s] = 0.0
        for k in range(length):
            add(room.values[q], room.back[q, k], samples.across[k])


@inlined
def entropy(samples, room, s):
    """Cross-entropy of a sample; its slopes in the expectation values into ``room.pull``."""
    highest = -math.inf
    for c in range(len(samples.head)):
        room.weights[c] = 0.0
        for q in range(samples.head.shape[1]):
            room.weights[c] += samples.head[c, q] * room.values[q, s]
        highest = max(highest, room.weights[c])
    own = room.weights[samples.labels[s]]
    total = 0.0
    for c in range(len(samples.head)):
        room.weights[c] = math.exp(room.weights[c] - highest)
        total += room.weights[c]
    for q in range(samples.head.shape[1]):
        room.pull[q, s] = -samples.head[samples.labels[s], q]
        for c in range(len(samples.head)):
            room.pull[q, s] += room.weights[c] / total * samples.head[c, q]
    return highest + math.log(total) - own


@part
def loss(channels, samples, gates, angles, work, room):
    """The mean cross-entropy; expectation values and their pulls stand in ``room`` then."""
    expectations(channels, samples, gates, angles, work, room)
    total = 0.0
    for s in range(len(samples.labels)):
        total += entropy(samples, room, s)
    return total / len(samples.labels)


@compiled
def loss_and_slopes(channels, samples, gates, angles, slopes, work, room):
    """The mean loss of one circuit, and its derivative in each rotation's angle.

    Args:
        channels: of the patch, without idling.
        samples: see `Samples`.
        gates: shape (G, 3).
        angles: shape (G,), radians.
        slopes: shape (G,), written; 0 but at rotations.
        work: from `pauli_kernel.make_work`, with kept states.
        room: from `make_room`.
    """
    value = loss(channels, samples, gates, angles, work, room)
    length, share = len(work.dual), 1.0 / len(samples.labels)
    for q in range(len(samples.duals)):
        for k in range(length):
            room.mixed[q, k] = 0.0
        for s in range(len(samples.labels)):
            add(room.mixed[q], share * room.pull[q, s], samples.states[s])
    for g in range(len(slopes)):
        slopes[g] = 0.0
    for q in range(len(samples.duals)):
        for k in range(length):
            work.states[k] = room.mixed[q, k]
        at = _run_on(channels, gates, angles, work)
        _reverse(channels, samples.duals[q], gates, room.own, work, at)
        for g in range(len(gates)):
            slopes[g] += room.own[g]
    return value


@compiled
def losses(channels, samples, gates, angles, result, values, work, room):
    """Mean losses of many circuits, shape (B,), and expectation values, (B, S, Q) or empty."""
    for b in range(len(angles)):
        one = gates[b if len(gates) > 1 else 0]
        result[b] = loss(channels, samples, one, angles[b], work, room)
        if len(values) > 0:
            for s in range(values.shape[1]):
                for q in range(values.shape[2]):
                    values[b, s, q] = room.values[q, s]


@compiled
def gradients(channels, samples, gates, angles, result, slopes, work, room):
    """As `losses`, with the derivatives in every rotation's angle, ``slopes`` (B, G)."""
    for b in range(len(angles)):
        one = gates[b if len(gates) > 1 else 0]
        result[b] = loss_and_slopes(channels, samples, one, angles[b], slopes[b], work, room)


@compiled
def loss_lbfgs(channels, samples, gates, work, room, runs, limits, search, patience):
    """A `qas.execute.model.Step` of up to ``patience`` measurements."""
    b = search.state[0].run
    while b < len(runs.angles) and patience > 0:
        one = gates[b if len(gates) > 1 else 0]
        angles, slopes = runs.shown[b], search.slopes
        value = loss_and_slopes(channels, samples, one, angles, slopes, work, room)
        b = _lbfgs(runs, limits, search, value)
        patience -= 1
    return b


def size_of(samples: Samples) -> int:
    """Numbers that one measurement of a data set reads, about."""
    return int(np.prod(samples.duals.shape)) * len(samples.labels)
