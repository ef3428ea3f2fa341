"""Candidate basins from the merge tree: its cuts into two, three, ... groups."""

from __future__ import annotations

from wsgeo.graph.merging import cut, walk
from wsgeo.graph.partitions import Matrix, Partitions

METHOD = "components"


def partitions(stack: Matrix, *, max_clusters: int = 8) -> list[Partitions]:
    """Return the cuts of each merge tree into 2 to ``max_clusters`` groups.

    A cut joins whatever a chain of small distances joins, and it may leave a member alone: an
    outlier is a basin of one.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances.
    max_clusters : int, default 8
        Largest number of groups; never above n_members - 1.

    Returns
    -------
    list of Partitions
        One per number of groups.
    """
    walks = walk(stack)
    top = min(max_clusters, stack.shape[1] - 1)
    return [Partitions(METHOD, {"n_clusters": k}, cut(walks, k)) for k in range(2, top + 1)]
