"""Where on the chip a circuit runs best: all its placements, ranked, the first few valued.

A placement puts each wire on a qubit so that joined wires are coupled. Two rankings add up prices
over wires and pairs (`qas.device.embedding`), so that thousands of placements are one sum of
table entries:

- *success*: minus the logarithm of the chance that no gate fails. It needs no simulation.
- *energy*: to first order noise adds to the energy what each gate's strength (`Strengths`) is
  worth in this circuit, at these angles. The slopes are found by making one wire's pulses or one
  part of one pair's noise stronger at a time, on a typical patch: 1 + wires + 5 pairs values.

The energy ranking is close to exact, since the differences between places are small; the first
few placements are valued by the exact noisy simulation of their own patch, which decides.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qas.circuit import Circuit
from qas.device import Device
from qas.device.embedding import Embeddings, Prices, embeddings
from qas.device.patch import is_uniform
from qas.device.strength import EXCHANGED, N_PARTS, Strengths, channel
from qas.execute import NoisySimulator
from qas.problem.candidate import Trial
from qas.problem.cost import Meter
from qas.problem.problem import Layout, Problem

LISTED = 256
"""Placements ranked; at most so many are valued."""
TRIED, TRIED_TURNED = 12, 32
"""Placements valued after the energy ranking; the second where edges have one direction only: the
slopes know a gate as it stands, and its noise weighs differently where it is turned round."""
STRONGER = 0.5
"""Share by which a strength is raised to find its slope."""
LEAST = 1e-3
"""Smallest step of a strength: where the typical one is zero."""

Reals = NDArray[np.float64]
strengths_of = lru_cache(maxsize=16)(Strengths.of)


@dataclass(frozen=True, eq=False)
class Placement:
    """A native circuit on other qubits, valued."""

    layout: Layout
    """Physical qubits, one for each wire."""
    native: Circuit
    """The circuit as lowered there: edges that have one direction may turn gates round."""
    angles: Reals
    """Native angles, shape (native.n_params,), radians: those it had."""
    energy: float
    """Exact under the gate noise there, hartree."""


def placements(problem: Problem, trial: Trial, meter: Meter) -> list[Placement]:
    """The best places for a trial's circuit on the whole chip, at its angles; lowest energy first.

    Where there are few placements all are valued; else the first `n_tried` of the energy ranking,
    or of the success ranking where the budget has no room for slopes. The trial's own place is
    left out. Every value is one evaluation.
    """
    found = embeddings(success_prices(trial.native, problem.device), LISTED)
    slopes, tried = n_slopes(trial.native), n_tried(problem.device)
    if len(found.price) > slopes + tried:
        if meter.left > slopes + tried:
            prices = energy_prices(problem, trial, meter)
            found = found if prices is None else embeddings(prices, LISTED)
        found = found.first(tried)
    return valued(problem, trial, found, meter)


def n_tried(device: Device) -> int:
    """How many placements of a ranking are valued."""
    couplings = set(device.couplings)
    turned = device.two_qubit_gate != "cz" and any((b, a) not in couplings for a, b in couplings)
    return TRIED_TURNED if turned else TRIED


def layouts_for(problem: Problem, circuit: Circuit, limit: int = 1) -> tuple[Layout, ...]:
    """The best-calibrated layouts that couple a circuit's pairs, without running it.

    On the whole chip, by the success ranking; where the layout is fixed or all qubits are alike,
    those of the problem. None where the pairs fit nowhere.
    """
    if stays(problem):
        return tuple(x for x in problem.layouts if problem.fits(circuit, x))[:limit]
    found = embeddings(success_prices(circuit, problem.device), limit)
    return tuple(tuple(row) for row in found.places.tolist())


def stays(problem: Problem) -> bool:
    """True where moving a circuit is not allowed (its qubits were named) or changes nothing."""
    return problem.is_fixed or problem.device.is_ideal or is_uniform(problem.device)


def valued(problem: Problem, trial: Trial, found: Embeddings, meter: Meter) -> list[Placement]:
    """The trial's circuit on these places, but for its own, lowest energy first."""
    rows: list[Placement] = []
    for layout in map(tuple, found.places.tolist()):
        if meter.exhausted:
            break
        if layout != trial.candidate.layout:
            rows.append(_valued(problem, trial, layout, meter))
    return sorted(rows, key=lambda row: (row.energy, row.layout))


def _valued(problem: Problem, trial: Trial, layout: Layout, meter: Meter) -> Placement:
    # Simulators of places that are only looked at are not kept: a search sees thousands.
    started, patch = time.perf_counter(), problem.device.patch(layout)
    lowering = patch.lowering(trial.native)
    angles = lowering.angles(trial.angles)[0]
    estimate = NoisySimulator(patch).estimate(lowering.native, problem.task.observable, angles)
    meter.charge(1, started, sweeps=1)
    return Placement(layout, lowering.native, angles, float(estimate.mean[0]))


