"""Sixteen rows of eight lanes: the vector instructions under the Pauli-vector kernels.

A two-qubit operation on qubits ``low < high`` sees the vector of 4^n Pauli expectations as
groups of 16 numbers, one for each pair of Pauli letters. Eight groups at a time are held as
16 *rows* (row ``p_low + 4 p_high``) of 8 *lanes*, so that every arithmetic step works on whole
rows. Three shapes of memory occur:

- ``low >= 2``: the lanes of a row are neighbours;
- ``low == 1``: they are two runs of four;
- ``low == 0``: the four letters of the low qubit are neighbours, and rows are made by transposing.

LLVM's loop vectoriser gives up on such loops (it would have to prove that 16 run-time offsets do
not overlap), so the loads, transpositions and products are written here as LLVM vector
instructions, which it maps to whatever the machine has. All arrays are contiguous; vectors run
fastest where they begin on a cache line (`qas.execute.octet.aligned`).

Arguments that the intrinsics share:

- aim, int64: [0, 16) where the rows of a tile stand, [16, 24) its lanes, [24, 40) where row p
  goes: a place in memory, or the number of a row.
- scratch, float64: [0, 16) and [16, 32) factors, from 32 the tile of the dual vector, from 160
  the tile of the state, from 288 the totals of `environment`.
- maps and ``m``: an array, and where in it, taken as flat, two maps of `qas.execute.affine`
  stand, the low qubit's first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES, ROWS = 8, 16
OFFSETS, LANE, PLACES, AIM = 0, 16, 24, 40
FACTORS, UNDO, DUAL, STATE, TOTALS, SCRATCH = 0, 16, 32, 160, 288, 480
"""Where in aim and scratch, and their lengths."""
_F64, _I64, _I32 = ir.DoubleType(), ir.IntType(64), ir.IntType(32)
_EIGHT, _FOUR = ir.VectorType(_F64, 8), ir.VectorType(_F64, 4)
_FMA = "llvm.fma.v8f64"


class _Rows:
    """Emits instructions into one compiled function; ``args`` are the intrinsic's arguments."""

    def __init__(self, context: Any, builder: Any, signature: Any, args: Any) -> None:
        self.builder, self.args = builder, args
        self._data = [
            context.make_array(kind)(context, builder, value).data
            if isinstance(kind, types.Array)
            else None
            for kind, value in zip(signature.args, args, strict=True)
        ]

    # --- memory ---------------------------------------------------------------------------

    def number(self, argument: int, index: Any) -> Any:
        """Element ``index`` of an array argument."""
        return self.builder.load(self.builder.gep(self._data[argument], [_place(index)]))

    def load(self, argument: int, index: Any, kind: Any = _EIGHT) -> Any:
        return self.builder.load(self._at(argument, index, kind), align=8)

    def store(self, value: Any, argument: int, index: Any, kind: Any = _EIGHT) -> None:
        self.builder.store(value, self._at(argument, index, kind), align=8)

    def _at(self, argument: int, index: Any, kind: Any) -> Any:
        place = self.builder.gep(self._data[argument], [_place(index)])
        return self.builder.bitcast(place, kind.as_pointer())

    def plus(self, a: Any, b: Any) -> Any:
        return self.builder.add(a, _place(b))

    # --- arithmetic -----------------------------------------------------------------------

    def shuffle(self, a: Any, b: Any, order: Sequence[int]) -> Any:
        mask = ir.Constant(ir.VectorType(_I32, len(order)), list(order))
        return self.builder.shuffle_vector(a, b, mask)

    def splat(self, number: Any) -> Any:
        blank = ir.Constant(_EIGHT, ir.Undefined)
        one = self.builder.insert_element(blank, number, ir.Constant(_I32, 0))
        return self.shuffle(one, blank, [0] * LANES)

    def scaled(self, row: Any, argument: int, index: Any) -> Any:
        return self.builder.fmul(row, self.splat(self.number(argument, index)))

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a b + c in one rounding."""
        module = self.builder.module
        function = module.globals.get(_FMA) or ir.Function(
            module, ir.FunctionType(_EIGHT, [_EIGHT] * 3), _FMA
        )
        return self.builder.call(function, [a, b, c])

    def mapped(self, rows: list[Any], maps: int, at: Any, transposed: bool) -> list[Any]:
        """The map at ``at`` of array argument ``maps`` on the low letter, the next on the high."""
        rows = list(rows)
        low = [range(4 * q, 4 * q + 4) for q in range(4)]
        high = [range(p, ROWS, 4) for p in range(4)]
        for begin, groups in ((0, low), (12, high)):
            m = [self.splat(self.number(maps, self.plus(at, begin + k))) for k in range(12)]
            for group in groups:
                four = [rows[k] for k in group]
                turned = self._transposed_map(four, m) if transposed else self._map(four, m)
                for k, row in zip(group, turned, strict=True):
                    rows[k] = row
        return rows

    def _map(self, four: list[Any], m: list[Any]) -> list[Any]:
        result = [four[0]]
        for i in range(3):
            total = self.builder.fmul(m[4 * i], four[0])
            for j in range(1, 4):
                total = self.fma(m[4 * i + j], four[j], total)
            result.append(total)
        return result

    def _transposed_map(self, four: list[Any], m: list[Any]) -> list[Any]:
        result = []
        for j in range(4):
            total = self.builder.fmul(m[j], four[1]) if j else self.fma(m[0], four[1], four[0])
            for i in range(1, 3):
                total = self.fma(m[4 * i + j], four[i + 1], total)
            result.append(total)
        return result


def _place(index: Any) -> Any:
    return ir.Constant(_I64, index) if isinstance(index, int) else index


def _read(e: _Rows, low: int, vector: int, base: Any, aim: int) -> list[Any]:
    """The 16 rows of the tile at ``base`` of array argument ``vector``."""
    if low == 0:
        starts = [e.plus(base, e.number(aim, LANE + lane)) for lane in range(LANES)]
        rows = []
        for q in range(4):
            offset = e.number(aim, OFFSETS + 4 * q)
            letters = [e.load(vector, e.plus(start, offset), _FOUR) for start in starts]
            twos = [e.shuffle(letters[k], letters[k + 1], range(8)) for k in (0, 2, 4, 6)]
            fours = [e.shuffle(twos[0], twos[1], range(16)), e.shuffle(twos[2], twos[3], range(16))]
            first, second = fours
            rows += [
                e.shuffle(first, second, [p + 4 * lane for lane in range(LANES)]) for p in range(4)
            ]
        return rows
    starts = [e.plus(base, e.number(aim, OFFSETS + p)) for p in range(ROWS)]
    if low == 1:
        jump = e.number(aim, LANE + 4)
        halves = [
            (e.load(vector, start, _FOUR), e.load(vector, e.plus(start, jump), _FOUR))
            for start in starts
        ]
        return [e.shuffle(first, second, range(8)) for first, second in halves]
    return [e.load(vector, start) for start in starts]


def _write(
    e: _Rows, rows: list[Any], low: int, vector: int, base: Any, aim: int, offsets: int
) -> None:
    """Store 16 rows in the tile at ``base``; row p stands where aim[offsets + p] says."""
    if low == 0:
        starts = [e.plus(base, e.number(aim, LANE + lane)) for lane in range(LANES)]
        for q in range(4):
            offset = e.number(aim, offsets + 4 * q)
            first = e.shuffle(rows[4 * q], rows[4 * q + 1], range(16))
            second = e.shuffle(rows[4 * q + 2], rows[4 * q + 3], range(16))
            for lane, start in enumerate(starts):
                letters = e.shuffle(first, second, [lane, 8 + lane, 16 + lane, 24 + lane])
                e.store(letters, vector, e.plus(start, offset), _FOUR)
        return
    starts = [e.plus(base, e.number(aim, offsets + p)) for p in range(ROWS)]
    for row, start in zip(rows, starts, strict=True):
        if low == 1:
            jump = e.number(aim, LANE + 4)
            e.store(e.shuffle(row, row, range(4)), vector, start, _FOUR)
            e.store(e.shuffle(row, row, range(4, 8)), vector, e.plus(start, jump), _FOUR)
        else:
            e.store(row, vector, start)


def _to_tile(e: _Rows, rows: list[Any], scratch: int, tile: int, aim: int) -> None:
    """Store row p as the row of a tile in scratch whose number is aim[PLACES + p]."""
    for p, row in enumerate(rows):
        number = e.builder.shl(e.number(aim, PLACES + p), _place(3))
        e.store(row, scratch, e.plus(number, tile))


def _from_tile(e: _Rows, scratch: int, tile: int) -> list[Any]:
    return [e.load(scratch, tile + LANES * p) for p in range(ROWS)]


def _make(body: Callable[[_Rows], None]) -> Callable[..., Any]:
    """What an intrinsic returns: its signature, void, and the code that ``body`` emits."""

    def typed(*kinds: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            body(_Rows(context, builder, signature, args))
            return context.get_dummy_value()

        return types.void(*kinds), codegen

    return typed


def forward(low: int) -> Any:
    """``forward(vector, source, target, aim, factor, f, maps, m, scratch)``.

    Reads the tile at ``source``, applies the maps at ``m``, multiplies row p by factor[f + p], and
    writes it to the tile at ``target`` as aim's places say: in memory where ``low > 0``, else rows.
    """

    def body(e: _Rows) -> None:
        _, source, target, _, _, f, _, m, _ = e.args
        rows = e.mapped(_read(e, low, 0, source, 3), 6, m, transposed=False)
        rows = [e.scaled(row, 4, e.plus(f, p)) for p, row in enumerate(rows)]
        if low > 0:
            _write(e, rows, low, 0, target, 3, PLACES)
            return
        _to_tile(e, rows, 8, STATE, 3)
        _write(e, _from_tile(e, 8, STATE), low, 0, target, 3, OFFSETS)

    @intrinsic
    def function(tc, vector, source, target, aim, factor, f, maps, m, scratch):
        return _make(body)(vector, source, target, aim, factor, f, maps, m, scratch)

    return function


def fetch(low: int, tile: int, factors: int) -> Any:
    """``fetch(vector, base, aim, scratch)``: a tile to ``tile`` in scratch, scattered.

    Row p, times scratch[factors + p], becomes the row whose number is aim's place p.
    """

    def body(e: _Rows) -> None:
        rows = _read(e, low, 0, e.args[1], 2)
        rows = [e.scaled(row, 3, factors + p) for p, row in enumerate(rows)]
        _to_tile(e, rows, 3, tile, 2)

    @intrinsic
    def function(tc, vector, base, aim, scratch):
        return _make(body)(vector, base, aim, scratch)

    return function


def put(low: int, tile: int, transposed: bool) -> Any:
    """``put(vector, base, aim, maps, m, scratch)``: maps of ``tile`` in scratch, to memory.

    With ``transposed`` the maps are transposed.
    """

    def body(e: _Rows) -> None:
        rows = e.mapped(_from_tile(e, 5, tile), 3, e.args[4], transposed)
        _write(e, rows, low, 0, e.args[1], 2, OFFSETS)

    @intrinsic
    def function(tc, vector, base, aim, maps, m, scratch):
        return _make(body)(vector, base, aim, maps, m, scratch)

    return function


def _environment(e: _Rows) -> None:
    low = [range(4 * q, 4 * q + 4) for q in range(4)]
    high = [range(p, ROWS, 4) for p in range(4)]
    for begin, groups in ((TOTALS, low), (TOTALS + 12 * LANES, high)):
        totals = [e.load(0, begin + LANES * k) for k in range(12)]
        for group in groups:
            dual = [e.load(0, DUAL + LANES * k) for k in group]
            state = [e.load(0, STATE + LANES * k) for k in group]
            totals = [
                e.fma(dual[1 + k // 4], state[k % 4], total) for k, total in enumerate(totals)
            ]
        for k, total in enumerate(totals):
            e.store(total, 0, begin + LANES * k)


@intrinsic
def environment(tc, scratch):
    """``environment(scratch)``: adds sum_rest dual[i] state[j] of the two tiles to the totals.

    For the low letter in row 4 (i - 1) + j of the totals, i = 1..3 and j = 0..3; for the high
    letter 12 rows further.
    """
    return _make(_environment)(scratch)


def _add_lanes(e: _Rows) -> None:
    for k in range(24):
        row = e.load(0, TOTALS + LANES * k)
        for half in (4, 2, 1):
            row = e.builder.fadd(
                row, e.shuffle(row, row, [(i + half) % LANES for i in range(LANES)])
            )
        total = e.builder.extract_element(row, ir.Constant(_I32, 0))
        begin = e.args[2] if k < 12 else e.args[3]
        e.builder.store(total, e.builder.gep(e._data[1], [e.plus(begin, k % 12)]))


@intrinsic
def add_lanes(tc, scratch, result, low, high):
    """``add_lanes(scratch, result, low, high)``: the totals summed over lanes.

    Those of the low letter to the flat place ``low`` of result, of the high one to ``high``.
    """
    return _make(_add_lanes)(scratch, result, low, high)
