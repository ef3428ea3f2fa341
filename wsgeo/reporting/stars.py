"""Who of a region sees all others: the table of stars."""

from __future__ import annotations

from typing import Any

import polars as pl

from wsgeo.reporting.regions import LEVELS, LISTED, SHOWN


def star_rows(stars: pl.DataFrame) -> dict[str, Any]:
    """Return the points of each region, the one with the lowest largest gap first.

    Parameters
    ----------
    stars : polars.DataFrame
        Table ``stars`` of one geometry group.

    Returns
    -------
    dict
        ``stars``, with ``few`` and ``rest`` (rows shown at once, stars and centroids first of all, and on demand)
        and ``stars_left_out`` (how many are not listed).

    Examples
    --------
    >>> row = {"group": "g0", "level": "dataset", "name": "snli", "point": "a", "largest_gap": 0.1}
    >>> found = star_rows(pl.DataFrame([{**row, "is_star": True}]))
    >>> found["stars"][0]["level"], found["few"], found["stars_left_out"]
    ('data set', [0], 0)
    """
    known = stars.drop_nulls(["name", "point"])
    rows = known.sort("level", "name", "largest_gap", nulls_last=True, maintain_order=True)
    listed = rows.drop("group").head(LISTED).to_dicts()
    listed = [{**row, "level": LEVELS.get(row["level"], row["level"])} for row in listed]
    first = [k for k, row in enumerate(listed) if row["is_star"] or row["point"] == "centroid"]
    few = (first + [k for k in range(len(listed)) if k not in first])[:SHOWN]
    return {
        "stars": listed,
        "few": sorted(few),
        "rest": [k for k in range(len(listed)) if k not in few],
        "stars_left_out": rows.height - len(listed),
    }
