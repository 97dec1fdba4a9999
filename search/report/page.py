"""The page and the figures, from ledger rows and the summary."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from search.report import appendix, classifier, device_map, finalist
from search.report.curve import anytime
from search.report.front import front, merits
from search.report.headline import headline
from search.report.leaderboard import leaderboard
from search.report.markup import Markup, element
from search.report.plot import inline
from search.report.record import Record, Row
from search.report.tuning import tuning


def render(rows: Sequence[Row], summary: Row) -> str:
    """The report as one HTML page that needs nothing else: no scripts, no network.

    Equal input gives an equal page.

    Args:
        rows: of the ledger, in its order.
        summary: what `summary.json` holds; what is missing is said in words.
    """
    record = Record.of(rows, summary)
    title = f"{record.task_name} on {record.device_name}"
    head, board, guide = _words(record)
    against = f"{record.word.capitalize()} against two-qubit gates"
    body = [
        head,
        _section("Strategies", board, _anytime(record)),
        _section(against, _front(record), merits(record)),
        _section("The device", *_device(record)),
        _section("Finalists", *_finalists(record)),
        _section("Cost", appendix.cost(record)),
        _section("Settings and software", appendix.settings(record)),
        _section("How to read this", guide),
    ]
    style = [
        Markup('<meta charset="utf-8">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        element("title", title),
        element("style", _sheet("style.css"), _sheet("drawing.css")),
    ]
    page = element(
        "html", element("head", *style), element("body", element("main", *body)), lang="en"
    )
    return f"<!doctype html>\n{page}\n"


def figures(rows: Sequence[Row], summary: Row, *, file_format: str = "svg") -> dict[str, bytes]:
    """Every picture of the page, by file name.

    Args:
        rows: of the ledger.
        summary: what `summary.json` holds.
        file_format: "svg" or "png", of the curves; device map and circuits are always SVG.
    """
    record = Record.of(rows, summary)
    found: dict[str, bytes | None] = {
        f"anytime.{file_format}": anytime(record, file_format),
        f"front.{file_format}": front(record, file_format),
        "device.svg": _alone(_map(record)),
    }
    for one in record.finalists:
        found[f"tuning-{one.number}.{file_format}"] = tuning(record, one, file_format)
        matrix = classifier.confusion(record, one, file_format)
        found[f"confusion-{one.number}.{file_format}"] = matrix
        for name, drawing in finalist.drawings(one).items():
            found[f"circuit-{one.number}-{name}.svg"] = _alone(drawing)
    return {name: content for name, content in found.items() if content is not None}


def _words(record: Record) -> tuple[Markup, Markup, Markup]:
    """Headline, leaderboard and guide: of energies, or of losses and accuracies."""
    if record.is_classifier:
        return classifier.headline(record), classifier.leaderboard(record), classifier.guide(record)
    return headline(record), leaderboard(record), appendix.guide(record)


def _sheet(name: str) -> Markup:
    return Markup(files("search.report").joinpath(name).read_text("utf-8"))


def _alone(drawing: Markup | None) -> bytes | None:
    """A drawing with its style inside, for a file of its own."""
    if drawing is None:
        return None
    opening, rest = drawing.split(">", 1)
    return f"{opening}>{element('style', _sheet('drawing.css'))}{rest}".encode()


def _section(title: str, *parts: object) -> Markup:
    name = "-".join(title.lower().split())
    return element("section", element("h2", title), *parts, id=name)


def _figure(picture: bytes | None, name: str, label: str, caption: str, missing: str) -> Markup:
    if picture is None:
        return element("p", missing, class_="missing")
    return element("figure", inline(picture, name, label), element("figcaption", caption))


def _anytime(record: Record) -> Markup:
    caption = (
        f"Lowest {record.energy_name} so far, against what a device would have had to measure "
        "(left) and against time on this machine (right)."
    )
    missing = "There are no trials yet, so there is no curve to draw."
    return _figure(anytime(record), "anytime", "anytime curves of the strategies", caption, missing)


def _front(record: Record) -> Markup:
    caption = (
        "Each faint mark is a trial; strategies stand side by side within a column. Numbered: the "
        f"finalists below. The line is the best {record.word} with at most that many two-qubit "
        "gates."
    )
    return _figure(front(record), "front", "Pareto front", caption, "There are no trials yet.")


def _used(record: Record) -> tuple[int, ...]:
    return record.finalists[0].qubits if record.finalists else ()


def _map(record: Record) -> Markup | None:
    return None if record.device is None else device_map.draw(record.device, _used(record))


def _device(record: Record) -> list[object]:
    device = record.device
    if device is None:
        return [element("p", f"No map: {record.device_problem}.", class_="missing")]
    picture = _map(record)
    if picture is None:
        words = f"{device.name} is an ideal device: no noise, no calibration, nothing to colour."
        return [element("p", words)]
    ringed = "Ringed: the qubits of finalist 1, with their number in its circuit."
    words = "Darker is worse; dashed is unavailable in this calibration. "
    caption = words + (ringed if _used(record) else "")
    inside = element("div", picture, class_="scroll")
    return [
        element("figure", inside, element("figcaption", caption)),
        appendix.calibration(device, _used(record)),
        appendix.notes(device),
    ]


def _finalists(record: Record) -> list[Markup]:
    if not record.finalists:
        return [element("p", "The campaign has no finalist yet.", class_="missing")]
    return [finalist.section(record, one) for one in record.finalists]
