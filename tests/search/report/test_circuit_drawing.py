"""Circuit drawings: every gate once, in order, on its wires."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from qas.circuit import Circuit
from qas.circuit.gate import GATE_NAMES, ROTATIONS, gate_width
from search.report.circuit_drawing import draw


@st.composite
def circuits(draw_: st.DrawFn) -> Circuit:
    n_qubits = draw_(st.integers(2, 5))
    circuit = Circuit(n_qubits)
    for _ in range(draw_(st.integers(0, 45))):
        name = draw_(st.sampled_from(GATE_NAMES))
        qubits = draw_(st.permutations(range(n_qubits)))[: gate_width(name)]
        angles = st.none() | st.floats(-20, 20) if name in ROTATIONS else st.none()
        circuit = circuit.then(name, *qubits, angle=draw_(angles))
    return circuit


@settings(max_examples=25)
@given(circuits())
def test_every_gate_is_drawn_in_the_order_of_its_wire(circuit: Circuit) -> None:
    root = ElementTree.fromstring(draw(circuit, range(circuit.n_qubits)))
    titles = [item.text or "" for item in root.iter() if item.tag.endswith("title")][1:]
    assert len(titles) == len(circuit.gates)
    for q in range(circuit.n_qubits):
        drawn = [title for title in titles if f"q{q}" in title.split(" on ")[1].split(", ")]
        wanted = [gate.name for gate in circuit.gates if q in gate.qubits]
        assert [title.split("(")[0].split(" on ")[0] for title in drawn] == wanted
    assert float(root.get("width") or 0) <= 1000


def test_labels() -> None:
    circuit = Circuit(2).then("rz", 0).then("sx", 0).then("ecr", 0, 1).then("rz", 1, angle=-0.5)
    drawing = draw(circuit, [7, 8], [3.141592653589793 / 2])
    for word in ("Rz₀", "π/2", "√X", "Ecr₀", "Ecr₁", "−0.50", "on 7", "on 8", "q₁"):
        assert word in drawing
    assert "rz(θ0 = 1.570796 rad) on q0" in drawing


def test_hostile_label_is_text() -> None:
    assert "<script" not in draw(Circuit(1), label="<script>")


def test_long_circuit_is_folded() -> None:
    circuit = Circuit(1)
    for _ in range(100):
        circuit = circuit.then("rz", 0).then("sx", 0)
    root = ElementTree.fromstring(draw(circuit))
    assert float(root.get("height") or 0) > 200
