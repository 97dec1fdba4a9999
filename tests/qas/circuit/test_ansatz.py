"""Hand-made circuits: each family as the library writes it that released it, in Qiskit's gates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import CU3Gate, SwapGate, U3Gate
from qiskit.quantum_info import Operator

from qas import Circuit, ExactSimulator, InputError, Observable
from qas.circuit.ansatz import ANSATZE, TIED_ANSATZE, ansatz, ring, square_root_of_swap, tied_ansatz


def written(name, n, blocks, angles):
    """The slow twin: layer by layer in Qiskit, taking the next angle for every rotation."""
    made, following = QuantumCircuit(n), iter(angles)
    pairs = ring(n)

    def all_of(gate, *axes):
        for q in range(n):
            getattr(made, gate)(*(next(following) for _ in axes), q)

    def all_pairs(gate, free=False, over=pairs):
        for a, b in over:
            getattr(made, gate)(*([next(following)] if free else []), a, b)

    if name.startswith("rxyz+cz"):
        for q in range(n):
            made.ry(math.pi / 4, q)
    for _ in range(blocks):
        if name == "rzz+ry":
            all_pairs("rzz", True)
            all_of("ry", 0)
        elif name.startswith("rxyz+cz"):
            for axis in ("rx", "ry", "rz"):
                all_of(axis, 0)
            all_pairs("cz", over=pairs if name == "rxyz+cz" else pairs[:-1])
        elif name == "rzx+rxx":
            all_pairs("rzx", True)
            all_pairs("rxx", True)
        elif name == "u3+cu3":
            for q in range(n):
                made.append(U3Gate(*(next(following) for _ in range(3))), [q])
            for pair in pairs:
                made.append(CU3Gate(*(next(following) for _ in range(3))), pair)
        else:
            all_of("rx", 0), all_of("s"), all_pairs("cx")
            all_of("ry", 0), all_of("t"), all_pairs("swap")
            all_of("rz", 0), all_of("h")
            for pair in pairs:
                made.append(SwapGate().power(0.5), pair)
            all_of("p", 0)
            for pair in pairs:
                made.append(CU3Gate(*(next(following) for _ in range(3))), pair)
    assert next(following, None) is None
    return made


@pytest.mark.parametrize("name", TIED_ANSATZE)
@pytest.mark.parametrize(("n", "blocks"), [(2, 1), (3, 2), (4, 1)])
def test_families_are_those_of_the_source(name, n, blocks):
    tied = tied_ansatz(name, n, blocks)
    params = np.random.default_rng(7).uniform(-3, 3, tied.n_params)
    bound = tied.circuit.bind(tied.ties.angles(params)[0])
    assert Operator(bound.to_qiskit()).equiv(Operator(written(name, n, blocks, params)), atol=1e-8)


def test_published_numbers_of_parameters():
    assert ansatz("rzz+ry", 4).n_params == 8
    assert ansatz("rxyz+cz", 4, 3).n_params == ansatz("rxyz+cz-line", 4, 3).n_params == 36
    assert ansatz("rzz+ry", 2, 4).two_qubit_gates == 16
    assert tied_ansatz("u3+cu3", 13, 16).n_params == 6 * 13 * 16


@pytest.mark.parametrize("name", ANSATZE)
def test_a_family_without_sharing_is_the_same_either_way(name):
    assert tied_ansatz(name, 3, 2).circuit == ansatz(name, 3, 2)


def test_the_root_of_swap_squared():
    root = Circuit(2, square_root_of_swap(0, 1))
    assert Operator(root.append(root).to_qiskit()).equiv(Operator(SwapGate()))
    assert root.two_qubit_gates == 3


def test_last_rz_of_rxyz_cz_does_not_move_z():
    circuit = ansatz("rxyz+cz", 4, 3)
    params = np.random.default_rng(0).uniform(-3, 3, (1, 36))
    for pauli in ("IIIZ", "IIZI", "IZII", "ZIII"):
        observable = Observable.of([pauli], [1.0])
        slope = ExactSimulator().value_and_grad(circuit, observable, params)[1][0]
        np.testing.assert_allclose(slope[32:], 0.0, atol=1e-12)
        assert np.abs(slope[:32]).max() > 1e-3


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: ansatz("rzz", 4), "there are rzz"),
        (lambda: ansatz("u3+cu3", 4), "tied_ansatz"),
        (lambda: ansatz("rzz+ry", 1), "at least 2 qubits"),
        (lambda: tied_ansatz("rzz+ry", 3, 0), "1 block"),
    ],
)
def test_what_cannot_be_is_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        wrong()
