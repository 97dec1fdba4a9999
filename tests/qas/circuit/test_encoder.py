"""Encoders: the published order of rotations, and samples that turn them."""

from __future__ import annotations

import numpy as np
import pytest

from qas import Circuit, ExactSimulator, InputError, Observable
from qas.circuit.encoder import angle_encoder, reuploaded
from qas.task.classifier import usual_encoder


def rows(encoder):
    return [(g.name, g.qubits[0], g.input) for g in encoder.gates]


def test_published_encoders():
    image = [(axis, q) for axis in ("ry", "rz", "rx", "ry") for q in range(4)]
    assert rows(usual_encoder(16)) == [(*row, k) for k, row in enumerate(image)]
    assert rows(usual_encoder(10)) == rows(usual_encoder(16))[:10]
    assert [name for name, _, _ in rows(usual_encoder(10))] == ["ry"] * 4 + ["rz"] * 4 + ["rx"] * 2
    for encoder, n in ((usual_encoder(16), 16), (usual_encoder(10), 10)):
        assert (encoder.n_qubits, encoder.n_inputs, encoder.n_params) == (4, n, 0)


def test_an_angle_turns_its_qubit():
    encoder, sample = angle_encoder(3, 3), np.array([0.2, 1.0, 2.5])
    z = [Observable.of([p], [1.0]) for p in ("IIZ", "IZI", "ZII")]
    found = ExactSimulator().estimate(encoder, z, [], sample).mean[0]
    np.testing.assert_allclose(found, np.cos(sample), atol=1e-12)


def test_reuploading_alternates():
    encoder = angle_encoder(2, 2)
    layers = [Circuit(2).then("rzz", 0, 1).then("rx", 0), Circuit(2).then("rx", 1)]
    made = reuploaded(encoder, layers)
    assert made.gates == encoder.gates + layers[0].gates + encoder.gates + layers[1].gates
    assert (made.n_params, made.n_inputs) == (3, 2)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: angle_encoder(0, 2), "at least 1 feature"),
        (lambda: angle_encoder(2, 2, ("h",)), "axes are some of"),
        (lambda: angle_encoder(2, 2, ()), "axes are some of"),
        (lambda: reuploaded(angle_encoder(2, 2), []), "at least one layer"),
        (lambda: reuploaded(angle_encoder(2, 2), [Circuit(3)]), "cannot append"),
    ],
)
def test_what_cannot_be_is_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        wrong()
