"""Losses in and around regions: points by kind, how often one kind beats another, and stars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import polars as pl

from wsgeo.reporting.plain import plain
from wsgeo.reporting.regions import LEVELS, LISTED
from wsgeo.reporting.stars import star_rows

KINDS: Final = {
    "members": "members",
    "hull": "hull samples",
    "centroid": "centroid",
    "uniform": "hull, uniform",
    "sparse": "hull, sparse",
    "pair": "hull, pairs",
    "triple": "hull, triples",
    "leave_one_out": "hull, all but one",
    "outside": "members outside",
    "random": "base + random direction",
    "base": "base",
}
"""What a kind of points is called, from the inside out."""

FAMILIES: Final = ("members", "hull", "centroid", "outside", "random", "base")
"""Kinds that have a colour of their own; samples of the hull share one."""

HEADS: Final = {
    "refit": "head refitted (linear probe)",
    "interpolate": "mean of the heads",
    "own": "own head",
}
"""What was done with the head, in words."""

POINT_LIMIT: Final = 900
"""Most points of all regions that are drawn (15 bytes each)."""

ORDER_LIMIT: Final = 800
"""Most entries of all matrices of orders (13 bytes each); beyond, samples of the hull count as one."""

COMPARISONS: Final = (("members", "outside"), ("hull", "outside"), ("hull", "members"))
"""What a region claims: its inside does at least as well as what is outside, and as its members."""

_OF_POINTS: Final = {"member": "members", "other_member": "outside"}
_OUTSIDE: Final = ("outside", "random")  # where no member is outside, random directions are
_KEY: Final = ("level", "name", "head")
_ENDS: Final = {"p": "probability", "lo": "probability_lo", "hi": "probability_hi"}

Key = tuple[str, str, str]


def region_losses(frames: Mapping[str, pl.DataFrame], ids: list[str]) -> dict[str, Any]:
    """Return what the panels of losses in and around regions show.

    Parameters
    ----------
    frames : mapping of str to polars.DataFrame
        Tables ``region_points``, ``region_orders`` and ``stars`` of one geometry group.
    ids : list of str
        Members that points are named by.

    Returns
    -------
    dict
        ``views`` (per region and head ``title``, ``points``, ``means`` over all of a kind, ``orders`` as a flat matrix over its
        ``kinds``, and how many points are ``left_out``), ``table`` (the comparisons of every view),
        ``failed`` (points without a loss, by reason) and ``stars`` with ``few``, ``rest`` and ``stars_left_out``.
    """
    measured = frames["region_points"].drop_nulls("kind")
    far = measured.group_by(*_KEY, "kind", "point").agg(pl.col("radius").drop_nulls().first())
    points = mean_losses(measured, ["kind", "point"]).join(
        far, on=[*_KEY, "kind", "point"], how="left", nulls_equal=True, maintain_order="left"
    )
    orders = frames["region_orders"].drop_nulls(["a", "b"])
    keys = view_keys(points, orders)
    few = points.height <= POINT_LIMIT
    room = points.height if few else max(2, POINT_LIMIT // (len(keys) * len(KINDS)))
    fine = orders.height <= ORDER_LIMIT
    views = [
        {
            "title": view_title(key),
            **_drawn(_of_view(points, key), ids, room),
            "orders": _matrix(_of_view(orders, key), fine=fine),
        }
        for key in keys
    ]
    failed = measured.filter(pl.col("loss").is_null())
    return plain(  # type: ignore[no-any-return]
        {
            "views": views,
            "table": _table(orders, keys[:LISTED]),
            "failed": _failures(failed),
            **star_rows(frames["stars"]),
        }
    )


def family(kind: str) -> str:
    """Return the kind by whose colour a kind is drawn.

    Parameters
    ----------
    kind : str
        One of `KINDS`.

    Returns
    -------
    str
        One of `FAMILIES`.

    Examples
    --------
    >>> family("sparse"), family("base")
    ('hull', 'base')
    """
    return kind if kind in FAMILIES else "hull"


def mean_losses(rows: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Return the mean loss over the tasks of a region, for all that was measured on each of them.

    Parameters
    ----------
    rows : polars.DataFrame
        Columns ``level``, ``name``, ``head``, ``task``, ``loss`` and ``names``.
    names : list of str
        Columns that tell one row of a region from another.

    Returns
    -------
    polars.DataFrame
        One row per region, head and names with ``loss``, in nats per example.

    Examples
    --------
    >>> of = {"level": "task", "name": "nli", "head": "refit", "task": ["a", "b", "a"]}
    >>> rows = pl.DataFrame({**of, "point": ["x", "x", "y"], "loss": [0.25, 0.5, 0.1]})
    >>> mean_losses(rows, ["point"])["loss"].to_list()
    [0.375]
    """
    known = rows.filter(pl.col("loss").is_not_null() & pl.col("loss").is_not_nan())
    means = known.group_by(*_KEY, *names, maintain_order=True).agg(
        pl.col("loss").mean(), n=pl.col("task").n_unique()
    )
    n_tasks = rows.group_by(*_KEY).agg(of=pl.col("task").n_unique())
    whole = means.join(n_tasks, on=_KEY, how="left", maintain_order="left")
    return whole.filter(pl.col("n") == pl.col("of")).drop("n", "of")


