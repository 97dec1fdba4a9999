"""Words as parameters."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from qas import load_device, load_task
from qas.problem import SPACES, Limits, Problem, Space
from search.strategy.encoding import (
    Choice,
    Embedded,
    Encoding,
    Keys,
    Letters,
    Params,
    Tokens,
    n_slots,
    spelled,
)

ENCODINGS: tuple[Callable[[Space], Encoding], ...] = (Tokens, Letters, Keys, Embedded)
PROBLEMS = {
    "line": Problem.of(load_task("h2-4"), load_device("FakeManilaV2")),
    "all": Problem.of(load_task("h2-3"), load_device("ideal", n_qubits=3)),
    "tight": Problem.of(load_task("h2"), load_device("FakeManilaV2"), limits=Limits(4, 1)),
}
every_encoding = pytest.mark.parametrize("make", ENCODINGS)
every_space = pytest.mark.parametrize("space", SPACES)
every_problem = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


def drawn(choice: Choice, rng: np.random.Generator) -> Params:
    """A choice drawn evenly."""
    found: Params = {}
    for name, own in choice.distributions.items():
        if hasattr(own, "choices"):
            found[name] = own.choices[int(rng.integers(len(own.choices)))]
        elif isinstance(own.low, int):
            found[name] = int(rng.integers(own.low, own.high + 1))
        else:
            found[name] = float(rng.choice([0.0, 1.0, rng.random()]))
    return found


@every_problem
@every_space
@every_encoding
def test_every_choice_reads_as_a_legal_word_on_a_layout_that_couples_it(
    make: Callable[[Space], Encoding], space: str, problem: Problem
) -> None:
    own, rng = Space.of(problem, space), np.random.default_rng(1)
    choice, lengths = Choice(own, make(own)), set()
    for _ in range(100):
        word, layout = choice.read(drawn(choice, rng))
        assert own.is_legal(word)
        assert layout in own.layouts(word)
        assert problem.fits(own.circuit(word), problem.layouts[layout])
        lengths.add(len(word))
    assert len(lengths) > 1 or own.longest == 0


@every_problem
@every_space
@pytest.mark.parametrize("make", [Tokens, Letters, Keys])
def test_what_spells_a_word_reads_as_it(
    make: Callable[[Space], Encoding], space: str, problem: Problem
) -> None:
    own, rng = Space.of(problem, space), np.random.default_rng(2)
    choice = Choice(own, make(own))
    for length in range(n_slots(own) + 1):
        layout = int(rng.integers(len(problem.layouts)))
        word = own.random_word(length, rng, layout)
        params = choice.params(word, layout)
        assert params is not None
        assert params.keys() == choice.distributions.keys()
        assert choice.read(params) == (word, layout)
        for name, distribution in choice.distributions.items():
            assert distribution._contains(distribution.to_internal_repr(params[name]))


@every_space
def test_the_layout_asked_for_is_taken_where_it_couples_the_word(space: str) -> None:
    problem = PROBLEMS["line"]
    own = Space.of(problem, space)
    choice, word = Choice(own, Tokens(own)), own.random_word(4, np.random.default_rng(0))
    params = choice.params(word, 0)
    assert params is not None
    taken = {choice.read({**params, "layout": k})[1] for k in range(len(problem.layouts))}
    assert taken == set(own.layouts(word))


def test_the_best_calibrated_layout_stands_in_for_one_that_does_not_fit() -> None:
    problem = PROBLEMS["line"]
    own = Space.of(problem, "blocks")
    for letter in range(len(own)):
        misfits = set(range(len(problem.layouts))) - set(own.layouts((letter,)))
        params = Choice(own, Tokens(own)).params((letter,), 0)
        assert params is not None
        for layout in misfits:
            read = Choice(own, Tokens(own)).read({**params, "layout": layout})
            assert read == ((letter,), own.layouts((letter,))[0])


@every_space
def test_neighbours_in_the_row_share_wires(space: str) -> None:
    own = Space.of(Problem.of(load_task("h2-4"), load_device("ideal", n_qubits=4)), space)
    row = Keys(own).row
    assert sorted(row) == list(range(len(own)))
    shared = [len(own.wires[a] & own.wires[b]) for a, b in pairwise(row)]
    by_chance = [len(x & y) for x in own.wires for y in own.wires if x is not y]
    assert np.mean(shared) > 1.2 * np.mean(by_chance)


def test_embeddings_of_other_seeds_spell_other_words() -> None:
    own = Space.of(PROBLEMS["all"], "blocks")
    rng = np.random.default_rng(3)
    choices = [drawn(Choice(own, Embedded(own)), rng) for _ in range(20)]
    one, again, other = (
        [Embedded(own, seed=seed).word(params) for params in choices] for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_letters_that_may_not_come_next_are_left_out() -> None:
    own = Space.of(PROBLEMS["all"], "blocks")
    assert spelled(own, [0, 0, 0, 0]) == (0, 0)
    assert len(spelled(own, list(range(len(own))) * 40)) <= own.longest
