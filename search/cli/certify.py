"""The command that certifies: how low any circuit of so few two-qubit gates was found to get."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from search.cli.guard import guarded

if TYPE_CHECKING:
    from qas.problem.certificate.certificate import Certificate
    from qas.problem.certificate.skeleton_class import SkeletonClasses
    from qas.task import Task

QUIET_LINE = 10.0
"""Seconds between lines of progress where no one watches a terminal."""


def certify(
    task: Annotated[str, typer.Argument(help="A task (qas tasks) or a Hamiltonian .json.")],
    cx: Annotated[int, typer.Option(help="Two-qubit gates that a circuit may have.")],
    device: Annotated[
        str, typer.Option(help="Whose couplings to keep; its noise does not count.")
    ] = "ideal",
    qubits: Annotated[
        str | None,
        typer.Option(help="Physical qubits in circuit order. Default: all layouts at once."),
    ] = None,
    starts: Annotated[int, typer.Option(help="Random starts of every skeleton.")] = 8,
    seed: Annotated[int, typer.Option(help="Same seed, same machine: same numbers.")] = 0,
    threads: Annotated[int, typer.Option(help="Skeletons are shared out among so many.")] = 1,
    hours: Annotated[float, typer.Option(help="Refuse what would take longer.")] = 1.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate as JSON.")] = False,
) -> None:
    """Enumerate every circuit skeleton of so few two-qubit gates: how low does any get?

    Up to symmetry, without noise, of real gates, from many starts: numerical, not a proof.
    """
    with guarded(stopped="nothing is kept: the same command begins again"):
        loaded, classes, name = _listed(task, cx, device, qubits, starts, seed, threads, hours)
        found = f"{classes.n_skeletons:,} skeletons in {len(classes):,} classes"
        print(found, file=sys.stderr)
        made = _made(loaded, classes, name, starts, seed, threads)
        print(made.to_json() if as_json else "\n".join(describe(made)))


def _listed(
    task: str,
    n_cx: int,
    device: str,
    qubits: str | None,
    starts: int,
    seed: int,
    threads: int,
    hours: float,
) -> tuple[Task, SkeletonClasses, str]:
    """The task, its skeletons, and the name of the device, all checked before the work."""
    from qas import load_device, load_task
    from qas.errors import InputError
    from qas.problem.certificate.certify import classes_of
    from qas.problem.wiring import Wiring
    from qas.task import Classifier
    from search.cli.campaign import _parse_qubits

    if seed < 0:
        raise InputError(f"--seed must be at least 0; given {seed}")
    if threads < 1:
        raise InputError(f"--threads must be at least 1; given {threads}")
    if not 0 < hours < 1e6:
        raise InputError(f"--hours must be above 0, and finite; given {hours}")
    loaded, chosen = load_task(task), _parse_qubits(qubits)
    if isinstance(loaded, Classifier):
        raise InputError(f"certificates are of energies; {loaded.name} is a classifier")
    n = loaded.n_qubits
    chip = load_device(device, n_qubits=n if chosen is None else max(16, n))
    wiring = Wiring.of(chip, n, chosen)
    classes = classes_of(loaded, wiring, n_cx, starts=starts, threads=threads, hours=hours)
    return loaded, classes, chip.name


def _made(
    task: Task, classes: SkeletonClasses, device: str, starts: int, seed: int, threads: int
) -> Certificate:
    """The certificate, with a bar on stderr while it is being made."""
    from dataclasses import replace

    import numpy as np
    from rich.console import Console
    from rich.progress import Progress

    from qas.problem.certificate.certify import certify as work

    ground = task.ground_energy
    with Progress(console=Console(stderr=True)) as bars:
        bar, said = bars.add_task("certify", total=None), time.monotonic()

        def show(done: int, total: int, energy: float) -> None:
            nonlocal said
            best = f"lowest {_text(energy, ground)}"
            bars.update(bar, completed=done, total=total, description=best)
            if not bars.console.is_terminal and time.monotonic() - said > QUIET_LINE:
                said = time.monotonic()
                bars.console.print(f"{done:,} of {total:,} optimisations, {best}")

        rng = np.random.default_rng(seed)
        made = work(
            task, classes, rng, device=device, starts=starts, threads=threads, on_progress=show
        )
    return replace(made, seed=seed)


def describe(made: Certificate) -> list[str]:
    """What a person reads of a certificate: the claim, the circuit, and how sure it is."""
    from qas.problem.certificate.certificate import GAIN, GAPS

    complete = len(made.couplings) == made.n_qubits * (made.n_qubits - 1) // 2
    given = "all-to-all" if complete else "layout as given"
    placed = given if made.host is None else "all layouts"
    pairs = " ".join(f"{a}-{b}" for a, b in made.skeleton) or "no pair"
    near = [f"{count:,} within {gap:g}" for gap, count in zip(GAPS, _sums(made), strict=True)]
    lines = [
        f"{made.task} on {made.device}, {placed}: {made}",
        f"lowest: two-qubit gates on {pairs}, RY before and behind each",
        f"classes near the lowest, at least (Ha): {', '.join(near)}",
        f"a start reaches its skeleton's best in {100 * sum(made.hits) / len(made.hits):.0f}% of "
        f"runs of the best {len(made.hits)} classes: {made.starts} starts miss it with "
        f"probability {made.miss_chance:.2g}",
    ]
    if made.improved:
        shares = ", ".join(f"{100 * share:.1f}%" for share in made.improved)
        lines.append(
            f"of {made.sample} random classes start 2, 3, ... lowered the best by over {GAIN:g} "
            f"Ha in {shares}"
        )
    return [*lines, "a numerical certificate: the list is complete, the angles are not proven"]


def _sums(made: Certificate) -> list[int]:
    """Classes up to each gap."""
    return [sum(made.gaps[: k + 1]) for k in range(len(made.gaps) - 1)]


def _text(energy: float, ground: float | None) -> str:
    return f"{energy:.6f} Ha" if ground is None else f"{1e3 * (energy - ground):.4g} mHa"