def view_keys(*tables: pl.DataFrame) -> list[Key]:
    """Return each region and head that a table names, level by level.

    Parameters
    ----------
    *tables : polars.DataFrame
        Columns ``level``, ``name`` and ``head``.

    Returns
    -------
    list of tuple
        Level, name and head.
    """
    levels, heads = list(LEVELS), list(HEADS)
    found: dict[Key, None] = {}
    for table in tables:
        found |= dict.fromkeys(table.select(_KEY).drop_nulls().unique(maintain_order=True).rows())
    regions = list(dict.fromkeys(key[:2] for key in found))
    return sorted(
        found, key=lambda key: (_at(levels, key[0]), regions.index(key[:2]), _at(heads, key[2]))
    )


def _at(words: list[str], word: str) -> int:
    return words.index(word) if word in words else len(words)


def view_title(key: Key) -> str:
    """Return what a region and head are called in a list of choices.

    Parameters
    ----------
    key : tuple of str
        Level, name and head.

    Returns
    -------
    str
        The title.

    Examples
    --------
    >>> view_title(("dataset", "snli", "own"))
    'snli (data set), own head'
    """
    level, name, head = key
    return f"{name} ({LEVELS.get(level, level)}), {HEADS.get(head, head)}"


def _of_view(rows: pl.DataFrame, key: Key) -> pl.DataFrame:
    level, name, head = key
    return rows.filter(pl.col("level") == level, pl.col("name") == name, pl.col("head") == head)


def _drawn(rows: pl.DataFrame, ids: list[str], room: int) -> dict[str, Any]:
    """Return the points of one view as columns, of each kind an even sample of its losses."""
    kind = pl.col("kind").replace(_OF_POINTS)
    named = rows.with_columns(kind=kind).filter(pl.col("kind").is_in(list(KINDS)))
    parts = named.sort("loss").partition_by("kind", as_dict=True, maintain_order=True)
    kept = [_even(parts[name,], room) for name in KINDS if (name,) in parts]
    found = pl.concat(kept) if kept else named
    place = {name: k for k, name in enumerate(ids)}
    means = [(name, own["loss"].mean(), own.height) for (name,), own in parts.items()]
    means.sort(key=lambda mean: list(KINDS).index(mean[0]))
    return {
        "means": [dict(zip(("kind", "loss", "n"), mean, strict=True)) for mean in means],
        "points": [
            {"kind": kind, "person": place.get(point), "loss": loss, "radius": _short(radius)}
            for kind, point, loss, radius in found.select(
                "kind", "point", "loss", "radius"
            ).iter_rows()
        ],
        "left_out": named.height - found.height,
    }


def _even(rows: pl.DataFrame, room: int) -> pl.DataFrame:
    """Return at most so many rows, evenly spread over their order, both ends kept."""
    if rows.height <= room:
        return rows
    return rows[[round(k * (rows.height - 1) / (room - 1)) for k in range(room)]]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def _matrix(orders: pl.DataFrame, *, fine: bool) -> dict[str, Any]:
    """Return how often a point of each kind does at least as well as one of each other."""
    row = {(row["a"], row["b"]): row for row in orders.to_dicts()}
    about = {
        one[end]: (one[f"n_{end}"], one[f"mean_{end}"]) for one in row.values() for end in "ab"
    }
    kinds = [name for name in (KINDS if fine else FAMILIES) if name in about]
    cells = [row.get((a, b), {}) for a in kinds for b in kinds]
    return {
        "kinds": kinds,
        "n": [about[name][0] for name in kinds],
        "mean": [about[name][1] for name in kinds],
        **{key: [_hundredth(cell.get(name)) for cell in cells] for key, name in _ENDS.items()},
    }


def _hundredth(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _table(orders: pl.DataFrame, keys: Iterable[Key]) -> list[dict[str, Any]]:
    """Return the comparisons of each view."""
    found = []
    for key in keys:
        own: dict[tuple[Any, Any], dict[str, Any]] = {
            (row["a"], row["b"]): row for row in _of_view(orders, key).to_dicts()
        }
        outside = next((kind for kind in _OUTSIDE if any(kind in pair for pair in own)), None)
        pairs = [(a, outside if b == "outside" else b) for a, b in COMPARISONS]
        cells = [own.get(pair) for pair in pairs]
        if any(cells):
            level, name, head = key
            found.append({
                "name": name, "level": LEVELS.get(level, level), "head": HEADS.get(head, head),
                "outside": KINDS[outside] if outside else "not measured",
                "cells": [{short: (cell or {}).get(long) for short, long in _ENDS.items()} for cell in cells],
            })  # fmt: skip
    return found


def _failures(failed: pl.DataFrame) -> list[dict[str, Any]]:
    counted = failed.group_by("kind", "reason", maintain_order=True).len("n").to_dicts()
    return [
        {
            "kind": KINDS.get(_OF_POINTS.get(row["kind"], row["kind"]), row["kind"]),
            "outcome": "without a loss",
            **{key: row[key] for key in ("reason", "n")},
        }
        for row in counted
    ]
