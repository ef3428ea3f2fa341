"""What of earlier answers still holds once a zoo was scanned again."""

from __future__ import annotations

from typing import Final

import polars as pl

from wsgeo.store import Run

_ENDS: Final = {
    "scores": ("id",),
    "probes": ("id",),
    "agreements": ("a", "b"),
    "slice_profiles": ("a", "b"),
    "attributions": ("a", "b"),
}
"""Columns that name members, by table: a row holds while all of them are as they were."""


def drop_stale(run: Run, models: pl.DataFrame, clusters: pl.DataFrame) -> None:
    """Drop from a run what was found of members that are gone or have changed, or of other basins.

    Parameters
    ----------
    run : Run
        The run, with the tables of the scan before.
    models, clusters : DataFrame
        Those of the scan that was just made, not yet written.
    """
    before = run.table("models")
    same = before.join(models, on=["id", "content_hash"], how="semi")["id"].to_list()
    for name, columns in _ENDS.items():
        _keep(run, name, pl.all_horizontal(pl.col(columns).is_in(same)))
    inside = pl.col("members").list.set_difference(same).list.len() == 0
    _keep(run, "centroids", inside)
    if len(same) < before.height:
        # Sums over lines that may be gone; asking again costs no evaluation of those that are not.
        _keep(run, "ridge_examples", pl.lit(value=False))
    if not _labels(run.table("clusters")).equals(_labels(clusters)):
        for name in ("placements", "predictions"):
            _keep(run, name, pl.col("held_out"))


def _keep(run: Run, name: str, rows: pl.Expr) -> None:
    table = run.table(name)
    if (kept := table.filter(rows)).height < table.height:
        run.write_table(name, kept)


def _labels(clusters: pl.DataFrame) -> pl.DataFrame:
    """Return the basin of each member, in an order of its own."""
    chosen = pl.col("is_default") & (pl.col("matrix") == "convexity_gap")
    return clusters.filter(chosen).select("group", "id", "label").sort("group", "id")
