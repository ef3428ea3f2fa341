"""What a start gains over the base: for each target, and over all of them.

An interval over seeds says what other seeds would give on the same held-out examples, and is never
narrower than one over examples; an interval over targets says what other targets would give.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import polars as pl

from wsgeo.errors import DataError
from wsgeo.probing.correlations import spearman
from wsgeo.regions.differences import (
    BASE,
    LEVEL,
    SETTING,
    Setting,
    gain_interval,
    has_learned,
    seed_differences,
)
from wsgeo.regions.start_tables import GAINS
from wsgeo.regions.tables import finite

ALL: Final = "*"
"""Target of the rows over all targets."""

_FIGURES: Final = ("base_metric", "metric", "gain", "loss_gain")

Row = dict[str, Any]


def gains(
    trials: pl.DataFrame,
    starts: pl.DataFrame,
    *,
    level: float = LEVEL,
    looks: int | Mapping[Setting, int] = 1,
    apart: Collection[Setting] = (),
) -> pl.DataFrame:
    """Return what each start gains over the base, per target and over all targets.

    A start is chosen that gains most of those whose gain is proved: a one-sided bound at the error
    (1 - level) over the number of looks and of starts that have two results or more (Bonferroni) is
    above 0, and so is the interval. Where no start is better than the base, one is chosen with at
    most probability 1 - level; searching among more starts does not raise it. Where none is proved, as
    always with one seed, the base is chosen. A start that never learned more than a constant answer
    neither wins nor is chosen.

    Parameters
    ----------
    trials : DataFrame
        Schema `wsgeo.regions.start_tables.TRIALS`. No interval of a target is narrower than its
        held-out examples allow (`wsgeo.regions.differences.gain_interval`).
    starts : DataFrame
        Schema `wsgeo.regions.start_tables.STARTS`: kinds and ranks.
    level : float, default 0.95
        Confidence of the intervals.
    looks : int or mapping of (target, shots, method) to int, default 1
        How often the seeds could have stopped (`wsgeo.regions.stopping.planned_looks`): intervals
        are widened so that they hold at all looks together. A setting that is not named had one.
    apart : collection of (target, shots, method), optional
        Settings that are not counted over all targets, such as those of another recipe.

    Returns
    -------
    DataFrame
        Schema `GAINS`: targets in the order of the trials, the base first and then starts by gain.
        The base has the gain 0 and neither interval nor outcome. Several targets are followed by
        rows of all targets, each a mean over the targets on which the start has a result; these
        intervals are over targets.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> from wsgeo.regions.start_tables import STARTS, TRIALS
    >>> rows = [
    ...     {"target": "trec", "start": start, "method": "full", "seed": seed, "status": "trained",
    ...      "metric": metric + 0.01 * seed, "loss": 1 - metric, "seconds": 1.0}
    ...     for start, metric in [("base", 0.6), ("centroid of all", 0.7)] for seed in range(3)
    ... ]
    >>> found = gains(pl.DataFrame(rows, schema=TRIALS), pl.DataFrame(schema=STARTS))
    >>> found.select("start", pl.col("gain").round(3), "outcome", "is_chosen").rows()
    [('base', 0.0, None, False), ('centroid of all', 0.1, 'win', True)]
    """
    pairs = seed_differences(trials)
    rows: list[Row] = []
    for key, group in trials.group_by(*SETTING, maintain_order=True):
        where = dict(zip(SETTING, key, strict=True))
        own, known = _at(pairs, where), _at(starts, {**where, "method": None})
        planned = looks.get(key, 1) if isinstance(looks, Mapping) else looks
        error = (1 - level) / planned
        found = [
            {**where, **_gain(name, own, error)}
            for name in group["start"].unique(maintain_order=True)
        ]
        _describe(found, group, known)
        rows += _chosen(found, own, error)
    joint = [row for row in rows if tuple(row[part] for part in SETTING) not in apart]
    if len({row["target"] for row in joint}) > 1:
        rows += _over_all(pl.DataFrame(joint, schema={**GAINS, "status": pl.String()}), 1 - level)
    return pl.DataFrame(rows, schema=GAINS)


def choice_level(error: float, n_starts: int) -> float:
    """Return the confidence that an interval needs for its start to be chosen.

    Parameters
    ----------
    error : float
        Probability of a wrong choice that is accepted, in (0, 1).
    n_starts : int
        Starts among which is chosen.

    Returns
    -------
    float
        Of a two-sided interval whose lower end is the bound at ``error / n_starts``, and at least
        ``1 - error``.

    Examples
    --------
    >>> [round(choice_level(0.05, n), 3) for n in (1, 2, 4)]
    [0.95, 0.95, 0.975]
    """
    return 1 - error * min(1.0, 2 / n_starts)


def _at(table: pl.DataFrame, where: Mapping[str, Any]) -> pl.DataFrame:
    """Return the rows of a setting, by those of its columns that the table has."""
    return table.filter(
        *(pl.col(name).eq_missing(value) for name, value in where.items() if name in table.columns)
    )


def _gain(name: str, pairs: pl.DataFrame, error: float) -> Row:
    """Return the means of a start over the seeds that it shares with the base."""
    own = pairs.filter(pl.col("start") == name)
    status = "trained" if has_learned(own) else "degenerate"
    row: Row = {"start": name, "n": own.height, "status": status}
    row |= {figure: own[figure].mean() for figure in _FIGURES}
    if name == BASE or own.is_empty():
        return row
    _, lo, hi = gain_interval(own, 1 - error)
    is_win = lo > 0 and has_learned(own)
    row |= {"gain_lo": _end(lo), "gain_hi": _end(hi)}
    return row | {"outcome": "win" if is_win else "loss" if hi < 0 else "tie"}


def _end(bound: float) -> float | None:
    """Return the end of an interval within what a difference of fractions can be."""
    return None if finite(bound) is None else max(-1.0, min(1.0, bound))


def _describe(found: Sequence[Row], trials: pl.DataFrame, starts: pl.DataFrame) -> None:
    """Add kinds, seconds and the agreement of the cheap ranks with the metrics."""
    seconds = dict(trials.group_by("start").agg(pl.col("seconds").sum()).iter_rows())
    kinds = dict(starts.select("start", "kind").iter_rows()) | {BASE: BASE}
    agreement = _agreement(found, dict(starts.select("start", "rank").iter_rows()))
    for row in found:
        row |= {"kind": kinds.get(row["start"]), "seconds": seconds[row["start"]]}
        row["stage_agreement"] = agreement


def _agreement(found: Sequence[Row], ranks: Mapping[str, int]) -> float | None:
    """Return how far the cheap ranks order the starts as their metrics do."""
    told = [row for row in found if row["n"] and ranks.get(row["start"]) is not None]
    if len(told) < 3:
        return None
    try:
        return spearman(
            [-ranks[row["start"]] for row in told], [row["metric"] for row in told]
        ).value
    except DataError:  # all are alike: there is no order
        return None


def _chosen(found: Sequence[Row], pairs: pl.DataFrame, error: float) -> list[Row]:
    """Mark the start that is recommended; the base first, then starts by gain."""
    # One fine-tuning proves nothing, so its start is none among which is chosen.
    n_starts = sum(row["start"] != BASE and row["n"] > 1 for row in found)
    level = choice_level(error, max(1, n_starts))
    proved = [
        row
        for row in found
        if row["start"] != BASE and row["n"] and _is_proved(pairs, row["start"], level)
    ]
    best = max(proved, key=lambda row: row["gain"])["start"] if proved else BASE
    order = sorted(found, key=_place)
    return [row | {"is_chosen": row["start"] == best} for row in order]


def _is_proved(pairs: pl.DataFrame, start: str, level: float) -> bool:
    own = pairs.filter(pl.col("start") == start)
    return gain_interval(own, level).lo > 0 and has_learned(own)


def _place(row: Row) -> tuple[bool, float]:
    """Return what sorts the base first, then starts by gain, the unknown last."""
    return row["start"] != BASE, math.inf if row["gain"] is None else -row["gain"]


def _over_all(rows: pl.DataFrame, error: float) -> list[Row]:
    """Return the means over targets, for each number of shots and method."""
    found: list[Row] = []
    for key, group in rows.group_by(*SETTING[1:], maintain_order=True):
        where = {"target": ALL, **dict(zip(SETTING[1:], key, strict=True))}
        told = group.filter(pl.col("gain").is_not_null())
        agreements = group.unique("target", maintain_order=True)["stage_agreement"]
        means = [
            {**where, **_gain(name, told, error), **_counts(group, name), "outcome": None}
            | {"stage_agreement": agreements.mean()}
            for name in group["start"].unique(maintain_order=True)
        ]
        found += _chosen(means, told, error)
    return found


def _counts(rows: pl.DataFrame, name: str) -> Row:
    """Return the kind of a start, what it took, and on how many targets it wins."""
    own = rows.filter(pl.col("start") == name)
    outcomes = own["outcome"].to_list() if name != BASE else []
    counts = {"wins": "win", "ties": "tie", "losses": "loss"}
    return {
        "kind": own["kind"].drop_nulls().first(),
        "seconds": own["seconds"].sum(),
        **{plural: outcomes.count(one) if outcomes else None for plural, one in counts.items()},
    }
