"""The environment beside the published loop with Qiskit Aer: steps a second, and time to energy.

    python results/crlqas/throughput.py           # 8 to 20 minutes; writes throughput.json and .md
    python results/crlqas/throughput.py --quick   # 2 minutes, fewer of everything; prints only

What is timed of the peer stands in published.py, the page is drawn by throughput_page.py.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import importlib.metadata
import itertools
import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from published import (
    LATE,
    Aer,
    AerCobyla,
    Measured,
    Timed,
    Work,
    aer,
    aer_modelled,
    by_cobyla,
    by_shift,
    by_spsa,
    timed,
)
from throughput_page import ENOUGH, HARTREES, page, tables

from envs.curriculum import Curriculum
from envs.make import make_problem
from envs.setup import STEP, Setup, crlqas
from envs.vector import VectorGrowth
from qas.circuit import Population
from qas.execute.objective import objective
from qas.problem import Problem
from qas.problem.inner import AdamSPSA, Cobyla, InnerOptimiser, Optimised
from qas.train.cobyla import cobyla
from search.strategy.ddqn import DEFAULT, DoubleDQN, blocks

HERE = Path(__file__).parent
CPUS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
Record = dict[str, Any]
OURENSE = "FakeOurenseV2"
SHORT = ((119, 0.01), (35, 0.1), (11, 1.0))
"""A tenth of the published stages."""
COLD = {
    "ours": """
import time; began = time.perf_counter()
from envs.make import make_problem
from search.strategy.ddqn import DoubleDQN
import torch
problem = make_problem("h2-4", "FakeOurenseV2"); agent = DoubleDQN(problem, 0)
print(time.perf_counter() - began); began = time.perf_counter()
agent.step(problem, problem.meter(None)); print(time.perf_counter() - began)
""",
    "aer": """
import time; began = time.perf_counter()
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.library import SaveExpectationValue
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeOurenseV2
noise = NoiseModel.from_backend(FakeOurenseV2(), readout_error=False)
simulator = AerSimulator(method="density_matrix", noise_model=noise)
print(time.perf_counter() - began); began = time.perf_counter()
theta, one = Parameter("theta"), QuantumCircuit(1)
one.rz(theta, 0)
one.append(SaveExpectationValue(SparsePauliOp("Z"), label="value"), [0])
simulator.run([one], parameter_binds=[{theta: [0.1]}]).result()
print(time.perf_counter() - began)
""",
}
"""Programs that print the seconds until everything is loaded, and of the first piece of work."""


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    repeats: int = 3
    samples: int = 3
    """Steps of an episode on which both sides are timed, one in each stretch of equal length."""
    stages: tuple[tuple[int, float], ...] = AdamSPSA().stages
    cobyla: int = 1000
    calls: int = 30
    """Of which the quickest stands, where single calls are timed."""
    seconds: float = 120.0
    """Of each search of the published loop."""
    peers: int = 4
    """Searches of the published loop."""
    own: int = 5
    """Searches of ours."""


QUICK = Scale(1, 2, SHORT, 100, 10, 8.0, 2, 2)


# --- Steps a second -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Case:
    """What both sides do in every step."""

    name: str
    problem: Problem
    inner: InnerOptimiser
    between: InnerOptimiser
    """The one of the steps that are not timed."""
    work: Work
    """The peer's."""
    ways: dict[str, Aer]
    """Forms of Aer; the first is timed on every sampled step, others on one in each repeat."""
    members: tuple[int, ...] = (16, 1)
    times: Callable[[Step], int] = lambda step: 1
    """How often a step takes the peer's work."""


@dataclass(frozen=True, eq=False)
class Step:
    """A step of ours that was timed."""

    wall: float
    cpu: float
    """Seconds of all members together."""
    circuit: Population
    """That of the first member, at the angles from which it was optimised."""
    evaluations: int
    """Of all members together."""
    calls: int
    """Values, or values with gradients, of the first member."""


def calls_of(step: Step) -> int:
    """As many as our own optimiser took."""
    return step.calls


class Changing:
    """An inner optimiser that can be exchanged, and remembers its last call."""

    name = "changing"

    def __init__(self, inner: InnerOptimiser) -> None:
        self.inner = inner
        self.last: tuple[Population, Optimised] | None = None

    def __call__(self, simulator: Any, population: Population, *rest: Any, **more: Any) -> Any:
        found = self.inner(simulator, population, *rest, **more)
        self.last = population, found
        return found


