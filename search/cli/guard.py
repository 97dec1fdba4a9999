"""Exit codes: 0 done, 1 failed, 2 wrong usage, 130 and 143 stopped with everything kept."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from qas.errors import InputError

REPEAT = 0.5
"""Seconds after which a stop that got lost is asked for again."""
KEPT = "everything finished is kept"


class Stopped(BaseException):
    """SIGINT or SIGTERM arrived."""


class Stop:
    """While open, SIGINT and SIGTERM raise `Stopped`; a second one ends the process at once.

    A compiled kernel that is just reading its arguments swallows an exception, or turns it
    into a SystemError: so it is raised again until something unwinds, and ``number`` tells
    what any exception was about.
    """

    number: int | None = None
    """The signal that came."""

    def __enter__(self) -> Stop:
        handlers = {
            signal.SIGINT: self._ask,
            signal.SIGTERM: self._ask,
            signal.SIGALRM: self._ask_again,
        }
        self._before = {number: signal.signal(number, handler)
                        for number, handler in handlers.items()}  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            _leave(128 + number)
        self.number = number
        signal.setitimer(signal.ITIMER_REAL, REPEAT, REPEAT)
        raise Stopped

    def _ask_again(self, number: int, frame: FrameType | None) -> None:
        if sys.exc_info()[1] is None:  # nothing unwinds, nothing is being tidied up
            raise Stopped


@contextmanager
def guarded(folder: object = None, stopped: str | None = None) -> Iterator[None]:
    """Turn errors of the user and signals into one clear line and an exit code.

    Args:
        folder: the campaign's, to name it when a signal stops the work.
        stopped: what to say then, where it is no campaign.
    """
    said = stopped or (KEPT + (f"; go on with: qas resume {folder}" if folder else ""))
    logging.basicConfig(format="%(message)s", stream=sys.stderr, level=logging.WARNING)
    with Stop() as stop:
        try:
            yield
        except (Exception, KeyboardInterrupt, Stopped) as error:
            if stop.number is not None:
                print(f"qas: stopped, {said}", file=sys.stderr)
                raise SystemExit(128 + stop.number) from None
            code = _explained(error, said)
            if code is None:
                raise
            raise SystemExit(code) from None


def _explained(error: BaseException, said: str) -> int | None:
    """The exit code of an error that a line explains; None for one that is a bug."""
    match error:
        case InputError():
            print(f"qas: {error}", file=sys.stderr)
            return 2
        case KeyboardInterrupt():
            print(f"qas: stopped, {said}", file=sys.stderr)
            return 130
        case BrokenPipeError():
            return 1
        case OSError() | FloatingPointError():
            print(f"qas: {error}; what was finished is kept", file=sys.stderr)
            return 1
    return None


def _leave(code: int) -> None:
    """End without tidying up: what is finished stands in the ledger already."""
    if sys.stderr.isatty():
        os.write(2, b"\x1b[?25h\n")  # the progress bars hid the cursor
    os._exit(code)
