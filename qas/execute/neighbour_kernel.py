"""Every circuit one gate away, from one forward and one reverse sweep, compiled.

The reverse sweep stops at the cut behind each two-qubit gate, and at the start. There it reads the
environment of each wire and of each pair of wires that the gate touched, and walks with it along
the gates that follow, until the next two-qubit gate on these wires: every place for a child on
them is passed once. A child that shares no wire with a gate is the same circuit before and after
it; such places are copies, and ``fresh`` marks the others.

For what replaces a two-qubit gate, or is left where it is deleted, the state behind the gate is
exchanged for the one without it.

Time proportional to D w V for D two-qubit gates on wires with w pairs each and vectors of V
numbers, plus some hundred operations for every fresh place and child; memory of
8 (D + n/2 + 3) V bytes.
"""

from __future__ import annotations

from collections import namedtuple

from qas.compiled import compiled, inlined, part
from qas.execute import affine, environment, pauli_kernel
from qas.execute.pauli_vector import dot, forward

_run, _undo_pass, _begin_reverse = (
    pauli_kernel.run,
    pauli_kernel.undo_pass,
    pauli_kernel.begin_reverse,
)
_of_pair, _of_wire = environment.of_pair, environment.of_wire
_undo_wire, _undo_low, _undo_high = (
    environment.undo_wire,
    environment.undo_low,
    environment.undo_high,
)
_put_wire, _put_low, _put_high = environment.put_wire, environment.put_low, environment.put_high
_trace, _rotation, _lowest = environment.trace, environment.rotation, environment.lowest
_with_map, _with_channel = environment.with_map, environment.with_channel
_rotate, _compose, _invert = affine.rotate, affine.compose, affine.invert
_set_identity, _copy = affine.set_identity, affine.copy

Children = namedtuple("Children", "gates on_wire pairs on_pair entry weight")
"""The gates that are tried.

- gates, shape (C, 3): as in `qas.circuit.Population`.
- on_wire, shape (n, most): numbers of the one-qubit ones by wire, then -1.
- pairs, shape (K, 2), the lower wire first; on_pair, shape (K, most): the two-qubit ones by pair.
- entry, weight, shape (rows, most): the entries 16 i + j of the two-qubit channels that are not
  zero, by row of `Channels`, noise included, index p_low + 4 p_high; entries end with -1.
"""

Scores = namedtuple(
    "Scores", "insertion insertion_angle fresh replacement replacement_angle deletion"
)
"""Energies of the neighbours of a circuit of G gates, written.

- insertion, insertion_angle, fresh, shape (G + 1, C): child c before gate g, at its best angle.
- replacement, replacement_angle, shape (G, C): child c in place of gate g; infinite where the child
  shares no wire with a one-qubit gate g.
- deletion, shape (G,).
"""

Cuts = namedtuple("Cuts", "pair wire maps")
"""Work arrays: environments of a pair, (272,), and a wire, (16,), and maps, (4, 12)."""
_PREFIX, _PREFIX_INVERSE, _STEP, _STEP_INVERSE = range(4)  # rows of Cuts.maps


@inlined
def _touches(gates, g, wire):
    return gates[g, 1] == wire or gates[g, 2] == wire


@inlined
def _set_step(channels, gates, clock, g, maps):
    """The map of one-qubit gate g, and its inverse; ``clock`` is that of the kernel's work."""
    code, a = gates[g, 0], gates[g, 1]
    if code < 3:
        _set_identity(maps, _STEP)
        _rotate(maps, _STEP, code, clock[g, 2], clock[g, 3])
        _set_identity(maps, _STEP_INVERSE)
        _rotate(maps, _STEP_INVERSE, code, clock[g, 2], -clock[g, 3])
    else:
        row = channels.row[code, a, a]
        _copy(channels.one[row], 0, maps, _STEP)
        _copy(channels.one[row], 1, maps, _STEP_INVERSE)


@part
def _set_prefix(channels, gates, clock, cut, wire, maps):
    """The map of a wire's run up to and with gate ``cut``, and its inverse."""
    begin = cut
    while begin >= 0 and not (_touches(gates, begin, wire) and gates[begin, 2] >= 0):
        begin -= 1
    _set_identity(maps, _PREFIX)
    if begin >= 0:
        code, a, b = gates[begin, 0], gates[begin, 1], gates[begin, 2]
        after = channels.after[channels.row[code, a, b]]
        _copy(after, 0 if wire == min(a, b) else 1, maps, _PREFIX)
    for g in range(begin + 1, cut + 1):
        if gates[g, 1] == wire:
            if gates[g, 0] < 3:
                _rotate(maps, _PREFIX, gates[g, 0], clock[g, 2], clock[g, 3])
            else:
                _compose(channels.one, channels.row[gates[g, 0], wire, wire], maps, _PREFIX)
    _invert(maps, _PREFIX, maps, _PREFIX_INVERSE)


