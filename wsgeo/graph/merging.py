"""The merge tree: single linkage, whose heights are the bottleneck barriers.

Prim's walk adds, at each step, the nearest member that is not in the tree yet. Whenever it enters
a group that hangs together below some height it visits all of that group before it leaves, so the
groups at any height are unbroken runs of the walk, cut where a step is longer. Cuts, bottlenecks
and HDBSCAN's tree are all read off that one walk, for a whole stack of matrices at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from wsgeo.graph.partitions import Labels, Matrix


@final
@dataclass(frozen=True)
class Walks:
    """Prim's walk through each matrix of a stack.

    Parameters
    ----------
    order : ndarray of int64, shape (n_matrices, n_members)
        Members in the order of the visit; the first is member 0.
    step : ndarray of float64, shape (n_matrices, n_members)
        Length of the edge by which each was reached; the first is infinite.
    origin : ndarray of int64, shape (n_matrices, n_members)
        The visited member at the other end of that edge.
    """

    order: Labels
    step: Matrix
    origin: Labels


def walk(stack: Matrix) -> Walks:
    """Return Prim's walk of each matrix, from member 0.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances; an infinite entry is no edge.

    Returns
    -------
    Walks
        The minimum spanning trees, in the order of the visit.
    """
    n_matrices, n = stack.shape[:2]
    rows = np.arange(n_matrices)
    order = np.zeros((n_matrices, n), dtype=np.int64)
    origin = np.zeros((n_matrices, n), dtype=np.int64)
    step = np.full((n_matrices, n), np.inf)
    nearest, visited = stack[:, 0].copy(), np.zeros((n_matrices, n), dtype=bool)
    via = np.zeros((n_matrices, n), dtype=np.int64)
    visited[:, 0] = True
    for k in range(1, n):
        # A visited member ranks behind one that only an infinite edge reaches.
        ranked = np.where(visited, np.inf, np.minimum(nearest, np.finfo(np.float64).max))
        new = ranked.argmin(axis=1)
        order[:, k], step[:, k], origin[:, k] = new, nearest[rows, new], via[rows, new]
        visited[rows, new] = True
        closer = stack[rows, new] < nearest
        nearest = np.where(closer, stack[rows, new], nearest)
        via = np.where(closer, new[:, None], via)
    return Walks(order, step, origin)


def cut(walks: Walks, n_clusters: int) -> Labels:
    """Return the labels of the merge trees cut into ``n_clusters`` groups.

    Parameters
    ----------
    walks : Walks
        Walks of a stack.
    n_clusters : int
        Number of groups, from 1 to n_members.

    Returns
    -------
    ndarray of int64, shape (n_matrices, n_members)
        Labels from 0.
    """
    longest = np.argsort(-walks.step, axis=1, kind="stable")[:, :n_clusters]
    starts = np.zeros_like(walks.order)
    np.put_along_axis(starts, longest, 1, axis=1)
    return _along_walk(walks, starts)


def groups_at(walks: Walks, tau: float) -> Labels:
    """Return the groups that hang together by distances of at most ``tau``.

    Parameters
    ----------
    walks : Walks
        Walks of a stack.
    tau : float
        Threshold, in the unit of the distances.

    Returns
    -------
    ndarray of int64, shape (n_matrices, n_members)
        Labels from 0.
    """
    return _along_walk(walks, (walks.step > tau).astype(np.int64))


def _along_walk(walks: Walks, starts: Labels) -> Labels:
    """Return labels where a 1 in ``starts`` opens a group along the walk."""
    labels = np.empty_like(walks.order)
    np.put_along_axis(labels, walks.order, np.cumsum(starts, axis=1) - 1, axis=1)
    return labels


def bottlenecks(values: Matrix) -> Matrix:
    """Return the lowest pass between each two members: the minimax path.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Distances; an infinite entry is no edge.

    Returns
    -------
    ndarray of float64, shape (n_members, n_members)
        Largest distance on the path whose largest distance is least; zero on the diagonal,
        infinite where no path leads.

    Examples
    --------
    >>> bottlenecks(np.array([[0.0, 1.0, 9.0], [1.0, 0.0, 2.0], [9.0, 2.0, 0.0]])).tolist()
    [[0.0, 1.0, 2.0], [1.0, 0.0, 2.0], [2.0, 2.0, 0.0]]
    """
    walks = walk(values[None])
    order, step = walks.order[0], walks.step[0]
    n = len(order)
    passes = np.zeros((n, n))
    for k in range(n - 1):
        passes[k, k + 1 :] = np.maximum.accumulate(step[k + 1 :])
    passes += passes.T
    back = np.argsort(order)
    return passes[np.ix_(back, back)]


@final
@dataclass(frozen=True)
class MergeTree:
    """Single linkage of one matrix: which groups join at which height.

    Row ``k`` joins ``left[k]`` and ``right[k]`` into node ``n_members + k``; members are the nodes
    below ``n_members``.

    Parameters
    ----------
    left, right : tuple of int
        The joined nodes.
    height : tuple of float
        The bottleneck barrier between them, not decreasing.
    size : tuple of int
        Members in the new group.
    edges : tuple of (int, int)
        The two members whose distance joins the groups: the minimum spanning tree.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    height: tuple[float, ...]
    size: tuple[int, ...]
    edges: tuple[tuple[int, int], ...]

    def order(self) -> list[int]:
        """Return the members in dendrogram order: joined groups stand side by side."""
        n = len(self.left) + 1
        below: list[list[int]] = [[i] for i in range(n)]
        for left, right in zip(self.left, self.right, strict=True):
            below.append(below[left] + below[right])
            below[left] = below[right] = []
        return below[-1]


def merge_tree(values: Matrix) -> MergeTree:
    """Return the merge tree (single linkage) of a distance matrix.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members, n_members)
        Distances, symmetric and finite.

    Returns
    -------
    MergeTree
        n_members - 1 rows; the larger group stands left, ties by the smaller first member.

    Examples
    --------
    >>> merge_tree(np.array([[0.0, 1.0, 9.0], [1.0, 0.0, 2.0], [9.0, 2.0, 0.0]])).height
    (1.0, 2.0)
    """
    n = len(values)
    walks = walk(values[None])
    edges = sorted(
        zip(
            walks.step[0, 1:].tolist(),
            np.minimum(walks.order, walks.origin)[0, 1:].tolist(),
            np.maximum(walks.order, walks.origin)[0, 1:].tolist(),
            strict=True,
        )
    )
    node, group = list(range(n)), {i: [i] for i in range(n)}
    rows: list[tuple[int, int, float, int, tuple[int, int]]] = []
    for k, (height, a, b) in enumerate(edges):
        left, right = sorted((node[a], node[b]), key=lambda g: (-len(group[g]), min(group[g])))
        group[n + k] = group.pop(left) + group.pop(right)
        for member in group[n + k]:
            node[member] = n + k
        rows.append((left, right, height, len(group[n + k]), (a, b)))
    left_, right_, height_, size_, edges_ = zip(*rows, strict=True) if rows else ((),) * 5
    return MergeTree(left_, right_, height_, size_, edges_)
