"""The one error for bad input."""

from __future__ import annotations


class InputError(ValueError):
    """What a person typed or passed cannot be used.

    The message says what was given, what is needed and what to do about it;
    the command line prints it and exits with code 2.
    """
