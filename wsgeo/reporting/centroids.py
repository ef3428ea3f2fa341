"""Centroids beside their members, and what members look like from their base, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from wsgeo.regions.tables import IN_SAMPLE, TITLES
from wsgeo.reporting.figures import number
from wsgeo.reporting.plain import plain

LAYER_LIMIT: Final = 600
"""Most rows of layers that are drawn, of all centroids (45 bytes each)."""

_DRAWN: Final = ("layer", "angle", "cosine", "norm", "norm_spread", "share")


def centroids(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return each centroid with what tells it from others.

    Parameters
    ----------
    rows : polars.DataFrame
        Table ``centroids``.

    Returns
    -------
    list of dict
        The table's row, whether it is ``better`` than its best member before figures are rounded (never where the method has
        seen the examples), its ``method`` in words and the method's ``settings`` (empty for a plain mean).
    """
    return [_centroid(row) for row in rows.to_dicts()]


def centroid_layers(layers: pl.DataFrame) -> dict[str, Any]:
    """Return the layers of each centroid whose members have a base.

    Parameters
    ----------
    layers : polars.DataFrame
        Table ``centroid_layers``.

    Returns
    -------
    dict
        ``views`` (``title`` and ``rows`` with ``layer``, ``angle`` in degrees, ``cosine``, ``norm``, its ``low`` and ``high``
        within a standard deviation, and ``share``) and how many centroids are ``left_out``.

    Examples
    --------
    >>> row = {"name": "basin-0", "layer": "layer 0", "position": 0, "angle": 84.0, "cosine": 0.1045}
    >>> row |= {"norm": 2.0, "norm_spread": 0.25, "share": None}
    >>> centroid_layers(pl.DataFrame([row]))["views"][0]["rows"][0]["high"]
    2.5
    """
    parts = layers.drop_nulls(["name", "layer"]).partition_by(
        "name", as_dict=True, maintain_order=True
    )
    views: list[dict[str, Any]] = []
    room = LAYER_LIMIT
    for (name,), part in parts.items():
        if part.height <= room:
            room -= part.height
            rows = part.sort("position", maintain_order=True).select(_DRAWN).to_dicts()
            views.append({"title": name, "rows": [_layer(row) for row in rows]})
    return plain({"views": views, "left_out": len(parts) - len(views)})  # type: ignore[no-any-return]


def _layer(row: dict[str, Any]) -> dict[str, Any]:
    """Return a layer with the ends of its norms."""
    norm, spread = row["norm"], row.pop("norm_spread")
    known = norm is not None and spread is not None
    return row | {
        "low": norm * (1 - spread) if known else None,
        "high": norm * (1 + spread) if known else None,
    }


def _centroid(row: Mapping[str, Any]) -> dict[str, Any]:
    loss, best = row["loss"], row["best_member_loss"]
    method = row["method"] or "mean"  # tables of version 1 have no other
    known = loss is not None and best is not None and method not in IN_SAMPLE
    return {
        **plain(dict(row)),
        "better": known and loss < best,
        "method": TITLES.get(method, method),
        "settings": _settings(row["parameters"]),
    }


def _settings(parameters: str | None) -> str:
    """Return the settings of a method in words; what is no JSON object is shown as it is."""
    try:
        found = json.loads(parameters or "{}")
    except json.JSONDecodeError:
        return str(parameters)
    if not isinstance(found, dict):
        return str(parameters)
    return ", ".join(f"{key} {number(value)}" for key, value in found.items() if value != [])
