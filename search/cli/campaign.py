"""Commands that spend a budget: run, search, tune, resume."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from search.cli.guard import guarded
from search.cli.show import announce, conclude, search_progress, tune_progress

if TYPE_CHECKING:
    from search.campaign import Campaign, Settings

Device = Annotated[
    str,
    typer.Option(
        help="A fake backend, uniform or ideal device (qas devices), a calibration file, or "
        "ibm_<name>."
    ),
]
Qubits = Annotated[
    str | None,
    typer.Option(help="Physical qubits in circuit order, such as 1,2,3. Default: chosen."),
]
Budget = Annotated[
    int | None,
    typer.Option(help="Evaluations per strategy: energies that a device would have to measure."),
]
Minutes = Annotated[float | None, typer.Option(help="Wall time of the whole search.")]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the published data of a classifier. Default: $QAS_DATA_DIR, else the "
        "network; digits2 and digits4 need none."
    ),
]
Seed = Annotated[int, typer.Option(help="Same seed, same machine: same ledger.")]
Out = Annotated[Path | None, typer.Option(help="Campaign folder. Default: a new one in runs/.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
MaxCx = Annotated[
    int | None, typer.Option("--max-cx", help="Hard constraint: at most so many two-qubit gates.")
]
MaxDepth = Annotated[
    int | None, typer.Option(help="Hard constraint on the depth of the native circuit.")
]
MaxDuration = Annotated[
    str | None, typer.Option(help="Hard constraint on its scheduled duration, such as 5us.")
]
Calibrations = Annotated[
    Path | None,
    typer.Option(help="File or folder of other calibrations of the chip, to re-score finalists."),
]
Robust = Annotated[
    bool,
    typer.Option("--robust", help="Rank finalists by their worst noise model or calibration."),
]
Objectives = Annotated[
    str,
    typer.Option(
        help="Finalists are a front of these, by commas: energy (or loss), cx, depth, duration, "
        "failure, gradient_circuits, worst, spread."
    ),
]
Pool = Annotated[
    str,
    typer.Option(
        help="Gates that circuits are grown from: free, commuting, or their names by commas, "
        "such as rx,cx."
    ),
]
Backend = Annotated[
    str,
    typer.Option(help="local (an emulated chip), local:<another calibration>, or ibm_<name>."),
]
Finalists = Annotated[int, typer.Option(help="How many finalists to tune, best first.")]
Steps = Annotated[int, typer.Option(help="Training steps.")]
Shots = Annotated[int, typer.Option(help="Shots per measurement basis and set of angles.")]


def run(
    task: Annotated[str, typer.Argument(help="A task (qas tasks) or a Hamiltonian .json.")],
    device: Device = "FakeManilaV2",
    qubits: Qubits = None,
    strategy: Annotated[
        str, typer.Option(help="Strategies, separated by commas, each with the same budget.")
    ] = "random,tpe,ddqn,archive",
    budget: Budget = None,
    minutes: Minutes = None,
    data_dir: DataDir = None,
    seed: Seed = 0,
    out: Out = None,
    max_cx: MaxCx = None,
    max_depth: MaxDepth = None,
    max_duration: MaxDuration = None,
    calibrations: Calibrations = None,
    robust: Robust = False,
    objectives: Objectives = "energy,cx",
    pool: Pool = "free",
    backend: Backend = "local",
    finalists: Finalists = 1,
    steps: Steps = 30,
    shots: Shots = 4096,
    as_json: Json = False,
) -> None:
    """The main job: search, pick finalists, fine-tune them on the chip, write a report."""
    from search.campaign import TuneOptions, check_backend

    with guarded(out):
        options = TuneOptions(backend=backend, steps=steps, shots=shots, seed=seed)
        aims = _aims(max_cx, max_depth, max_duration, calibrations, robust, objectives)
        aims |= {"data_dir": data_dir, "pool": _pool(pool)}
        settings = _settings(task, device, qubits, strategy, budget, minutes, seed, aims)
        if settings.device.is_ideal:
            print("an ideal device has no chip: searching without tuning", file=sys.stderr)
        else:
            check_backend(options, finalists, settings.problem())
        campaign = _created(settings, out)
    with guarded(campaign.folder), campaign.locked():
        if not settings.device.is_ideal:
            campaign.plan_tuning(options, finalists)
        _finish(campaign, as_json)


def search(
    task: Annotated[str, typer.Option(help="A task (qas tasks) or a Hamiltonian .json.")],
    device: Device = "FakeManilaV2",
    qubits: Qubits = None,
    strategy: Annotated[
        str | None,
        typer.Option(help="One or more of qas strategies, by commas. Default: the best known."),
    ] = None,
    budget: Budget = None,
    minutes: Minutes = None,
    data_dir: DataDir = None,
    seed: Seed = 0,
    out: Out = None,
    max_cx: MaxCx = None,
    max_depth: MaxDepth = None,
    max_duration: MaxDuration = None,
    calibrations: Calibrations = None,
    robust: Robust = False,
    objectives: Objectives = "energy,cx",
    pool: Pool = "free",
    as_json: Json = False,
) -> None:
    """Search circuits for a task on a device and pick finalists."""
    from search.strategy import usual_strategy

    with guarded(out):
        names = usual_strategy(task) if strategy is None else strategy
        aims = _aims(max_cx, max_depth, max_duration, calibrations, robust, objectives)
        aims |= {"data_dir": data_dir, "pool": _pool(pool)}
        settings = _settings(task, device, qubits, names, budget, minutes, seed, aims)
        campaign = _created(settings, out)
    with guarded(campaign.folder), campaign.locked():
        _finish(campaign, as_json)


def tune(
    folder: Annotated[Path, typer.Argument(help="A campaign folder.")],
    backend: Backend = "local",
    finalists: Finalists = 1,
    steps: Steps = 30,
    shots: Shots = 4096,
    mode: Annotated[str, typer.Option(help="job, batch or session.")] = "job",
    resilience: Annotated[
        int, typer.Option(help="0: none, 1: readout mitigation, 2: also zero-noise extrapolation.")
    ] = 1,
    pruning: Annotated[
        str | None,
        typer.Option(
            help="Which slopes are measured: probabilistic, deterministic, random, wsbd, none. "
            "Default: probabilistic; none with spsa, which measures none of them."
        ),
    ] = None,
    ratio: Annotated[
        float, typer.Option(help="Share r of the angles a pruning step freezes.")
    ] = 0.5,
    full_steps: Annotated[int, typer.Option(help="w_a: steps with the full gradient.")] = 1,
    pruned_steps: Annotated[int, typer.Option(help="w_p: steps with a pruned gradient.")] = 2,
    method: Annotated[
        str,
        typer.Option(
            help="How gradients are measured: shift, spsa, guided, adaptive (--shots at most)."
        ),
    ] = "shift",
    optimiser: Annotated[
        str, typer.Option(help="One of torch's: Adam, AdamW, SGD, RMSprop, NAdam, ...")
    ] = "Adam",
    learning_rate: Annotated[
        float, typer.Option(help="First step size; radians for Adam and its kind.")
    ] = 0.02,
    batch: Annotated[
        int | None, typer.Option(help="Samples of a classifier's training step. Default: 25.")
    ] = None,
    max_circuits: Annotated[
        int | None, typer.Option(help="Most circuits a finalist may take, its comparison included.")
    ] = None,
    max_shots: Annotated[
        int | None, typer.Option(help="Most shots a finalist may take, its comparison included.")
    ] = None,
    max_qpu_seconds: Annotated[
        float | None, typer.Option(help="Most seconds on the machine, estimated, alike.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Name of a saved IBM account.")] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Fine-tune finalists on a chip, real or emulated, by pruned parameter-shift gradients."""
    from qas.train import Pruning
    from search.campaign import Campaign, TuneOptions

    with guarded(folder):
        which = pruning or ("none" if method == "spsa" else "probabilistic")
        options = TuneOptions(
            backend,
            steps,
            shots,
            mode,
            resilience,
            learning_rate,
            Pruning(ratio, full_steps, pruned_steps, which),
            seed,
            max_shots,
            account,
            batch,
            method,
            optimiser,
            max_circuits,
            max_qpu_seconds,
        )
        campaign = Campaign.open(folder)
        with campaign.locked():
            campaign.plan_tuning(options, finalists)
            _finish(campaign, as_json)


