"""Encoders: circuits that turn |0...0> into a sample, one rotation for each feature.

The encoders for images and vowels are those of QuantumNAS and QOC (Wang et al., HPCA 2022 and
DAC 2022; "4x4_ryzxy" and "10_ryzx" in TorchQuantum).
"""

from __future__ import annotations

from collections.abc import Sequence

from qas.circuit.circuit import Circuit
from qas.circuit.gate import ROTATIONS
from qas.errors import InputError


def angle_encoder(n_features: int, n_qubits: int, axes: Sequence[str] = ("ry",)) -> Circuit:
    """Feature k turns qubit k mod n about the axis of its layer k // n, by its radians.

    Layers past the last axis begin again with the first. A layer about the axis of the one before
    it adds to its angles, so that ``axes`` should differ where there are several layers.

    Raises:
        InputError: no feature, no axis, or a name that is no rotation.

    >>> [(g.name, g.qubits, g.input) for g in angle_encoder(3, 2, ("ry", "rz")).gates]
    [('ry', (0,), 0), ('ry', (1,), 1), ('rz', (0,), 2)]
    """
    if n_features < 1:
        raise InputError(f"an encoder needs at least 1 feature; given {n_features}")
    if not axes or not set(axes) <= set(ROTATIONS):
        raise InputError(f"axes are some of {', '.join(ROTATIONS)}; given {axes!r}")
    circuit = Circuit(n_qubits)
    for k in range(n_features):
        circuit = circuit.then(axes[k // n_qubits % len(axes)], k % n_qubits, input=k)
    return circuit


def reuploaded(encoder: Circuit, layers: Sequence[Circuit]) -> Circuit:
    """The encoder before every layer: the same features come in again and again.

    Source: Perez-Salinas et al., Quantum 4, 226 (2020).

    Raises:
        InputError: no layer, or unequal numbers of qubits.

    >>> layer = Circuit(1).then("rx", 0)
    >>> twice = reuploaded(angle_encoder(1, 1), [layer, layer])
    >>> twice.n_params, twice.n_inputs, len(twice.input_places)
    (2, 1, 2)
    """
    if not layers:
        raise InputError("re-uploading needs at least one layer to alternate with")
    circuit = Circuit(encoder.n_qubits)
    for layer in layers:
        circuit = circuit.append(encoder).append(layer)
    return circuit
