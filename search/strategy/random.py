"""Random search: the control arm of every comparison."""

from __future__ import annotations

from typing import Any

import numpy as np

from qas.problem import Candidate, Meter, Problem, Trial, random_circuit


class RandomSearch:
    """Draws a layout, a length and legal gates evenly; angles are optimised like all others'."""

    name = "random"

    def __init__(self, problem: Problem, seed: int) -> None:
        del problem
        self.seed, self.steps = seed, 0

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """One random circuit, scored from random angles."""
        rng = np.random.default_rng([self.seed, self.steps])
        self.steps += 1
        layout = problem.layouts[int(rng.integers(len(problem.layouts)))]
        length = int(rng.integers(1, problem.limits.gates + 1))
        circuit = random_circuit(
            problem.tokens(layout),
            problem.n_qubits,
            length,
            problem.limits.two_qubit_gates,
            rng,
        )
        start = rng.uniform(-np.pi, np.pi, circuit.n_params)
        return [problem.score(Candidate(circuit, layout), meter, start=start)]

    def state_dict(self) -> dict[str, Any]:
        """Seed and number of steps: each step has its own stream."""
        return {"seed": self.seed, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
