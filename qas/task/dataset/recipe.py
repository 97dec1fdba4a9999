"""The table of data sets: which classes of which published set, and how many rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """One row of the table."""

    name: str
    """Name of the data set."""
    family: str
    """The published set that it is cut from; a key of `FAMILIES`."""
    classes: tuple[int, ...]
    """Labels in the published set, ascending; they become 0 to C-1 in this order."""
    n_train: int
    """Training rows."""
    n_valid: int
    """Validation rows, at most."""
    n_test: int
    """Test rows, at most."""
    about: str
    """One line for people."""


TABLE = (
    Recipe("digits2", "digits", (3, 6), 164, 100, 100, "digits 3 and 6, 8 x 8 pixels; built in"),
    Recipe("digits4", "digits", (0, 1, 2, 3), 320, 200, 200, "digits 0-3, 8 x 8 pixels; built in"),
    Recipe("mnist2", "mnist", (3, 6), 500, 300, 300, "MNIST digits 3 and 6; file or network"),
    Recipe("mnist4", "mnist", (0, 1, 2, 3), 100, 300, 300, "MNIST digits 0-3; file or network"),
    Recipe(
        "fashion2", "fashion", (3, 6), 500, 300, 300, "Fashion-MNIST dress, shirt; file or network"
    ),
    Recipe(
        "fashion4",
        "fashion",
        (0, 1, 2, 3),
        100,
        300,
        300,
        "Fashion-MNIST t-shirt, trouser, pullover, dress; file or network",
    ),
    Recipe(
        "vowel4",
        "vowel",
        (0, 1, 5, 6),
        100,
        300,
        300,
        "Deterding's vowels hid, hId, had, hOd, 360 rows in all; file or network",
    ),
)
"""QOC's five tasks with its row counts (arXiv:2202.13239), and two that need no files. Of the
vowels only 360 rows have these classes: 100 train, 144 validate and 116 test at seed 1."""
