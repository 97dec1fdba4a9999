"""The commands of ``qas``."""

from __future__ import annotations

import typer

from search.cli.bench import bench
from search.cli.campaign import resume, run, search, tune
from search.cli.certify import certify
from search.cli.listing import devices, strategies, tasks
from search.cli.output import export, report
from search.cli.worker import worker

app = typer.Typer(
    name="qas",
    help="Search quantum circuits for your device, from its calibration, and train them on it.",
    epilog="Start with: qas run h2",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
work = (run, search, tune, bench, certify, worker, resume)
for command in (*work, report, export, devices, tasks, strategies):
    app.command()(command)
