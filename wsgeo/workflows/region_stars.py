"""The star of a region, in words: the point that all members are joined to with low gaps."""

from __future__ import annotations

import polars as pl

from wsgeo.workflows.region_findings import ALIKE


def star_sentence(stars: pl.DataFrame, points: pl.DataFrame) -> list[str]:
    """Say which point is joined to all members with the lowest gaps.

    Parameters
    ----------
    stars : polars.DataFrame
        Rows of one region, of schema `STARS`.
    points : polars.DataFrame
        Its points, of schema `REGION_POINTS`.

    Returns
    -------
    list of str
        None where no point has all gaps known; two where the star is worse than the members: a
        point on a ridge has small gaps too.
    """
    best = stars.filter("is_star")
    if best.is_empty():
        return []
    row = best.row(0, named=True)
    others = stars.filter(~pl.col("is_star")).drop_nulls("largest_gap").sort("largest_gap")
    name = _point(row["point"])
    told = f"Star point: {name}, whose largest gap to a member is {row['largest_gap']:.4f} nats"
    if not others.is_empty():
        after = others.row(0, named=True)
        told += f" (next: {_point(after['point'])}, {after['largest_gap']:.4f})"
    return [f"{told}.", *_star_height(name, row["point"], points)]


def _point(name: str) -> str:
    return "the centroid" if name == "centroid" else name


def _star_height(name: str, star: str, points: pl.DataFrame) -> list[str]:
    """Say by how much the star is worse than the members under the heads that gaps are taken with."""
    rows = points.filter(head="interpolate").drop_nulls("loss")
    own = rows.filter(point=star)["loss"].mean()
    members = rows.filter(kind="member")["loss"].mean()
    if not isinstance(own, float) or not isinstance(members, float) or own <= members + ALIKE:
        return []
    heads = f"With the mean of the heads {name} itself has a loss of {own:.3f} nats"
    return [f"{heads}, members {members:.3f}: gaps are taken from there."]
