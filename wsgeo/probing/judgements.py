"""From what a checkpoint answered to judged units: examples, or pairs of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wsgeo.evaluation.losses import Losses
from wsgeo.probing.pairs import UNPAIRED, better_label, pair_codes
from wsgeo.probing.sentences import sentence_scores
from wsgeo.probing.sets import PAIRS, DiagnosticSet
from wsgeo.tasks.declarations import Kind
from wsgeo.tasks.task import EncodedExamples, Objective

Floats = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Units:
    """What is counted of a set, and in which slices.

    Parameters
    ----------
    measure : str
        One of `wsgeo.probing.tables.MEASURES`.
    slices : mapping of str to ndarray of bool, shape (n_units,)
        Units of each slice.
    pair : ndarray of int64, shape (n_examples,), or None
        Unit that each example is in, -1 for none; None where the examples are the units.
    better : ndarray of bool, shape (n_examples,), or None
        Of minimal pairs, whether the example is the better one.
    labelled : bool
        Whether the examples have labels, without which a loss means nothing.
    """

    measure: str
    slices: Mapping[str, NDArray[np.bool_]]
    pair: NDArray[np.int64] | None = None
    better: NDArray[np.bool_] | None = None
    labelled: bool = True

    @cached_property
    def membership(self) -> Floats:
        """Slices as rows of 0 and 1, shape (n_slices, n_units): sums over slices are products."""
        return np.stack(list(self.slices.values())).astype(np.float64)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Units of each slice, shape (n_slices,)."""
        return np.array([mask.sum() for mask in self.slices.values()], dtype=np.int64)


@final
@dataclass(frozen=True, eq=False)
class Judgement:
    """How one checkpoint did on each unit.

    Parameters
    ----------
    right : ndarray of float64, shape (n_units,)
        1 where the unit counts, 0 where not, half for a tie.
    loss : ndarray of float64, shape (n_units,), or None
        Nats per example, the mean over the examples of a pair; None without labels.
    truth, predicted : ndarray of int64, shape (n_units,), or None
        Label of each example and the label that was given; None where these are not known, or
        pairs are judged.
    """

    right: Floats
    loss: Floats | None
    truth: NDArray[np.int64] | None = None
    predicted: NDArray[np.int64] | None = None


def units_of(one: DiagnosticSet) -> tuple[Units, ...]:
    """Return what is counted of a diagnostic set.

    Parameters
    ----------
    one : DiagnosticSet
        The set.

    Returns
    -------
    tuple of Units
        Examples, or pairs; of a counterfactual set first the examples, then the pairs in a slice of
        their own.
    """
    codes = pair_codes(one.examples)
    labelled = not one.examples["label"].null_count()
    if one.kind is Kind.MINIMAL_PAIRS:
        better = (one.examples["label"] == better_label(one.labels)).to_numpy()
        return (Units("preference", _of_pairs(one.slices, codes), codes, better),)
    if one.kind is Kind.INVARIANCE:
        slices = _of_pairs(one.slices, codes)
        return (Units("invariance", slices, codes, labelled=labelled),)
    examples = Units("accuracy", one.slices)
    if one.kind is Kind.LABELLED:
        return (examples,)
    every = {PAIRS: np.ones(codes.max() + 1, dtype=bool)}
    return examples, Units("consistency", every, codes)


def why_not(units: Units, losses: Losses, examples: EncodedExamples | None) -> str | None:
    """Say what keeps units from being judged.

    Parameters
    ----------
    units : Units
        What is counted.
    losses : Losses
        What a checkpoint answered.
    examples : EncodedExamples or None
        What it was given.

    Returns
    -------
    str or None
        A reason; None if they can be judged.
    """
    if units.measure in ("accuracy", "consistency"):
        return None
    if units.measure == "preference" and examples is None:
        return "Which answer belongs to which label is not known."
    speaks = examples is not None and examples.objective is not Objective.CLASSIFICATION
    if losses.logits is None and not speaks:
        return "Only losses were kept, and not the answer to each label."
    return None


def judge(units: Units, losses: Losses, examples: EncodedExamples | None) -> Judgement:
    """Judge what a checkpoint answered.

    Accuracy counts right examples; consistency pairs of which every example is right; invariance
    pairs whose examples are all given the same label; preference pairs whose better text is given a
    higher probability: of being the better one, or by a language model of being said at all.

    Parameters
    ----------
    units : Units
        What is counted; `why_not` has no objection.
    losses : Losses
        What the checkpoint answered.
    examples : EncodedExamples or None
        What it was given; needed for preferences, and to know which labels were taken for which.

    Returns
    -------
    Judgement
        One entry per unit.

    Raises
    ------
    ValueError
        If pairs are judged for which `why_not` has an objection.
    """
    if units.pair is None:
        return _of_examples(losses, examples)
    loss, right = losses.loss.astype(np.float64), losses.hit.astype(np.float64)
    if units.measure == "consistency":
        counted = _all_right(right, units.pair)
    elif units.measure == "invariance" and losses.logits is not None:
        counted = _all_alike(losses.logits.argmax(axis=1), units.pair)
    elif units.better is not None and examples is not None:
        if examples.objective is not Objective.CLASSIFICATION:
            scores = sentence_scores(examples, loss)
            loss = -scores
        else:
            scores = _of_the_better_label(losses, examples, units.better)
        counted = _preferred(scores, units.pair, units.better)
    else:
        raise ValueError(f"Pairs cannot be judged for {units.measure}.")
    return Judgement(counted, _pair_means(loss, units.pair) if units.labelled else None)


