"""The chip, coloured by its calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from qas.device import Device
from search.report.lattice import Places, dead_pairs, places
from search.report.markup import Markup, element, join, svg
from search.report.number import significant

# Light is good, dark is bad; two hues, so that the scales are not taken for one another.
QUBIT_RAMP = ("#dcebf7", "#9fcae4", "#4f9bcb", "#2166ac", "#08306b")
EDGE_RAMP = ("#fdd49e", "#fdae6b", "#f16913", "#c44103", "#7f2704")
UNIT, MARGIN = 62.0, 34.0
LEGEND = 62.0


@dataclass(frozen=True)
class _Scale:
    """Errors to colours, logarithmic between the smallest and largest value."""

    values: tuple[float, ...]
    ramp: tuple[str, ...]

    def colour(self, value: float) -> str:
        low, high = self.values[0], self.values[-1]
        if high <= low:
            return self.ramp[1]
        share = (_log(value) - _log(low)) / (_log(high) - _log(low))
        at = min(max(share, 0.0), 1.0) * (len(self.ramp) - 1)
        k = min(int(at), len(self.ramp) - 2)
        return _mixed(self.ramp[k], self.ramp[k + 1], at - k)


def _log(value: float) -> float:
    return math.log(max(value, 1e-7))


def _mixed(one: str, other: str, share: float) -> str:
    pairs = [(int(one[k : k + 2], 16), int(other[k : k + 2], 16)) for k in (1, 3, 5)]
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in pairs)


def draw(device: Device, used: Sequence[int] = ()) -> Markup | None:
    """The device map: qubits by readout error, edges by two-qubit error, ``used`` ringed.

    What the calibration does not support is drawn hollow and dashed. None for an ideal device.
    """
    if device.is_ideal or not device.n_qubits:
        return None
    chosen = tuple(q for q in used if 0 <= q < device.n_qubits)
    spots = _pixels(places(device, chosen))
    qubits = _Scale(_sorted(readout_error(device, q) for q in spots), QUBIT_RAMP)
    shown = [pair for pair in pairs(device) if pair[0] in spots and pair[1] in spots]
    edges = _Scale(_sorted(pair_error(device, a, b) for a, b in shown), EDGE_RAMP)
    width = max(MARGIN + max(x for x, _ in spots.values()), 560.0)
    height = MARGIN + max(y for _, y in spots.values())
    parts = [_dead_edge(device, spots, pair) for pair in dead_pairs(device)]
    parts += [_edge(device, spots, pair, edges, chosen) for pair in shown]
    parts += [_qubit(device, q, spots[q], qubits) for q in sorted(spots)]
    parts += [_ring(spots[q], index) for index, q in enumerate(chosen) if q in spots]
    parts.append(_legend(qubits, edges, height + 8))
    return svg(join(parts), width, height + LEGEND, f"Map of {device.name}", class_="chip")


def readout_error(device: Device, qubit: int) -> float | None:
    """Mean of the two readout flips; None where the qubit is unavailable."""
    calibration = device.qubits[qubit]
    if calibration.p01 is None or calibration.p10 is None or qubit not in device.available_qubits:
        return None
    return (calibration.p01 + calibration.p10) / 2


def pairs(device: Device) -> tuple[tuple[int, int], ...]:
    """Coupled pairs, each once."""
    return tuple(sorted({(min(a, b), max(a, b)) for a, b in device.couplings}))


def pair_error(device: Device, a: int, b: int) -> float | None:
    """The smaller two-qubit error of the two directions."""
    gates = (device.gate(device.two_qubit_gate, pair) for pair in ((a, b), (b, a)))
    return min((gate.error for gate in gates if gate), default=None)


def _sorted(values: object) -> tuple[float, ...]:
    return tuple(sorted(v for v in values if v is not None)) or (0.0,)  # type: ignore[attr-defined]


def _pixels(spots: Places) -> Places:
    left = min(x for x, _ in spots.values())
    top = min(y for _, y in spots.values())
    return {
        q: (MARGIN + UNIT * (x - left), MARGIN + UNIT * (y - top)) for q, (x, y) in spots.items()
    }


def _line(spots: Places, pair: tuple[int, int], **attributes: object) -> Markup:
    (x1, y1), (x2, y2) = spots[pair[0]], spots[pair[1]]
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def _dead_edge(device: Device, spots: Places, pair: tuple[int, int]) -> Markup:
    if not (pair[0] in spots and pair[1] in spots):
        return Markup("")
    said = element("title", f"{device.two_qubit_gate} {pair[0]}–{pair[1]}: unavailable")
    return element("g", said, _line(spots, pair, class_="dead-edge"))


def _edge(
    device: Device, spots: Places, pair: tuple[int, int], scale: _Scale, used: Sequence[int]
) -> Markup:
    error = pair_error(device, *pair)
    said = f"{device.two_qubit_gate} {pair[0]}–{pair[1]}: error {significant(error)}"
    parts = [element("title", said)]
    if pair[0] in used and pair[1] in used:
        parts.append(_line(spots, pair, class_="used-edge"))
    parts.append(_line(spots, pair, class_="edge", stroke=scale.colour(error or 0.0)))
    return element("g", *parts)


def _qubit(device: Device, qubit: int, spot: tuple[float, float], scale: _Scale) -> Markup:
    x, y = spot
    error = readout_error(device, qubit)
    word = str(device.physical_qubits[qubit])
    if error is None:
        said = element("title", f"qubit {word}: unavailable")
        disc = element("circle", cx=x, cy=y, r=16, class_="dead-qubit")
        return element("g", said, disc, element("text", word, x=x, y=y + 4, class_="dead-name"))
    fill = scale.colour(error)
    dark = int(fill[1:3], 16) * 0.3 + int(fill[3:5], 16) * 0.59 + int(fill[5:7], 16) * 0.11 < 140
    name = element(
        "text", word, x=x, y=y + 4, class_=f"qubit-name {'on-dark' if dark else 'on-light'}"
    )
    disc = element("circle", cx=x, cy=y, r=16, fill=fill, class_="qubit")
    return element("g", element("title", _said(device, qubit, error)), disc, name)


def _said(device: Device, qubit: int, error: float) -> str:
    calibration, pulse = device.qubits[qubit], device.gate("sx", (qubit,))
    times = f"T1 {_micro(calibration.t1)} µs, T2 {_micro(calibration.t2)} µs"
    sx = f", sx error {significant(pulse.error)}" if pulse else ""
    number = device.physical_qubits[qubit]
    return f"qubit {number}: readout error {significant(error)}, {times}{sx}"


def _micro(seconds: float | None) -> str:
    return significant(None if seconds is None else seconds * 1e6)


def _ring(spot: tuple[float, float], index: int) -> Markup:
    x, y = spot
    ring = element("circle", cx=x, cy=y, r=20, class_="ring")
    return join([ring, element("text", f"q{index}", x=x + 17, y=y - 17, class_="ring-name")])


def _legend(qubits: _Scale, edges: _Scale, top: float) -> Markup:
    words = ("readout error of qubits", "error of two-qubit gates")
    parts = []
    for k, (scale, word) in enumerate(zip((qubits, edges), words, strict=True)):
        x, name = MARGIN - 16 + 270.0 * k, f"ramp-{k}"
        stops = [
            element("stop", offset=f"{25 * i}%", stop_color=c) for i, c in enumerate(scale.ramp)
        ]
        bar = element("rect", x=x, y=top + 16, width=220, height=9, rx=2, fill=f"url(#{name})")
        low, high = significant(scale.values[0], 2), significant(scale.values[-1], 2)
        parts += [
            element("linearGradient", *stops, id=name),
            element("text", word, x=x, y=top + 9, class_="key"),
            bar,
            element("text", low, x=x, y=top + 39, class_="key"),
            element("text", high, x=x + 220, y=top + 39, class_="key", text_anchor="end"),
        ]
    return join(parts)
