"""What a probe asks of a member's answers, and why it cannot ask it of a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias, final

import numpy as np

from wsgeo.errors import DataError
from wsgeo.evaluation.losses import Failure, Losses, Outcome
from wsgeo.probing import calibration, overlaps
from wsgeo.probing.behaviours import Estimate, Floats, agreement, fraction, jensen_shannon, mean
from wsgeo.probing.correlations import rank_correlation, spearman, strongest_correlation
from wsgeo.probing.perturbations import KINDS
from wsgeo.probing.word_counts import word_count_logits
from wsgeo.tasks.task import EncodedExamples, Task

_BINS = tuple(
    f"positive_{100 * i // overlaps.N_BINS}_{100 * (i + 1) // overlaps.N_BINS}"
    for i in range(overlaps.N_BINS)
)

MEANINGS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "agreement": ("fraction", "examples that get the label that a word-count model gives them"),
    "rank_correlation": (
        "in [-1, 1]",
        "how alike the member and a word-count model order the examples, the mean over labels",
    ),
    "baseline_accuracy": ("fraction", "right answers of the word-count model itself"),
    "consistency": ("fraction", "examples whose prediction the change leaves as it was"),
    "metric_drop": ("difference of fractions", "accuracy that the change costs"),
    "loss_rise": ("nats per example", "mean loss that the change adds"),
    "jensen_shannon": ("in [0, 1]", "mean distance of the predicted distributions from before"),
    "calibration_error": ("fraction", "mean distance of confidence from accuracy over 15 bins"),
    "mean_confidence": ("fraction", "mean probability of the predicted label"),
    "commonest_share": ("fraction", "examples that get the label that is given most often"),
    "degenerate": ("0 or 1", "1 if above 98 % of the predictions are one label, and the labels not"),
    **{
        name: ("fraction", f"mean probability that the texts agree where {span} % of words overlap")
        for name in _BINS
        for span in [name.removeprefix("positive_").replace("_", " to ")]
    },
    "overlap_slope": (
        "nats",
        "log-odds that the texts agree, gained from no overlap to full at one label and length",
    ),
    "confidence_correlation": ("in [-1, 1]", "rank correlation of confidence with length in tokens"),
    "answer_correlation": (
        "in [0, 1]",
        "size of the rank correlation with length of the label that follows it most",
    ),
})  # fmt: skip
"""Unit and meaning of each measure, by its name in `wsgeo.probing.tables.PROBES`."""


@final
@dataclass(frozen=True, eq=False)
class Answers:
    """What a member answered to one set of examples.

    Parameters
    ----------
    logits : ndarray of float64, shape (n_examples, n_labels)
        Logits.
    loss, hit : ndarray of float64, shape (n_examples,)
        Nats per example, and 1 where the prediction is right.
    """

    logits: Floats
    loss: Floats
    hit: Floats


Ask: TypeAlias = Callable[[Answers, Answers], Estimate]
"""From the answers to the task's own texts and to changed ones, which are the same where none are."""

Questions: TypeAlias = dict[tuple[str, str], Ask | str]
"""By probe and measure; a text is why it cannot be asked."""


def answers_in(outcome: Outcome) -> Answers | str:
    """Return what an evaluation tells, or why it tells nothing.

    Parameters
    ----------
    outcome : Losses or Failure
        Of one member and example set.

    Returns
    -------
    Answers or str
        Answers, all of them finite; a text is the reason.
    """
    if isinstance(outcome, Failure):
        return outcome.reason
    assert isinstance(outcome, Losses)
    if outcome.logits is None:
        return "Only losses were kept, and not the answer to each label."
    arrays = [part.astype(np.float64) for part in (outcome.logits, outcome.loss, outcome.hit)]
    if not all(np.isfinite(array).all() for array in arrays):
        return "A loss or a logit is not finite."
    return Answers(*arrays)


