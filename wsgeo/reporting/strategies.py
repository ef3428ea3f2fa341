"""Whether the groups differ on a slice, which distance tells it, and each member's coordinate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wsgeo.probing.differences import SIGNIFICANT
from wsgeo.reporting.diagnosis import at_first
from wsgeo.reporting.plain import plain

COLUMNS: Final = 8
"""Most basins whose means have a column of their own."""

MATRICES: Final = {
    "convexity_gap": "convexity gap",
    "barrier_height": "barrier height",
    "area": "area above the chord",
    "l2": "distance of the weights",
    "cosine": "angle of the task vectors",
    "jensen_shannon": "distance of the answers",
}
"""Distances between members in words, in the order in which they are told."""


def strategies(
    frames: Mapping[str, pl.DataFrame],
    parts: Sequence[Mapping[str, Any]],
    shown: Sequence[int],
    place: Mapping[str, int],
) -> dict[str, Any]:
    """Return what is known of the difference between the groups.

    Parameters
    ----------
    frames : mapping of str to polars.DataFrame
        Tables ``strategies``, ``contrasts``, ``coordinates`` and ``predictors`` of one loss group.
    parts : sequence of mapping
        The slices of `wsgeo.reporting.diagnosis.diagnosis`.
    shown : sequence of int
        Those that tell most.
    place : mapping of str to int
        Position of each member.

    Returns
    -------
    dict
        ``basins`` that have a column, ``left_out`` (how many have none), ``rows`` (per slice ``part``, ``name``,
        ``means`` by basin and the figures of the contrast, most evidence first), ``first`` and ``rest``
        (rows shown at once and on demand), ``coordinate`` of each member, ``correlation`` of each part
        with it, ``predictors`` (the dots of the slices shown) and ``matrices`` (each distance over all slices).
    """
    number = {(part["set"], part["slice"]): k for k, part in enumerate(parts)}
    basins = frames["strategies"].drop_nulls("basin")["basin"].unique().sort().to_list()
    rows = _rows(frames, number, parts, basins[:COLUMNS])
    telling = at_first([row["slice"] for row in rows])
    at = dict(frames["coordinates"].select("id", "coordinate").iter_rows())
    found = {
        "basins": basins[:COLUMNS],
        "left_out": len(basins[COLUMNS:]),
        "rows": rows,
        "first": telling,
        "rest": [k for k in range(len(rows)) if k not in set(telling)],
        "coordinate": [at.get(name) for name in place],
        "correlation": _correlations(rows, len(parts)),
        "predictors": _dots(frames["predictors"], number, shown),
        "matrices": _matrices(frames["predictors"]),
    }
    return plain(found)  # type: ignore[no-any-return]


def _rows(
    frames: Mapping[str, pl.DataFrame],
    number: Mapping[tuple[str, str], int],
    parts: Sequence[Mapping[str, Any]],
    basins: Sequence[int],
) -> list[dict[str, Any]]:
    """Return the table of contrasts, the slice with the most evidence first."""
    profile = frames["strategies"].select("set", "slice", "basin", "mean")
    mean = {(*key, basin): value for *key, basin, value in profile.iter_rows()}
    rows = []
    for row in frames["contrasts"].drop("group").to_dicts():
        key = (row["set"], row["slice"])
        part = number.get(key)
        found = row["p_adjusted"] is not None and row["p_adjusted"] < SIGNIFICANT
        rows.append(
            row
            | {
                "part": part,
                "name": " · ".join(key) if part is None else parts[part]["name"],
                "means": [mean.get((*key, basin)) for basin in basins],
                "found": found,
                "detectable": None if found else row["detectable"],
            }
        )
    return sorted(rows, key=_evidence)


def _evidence(row: Mapping[str, Any]) -> tuple[bool, float, float]:
    p = row["p_adjusted"]
    return not row["found"], -(row["difference"] or 0.0), 1.0 if p is None else p


def _correlations(rows: Sequence[Mapping[str, Any]], n_parts: int) -> list[Any]:
    """Return the correlation of each slice with the coordinate, and its limits."""
    found: list[Any] = [None] * n_parts
    for row in rows:
        if row["part"] is not None and row["correlation"] is not None:
            found[row["part"]] = [row[f"correlation{end}"] for end in ("", "_lo", "_hi")]
    return found


def _dots(
    predictors: pl.DataFrame, number: Mapping[tuple[str, str], int], shown: Sequence[int]
) -> list[dict[str, Any]]:
    """Return one row per slice shown and distance."""
    rows = predictors.filter(pl.col("rho").is_finite()).drop("group").to_dicts()
    dots = [
        {
            "part": number[row["set"], row["slice"]],
            "matrix": MATRICES.get(row["matrix"], row["matrix"]),
            "found": row["p_adjusted"] is not None and row["p_adjusted"] < SIGNIFICANT,
            **{key: row[key] for key in ("rho", "p_adjusted", "n")},
        }
        for row in rows
        if number.get((row["set"], row["slice"])) in set(shown)
    ]
    return sorted(dots, key=lambda dot: list(shown).index(dot["part"]))


def _matrices(predictors: pl.DataFrame) -> list[dict[str, Any]]:
    """Return each distance over all slices, the one that tells most first."""
    known = pl.col("rho").is_finite()
    found = predictors.filter(known).group_by("matrix", maintain_order=True).agg(
        n=pl.len(),
        found=(pl.col("p_adjusted") < SIGNIFICANT).sum(),
        rho=pl.col("rho").median(),
        correlation=pl.col("correlation").median(),
    )  # fmt: skip
    rows = found.sort("found", "rho", descending=True, maintain_order=True).to_dicts()
    return [row | {"matrix": MATRICES.get(row["matrix"], row["matrix"])} for row in rows]