@inlined
def _undo_behind(e, is_low, inverse, r):
    if is_low:
        _undo_low(e, inverse, r)
    else:
        _undo_high(e, inverse, r)


@inlined
def _put_before(e, is_low, m, r):
    if is_low:
        _put_low(e, m, r)
    else:
        _put_high(e, m, r)


@part
def _read_wire(channels, gates, cut, wire, begin, work, cuts):
    """cuts.wire = environment of a wire behind gate ``cut``, the state there being at ``begin``."""
    _of_wire(work.dual, work.states, begin, len(work.dual), wire, cuts.wire)
    _set_prefix(channels, gates, work.clock, cut, wire, cuts.maps)
    _undo_wire(cuts.wire, cuts.maps, _PREFIX_INVERSE)
    _put_wire(cuts.wire, cuts.maps, _PREFIX)


@part
def read_pair(channels, gates, cut, low, high, begin, work, cuts):
    """cuts.pair = environment of two wires behind gate ``cut``, the state being at ``begin``."""
    _of_pair(work.dual, work.states, begin, len(work.dual), low, high, cuts.pair)
    for wire in (low, high):
        _set_prefix(channels, gates, work.clock, cut, wire, cuts.maps)
        _undo_behind(cuts.pair, wire == low, cuts.maps, _PREFIX_INVERSE)
        _put_before(cuts.pair, wire == low, cuts.maps, _PREFIX)


@inlined
def _score_wire(channels, children, wire, e, energies, angles, at):
    """Energies of the one-qubit children on a wire, for its environment, into row ``at``."""
    for k in range(children.on_wire.shape[1]):
        c = children.on_wire[wire, k]
        if c < 0:
            break
        code = children.gates[c, 0]
        if code < 3:
            a, cosine, sine = _rotation(e, code)
            energies[at, c], angles[at, c] = _lowest(a, cosine, sine)
        else:
            energies[at, c] = _with_map(e, channels.one[channels.row[code, wire, wire]], 0)


@inlined
def _score_pair(channels, children, k, e, energies, at):
    """Energies of the two-qubit children on pair k, for its environment, into row ``at``."""
    for m in range(children.on_pair.shape[1]):
        c = children.on_pair[k, m]
        if c < 0:
            break
        row = channels.row[children.gates[c, 0], children.gates[c, 1], children.gates[c, 2]]
        energies[at, c] = _with_channel(e, children.entry, children.weight, row)


@inlined
def _mark(listed, k, at, scores, fresh):
    """Mark the children of row k of ``listed`` as fresh at a place, or copy the place before."""
    for m in range(listed.shape[1]):
        c = listed[k, m]
        if c < 0:
            break
        scores.fresh[at, c] = fresh
        if not fresh:
            scores.insertion[at, c] = scores.insertion[at - 1, c]
            scores.insertion_angle[at, c] = scores.insertion_angle[at - 1, c]


@inlined
def _walk_wire(channels, children, gates, clock, n_gates, cut, wire, edits, scores, cuts):
    """Score the children on a wire from the cut behind gate ``cut`` to its next two-qubit gate."""
    e, maps = cuts.wire, cuts.maps
    _score_wire(channels, children, wire, e, scores.insertion, scores.insertion_angle, cut + 1)
    _mark(children.on_wire, wire, cut + 1, scores, True)
    for g in range(cut + 1, n_gates):
        if not _touches(gates, g, wire):
            _mark(children.on_wire, wire, g + 1, scores, False)
            continue
        if gates[g, 2] >= 0:
            break
        _set_step(channels, gates, clock, g, maps)
        _undo_wire(e, maps, _STEP_INVERSE)
        if edits:
            scores.deletion[g] = _trace(e, 4)
            _score_wire(
                channels, children, wire, e, scores.replacement, scores.replacement_angle, g
            )
        _put_wire(e, maps, _STEP)
        _score_wire(channels, children, wire, e, scores.insertion, scores.insertion_angle, g + 1)
        _mark(children.on_wire, wire, g + 1, scores, True)


@inlined
def _walk_pair(channels, children, gates, clock, n_gates, cut, k, edits, scores, cuts):
    """The same for the children on pair k."""
    e, maps = cuts.pair, cuts.maps
    low, high = children.pairs[k, 0], children.pairs[k, 1]
    _score_pair(channels, children, k, e, scores.insertion, cut + 1)
    _mark(children.on_pair, k, cut + 1, scores, True)
    for g in range(cut + 1, n_gates):
        if not (_touches(gates, g, low) or _touches(gates, g, high)):
            _mark(children.on_pair, k, g + 1, scores, False)
            continue
        if gates[g, 2] >= 0:
            break
        is_low = gates[g, 1] == low
        _set_step(channels, gates, clock, g, maps)
        _undo_behind(e, is_low, maps, _STEP_INVERSE)
        if edits:
            _score_pair(channels, children, k, e, scores.replacement, g)
        _put_before(e, is_low, maps, _STEP)
        _score_pair(channels, children, k, e, scores.insertion, g + 1)
        _mark(children.on_pair, k, g + 1, scores, True)


