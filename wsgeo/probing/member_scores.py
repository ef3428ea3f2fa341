"""The scores of members as one matrix, aligned to the members' ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Rows = NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class MemberScores:
    """What members reach on every slice.

    Parameters
    ----------
    ids : tuple of str
        Members, sorted.
    keys : tuple of (str, str)
        Set and slice of each column, sorted.
    measures : tuple of str
        What the metric of each column counts.
    several_labels : tuple of bool
        Whether a column is known to hold examples of more than one label.
    values : ndarray of float64, shape (n_members, n_slices)
        The metric, a fraction in [0, 1]; NaN where it was not measured.
    """

    ids: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    measures: tuple[str, ...]
    several_labels: tuple[bool, ...]
    values: NDArray[np.float64]


def measured_rows(scores: pl.DataFrame, ids: Collection[str]) -> pl.DataFrame:
    """Return the rows of scores that count: of some members, measured, with a number.

    Parameters
    ----------
    scores : DataFrame
        Schema `wsgeo.probing.tables.SCORES`.
    ids : collection of str
        The members.

    Returns
    -------
    DataFrame
        Rows and columns in their order.

    Examples
    --------
    >>> rows = pl.DataFrame({"id": ["a", "b"], "metric": [0.5, np.nan], "outcome": ["measured"] * 2})
    >>> measured_rows(rows, ["a", "b"])["id"].to_list()
    ['a']
    """
    return scores.filter(
        pl.col("outcome").cast(pl.String) == "measured",
        pl.col("id").is_in(list(ids)),
        pl.col("metric").is_finite(),
    )


def member_scores(scores: pl.DataFrame, ids: Collection[str]) -> MemberScores:
    """Return the measured scores of some members as a matrix.

    Parameters
    ----------
    scores : DataFrame
        Schema `wsgeo.probing.tables.SCORES`, or that of runs which know no measure: theirs is
        accuracy.
    ids : collection of str
        The members; those that have no score keep a row.

    Returns
    -------
    MemberScores
        Slices that were measured on none of the members are left out.
    """
    rows = measured_rows(scores, ids)
    missing = [pl.lit(None).alias(c) for c in ("measure", "balanced") if c not in rows.columns]
    columns = (
        rows.with_columns(missing)
        .group_by("set", "slice")
        .agg(
            pl.col("measure").cast(pl.String).drop_nulls().first().fill_null("accuracy"),
            pl.col("balanced").is_not_null().any(),
        )
        .sort("set", "slice")
    )
    names = tuple(sorted(ids))
    keys = tuple((name, part) for name, part in columns.select("set", "slice").iter_rows())
    row, column = ({key: i for i, key in enumerate(axis)} for axis in (names, keys))
    values = np.full((len(names), len(keys)), np.nan)
    for one, name, part, metric in rows.select("id", "set", "slice", "metric").iter_rows():
        values[row[one], column[name, part]] = metric
    return MemberScores(names, keys, tuple(columns["measure"]), tuple(columns["balanced"]), values)


def complete_blocks(values: NDArray[np.float64]) -> Iterator[tuple[Rows, Rows]]:
    """Yield the columns that were measured on the same rows together.

    Parameters
    ----------
    values : ndarray of float64, shape (n_rows, n_columns)
        NaN where not measured.

    Yields
    ------
    rows, columns : ndarray of int64
        Places of a block without NaN; each column is in one block.
    """
    masks: dict[bytes, list[int]] = {}
    known = np.isfinite(values)
    for column, mask in enumerate(known.T):
        masks.setdefault(mask.tobytes(), []).append(column)
    for columns in masks.values():
        yield np.flatnonzero(known[:, columns[0]]), np.array(columns, np.int64)