def success_prices(native: Circuit, device: Device) -> Prices:
    """Minus the log of the chance that no gate fails, gate by gate.

    A gate fails with its average infidelity: the reported error, or what relaxation during the
    gate does where that is more. Shape and meaning: see `Prices`.
    """
    strengths = strengths_of(device)
    per_pulse = _log_failure(strengths.pulse)
    per_pair = _log_failure(strengths.pair_infidelity)
    pulses, pairs = _pulses(native), native.pairs
    counts = np.array([_joins(native, pair) for pair in pairs], dtype=np.float64)
    wire = np.where(np.isfinite(per_pulse), pulses[:, None] * _finite(per_pulse), np.inf)
    pair = np.where(np.isfinite(per_pair), counts.reshape(-1, 1, 1) * _finite(per_pair), np.inf)
    return Prices(pairs, wire, pair, strengths.pulse)


def energy_prices(problem: Problem, trial: Trial, meter: Meter) -> Prices | None:
    """What each place adds to the trial's energy to first order, hartree.

    `n_slopes` evaluations; None where the meter is exhausted before.
    """
    strengths, slopes = strengths_of(problem.device), _slopes(problem, trial, meter)
    if slopes is None:
        return None
    of_pulse, of_pair = slopes
    pulse = strengths.pulse - strengths.typical_pulse
    parts = strengths.pair - strengths.typical_pair[:, None, None]
    wire = np.where(np.isfinite(pulse), of_pulse[:, None] * _finite(pulse), np.inf)
    pair = np.where(np.isfinite(parts[0]), np.tensordot(of_pair, _finite(parts), axes=1), np.inf)
    return Prices(trial.native.pairs, wire, pair, strengths.pulse)


def n_slopes(native: Circuit) -> int:
    """Evaluations that `energy_prices` takes."""
    return 1 + int(np.count_nonzero(_pulses(native))) + N_PARTS * len(native.pairs)


def _slopes(problem: Problem, trial: Trial, meter: Meter) -> tuple[Reals, Reals] | None:
    """Energy per strength of each wire's pulses, (wires,), and of each pair's parts, (pairs, 5)."""
    strengths, native = strengths_of(problem.device), trial.native
    n_wires = native.n_qubits
    parts = np.tile(strengths.typical_pair, len(native.pairs))
    typical = np.concatenate([np.full(n_wires, strengths.typical_pulse), parts])
    slopes = np.zeros(len(typical))
    at_typical = _energy(problem, trial, typical, meter)
    for k in (*np.flatnonzero(_pulses(native)), *range(n_wires, len(typical))):
        if meter.exhausted:
            return None
        stronger = typical.copy()
        stronger[k] += max(STRONGER * float(typical[k]), LEAST)
        raised = _energy(problem, trial, stronger, meter) - at_typical
        slopes[k] = raised / (stronger[k] - typical[k])
    return slopes[:n_wires], slopes[n_wires:].reshape(-1, N_PARTS)


def _energy(problem: Problem, trial: Trial, strength: Reals, meter: Meter) -> float:
    """The trial's energy under noise of these strengths: wires' pulses, then pairs' parts."""
    started, native = time.perf_counter(), trial.native
    parts = dict(zip(native.pairs, strength[native.n_qubits :].reshape(-1, N_PARTS), strict=True))
    given: dict[tuple[str, tuple[int, ...]], Reals] = {}
    for name, qubits in {(g.name, g.qubits) for g in native.gates if not g.is_rotation}:
        a, b = qubits[0], qubits[-1]
        if a == b:
            given[name, qubits] = channel(name, strength[a])
        else:
            given[name, qubits] = channel(
                name, parts[a, b] if a < b else parts[b, a][list(EXCHANGED)]
            )
    simulator = NoisySimulator(problem.patch(trial.candidate.layout), channels=given)
    mean = simulator.estimate(native, problem.task.observable, trial.angles).mean
    meter.charge(1, started, sweeps=1)
    return float(mean[0])


def _pulses(native: Circuit) -> Reals:
    """Pulses on each wire, shape (wires,); rz is none."""
    counts = np.zeros(native.n_qubits)
    for gate in native.gates:
        if len(gate.qubits) == 1 and not gate.is_rotation:
            counts[gate.qubits[0]] += 1
    return counts


def _joins(native: Circuit, pair: tuple[int, int]) -> int:
    return sum(sorted(gate.qubits) == list(pair) for gate in native.gates)


def _log_failure(infidelity: Reals) -> Reals:
    there = np.isfinite(infidelity)
    return np.where(there, -np.log1p(-np.minimum(_finite(infidelity), 1 - 1e-12)), np.inf)


def _finite(values: Reals) -> Reals:
    return np.where(np.isfinite(values), values, 0.0)
