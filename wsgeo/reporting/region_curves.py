"""Losses along lines through regions: between members, beyond them, and away from the centroid."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from wsgeo.reporting.plain import plain
from wsgeo.reporting.region_losses import Key, mean_losses, view_keys, view_title

CURVES: Final = {
    "interpolation": "between members",
    "extrapolation": "beyond members",
    "random": "random directions",
    "origin": "toward the origin",
    "base": "toward the base",
}
"""Kinds of curves in words; the last three lead away from the centroid."""

POINT_LIMIT: Final = 900
"""Most positions on single lines that are drawn, of all regions (12 bytes each)."""


def region_curves(curves: pl.DataFrame) -> dict[str, Any]:
    """Return what the panel of lines through regions shows.

    Parameters
    ----------
    curves : polars.DataFrame
        Table ``region_curves`` of one geometry group.

    Returns
    -------
    dict
        ``kinds`` (those that any region has), the ``first`` view with most of them, and ``views``: per region and head ``title``, the ``kinds`` that it
        has, ``points`` (``curve``, ``line``, ``x``, ``loss``), ``medians`` over the lines of each kind
        (``curve``, ``x``, ``loss``, ``n``) and how many lines are ``left_out`` of the single ones. ``x`` is a position between two members, a distance beyond them in lengths of their line
        (1 at the end, 2 one length further), or a radius over that of the members.
    """
    known = curves.filter(pl.col("curve").is_in(list(CURVES)))
    rows = _placed(mean_losses(known, ["curve", "line", "position"]))
    keys = view_keys(rows)
    room = POINT_LIMIT // max(len(keys), 1)
    views = [{"title": view_title(key), **_view(_of(rows, key), room)} for key in keys]
    met = {name for view in views for name in view["kinds"]}
    n_kinds = [len(view["kinds"]) for view in views]
    return plain(  # type: ignore[no-any-return]
        {
            "kinds": [name for name in CURVES if name in met],
            "views": views,
            "first": n_kinds.index(max(n_kinds)) if views else 0,
        }
    )


def _of(rows: pl.DataFrame, key: Key) -> pl.DataFrame:
    level, name, head = key
    return rows.filter(pl.col("level") == level, pl.col("name") == name, pl.col("head") == head)


def _placed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with the place of each on its axis, both ends of a line drawn outwards."""
    position = pl.col("position")
    beyond, before = pl.col("curve") == "extrapolation", position < 1
    return rows.with_columns(
        x=pl.when(beyond & before).then(1 - position).otherwise(position).round_sig_figs(4),
        line=pl.when(beyond & before).then(pl.col("line") + " back").otherwise(pl.col("line")),
    ).sort("x", maintain_order=True)


def _view(rows: pl.DataFrame, room: int) -> dict[str, Any]:
    """Return the curves of one region: medians of all lines, and single lines as there is room."""
    lines = rows.partition_by("curve", "line", maintain_order=True)
    lines.sort(key=lambda line: list(CURVES).index(line["curve"][0]))
    drawn = _first(lines, room)
    return {
        "kinds": [name for name in CURVES if name in set(rows["curve"])],
        "points": _points(drawn),
        "medians": _medians(rows).to_dicts(),
        "left_out": len(lines) - len(drawn),
    }


def _first(lines: list[pl.DataFrame], room: int) -> list[pl.DataFrame]:
    """Return an even sample of the lines that has no more points than there is room for."""
    longest = max((line.height for line in lines), default=1)
    kept = max(1, room // longest)
    if kept >= len(lines):
        return lines
    return [lines[k * len(lines) // kept] for k in range(kept)]


def _points(lines: list[pl.DataFrame]) -> list[dict[str, Any]]:
    """Return the points of some lines, lines by number."""
    return [
        {"line": k, "curve": curve, "x": x, "loss": loss}
        for k, line in enumerate(lines)
        for curve, x, loss in line.select("curve", "x", "loss").iter_rows()
    ]


def _medians(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the median loss of each kind where all of its lines have a loss: one may be huge."""
    n_lines = rows.group_by("curve").agg(of=pl.col("line").n_unique())
    medians = rows.group_by("curve", "x", maintain_order=True).agg(
        pl.col("loss").median(), n=pl.col("line").n_unique()
    )
    whole = medians.join(n_lines, on="curve", maintain_order="left")
    return whole.filter(pl.col("n") == pl.col("of")).drop("of").sort("curve", "x")
