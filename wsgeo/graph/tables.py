"""The tables that clustering makes; units in the comments."""

from __future__ import annotations

import polars as pl

CLUSTERS = pl.Schema({
    "id": pl.String,
    "matrix": pl.String,  # convexity_gap, task_vector or given
    "method": pl.String,  # components, hdbscan, spectral, louvain; one_group where no split stands
    "label": pl.Int64,  # from 0, largest first; -1 is noise or not placed
    "certainty": pl.Float64,  # fraction of its pairs on which resamples agree, in [0, 1], or null
    "is_default": pl.Boolean,  # the labels that wsgeo shows
    # Of the hdbscan package, on the default rows of 15 members or more, else null:
    "membership": pl.Float64,  # strength of belonging to its cluster of hdbscan, in [0, 1]
    "outlier": pl.Float64,  # GLOSH outlier score, in [0, 1]
})  # fmt: skip

CLUSTERINGS = pl.Schema({
    "matrix": pl.String,
    "method": pl.String,
    "parameters": pl.String,  # JSON
    "n_clusters": pl.Int64,
    "n_noise": pl.Int64,
    "silhouette": pl.Float64,  # in [-1, 1], or null with fewer than two clusters
    "p_value": pl.Float64,  # of the method's best setting, in (0, 1], else null
    "stability": pl.Float64,  # median adjusted Rand index over resamples, or null
    "is_default": pl.Boolean,
})  # fmt: skip

NULLS = pl.Schema({
    "matrix": pl.String,
    "null": pl.String,  # independent, additive, cloud, bowl or errors
    "draw": pl.Int64,  # from 0
    "statistic": pl.Float64,  # best silhouette of the draw, or null where nothing can be split
})  # fmt: skip

EMBEDDING = pl.Schema({
    "id": pl.String,
    "matrix": pl.String,
    "method": pl.String,  # mds or umap
    "x": pl.Float64,
    "y": pl.Float64,
})  # fmt: skip

MERGE_TREE = pl.Schema({
    "matrix": pl.String,
    "left": pl.Int64,  # below n_members: a placed member in the order of ids; else an earlier row
    "right": pl.Int64,
    "height": pl.Float64,  # bottleneck barrier, in the unit of the matrix
    "size": pl.Int64,  # members below
})  # fmt: skip

ASSOCIATIONS = pl.Schema({
    "matrix": pl.String,  # what is compared: convexity_gap or task_vector
    "axis": pl.String,  # name of a setting of training that varies in the group
    "n_values": pl.Int64,
    "n_members": pl.Int64,  # distinct members with a value
    # Against the basins, or the regions of task vectors:
    "cramers_v": pl.Float64,  # corrected for bias, in [0, 1], or null
    "p_value": pl.Float64,  # of its permutation test, in (0, 1]
    "q_value": pl.Float64,  # the same, corrected over the settings
    # Against the gaps, in nats per example, or 1 - cosine of the task vectors, in [0, 2]:
    "gap_within": pl.Float64,  # mean over pairs with equal values
    "gap_between": pl.Float64,  # mean over pairs with different values
    "difference": pl.Float64,  # between - within
    "difference_lo": pl.Float64,  # its 95 % interval over members
    "difference_hi": pl.Float64,
    "mantel_p": pl.Float64,  # of its permutation test
    "mantel_q": pl.Float64,
    "spearman": pl.Float64,  # of |difference of the number| and that, in [-1, 1], or null
    "spearman_p": pl.Float64,
    "spearman_q": pl.Float64,
    "same_as": pl.String,  # an earlier setting that parts the members in the same way
    "note": pl.String,  # what must be known to read the row
})  # fmt: skip

CONTINGENCY = pl.Schema({
    "matrix": pl.String,
    "axis": pl.String,
    "value": pl.String,
    "label": pl.Int64,  # basin or region, -1 for members in none
    "n": pl.Int64,  # distinct members
})  # fmt: skip
