"""Scores of checkpoints on diagnostic sets, slice by slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from wsgeo.errors import DataError
from wsgeo.evaluation.losses import (
    AbstractEngine,
    Failure,
    Item,
    Losses,
    Outcome,
    Point,
)
from wsgeo.probing.intervals import Z95, wilson_interval, wilson_intervals
from wsgeo.probing.judgements import (
    Judgement,
    Units,
    judge,
    label_quality,
    units_of,
    why_not,
)
from wsgeo.probing.sentences import encode_sentences
from wsgeo.probing.sets import DiagnosticSet
from wsgeo.probing.tables import SCORES
from wsgeo.progress import Progress
from wsgeo.tasks.declarations import Kind
from wsgeo.tasks.encoding import encode
from wsgeo.tasks.task import EncodedExamples, Objective
from wsgeo.zoo.checkpoints import Checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = ["Z95", "encode_sets", "score_members", "wilson_interval"]

_FLOATS = tuple(name for name, kind in SCORES.items() if kind == pl.Float64)


def encode_sets(
    sets: Iterable[DiagnosticSet],
    tokenizer: PreTrainedTokenizerBase,
    labels: Sequence[str] = (),
    *,
    objective: Objective = Objective.CLASSIFICATION,
    max_length: int | None = None,
) -> tuple[dict[str, EncodedExamples], dict[str, str]]:
    """Encode diagnostic sets for one loss group.

    Classifiers take every set whose labels are theirs. Language models take minimal pairs of single
    sentences, whatever their labels.

    Parameters
    ----------
    sets : iterable of DiagnosticSet
        The sets.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the group.
    labels : sequence of str
        Labels of the group, in its order; language models have none.
    objective : Objective, default classification
        What the group's models do.
    max_length : int, optional
        Longest input in tokens.

    Returns
    -------
    examples : dict of str to EncodedExamples
        By set name: what the engine is given. For a masked language model a row is a copy of a
        sentence with one token masked, so there are more rows than examples.
    reasons : dict of str to str
        Why a set does not apply to the group, by set name.

    References
    ----------
    [salazar2020]_
    """
    examples, reasons = {}, {}
    for one in sets:
        try:
            examples[one.name] = _encode(one, tokenizer, labels, objective, max_length)
        except DataError as error:
            reasons[one.name] = error.what  # its remedy is for those who read data
    return examples, reasons


def unknown_share(examples: EncodedExamples, tokenizer: PreTrainedTokenizerBase) -> float:
    """Return the share of a set's tokens that stand for words the tokenizer does not know.

    Members that cannot tell two words apart answer alike, whatever they have learned.

    Parameters
    ----------
    examples : EncodedExamples
        The encoded set.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the group.

    Returns
    -------
    float
        In [0, 1]; 0 for a tokenizer that knows every text.
    """
    unknown = tokenizer.unk_token_id
    ids = examples.input_ids[examples.attention_mask != 0]
    marks = [one for one in tokenizer.all_special_ids if one != unknown]
    words = ids[~np.isin(ids, marks)]
    return 0.0 if unknown is None or not len(words) else float((words == unknown).mean())


def score_members(
    engine: AbstractEngine,
    members: Sequence[Checkpoint],
    sets: Iterable[DiagnosticSet],
    *,
    examples: Mapping[str, EncodedExamples] | None = None,
    reasons: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Score checkpoints of one loss group on diagnostic sets.

    Checkpoints of equal content are evaluated once and each gets its rows.

    Parameters
    ----------
    engine : AbstractEngine
        Knows the members by content hash and the encoded sets by set name.
    members : sequence of Checkpoint
        Members of one loss group.
    sets : iterable of DiagnosticSet
        The sets, those that do not apply included.
    examples : mapping of str to EncodedExamples, optional
        The encoded sets, by name (from `encode_sets`): which label each answer is. Without them
        minimal pairs are not applicable, and balanced accuracy, F1 and correlation are null.
    reasons : mapping of str to str, optional
        Why a set does not apply, by name (from `encode_sets`); it is not evaluated.
    progress : Progress, optional
        Told how many evaluations are done.

    Returns
    -------
    DataFrame
        Schema `SCORES`: one row per member, set and slice, in the order of members, sets, slices.
    """
    sets, reasons, examples = list(sets), dict(reasons or {}), dict(examples or {})
    units = {one.name: units_of(one) for one in sets}
    hashes = list(dict.fromkeys(member.content_hash for member in members))
    wanted = [(content, one.name) for one in sets if one.name not in reasons for content in hashes]
    items = [Item((Point.of(content),), name) for content, name in wanted]
    blocks: dict[tuple[str, str], pl.DataFrame] = {}
    for i, (outcome,) in engine.evaluate(items):
        content, name = wanted[i]
        blocks[content, name] = _block(name, units[name], outcome, examples.get(name))
        if progress:
            progress(len(blocks), len(items), "diagnostic scores")
    blocks |= {
        (content, name): _block(name, units[name], why, None)
        for name, why in reasons.items() if name in units
        for content in hashes
    }  # fmt: skip
    frames = [
        blocks[member.content_hash, one.name].select(pl.lit(member.id).alias("id"), pl.all())
        for member in members
        for one in sets
    ]
    return pl.concat([pl.DataFrame(schema=SCORES), *frames])


