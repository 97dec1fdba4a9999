"""Settings of a campaign, checked before anything is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qas.device import Device, load_device
from qas.device.history import load_calibrations
from qas.errors import InputError
from qas.problem import Problem
from qas.problem.constraint import Constraints
from qas.problem.merit.merit import USUAL, check_objectives
from qas.problem.pool import POOLS, gate_pool
from qas.task import Classifier, Task, load_task
from search.campaign.question import task_of, task_row
from search.strategy import STRATEGIES, check_pool, check_suits

MAX_SEED = 2**31
LOSSES = 8_000_000
"""Values of a loss in the usual budget."""
MOST_DAYS = 24
"""Other calibrations that a campaign keeps, spread evenly over their dates: they go into its
ledger, so that it can be resumed without the files."""


@dataclass(frozen=True)
class Settings:
    """What a campaign does; frozen and checked, equal settings give equal ledgers."""

    task: Task | Classifier
    device: Device
    strategies: tuple[str, ...]
    seed: int = 0
    budget: int | None = None
    """Evaluations per strategy; None: only ``minutes`` stops."""
    minutes: float | None = None
    """Wall time of the whole search, shared evenly by the strategies."""
    qubits: tuple[int, ...] | None = None
    """Physical qubits in the order of the circuit's; None: the engine chooses."""
    constraints: Constraints = Constraints()
    """What every trial and finalist keeps."""
    calibrations: tuple[Device, ...] = ()
    """Other calibrations of the chip, under which finalists are scored again."""
    robust: bool = False
    """Finalists are ranked by the worst of the standard model, the pessimistic one and other
    days, in place of the noisy energy."""
    objectives: tuple[str, ...] = USUAL
    """Finalists are a front of these: names of `qas.problem.merit.merit.OBJECTIVES`."""
    pool: tuple[str, ...] = POOLS["free"]
    """Gates that circuits are grown from, see `qas.problem.pool`."""

    def __post_init__(self) -> None:
        for name in self.strategies:
            check_suits(name, self.task)
        if not self.strategies:
            raise InputError(f"name at least one strategy of {', '.join(STRATEGIES)}")
        if len(set(self.strategies)) != len(self.strategies):
            raise InputError(f"each strategy once; given {', '.join(self.strategies)}")
        if not 0 <= self.seed < MAX_SEED:
            raise InputError(f"the seed must be in 0..{MAX_SEED - 1}; given {self.seed}")
        if self.budget is None and self.minutes is None:
            raise InputError("give --budget (evaluations per strategy) or --minutes, or both")
        if self.budget is not None and self.budget < 1:
            raise InputError(f"--budget must be at least 1 evaluation; given {self.budget}")
        if self.minutes is not None and not 0 < self.minutes < 1e6:
            raise InputError(f"--minutes must be positive; given {self.minutes}")
        check_objectives(self.objectives)
        if self.robust and self.device.is_ideal:
            raise InputError("--robust compares noise models; an ideal device has none")
        problem = self.problem()
        for name in self.strategies:
            check_pool(name, problem)
        _check_connected(self.device, self.qubits or ())

    def problem(self) -> Problem:
        """The problem that all strategies share.

        Raises:
            InputError: the task does not fit the device or the chosen qubits, or an unknown gate.
        """
        return Problem.of(
            self.task,
            self.device,
            qubits=self.qubits,
            constraints=self.constraints,
            pool=self.pool,
        )

    def to_row(self) -> dict[str, Any]:
        """The first row of the ledger: all that going on needs, without the files it came from."""
        import json

        problem = self.problem()
        return {
            "kind": "campaign",
            "task": task_row(self.task),
            "device": json.loads(self.device.to_json()),
            "device_summary": device_summary(self.device),
            "strategies": list(self.strategies),
            "seed": self.seed,
            "budget": self.budget,
            "minutes": self.minutes,
            "qubits": None if self.qubits is None else list(self.qubits),
            "layouts": [list(layout) for layout in problem.layouts],
            "limits": {
                "gates": problem.limits.gates,
                "two_qubit_gates": problem.limits.two_qubit_gates,
            },
            "pool": list(problem.pool),
            "constraints": self.constraints.to_dict(),
            "calibrations": [json.loads(day.to_json()) for day in self.calibrations],
            "robust": self.robust,
            "objectives": list(self.objectives),
            **versions(),
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Settings:
        """The settings that `to_row` wrote.

        Raises:
            InputError: the row is not a campaign's.
        """
        import json

        try:
            return cls(
                task_of(row["task"]),
                Device.from_json(json.dumps(row["device"])),
                tuple(row["strategies"]),
                int(row["seed"]),
                row["budget"],
                row["minutes"],
                None if row["qubits"] is None else tuple(row["qubits"]),
                # Ledgers of before have none of these.
                Constraints(**row.get("constraints", {})),
                tuple(Device.from_json(json.dumps(day)) for day in row.get("calibrations", ())),
                bool(row.get("robust", False)),
                tuple(row.get("objectives", USUAL)),
                tuple(row.get("pool", POOLS["free"])),
            )
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"the ledger's first row is not a campaign's: {error}") from error


