"""Losses and accuracies of a finalist."""

from __future__ import annotations

from search.report.classifier.headline import samples
from search.report.headline import machine_in_words
from search.report.markup import Markup, element, table
from search.report.number import NONE, count, nats, percent, with_error
from search.report.record import Finalist, Record

_ROWS = (
    ("noisy, training", "loss_noisy", "accuracy_train", "train",
     "under the device's gate errors: what the search minimised"),
    ("exact, training", "loss_exact", None, "train", "the circuit without any noise"),
    ("pessimistic, training", "loss_pessimistic", None, "train",
     "all reported error as depolarizing, idle qubits decay"),
    ("with readout error, training", "loss_readout", None, "train",
     "noisy, read out without mitigation"),
    ("noisy, validation", "loss_valid", "accuracy_valid", "valid", "what finalists are chosen by"),
    ("worst, validation", "loss_valid_worst", None, "valid",
     "the highest under the standard and the pessimistic model and other days"),
    ("noisy, test", "loss_test", "accuracy_test", "test",
     "samples that nothing was fitted to or chosen by"),
    ("with readout error, test", None, "accuracy_test_readout", "test",
     "the same, read out without mitigation"),
    ("exact, test", None, "accuracy_test_exact", "test", "the same without any noise"),
)  # fmt: skip
_WITHOUT_NOISE = ("loss_noisy", "loss_valid", "loss_test")


def values(record: Record, finalist: Finalist) -> Markup:
    """A row for each way in which samples were scored."""
    rows: list[list[object]] = []
    for name, loss, accuracy, part, meaning in _ROWS:
        if record.is_ideal and loss not in _WITHOUT_NOISE:
            continue
        one, other = (None if key is None else finalist.value(key) for key in (loss, accuracy))
        if one is not None or other is not None:
            shown = name.replace("noisy", "exact") if record.is_ideal else name
            total = count(samples(record, part) or None)
            rows.append([shown, nats(one), percent(other), total, meaning])
    rows += _tuned(record, finalist)
    if not rows:
        return element("p", "No losses are in the ledger.", class_="missing")
    head = ("samples", "loss (nats)", "accuracy", "how many", "what it is")
    return table(head, rows, numeric=(1, 2, 3), class_="energies")


def verdict(finalist: Finalist) -> str:
    """What tuning was worth, in a sentence or two."""
    losses = [finalist.value(f"loss_{name}") for name in ("tuned", "untuned")]
    errors = [finalist.value(f"loss_{name}_stderr") or 0.0 for name in ("tuned", "untuned")]
    shares = [percent(finalist.value(f"accuracy_test_{name}")) for name in ("tuned", "untuned")]
    if losses[0] is None or losses[1] is None:
        return "The comparison of tuned and untuned angles on fresh shots has not been made yet."
    kept = {True: " They were kept.", False: " That is no clear gain: the untuned ones stand."}
    choice = finalist.tuned.get("kept_tuned")
    gain, spread = losses[1] - losses[0], (errors[0] ** 2 + errors[1] ** 2) ** 0.5
    side = "lower" if gain >= 0 else "higher"
    return (
        f"On fresh shots of the validation samples the loss at the tuned angles is "
        f"{with_error(abs(gain), spread)} nats {side} than at the untuned ones; of the test "
        f"samples {shares[0]} are told right, {shares[1]} before."
        + (kept.get(choice, "") if isinstance(choice, bool) else "")
    )


def _tuned(record: Record, finalist: Finalist) -> list[list[object]]:
    """Measured values, fresh shots."""
    rows: list[list[object]] = []
    where = machine_in_words(finalist.backend)
    for key in ("untuned", "tuned"):
        loss, error = finalist.value(f"loss_{key}"), finalist.value(f"loss_{key}_stderr")
        valid, test = (finalist.value(f"accuracy_{part}_{key}") for part in ("valid", "test"))
        if loss is None:
            continue
        totals = [count(samples(record, part) or None) for part in ("valid", "test")]
        said = with_error(loss, error) if error else nats(loss)
        name, meaning = f"{key}, validation", f"fresh shots on {where}"
        rows.append([name, said, percent(valid), totals[0], meaning])
        rows.append([f"{key}, test", NONE, percent(test), totals[1], meaning])
    return rows
