"""The estimated probability of success: a product, and less for everything that is added."""

from __future__ import annotations

from dataclasses import replace
from math import exp, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas import Circuit, load_device
from qas.device.success import success_probability
from qas.errors import InputError

PATCH = load_device("FakeManilaV2").patch([1, 2, 3])
GATES = st.sampled_from(
    [("sx", 0), ("sx", 1), ("x", 2), ("rz", 0), ("cx", 0, 1), ("cx", 2, 1), ("cx", 1, 2)]
)


def grown(words: list[tuple]) -> Circuit:
    circuit = Circuit(3)
    for name, *qubits in words:
        circuit = circuit.then(name, *qubits)
    return circuit


@given(st.lists(GATES, max_size=12))
def test_no_gate_fails_no_wait_relaxes_no_readout_flips(words: list[tuple]) -> None:
    """Three chances, of which waiting only takes away; a gate in its place may cost less."""
    errors = [PATCH.gate(name, qubits).error for name, *qubits in words]
    chance = success_probability(grown(words), PATCH)
    assert 0 < chance <= prod(1 - error for error in errors) + 1e-15
    read = success_probability(Circuit(3), PATCH)
    alone = success_probability(grown(words), PATCH, readout=False)
    assert chance == pytest.approx(read * alone)


def test_without_waiting_it_is_the_product() -> None:
    circuit = grown([("sx", 0), ("cx", 0, 1)])
    wanted = (1 - PATCH.gate("sx", (0,)).error) * (1 - PATCH.gate("cx", (0, 1)).error)
    assert success_probability(circuit, PATCH, readout=False) == pytest.approx(wanted)


def test_waiting_costs_what_relaxation_takes() -> None:
    """Qubit 0 waits while the two others work."""
    busy = grown([("sx", 0), ("cx", 1, 2)])
    times, pulse, pair = PATCH.qubits[0], PATCH.gate("sx", (0,)), PATCH.gate("cx", (1, 2))
    early = grown([("cx", 0, 1), ("cx", 1, 2)])
    first = PATCH.gate("cx", (0, 1))
    wait = pair.duration
    idle = exp(-wait / (6 * times.t1) - wait / (3 * times.t2))
    product = (1 - first.error) * (1 - pair.error)
    assert success_probability(early, PATCH, readout=False) == pytest.approx(product * idle)
    # An sx that may wait runs last: as late as possible.
    wanted = (1 - pulse.error) * (1 - pair.error)
    assert success_probability(busy, PATCH, readout=False) == pytest.approx(wanted)


def test_ideal_is_certain_and_readout_of_nothing_is_impossible() -> None:
    ideal = load_device("ideal", n_qubits=2)
    assert success_probability(Circuit(2).then("ry", 0).then("cx", 0, 1), ideal) == 1.0
    wrong = replace(PATCH, qubits=(replace(PATCH.qubits[0], p01=1.0, p10=1.0), *PATCH.qubits[1:]))
    assert success_probability(Circuit(3), wrong) == 0.0


def test_a_gate_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"cx on \[0, 2\] is not available"):
        success_probability(grown([("cx", 0, 2)]), PATCH)


def test_nothing_fails_without_noise() -> None:
    """On an ideal device every one-qubit gate is native, listed or not."""
    circuit, line = grown([("x", 0), ("h", 1), ("sx", 2), ("cx", 0, 1)]), load_device("ideal:line")
    assert success_probability(circuit, line.patch([0, 1, 2])) == 1.0
    with pytest.raises(InputError, match="not available"):
        success_probability(circuit, line.patch([0, 2, 1]))