def cases(scale: Scale) -> tuple[Case, ...]:
    ideal, ourense = make_problem("h2-4", "ideal"), make_problem("h2-4", OURENSE)
    lithium = make_problem("lih-6-2.2", "ideal")
    spsa, rows = AdamSPSA(scale.stages), Cobyla(scale.cobyla)
    noisy, simplex = (
        {"channels": aer(ourense), "noise model": aer_modelled(ourense)},
        by_cobyla(rows),
    )
    states, channels = {"states": aer(ideal, **LATE)}, {"channels": aer(ourense, **LATE)}
    h2, lih = {"states": aer(ideal)}, {"states": aer(lithium)}
    return (
        Case("SPSA, h2-4, Ourense", ourense, spsa, AdamSPSA(SHORT), by_spsa(spsa), noisy),
        Case("COBYLA, h2-4", ideal, rows, rows, simplex, h2),
        Case("COBYLA, lih-6-2.2", lithium, rows, rows, simplex, lih, (1,)),
        Case("gradient, h2-4", ideal, STEP, STEP, by_shift, states, times=calls_of),
        Case("gradient, h2-4, Ourense", ourense, STEP, STEP, by_shift, channels, times=calls_of),
    )


def endless(problem: Problem, inner: InnerOptimiser) -> Setup:
    """CRLQAS's environment with episodes of full length."""
    setup = crlqas(problem, halting=False, inner=inner)
    return replace(setup, rules=replace(setup.rules, curriculum=Curriculum.fixed(1e-14)))


def own_steps(case: Case, members: int, at: Iterable[int], seed: int) -> list[Step]:
    """An episode of random legal actions; the steps ``at`` are timed, all of the environment."""
    chosen, found, inner = sorted(at), [], Changing(case.between)
    env = VectorGrowth(endless(case.problem, inner), members)
    _, info = env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    for k in range(chosen[-1] + 1):
        inner.inner = case.inner if k in chosen else case.between
        actions = evenly(info["action_mask"], rng)
        wall, cpu = time.perf_counter(), time.process_time()
        info = env.step(actions)[-1]
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if k in chosen:
            assert inner.last is not None
            population, best = inner.last
            spent, calls = int(best.evaluations.sum()), int(best.calls[0])
            found.append(Step(wall, cpu, population[:1], spent, calls))
    return found


