"""Where in the model the members differ: medians over pairs, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from wsgeo.reporting.members import NOISE
from wsgeo.reporting.plain import plain

KINDS: Final = ("within", "between", "all pairs")
"""Which pairs a median is over; the last where there are no two groups."""


def layer_medians(layers: pl.DataFrame, groups: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the median distance and cosine of each layer, within and between groups.

    Parameters
    ----------
    layers : polars.DataFrame
        Columns ``group``, ``a``, ``b``, ``layer``, ``position``, ``l2``, ``cosine``; only the first
        geometry group counts.
    groups : mapping of str to int
        Group of each member of the page, negative for none; pairs of others are left out, and where
        there are two groups or more, so are pairs of a member that is in none.

    Returns
    -------
    list of dict
        One per layer and kind of pairs that there is, in the order of the model: ``layer``, ``kind``,
        ``n`` (pairs), ``l2`` and ``cosine`` (null where no pair has one).

    Examples
    --------
    >>> one = {"group": "g0", "a": ["x"], "b": ["y"], "layer": "layer 0", "position": 0}
    >>> layer_medians(pl.DataFrame({**one, "l2": 2.0, "cosine": 0.5}), {"x": 0, "y": 0})
    [{'layer': 'layer 0', 'kind': 'all pairs', 'n': 1, 'l2': 2.0, 'cosine': 0.5}]
    """
    first = layers.filter(pl.col("group").eq_missing(layers["group"].first()))
    own = list(groups)
    pairs = first.filter(pl.col("a").is_in(own) & pl.col("b").is_in(own)).drop_nulls("layer")
    medians = (
        pairs.with_columns(kind=_kind(groups))
        .drop_nulls("kind")
        .group_by("position", "layer", "kind")
        .agg(pl.len().alias("n"), pl.col("l2", "cosine").median())
        .sort("position", "layer", pl.col("kind").replace_strict(KINDS, range(len(KINDS))))
    )
    return plain(medians.select("layer", "kind", "n", "l2", "cosine").to_dicts())  # type: ignore[no-any-return]


def _kind(groups: Mapping[str, int]) -> pl.Expr:
    within, between, every = map(pl.lit, KINDS)
    if len(set(groups.values()) - {NOISE}) < 2:
        return every
    a, b = (pl.col(end).replace_strict(groups, return_dtype=pl.Int64) for end in ("a", "b"))
    return pl.when((a >= 0) & (b >= 0)).then(pl.when(a == b).then(within).otherwise(between))
