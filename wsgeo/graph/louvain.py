"""Candidate basins from modularity: Louvain on the affinity graph, many matrices at once.

1. Every member starts as its own community. Members are visited in order; each moves to the
   community with the largest gain of modularity, until none moves.
2. Communities become the members of a smaller graph and step 1 runs again, until nothing joins.

The visit in canonical order makes the result a function of the matrix; networkx's version shuffles
and takes 100 ms at 100 members, too much for hundreds of null draws.
"""

from __future__ import annotations

import numpy as np

from wsgeo.graph.partitions import Labels, Matrix, Partitions
from wsgeo.graph.spectral import affinity

METHOD = "louvain"
MAX_SWEEPS = 20
MAX_LEVELS = 5


def partitions(stack: Matrix, *, resolutions: tuple[float, ...] = (1.0, 0.7)) -> list[Partitions]:
    """Return the communities of each affinity graph at each resolution.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances.
    resolutions : tuple of float, default (1.0, 0.7)
        Weight of the expected links; lower values give fewer communities.

    Returns
    -------
    list of Partitions
        One per resolution.
    """
    weight = affinity(stack)
    weight[:, np.arange(stack.shape[1]), np.arange(stack.shape[1])] = 0.0
    return [
        Partitions(METHOD, {"resolution": resolution}, communities(weight, resolution))
        for resolution in resolutions
    ]


def communities(weight: Matrix, resolution: float = 1.0) -> Labels:
    """Return the Louvain communities of each weighted graph.

    Parameters
    ----------
    weight : ndarray of float64, shape (n_matrices, n_members, n_members)
        Symmetric link weights, at least 0, zero diagonal.
    resolution : float, default 1.0
        Weight of the expected links.

    Returns
    -------
    ndarray of int64, shape (n_matrices, n_members)
        Labels, not compact.
    """
    n = weight.shape[1]
    labels = np.broadcast_to(np.arange(n), weight.shape[:2]).copy()
    graph = weight
    for _ in range(MAX_LEVELS):
        joined = _move(graph, resolution)
        if np.array_equal(joined, np.broadcast_to(np.arange(n), joined.shape)):
            break
        labels = np.take_along_axis(joined, labels, axis=1)
        member = (joined[:, :, None] == np.arange(n)).astype(np.float64)
        graph = np.swapaxes(member, 1, 2) @ graph @ member
    return labels


def _move(graph: Matrix, resolution: float) -> Labels:
    """Return the community of each node after sweeps in which single nodes move."""
    n_graphs, n = graph.shape[:2]
    rows = np.arange(n_graphs)
    strength = graph.sum(axis=2)
    total = np.maximum(strength.sum(axis=1), 1e-300)[:, None]
    labels = np.broadcast_to(np.arange(n), (n_graphs, n)).copy()
    inside = strength.copy()
    offset = rows[:, None] * n
    for _ in range(MAX_SWEEPS):
        before = labels.copy()
        for v in range(n):
            home = labels[:, v].copy()
            links = graph[:, v].copy()
            links[:, v] = 0.0
            inside[rows, home] -= strength[:, v]
            flat = np.bincount((offset + labels).ravel(), links.ravel(), minlength=n_graphs * n)
            gain = flat.reshape(n_graphs, n) - resolution * strength[:, v, None] * inside / total
            best = gain.argmax(axis=1)
            # Strictly better only: rounding would otherwise send nodes back and forth for ever.
            stays = gain[rows, best] <= gain[rows, home] + 1e-12 * total[:, 0]
            labels[:, v] = np.where(stays, home, best)
            inside[rows, labels[:, v]] += strength[:, v]
        if np.array_equal(before, labels):
            break
    return labels
