"""How typical each member is of its cluster, by the hdbscan package.

The search and its nulls use the batched `wsgeo.graph.density`; this asks the reference
implementation once, of the measured matrix alone, for what that one does not compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from wsgeo.graph.guard import DistanceMatrix
from wsgeo.graph.partitions import Labels, Matrix, rand_index

TYPICALITY_FROM: Final = 15
"""Fewest members for which densities are worth estimating."""

_NEIGHBOURS = 3  # fewest members of a cluster, and neighbours that make a core distance


@final
@dataclass(frozen=True)
class Typicality:
    """How each member lies in the clusters of hdbscan.

    Parameters
    ----------
    labels : ndarray of int64, shape (n_members,)
        Clusters of hdbscan, -1 for noise.
    membership : ndarray of float64, shape (n_members,)
        Strength of belonging to the own cluster, in [0, 1]; 0 for noise.
    outlier : ndarray of float64, shape (n_members,)
        GLOSH outlier score, in [0, 1]: how much sparser the member lies than the core of the
        cluster nearest to it. NaN where it is not defined.
    """

    labels: Labels
    membership: Matrix
    outlier: Matrix

    def agreement(self, labels: Labels) -> float:
        """Return the adjusted Rand index with other labels of the same members."""
        return rand_index(self.labels, labels)


def typicality(distances: DistanceMatrix, *, single: bool = False) -> Typicality | None:
    """Return the membership and the outlier score of each member.

    Parameters
    ----------
    distances : DistanceMatrix
        Guarded distances: hdbscan itself crashes on infinite ones.
    single : bool, default False
        Whether all members may be one cluster; otherwise hdbscan always splits.

    Returns
    -------
    Typicality or None
        None below 15 members, and where all coincide: hdbscan takes those for noise.
    """
    values = distances.values
    if len(values) < TYPICALITY_FROM or not values.any():
        return None
    # hdbscan takes 4 to 7 s to import.
    from hdbscan import HDBSCAN

    model = HDBSCAN(
        metric="precomputed",
        min_cluster_size=_NEIGHBOURS,
        min_samples=_NEIGHBOURS,
        allow_single_cluster=single,
        core_dist_n_jobs=1,
    )
    # Equal members have an infinite density; their score is then undefined, and no warning helps.
    with np.errstate(divide="ignore", invalid="ignore"):
        model.fit(values / values.max())
        outlier = np.asarray(model.outlier_scores_, dtype=np.float64)
    return Typicality(
        np.asarray(model.labels_, dtype=np.int64),
        np.nan_to_num(np.asarray(model.probabilities_, dtype=np.float64)),
        np.where(np.isfinite(outlier), outlier, np.nan),
    )
