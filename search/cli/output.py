"""Commands that read a campaign: report, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from search.cli.guard import guarded
from search.cli.show import conclude

if TYPE_CHECKING:
    from search.campaign import Campaign

Folder = Annotated[Path, typer.Argument(help="A campaign folder.")]


def report(
    folder: Folder,
    figures: Annotated[
        str | None, typer.Option(help="Also write the figures to the folder: svg or png.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Write summary and report.html again from the ledger, and print the leaderboard."""
    with guarded():
        from qas.errors import InputError
        from search.campaign import Campaign

        if figures not in (None, "svg", "png"):
            raise InputError(f"--figures is svg or png; given {figures!r}")
        campaign = Campaign.open(folder)
        with campaign.locked():
            conclude(campaign, as_json)
            if figures is not None:
                _write_figures(campaign, figures)


def _write_figures(campaign: Campaign, file_format: str) -> None:
    from search.campaign.file import write_atomically
    from search.report import figures

    drawn = figures(campaign.ledger.rows, campaign.summary(), file_format=file_format)
    for name, data in drawn.items():
        write_atomically(campaign.folder / "figures" / name, data, keep=False)


def export(
    folder: Folder,
    finalist: Annotated[
        str | None, typer.Option(help="Id of a finalist. Default: the best.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="qasm, json or qpy.")] = "qasm",
    tuned: Annotated[bool, typer.Option("--tuned", help="With the tuned angles.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write. Default: stdout.")] = None,
) -> None:
    """Print a finalist as OpenQASM 3, as JSON, or as Qiskit's QPY."""
    with guarded():
        from qas.errors import InputError

        if form not in ("qasm", "json", "qpy"):
            raise InputError(f"--format is qasm, json or qpy; given {form!r}")
        if out is not None and out.is_dir():
            raise InputError(f"--out is a file to write; {out} is a folder")
        data = _encoded(_bound(folder, finalist, tuned), form)
        if out is not None:
            from search.campaign.file import write_atomically

            write_atomically(out, data, keep=False)
        else:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()


def _bound(folder: Path, finalist: str | None, tuned: bool) -> Any:
    """The finalist's native circuit with its angles; a classifier's with its encoder."""
    from qas.errors import InputError
    from search.campaign import Campaign
    from search.campaign.campaign import exported

    ledger = Campaign.open(folder).ledger
    rows = {row["finalist"]["id"]: row for row in ledger.of_kind("finalist")}
    if not rows:
        raise InputError(f"{folder} has no finalists yet: go on with 'qas resume {folder}'")
    chosen = next(iter(rows)) if finalist is None else finalist
    if chosen not in rows:
        raise InputError(f"no finalist {chosen!r} in {folder}; there are {', '.join(rows)}")
    circuit = exported(rows[chosen])
    if not tuned:
        return circuit.bind(rows[chosen]["trial"]["params"])
    done = ledger.of_kind("tuned", id=chosen)
    if not done:
        raise InputError(f"finalist {chosen} is not tuned yet: run 'qas tune {folder}'")
    return circuit.bind(done[-1]["params"])


def _encoded(circuit: Any, form: str) -> bytes:
    if form == "qasm":
        return bytes(circuit.to_qasm(), "utf-8")
    if form == "json":
        return bytes(circuit.to_json() + "\n", "utf-8")
    import io

    from qiskit import qpy

    buffer, named = io.BytesIO(), circuit.to_qiskit()
    named.name = "finalist"  # else numbered by what this process made before
    qpy.dump(named, buffer)
    return buffer.getvalue()
