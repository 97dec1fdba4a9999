"""One finalist: its circuits, its energies, its tuning."""

from __future__ import annotations

import json

from search.report import circuit_drawing, classifier
from search.report.headline import gates_in_words, machine_in_words, where
from search.report.markup import Markup, element, facts, join, table
from search.report.number import (
    NONE,
    count,
    duration,
    finite,
    hartree,
    millihartree,
    with_error,
)
from search.report.plot import inline
from search.report.record import Finalist, Record, mapping
from search.report.tuning import tuning

_ENERGIES = (
    ("energy_exact", "exact", "the circuit without any noise"),
    ("energy_noisy", "noisy", "under the device's gate errors: what the search minimised"),
    ("energy_pessimistic", "pessimistic", "all reported error as depolarizing, idle qubits decay"),
    ("energy_readout", "with readout error", "noisy, read out without mitigation"),
)
_COUNT_WORDS = {
    "two_qubit_gates": "two-qubit",
    "gates": "gates",
    "depth": "depth",
    "n_params": "angles",
}


def section(record: Record, finalist: Finalist) -> Markup:
    """Everything the campaign knows about a finalist."""
    return element(
        "article",
        _heading(finalist),
        _circuits(record, finalist),
        *_values(record, finalist),
        _tuning(record, finalist),
        class_="finalist",
        id=f"finalist-{finalist.number}",
    )


def drawings(finalist: Finalist) -> dict[str, Markup]:
    """The native and the logical circuit as SVG, by name; those that the ledger holds."""
    found: dict[str, Markup] = {}
    if finalist.native is not None:
        label = f"native circuit of finalist {finalist.number}"
        found["native"] = circuit_drawing.draw(
            finalist.native, finalist.qubits, finalist.params, label
        )
    if finalist.logical is not None and finalist.logical != finalist.native:
        label = f"logical circuit of finalist {finalist.number}"
        found["logical"] = circuit_drawing.draw(finalist.logical, finalist.qubits, (), label)
    return found


def _heading(finalist: Finalist) -> Markup:
    number = element("span", finalist.number, class_="number")
    by = join([", found by ", element("strong", finalist.strategy)]) if finalist.strategy else ""
    files = [finalist.entry.get("qasm"), finalist.entry.get("qasm_tuned")]
    names = join([element("code", f) for f in files if f], ", ")
    where_ = f"{gates_in_words(finalist.value('two_qubit_gates'))} on {where(finalist)}"
    said = [part for part in (join([where_, by]), names) if part]
    title = element("h3", number, f"Finalist {finalist.number}")
    return join([title, element("p", join(said, " · "), class_="under")])


def _values(record: Record, finalist: Finalist) -> list[Markup]:
    """Energies; of a classifier losses, accuracies, and which classes are taken for which."""
    if not record.is_classifier:
        return [element("h4", "Energies"), _energies(record, finalist)]
    parts = [element("h4", "Losses and accuracies"), classifier.values(record, finalist)]
    picture = classifier.confusion(record, finalist)
    parts.append(element("h4", "Classes, on test samples"))
    if picture is not None:
        label = f"confusion matrix of finalist {finalist.number}"
        caption = (
            "Left: how many test samples of each class (row) were taken for each class (column), "
            "shaded by their share of the class. Right: how many of each class were told right."
        )
        drawing = inline(picture, f"confusion-{finalist.number}", label)
        parts.append(element("figure", drawing, element("figcaption", caption)))
    return [*parts, classifier.classes(record, finalist)]


def _circuits(record: Record, finalist: Finalist) -> Markup:
    drawn = drawings(finalist)
    if not drawn:
        return element("p", "The ledger does not hold this circuit.", class_="missing")
    entry = finalist.entry
    captions = {
        "native": ("Native circuit, as scored and exported", entry),
        "logical": ("Logical circuit, before lowering", mapping(entry.get("logical"))),
    }
    if record.is_classifier:
        captions["logical"] = (
            "Logical circuit behind its encoder, before lowering; the encoder is not counted",
            mapping(entry.get("logical")),
        )
    parts = []
    for name, picture in drawn.items():
        title, counts = captions[name]
        same = "" if len(drawn) == 2 else " (the logical circuit is the same)"
        said = join([element("strong", title + same), f" {_counts(counts)}"])
        inside = element("div", picture, class_="scroll")
        parts.append(element("figure", element("figcaption", said), inside))
    return join(parts)


def _counts(counts: object) -> str:
    known = mapping(counts)
    shown = [
        f"{count(known[key])} {word}"
        for key, word in _COUNT_WORDS.items()
        if finite(known.get(key)) is not None
    ]
    return f"({', '.join(shown)})" if shown else ""


def _energies(record: Record, finalist: Finalist) -> Markup:
    rows: list[list[object]] = []
    for key, name, meaning in _ENERGIES[: 1 if record.is_ideal else None]:
        energy = finalist.value(key)
        if energy is not None:
            rows.append([name, hartree(energy), millihartree(record.above(energy)), meaning])
    retrained = finalist.value("error_retrained")
    if retrained is not None:
        energy = None if record.ground is None else record.ground + retrained
        words = "same structure, its angles optimised again without noise"
        rows.insert(1, ["re-trained", hartree(energy), millihartree(retrained), words])
    rows += _other_days(record, finalist) + _tuned_rows(record, finalist)
    if not rows:
        return element("p", "No energies are in the ledger.", class_="missing")
    head = ("energy", "hartree", "mHa above ground", "what it is")
    return table(head, rows, numeric=(1, 2), class_="energies")


