"""Certificates: known minimal circuits, reproducible, honest about their cost, kept as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from qas import load_task
from qas.errors import InputError
from qas.execute import ExactSimulator
from qas.problem.certificate.certificate import GAIN, Certificate
from qas.problem.certificate.certify import FEW, certify, classes_of, n_runs, planned_rungs
from qas.problem.wiring import Wiring
from qas.task import Observable, Task

ALL = Wiring(4, tuple(combinations(range(4), 2)))
LINE = Wiring(4, ALL.pairs, host=((0, 1), (1, 2), (2, 3)))


def made(name: str, wiring: Wiring, n_cx: int, seed: int = 0, **options: int) -> Certificate:
    task = load_task(name)
    rng = np.random.default_rng(seed)
    return certify(task, classes_of(task, wiring, n_cx), rng, device="here", **options)


def test_four_qubit_h2_needs_three() -> None:
    """Two bring nothing over Hartree-Fock, three solve it, on a line as well."""
    task = load_task("h2-4")
    for n_cx in range(3):
        found = made("h2-4", ALL, n_cx)
        assert found.energy == pytest.approx(task.reference["hf_energy"], abs=1e-8)
    for wiring in (ALL, LINE):
        error = made("h2-4", wiring, 3).error
        assert error is not None
        assert error < 1e-10


@pytest.mark.parametrize(
    ("wiring", "n_cx", "known"),
    [(ALL, 3, 2.8e-4), (ALL, 4, 4.1e-5), (LINE, 3, 4.2e-4)],
)
def test_lithium_hydride_reaches_what_long_searches_found(
    wiring: Wiring, n_cx: int, known: float
) -> None:
    error = made("lih-4-2.2", wiring, n_cx, starts=3).error
    assert error == pytest.approx(known, rel=0.02)


def test_the_lowest_energy_is_that_of_the_circuit_and_not_above_fewer_gates() -> None:
    task, before = load_task("lih-4-2.2"), np.inf
    for n_cx in range(4):
        found = made("lih-4-2.2", LINE, n_cx)
        circuit = found.circuit
        value = ExactSimulator().estimate(circuit, task.observable, [[]]).mean[0]
        assert value == pytest.approx(found.energy, abs=1e-11)
        assert circuit.two_qubit_gates == n_cx
        assert LINE.fits(circuit.pairs)
        assert found.energy <= before + GAIN
        before = found.energy


def test_the_same_seed_gives_the_same_whatever_the_threads() -> None:
    one, two = made("h2-4", ALL, 3, seed=4), made("h2-4", ALL, 3, seed=4, threads=2)
    assert replace(one, seconds=0.0) == replace(two, seconds=0.0)
    assert made("h2-4", ALL, 3, seed=5).params != one.params


def test_counts_add_up() -> None:
    task, seen = load_task("lih-4-2.2"), []
    classes = classes_of(task, ALL, 4)
    rng = np.random.default_rng(1)
    found = certify(task, classes, rng, starts=2, on_progress=lambda *news: seen.append(news))
    done, totals, energies = zip(*seen, strict=True)
    assert done[-1] == totals[-1] == n_runs(len(classes), 2)
    assert list(energies) == sorted(energies, reverse=True)
    assert found.rungs == planned_rungs(len(classes), 2)
    assert found.starts == 2
    assert sum(found.gaps) == found.n_classes == len(classes)
    assert found.n_skeletons == classes.sizes.sum() >= found.n_classes
    assert len(found.improved) == 1
    assert all(0.0 <= share <= 1.0 for share in (*found.hits, *found.improved))
    assert 0.0 <= found.miss_chance <= 1.0


@pytest.mark.parametrize("n_classes", [1, FEW, FEW + 1, 1_000_000])
def test_passes_get_smaller_and_starts_more(n_classes: int) -> None:
    rungs = planned_rungs(n_classes, 3)
    sizes, starts = zip(*rungs, strict=True)
    assert rungs[0] == (n_classes, 3)
    assert sizes[-1] <= FEW
    assert all(a > b for a, b in pairwise(sizes))
    assert all(2 * a == b for a, b in pairwise(starts))


def test_json_both_ways() -> None:
    for found in (made("lih-4-2.2", LINE, 2), replace(made("h2-4", ALL, 1), ground_energy=None)):
        again = Certificate.from_json(found.to_json())
        assert again == found
        assert again.circuit == found.circuit
    assert "mHa" not in str(found)


def test_what_is_no_certificate_is_refused() -> None:
    record = json.loads(made("h2-4", ALL, 1).to_json())
    for wrong in (
        [],
        {},
        record | {"schema": "other"},
        record | {"extra": 1},
        record | {"params": record["params"][:-1]},
        {key: value for key, value in record.items() if key != "rungs"},
    ):
        with pytest.raises(InputError):
            Certificate.from_json(json.dumps(wrong))


def test_work_that_is_useless_or_too_much_is_refused() -> None:
    with pytest.raises(InputError, match="one two-qubit gate makes every real state"):
        classes_of(load_task("h2"), Wiring(2, ((0, 1),)), 2)
    with pytest.raises(InputError, match=r"more than 0\.0001 h"):
        classes_of(load_task("lih-4-2.2"), ALL, 12, hours=1e-4)
    with pytest.raises(InputError, match="at least 1 start"):
        classes_of(load_task("h2-4"), ALL, 2, starts=0)
    with pytest.raises(InputError, match="the wiring 4"):
        classes_of(load_task("h2"), ALL, 2)
    odd = Task("odd", Observable.of(["YZ", "ZI"], [1.0, 0.5]))
    with pytest.raises(InputError, match="YZ of odd is not real"):
        classes_of(odd, Wiring(2, ((0, 1),)), 1)
