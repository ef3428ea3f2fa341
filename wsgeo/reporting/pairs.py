"""The pairs of a report: which rows are shown, packed by position, with their curves."""

from __future__ import annotations

from collections.abc import Collection
from itertools import accumulate
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wsgeo.reporting.members import NOISE
from wsgeo.reporting.plain import Columns, columns, plain

LOSSES: Final = (
    *("convexity_gap", "convexity_gap_lo", "convexity_gap_hi"),
    *("barrier_height", "barrier_height_lo", "barrier_height_hi"),
    *("t_peak", "error_barrier"),
)
"""Columns that mean nothing where an end is broken or a loss is missing."""

SHOWN: Final = ("status", "reason", "rule", *LOSSES, "l2", "cosine", "jensen_shannon")
"""Columns of the pair table that the page holds, and how unlike the two answer."""

UNUSABLE: Final = ("inferred", "endpoint_failed", "nonfinite", "failed", "pending")
"""Statuses of pairs without a barrier."""

QUANTITIES: Final = (
    ("convexity_gap", "convexity gap", "nats per example"),
    ("barrier_height", "barrier height", "nats per example"),
    ("l2", "distance of the weights", "Euclidean"),
    ("cosine", "cosine of the task vectors", "from -1 to 1"),
    ("jensen_shannon", "distance of the answers", "Jensen-Shannon, from 0 to 1"),
)
"""What the heat map can show: column, words, unit."""

NUMBER_LIMIT: Final = 55_000
"""Most numbers of pairs that go into the page (4,950 pairs with eleven each are 0.3 MB)."""

RANKED: Final = (
    *(("convexity_gap",), ("barrier_height",), ("cosine",), ("l2",), ("jensen_shannon",)),
    *(("convexity_gap_lo", "convexity_gap_hi"), ("barrier_height_lo", "barrier_height_hi")),
    *(("t_peak",), ("error_barrier",)),
)
"""Columns of numbers that stay or go together, those first that the page keeps longest."""

POINT_LIMIT: Final = 60_000
"""Most path points whose losses go into the page (4,950 pairs at 11 points are 0.4 MB)."""

FEW_CURVES: Final = 1_000
"""Most curves that go into the page of a zoo with more points than `POINT_LIMIT`."""

METRIC_LIMIT: Final = 20_000
"""Most path points whose metric goes in too."""


def main_kind(frame: pl.DataFrame) -> pl.DataFrame:
    """Return one row per pair: straight lines without alignment, of the pair's first task.

    Parameters
    ----------
    frame : polars.DataFrame
        Pair table or profile table.

    Returns
    -------
    polars.DataFrame
        Rows sorted by ``a`` and ``b``.
    """
    lines = frame.filter(pl.col("path").fill_null("line") == "line")
    if "alignment" in frame.columns:
        lines = lines.filter(pl.col("alignment").fill_null("none") == "none")
    return lines.unique(["a", "b"], keep="first", maintain_order=True).sort("a", "b")


def pack(pairs: pl.DataFrame, place: dict[str, int]) -> Columns:
    """Return the pairs as columns, members by their position.

    Parameters
    ----------
    pairs : polars.DataFrame
        One row per pair.
    place : dict of str to int
        Position of each member.

    Returns
    -------
    dict of str to list
        ``a``, ``b`` and the columns of `SHOWN`, without those that are null throughout, and in a
        large zoo without the last of `RANKED`.
    """
    known = pairs.with_columns(pl.coalesce("status", "measured").alias("status"))
    # A broken end makes a barrier of zero: such a number must not become an edge.
    usable = ~pl.col("status").is_in(UNUSABLE).fill_null(False)
    shown = columns(known.select(SHOWN).with_columns(pl.when(usable).then(pl.col(LOSSES))))
    kept = {name: values for name, values in shown.items() if any(v is not None for v in values)}
    ends = {side: [place[name] for name in pairs[side]] for side in ("a", "b")}
    for name in dropped(kept, pairs.height):
        del kept[name]
    return ends | {"status": shown["status"]} | kept


