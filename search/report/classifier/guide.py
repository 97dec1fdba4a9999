"""What the words on a classifier's page mean."""

from __future__ import annotations

from search.report.appendix import where_it_ran
from search.report.markup import Markup, facts
from search.report.record import Record


def guide(record: Record) -> Markup:
    """What each loss and accuracy is, and where it was obtained."""
    machines = sorted({f.backend for f in record.finalists if f.backend})
    entries = [
        (
            "evaluation",
            "one sample run at one set of angles: a loss costs one for each sample, with the "
            "slopes of P angles 1 + 2P times as many. It is the currency in which strategies "
            "are compared.",
        ),
        (
            "circuit",
            "data enter through the encoder, whose rotations turn by the features x₀, x₁, …; "
            "what was searched is the circuit behind it. Counts of the native circuit are of "
            "both together, as the file has them; the files declare each feature as an input.",
        ),
        (
            "loss",
            "mean cross-entropy of the samples in nats: −log of the probability that the softmax "
            "of the logits gives to a sample's class. Guessing among C classes has log C.",
        ),
        ("accuracy", "share of samples whose likeliest class is theirs."),
        (
            "training, validation, test",
            "search and training see the training samples alone, validation samples choose "
            "among what they found, and test samples are looked at once, at the end. Intervals "
            "are Wilson's, for samples drawn by chance.",
        ),
        (
            "noisy",
            "expectation values under the reported gate errors and relaxation; no shots, no "
            "readout error, no idle noise.",
        ),
        (
            "pessimistic",
            "the whole reported gate error as depolarizing on top of relaxation, and waiting "
            "qubits decohere. A circuit that does well only under the noisy loss exploits the "
            "model.",
        ),
        ("with readout error", "noisy, and bits are misread and nobody corrects it."),
        ("tuned and untuned", f"measured with finite shots. {where_it_ran(machines)}"),
        (
            "after polishing",
            "gates left out that the loss does not need, and the angles optimised to the end, "
            "unless validation samples are the worse for it.",
        ),
    ]
    return facts(entries)
