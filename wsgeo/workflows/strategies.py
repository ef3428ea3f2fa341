"""What the scores of a run say of its basins."""

from __future__ import annotations

import numpy as np
import polars as pl

from wsgeo.probing import Strategies, basin_profile
from wsgeo.store import Run


def strategies_of(run: Run, group: str | None = None) -> Strategies | None:
    """Compare the basins of a loss group on the diagnostic sets that were scored.

    Parameters
    ----------
    run : Run
        A run with its tables.
    group : str, optional
        Which loss group; default the largest.

    Returns
    -------
    Strategies or None
        None where nothing was scored, or no loss group was measured.
    """
    groups = [found["name"] for found in run.read("summary").get("groups", [])]
    scores = run.table("scores")
    if not groups or scores.is_empty():
        return None
    rng = np.random.default_rng(run.read("run")["settings"]["seed"])
    labels = _basins(run, group or groups[0])
    return basin_profile(scores, labels, rng=rng, excluded=_unfit(run))


def _basins(run: Run, group: str) -> dict[str, int]:
    """Return the basin of each distinct member; copies are no further evidence."""
    chosen = pl.col("is_default") & (pl.col("matrix") == "convexity_gap")
    rows = run.table("clusters").filter(chosen & (pl.col("group") == group))
    copies = run.table("models").drop_nulls("duplicate_of")["id"]
    distinct = rows.filter(~pl.col("id").is_in(copies.to_list()))
    return dict(distinct.select("id", "label").iter_rows())


def _unfit(run: Run) -> dict[str, str]:
    """Return why members that failed the end-point gate are no evidence, by id."""
    failed = run.table("models").filter(~pl.col("gate").fill_null(value=True))
    return {
        name: why or "failed the end-point gate"
        for name, why in failed.select("id", "gate_reason").iter_rows()
    }
