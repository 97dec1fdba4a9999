"""A circuit as a layer of a PyTorch model, run on any backend.

torch takes seconds to import: import this module where a model is built, nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from qas.circuit import Circuit, Gate
from qas.circuit.tie import Ties
from qas.device import Device
from qas.device.lowering import is_native
from qas.errors import InputError
from qas.execute.backend import Backend, DifferentiableBackend
from qas.execute.cost import reseeded
from qas.task import Observable
from qas.train.cost import device_of
from qas.train.plan import SHIFT

Reals = NDArray[np.float64]


class QuantumLayer(nn.Module):
    """Data in, expectation values out; trains with whatever stands before and behind it.

    Slopes in parameters and in data come from the adjoint sweep where the backend has one, else
    from the shift rule: two circuits for each angle and sample, all in one request. The shift rule
    is exact where an angle stands in one native rotation: a circuit that is not native to the
    backend's device is lowered here so that it does (`Device.lowering`, ``apart``).

    >>> import qas, torch
    >>> from qas.circuit.ansatz import ansatz
    >>> from qas.circuit.encoder import angle_encoder
    >>> circuit = angle_encoder(2, 2).append(ansatz("rzz+ry", 2))
    >>> z = [qas.Observable.of([p], [1.0]) for p in ("IZ", "ZI")]
    >>> layer = QuantumLayer(circuit, z, qas.ExactSimulator(), params=[0.1, 0.2, 0.3, 0.4])
    >>> model = torch.nn.Sequential(torch.nn.Linear(3, 2), layer, torch.nn.Linear(2, 2))
    >>> loss = torch.nn.functional.cross_entropy(model(torch.ones(5, 3)), torch.ones(5).long())
    >>> loss.backward()
    >>> layer.params.grad.shape, model[0].weight.grad.shape
    (torch.Size([4]), torch.Size([2, 3]))
    """

    params: nn.Parameter
    """Trained, shape (n_params,), radians."""
    backend: Backend
    """Where it runs; may be replaced between steps."""
    evaluations: int
    """Circuits asked for so far, one a row; an adjoint sweep of P angles counts 2 P a row."""
    shots: int
    """Shots spent so far, mitigation included."""

    def __init__(
        self,
        circuit: Circuit,
        observables: Sequence[Observable],
        backend: Backend,
        *,
        params: ArrayLike,
        ties: Ties | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        """A layer that begins at ``params``.

        Args:
            circuit: any gates; data inputs are the layer's features, radians.
            observables: one output each.
            backend: where it runs.
            params: shape (n_params,), radians.
            ties: how the circuit's angles follow from the parameters; by default they are these.
            dtype: of the parameters; by default torch's.

        Raises:
            InputError: numbers of parameters that do not fit.
        """
        super().__init__()
        self._opened = opened(circuit, ties, device_of(backend))
        start = np.asarray(params, dtype=np.float64)
        if start.shape != (self._opened.n_params,):
            raise InputError(
                f"the layer has {self._opened.n_params} parameters: give shape "
                f"({self._opened.n_params},); given {start.shape}"
            )
        self.observables = tuple(observables)
        self.backend = backend
        self.evaluations, self.shots = 0, 0
        self.params = nn.Parameter(torch.as_tensor(start, dtype=dtype or torch.get_default_dtype()))

    @property
    def n_inputs(self) -> int:
        """Features of a sample."""
        return self._opened.n_inputs

    def reseed(self, seed: int) -> None:
        """Take fresh shots from now on, where the backend has simulated shots.

        Without it, equal circuits at equal angles have equal shots.
        """
        self.backend = reseeded(self.backend, seed)

    def forward(self, inputs: Tensor | None = None) -> Tensor:
        """Expectation values, shape (..., n_observables), of samples (..., n_inputs).

        A circuit without data inputs takes none, and gives shape (n_observables,).

        Raises:
            InputError: samples of another width.
        """
        n = self._opened.n_inputs
        if inputs is None:
            inputs = self.params.new_zeros(0)
        if inputs.shape[-1:] != (n,):
            raise InputError(
                f"the layer takes {n} features: give shape (..., {n}); given {tuple(inputs.shape)}"
            )
        rows = inputs.reshape(-1, n) if n else inputs.reshape(1, 0)
        found: Tensor = _Expectations.apply(rows, self.params, self)  # type: ignore[no-untyped-call]
        return found.reshape(*inputs.shape[:-1], len(self.observables))

    def extra_repr(self) -> str:
        """What print(model) says of it."""
        circuit = self._opened.circuit
        return (
            f"{circuit.n_qubits} qubits, {self.n_inputs} inputs, {self._opened.n_params} "
            f"parameters, {len(self.observables)} observables on {self.backend.name}"
        )

    # --- what the autograd function asks for ----------------------------------------------

    def values(self, angles: Reals) -> Reals:
        """Expectation values, (batch, n_observables), at angles of the opened circuit."""
        found = self.backend.estimate(self._opened.circuit, self.observables, angles)
        self.evaluations += len(angles)
        self.shots += found.shots
        return found.mean

    def slopes(self, angles: Reals, wanted: NDArray[np.bool_]) -> Reals:
        """Slopes of the values in the ``wanted`` angles, 0 elsewhere: (batch, outputs, angles)."""
        places = np.flatnonzero(wanted)
        made = np.zeros((len(angles), len(self.observables), len(wanted)))
        if isinstance(self.backend, DifferentiableBackend):
            self.evaluations += 2 * len(places) * len(angles)
            for k, one in enumerate(self.observables):
                made[:, k] = self.backend.value_and_grad(self._opened.circuit, one, angles)[1]
            return made
        turns = SHIFT * np.concatenate([np.eye(len(wanted))[places], -np.eye(len(wanted))[places]])
        rows = (angles[:, None] + turns).reshape(-1, len(wanted))
        above, below = np.split(self.values(rows).reshape(len(angles), len(turns), -1), 2, axis=1)
        made[:, :, places] = np.moveaxis((above - below) / 2, 1, 2)
        return made


class _Expectations(torch.autograd.Function):
    """Values forward, the chain rule backward; the arithmetic is in 64 bits."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, params: Tensor, layer: QuantumLayer) -> Tensor:
        ctx.layer = layer
        ctx.save_for_backward(inputs, params)
        values = layer.values(layer._opened.angles(_reals(params), _reals(inputs)))
        return torch.as_tensor(values).to(params)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        inputs, params = ctx.saved_tensors
        layer: QuantumLayer = ctx.layer
        opened, asked = layer._opened, ctx.needs_input_grad
        wanted = (opened.by_data.any(axis=1) & asked[0]) | (opened.by_params.any(axis=1) & asked[1])
        angles = opened.angles(_reals(params), _reals(inputs))
        slopes = np.einsum("bo,boa->ba", _reals(upstream), layer.slopes(angles, wanted))
        by_data = torch.as_tensor(slopes @ opened.by_data).to(inputs) if asked[0] else None
        total = torch.as_tensor(slopes.sum(axis=0) @ opened.by_params).to(params)
        return by_data, total if asked[1] else None, None


