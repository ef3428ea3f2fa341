"""Schemas of the tables that probing makes."""

from __future__ import annotations

import polars as pl

OUTCOMES = pl.Enum(["measured", "not applicable", "failed"])
"""How the evaluation of a checkpoint on a set ended."""

_SCORES: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.String,
    "set": pl.String,
    "slice": pl.String,  # "all", a slice, or slice/label
    "n_examples": pl.Int64,
    "loss": pl.Float64,  # nats per example
    "loss_lo": pl.Float64,
    "loss_hi": pl.Float64,
    "metric": pl.Float64,  # accuracy, a fraction in [0, 1]
    "metric_lo": pl.Float64,  # 95 % Wilson interval
    "metric_hi": pl.Float64,
    "outcome": OUTCOMES,
    "reason": pl.String,  # null where measured
}
SCORES = pl.Schema(_SCORES)
"""One row per checkpoint, diagnostic set and slice; numbers are null unless measured."""

PROFILE = pl.Schema(
    {
        "set": pl.String,
        "slice": pl.String,
        "basin": pl.Int64,
        "n": pl.Int64,  # members of the basin that were measured
        "mean": pl.Float64,  # of the members' accuracy, a fraction in [0, 1]
        "spread": pl.Float64,  # standard deviation over members; null for one member
        "lowest": pl.Float64,
        "highest": pl.Float64,
    }
)
"""One row per set, slice and basin."""

CONTRASTS = pl.Schema(
    {
        "set": pl.String,
        "slice": pl.String,
        "basin_a": pl.Int64,  # the largest basin
        "basin_b": pl.Int64,  # the second largest
        "n_a": pl.Int64,
        "n_b": pl.Int64,
        "difference": pl.Float64,  # mean accuracy of a minus that of b, in [-1, 1]
        "effect_size": pl.Float64,  # Cliff's delta, in [-1, 1]
        "p_value": pl.Float64,  # two-sided permutation test
        "p_adjusted": pl.Float64,  # Benjamini-Hochberg over the rows of this table
        "exact": pl.Boolean,  # whether every permutation was counted
        "sentence": pl.String,
    }
)
"""One row per set and slice: the two largest basins against each other."""
