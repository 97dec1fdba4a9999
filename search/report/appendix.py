"""The end of the page: calibration in numbers, cost, settings, and how to read it all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from qas.device import Device
from search.report.device_map import pair_error, pairs
from search.report.headline import machine_in_words
from search.report.markup import Markup, element, facts, join, table
from search.report.number import NONE, count, duration, finite, significant
from search.report.record import Record, Row, mapping

_MOST_NOTES = 12
_COST_WORDS = {
    "evaluations": "evaluations",
    "sweeps": "sweeps",
    "measurement_circuits": "measurement circuits",
    "shots": "shots",
}


def calibration(device: Device, used: tuple[int, ...]) -> Markup:
    """Numbers of the used qubits and edges, and the medians of the chip."""
    chosen = [q for q in used if q < device.n_qubits]
    rows = [[str(device.physical_qubits[q]), *_qubit(device, q)] for q in chosen]
    rows.append([f"median of {len(device.available_qubits)}", *_medians(device)])
    head = ("qubit", "T1 (µs)", "T2 (µs)", "sx error", "P(0|1)", "P(1|0)")
    qubits = table(head, rows, numeric=range(1, 6))
    gate = device.two_qubit_gate
    inside = [pair for pair in pairs(device) if pair[0] in chosen and pair[1] in chosen]
    edges = [[f"{a}–{b}", *_edge(device, a, b)] for a, b in inside]
    errors = sorted(e for a, b in pairs(device) if (e := pair_error(device, a, b)) is not None)
    if errors:
        edges.append([f"median of {len(errors)}", significant(errors[len(errors) // 2]), NONE])
    links = table((gate or "edge", "error", "duration (ns)"), edges, numeric=(1, 2))
    return element("div", qubits, links, class_="pair")


def _qubit(device: Device, qubit: int) -> list[str]:
    return [significant(value) for value in _values(device, qubit)]


def _values(device: Device, qubit: int) -> tuple[float | None, ...]:
    known, pulse = device.qubits[qubit], device.gate("sx", (qubit,))
    t1, t2 = (None if t is None else 1e6 * t for t in (known.t1, known.t2))
    return t1, t2, pulse.error if pulse else None, known.p01, known.p10


def _medians(device: Device) -> list[str]:
    columns = zip(*(_values(device, q) for q in device.available_qubits), strict=True)
    middle = []
    for column in columns:
        known = sorted(value for value in column if value is not None)
        middle.append(significant(known[len(known) // 2] if known else None))
    return middle or [NONE] * 5


def _edge(device: Device, a: int, b: int) -> list[str]:
    found = [device.gate(device.two_qubit_gate, pair) for pair in ((a, b), (b, a))]
    gate = min((g for g in found if g), key=lambda g: g.error)
    return [significant(gate.error), count(1e9 * gate.duration)]


def notes(device: Device) -> Markup:
    """What the calibration policy refused or changed; long lists fold."""
    if not device.notes:
        words = "The calibration was taken as it stands: nothing refused, nothing clipped."
        return element("p", words, class_="note")
    items = element("ul", *(element("li", note) for note in device.notes), class_="notes")
    if len(device.notes) <= _MOST_NOTES:
        return items
    summary = element("summary", f"{len(device.notes)} notes on the calibration")
    return element("details", summary, items)


def cost(record: Record) -> Markup:
    """What the search and the tuning spent."""
    spent = mapping(record.summary.get("spent"))
    rows: list[list[str]] = []
    if spent:
        simulated = duration(finite(spent.get("simulator_seconds")))
        cells = [count(spent.get(key)) for key in _COST_WORDS]
        rows.append(["search", *cells, NONE, simulated, NONE])
    if polishing := mapping(record.summary.get("spent_polishing")):
        simulated = duration(finite(polishing.get("simulator_seconds")))
        cells = [count(polishing.get(key)) for key in _COST_WORDS]
        rows.append(["polishing the finalists", *cells, NONE, simulated, NONE])
    tuned = [f for f in record.finalists if f.tuned or f.value("energy_tuned") is not None]
    if tuned:
        shots, circuits = (sum(f.value(key) or 0.0 for f in tuned) for key in ("shots", "circuits"))
        timed = [t for f in tuned if (t := f.value("qpu_seconds")) is not None]
        machine = duration(sum(timed)) if timed else NONE
        rows.append(["fine-tuning", *[NONE] * 3, count(shots), count(circuits), NONE, machine])
    if not rows:
        return element("p", "No costs are recorded.", class_="missing")
    head = ("", *_COST_WORDS.values(), "circuits run", "simulator time", "QPU time (estimated)")
    return table(head, rows, numeric=range(1, 8))


def settings(record: Record) -> Markup:
    """How the campaign was set up, and the software that ran it."""
    known = ("seed", "budget", "minutes", "strategies", "limits", "pool")
    chosen: dict[str, object] = {k: record.campaign[k] for k in known if k in record.campaign}
    layouts = record.campaign.get("layouts")
    if isinstance(layouts, list):
        chosen["layouts offered"] = len(layouts)
    chosen |= mapping(record.summary.get("settings"))
    task = mapping(record.campaign.get("task"))
    if task.get("id"):
        chosen["task hash"] = str(task["id"])[:16]
    software = {"qas-engine": record.campaign.get("version", "unknown")}
    software |= mapping(record.campaign.get("packages"))
    return element(
        "div",
        element("div", element("h4", "Settings"), facts(_flat(chosen))),
        element("div", element("h4", "Software"), facts(_flat(software))),
        class_="pair",
    )


def _flat(values: Row, prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key} · ")
        elif isinstance(value, (list, tuple)):
            yield name, ", ".join(v if isinstance(v, str) else json.dumps(v) for v in value)
        else:
            yield name, "none" if value is None else str(value)


def guide(record: Record) -> Markup:
    """What each energy means, and where it was obtained."""
    machines = sorted({f.backend for f in record.finalists if f.backend})
    entries = [
        (
            "evaluation",
            "an energy that a device would have to measure: a value costs 1, a value with the "
            "slopes of P angles 1 + 2P. It is the currency in which strategies are compared.",
        ),
        ("exact", "the expectation value of the circuit if nothing went wrong."),
        (
            "re-trained",
            "the same structure with angles optimised again without noise: what the "
            "architecture could express.",
        ),
        (
            "noisy",
            "the exact expectation value under the reported gate errors and relaxation; no "
            "shots, no readout error, no idle noise. The search minimises it.",
        ),
        (
            "pessimistic",
            "the whole reported gate error as depolarizing on top of relaxation, and waiting "
            "qubits decohere. A circuit that does well only under the noisy energy exploits "
            "the model.",
        ),
        ("with readout error", "the noisy energy if bits are misread and nobody corrects it."),
        ("tuned and untuned", f"measured with finite shots. {where_it_ran(machines)}"),
        ("after polishing", "the strategy's best circuit with its angles optimised to the end."),
    ]
    return facts(entries)


def where_it_ran(machines: list[str]) -> str:
    """On which machines finalists were tuned, in words."""
    real = [m for m in machines if m.startswith("ibm_")]
    emulated = [m for m in machines if not m.startswith("ibm_")]
    parts = []
    if real:
        parts.append(f"Tuning ran on {', '.join(machine_in_words(m) for m in real)}.")
    if emulated:
        names = ", ".join(emulated)
        parts.append(
            f"The chip was emulated on this computer (backend {names}) with readout error, idle "
            "decoherence and shot noise; these numbers never came from a quantum processor."
        )
    if not machines:
        parts.append("Nothing has been measured yet; every number here comes from simulation.")
    return join(parts, " ") if parts else ""
