"""Commands that list what there is: devices, tasks, strategies."""

from __future__ import annotations

from typing import Annotated

import typer

from search.cli.guard import guarded

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def devices(as_json: Json = False) -> None:
    """List the fake backends, with the calibration of each."""
    with guarded():
        from qas.device import describe_devices

        rows = describe_devices()
        if as_json:
            _print_json(rows)
            return
        for row in rows:
            date = (row["calibration_date"] or "-")[:10]
            print(f"{row['name']:24} {row['n_qubits']:4} qubits  {row['two_qubit_gate']:4} {date}")
        print("also: a calibration .json[.gz] file, ibm_<name> through your account,")
        print("      ideal (all-to-all) and ideal:line without noise,")
        print("      mumbai-medians, ourense-medians: all qubits alike, all-to-all, as published,")
        print("      uniform:[line,]p1=...,p2=...[,readout=...][,t1=...][,t2=...] of your own")


def tasks(as_json: Json = False) -> None:
    """List the built-in tasks."""
    with guarded():
        from qas.task import describe_tasks

        _list(describe_tasks(), as_json)
        if not as_json:
            print('also: a file {"name", "n_qubits", "paulis", "coeffs"} of your own')


def strategies(as_json: Json = False) -> None:
    """List the search strategies."""
    with guarded():
        from search.strategy import CLASSIFIER_STRATEGY, DEFAULT_STRATEGY, STRATEGIES

        lines = {name: entry.summary for name, entry in STRATEGIES.items()}
        _list(lines, as_json)
        if not as_json:
            usual = f"{DEFAULT_STRATEGY}, and {CLASSIFIER_STRATEGY} to classify,"
            print(f"qas search takes {usual} unless told otherwise")


def _list(lines: dict[str, str], as_json: bool) -> None:
    if as_json:
        _print_json([{"name": name, "description": line} for name, line in lines.items()])
        return
    for name, line in lines.items():
        print(f"{name:16} {line}")


def _print_json(value: object) -> None:
    import json

    print(json.dumps(value, indent=1))
