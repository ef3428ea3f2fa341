"""Predictions of how a model scores on diagnostic sets, from the members of its basin."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from wsgeo.probing.intervals import wilson_intervals
from wsgeo.probing.member_scores import measured_rows

LEVEL = 0.95
"""Probability that a new member of the basin scores inside the interval."""

_ROUNDING = 1e-9

_COLUMNS = {
    "set": pl.String, "slice": pl.String, "basin": pl.Int64, "n": pl.Int64,
    "predicted": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "everyone": pl.Float64,
}  # fmt: skip


def predicted(scores: pl.DataFrame, labels: Mapping[str, int], basin: int | None) -> pl.DataFrame:
    r"""Predict the metric of a model on every slice that members were scored on.

    .. math:: \bar x \pm t_{n-1} \, s \sqrt{1 + 1/n}

    of the n members of its basin: an interval for one more of their kind, wider than that of their
    mean. It takes scores of a basin to be about normal, and ends at 0 and 1. It is never narrower
    than the Wilson interval of one member with their mean score: where all are equal, the examples
    are still a sample.

    Parameters
    ----------
    scores : DataFrame
        Schema `wsgeo.probing.tables.SCORES`; rows without a measured metric do not count.
    labels : mapping of str to int
        Basin of each member that may tell, -1 for none. Name only one of several identical ones.
    basin : int or None
        Where the model lies. With None there is no prediction but the mean of everyone.

    Returns
    -------
    DataFrame
        Columns ``set``, ``slice``, ``basin``, ``n`` (members of the basin), ``predicted``, ``lo``,
        ``hi``, ``everyone`` of `wsgeo.probing.tables.PREDICTIONS`, in the order of the scores.

    Examples
    --------
    >>> rows = {"id": ["a", "b"], "set": ["s"] * 2, "slice": ["all"] * 2, "metric": [0.4, 0.6]}
    >>> rows |= {"n_examples": [50, 50], "outcome": ["measured"] * 2}
    >>> found = predicted(pl.DataFrame(rows), {"a": 0, "b": 0}, 0)
    >>> found["predicted"].item()
    0.5
    """
    known = _with_basins(scores, labels)
    own = pl.col("metric").filter(pl.col("basin") == pl.lit(basin, pl.Int64))
    found = known.group_by("set", "slice", maintain_order=True).agg(
        own.len().cast(pl.Int64).alias("n"),
        own.mean().alias("predicted"),
        own.std(ddof=1).alias("spread"),
        pl.col("metric").mean().alias("everyone"),
        pl.col("n_examples").max(),
    )
    half, (low, high) = _half_widths(found), _of_one_member(found)
    found = found.with_columns(
        pl.lit(basin, pl.Int64).alias("basin"),
        # A sum with null is null: one basin-mate gives no interval.
        pl.min_horizontal((pl.col("predicted") - half).clip(0, 1), low + 0 * half).alias("lo"),
        pl.max_horizontal((pl.col("predicted") + half).clip(0, 1), high + 0 * half).alias("hi"),
    )
    return found.select(list(_COLUMNS)).cast(_COLUMNS)  # type: ignore[arg-type]


def inside(actual: pl.Expr, lo: pl.Expr, hi: pl.Expr) -> pl.Expr:
    """Return whether scores lie in their intervals, ends included.

    Parameters
    ----------
    actual, lo, hi : Expr
        Scores and ends of the intervals, fractions in [0, 1].

    Returns
    -------
    Expr
        Of Booleans; null where one of the three is.

    Examples
    --------
    >>> rows = pl.DataFrame({"actual": [0.3, 0.5], "lo": [0.1 + 0.2, 0.6], "hi": [0.4, 0.7]})
    >>> rows.select(inside(pl.col("actual"), pl.col("lo"), pl.col("hi")))["actual"].to_list()
    [True, False]
    """
    # A mean and its terms may differ by rounding where all scores are equal.
    return actual.is_between(lo - _ROUNDING, hi + _ROUNDING)


def _with_basins(scores: pl.DataFrame, labels: Mapping[str, int]) -> pl.DataFrame:
    """Return the scores of some members that were measured, with their basins."""
    basins = {"id": list(labels), "basin": list(labels.values())}
    named = pl.DataFrame(basins, schema={"id": pl.String, "basin": pl.Int64})
    known = measured_rows(scores, labels).select("id", "set", "slice", "metric", "n_examples")
    return known.join(named, on="id", how="left", maintain_order="left")


def _of_one_member(found: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Return the ends of the Wilson interval of a member that has the predicted score."""
    known = found["n_examples"].is_not_null() & found["predicted"].is_not_null()
    counts = found["n_examples"].fill_null(1).to_numpy()
    hits = found["predicted"].fill_null(0.0).to_numpy() * counts
    ends = (pl.Series(end) for end in wilson_intervals(hits, counts))
    low, high = (end.zip_with(known, found["predicted"]) for end in ends)
    return low, high


def _half_widths(found: pl.DataFrame) -> pl.Series:
    """Return half the width of each interval; null for fewer than two members."""
    from scipy.stats import t

    n = found["n"].to_numpy().astype(np.float64)
    several = n > 1
    factor = np.full(len(n), np.nan)
    quantile = t.ppf((1 + LEVEL) / 2, n[several] - 1)
    factor[several] = quantile * np.sqrt(1 + 1 / n[several])
    return (found["spread"] * pl.Series(factor, nan_to_null=True)).alias("half")