def dropped(names: Collection[str], n_pairs: int) -> list[str]:
    """Return the columns of numbers that a page of so many pairs has no room for.

    Parameters
    ----------
    names : collection of str
        Columns that hold anything.
    n_pairs : int
        Number of pairs.

    Returns
    -------
    list of str
        The last of `RANKED`, an interval with both its ends; the first column always stays.

    Examples
    --------
    >>> dropped(["convexity_gap", "l2", "t_peak"], 4_950), dropped(["convexity_gap", "l2"], 79_800)
    ([], ['l2'])
    """
    room = max(1, NUMBER_LIMIT // max(n_pairs, 1))
    there = [[name for name in together if name in names] for together in RANKED]
    taken = accumulate(map(len, there))
    return [name for some, n in zip(there, taken, strict=True) if n > room for name in some]


def quantities(packed: Columns) -> list[dict[str, str]]:
    """Return what the heat map can show of these pairs, the best first.

    Parameters
    ----------
    packed : dict of str to list
        As `pack` returns.

    Returns
    -------
    list of dict
        ``field``, ``title`` and ``unit``.
    """
    return [
        {"field": field, "title": title, "unit": unit}
        for field, title, unit in QUANTITIES
        if field in packed
    ]


def square(packed: Columns, field: str, n_members: int) -> NDArray[np.float64]:
    """Return one column as a symmetric matrix, infinite where there is no value.

    Parameters
    ----------
    packed : dict of str to list
        As `pack` returns.
    field : str
        One of its columns.
    n_members : int
        Number of members.

    Returns
    -------
    ndarray of float64, shape (n_members, n_members)
        Values off the diagonal, in the unit of the column.
    """
    full = np.full((n_members, n_members), np.inf)
    values = [np.inf if v is None else v for v in packed.get(field, [])]
    if values:
        full[packed["a"], packed["b"]] = full[packed["b"], packed["a"]] = values
    return full


def curves(profiles: pl.DataFrame, packed: Columns, place: dict[str, int]) -> dict[str, Any]:
    """Return the curve of every pair that has one, grids stored once.

    Parameters
    ----------
    profiles : polars.DataFrame
        One row per pair: ``t``, ``loss``, ``metric`` as lists.
    packed : dict of str to list
        The pairs, as `pack` returns.
    place : dict of str to int
        Position of each member.

    Returns
    -------
    dict
        ``grids`` (lists of t), and per curve ``pair`` (row of ``packed``), ``grid`` (index),
        ``loss`` and ``metric``.
    """
    row = {ends: k for k, ends in enumerate(zip(packed["a"], packed["b"], strict=True))}
    grids: dict[tuple[float, ...], int] = {}
    found: dict[str, list[Any]] = {"pair": [], "grid": [], "loss": [], "metric": []}
    for a, b, t, loss, metric in profiles.select("a", "b", "t", "loss", "metric").iter_rows():
        pair = row.get((place.get(a, -1), place.get(b, -1)))
        if pair is None or not t or not loss or len(t) != len(loss):
            continue
        key = tuple(plain(t))
        found["pair"].append(pair)
        found["grid"].append(grids.setdefault(key, len(grids)))
        found["loss"].append(plain(loss))
        found["metric"].append(plain(metric))
    return {"grids": [list(key) for key in grids], **found}


def bounded(found: dict[str, Any], packed: Columns, tau: float | None) -> dict[str, Any]:
    """Return the curves that the page has room for.

    In a large zoo these are the pairs nearest the threshold, the highest and lowest gaps, and an
    even sample of all others.

    Parameters
    ----------
    found : dict
        As `curves` returns.
    packed : dict of str to list
        As `pack` returns.
    tau : float or None
        Threshold in nats per example.

    Returns
    -------
    dict
        As `curves` returns, in small zoos with ``metric``; ``left_out`` counts the others.
    """
    n_points = sum(map(len, found["loss"]))
    names = ["pair", "grid", "loss", "metric"]
    if n_points > METRIC_LIMIT or not any(found["metric"]):
        names.remove("metric")
    rows = list(range(len(found["pair"])))
    if n_points > POINT_LIMIT:
        gaps = packed.get("convexity_gap") or [None] * len(packed["a"])
        room = min(FEW_CURVES, POINT_LIMIT // max(map(len, found["loss"])))
        rows = _telling([gaps[pair] for pair in found["pair"]], tau, room)
    kept = {name: [found[name][k] for k in rows] for name in names}
    return {"grids": found["grids"], "left_out": len(found["pair"]) - len(rows), **kept}


def _telling(gaps: list[float | None], tau: float | None, n_curves: int) -> list[int]:
    """Return the rows of so many curves: extremes, those near the threshold, and a sample."""
    known = sorted((k for k, gap in enumerate(gaps) if gap is not None), key=lambda k: gaps[k] or 0)
    share = n_curves // 8
    chosen = {*known[:share], *known[len(known) - share :]}
    if tau is not None:
        chosen.update(sorted(known, key=lambda k: abs((gaps[k] or 0) - tau))[: 2 * share])
    rest = [k for k in range(len(gaps)) if k not in chosen]
    room = min(n_curves - len(chosen), len(rest))
    return sorted(chosen | {rest[k * len(rest) // room] for k in range(room)})


def bands(found: dict[str, Any], packed: Columns, labels: list[int]) -> list[dict[str, Any]]:
    """Return the 10th, 50th and 90th percentile of the loss along the path, within and between.

    Parameters
    ----------
    found : dict
        As `curves` returns.
    packed : dict of str to list
        As `pack` returns.
    labels : list of int
        Group of each member; pairs with noise count in neither kind.

    Returns
    -------
    list of dict
        ``kind``, ``t``, ``low``, ``middle``, ``high`` (nats per example) and ``n`` (curves), on the
        grid of most curves; other grids are interpolated linearly.
    """
    usable = [k for k, p in enumerate(found["pair"]) if packed["status"][p] not in UNUSABLE]
    usable = [k for k in usable if None not in found["loss"][k]]
    if not usable:
        return []
    numbers = [found["grid"][k] for k in usable]
    t = found["grids"][max(set(numbers), key=numbers.count)]
    by_kind: dict[str, list[NDArray[np.float64]]] = {"within": [], "between": []}
    for k in usable:
        pair = found["pair"][k]
        a, b = labels[packed["a"][pair]], labels[packed["b"][pair]]
        if NOISE not in {a, b}:
            loss = np.interp(t, found["grids"][found["grid"][k]], found["loss"][k])
            by_kind["within" if a == b else "between"].append(loss)
    return [row for kind, rows in by_kind.items() if rows for row in _band(kind, t, rows)]


def _band(kind: str, t: list[float], rows: list[NDArray[np.float64]]) -> list[dict[str, Any]]:
    low, middle, high = np.percentile(np.stack(rows), [10, 50, 90], axis=0)
    return [
        plain({"kind": kind, "t": x, "low": lo, "middle": mid, "high": hi, "n": len(rows)})
        for x, lo, mid, hi in zip(t, low, middle, high, strict=True)
    ]
