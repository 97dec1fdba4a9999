"""A circuit as a compact SVG: wires with their physical qubits, virtual rz light, pulses solid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qas.circuit import Circuit, Gate
from search.report.markup import Markup, element, join, svg
from search.report.number import angle, subscript

WIDTH, LEFT, RIGHT = 980.0, 78.0, 14.0
ROW, TOP, BETWEEN = 50.0, 26.0, 14.0
BOX = 13.0  # half the height of a box
_COLUMN = {"sx": 36.0, "x": 30.0, "cx": 30.0, "cz": 26.0, "swap": 26.0}
_NAMES = {"sx": "√X", "sxdg": "√X†", "sdg": "S†", "tdg": "T†", "id": "I"}


@dataclass(frozen=True)
class _Placed:
    gate: Gate
    column: int
    parameter: int | None
    """Number of a free angle."""
    value: float | None
    """Angle in radians, where one is known."""


def draw(
    circuit: Circuit,
    physical_qubits: Sequence[int] = (),
    params: Sequence[float] = (),
    label: str = "circuit",
) -> Markup:
    """The circuit from left to right, folded into lines as wide as the page.

    Args:
        circuit: its free rotations are numbered as parameters are.
        physical_qubits: written beside the wires; circuit qubit i on the i-th.
        params: values of the free angles, radians; without them only their numbers are shown.
        label: what it is, for screen readers.
    """
    placed = list(_placed(circuit, params))
    widths = _widths(placed)
    lines = _lines(widths)
    height = circuit.n_qubits * ROW
    blocks, used = [], 0.0
    for at, columns in enumerate(lines):
        x, starts = LEFT, {}
        for column in columns:
            starts[column] = x + widths[column] / 2
            x += widths[column]
        used = max(used, x + RIGHT)
        inside = [_gate(item, starts[item.column]) for item in placed if item.column in starts]
        block = join([_wires(circuit, physical_qubits, x + RIGHT / 2), *inside])
        down = TOP + at * (height + BETWEEN)
        blocks.append(element("g", block, transform=f"translate(0 {down:g})"))
    total = TOP + len(lines) * (height + BETWEEN) - BETWEEN - ROW + 30
    return svg(join(blocks), max(used, LEFT + 60), total, label, class_="circuit")


def _placed(circuit: Circuit, params: Sequence[float]) -> Iterator[_Placed]:
    """Gates in columns, each as early as its wires and those it crosses allow."""
    level = [0] * circuit.n_qubits
    parameter = 0
    for gate in circuit.gates:
        span = range(min(gate.qubits), max(gate.qubits) + 1)
        column = max(level[q] for q in span)
        for q in span:
            level[q] = column + 1
        number, value = None, gate.angle
        if gate.is_free:
            number, parameter = parameter, parameter + 1
            value = params[number] if number < len(params) else None
        yield _Placed(gate, column, number, value)


def _widths(placed: Sequence[_Placed]) -> list[float]:
    widths = [0.0] * (1 + max((item.column for item in placed), default=0))
    for item in placed:
        widths[item.column] = max(widths[item.column], _COLUMN.get(item.gate.name, 46.0))
    return widths


def _lines(widths: Sequence[float]) -> list[list[int]]:
    """Columns of each line, filled from the left."""
    lines: list[list[int]] = [[]]
    room = WIDTH - LEFT - RIGHT
    for column, width in enumerate(widths):
        if lines[-1] and width > room:
            lines.append([])
            room = WIDTH - LEFT - RIGHT
        lines[-1].append(column)
        room -= width
    return lines


def _wires(circuit: Circuit, physical_qubits: Sequence[int], end: float) -> Markup:
    parts = []
    for q in range(circuit.n_qubits):
        y = q * ROW
        parts.append(element("line", x1=LEFT - 6, y1=y, x2=end, y2=y, class_="wire"))
        parts.append(element("text", f"q{subscript(q)}", x=2, y=y + 4, class_="wire-name"))
        if q < len(physical_qubits):
            where = f"on {physical_qubits[q]}"
            parts.append(element("text", where, x=LEFT - 12, y=y + 4, class_="wire-place"))
    return join(parts)


def _gate(item: _Placed, x: float) -> Markup:
    gate = item.gate
    rows = [q * ROW for q in gate.qubits]
    if len(rows) == 2:
        shape = _two_qubit(gate.name, x, rows[0], rows[1])
    else:
        shape = _one_qubit(item, x, rows[0])
    return element("g", element("title", _said(item)), shape)


def _said(item: _Placed) -> str:
    wires = ", ".join(f"q{q}" for q in item.gate.qubits)
    number = "" if item.parameter is None else f"θ{item.parameter}"
    value = "" if item.value is None else f"{item.value:.6f} rad"
    inside = " = ".join(part for part in (number, value) if part)
    if item.gate.input is not None:
        inside = " + ".join(part for part in (f"x{item.gate.input}", value) if part)
    return f"{item.gate.name}{f'({inside})' if inside else ''} on {wires}"


def _one_qubit(item: _Placed, x: float, y: float) -> Markup:
    name = item.gate.name
    shown = _NAMES.get(name, name.upper() if len(name) == 1 else name.capitalize())
    if item.parameter is not None:
        shown += subscript(item.parameter)
    half = 12.0 if len(shown) == 1 else 14.0 if name == "sx" else 19.0
    kind = "virtual" if name in ("rz", "id", "z", "s", "sdg", "t", "tdg") else "pulse"
    if item.gate.input is not None:
        kind = "data"
    parts = [_box(x, y, half, kind), _word(shown, x, y, kind)]
    if item.gate.input is not None:
        parts.append(element("text", _fed(item.gate), x=x, y=y + 23, class_="feature"))
    elif item.value is not None:
        parts.append(element("text", angle(item.value), x=x, y=y + 23, class_="angle"))
    return join(parts)


def _fed(gate: Gate) -> str:
    """What a rotation turns by that takes data: "x₃", "x₃ + π/2"."""
    feature = f"x{subscript(gate.input or 0)}"
    return f"{feature} + {angle(gate.angle)}" if gate.angle else feature


def _box(x: float, y: float, half: float, kind: str) -> Markup:
    return element("rect", x=x - half, y=y - BOX, width=2 * half, height=2 * BOX, rx=4, class_=kind)


def _word(word: str, x: float, y: float, kind: str) -> Markup:
    return element("text", word, x=x, y=y + 4, class_=f"on-{kind}")


def _dot(x: float, y: float) -> Markup:
    return element("circle", cx=x, cy=y, r=4.5, class_="dot")


def _target(x: float, y: float) -> Markup:
    cross = f"M{x - 9:g} {y:g}H{x + 9:g}M{x:g} {y - 9:g}V{y + 9:g}"
    return join(
        [element("circle", cx=x, cy=y, r=9, class_="dot"), element("path", d=cross, class_="plus")]
    )


def _two_qubit(name: str, x: float, first: float, second: float) -> Markup:
    link = element("line", x1=x, y1=first, x2=x, y2=second, class_="link")
    if name == "cx":
        return join([link, _dot(x, first), _target(x, second)])
    if name == "cz":
        return join([link, _dot(x, first), _dot(x, second)])
    if name == "swap":
        arms = [f"M{x - 6:g} {y - 6:g}l12 12m0 -12l-12 12" for y in (first, second)]
        return join([link, *(element("path", d=arm, class_="link") for arm in arms)])
    words = []
    for place, y in enumerate((first, second)):
        shown = f"{name.capitalize()}{subscript(place)}"
        words += [_box(x, y, 18.0, "pair"), _word(shown, x, y, "pair")]
    return join([link, *words])
