"""Scores of checkpoints on diagnostic sets, slice by slice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.errors import DataError
from wsgeo.evaluation.losses import (
    AbstractEngine,
    Failure,
    Item,
    Losses,
    Outcome,
    Point,
)
from wsgeo.probing.sets import DiagnosticSet
from wsgeo.probing.tables import SCORES
from wsgeo.progress import Progress
from wsgeo.tasks.encoding import encode
from wsgeo.tasks.task import EncodedExamples
from wsgeo.zoo.checkpoints import Checkpoint

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""

_NUMBERS = ("loss", "loss_lo", "loss_hi", "metric", "metric_lo", "metric_hi")


def encode_sets(
    sets: Iterable[DiagnosticSet],
    tokenizer: PreTrainedTokenizerBase,
    labels: Sequence[str],
    *,
    max_length: int | None = None,
) -> tuple[dict[str, EncodedExamples], dict[str, str]]:
    """Encode diagnostic sets for one loss group.

    Parameters
    ----------
    sets : iterable of DiagnosticSet
        The sets.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the group.
    labels : sequence of str
        Labels of the group, in its order.
    max_length : int, optional
        Longest input in tokens.

    Returns
    -------
    examples : dict of str to EncodedExamples
        By set name: what the engine is given.
    reasons : dict of str to str
        Why a set does not apply to the group, by set name.
    """
    examples, reasons = {}, {}
    for one in sets:
        try:
            examples[one.name] = encode(
                one.as_task(), tokenizer, labels=labels, max_length=max_length
            )
        except DataError as error:
            reasons[one.name] = str(error)
    return examples, reasons


def score_members(
    engine: AbstractEngine,
    members: Sequence[Checkpoint],
    sets: Iterable[DiagnosticSet],
    *,
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
    reasons : mapping of str to str, optional
        Why a set does not apply, by name (from `encode_sets`); it is not evaluated.
    progress : Progress, optional
        Told how many evaluations are done.

    Returns
    -------
    DataFrame
        Schema `SCORES`: one row per member, set and slice, in the order of members, sets, slices.
    """
    sets, reasons = list(sets), dict(reasons or {})
    hashes = list(dict.fromkeys(member.content_hash for member in members))
    wanted = [(content, one.name) for one in sets if one.name not in reasons for content in hashes]
    items = [Item((Point.of(content),), name) for content, name in wanted]
    outcomes: dict[tuple[str, str], Outcome] = {}
    for i, (outcome,) in engine.evaluate(items):
        outcomes[wanted[i]] = outcome
        if progress:
            progress(len(outcomes), len(items), "diagnostic scores")
    rows = []
    for member in members:
        for one in sets:
            reason = reasons.get(one.name)
            found = None if reason else outcomes[member.content_hash, one.name]
            rows += [{"id": member.id, **row} for row in _rows(one, found, reason)]
    return pl.DataFrame(rows, schema=SCORES)


def wilson_interval(hits: float, n: int) -> tuple[float, float]:
    r"""Return the 95 % Wilson interval of a fraction.

    .. math:: \frac{\hat p + z^2/2n \pm z \sqrt{\hat p (1 - \hat p)/n + z^2/4n^2}}{1 + z^2/n}

    Unlike the normal interval it stays in [0, 1] and does not shrink to a point at 0 or ``n`` hits.

    Parameters
    ----------
    hits : float
        Number of right answers.
    n : int
        Number of answers.

    Returns
    -------
    (float, float)
        Lower and upper end, fractions in [0, 1].

    Raises
    ------
    ValueError
        If ``n`` is below 1 or ``hits`` is not in [0, n].

    Examples
    --------
    >>> [round(end, 3) for end in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"{hits} right of {n} is no score.")
    share, z2 = hits / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # Exact ends: at 0 and n hits the formula gives them only up to rounding.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == n else min(1.0, middle + half)


def _rows(
    one: DiagnosticSet, outcome: Outcome | None, reason: str | None
) -> list[dict[str, object]]:
    """Return the rows of one member and set, without the member's id."""
    status, why = _status(outcome, reason)
    rows: list[dict[str, object]] = []
    for name, mask in one.slices.items():
        numbers: dict[str, float | None] = dict.fromkeys(_NUMBERS)
        if status == "measured":
            assert isinstance(outcome, Losses)
            numbers = _numbers(outcome, mask)
        row = {"set": one.name, "slice": name, "n_examples": int(mask.sum()), **numbers}
        rows.append({**row, "outcome": status, "reason": why})
    return rows


def _status(outcome: Outcome | None, reason: str | None) -> tuple[str, str | None]:
    """Return the outcome of an evaluation in the words of the table."""
    if outcome is None:
        return "not applicable", reason
    if isinstance(outcome, Failure):
        return "failed", outcome.reason
    if not np.isfinite(outcome.loss).all():
        return "failed", "A loss is not finite."
    return "measured", None


def _numbers(outcome: Losses, mask: NDArray[np.bool_]) -> dict[str, float | None]:
    """Return means and intervals over the examples of one slice."""
    loss = outcome.loss[mask].astype(np.float64)
    hits, n = float(outcome.hit[mask].sum(dtype=np.float64)), int(mask.sum())
    half = Z95 * float(loss.std(ddof=1)) / math.sqrt(n) if n > 1 else None
    mean = float(loss.mean())
    low, high = wilson_interval(hits, n)
    return {
        "loss": mean,
        "loss_lo": None if half is None else mean - half,
        "loss_hi": None if half is None else mean + half,
        "metric": hits / n,
        "metric_lo": low,
        "metric_hi": high,
    }
