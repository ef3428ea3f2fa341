"""The point of a region from which all members are in sight: no ridge on any line to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from wsgeo.regions.region_tables import STARS

_Gaps = NDArray[np.float64]


def stars(
    ids: Sequence[str],
    gaps: ArrayLike,
    centroid_gaps: ArrayLike | None = None,
    *,
    level: str,
    name: str,
) -> pl.DataFrame:
    """Return how far each member, and the centroid, is from being the hub of a star.

    Members of a region need not be joined to one another by lines of low loss; it is enough for a
    common point that all of them are joined to it. The star is the point whose largest gap to a
    member is least.

    Parameters
    ----------
    ids : sequence of str, length n
        Of the members.
    gaps : array_like, shape (n, n)
        Convexity gaps between them, in nats per example; NaN for a pair that was not measured.
    centroid_gaps : array_like, shape (n,), optional
        Gaps between the centroid and each member; NaN where not measured. Without them the centroid
        has no row.
    level, name : str
        Of the region.

    Returns
    -------
    polars.DataFrame
        Of schema `STARS`. Only a point whose gaps to all members are known can be the star; among
        equals it is the first, the centroid last.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> found = stars("abc", [[0, .1, .1], [.1, 0, .4], [.1, .4, 0]], level="dataset", name="snli")
    >>> found.filter("is_star")["point"].to_list()
    ['a']
    """
    matrix, names, n = np.asarray(gaps, np.float64), np.asarray(list(ids)), len(ids)
    middle = None if centroid_gaps is None else np.asarray(centroid_gaps, np.float64)
    if matrix.shape != (n, n) or (middle is not None and middle.shape != (n,)):
        raise ValueError(f"{n} members need gaps of shapes ({n}, {n}) and ({n},).")
    rows = [_row(ids[i], np.delete(matrix[i], i), np.delete(names, i)) for i in range(n)]
    if middle is not None:
        rows.append(_row("centroid", middle, names))
    n_asked = [n - 1] * n + [n]
    complete = [i for i, row in enumerate(rows) if 0 < row["n_gaps"] == n_asked[i]]
    best = min(complete, key=lambda i: (rows[i]["largest_gap"], i), default=-1)
    table = [
        {"level": level, "name": name, **row, "is_star": i == best} for i, row in enumerate(rows)
    ]
    return pl.DataFrame(table, schema=STARS)


def _row(point: str, gaps: _Gaps, ids: NDArray[np.str_]) -> dict[str, Any]:
    """Return the row of a point from its gaps to members."""
    known = np.isfinite(gaps)
    measured = gaps[known]
    return {
        "point": point,
        "largest_gap": float(measured.max()) if measured.size else None,
        "mean_gap": float(measured.mean()) if measured.size else None,
        "farthest": str(ids[known][measured.argmax()]) if measured.size else None,
        "n_gaps": int(measured.size),
    }
