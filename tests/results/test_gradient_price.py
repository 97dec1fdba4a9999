"""The arithmetic of the study of gradients' prices: its shots, its errors, its circuits."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import qas
from qas import Observable
from qas.train.commuting import Rotations, is_commuting

FOLDER = Path(__file__).parents[2] / "results" / "gradient_price"


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"gradient_price_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


sampling, families = module("sampling"), module("circuit")
OBSERVABLES = [
    Observable.of(["IZZ", "XIX", "III"], [1.0, -0.5, 0.3]),
    Observable.of(["ZII", "YYI"], [0.7, 0.2]),
]


def test_shots_have_the_means_and_errors_of_the_sampled_simulator() -> None:
    rng = np.random.default_rng(0)
    circuit = families.commuting(3, 5, rng).then("ry", 1)
    rows = rng.uniform(-3, 3, (2, 6))
    lab = sampling.Lab(circuit, sampling.Reading.of(OBSERVABLES))
    wanted = qas.ExactSimulator().estimate(circuit, OBSERVABLES, rows).mean
    runs = [lab.measured(rows, np.array([300, 1200]), rng) for _ in range(400)]
    means, stderrs = (np.array(part) for part in zip(*runs, strict=True))
    spread = means.std(axis=0, ddof=1)
    assert (np.abs(means.mean(axis=0) - wanted) < 4.5 * spread / 20 + 1e-12).all()
    chip = qas.NoisySimulator(qas.load_device("ideal", n_qubits=3))
    for row, shots in enumerate((300, 1200)):
        same = qas.SampledSimulator(chip, shots=shots).estimate(circuit, OBSERVABLES, rows[row])
        assert stderrs.mean(axis=0)[row] == pytest.approx(same.stderr[0], rel=0.15)
        assert spread[row] == pytest.approx(same.stderr[0], rel=0.2)


def test_bias_is_told_from_scatter() -> None:
    rng, exact = np.random.default_rng(1), np.array([3.0, 4.0])
    honest = exact + rng.normal(0, 2.0, (4000, 1, 2))
    shrunk = 0.9 * exact + rng.normal(0, 2.0, (4000, 1, 2))
    assert sampling.errors(honest, exact).bias == pytest.approx(0.0, abs=0.02)
    assert sampling.errors(shrunk, exact).bias == pytest.approx(0.1, abs=0.02)
    for drawn, bias in ((honest, 0.0), (shrunk, 0.1)):
        rms = np.sqrt(2 * 2.0**2 / 25 + bias**2)
        assert sampling.errors(drawn, exact).rms == pytest.approx(rms, rel=0.03)


def test_the_mean_of_as_many_gradients_as_it_says_reaches_the_goal() -> None:
    rng, exact = np.random.default_rng(2), np.array([5.0])
    single = 5.2 + rng.normal(0, 3.0, (20_000, 1, 1))
    found = sampling.errors(single, exact)
    needed = sampling.shots_for(0.1, found.rms, 0.04, 100)
    together = round(needed / 100)
    means = single[: 20_000 // together * together].reshape(-1, together, 1).mean(axis=1)
    assert sampling.errors(means[:, None], exact).rms == pytest.approx(0.1, rel=0.1)
    assert sampling.shots_for(0.1, found.rms, 0.1, 100) == np.inf


@pytest.mark.parametrize(("n_qubits", "n_params"), [(4, 4), (4, 8), (6, 16)])
def test_circuits_are_what_they_are_called(n_qubits: int, n_params: int) -> None:
    rng = np.random.default_rng(3)
    commuting = families.commuting(n_qubits, n_params, rng)
    blocks = families.blocks(n_qubits, n_params, rng)
    assert commuting.n_params == blocks.n_params == n_params
    assert is_commuting(commuting)
    assert not is_commuting(blocks)
    flips = Rotations.of(blocks).flips()
    assert len(flips) == len(families.BLOCKS)
