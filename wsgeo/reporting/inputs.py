"""What the report reads of each table; whatever is missing arrives as nulls or no rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

_TEXT, _INT, _FLOAT, _TRUTH = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean()
_TEXTS, _FLOATS = pl.List(pl.String), pl.List(pl.Float64)

_REGIONS: Final[Mapping[str, Mapping[str, pl.DataType]]] = {
    "regions": {
        **dict.fromkeys(("group", "level", "name", "trait", "note"), _TEXT),
        "members": _TEXTS,
        "n_tasks": _INT,
        **dict.fromkeys(("norm", "radius", "cosine_within", "cosine_outside"), _FLOAT),
    },
    "region_members": {
        **dict.fromkeys(("group", "id", "note"), _TEXT),
        **dict.fromkeys(("norm", "cosine_own", "cosine_others"), _FLOAT),
        "placed": _TRUTH,
    },
    "region_scores": {
        **dict.fromkeys(("group", "level", "trait", "space", "clusters"), _TEXT),
        **dict.fromkeys(("n_groups", "n_clusters", "n_members"), _INT),
        **dict.fromkeys(("purity", "f1", "ari", "nmi", "p_value"), _FLOAT),
        "estimated_base": _TRUTH,
    },
    "region_counts": {
        **dict.fromkeys(("group", "space", "clusters", "level", "trait", "value"), _TEXT),
        **dict.fromkeys(("cluster", "n"), _INT),
    },
    "region_points": {
        **dict.fromkeys(("group", "level", "name", "kind", "point", "task", "head"), _TEXT),
        **dict.fromkeys(("radius", "loss"), _FLOAT),
        "reason": _TEXT,
    },
    "region_orders": {
        **dict.fromkeys(("group", "level", "name", "head", "a", "b"), _TEXT),
        **dict.fromkeys(("probability", "probability_lo", "probability_hi"), _FLOAT),
        **dict.fromkeys(("mean_a", "mean_b"), _FLOAT),
        **dict.fromkeys(("n_a", "n_b"), _INT),
    },
    "region_curves": {
        **dict.fromkeys(("group", "level", "name", "curve", "line", "task", "head"), _TEXT),
        **dict.fromkeys(("position", "loss"), _FLOAT),
    },
    "stars": {
        **dict.fromkeys(("group", "level", "name", "point", "farthest"), _TEXT),
        **dict.fromkeys(("largest_gap", "mean_gap"), _FLOAT),
        "n_gaps": _INT,
        "is_star": _TRUTH,
    },
}
"""Columns of the tables of regions."""

_STARTS: Final[Mapping[str, Mapping[str, pl.DataType]]] = {
    "starts": {
        **dict.fromkeys(("target", "start", "kind", "level", "note"), _TEXT),
        **dict.fromkeys(("shots", "rank"), _INT),
        **dict.fromkeys(("members", "left_out"), _TEXTS),
        **dict.fromkeys(("probe_loss", "probe_metric", "logme"), _FLOAT),
        **dict.fromkeys(("h_score", "few_step_loss"), _FLOAT),
        "is_tried": _TRUTH,
    },
    "trials": {
        **dict.fromkeys(("target", "start", "method", "status", "reason"), _TEXT),
        **dict.fromkeys(("shots", "seed"), _INT),
        "seconds": _FLOAT,
    },
    "gains": {
        **dict.fromkeys(("target", "method", "start", "kind", "outcome"), _TEXT),
        **dict.fromkeys(("shots", "n", "wins", "ties", "losses"), _INT),
        **dict.fromkeys(("base_metric", "metric", "gain", "gain_lo", "gain_hi"), _FLOAT),
        **dict.fromkeys(("loss_gain", "seconds", "stage_agreement"), _FLOAT),
        "is_chosen": _TRUTH,
    },
}
"""Columns of the tables of a choice of a start model."""

COLUMNS: Final[Mapping[str, Mapping[str, pl.DataType]]] = {
    "models": {
        **dict.fromkeys(("id", "duplicate_of", "base", "task", "method", "data"), _TEXT),
        "trajectory": _TEXT,
        **dict.fromkeys(("dtype", "content_hash", "geometry_group", "loss_group"), _TEXT),
        **dict.fromkeys(("seed", "step", "n_parameters"), _INT),
        **dict.fromkeys(("learning_rate", "loss", "loss_hi", "metric", "metric_lo"), _FLOAT),
        "gate": _TRUTH,
        "gate_reason": _TEXT,
    },
    "exclusions": dict.fromkeys(("id", "fate", "code", "file", "cause", "remedy"), _TEXT),
    "pairs": {
        **dict.fromkeys(("a", "b", "path", "alignment", "task", "split"), _TEXT),
        **dict.fromkeys(("measured", "status", "reason", "rule"), _TEXT),
        **dict.fromkeys(("convexity_gap", "convexity_gap_lo", "convexity_gap_hi"), _FLOAT),
        **dict.fromkeys(("barrier_height", "barrier_height_lo", "barrier_height_hi"), _FLOAT),
        **dict.fromkeys(("t_peak", "error_barrier", "l2", "cosine"), _FLOAT),
        **dict.fromkeys(("n_points", "n_examples"), _INT),
    },
    "layers": {
        **dict.fromkeys(("group", "a", "b", "layer"), _TEXT),
        "position": _INT,
        **dict.fromkeys(("l2", "cosine"), _FLOAT),
    },
    "profiles": {
        **dict.fromkeys(("a", "b", "path", "task", "split"), _TEXT),
        **dict.fromkeys(("t", "loss", "metric"), _FLOATS),
    },
    "clusters": {
        **dict.fromkeys(("id", "group", "matrix", "method"), _TEXT),
        "label": _INT,
        **dict.fromkeys(("certainty", "membership", "outlier"), _FLOAT),
        "is_default": _TRUTH,
    },
    "clusterings": {
        **dict.fromkeys(("group", "matrix", "method", "parameters"), _TEXT),
        **dict.fromkeys(("n_clusters", "n_noise"), _INT),
        **dict.fromkeys(("silhouette", "p_value", "stability"), _FLOAT),
        "is_default": _TRUTH,
    },
    "nulls": {**dict.fromkeys(("group", "matrix", "null"), _TEXT), "statistic": _FLOAT},
    "embedding": {
        **dict.fromkeys(("id", "group", "matrix", "method"), _TEXT),
        "x": _FLOAT,
        "y": _FLOAT,
    },
    "merge_tree": {
        **dict.fromkeys(("group", "matrix"), _TEXT),
        **dict.fromkeys(("left", "right", "size"), _INT),
        "height": _FLOAT,
    },
    "settings": {**dict.fromkeys(("id", "axis", "value"), _TEXT), "number": _FLOAT},
    "associations": {
        **dict.fromkeys(("group", "matrix", "axis", "same_as", "note"), _TEXT),
        **dict.fromkeys(("n_values", "n_members"), _INT),
        **dict.fromkeys(("cramers_v", "p_value", "q_value"), _FLOAT),
        **dict.fromkeys(("gap_within", "gap_between", "mantel_p", "mantel_q"), _FLOAT),
        **dict.fromkeys(("difference", "difference_lo", "difference_hi"), _FLOAT),
        **dict.fromkeys(("spearman", "spearman_p", "spearman_q"), _FLOAT),
    },
    "scores": {
        **dict.fromkeys(("id", "set", "slice", "measure", "outcome", "reason"), _TEXT),
        "n_examples": _INT,
        "metric": _FLOAT,
    },
    "probes": {
        **dict.fromkeys(("group", "id", "probe", "measure", "outcome", "reason"), _TEXT),
        "value": _FLOAT,
    },
    "agreements": {**dict.fromkeys(("a", "b"), _TEXT), "jensen_shannon": _FLOAT},
    "strategies": {
        **dict.fromkeys(("group", "set", "slice"), _TEXT),
        **dict.fromkeys(("basin", "n"), _INT),
        **dict.fromkeys(("mean", "spread"), _FLOAT),
    },
    "contrasts": {
        **dict.fromkeys(("group", "set", "slice"), _TEXT),
        **dict.fromkeys(("basin_a", "basin_b"), _INT),
        **dict.fromkeys(("difference", "effect_size", "p_adjusted", "detectable"), _FLOAT),
        **dict.fromkeys(("correlation", "correlation_lo", "correlation_hi"), _FLOAT),
    },
    "coordinates": {**dict.fromkeys(("group", "id"), _TEXT), "coordinate": _FLOAT},
    "predictors": {
        **dict.fromkeys(("group", "set", "slice", "matrix"), _TEXT),
        "n": _INT,
        **dict.fromkeys(("rho", "p_adjusted"), _FLOAT),
        **dict.fromkeys(("correlation", "correlation_lo", "correlation_hi"), _FLOAT),
    },
    "slice_profiles": {
        **dict.fromkeys(("group", "a", "b", "set", "slice"), _TEXT),
        "within": _TRUTH,
        **dict.fromkeys(("t", "loss"), _FLOATS),
    },
    "attributions": {
        **dict.fromkeys(("group", "a", "b", "set", "slice"), _TEXT),
        "within": _TRUTH,
        **dict.fromkeys(("share_of_examples", "mean_excess", "share_of_gap"), _FLOAT),
        **dict.fromkeys(("share_lo", "share_hi"), _FLOAT),
    },
    "ridge_examples": {
        **dict.fromkeys(("group", "set", "example", "label", "text"), _TEXT),
        **dict.fromkeys(("rank", "n_lines"), _INT),
        **dict.fromkeys(("mean_excess", "share_of_gap"), _FLOAT),
    },
    "placements": {
        **dict.fromkeys(("group", "id", "nearest", "reason"), _TEXT),
        "held_out": _TRUTH,
        **dict.fromkeys(("basin", "own_basin", "n_lines"), _INT),
        **dict.fromkeys(("gap", "next_gap", "x", "y"), _FLOAT),
    },
    "predictions": {
        **dict.fromkeys(("group", "id", "set", "slice"), _TEXT),
        "held_out": _TRUTH,
        **dict.fromkeys(("basin", "n"), _INT),
        **dict.fromkeys(("predicted", "lo", "hi", "everyone", "actual"), _FLOAT),
    },
    "centroids": {
        **dict.fromkeys(("name", "level", "group", "variant", "method", "parameters"), _TEXT),
        "members": _TEXTS,
        "weights": _FLOATS,
        **dict.fromkeys(("loss", "metric", "mean_member_loss", "mean_member_metric"), _FLOAT),
        **dict.fromkeys(("best_member", "medoid", "folder", "status", "reason"), _TEXT),
        **dict.fromkeys(("best_member_loss", "best_member_metric", "medoid_loss"), _FLOAT),
        **dict.fromkeys(("medoid_metric", "largest_gap_inside"), _FLOAT),
    },
    "centroid_layers": {
        **dict.fromkeys(("name", "layer"), _TEXT),
        "position": _INT,
        **dict.fromkeys(("cosine", "angle", "norm", "norm_spread", "share"), _FLOAT),
    },
    **_REGIONS,
    **_STARTS,
}
"""Columns by table; the units are those of ``docs/formats.md``."""


def complete(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Return every table of `COLUMNS` with exactly its columns, missing ones as nulls.

    Parameters
    ----------
    tables : mapping of str to polars.DataFrame
        Tables of a run, some of them missing, empty, or short of a column.

    Returns
    -------
    dict of str to polars.DataFrame
        One frame per name of `COLUMNS`.
    """
    return {name: _complete(tables.get(name), kinds) for name, kinds in COLUMNS.items()}


def _complete(frame: pl.DataFrame | None, kinds: Mapping[str, pl.DataType]) -> pl.DataFrame:
    if frame is None:
        return pl.DataFrame(schema=dict(kinds))
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in kinds.items()
    )