def questions_of(
    task: Task,
    encoded: Mapping[str, EncodedExamples],
    reasons: Mapping[str, str],
    *,
    train: Task | None = None,
    seed: int = 0,
) -> Questions:
    """Return everything that is asked of a member, the same for each.

    Parameters
    ----------
    task : Task
        A classification task.
    encoded : mapping of str to EncodedExamples
        By name: the task's own examples and changed ones.
    reasons : mapping of str to str
        Why a change does not apply, by the name that its examples would have.
    train : Task, optional
        Examples from which the word-count model learns.
    seed : int, default 0
        Seed of the word-count model's parts.

    Returns
    -------
    dict of (str, str) to callable or str
        By probe and measure.
    """
    own = encoded[task.name]
    return {
        **_of_word_counts(task, own, train, seed),
        **_of_changes(task, encoded, reasons),
        **_of_sureness(own),
        **_of_overlap(task, own),
        **_of_length(own),
    }


def _of_word_counts(task: Task, own: EncodedExamples, train: Task | None, seed: int) -> Questions:
    try:
        known = word_count_logits(task, own.labels, train=train, seed=seed)
    except DataError as error:
        names = ("agreement", "rank_correlation", "baseline_accuracy")
        return {("bag_of_words", name): str(error) for name in names}
    right = fraction(known.argmax(axis=1) == own.targets)
    return {
        ("bag_of_words", "agreement"): lambda own, _: agreement(own.logits, known),
        ("bag_of_words", "rank_correlation"): lambda own, _: rank_correlation(own.logits, known),
        ("bag_of_words", "baseline_accuracy"): lambda *_: right,
    }


def _of_changes(
    task: Task, encoded: Mapping[str, EncodedExamples], reasons: Mapping[str, str]
) -> Questions:
    asked: dict[str, Ask] = {
        "consistency": lambda own, new: agreement(own.logits, new.logits),
        "metric_drop": lambda own, new: mean(own.hit - new.hit, within=(-1.0, 1.0)),
        "loss_rise": lambda own, new: mean(new.loss - own.loss),
        "jensen_shannon": lambda own, new: mean(
            jensen_shannon(own.logits, new.logits), within=(0.0, 1.0)
        ),
    }
    found: Questions = {}
    for kind in KINDS:
        name = f"{task.name}~{kind}"
        why = None if name in encoded else reasons.get(name, "The changed texts are not there.")
        found |= {(kind, measure): why or ask for measure, ask in asked.items()}
    return found


def _of_sureness(own: EncodedExamples) -> Questions:
    targets = own.targets
    return {
        ("calibration", "calibration_error"): lambda own, _: calibration.calibration_error(
            own.logits, targets
        ),
        ("calibration", "mean_confidence"): lambda own, _: mean(
            calibration.confidence(own.logits), within=(0.0, 1.0)
        ),
        ("predictions", "commonest_share"): lambda own, _: calibration.commonest_share(own.logits),
        ("predictions", "degenerate"): lambda own, _: calibration.degenerate(own.logits, targets),
    }


def _of_overlap(task: Task, own: EncodedExamples) -> Questions:
    try:
        if task.text_b is None:
            raise DataError("the examples have one text, which overlaps with none", where=task.name)
        positive = overlaps.positive_label(own.labels)
    except DataError as error:
        return {("overlap", name): str(error) for name in (*_BINS, "overlap_slope")}
    shares = overlaps.overlap_shares(task.text_a, task.text_b)
    targets, lengths = own.targets, own.lengths

    def in_bin(bin_: int) -> Ask:
        return lambda own, _: overlaps.positive_in_bin(own.logits, shares, positive, bin_)

    return {
        **{("overlap", name): in_bin(i) for i, name in enumerate(_BINS)},
        ("overlap", "overlap_slope"): lambda own, _: overlaps.overlap_slope(
            own.logits, shares, positive, targets, lengths
        ),
    }


def _of_length(own: EncodedExamples) -> Questions:
    lengths = own.lengths
    return {
        ("length", "confidence_correlation"): lambda own, _: spearman(
            calibration.confidence(own.logits), lengths
        ),
        ("length", "answer_correlation"): lambda own, _: strongest_correlation(own.logits, lengths),
    }
