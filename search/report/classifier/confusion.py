"""Which classes a finalist takes for which, on test samples: as a figure and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from search.report import plot
from search.report.markup import Markup, element, table
from search.report.number import NONE, count, percent, share_interval
from search.report.record import Finalist, Record, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHADES = "Blues"
DARK = 0.55
"""Share of a class from which its cell is dark and its number white."""


def counts(record: Record, finalist: Finalist) -> NDArray[np.int64] | None:
    """Test samples by class (rows) and what they were taken for (columns).

    None where the summary does not hold them.
    """
    rows, size = listed(finalist.entry.get("confusion_test")), len(record.classes)
    whole = [
        [value for value in listed(row) if isinstance(value, int) and value >= 0] for row in rows
    ]
    if not size or len(whole) != size or any(len(row) != size for row in whole):
        return None
    return np.array(whole, dtype=np.int64)


def confusion(record: Record, finalist: Finalist, file_format: str = "svg") -> bytes | None:
    """The matrix in shares of each class, and the accuracy of each with its 95% interval."""
    found = counts(record, finalist)
    if found is None:
        return None
    matrix, names = found, [plot.shortened(name) for name in record.classes]
    height = 1.3 + 0.55 * len(names)

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
        _matrix(left, matrix, names)
        _bars(right, matrix, names)

    return plot.drawn(draw, (8.4, max(2.4, height)), file_format)


def classes(record: Record, finalist: Finalist) -> Markup:
    """A row for each class: how many samples, how many right, what it is taken for."""
    matrix = counts(record, finalist)
    if matrix is None:
        return element("p", "The summary does not hold the confusion matrix.", class_="missing")
    rows = []
    for k, name in enumerate(record.classes):
        total, right = int(matrix[k].sum()), int(matrix[k, k])
        others = np.where(np.arange(len(matrix)) == k, 0, matrix[k])
        worst = int(others.argmax())
        taken = f"{record.classes[worst]} ({others[worst]})" if others.any() else NONE
        rows.append([name, count(total), count(right), *_shares(right, total), taken])
    head = ("class", "test samples", "right", "accuracy", "95% interval", "most often taken for")
    return table(head, rows, numeric=(1, 2, 3, 4))


def _shares(right: int, total: int) -> tuple[str, str]:
    if not total:
        return NONE, NONE
    low, high = share_interval(right / total, total)
    return percent(right / total), f"{percent(low)} to {percent(high)}"


def _matrix(axes: Axes, matrix: NDArray[np.int64], names: list[str]) -> None:
    """Cells as vectors, so that the page needs no picture of pixels."""
    size = len(names)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    edges = np.arange(size + 1) - 0.5
    axes.pcolormesh(
        edges, edges, shares, cmap=SHADES, vmin=0, vmax=1, edgecolors="white", linewidth=1.5
    )
    for (row, column), number in np.ndenumerate(matrix):
        ink = "white" if shares[row, column] > DARK else plot.INK
        axes.text(
            column, row, str(int(number)), ha="center", va="center", color=ink,
            fontweight="bold" if row == column else "normal", fontsize=10,
        )  # fmt: skip
    axes.set_xticks(range(size), names)
    axes.set_yticks(range(size), names)
    axes.set_ylim(size - 0.5, -0.5)
    axes.set_xlabel("taken for")
    axes.set_ylabel("class")
    axes.tick_params(length=0)
    axes.grid(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _bars(axes: Axes, matrix: NDArray[np.int64], names: list[str]) -> None:
    totals = np.maximum(matrix.sum(axis=1), 1)
    shares = np.diag(matrix) / totals
    places = np.arange(len(names))
    ends = [share_interval(float(p), int(n)) for p, n in zip(shares, totals, strict=True)]
    reach = np.abs(np.array(ends).T - shares)
    axes.barh(places, 100 * shares, height=0.5, color=plot.COLOURS[5])
    axes.errorbar(
        100 * shares, places, xerr=100 * reach, fmt="none", ecolor=plot.INK, capsize=3,
        elinewidth=1.1,
    )  # fmt: skip
    overall = 100 * np.diag(matrix).sum() / max(int(matrix.sum()), 1)
    axes.axvline(overall, color=plot.GREY, linewidth=0.9, linestyle=(0, (2, 2)))
    axes.set_title(f"dotted: all classes, {overall:.1f}%", fontsize=9, color=plot.GREY)
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 102)
    axes.set_xlabel("test accuracy (%), 95% interval")
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
