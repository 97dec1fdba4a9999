"""The top of a classifier's page: how many test samples the best circuit tells right."""

from __future__ import annotations

from search.report.headline import gates_in_words, machine_in_words, title, where
from search.report.markup import Markup, element, join
from search.report.number import NONE, count, finite, percent, share_interval
from search.report.record import Finalist, Record, mapping


def headline(record: Record) -> Markup:
    """Title, calibration, the result in a sentence or three, and its four numbers."""
    best = record.finalists[0] if record.finalists else None
    if best is None:
        trials = sum(len(arm.energies) for arm in record.arms)
        said = f"The campaign has no finalist yet; {count(trials)} trials are in its ledger."
    else:
        said = " ".join(filter(None, (_result(record, best), _chosen(record), _tuned(best))))
    return title(record, said, _tiles(record, best) if best else "")


def samples(record: Record, part: str) -> int:
    """How many samples a part has; 0 where nothing says so."""
    return int(finite(mapping(record.summary.get("samples")).get(part)) or 0)


def with_interval(share: float | None, total: int) -> str:
    """A share of samples and its 95% interval.

    >>> with_interval(0.98, 100)
    '98.0% (95% interval 93.0% to 99.4%)'
    """
    if share is None or not total:
        return percent(share)
    low, high = share_interval(share, total)
    return f"{percent(share)} (95% interval {percent(low)} to {percent(high)})"


def _result(record: Record, best: Finalist) -> str:
    setting = "without noise" if record.is_ideal else f"under the noise of {record.device_name}"
    total, share = samples(record, "test"), best.value("accuracy_test")
    guess = finite(mapping(record.summary.get("references")).get("accuracy_guessing"))
    against = "" if guess is None else f"; always naming one class would do for {percent(guess)}"
    return (
        f"The best circuit tells {with_interval(share, total)} of {count(total)} test samples "
        f"right {setting}, with {gates_in_words(best.value('two_qubit_gates'))} on "
        f"{where(best)}{against}."
    )


def _chosen(record: Record) -> str:
    train, valid = (count(samples(record, part)) for part in ("train", "valid"))
    return (
        f"It was searched and trained on {train} other samples and chosen by {valid} validation "
        "samples."
    )


def _tuned(best: Finalist) -> str:
    before, after = (best.value(f"accuracy_test_{key}") for key in ("untuned", "tuned"))
    if before is None or after is None:
        return ""
    kept = best.tuned.get("kept_tuned")
    verdict = {True: "; the tuned angles were kept", False: "; the untuned angles stand"}
    said = verdict.get(kept, "") if isinstance(kept, bool) else ""
    machine = machine_in_words(best.backend)
    return (
        f"Fine-tuned on {machine}, measured with fresh shots, it tells {percent(after)} right "
        f"against {percent(before)} before{said}."
    )


def _tiles(record: Record, best: Finalist) -> Markup:
    tiles = [
        (percent(best.value("accuracy_test")), "test accuracy"),
        (percent(best.value("accuracy_valid")), "validation accuracy"),
        (count(best.value("two_qubit_gates")), "two-qubit gates"),
        (", ".join(map(str, best.qubits)) or NONE, "physical qubits"),
    ]
    shown = [
        element("div", element("div", value, class_="value"), element("div", word, class_="word"))
        for value, word in tiles
    ]
    return element("div", join(shown), class_="tiles")
