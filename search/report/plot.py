"""What all figures share: colours, the look, and matplotlib figures as bytes."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from search.report.markup import Markup, element

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe and Ito's colours without yellow, which is faint on white: told apart by all eyes.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1.2, 1, 1.2)))
INK, GREY, FAINT = "#1d2733", "#66717d", "#d8dde3"
CHEMICAL_ACCURACY = 1.6  # mHa
FLOOR = 1e-6  # mHa, or nats; smaller errors are drawn here

_LOOK: dict[Any, Any] = {
    "font.family": ["sans-serif"],
    "font.size": 10.0,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#eceff2",
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "qas",
}


def colour(index: int) -> str:
    """Colour of the strategy at this place."""
    return COLOURS[index % len(COLOURS)]


def dash(index: int) -> Any:
    """Line style of the strategy at this place, so that colour is not alone."""
    return DASHES[index % len(DASHES)]


Draw = Callable[["Figure"], None]


def drawn(draw: Draw, size: tuple[float, float], file_format: str = "svg") -> bytes:
    """A figure of ``size`` (inches) that ``draw`` fills; equal input, equal bytes."""
    from matplotlib.figure import Figure

    stream = io.BytesIO()
    with _look():
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        metadata = {"Date": None, "Creator": None} if file_format == "svg" else {"Software": None}
        figure.savefig(
            stream, format=file_format, metadata=metadata, dpi=160, transparent=file_format == "svg"
        )
    return stream.getvalue()


@contextmanager
def _look() -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context(_LOOK), warnings.catch_warnings():
        # Names may hold any script; the page's own fonts draw them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def inline(svg: bytes, name: str, label: str) -> Markup:
    """A figure's SVG for the inside of a page: no prologue or style of its own, ids made unique.

    Args:
        svg: of `drawn`.
        name: begins every id that is kept.
        label: what it shows, for screen readers.
    """
    body = svg.decode("utf-8")
    body = body[body.index("<svg") :]
    body = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    used = set(re.findall(r'#([\w-]+)["\')]', body))
    body = re.sub(r'(<[^<>]*?) id="([^"]*)"', lambda m: m[0] if m[2] in used else m[1], body)
    body = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{name}-", body)
    body = body.replace("<svg", '<svg role="img" stroke-linejoin="round"', 1)
    return Markup(body.replace(">", f">{element('title', label)}", 1))


def reference_line(axes: Axes, value: float, label: str, outside: bool = False) -> None:
    """A thin horizontal line with its name on it at the left, or outside at the right."""
    axes.axhline(value, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
    axes.annotate(
        label,
        (1 if outside else 0, value),
        xycoords=("axes fraction", "data"),
        xytext=(6, 0) if outside else (4, 3),
        textcoords="offset points",
        va="center" if outside else "baseline",
        color=GREY,
        fontsize=8.5,
    )


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """The positions moved as little as needed to stand at least ``gap`` apart, in their order.

    >>> spread([0.5, 0.5, 0.1], 0.1)
    [0.5, 0.6, 0.1]
    """
    order = sorted(range(len(positions)), key=lambda k: (positions[k], k))
    moved = list(positions)
    for before, here in pairwise(order):
        moved[here] = round(max(moved[here], moved[before] + gap), 12)
    return moved


def label_ends(
    axes: Axes, ends: Mapping[str, tuple[float, float]], colours: Mapping[str, str]
) -> None:
    """The name of each curve at the right margin, joined to the curve's end by a fine line."""
    axes.get_ylim()  # settles pending autoscaling, which the transform does not
    to_axes = axes.transData + axes.transAxes.inverted()
    names = list(ends)
    heights = [float(to_axes.transform(ends[name])[1]) for name in names]
    for name, height in zip(names, spread(heights, 0.075), strict=True):
        x, y = to_axes.transform(ends[name])
        axes.plot(
            [x, 1.025],
            [y, height],
            transform=axes.transAxes,
            color=colours[name],
            linewidth=0.7,
            alpha=0.6,
            clip_on=False,
            scalex=False,
            scaley=False,
        )
        axes.text(
            1.03,
            height,
            shortened(name),
            transform=axes.transAxes,
            color=colours[name],
            fontweight="bold",
            fontsize=9.5,
            va="center",
        )


def whole_numbers(axis: Axis) -> None:
    """Ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=12, integer=True))


def shortened(name: str, most: int = 20) -> str:
    """The name, cut where it would push the figure off the page.

    >>> shortened("ddqn"), shortened("abcdef", 4)
    ('ddqn', 'abc…')
    """
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return printable if len(printable) <= most else printable[: most - 1] + "…"
