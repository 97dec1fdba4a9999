"""HTML and SVG as values: what is not `Markup` is escaped when it becomes a child."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_SPACES = "\n\t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"


class Markup(str):
    """Text that is markup already and is put into a page as it is."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Any value as escaped text; characters that do not print become a replacement sign.

    >>> text("<b>&")
    '&lt;b&gt;&amp;'
    """
    if isinstance(value, Markup):
        return value
    fine = (
        c if c.isprintable() or c in _SPACES else "\N{REPLACEMENT CHARACTER}" for c in str(value)
    )
    return Markup(escape("".join(fine), quote=True))


def join(parts: Iterable[object], between: str = "") -> Markup:
    """The parts one after the other, escaped where they are not markup."""
    return Markup(str(text(between)).join(text(part) for part in parts))


def element(name: str, *children: object, **attributes: object) -> Markup:
    """One element. ``class_`` means class, ``stroke_width`` stroke-width; None is left out.

    >>> element("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    >>> element("circle", r=2.50, stroke_width=1)
    '<circle r="2.5" stroke-width="1"></circle>'
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(_plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{pairs}>{join(children)}</{name}>")


def _plain(value: object) -> object:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    numeric: Iterable[int] = (),
    class_: str | None = None,
) -> Markup:
    """A table; the columns in ``numeric`` are set flush right with figures of equal width."""
    right = set(numeric)

    def line(cells: Sequence[object], cell: str) -> Markup:
        return element(
            "tr",
            *(element(cell, c, class_="n" if k in right else None) for k, c in enumerate(cells)),
        )

    body = join(line(row, "td") for row in rows)
    whole = element("table", element("thead", line(head, "th")), element("tbody", body))
    return element("div", whole, class_=f"scroll {class_}" if class_ else "scroll")


def facts(pairs: Iterable[tuple[object, object]]) -> Markup:
    """Names and values in two columns."""
    entries = join(
        element("div", element("dt", name), element("dd", value)) for name, value in pairs
    )
    return element("dl", entries, class_="facts")


def svg(content: object, width: float, height: float, label: str, **attributes: object) -> Markup:
    """An SVG element that scales down with the page, with a name for screen readers.

    Args:
        content: children, markup.
        width: of the drawing, pixels; also the largest width on the page.
        height: of the drawing, pixels.
        label: what it shows.
    """
    return element(
        "svg",
        element("title", label),
        content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="img",
        **attributes,
    )