@dataclass(frozen=True, eq=False)
class Opened:
    """A circuit whose data rotations are free too: angles = by_params p + by_data x + offset."""

    circuit: Circuit
    """Free in every angle that a parameter or a data input turns."""
    by_params: Reals
    """Shape (n_angles, n_params)."""
    by_data: Reals
    """Shape (n_angles, n_inputs)."""
    offset: Reals
    """Shape (n_angles,), radians."""

    @property
    def n_params(self) -> int:
        """Trained parameters."""
        return int(self.by_params.shape[1])

    @property
    def n_inputs(self) -> int:
        """Features of a sample."""
        return int(self.by_data.shape[1])

    def angles(self, params: Reals, inputs: Reals) -> Reals:
        """Shape (batch, n_angles), of parameters (n_params,) and samples (batch, n_inputs)."""
        found: Reals = inputs @ self.by_data.T + params @ self.by_params.T + self.offset
        return found


def opened(circuit: Circuit, ties: Ties | None = None, device: Device | None = None) -> Opened:
    """The circuit with its data rotations opened; lowered first where it is not native.

    Raises:
        InputError: ties of another number of angles.

    >>> one = opened(Circuit(1).then("ry", 0, input=0, angle=0.5).then("rx", 0))
    >>> one.circuit.n_params, one.angles(np.array([2.0]), np.array([[1.0]])).tolist()
    (2, [[1.5, 2.0]])
    """
    ties = Ties.identity(circuit.n_params) if ties is None else ties
    if ties.n_angles != circuit.n_params:
        raise InputError(f"ties of {ties.n_angles} angles for a circuit of {circuit.n_params}")
    if device is not None and not is_native(circuit, device):
        lowering = device.lowering(circuit, apart=True)
        ties = ties.turned(lowering.angles(np.zeros(circuit.n_params))[0])
        circuit = lowering.native
    turned = [gate for gate in circuit.gates if gate.is_free or gate.input is not None]
    by_params, offset = np.zeros((len(turned), ties.n_params)), np.zeros(len(turned))
    by_data = np.zeros((len(turned), circuit.n_inputs))
    free = [place for place, gate in enumerate(turned) if gate.is_free]
    by_params[free], offset[free] = ties.slope, ties.offset
    for place, gate in enumerate(turned):
        if gate.input is not None:
            by_data[place, gate.input], offset[place] = 1.0, gate.angle or 0.0
    gates = tuple(g if g.input is None else Gate(g.name, g.qubits) for g in circuit.gates)
    return Opened(Circuit(circuit.n_qubits, gates), by_params, by_data, offset)


def _reals(tensor: Tensor) -> Reals:
    made: Reals = tensor.detach().cpu().double().numpy()
    return made