def _check_connected(device: Device, qubits: tuple[int, ...]) -> None:
    """Raise InputError where a chosen qubit cannot be reached from the first through the others."""
    reached, waiting = set(qubits[:1]), list(qubits[:1])
    while waiting:
        fresh = set(device.neighbours(waiting.pop())) & set(qubits) - reached
        reached |= fresh
        waiting += fresh
    for qubit in qubits:
        if qubit not in reached:
            raise InputError(
                f"--qubits: {qubit} is coupled to {', '.join(map(str, device.neighbours(qubit)))} "
                f"on {device.name}, to none of {', '.join(map(str, sorted(reached)))}: "
                "choose qubits that hang together"
            )


def device_summary(device: Device) -> dict[str, Any]:
    """Name, calibration date and content hash."""
    return {
        "name": device.name,
        "calibration_date": device.calibration_date,
        "hash": device.hash,
    }


def versions() -> dict[str, Any]:
    """Version of the engine and of the packages whose numbers could differ."""
    from importlib.metadata import version

    import qas

    names = ("numpy", "scipy", "numba", "torch", "optuna", "gymnasium", "qiskit")
    return {"version": qas.__version__, "packages": {name: version(name) for name in names}}


def default_budget(task: Task | Classifier) -> int:
    """Evaluations per strategy for a run of minutes on two cores.

    A loss costs one a sample, but its samples share their sweeps over the circuit.
    """
    if isinstance(task, Classifier):
        return LOSSES * task.observable.price
    return 200_000 if task.n_qubits <= 2 else 750_000 * (task.n_qubits - 2)


def settings_of(
    task: str,
    device: str,
    strategies: tuple[str, ...],
    seed: int,
    budget: int | None,
    minutes: float | None,
    qubits: tuple[int, ...] | None,
    *,
    constraints: Constraints | None = None,
    calibrations: str | Path | None = None,
    robust: bool = False,
    objectives: tuple[str, ...] = USUAL,
    data_dir: str | Path | None = None,
    pool: str | Sequence[str] = "free",
) -> Settings:
    """Settings from what a person typed; without budget and minutes the usual budget.

    ``calibrations`` is a file or folder of other calibrations of the same chip, ``data_dir`` the
    folder of a classifier's published data: see `qas.load_task`. ``pool`` names a pool of gates,
    or gates: see `qas.problem.pool`.
    """
    gates = gate_pool(pool)
    loaded = load_task(task, data_dir)
    if data_dir is not None and not isinstance(loaded, Classifier):
        raise InputError(
            f"--data-dir is for classifiers, and {loaded.name} asks for an energy; leave it out"
        )
    if budget is None and minutes is None:
        budget = default_budget(loaded)
    chip = load_device(device, n_qubits=max(16, loaded.n_qubits))
    days = () if calibrations is None else load_calibrations(calibrations, chip, most=MOST_DAYS)
    return Settings(
        loaded, chip, strategies, seed, budget, minutes, qubits,
        constraints or Constraints(), days, robust, objectives, gates,
    )  # fmt: skip