def resume(
    folder: Annotated[Path, typer.Argument(help="A campaign folder.")],
    as_json: Json = False,
) -> None:
    """Go on with a campaign that was stopped or killed; nothing finished is lost."""
    from search.campaign import Campaign

    with guarded(folder):
        campaign = Campaign.open(folder)
        with campaign.locked():
            _finish(campaign, as_json)


def _settings(
    task: str,
    device: str,
    qubits: str | None,
    strategy: str,
    budget: int | None,
    minutes: float | None,
    seed: int,
    aims: dict[str, Any],
) -> Settings:
    from search.campaign import settings_of

    names = tuple(name.strip() for name in strategy.split(",") if name.strip())
    chosen = _parse_qubits(qubits)
    return settings_of(task, device, names, seed, budget, minutes, chosen, **aims)


def _aims(
    max_cx: int | None,
    max_depth: int | None,
    max_duration: str | None,
    calibrations: Path | None,
    robust: bool,
    objectives: str,
) -> dict[str, Any]:
    """What beside the energy is wanted, as `settings_of` takes it."""
    from qas.problem.constraint import Constraints, parse_seconds
    from qas.problem.merit.merit import parse_objectives

    seconds = None if max_duration is None else parse_seconds(max_duration)
    return {
        "constraints": Constraints(max_cx, max_depth, seconds),
        "calibrations": calibrations,
        "robust": robust,
        "objectives": parse_objectives(objectives),
    }


def _parse_qubits(text: str | None) -> tuple[int, ...] | None:
    from qas.errors import InputError

    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"--qubits takes numbers by commas, such as 1,2,3; given {text!r}"
        ) from None


def _pool(text: str) -> str | tuple[str, ...]:
    """The name of a pool, or the gates that are named."""
    from qas.problem.pool import GATES

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return names if len(names) > 1 or names[:1] in [(gate,) for gate in GATES] else text.strip()


def _created(settings: Settings, out: Path | None) -> Campaign:
    from search.campaign import Campaign

    return Campaign.create(out or _fresh_folder(settings), settings)


def _fresh_folder(settings: Settings) -> Path:
    """runs/<task>-<device>-s<seed>, with -2, -3, ... where that exists."""
    parts = (settings.task.name, settings.device.name, f"s{settings.seed}")
    name = "-".join("".join(c if c.isalnum() else "-" for c in part)[:40] for part in parts)
    names = (name if k == 1 else f"{name}-{k}" for k in count(1))
    return next(path for path in (Path("runs") / name for name in names) if not path.exists())


def _finish(campaign: Campaign, as_json: bool) -> None:
    """Do what is left of search and tuning, then write and print the outcome."""
    search_progress(campaign)
    announce(campaign)
    tune_progress(campaign)
    conclude(campaign, as_json)
