"""Bayesian search: Optuna's tree-structured Parzen estimator over slots of gate tokens.

A circuit is a fixed number of slots, each holding one flat token: a gate of the grammar, or
"nothing". The layout is one more categorical choice. Source of the estimator: Bergstra et
al., NIPS 2011; that fixed slots of one flat token with an identity beat conditional lengths
was measured on an order-dependent toy problem (200 trials, 6 seeds).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from qas.circuit import Circuit
from qas.problem import Candidate, Meter, Problem, Trial, is_legal

if TYPE_CHECKING:
    import optuna

BATCH = 8


class TPE:
    """Ask and tell: every step asks Optuna for some circuits, scores them and tells it.

    The study lives in memory and is rebuilt from the told values; each step's sampler has
    a seed of its own, so that a resumed search proposes what an unbroken one would.
    """

    name = "tpe"

    def __init__(self, problem: Problem, seed: int) -> None:
        self.seed, self.steps = seed, 0
        self.slots = min(problem.limits.gates, 6 * problem.n_qubits)
        self.told: list[tuple[list[int], float]] = []
        self._study: optuna.Study | None = None

    def step(self, problem: Problem, meter: Meter) -> list[Trial]:
        """A batch of asked circuits, scored and told."""
        study = self._opened(problem)
        trials: list[Trial] = []
        study.sampler = self._sampler()
        for number in range(BATCH):
            if meter.exhausted:
                break
            asked = study.ask(self._space(problem))
            choices = [int(asked.params[name]) for name in self._space(problem)]
            rng = np.random.default_rng([self.seed, self.steps, number])
            trial = self._score(problem, meter, choices, rng)
            trials.append(trial)
            study.tell(asked, trial.energy)
            self.told.append((choices, trial.energy))
        self.steps += 1
        return trials

    def _score(
        self, problem: Problem, meter: Meter, choices: list[int], rng: np.random.Generator
    ) -> Trial:
        layout = problem.layouts[choices[0]]
        circuit = decode(problem, layout, choices[1:])
        start = rng.uniform(-np.pi, np.pi, circuit.n_params)
        return problem.score(Candidate(circuit, layout), meter, start=start)

    def _space(self, problem: Problem) -> dict[str, Any]:
        from optuna.distributions import CategoricalDistribution

        n_tokens = max(len(problem.tokens(layout)) for layout in problem.layouts)
        space: dict[str, Any] = {
            "layout": CategoricalDistribution(list(range(len(problem.layouts))))
        }
        for slot in range(self.slots):
            space[f"slot{slot:03d}"] = CategoricalDistribution(list(range(n_tokens + 1)))
        return space

    def _sampler(self) -> optuna.samplers.BaseSampler:
        import optuna

        seed = int(np.random.SeedSequence([self.seed, self.steps]).generate_state(1)[0])
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=20)

    def _opened(self, problem: Problem) -> optuna.Study:
        """The study, made or rebuilt from what was told."""
        if self._study is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.ERROR)
            self._study = optuna.create_study(direction="minimize")
            space = self._space(problem)
            for choices, value in self.told:
                self._study.add_trial(
                    optuna.trial.create_trial(
                        params=dict(zip(space, choices, strict=True)),
                        distributions=space,
                        value=value,
                    )
                )
        return self._study

    def state_dict(self) -> dict[str, Any]:
        """Seed, steps and every told choice with its value."""
        return {
            "seed": self.seed,
            "steps": self.steps,
            "choices": [choices for choices, _ in self.told],
            "values": [value for _, value in self.told],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state_dict``; the study is rebuilt at the next step."""
        self.seed, self.steps = int(state["seed"]), int(state["steps"])
        pairs = zip(state["choices"], state["values"], strict=True)
        self.told = [([int(c) for c in choices], float(value)) for choices, value in pairs]
        self._study = None


def decode(problem: Problem, layout: tuple[int, ...], choices: list[int]) -> Circuit:
    """The circuit of slot values: 0 is nothing, k the k-th token; illegal repeats drop out."""
    available = problem.tokens(layout)
    circuit = Circuit(problem.n_qubits)
    limits = problem.limits
    for choice in choices:
        if not 0 < choice <= len(available):
            continue
        gate = available[choice - 1]
        if is_legal(circuit, gate, limits.gates, limits.two_qubit_gates):
            circuit = circuit.then(gate.name, *gate.qubits)
    return circuit
