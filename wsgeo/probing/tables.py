"""Schemas of the tables that probing makes."""

from __future__ import annotations

from typing import Final

import polars as pl

OUTCOMES: Final = pl.Enum(["measured", "not applicable", "failed"])
"""How the evaluation of a checkpoint on a set or a probe ended."""

MEASURES: Final = pl.Enum(["accuracy", "preference", "consistency", "invariance"])
"""What the metric of a slice counts: right examples; minimal pairs whose better text is preferred;
pairs of which both texts are right; pairs that are answered alike."""

Columns = dict[str, pl.DataType | type[pl.DataType]]

_SCORES: Columns = {
    "id": pl.String,
    "set": pl.String,
    "slice": pl.String,  # "all", a slice, slice/label, slice/label/subcase, or "pairs"
    "measure": MEASURES,
    "n_examples": pl.Int64,  # examples, or pairs where pairs are judged
    "loss": pl.Float64,  # nats per example
    "loss_lo": pl.Float64, "loss_hi": pl.Float64,
    "metric": pl.Float64,  # fraction in [0, 1] of what the measure counts
    "metric_lo": pl.Float64, "metric_hi": pl.Float64,  # 95 % Wilson interval
    # Null unless examples of more than one label are judged one by one.
    "balanced": pl.Float64,  # mean recall of the labels, a fraction in [0, 1]
    "f1": pl.Float64,  # mean F1 of the labels, a fraction in [0, 1]
    "mcc": pl.Float64,  # Matthews correlation, in [-1, 1]
    "outcome": OUTCOMES,
    "reason": pl.String,  # null where measured
}  # fmt: skip
SCORES: Final = pl.Schema(_SCORES)
"""One row per checkpoint, diagnostic set and slice; numbers are null unless measured."""

_PROBES: Columns = {
    "id": pl.String,
    "probe": pl.String,  # such as bag_of_words
    "measure": pl.String,  # such as agreement
    "value": pl.Float64,  # unit by measure: docs/formats.md
    "lo": pl.Float64, "hi": pl.Float64,  # 95 % interval over examples; null where there is none
    "n_examples": pl.Int64,
    "outcome": OUTCOMES,
    "reason": pl.String,  # null where measured
}  # fmt: skip
PROBES: Final = pl.Schema(_PROBES)
"""One row per checkpoint, probe and measure: behaviour on the task's own texts and changes of them."""

_AGREEMENTS: Columns = {
    "a": pl.String, "b": pl.String,  # checkpoint ids, a < b
    "task": pl.String,
    "agreement": pl.Float64,  # fraction of examples with the same prediction
    "both_right": pl.Float64,  # fraction of examples on which both are right or both are wrong
    "jensen_shannon": pl.Float64,  # mean distance of the predicted distributions, in [0, 1]
}  # fmt: skip
AGREEMENTS: Final = pl.Schema(_AGREEMENTS)
"""One row per pair of members that were evaluated: how alike they answer the task."""

_PROFILE: Columns = {
    "set": pl.String, "slice": pl.String,
    "basin": pl.Int64,
    "n": pl.Int64,  # members of the basin that were measured
    "mean": pl.Float64,  # of the members' metric, a fraction in [0, 1]
    "spread": pl.Float64,  # standard deviation over members; null for one member
    "lowest": pl.Float64, "highest": pl.Float64,
}  # fmt: skip
PROFILE: Final = pl.Schema(_PROFILE)
"""One row per set, slice and basin."""

_CONTRASTS: Columns = {
    "set": pl.String, "slice": pl.String,
    "n_basins": pl.Int64,  # basins that were compared
    "basin_a": pl.Int64, "basin_b": pl.Int64,  # of the highest and of the lowest mean
    "n_a": pl.Int64, "n_b": pl.Int64,
    "mean_a": pl.Float64, "mean_b": pl.Float64,
    "difference": pl.Float64,  # mean_a - mean_b, in [0, 1]
    "effect_size": pl.Float64,  # Cliff's delta of the two, in [-1, 1]
    "p_value": pl.Float64,  # permutation test of no difference between any basins
    "p_adjusted": pl.Float64,  # Benjamini-Hochberg over the rows of the group
    "exact": pl.Boolean,  # whether every permutation was counted
    "detectable": pl.Float64,  # difference of two basins that would be found 8 times in 10
    "correlation": pl.Float64,  # of the metric with the basin coordinate, in [-1, 1]
    "correlation_lo": pl.Float64, "correlation_hi": pl.Float64,  # 95 % interval over members
    "sentence": pl.String,
}  # fmt: skip
CONTRASTS: Final = pl.Schema(_CONTRASTS)
"""One row per set and slice: whether basins differ, and the two that differ most."""

COORDINATES: Final = pl.Schema({
    "id": pl.String,
    "coordinate": pl.Float64,  # in [-1, 1], from the second largest basin (below 0) to the largest
})  # fmt: skip
"""One row per placed member: its place on the axis between the two largest basins."""

