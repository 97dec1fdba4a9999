"""Exit codes, and signals that arrive at the worst moment."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from qas import Circuit, ExactSimulator, Observable
from qas.errors import InputError
from search.cli.guard import Stopped, guarded

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
every_signal = pytest.mark.parametrize("number", CODES)


@contextmanager
def ended(code: int, folder: object = None) -> Iterator[None]:
    """What runs inside is stopped with this exit code."""
    with pytest.raises(SystemExit) as end, guarded(folder):
        yield
    assert end.value.code == code


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("both are wrong"), 2),
        (OSError(28, "No space left on device"), 1),
        (FloatingPointError("step 3 measured nan"), 1),
        (BrokenPipeError(), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_a_line_and_a_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, guarded("folder"):
        raise error
    assert end.value.code == code
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == (not isinstance(error, BrokenPipeError))


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(ZeroDivisionError), guarded():
        _ = 1 // 0


@every_signal
def test_a_signal_stops_and_names_the_way_on(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    with ended(CODES[number], Path("runs/h2")):
        send(number)
        time.sleep(5)
    assert "go on with: qas resume runs/h2" in capsys.readouterr().err
    assert signal.getsignal(number) == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@every_signal
def test_a_stop_that_is_swallowed_is_asked_for_again(number: signal.Signals) -> None:
    started = time.monotonic()
    with ended(CODES[number]):
        try:
            send(number)
            time.sleep(0.2)
        except Stopped:
            pass
        while time.monotonic() - started < 20:
            time.sleep(0.01)


@every_signal
def test_a_stop_that_comes_out_as_another_error_is_a_stop(number: signal.Signals) -> None:
    with ended(CODES[number]):
        try:
            send(number)
            time.sleep(0.2)
        except Stopped:
            raise SystemError("returned a result with an exception set") from None


def test_tidying_up_is_not_interrupted() -> None:
    tidied = False
    with ended(143):
        try:
            send(signal.SIGTERM)
            time.sleep(5)
        finally:
            time.sleep(1.2)
            tidied = True
    assert tidied


def test_a_second_signal_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended(BaseException):
        pass

    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr("os._exit", end)

    def stopped_twice() -> None:
        with guarded():
            try:
                send(signal.SIGTERM)
                time.sleep(5)
            finally:
                send(signal.SIGINT)
                time.sleep(5)

    with pytest.raises(Ended, match="130"):
        stopped_twice()


def test_signals_in_the_middle_of_compiled_kernels_are_never_lost() -> None:
    """A kernel that is reading its arguments turns an exception into a SystemError."""
    circuit = Circuit(2).then("ry", 0).then("cx", 0, 1)
    zz, simulator, rng = Observable.of(["ZZ"], [1.0]), ExactSimulator(), np.random.default_rng(1)
    simulator.value_and_grad(circuit, zz, [0.3])
    for _ in range(30):
        timer = threading.Timer(float(rng.uniform(0.001, 0.02)), send, [signal.SIGINT])
        started = time.monotonic()
        with ended(130):
            timer.start()
            while time.monotonic() - started < 20:
                simulator.value_and_grad(circuit, zz, [0.3])
        timer.join()