@inlined
def _insert(channels, children, gates, n_gates, cut, at, edits, work, scores, cuts):
    """Walk from the cut behind gate ``cut`` (-1: the start) along every wire that it touched."""
    length, clock = len(work.dual), work.clock
    for wire in range(channels.n_qubits):
        if cut < 0 or _touches(gates, cut, wire):
            _read_wire(channels, gates, cut, wire, at * length, work, cuts)
            _walk_wire(channels, children, gates, clock, n_gates, cut, wire, edits, scores, cuts)
    for k in range(len(children.pairs)):
        low, high = children.pairs[k, 0], children.pairs[k, 1]
        if cut < 0 or _touches(gates, cut, low) or _touches(gates, cut, high):
            read_pair(channels, gates, cut, low, high, at * length, work, cuts)
            _walk_pair(channels, children, gates, clock, n_gates, cut, k, edits, scores, cuts)


@part
def _replace(channels, children, gates, cut, at, work, scores, cuts):
    """Leave out the two-qubit gate ``cut``, whose pass begins at state ``at``; try all children."""
    length, spare = len(work.dual), len(work.maps) - 1
    code, a, b = gates[cut, 0], gates[cut, 1], gates[cut, 2]
    low, high, row = min(a, b), max(a, b), channels.row[code, a, b]
    for letter in range(2):
        _copy(work.maps[at], letter, work.maps[spare], letter)
        _compose(
            channels.after[row : row + 1, 2 + letter : 3 + letter], 0, work.maps[spare], letter
        )
    gap = (spare + 1) * length
    forward(
        work.states, at * length, gap, length, low, high, work.maps, spare, channels.place,
        channels.factor, len(channels.place) - 1, work.aim, work.scratch,
    )  # fmt: skip
    scores.deletion[cut] = dot(work.dual, work.states, gap)
    for wire in range(channels.n_qubits):
        _read_wire(channels, gates, cut, wire, gap, work, cuts)
        _score_wire(
            channels, children, wire, cuts.wire, scores.replacement, scores.replacement_angle, cut
        )
    for k in range(len(children.pairs)):
        low, high = children.pairs[k, 0], children.pairs[k, 1]
        read_pair(channels, gates, cut, low, high, gap, work, cuts)
        _score_pair(channels, children, k, cuts.pair, scores.replacement, cut)


@part
def neighbours(channels, observable, children, gates, angles, edits, scores, work, cuts):
    """Scores of every neighbour of one circuit; returns its own value.

    Args:
        channels, observable, gates, angles: as in `qas.execute.pauli_kernel.value_and_slopes`.
        children: what is tried.
        edits: whether deletions and replacements are scored as well as insertions.
        scores: written.
        work: of one pass more than the circuit has, states kept.
        cuts: work arrays.
    """
    n_gates = 0
    while n_gates < len(gates) and gates[n_gates, 0] >= 0:
        n_gates += 1
    for g in range(n_gates):
        for c in range(scores.replacement.shape[1]):
            scores.replacement[g, c] = float("inf")
    at = _run(channels, gates, angles, work)
    value = dot(observable, work.states, at * len(observable))
    at = _begin_reverse(channels, observable, work, at)
    for g in range(n_gates - 1, -2, -1):
        if g >= 0 and gates[g, 2] < 0:
            continue
        _insert(channels, children, gates, n_gates, g, at, edits, work, scores, cuts)
        if g >= 0:
            a, b = gates[g, 1], gates[g, 2]
            row = channels.row[gates[g, 0], a, b]
            before = at - 2 if channels.place[row, 0] < 0 else at - 1
            if edits:
                _replace(channels, children, gates, g, before, work, scores, cuts)
            at = _undo_pass(channels, work, at, min(a, b), max(a, b), row)
    return value


@compiled
def sweep(channels, observable, children, gates, angles, edits, scores, work, cuts):
    """Scores of every neighbour of many circuits: `neighbours` with one axis more in front."""
    for b in range(len(gates)):
        own = Scores(
            scores.insertion[b], scores.insertion_angle[b], scores.fresh[b],
            scores.replacement[b], scores.replacement_angle[b], scores.deletion[b],
        )  # fmt: skip
        neighbours(channels, observable, children, gates[b], angles[b], edits, own, work, cuts)