def evenly(masks: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """A legal action of every member."""
    return np.argmax(rng.random(masks.shape) * masks, axis=1)


def circuit_of(problem: Problem, length: int) -> Population:
    """A random circuit of so many actions, as it is optimised."""
    case = Case("", problem, STEP, STEP, by_shift, {})
    return own_steps(case, 1, [length - 1], 1)[0].circuit


def compare(case: Case, scale: Scale) -> Record:
    """Both sides in turn; medians over the repeats."""
    length, found = endless(case.problem, case.between).rules.steps, {}
    for members in case.members:  # whatever is compiled or loaded on first use
        own_steps(replace(case, inner=case.between), members, [1], 0)
    for repeat in range(scale.repeats):
        rng = np.random.default_rng(repeat)
        edges = itertools.pairwise(np.linspace(0, length, scale.samples + 1))
        at = [int(rng.uniform(low, high)) for low, high in edges]
        own = {members: own_steps(case, members, at, repeat) for members in case.members}
        for number, (name, way) in enumerate(case.ways.items()):
            kept = range(len(at)) if number == 0 else [len(at) // 2]
            peer = []
            for k in kept:
                step = own[1][k]
                times = case.times(step)
                peer.append(timed(case.problem, way, step.circuit, case.work, times))
            for members, steps in own.items():
                row = ratio([steps[k] for k in kept], members, peer, [own[1][k] for k in kept])
                row["steps"] = [at[k] + 1 for k in kept]
                found.setdefault(f"{name}, {members}", []).append(row)
    return {name: summary(rows) for name, rows in found.items()}


def ratio(mine: list[Step], members: int, peer: list[Timed], same: list[Step]) -> Record:
    """One repeat; seconds are of one step of one member.

    The peer did the steps ``same`` of a single member; where those of many took more or fewer
    evaluations, the peer's seconds are scaled to as many.
    """
    own, cpu = (sum(getattr(s, name) for s in mine) / members for name in ("wall", "cpu"))
    spent = sum(step.evaluations for step in mine) / members
    scaled = spent / sum(step.evaluations for step in same)
    their, their_cpu, inside = (
        scaled * sum(getattr(t, name) for t in peer) for name in ("wall", "cpu", "inside")
    )
    return {
        "ratio": their / own, "cpu ratio": their_cpu / cpu, "ours": len(mine) / own,
        "peer": len(peer) / their, "inside": inside / their, "us": 1e6 * own / spent,
        "evaluations": spent / len(mine), "deviation": max(t.deviation for t in peer),
    }  # fmt: skip


def summary(rows: list[Record]) -> Record:
    names = [name for name in rows[0] if name not in ("steps", "deviation")]
    return {name: float(np.median([row[name] for row in rows])) for name in names} | {
        "ratios": sorted(row["ratio"] for row in rows),
        "deviation": max(row["deviation"] for row in rows),
        "repeats": rows,
    }


# --- Single calls ---------------------------------------------------------------------------


def forms(problem: Problem, calls: int) -> dict[str, Record]:
    """Milliseconds of run() in Aer's forms, at one and two points of a circuit of 20 actions."""
    one, quickest = circuit_of(problem, 20), aer(problem)
    ways = {"bound by Aer": quickest, "bound by Aer in C++": aer(problem, **LATE)}
    ways["bound by Aer, fusion off"] = aer(problem, fusion_enable=False)
    if not problem.device.is_ideal:
        ways["noise model of Kraus channels"] = aer_modelled(problem)
        ways["noise model as Aer makes it"] = aer_modelled(problem, kraus=False)
    found = {}
    for name, way in ways.items():
        measured = Measured(way, one, problem.task.observable)
        here = one.angles[one.free][None]
        both = np.concatenate([here, here])
        row = {str(len(at)): 1e3 * shortest(measured, at, calls) for at in (here, both)}
        measured.inside = 0.0
        measured(here)
        found[name] = row | {"inside": 1e3 * measured.inside}
    measured = Measured(quickest, one, problem.task.observable)
    bound = 1e3 * shortest(measured.assigned, one.angles[one.free], calls)
    return found | {"bound by Qiskit (assign_parameters)": {"1": bound}}


def arithmetic(problem: Problem, scale: Scale) -> list[Record]:
    """Microseconds: our energy, and an evaluation of COBYLA with it and with a trivial function."""
    found = []
    for length in (10, 20, 30, 40):
        one = circuit_of(problem, length)
        energy = objective(problem.simulator(problem.layouts[0]), one, problem.task.observable)
        start = one.angles[one.free]
        alone = 1e6 * shortest(lambda x, f=energy: [f(x) for _ in range(100)], start, 10) / 100
        each = []
        for function in (energy, lambda x: float(x @ x)):
            began = time.perf_counter()
            spent = cobyla(
                function, start + 1.0, evaluations=scale.cobyla, tolerance=1e-300
            ).evaluations
            each.append(1e6 * (time.perf_counter() - began) / spent)
        found.append({"actions": length, "angles": len(start), "energy": alone,
                      "cobyla": each[0], "trivial": each[1]})  # fmt: skip
    return found


def shortest(function: Callable[..., Any], given: Any, times: int) -> float:
    """Seconds of the quickest call."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        function(given)
        found.append(time.perf_counter() - began)
    return min(found)


# --- Time to equal energy -------------------------------------------------------------------


class Watched:
    """An inner optimiser, and when it first saw energies as low."""

    name = "watched"

    def __init__(self, inner: InnerOptimiser) -> None:
        self.inner, self.best, self.steps = inner, np.inf, 0
        self.seen: list[tuple[float, float, float]] = []
        """(seconds, processor seconds, hartree) of every improvement."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __call__(self, *given: Any, **more: Any) -> Optimised:
        found = self.inner(*given, **more)
        self.steps += len(found.energy)
        lowest = float(found.energy.min())
        if lowest < self.best:
            self.best = lowest
            spent = time.perf_counter() - self.wall, time.process_time() - self.cpu
            self.seen.append((*spent, lowest))
        return found


def published_search(device: str, seed: int, scale: Scale, cpu: int) -> Record:
    """The published loop while its agent still acts at random, on one processor."""
    pin(cpu)
    problem = make_problem("h2-4", device)
    way, one = aer(problem), circuit_of(problem, 20)
    Measured(way, one, problem.task.observable)(one.angles[one.free][None])  # loads Aer
    watch = Watched(AerCobyla(way, Cobyla(scale.cobyla)))
    meter, rng = problem.meter(None, seconds=scale.seconds), np.random.default_rng(seed)
    game, member, episodes = crlqas(problem, inner=watch).game(1, meter), np.arange(1), 0
    enough = problem.task.ground_energy + ENOUGH

    def goes_on() -> bool:
        return watch.best > enough and not meter.exhausted

    while goes_on():
        game.begin(member, rng)
        over, episodes = False, episodes + 1
        while not over and goes_on():
            over = bool(game.step(member, evenly(game.crowd.masks(), rng), rng).over[0])
    return {"seen": watch.seen, "steps": watch.steps, "episodes": episodes}


def own_search(problem: Problem, seed: int, target: float, limit: float) -> Record:
    """`DoubleDQN` as it stands until it saw an energy that low."""
    watch = Watched(STEP)
    settings = replace(DEFAULT, setup=lambda given: replace(blocks(given), inner=watch))
    agent, meter = DoubleDQN(problem, seed, settings), problem.meter(None, seconds=limit)
    while watch.best > target and not meter.exhausted:
        agent.step(problem, meter)
    return {"seen": watch.seen, "steps": watch.steps, "rounds": agent.rounds}


def race(device: str, scale: Scale) -> Record:
    """Best energies over time; the peer's searches side by side, ours one after the other."""
    problem = make_problem("h2-4", device)
    peers: list[Record] = []
    with multiprocessing.get_context("spawn").Pool(len(CPUS)) as pool:
        for first in range(0, scale.peers, len(CPUS)):  # never two on one processor
            seeds = range(first, min(first + len(CPUS), scale.peers))
            jobs = [(device, seed, scale, CPUS[seed - first]) for seed in seeds]
            peers += pool.starmap(published_search, jobs, chunksize=1)
    target = min(peer["seen"][-1][2] for peer in peers)
    target = max(target, problem.task.ground_energy + ENOUGH)
    DoubleDQN(problem, 100).step(problem, problem.meter(None))  # first calls
    owns = [own_search(problem, seed, target, scale.seconds) for seed in range(scale.own)]
    return {"ground": problem.task.ground_energy, "peer": peers, "ours": owns}


# --- All of it ------------------------------------------------------------------------------


def pin(cpu: int) -> None:
    """Hold this process to one processor."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})


def cold(program: str) -> list[float]:
    """The seconds that a program prints in a new process; files and kernels are in their caches."""
    for _ in range(2):
        command = [sys.executable, "-W", "ignore", "-c", program]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [float(line) for line in out.split()]


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "unknown")


def measure(scale: Scale) -> Record:
    began, load = time.monotonic(), os.getloadavg()[0]
    names = ("numpy", "numba", "nlopt", "torch", "qiskit", "qiskit-aer")
    record: Record = {
        "date": time.strftime("%Y-%m-%d"), "cpu": processor(), "scale": asdict(scale),
        "versions": {name: importlib.metadata.version(name) for name in names},
        "cold": {name: cold(program) for name, program in COLD.items()}, "steps": {}, "race": {},
    }  # fmt: skip
    pin(CPUS[-1])
    problems = {device: make_problem("h2-4", device) for device in HARTREES}
    record["forms"] = {device: forms(one, scale.calls) for device, one in problems.items()}
    record["arithmetic"] = arithmetic(problems["ideal"], scale)
    for case in cases(scale):
        print(f"{case.name} ...", file=sys.stderr, flush=True)
        record["steps"][case.name] = compare(case, scale)
        print(json.dumps({case.name: record["steps"][case.name]}), flush=True)
    for device, name in HARTREES.items():
        print(f"time to energy, {name} ...", file=sys.stderr, flush=True)
        record["race"][device] = race(device, scale)
    record["load"] = [load, os.getloadavg()[0]]
    record["minutes"] = (time.monotonic() - began) / 60
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer of everything; prints only")
    if parser.parse_args().quick:
        print(*(f"{name}\n{table}" for name, table in tables(measure(QUICK)).items()), sep="\n")
        return
    record = measure(Scale())
    (HERE / "throughput.json").write_text(json.dumps(record, indent=1) + "\n")
    (HERE / "throughput.md").write_text(page(record))


if __name__ == "__main__":
    main()
