"""From a finished Runtime job to estimates: means, errors, and what was executed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qas.execute.backend import Estimate
from qas.execute.shot_noise import Shots, mean_and_stderr

if TYPE_CHECKING:
    from qiskit.quantum_info import SparsePauliOp


def read(job: Any, operators: Sequence[SparsePauliOp]) -> Estimate:
    """Means, errors and what was executed, of one job with one PUB."""
    from qiskit_ibm_runtime.decoders.executor_estimator.decoder import ClientSideEstimatorDecoder

    raw = recorded(job)
    with warnings.catch_warnings():  # extrapolation warns of terms without spread: identity
        warnings.simplefilter("ignore", UserWarning)
        data = ClientSideEstimatorDecoder.decode(raw)[0].data
    shapes = [item["_meas"].shape for item in raw]
    circuits = sum(math.prod(shape[:-2]) for shape in shapes)
    shots = sum(math.prod(shape[:-1]) for shape in shapes)
    mean = np.asarray(data.evs, dtype=np.float64)
    stderr = np.asarray(data.stds, dtype=np.float64)
    if "evs_extrapolated" not in data:
        shots_read = shots_of(raw)
        errors = [mean_and_stderr(shots_read, terms_of(o))[1] for o in operators]
        stderr = np.stack(errors, axis=1)
    return Estimate(mean, stderr, shots, circuits)


def recorded(job: Any) -> Any:
    """The recorded shots of a job, before the Estimator's own arithmetic."""
    from qiskit.primitives.primitive_job import PrimitiveJob
    from qiskit_ibm_runtime.decoders.executor.decoder import ExecutorResultDecoder

    if isinstance(job, PrimitiveJob):
        return PrimitiveJob.result(job)
    return job.result(decoder=ExecutorResultDecoder)


def shots_of(raw: Any) -> Shots:
    """The outcomes of a job with one PUB, and of its readout calibration if it has one."""
    passed = raw.passthrough_data["qiskit_mitigation"]
    bases = tuple((int(row[0]), str(basis)) for row, basis in passed[0]["param_basis_pairs"])
    calibration = _unflipped(raw[1]) if len(raw) > 1 else None
    return Shots(_unflipped(raw[0]), bases, calibration)


def _unflipped(item: Any) -> NDArray[np.bool_]:
    bits = np.asarray(item["_meas"], dtype=np.bool_)
    if "measurement_flips._meas" not in item:
        return bits
    return bits ^ np.asarray(item["measurement_flips._meas"], dtype=np.bool_)


def terms_of(operator: SparsePauliOp) -> list[tuple[str, float]]:
    """Pauli labels and real coefficients."""
    return [(label, float(np.real(c))) for label, c in operator.to_list()]
