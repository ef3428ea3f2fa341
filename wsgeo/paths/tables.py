"""Schemas of the pair table and of the profiles it is made from."""

from __future__ import annotations

from typing import Final

import polars as pl

PATHS: Final = ("line", "bezier", "polyline")
RULES: Final = ("exact", "coarse", "raced", "betting", "inferred")
OUTCOMES: Final = (
    "measured", "inferred", "endpoint_failed", "nonfinite", "failed", "pending",
)  # fmt: skip

Columns = dict[str, pl.DataType | type[pl.DataType]]

_PAIRS: Columns = {
    "a": pl.String, "b": pl.String,  # checkpoint ids, a < b
    "path": pl.Enum(PATHS),
    "alignment": pl.String,  # "none", or what was permuted
    "task": pl.String, "split": pl.String,
    "head_policy": pl.String,  # interpolate, own, source, refit
    "precision": pl.String,  # of the forward passes, such as fp32
    "rule": pl.Enum(RULES),  # how the pair was decided
    "n_points": pl.Int64, "n_examples": pl.Int64,
    # Nats per example, each with its 95 % interval; the first three are >= 0.
    "barrier_height": pl.Float64, "barrier_height_lo": pl.Float64, "barrier_height_hi": pl.Float64,
    "barrier_mean": pl.Float64, "barrier_mean_lo": pl.Float64, "barrier_mean_hi": pl.Float64,
    "convexity_gap": pl.Float64, "convexity_gap_lo": pl.Float64, "convexity_gap_hi": pl.Float64,
    "convexity_gap_se": pl.Float64,  # standard error, nats per example
    "grid_error": pl.Float64,  # nats per example that the gap may be larger between positions
    "midpoint_excess": pl.Float64,  # signed; null where 1/2 is not on the grid
    "midpoint_excess_lo": pl.Float64, "midpoint_excess_hi": pl.Float64,
    "area": pl.Float64,  # nats per example, >= 0
    "t_peak": pl.Float64,  # in [0, 1] from a to b; null for a convex profile
    "error_barrier": pl.Float64,  # fraction in [0, 1]
    "l2": pl.Float64,  # Euclidean distance of the weights
    "cosine": pl.Float64,  # of the task vectors, in [-1, 1]; null without a base
    "measured": pl.Enum(OUTCOMES),
    "reason": pl.String,  # why there is no value; null where there is one
}  # fmt: skip
PAIRS: Final = pl.Schema(_PAIRS)
"""One row per unordered pair; numbers are null unless ``measured`` is ``measured``."""

_PROFILES: Columns = {
    "a": pl.String, "b": pl.String,  # checkpoint ids, a < b
    "path": pl.Enum(PATHS),
    "task": pl.String, "split": pl.String,
    "t": pl.List(pl.Float64),  # from 0 at a to 1 at b
    "loss": pl.List(pl.Float64),  # mean, nats per example
    "metric": pl.List(pl.Float64),  # mean, fraction in [0, 1]
}  # fmt: skip
PROFILES: Final = pl.Schema(_PROFILES)
"""One row per measured pair."""
