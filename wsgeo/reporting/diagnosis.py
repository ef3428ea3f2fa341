"""Scores on diagnostic sets, slice by slice, with the mean of each group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from wsgeo.reporting.plain import plain


def diagnosis(
    scores: pl.DataFrame, place: Mapping[str, int], labels: list[int], sets: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the diagnostic panels show.

    Parameters
    ----------
    scores : polars.DataFrame
        Columns ``id``, ``set``, ``slice``, ``metric`` with limits, ``outcome``, ``reason``.
    place : mapping of str to int
        Position of each member.
    labels : list of int
        Group of each member.
    sets : mapping of str to mapping
        What the run says of a set: ``title`` and ``chance`` (fraction in [0, 1]).

    Returns
    -------
    dict
        ``parts`` (one per slice: ``set``, ``slice``, ``name`` as shown, ``chance``, ``n_examples``, ``spread`` of the
        group means), ``scores`` (``part``, ``member``, ``metric`` with limits), ``means`` (``part``,
        ``group``, ``mean``, ``n``), ``missing`` (``set``, ``outcome``, ``reason``, ``n``).
    """
    done = scores.filter(pl.col("metric").is_not_null(), pl.col("id").is_in(list(place)))
    keys = done.select("set", "slice").unique(maintain_order=True).rows()
    number = {key: k for k, key in enumerate(keys)}
    rows = [
        {
            "part": number[name, part],
            "member": place[member],
            "metric": metric,
            "low": low,
            "high": high,
        }
        for member, name, part, metric, low, high in done.select(
            "id", "set", "slice", "metric", "metric_lo", "metric_hi"
        ).iter_rows()
    ]
    means = _means(rows, labels)
    return {
        "parts": [_part(key, done, means, k, sets) for k, key in enumerate(keys)],
        "scores": plain(rows),
        "means": plain(means),
        "missing": _missing(scores),
    }


def _means(rows: list[dict[str, Any]], labels: list[int]) -> list[dict[str, Any]]:
    """Return the mean metric of each group in each part, noise left out."""
    found: dict[tuple[int, int], list[float]] = {}
    for row in rows:
        if labels[row["member"]] >= 0:
            found.setdefault((row["part"], labels[row["member"]]), []).append(row["metric"])
    return [
        {"part": part, "group": group, "mean": sum(values) / len(values), "n": len(values)}
        for (part, group), values in sorted(found.items())
    ]


def _part(
    key: tuple[str, str],
    done: pl.DataFrame,
    means: list[dict[str, Any]],
    number: int,
    sets: Mapping[str, Any],
) -> dict[str, Any]:
    name, part = key
    several = done["set"].n_unique() > 1
    of_part = [row["mean"] for row in means if row["part"] == number]
    rows = done.filter(pl.col("set") == name, pl.col("slice") == part)
    said = sets.get(name) or {}
    return {
        "set": name,
        "slice": part,
        "name": f"{name} · {part}" if several else part,
        "chance": plain(said.get("chance")),
        "n_examples": rows["n_examples"].max(),
        "spread": plain(max(of_part) - min(of_part)) if len(of_part) > 1 else None,
    }


def _missing(scores: pl.DataFrame) -> list[dict[str, Any]]:
    """Return how many scores are absent, by set and reason: an absence is a finding too."""
    absent = scores.filter(pl.col("metric").is_null())
    counted = absent.group_by("set", "outcome", "reason", maintain_order=True).len("n")
    return counted.to_dicts()