_PREDICTORS: Columns = {
    "set": pl.String, "slice": pl.String,
    "matrix": pl.String,  # convexity_gap, barrier_height, area, l2, cosine, jensen_shannon
    "n": pl.Int64,  # members
    "rho": pl.Float64,  # Spearman: pairs farther apart differ more, in [-1, 1]
    "p_value": pl.Float64,  # Mantel test of rho, one-sided
    "p_adjusted": pl.Float64,  # Benjamini-Hochberg over the rows of this table
    "correlation": pl.Float64,  # |Pearson r| of the metric with the matrix's own coordinate
    "correlation_lo": pl.Float64, "correlation_hi": pl.Float64,  # 95 % interval over members
}  # fmt: skip
PREDICTORS: Final = pl.Schema(_PREDICTORS)
"""One row per slice and matrix: which distance between members tells how they will generalise."""

_SLICE_PROFILES: Columns = {
    "a": pl.String, "b": pl.String,  # checkpoint ids, a < b
    "within": pl.Boolean,  # whether both lie in one basin
    "set": pl.String, "slice": pl.String,
    "n_examples": pl.Int64,
    "t": pl.List(pl.Float64),  # from 0 at a to 1 at b
    "loss": pl.List(pl.Float64),  # mean, nats per example
    "metric": pl.List(pl.Float64),  # mean, fraction in [0, 1]
    "convexity_gap": pl.Float64,  # nats per example, >= 0
}  # fmt: skip
SLICE_PROFILES: Final = pl.Schema(_SLICE_PROFILES)
"""One row per line that was looked at and slice of a set, the task's own slices among them."""

_ATTRIBUTIONS: Columns = {
    "a": pl.String, "b": pl.String,  # checkpoint ids, a < b
    "within": pl.Boolean,  # whether both lie in one basin
    "set": pl.String, "slice": pl.String,
    "n_examples": pl.Int64,
    "share_of_examples": pl.Float64,  # fraction in [0, 1]
    "mean_excess": pl.Float64,  # loss at the ridge above the chord beneath it, nats per example
    "share_of_gap": pl.Float64,  # sum of the slice's excess over that of all; null without a gap
    "t_left": pl.Float64, "t_ridge": pl.Float64, "t_right": pl.Float64,  # in [0, 1] from a to b
    "share_lo": pl.Float64, "share_hi": pl.Float64,  # joint 95 % limits; null if the gap may be zero
    "half_on": pl.Float64,  # smallest share of the slice with half of its excess; null if it sinks
}  # fmt: skip
ATTRIBUTIONS: Final = pl.Schema(_ATTRIBUTIONS)
"""One row per line and slice: which examples make the convexity gap of the whole set."""

_RIDGE_EXAMPLES: Columns = {
    "set": pl.String,
    "rank": pl.Int64,  # from 1, the largest excess first
    "example": pl.String,  # id in the data
    "label": pl.String,
    "text": pl.String,  # the first 200 characters
    "mean_excess": pl.Float64,  # over the lines between basins, nats
    "share_of_gap": pl.Float64,  # fraction of the summed gap of these lines
    "n_lines": pl.Int64,
}  # fmt: skip
RIDGE_EXAMPLES: Final = pl.Schema(_RIDGE_EXAMPLES)
"""The examples that rise most on the ridges between basins."""

_PLACEMENTS: Columns = {
    "id": pl.String,  # of the model that was placed, or of the member that was held out
    "held_out": pl.Boolean,  # whether it is a member of the run, placed as if it were new
    "content_hash": pl.String,
    "basin": pl.Int64,  # where it was placed; null for none
    "own_basin": pl.Int64,  # of a member that was held out; null for new models
    "nearest": pl.String,  # member with the smallest gap
    "gap": pl.Float64,  # median convexity gap to the members looked at of the nearest basin, nats
    "next_gap": pl.Float64,  # the same of the second nearest basin; null with one basin
    "n_lines": pl.Int64,
    "x": pl.Float64, "y": pl.Float64,  # on the run's map by classical scaling; null if not placed
    "reason": pl.String,  # why no basin, or what speaks against the one it is put into
}  # fmt: skip
PLACEMENTS: Final = pl.Schema(_PLACEMENTS)
"""One row per model that was placed, and per member that was held out to see how well that works."""

_PREDICTIONS: Columns = {
    "id": pl.String,
    "held_out": pl.Boolean,
    "set": pl.String, "slice": pl.String,
    "basin": pl.Int64,  # whose members tell
    "n": pl.Int64,  # of them
    "predicted": pl.Float64,  # mean metric of the basin-mates, a fraction in [0, 1]
    "lo": pl.Float64, "hi": pl.Float64,  # 95 % prediction interval; null with one basin-mate
    "everyone": pl.Float64,  # mean metric of all members, the prediction without a basin
    "actual": pl.Float64,  # null until it is measured
}  # fmt: skip
PREDICTIONS: Final = pl.Schema(_PREDICTIONS)
"""One row per placed model, or held-out member, and slice."""
