from __future__ import annotations

import time

import numpy as np
import pytest

from qas import load_device, load_task
from qas.problem import SPACES, Problem, Space
from search.strategy.anneal import CHAINS, COLD, CYCLES, HOT, PERIOD, Annealing, schedule
from search.strategy.genome import Genome
from search.strategy.judge import Member

PROBLEM = Problem.of(load_task("lih-4-2.2"), load_device("ideal", n_qubits=4))


def test_temperatures_fall_from_hot_to_cold_in_each_cycle_of_the_budget() -> None:
    meter, seen = PROBLEM.meter(1000), []
    for _ in range(1000):
        seen.append(schedule(0, meter))
        meter.charge(1, time.perf_counter())
    assert [cycle for cycle, _ in seen] == sorted(cycle for cycle, _ in seen)
    assert {cycle for cycle, _ in seen} == {*range(CYCLES)}
    for cycle in range(CYCLES):
        own = np.array([t for number, t in seen if number == cycle])
        assert own[0] == pytest.approx(HOT)
        assert (np.diff(own) < 0).all()
        assert COLD < own[-1] < 1.1 * COLD
        assert np.ptp(own[1:] / own[:-1]) < 1e-9, "geometric"
    assert schedule(0, meter) == (CYCLES - 1, pytest.approx(COLD))


def test_without_a_budget_steps_count() -> None:
    meter = PROBLEM.meter(None)
    assert schedule(0, meter) == (0, pytest.approx(HOT))
    assert schedule(PERIOD - 1, meter)[0] == 0
    assert schedule(3 * PERIOD, meter) == (3, pytest.approx(HOT))


def test_metropolis_takes_what_is_better_and_by_chance_what_is_worse() -> None:
    anneal = Annealing(PROBLEM, 0)
    word = Genome.of(anneal.space, ())
    low, high = Member(word, -1.0, 0), Member(word, -0.99, 0)
    rng, taken = np.random.default_rng(0), 0
    for _ in range(2000):
        anneal.chains = [low] * CHAINS
        anneal._accept([high] * CHAINS, 0.01, rng)
        taken += anneal.chains.count(high)
        anneal.chains = [high] * CHAINS
        anneal._accept([low] * CHAINS, 1e-6, rng)
        assert anneal.chains == [low] * CHAINS
    share, wanted = taken / (2000 * CHAINS), np.exp(-1)
    assert abs(share - wanted) < 5 * np.sqrt(wanted * (1 - wanted) / (2000 * CHAINS))


@pytest.mark.parametrize("space", SPACES)
def test_reheated_chains_go_on_from_the_best_at_their_price(space: str) -> None:
    anneal, meter, seen = Annealing(PROBLEM, 1, space), PROBLEM.meter(120_000), []
    cycles = set()
    while not meter.exhausted:
        anneal.step(PROBLEM, meter)
        cycles.add(anneal.cycle)
        seen += anneal.chains
        for chain, best in enumerate(anneal.best):
            lowest = min(anneal._cost(chain, member) for member in seen)
            assert anneal._cost(chain, best) <= lowest + 1e-15
    assert len(cycles) == CYCLES
    assert min(member.energy for member in anneal.best) < PROBLEM.task.ground_energy + 0.03


def test_every_chain_stands_on_a_layout_that_couples_its_word() -> None:
    problem = Problem.of(load_task("h2-4"), load_device("FakeManilaV2"))
    anneal, meter, space = Annealing(problem, 0), problem.meter(50_000), Space.of(problem)
    while not meter.exhausted:
        anneal.step(problem, meter)
        for member in anneal.chains:
            assert member.layout in space.layouts(member.genome.word)
