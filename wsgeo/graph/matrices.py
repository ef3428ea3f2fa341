"""From the pair table to square matrices aligned to ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from wsgeo.graph.partitions import Matrix


def square(pairs: pl.DataFrame, ids: Sequence[str], column: str = "convexity_gap") -> Matrix:
    """Return one column of the pair table as a symmetric matrix.

    Parameters
    ----------
    pairs : polars.DataFrame
        Pair table with columns ``a``, ``b`` and ``column``; a pair occurs at most once. Where it
        has a column ``measured``, only rows with ``measured`` enter.
    ids : sequence of str
        Order of rows and columns; pairs with other members are left out.
    column : str, default "convexity_gap"
        Column to spread.

    Returns
    -------
    ndarray of float64, shape (n_members, n_members)
        Zero diagonal; NaN where no pair was measured.

    Examples
    --------
    >>> pairs = pl.DataFrame({"a": ["p"], "b": ["q"], "convexity_gap": [0.25]})
    >>> square(pairs, ["p", "q"]).tolist()
    [[0.0, 0.25], [0.25, 0.0]]
    """
    place = {name: i for i, name in enumerate(ids)}
    values = np.full((len(place), len(place)), np.nan)
    np.fill_diagonal(values, 0.0)
    if "measured" in pairs.columns:
        pairs = pairs.filter(pl.col("measured").cast(pl.String) == "measured")
    for a, b, value in pairs.select("a", "b", column).iter_rows():
        if a in place and b in place and value is not None:
            values[place[a], place[b]] = values[place[b], place[a]] = value
    return values
