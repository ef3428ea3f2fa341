"""Where further models belong, and how well members are placed that were held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from wsgeo.probing.predictions import inside
from wsgeo.reporting.diagnosis import SHOWN
from wsgeo.reporting.plain import plain

LISTED: Final = 120
"""Most predictions of new models that are listed (0.3 kB each)."""


def placements(
    frames: Mapping[str, pl.DataFrame], parts: Sequence[Mapping[str, Any]], shown: Sequence[int]
) -> dict[str, Any]:
    """Return what the panel of placements shows.

    Parameters
    ----------
    frames : mapping of str to polars.DataFrame
        Tables ``placements`` and ``predictions`` of one loss group.
    parts : sequence of mapping
        The slices of `wsgeo.reporting.diagnosis.diagnosis`.
    shown : sequence of int
        Those that tell most.

    Returns
    -------
    dict
        ``held`` (per basin the members held out and where they were placed), ``errors`` (per set how far
        predictions of held-out members lie from their scores), ``models`` (rows of new models) and ``predictions`` of their
        scores, with ``few`` and ``rest`` (rows shown at once and on demand) and ``left_out`` (how many are not listed).
    """
    rows, predictions = frames["placements"].drop_nulls("id"), frames["predictions"]
    held = pl.col("held_out").fill_null(value=False)
    telling = {(parts[k]["set"], parts[k]["slice"]): rank for rank, k in enumerate(shown)}
    found = predictions.filter(~held).drop("group", "held_out").to_dicts()
    found.sort(key=lambda row: telling.get((row["set"], row["slice"]), len(telling)))
    left_out, found = len(found[LISTED:]), found[:LISTED]
    few = [k for k, row in enumerate(found) if (row["set"], row["slice"]) in telling][:SHOWN]
    few = few or list(range(min(SHOWN, len(found))))
    return plain(  # type: ignore[no-any-return]
        {
            "held": _held(rows.filter(held)),
            "errors": _errors(predictions.filter(held)),
            "models": rows.filter(~held).drop("group", "held_out", "own_basin").to_dicts(),
            "predictions": found,
            "left_out": left_out,
            "few": few,
            "rest": [k for k in range(len(found)) if k not in few],
        }
    )


def _held(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return, for each basin, where its members were placed; members of none come last."""
    basin, own = pl.col("basin"), pl.col("own_basin")
    found = rows.with_columns(own=pl.when(own >= 0).then(own)).group_by("own").agg(
        n=pl.len(),
        right=(basin.eq_missing(pl.col("own"))).sum(),
        elsewhere=(basin.is_not_null() & basin.ne_missing(pl.col("own"))).sum(),
        nowhere=basin.is_null().sum(),
        gap=pl.col("gap").median(),
        next_gap=pl.col("next_gap").median(),
    )  # fmt: skip
    return found.sort("own", nulls_last=True).to_dicts()


def _errors(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return mean absolute errors of a prediction by basin-mates and by all, set by set."""
    actual = pl.col("actual")
    known = rows.filter(actual.is_not_null(), pl.col("predicted").is_not_null())
    return known.group_by("set", maintain_order=True).agg(
        n=pl.len(),
        by_basin=(pl.col("predicted") - actual).abs().mean(),
        by_all=(pl.col("everyone") - actual).abs().mean(),
        covered=inside(actual, pl.col("lo"), pl.col("hi")).mean(),
    ).to_dicts()  # fmt: skip
