"""The tables of regions: which there are, how losses lie in and around them, and their middles."""

from __future__ import annotations

import polars as pl

REGIONS = pl.Schema({
    "level": pl.String(),  # dataset, task, general or basin
    "name": pl.String(),  # value of the trait, such as snli; all; or the basin, such as loss-1 basin 0
    "trait": pl.String(),  # setting of the manifest that the members share; null for all and basins
    "members": pl.List(pl.String),  # distinct ones, in the order of ids
    "n_tasks": pl.Int64(),  # loss groups among them
    "norm": pl.Float64(),  # mean norm of the members' task vectors; null without a base
    "radius": pl.Float64(),  # root mean square distance of the members from their mean
    "cosine_within": pl.Float64(),  # mean over pairs of members, or null with fewer than two
    "cosine_outside": pl.Float64(),  # mean over pairs of a member and one outside, or null
    "note": pl.String(),  # what must be known, in sentences, or null
})  # fmt: skip
"""One row per region; a region is a group of members of one geometry group."""

REGION_MEMBERS = pl.Schema({
    "id": pl.String(),
    "norm": pl.Float64(),  # of the task vector; null without a base
    "cosine_own": pl.Float64(),  # mean cosine with the members of its own data set, or null
    "cosine_others": pl.Float64(),  # mean cosine with the members of other data sets, or null
    "placed": pl.Boolean(),  # whether it is trained enough to be placed; null where nobody can say
    "note": pl.String(),  # why not, or null
})  # fmt: skip
"""One row per member."""

REGION_SCORES = pl.Schema({
    "level": pl.String(),  # dataset or task: whose groups are to be found again
    "trait": pl.String(),  # setting of the manifest
    "space": pl.String(),  # task_vector (cosine) or weights (Euclidean, for comparison only)
    # given (as many as the trait has values), found (by silhouette and null) or suggested (by
    # silhouette alone)
    "clusters": pl.String(),
    "n_groups": pl.Int64(),
    "n_clusters": pl.Int64(),
    "n_members": pl.Int64(),  # distinct ones with a value
    "purity": pl.Float64(),  # share of members in a cluster whose majority is theirs, in [0, 1]
    "f1": pl.Float64(),  # mean over groups under the best one-to-one assignment, in [0, 1]
    "ari": pl.Float64(),  # adjusted Rand index, in [-1, 1]
    "nmi": pl.Float64(),  # normalised mutual information (arithmetic mean), in [0, 1]
    "p_value": pl.Float64(),  # of the Rand index under permuted groups, in (0, 1], or null
    "estimated_base": pl.Boolean(),  # whether task vectors are seen from an estimated base
})  # fmt: skip
"""One row per level, space and way of clustering."""

REGION_COUNTS = pl.Schema({
    "space": pl.String(), "clusters": pl.String(), "level": pl.String(),  # as in REGION_SCORES
    "trait": pl.String(),  # setting that is counted: data set, task, base, size, method
    "value": pl.String(),
    "cluster": pl.Int64(),  # from 0, largest first; -1 for members in none
    "n": pl.Int64(),  # members
})  # fmt: skip
"""Cluster by what: one row per clustering, value of a setting, and cluster that has any."""

REGION_POINTS = pl.Schema({
    "level": pl.String(), "name": pl.String(),  # of the region
    # Inside: member, centroid, uniform, sparse, pair, triple, leave_one_out; outside: other_member,
    # base, random.
    "kind": pl.String(),
    "point": pl.String(),  # its name: a member's id, or such as uniform-3
    "members": pl.List(pl.String),  # ids of what is mixed
    "coefficients": pl.List(pl.Float64),  # their shares, summing to 1
    "radius": pl.Float64(),  # distance from the centroid over the root mean square of the members'
    "task": pl.String(),  # loss group on whose data it was measured
    "head": pl.String(),  # head policy: interpolate (the mean of the heads), own or refit
    "loss": pl.Float64(),  # nats per example; null where it failed
    "metric": pl.Float64(),  # fraction in [0, 1]
    "reason": pl.String(),  # why it failed, or null
})  # fmt: skip
"""One row per point and task it was measured on."""

REGION_ORDERS = pl.Schema({
    "level": pl.String(), "name": pl.String(),
    "head": pl.String(),
    "a": pl.String(), "b": pl.String(),  # members, hull, centroid, outside, random, base, a kind of hull
    # P_B: that a point of a has at most the loss of one of b, in [0, 1]; null without a common task
    "probability": pl.Float64(),
    # 95 %, Wilson's at the worth of a clustered bootstrap; null where nothing was drawn:
    "probability_lo": pl.Float64(), "probability_hi": pl.Float64(),
    "n_a": pl.Int64(), "n_b": pl.Int64(),  # points
    "mean_a": pl.Float64(), "mean_b": pl.Float64(),  # mean losses, in nats per example
    "n_tasks": pl.Int64(),  # over whose data the loss is a mean
})  # fmt: skip
"""The P_B matrix of each region."""

REGION_CURVES = pl.Schema({
    "level": pl.String(), "name": pl.String(),
    "curve": pl.String(),  # interpolation, extrapolation, random, origin, base
    "line": pl.String(),  # which of the curve's lines: "a -> b", or direction-0
    "position": pl.Float64(),  # on the line, or radius over that of the members
    "task": pl.String(),
    "head": pl.String(),
    "loss": pl.Float64(),  # nats per example; null where it failed
    "metric": pl.Float64(),
})  # fmt: skip
"""One row per position on a line and task it was measured on."""

STARS = pl.Schema({
    "level": pl.String(), "name": pl.String(),
    "point": pl.String(),  # a member's id, or centroid
    "largest_gap": pl.Float64(),  # largest convexity gap to a member, in nats per example
    "mean_gap": pl.Float64(),
    "farthest": pl.String(),  # the member across the largest gap
    "n_gaps": pl.Int64(),  # members to which the gap is known
    "is_star": pl.Boolean(),  # smallest largest gap of all points with all gaps known
})  # fmt: skip
"""One row per member, and the centroid, of a region whose gaps were measured."""
