"""Constraints: what they read, what they admit, and that growth respects them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qas import Circuit, load_device, load_task
from qas.device.schedule import duration
from qas.errors import InputError
from qas.problem import Candidate, Limits, Problem
from qas.problem.constraint import Constraints, parse_seconds

NUMBERS = st.none() | st.integers(0, 10**6)


@given(NUMBERS, NUMBERS, st.none() | st.integers(1, 10**9))
def test_text_comes_back(pairs: int | None, depth: int | None, nanoseconds: int | None) -> None:
    seconds = None if nanoseconds is None else nanoseconds / 10**9
    made = Constraints(pairs, depth, seconds)
    again = Constraints.parse(str(made))
    assert (again.two_qubit_gates, again.depth) == (pairs, depth)
    assert (again.duration is None) == (seconds is None)
    assert again.duration is None or again.duration == pytest.approx(seconds, rel=1e-8)
    assert bool(made) == bool(str(made))
    assert Constraints(**made.to_dict()) == made


@pytest.mark.parametrize(
    "text",
    ["cx<8", "cx<=", "cx<=x", "cx<=-1", "cx<=2.5", "cx<=1,cz<=2", "gates<=5", "duration<=5", "8",
     "duration<=us", "duration<=0us", "duration<=-1us", "depth<=1e400", "duration<=1e400s"],
)  # fmt: skip
def test_bad_texts_teach(text: str) -> None:
    with pytest.raises(InputError):
        Constraints.parse(text)


@pytest.mark.parametrize("bad", [{"depth": -1}, {"depth": True}, {"depth": 1.5}, {"duration": 0.0},
                                 {"duration": float("nan")}, {"two_qubit_gates": -2}])  # fmt: skip
def test_bad_values_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match="at most"):
        Constraints(**bad)  # type: ignore[arg-type]


def test_units() -> None:
    assert parse_seconds("5us") == parse_seconds("5 µs") == parse_seconds("5000ns") == 5e-6
    assert parse_seconds("2ms") == parse_seconds("0.002s") == 2e-3


def test_a_bound_at_the_value_admits_and_one_below_does_not() -> None:
    patch = load_device("FakeManilaV2").patch([1, 2, 3])
    native = patch.lower(Circuit(3).then("h", 0).then("cx", 0, 1).then("cx", 1, 2).then("ry", 2))
    values = {"two_qubit_gates": 2, "depth": native.depth, "duration": duration(native, patch)}
    for name, value in values.items():
        assert Constraints(**{name: value}).admit(native, patch)
        tight = Constraints(**{name: value - 1 if isinstance(value, int) else 0.9 * value})
        assert list(tight.excess(native, patch)) == [name]
        assert tight.excess(native, patch)[name] > 0
    assert Constraints().admit(native, patch)


def test_growth_never_passes_the_limit() -> None:
    """The lower one of the usual limit and the constraint; the sweep offers no further pair."""
    task, device = load_task("h2-3"), load_device("FakeManilaV2")
    problem = Problem.of(task, device, constraints=Constraints(two_qubit_gates=1))
    assert problem.limits == Limits(30, 1)
    assert Problem.of(task, device, constraints=Constraints(99)).limits == Limits.for_qubits(3)
    layout = next(x for x in problem.layouts if problem.fits(Circuit(3).then("cx", 0, 1), x))
    candidate = Candidate(Circuit(3).then("ry", 0).then("cx", 0, 1), layout)
    trial = problem.score(candidate, problem.meter(None), start=[0.1])
    offered = problem.insertions(trial, problem.meter(None))
    children = [offered.child(k)[0] for k in range(0, len(offered), 7)]
    assert children
    assert all(child.two_qubit_gates == 1 for child in children)
    free = Problem.of(task, device)
    assert len(free.insertions(trial, free.meter(None))) > len(offered)