def _other_days(record: Record, finalist: Finalist) -> list[list[object]]:
    """Median and highest energy under other calibrations of the chip, at the same angles."""
    days = mapping(finalist.entry.get("energy_other_days"))
    number, missing = finite(days.get("days")), finite(days.get("unavailable"))
    said = f"{count(number)} other calibrations of the chip, same angles"
    said += f"; {count(missing)} lack a gate" if missing else ""
    rows: list[list[object]] = []
    for key, words in (("median", said), ("highest", "the worst of these")):
        energy = finite(days.get(key))
        if energy is not None:
            name = f"other days, {key}"
            rows.append([name, hartree(energy), millihartree(record.above(energy)), words])
    return rows


def _tuned_rows(record: Record, finalist: Finalist) -> list[list[object]]:
    rows: list[list[object]] = []
    for key, word in (("untuned", "untuned angles"), ("tuned", "tuned angles")):
        energy, error = finalist.value(f"energy_{key}"), finalist.value(f"energy_{key}_stderr")
        if energy is not None:
            above = with_error(record.above(energy), error, 1e3)
            meaning = f"measured with fresh shots on {machine_in_words(finalist.backend)}"
            rows.append([f"chip, {word}", with_error(energy, error), above, meaning])
    energy = finalist.value("energy_tuned_noisy")
    if energy is not None:
        above = millihartree(record.above(energy))
        meaning = "exact noisy energy (no shots) at the tuned angles"
        rows.append(["noisy, tuned angles", hartree(energy), above, meaning])
    return rows


def _tuning(record: Record, finalist: Finalist) -> Markup:
    title = element("h4", "Fine-tuning on the chip")
    picture = tuning(record, finalist)
    if picture is None and not finalist.tuned:
        bare = finalist.native is not None and finalist.native.n_params == 0
        words = "This circuit has no angles." if bare else "This finalist has not been tuned."
        return join([title, element("p", words, class_="missing")])
    said = classifier.verdict(finalist) if record.is_classifier else _verdict(record, finalist)
    parts: list[object] = [title, element("p", said)]
    if picture is not None:
        label = f"tuning of finalist {finalist.number}"
        drawing = inline(picture, f"tuning-{finalist.number}", label)
        parts.append(element("figure", drawing, element("figcaption", _caption(finalist))))
    parts.append(facts(_spent(finalist)))
    return join(parts)


def _verdict(record: Record, finalist: Finalist) -> str:
    tuned, untuned = finalist.value("energy_tuned"), finalist.value("energy_untuned")
    if tuned is None or untuned is None:
        return "The comparison of tuned and untuned angles on fresh shots has not been made yet."
    gain = untuned - tuned
    errors = [finalist.value(f"energy_{k}_stderr") or 0.0 for k in ("tuned", "untuned")]
    spread = (errors[0] ** 2 + errors[1] ** 2) ** 0.5
    change = f"{with_error(abs(gain), spread, 1e3)} mHa {'lower' if gain >= 0 else 'higher'}"
    kept = finalist.tuned.get("kept_tuned")
    verdict = {True: " They were kept.", False: " That is no clear gain: the untuned ones stand."}
    said = verdict.get(kept, "") if isinstance(kept, bool) else ""
    return f"On fresh shots the tuned angles measure {change} than the untuned ones.{said}"


def _caption(finalist: Finalist) -> str:
    kept = [len(row.get("kept") or ()) for row in finalist.steps]
    total = len(finalist.params) or max(kept, default=0)
    share = sum(kept) / (total * len(kept)) if total and kept else 1.0
    used = mapping(finalist.tuned.get("settings"))
    how = _PRUNINGS.get(str(mapping(used.get("pruning")).get("method")), "")
    moved = "moved" if used.get("method") == "spsa" else "measured and moved"
    said = f"Above: each step's value against the circuits executed by its end. Below: {how}"
    return (
        f"{said}filled where a step {moved} an angle, pale where it rested. {share:.0%} are filled."
    )


_PRUNINGS = {
    "probabilistic": "probabilistic gradient pruning, ",
    "deterministic": "pruning of the smallest gradients, ",
    "random": "random pruning, the control, ",
    "wsbd": "weighted stochastic block descent, ",
}


def _spent(finalist: Finalist) -> list[tuple[object, object]]:
    last = finalist.steps[-1] if finalist.steps else {}
    pairs: list[tuple[object, object]] = [("backend", finalist.backend or NONE)]
    for key in ("circuits", "shots"):
        total = finalist.value(key)
        pairs.append((f"{key} in all", count(last.get(key) if total is None else total)))
    for key, word in (("jobs", "jobs in all"), ("qpu_seconds", "QPU time (estimated)")):
        spent = finalist.value(key)
        if spent is not None:
            pairs.append((word, count(spent) if key == "jobs" else duration(spent)))
    pairs.append(("steps", count(len(finalist.steps))))
    used = mapping(finalist.tuned.get("settings"))
    if used.get("method"):
        pairs.append(("gradients", f"{used['method']}, {used.get('optimiser', 'Adam')}"))
    resilience = mapping(finalist.tuned.get("resilience") or finalist.entry.get("resilience"))
    if resilience:
        words = {str(key).replace("_", " "): json.dumps(v) for key, v in resilience.items()}
        said = ", ".join(f"{key}: {words[key]}" for key in sorted(words))
        pairs.append(("error mitigation", said))
    return pairs
