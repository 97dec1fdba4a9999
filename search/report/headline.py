"""The top of the page: what was asked, and what came out, in plain words."""

from __future__ import annotations

from search.report.markup import Markup, element, join
from search.report.number import (
    NONE,
    count,
    date,
    finite,
    hartree,
    millihartree,
    significant,
    with_error,
)
from search.report.record import Finalist, Record, mapping


def headline(record: Record) -> Markup:
    """Title, calibration, the result in a sentence or three, and its four numbers."""
    best = record.finalists[0] if record.finalists else None
    said = " ".join(_sentences(record, best))
    return title(record, said, _tiles(record, best) if best else "")


def title(record: Record, said: str, tiles: object) -> Markup:
    """The head of the page around what came out, in words and in numbers."""
    return element(
        "header",
        element("p", "Quantum architecture search", class_="over"),
        element("h1", f"{record.task_name} on {record.device_name}"),
        element("p", _under(record), class_="under"),
        element("p", said, class_="lead"),
        tiles,
    )


def where(finalist: Finalist) -> str:
    """Its physical qubits in words: "physical qubits 1, 2 and 5"."""
    names = [str(q) for q in finalist.qubits]
    if len(names) < 2:
        return f"physical qubit {names[0]}" if names else "unknown qubits"
    return f"physical qubits {', '.join(names[:-1])} and {names[-1]}"


def gates_in_words(number: object) -> str:
    """ "no two-qubit gate", "1 two-qubit gate", "3 two-qubit gates"."""
    value = finite(number)
    if value is None:
        return "an unknown number of two-qubit gates"
    return f"{int(value) or 'no'} two-qubit gate{'' if value in (0, 1) else 's'}"


def _under(record: Record) -> Markup:
    facts = record.device_facts
    if record.is_ideal:
        calibration = "ideal device: no noise, no calibration"
    elif facts.get("calibration_date"):
        calibration = f"calibration of {date(facts['calibration_date'])}"
    else:
        calibration = "calibration without a date"
    parts: list[object] = [calibration]
    if facts.get("hash"):
        parts.append(join(["hash ", element("code", str(facts["hash"])[:16])]))
    n_qubits = mapping(record.campaign.get("task")).get("n_qubits")
    if n_qubits:
        parts.append(f"{count(n_qubits)} qubits")
    if record.budget is not None:
        parts.append(f"{count(record.budget)} evaluations per strategy")
    seed = record.summary.get("seed", record.campaign.get("seed"))
    if seed is not None:
        parts.append(f"seed {seed}")
    return join(parts, " · ")


def _sentences(record: Record, best: Finalist | None) -> list[str]:
    if best is None:
        trials = sum(len(arm.energies) for arm in record.arms)
        return [f"The campaign has no finalist yet; {count(trials)} trials are in its ledger."]
    found = _result(record, best)
    return [s for s in (found, _against_hartree_fock(record, best), _tuned(record, best)) if s]


def _result(record: Record, best: Finalist) -> str:
    energy = best.value("energy_noisy")
    setting = "without noise" if record.is_ideal else f"under the noise of {record.device_name}"
    circuit = f"with {gates_in_words(best.value('two_qubit_gates'))} on {where(best)}"
    above = record.above(energy)
    if above is None:
        distance = "how far that is from the ground state is not known"
    else:
        distance = f"that is {millihartree(above)} mHa above the ground state"
    return f"The best circuit reaches {hartree(energy)} hartree {setting}, {circuit}; {distance}."


def _against_hartree_fock(record: Record, best: Finalist) -> str:
    reference, energy = record.hartree_fock, best.value("energy_noisy")
    if reference is None or energy is None:
        return ""
    ours, theirs = record.above(energy), record.above(reference)
    if ours is None or theirs is None:
        side = "below" if energy < reference else "above"
        gap = millihartree(abs(energy - reference))
        return f"It lies {gap} mHa {side} the Hartree-Fock circuit in the same setting."
    start = "The Hartree-Fock circuit in the same setting"
    if abs(ours - theirs) < 1e-6:
        return f"{start} is as good."
    if ours < theirs:
        times = f", {significant(theirs / ours, 2)} times as far" if ours > 1e-6 else ""
        return f"{start} stands {millihartree(theirs)} mHa above it{times}."
    return f"{start} is better: {millihartree(theirs)} mHa above it."


def _tuned(record: Record, best: Finalist) -> str:
    tuned, untuned = best.value("energy_tuned"), best.value("energy_untuned")
    if tuned is None or untuned is None:
        return ""
    machine = machine_in_words(best.backend)
    before = with_error(untuned, best.value("energy_untuned_stderr"))
    after = with_error(tuned, best.value("energy_tuned_stderr"))
    kept = "; the tuned angles were kept" if best.tuned.get("kept_tuned") else ""
    if best.tuned.get("kept_tuned") is False:
        kept = "; that is no clear gain, so the untuned angles stand"
    return f"Fine-tuned on {machine}, it measured {after} hartree against {before} before{kept}."


def machine_in_words(backend: str | None) -> str:
    """Where it was tuned: never a quantum processor unless the backend is ibm_*."""
    if backend is None:
        return "a backend that the ledger does not name"
    if backend.startswith("ibm_"):
        return f"the quantum processor {backend}"
    return f"the emulated chip ({backend})"


def _tiles(record: Record, best: Finalist) -> Markup:
    energy = best.value("energy_noisy")
    above = record.above(energy)
    name = "exact energy" if record.is_ideal else "noisy energy"
    tiles = [
        (hartree(energy), "hartree", name),
        (millihartree(above), "mHa", "above the ground state")
        if above is not None
        else ("unknown", "", "ground state"),
        (count(best.value("two_qubit_gates")), "", "two-qubit gates"),
        (", ".join(map(str, best.qubits)) or NONE, "", "physical qubits"),
    ]
    shown = [
        element(
            "div",
            element("div", value, element("small", f" {unit}") if unit else "", class_="value"),
            element("div", word, class_="word"),
        )
        for value, unit, word in tiles
    ]
    return element("div", *shown, class_="tiles")
