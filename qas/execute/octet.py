"""Octets: eight floats side by side as one value of compiled code.

Bits 0 to 2 of an index say where in its octet an entry stands, its *lane*. What pairs entries by
a low bit becomes a permutation of lanes, and what pairs them by a high one takes two octets; the
compiler's own vectoriser does neither where the bit is only known at run time. LLVM maps octets
to whatever vector instructions the machine has.

In compiled code octets add, subtract and multiply, lane by lane, and a float times an octet
multiplies every lane; the float comes first.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model
from numpy.typing import NDArray

LANES = 8
_F64, _I32, _I64 = ir.DoubleType(), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_F64, LANES)
_LONGS = ir.VectorType(_I64, LANES)
_NUMBERS = ir.Constant(_LONGS, list(range(LANES)))


class Octet(types.Type):
    """The type of an octet."""

    def __init__(self) -> None:
        super().__init__("octet")


octet = Octet()


@register_model(Octet)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def aligned(*shape: int) -> NDArray[np.float64]:
    """Zeros that begin on a cache line: loads of eight numbers then never straddle two."""
    room = np.zeros(math.prod(shape) + LANES)
    skip = (-room.ctypes.data % 64) // 8
    return room[skip : skip + math.prod(shape)].reshape(shape)


# --- arithmetic ---------------------------------------------------------------------------


def _arithmetic(sign: Any, name: str) -> None:
    """Teach numba octet sign octet and, for a product, float sign octet."""
    firsts = (octet, types.float64) if sign is operator.mul else (octet,)

    @infer_global(sign)
    class _Typed(AbstractTemplate):  # type: ignore[misc]
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and args[0] in firsts and args[1] == octet:
                return signature(octet, *args)
            return None

    for first in firsts:

        @lower_builtin(sign, first, octet)
        def _lowered(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            left, right = args
            if left.type == _F64:
                left = _filled(builder, left)
            return getattr(builder, name)(left, right, flags=("contract",))


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")


def _filled(builder: Any, number: Any) -> Any:
    blank = ir.Constant(ir.VectorType(number.type, LANES), ir.Undefined)
    one = builder.insert_element(blank, number, ir.Constant(_I32, 0))
    return builder.shuffle_vector(one, blank, ir.Constant(ir.VectorType(_I32, LANES), [0] * LANES))


# --- making, moving, reading -----------------------------------------------------------------


@intrinsic
def filled(tc, number):
    """``filled(number)``: a float in every lane."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _filled(builder, args[0])

    return octet(types.float64), codegen


@intrinsic
def chosen(tc, bits, value, number, other):
    """``chosen(bits, value, number, other)``: a float in the lanes with lane & bits == value.

    The lanes of ``other``, an octet, elsewhere.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wanted = builder.and_(_NUMBERS, _filled(builder, args[0]))
        mask = builder.icmp_unsigned("==", wanted, _filled(builder, args[1]))
        return builder.select(mask, _filled(builder, args[2]), args[3])

    return octet(types.uint64, types.uint64, types.float64, octet), codegen


@intrinsic
def load(tc, array, index):
    """``load(array, index)``: the eight entries from ``index`` on, of contiguous floats."""
    _check(array)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_place(context, builder, signature, args), align=8)

    return octet(array, types.uint64), codegen


@intrinsic
def store(tc, array, index, value):
    """``store(array, index, value)``: an octet into the eight entries from ``index`` on."""
    _check(array)
    if not array.mutable:
        raise TypingError(f"an octet is stored in an array that may be written; given {array}")

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _place(context, builder, signature, args), align=8)
        return context.get_dummy_value()

    return types.void(array, types.uint64, octet), codegen


def _check(array: Any) -> None:
    if not (isinstance(array, types.Array) and array.dtype == types.float64):
        raise TypingError(f"octets are of arrays of float64; given {array}")
    if array.ndim != 1 or array.layout != "C":
        raise TypingError(f"octets are of arrays of one dimension, contiguous; given {array}")


def _place(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    data = context.make_array(signature.args[0])(context, builder, args[0]).data
    return builder.bitcast(builder.gep(data, [args[1]]), _VECTOR.as_pointer())


def _permuted(builder: Any, value: Any, flip: int) -> Any:
    order = ir.Constant(ir.VectorType(_I32, LANES), [lane ^ flip for lane in range(LANES)])
    return builder.shuffle_vector(value, ir.Constant(_VECTOR, ir.Undefined), order)


@intrinsic
def turned(tc, value, flip):
    """``turned(value, flip)``: lane k becomes lane k ^ flip."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row, flips = args[0], _filled(builder, args[1])
        for bit in (1, 2, 4):  # without branches: a masked permutation each
            own = builder.and_(flips, ir.Constant(_LONGS, [bit] * LANES))
            mask = builder.icmp_unsigned("!=", own, ir.Constant(_LONGS, [0] * LANES))
            row = builder.select(mask, _permuted(builder, row, bit), row)
        return row

    return octet(octet, types.uint64), codegen


@intrinsic
def total(tc, value):
    """``total(value)``: the sum of the lanes."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        row = args[0]
        for flip in (4, 2, 1):
            row = builder.fadd(row, _permuted(builder, row, flip))
        return builder.extract_element(row, ir.Constant(_I32, 0))

    return types.float64(octet), codegen