def _encode(
    one: DiagnosticSet,
    tokenizer: PreTrainedTokenizerBase,
    labels: Sequence[str],
    objective: Objective,
    max_length: int | None,
) -> EncodedExamples:
    """Encode a set for one objective, or say why it does not apply."""
    if objective is Objective.CLASSIFICATION:
        return encode(one.as_task(labels), tokenizer, labels=labels, max_length=max_length)
    if objective is Objective.SEQ2SEQ:
        raise DataError("models that write a text for a text are asked no diagnostic set")
    if one.kind is not Kind.MINIMAL_PAIRS:
        raise DataError(f"a language model gives no labels, and the set is of kind {one.kind}")
    if one.examples["text_b"].null_count() < one.examples.height:
        raise DataError("a language model is asked single sentences, and the set has two texts")
    texts = one.examples["text_a"].to_list()
    return encode_sentences(one.name, texts, tokenizer, objective, max_length=max_length)


def _block(
    name: str,
    units: Sequence[Units],
    outcome: Outcome | str,
    examples: EncodedExamples | None,
) -> pl.DataFrame:
    """Return the rows of one checkpoint and set, without an id; a text is why it does not apply."""
    return pl.concat([_rows(name, each, outcome, examples) for each in units])


def _rows(
    name: str, units: Units, outcome: Outcome | str, examples: EncodedExamples | None
) -> pl.DataFrame:
    status, why = _status(units, outcome, examples)
    numbers: dict[str, Any] = {}
    if status == "measured":
        assert isinstance(outcome, Losses)
        numbers = _numbers(units, judge(units, outcome, examples))
    columns = {
        "set": name,
        "slice": list(units.slices),
        "measure": units.measure,
        "n_examples": units.counts,
        **{key: numbers.get(key) for key in _FLOATS},
        "outcome": status,
        "reason": why,
    }
    schema = {key: kind for key, kind in SCORES.items() if key != "id"}
    return pl.DataFrame(columns, schema=schema).with_columns(pl.col(_FLOATS).fill_nan(None))


def _status(
    units: Units, outcome: Outcome | str, examples: EncodedExamples | None
) -> tuple[str, str | None]:
    """Return the outcome of an evaluation in the words of the table."""
    if isinstance(outcome, str):
        return "not applicable", outcome
    if isinstance(outcome, Failure):
        return "failed", outcome.reason
    if not np.isfinite(outcome.loss).all():
        return "failed", "A loss is not finite."
    reason = why_not(units, outcome, examples)
    return ("not applicable", reason) if reason else ("measured", None)


def _numbers(units: Units, judgement: Judgement) -> dict[str, Any]:
    """Return means and intervals over the units of each slice; NaN where there is none."""
    right = units.membership @ judgement.right
    low, high = wilson_intervals(right, units.counts)
    found = {"metric": right / units.counts, "metric_lo": low, "metric_hi": high}
    if judgement.loss is not None:
        found |= _mean_loss(units, judgement.loss)
    return found | label_quality(units, judgement)


def _mean_loss(units: Units, loss: Any) -> dict[str, Any]:
    """Return the mean of each slice and its normal interval, which one unit does not have."""
    n, middle = units.counts, loss.mean()
    # Around the middle: the square of a mean far from 0 would swallow a small variance.
    total, squares = units.membership @ (loss - middle), units.membership @ (loss - middle) ** 2
    variance = np.maximum(squares - total**2 / n, 0) / np.where(n > 1, n - 1, np.nan)
    mean, half = middle + total / n, Z95 * np.sqrt(variance / n)
    return {"loss": mean, "loss_lo": mean - half, "loss_hi": mean + half}
