"""Skeletons up to symmetry: the list against every sequence there is, and against energies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, product

import numpy as np
import pytest

from qas import load_task
from qas.errors import InputError
from qas.execute import ExactSimulator, Limits
from qas.problem.certificate.skeleton_class import (
    SkeletonClasses,
    TooMany,
    skeleton_classes,
    trace_count,
)
from qas.problem.certificate.symmetry import symmetries
from qas.problem.wiring import Pair, Wiring
from qas.task import Observable

Word = tuple[Pair, ...]
FINE = Limits(500, 1e-13, 1e-9)
WIRINGS = {
    "all": Wiring(4, tuple(combinations(range(4), 2))),
    "line": Wiring(4, ((0, 1), (1, 2), (2, 3))),
    "star": Wiring(4, ((0, 1), (0, 2), (0, 3))),
    "triangle": Wiring(3, ((0, 1), (0, 2), (1, 2))),
    "on a line": Wiring(4, tuple(combinations(range(4), 2)), host=((0, 1), (1, 2), (2, 3))),
}
GROUPS = {
    "none": ((0, 1, 2, 3),),
    "mirror": ((0, 1, 2, 3), (3, 2, 1, 0)),
    "turns": ((0, 1, 2, 3), (0, 2, 3, 1), (0, 3, 1, 2)),
}
CASES = [
    ("all", "none"),
    ("all", "mirror"),
    ("all", "turns"),
    ("line", "none"),
    ("line", "mirror"),
    ("star", "turns"),
    ("triangle", "none"),
    ("on a line", "none"),
    ("on a line", "mirror"),
]

# --- the slow, obvious twin ----------------------------------------------------------------


def orders(word: Word) -> frozenset[Word]:
    """All orders that exchanging neighbours on disjoint pairs leads to."""
    found, waiting = {word}, [word]
    while waiting:
        one = waiting.pop()
        for k in range(len(one) - 1):
            if not set(one[k]) & set(one[k + 1]):
                other = (*one[:k], one[k + 1], one[k], *one[k + 2 :])
                if other not in found:
                    found.add(other)
                    waiting.append(other)
    return frozenset(found)


def repeats(word: Word, swappable: set[Pair]) -> bool:
    """Whether some pair comes in a row too often, by what each wire saw last."""
    last: dict[int, tuple[Pair, int, int]] = {}  # the letter, how often in a row, its limit
    for pair in word:
        before = [last.get(q) for q in pair]
        if before[0] is not None and before[0] == before[1]:
            count, most = before[0][1] + 1, before[0][2]
        else:
            count, used = 1, sum(one is not None for one in before)
            most = (1, 2, 2 if pair in swappable else 3)[used]
        if count > most:
            return True
        for q in pair:
            last[q] = pair, count, most
    return False


def renamed(word: Word, names: Sequence[int]) -> Word:
    return tuple((min(names[a], names[b]), max(names[a], names[b])) for a, b in word)


def every_class(
    wiring: Wiring, n_cx: int, group: Sequence[Sequence[int]]
) -> tuple[set[frozenset[Word]], set[frozenset[frozenset[Word]]]]:
    """All traces without useless repeats, and their orbits, by listing every sequence."""
    complete = wiring in (WIRINGS["all"], WIRINGS["triangle"])  # in the others no swap has room
    swappable = set(wiring.pairs) if complete else set()
    traces = {
        orders(word)
        for word in product(wiring.pairs, repeat=n_cx)
        if wiring.fits(set(word)) and not repeats(word, swappable)
    }
    orbits = {frozenset(orders(renamed(min(trace), names)) for names in group) for trace in traces}
    return traces, orbits


@pytest.mark.parametrize(("shape", "symmetry"), CASES)
@pytest.mark.parametrize("n_cx", range(6))
def test_the_list_is_that_of_all_sequences(shape: str, symmetry: str, n_cx: int) -> None:
    wiring, group = WIRINGS[shape], GROUPS[symmetry]
    if n_cx == 5 and len(wiring.pairs) > 3:
        n_cx = 4  # 7,776 sequences with all their orders are slow to list
    if wiring.n_qubits == 3:
        group = ((0, 1, 2),)
    traces, orbits = every_class(wiring, n_cx, group)
    found = skeleton_classes(wiring, n_cx, group)
    listed = [found.skeleton(row) for row in range(len(found))]
    assert found.n_skeletons == len(traces)
    assert {frozenset(orders(renamed(w, g)) for g in group) for w in listed} == orbits
    assert len(listed) == len(orbits)
    sizes = {frozenset(orbit): len(orbit) for orbit in orbits}
    for word, size in zip(listed, found.sizes.tolist(), strict=True):
        assert sizes[frozenset(orders(renamed(word, g)) for g in group)] == size


@pytest.mark.parametrize("shape", ["all", "line", "star", "triangle"])
@pytest.mark.parametrize("n_cx", range(5))
def test_the_count_of_traces_is_right(shape: str, n_cx: int) -> None:
    words = product(WIRINGS[shape].pairs, repeat=n_cx)
    assert trace_count(WIRINGS[shape], n_cx) == len({orders(word) for word in words})


def test_six_qubits_have_the_counts_that_another_program_found() -> None:
    """By plain loops over tuples, with the same rules."""
    wiring = Wiring(6, tuple(combinations(range(6), 2)))
    counts = [skeleton_classes(wiring, k).n_skeletons for k in range(1, 6)]
    assert counts == [15, 165, 1815, 19950, 218910]
    assert [trace_count(wiring, k) for k in range(1, 6)] == [15, 180, 2040, 22725, 251775]


# --- energies ------------------------------------------------------------------------------


def real_observable(n_qubits: int, seed: int) -> Observable:
    """A random sum of Pauli strings with an even number of Y."""
    rng = np.random.default_rng(seed)
    strings = ["".join(rng.choice(list("IXYZ"), n_qubits)) for _ in range(60)]
    kept = sorted({p for p in strings if p.count("Y") % 2 == 0})
    return Observable.of(kept, rng.normal(size=len(kept)))


def lowest(n_qubits: int, words: Sequence[Word], observable: Observable, starts: int) -> np.ndarray:
    """The lowest energy of each word of one length, shape (n_words,)."""
    pairs = tuple(combinations(range(n_qubits), 2))
    letters = np.array([[pairs.index(p) for p in word] for word in words], dtype=np.int16)
    letters = letters.reshape(len(words), -1)
    listed = SkeletonClasses(Wiring(n_qubits, pairs), letters, np.ones(len(words), dtype=np.int64))
    each = np.repeat(np.arange(len(words)), starts)
    shape = len(each), n_qubits + 2 * letters.shape[1]
    angles = np.random.default_rng(5).uniform(-np.pi, np.pi, shape)
    population = listed.population(each, angles)
    found = ExactSimulator().minimise_population(population, observable, FINE)
    energies: np.ndarray = found.energy.reshape(len(words), starts).min(axis=1)
    return energies


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("shape", "n_cx"), [("triangle", 4), ("line", 4), ("star", 4), ("on a line", 2)]
)
def test_no_sequence_of_as_many_or_fewer_gets_lower_than_the_list(
    shape: str, n_cx: int, seed: int
) -> None:
    """What is left out is left out with reason."""
    wiring = WIRINGS[shape]
    n, observable = wiring.n_qubits, real_observable(wiring.n_qubits, seed)
    found = skeleton_classes(wiring, n_cx)
    listed = lowest(n, [found.skeleton(k) for k in range(len(found))], observable, 40)
    for k in range(n_cx + 1):
        words = [w for w in product(wiring.pairs, repeat=k) if wiring.fits(set(w))]
        assert listed.min() <= lowest(n, words, observable, 6).min() + 1e-7


A, B, C = (0, 1), (1, 2), (2, 3)
SAME: dict[str, tuple[Word, Word]] = {
    "four are two": ((B, C, A, *[B] * 4, A), (B, C, A, B, B, A)),
    "three are two with the swap in front": ((A, B, B, B, C), ((0, 2), B, B, C)),
    "three are two on a fresh qubit": ((A, B, B, B), (A, B, B)),
    "two are one on fresh qubits": ((A, A, B, C), (A, B, C)),
    "disjoint pairs commute": ((B, A, C, B), (B, C, A, B)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", SAME)
def test_skeletons_that_are_taken_for_equal_have_equal_optima(case: str, seed: int) -> None:
    left, right = SAME[case]
    observable = real_observable(4, seed)
    energies = [lowest(4, [word], observable, 100)[0] for word in (left, right)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-7)


def test_a_repeat_that_is_kept_may_bring_something() -> None:
    """Two on used qubits beat one, three beat two where the swap has no room."""
    gains = {"two": 0, "three": 0}
    for seed in range(6):
        observable = real_observable(4, seed)
        one, two = (lowest(4, [(A, C, *[B] * k, A)], observable, 60)[0] for k in (1, 2))
        gains["two"] += two < one - 1e-4
        two, three = (lowest(4, [(A, C, *[B] * k)], observable, 60)[0] for k in (2, 3))
        gains["three"] += three < two - 1e-4
    assert gains["two"] > 0
    assert gains["three"] > 0


@pytest.mark.parametrize("task", ["h2-4", "lih-4-2.2"])
def test_all_skeletons_of_a_class_have_the_same_optimum(task: str) -> None:
    """Relabelled by every symmetry, those with signs (LiH) included."""
    observable, rng = load_task(task).observable, np.random.default_rng(3)
    group = symmetries(observable, WIRINGS["all"])
    assert len(group) == 2
    found = skeleton_classes(WIRINGS["all"], 3, group)
    words = [found.skeleton(k) for k in rng.choice(len(found), 12, replace=False)]
    other = [tuple(rng.permutation(sorted(orders(renamed(w, group[1]))))[0]) for w in words]
    other = [tuple((int(a), int(b)) for a, b in word) for word in other]
    energies = [lowest(4, some, observable, 60) for some in (words, other)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-8)


@pytest.mark.parametrize("n_qubits", [1, 2])
def test_small_circuits_need_no_long_skeletons(n_qubits: int) -> None:
    wiring = Wiring(n_qubits, tuple(combinations(range(n_qubits), 2)))
    found = [skeleton_classes(wiring, k) for k in range(4)]
    assert [len(one) for one in found] == ([1, 0, 0, 0] if n_qubits == 1 else [1, 1, 0, 0])
    assert [one.n_cx for one in found] == [0, 1, 2, 3]


def test_what_cannot_be_listed_is_refused() -> None:
    with pytest.raises(InputError, match="0 or more"):
        skeleton_classes(WIRINGS["line"], -1)
    with pytest.raises(TooMany, match="more than 10 classes"):
        skeleton_classes(WIRINGS["all"], 4, most=10)
