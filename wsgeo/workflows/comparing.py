"""What differs between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from wsgeo.graph.partitions import rand_index
from wsgeo.store import Run, open_run


def compare(first: Path, second: Path) -> dict[str, Any]:
    """Return the differences between two runs as a plain dict.

    Parameters
    ----------
    first, second : Path
        Run folders.

    Returns
    -------
    dict
        ``members`` (added, removed, changed: ids), ``n_shared`` (distinct weights that are in both),
        ``data`` (what each run was measured on, as ``source``, ``n_examples`` and the hash ``key``
        of the examples; None where it is the same), ``settings`` (name to both values), ``pairs``
        (``n_common``, ``status_changed``: rows, ``largest_change`` of a convexity gap in nats per
        example, ``outside_intervals``: pairs whose intervals do not overlap), ``basins`` (both
        partitions' agreement as adjusted Rand index over common members, None below two), and
        ``verdicts`` (both).

    Raises
    ------
    StoreError
        If a folder holds no run.
    """
    runs = open_run(first), open_run(second)
    return {
        "members": _members(*runs),
        "n_shared": len(set.intersection(*(set(_hashes(run).values()) for run in runs))),
        "data": _data(*runs),
        "settings": _settings(*runs),
        "pairs": _pairs(*runs),
        "basins": _agreement(*runs),
        "verdicts": [run.read("summary").get("verdict", []) for run in runs],
    }


def _members(first: Run, second: Run) -> dict[str, list[str]]:
    old, new = (_hashes(run) for run in (first, second))
    return {
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
        "changed": sorted(n for n in old.keys() & new.keys() if old[n] != new[n]),
    }


def _hashes(run: Run) -> dict[str, str]:
    return dict(run.table("models").select("id", "content_hash").iter_rows())


def _data(first: Run, second: Run) -> list[list[dict[str, Any]]] | None:
    """Return the data of both runs, each set once, or None where their examples are the same."""
    both = [_examples(run) for run in (first, second)]
    same = both[0].keys() == both[1].keys()
    return None if same else [list(found.values()) for found in both]


def _examples(run: Run) -> dict[str, dict[str, Any]]:
    kept = ("source", "n_examples", "key")
    return {data["key"]: {k: data[k] for k in kept} for data in run.read("run").get("data", [])}


def _settings(first: Run, second: Run) -> dict[str, list[Any]]:
    old, new = (run.read("run").get("settings", {}) for run in (first, second))
    names = sorted(old.keys() | new.keys())
    return {n: [old.get(n), new.get(n)] for n in names if old.get(n) != new.get(n)}


def _pairs(first: Run, second: Run) -> dict[str, Any]:
    old, new = (_edges(run) for run in (first, second))
    both = old.join(new, on=["a", "b"], suffix="_new", how="inner")
    change = (both["convexity_gap_new"] - both["convexity_gap"]).abs()
    apart = (pl.col("convexity_gap_lo") > pl.col("convexity_gap_hi_new")) | (
        pl.col("convexity_gap_lo_new") > pl.col("convexity_gap_hi")
    )
    flipped = both.filter(pl.col("status") != pl.col("status_new"))
    return {
        "n_common": both.height,
        "largest_change": change.max(),
        "status_changed": flipped.select("a", "b", "status", "status_new").to_dicts(),
        "outside_intervals": both.filter(apart).select("a", "b").to_dicts(),
    }


def _edges(run: Run) -> pl.DataFrame:
    """Return the gap and the status of each pair; a run without data has none."""
    pairs = run.table("pairs")
    status = pl.col("status") if "status" in pairs.columns else pl.lit(None, pl.String)
    gaps = ("convexity_gap", "convexity_gap_lo", "convexity_gap_hi")
    return pairs.select("a", "b", status.cast(pl.String).alias("status"), *gaps)


def _agreement(first: Run, second: Run) -> float | None:
    old, new = (_labels(run) for run in (first, second))
    both = old.join(new, on="id", suffix="_new", how="inner")
    if both.height < 2:
        return None
    return rand_index(both["label"].to_numpy(), both["label_new"].to_numpy())


def _labels(run: Run) -> pl.DataFrame:
    clusters = run.table("clusters")
    chosen = pl.col("is_default") & (pl.col("matrix") == "convexity_gap")
    # Every group counts its basins from 0.
    basin = pl.struct("group", "label").rank("dense").alias("label")
    return clusters.filter(chosen).select("id", basin)
