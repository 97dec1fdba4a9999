"""Exit codes: 0 done, 1 failed, 2 wrong usage, 130 and 143 stopped with everything kept."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from qas.errors import InputError


class Terminated(BaseException):
    """SIGTERM arrived."""


@contextmanager
def guarded(folder: object = None) -> Iterator[None]:
    """Turn errors of the user and signals into one clear line and an exit code.

    Args:
        folder: the campaign's, to name it when a signal stops the work.
    """
    logging.basicConfig(format="%(message)s", stream=sys.stderr, level=logging.WARNING)
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except InputError as error:
        print(f"qas: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        _say_stopped(folder)
        raise SystemExit(130) from None
    except Terminated:
        _say_stopped(folder)
        raise SystemExit(143) from None
    except BrokenPipeError:
        raise SystemExit(1) from None
    except OSError as error:
        print(f"qas: {error}; what was finished is kept", file=sys.stderr)
        raise SystemExit(1) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _say_stopped(folder: object) -> None:
    more = f"; go on with: qas resume {folder}" if folder else ""
    print(f"qas: stopped, everything finished is kept{more}", file=sys.stderr)