def label_quality(units: Units, judgement: Judgement) -> dict[str, Floats]:
    r"""Return what tells more than accuracy where labels are not equally frequent.

    Balanced accuracy is the mean recall of the labels that occur; F1 is the mean over the labels
    that occur or are given; the Matthews correlation of several labels is

    .. math:: \frac{c s - \sum_k p_k t_k}{\sqrt{(s^2 - \sum_k p_k^2)(s^2 - \sum_k t_k^2)}}

    with ``s`` examples, ``c`` right ones, and ``t_k`` and ``p_k`` that have and are given label
    ``k``; 0 where the denominator is.

    Parameters
    ----------
    units : Units
        Examples.
    judgement : Judgement
        Of one checkpoint.

    Returns
    -------
    dict of str to ndarray of float64, shape (n_slices,)
        ``balanced``, ``f1`` and ``mcc``; NaN where a slice has one label only, and everywhere if
        the labels given are not known.
    """
    truth, predicted = judgement.truth, judgement.predicted
    if truth is None or predicted is None:
        return {name: np.full(len(units.slices), np.nan) for name in ("balanced", "f1", "mcc")}
    every = np.arange(max(truth.max(), predicted.max()) + 1)
    have, given = truth[:, None] == every, predicted[:, None] == every
    t, p, right = (units.membership @ which for which in (have, given, have & given))
    s, c = t.sum(axis=1), right.sum(axis=1)
    scale = np.sqrt((s**2 - (p**2).sum(axis=1)) * (s**2 - (t**2).sum(axis=1)))
    found = {
        "balanced": _mean_ratio(right, t),
        "f1": _mean_ratio(2 * right, t + p),
        "mcc": (c * s - (p * t).sum(axis=1)) / np.where(scale > 0, scale, np.inf),
    }
    several = (t > 0).sum(axis=1) > 1
    return {name: np.where(several, values, np.nan) for name, values in found.items()}


def _of_examples(losses: Losses, examples: EncodedExamples | None) -> Judgement:
    known = examples is not None and losses.logits is not None
    return Judgement(
        losses.hit.astype(np.float64),
        losses.loss.astype(np.float64),
        examples.targets if known and examples is not None else None,
        losses.logits.argmax(axis=1) if known and losses.logits is not None else None,
    )


def _of_pairs(
    slices: Mapping[str, NDArray[np.bool_]], pair: NDArray[np.int64]
) -> dict[str, NDArray[np.bool_]]:
    """Return slices of examples as slices of pairs, each of which lies in them whole."""
    found, first = np.unique(pair, return_index=True)
    return {name: mask[first[found != UNPAIRED]] for name, mask in slices.items()}


def _pair_means(values: NDArray[Any], pair: NDArray[np.int64]) -> Floats:
    """Return the mean over the examples of each pair."""
    paired = pair != UNPAIRED
    totals = np.bincount(pair[paired], weights=values[paired])
    return np.asarray(totals / np.bincount(pair[paired]), dtype=np.float64)


def _all_right(right: Floats, pair: NDArray[np.int64]) -> Floats:
    whole: Floats = (_pair_means(right, pair) == 1.0).astype(np.float64)
    return whole


def _all_alike(predicted: NDArray[np.int64], pair: NDArray[np.int64]) -> Floats:
    """Return 1 for each pair whose examples are all predicted alike."""
    paired = pair != UNPAIRED
    low = np.full(pair.max() + 1, np.iinfo(np.int64).max)
    high = np.full(pair.max() + 1, -1)
    np.minimum.at(low, pair[paired], predicted[paired])
    np.maximum.at(high, pair[paired], predicted[paired])
    alike: Floats = (low == high).astype(np.float64)
    return alike


def _preferred(scores: Floats, pair: NDArray[np.int64], better: NDArray[np.bool_]) -> Floats:
    """Return 1 for each pair whose better example scores higher, half where both score the same."""
    good, bad = np.empty(pair.max() + 1), np.empty(pair.max() + 1)
    good[pair[better]], bad[pair[~better]] = scores[better], scores[~better]
    return np.where(good == bad, 0.5, (good > bad).astype(np.float64))


def _of_the_better_label(
    losses: Losses, examples: EncodedExamples, better: NDArray[np.bool_]
) -> Floats:
    """Return the log-odds that each text is given of being the better one."""
    assert losses.logits is not None
    column = int(examples.targets[better.argmax()])
    wide = losses.logits.astype(np.float64)
    # Odds are ordered as probabilities are, but do not all round to 1 where a model is certain.
    others = np.delete(wide, column, axis=1)
    return np.asarray(wide[:, column] - np.logaddexp.reduce(others, axis=1), dtype=np.float64)


def _mean_ratio(part: Floats, whole: Floats) -> Floats:
    """Return the mean of the ratios in each row whose denominator is not 0."""
    there = whole > 0
    ratio = np.divide(part, whole, out=np.zeros_like(whole), where=there)
    return np.asarray(ratio.sum(axis=1) / there.sum(axis=1), dtype=np.float64)
