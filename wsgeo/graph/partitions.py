"""Labels of one method at one setting, for a whole stack of matrices at once.

The search for basins and the search inside each null draw run the same code: a method takes a
stack of distance matrices, shape (n_matrices, n_members, n_members), and returns the labels of
all of them. The measured matrix is a stack of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
"""One distance matrix, shape (n_members, n_members), or a stack of them."""

Labels = NDArray[np.int64]
"""Cluster labels from 0, and -1 for a member that is left as noise."""


@final
@dataclass(frozen=True)
class Partitions:
    """What one method at one setting says of every matrix of a stack.

    Parameters
    ----------
    method : str
        ``components``, ``hdbscan``, ``spectral`` or ``louvain``.
    parameters : mapping of str to int, float or str
        The setting, so that a result can be made again.
    labels : ndarray of int64, shape (n_matrices, n_members)
        Labels from 0; -1 is noise.
    """

    method: str
    parameters: Mapping[str, int | float | str]
    labels: Labels


def silhouettes(stack: Matrix, labels: Labels) -> Matrix:
    r"""Return the mean silhouette of one partition of each matrix.

    .. math:: s_i = \frac{b_i - a_i}{\max(a_i, b_i, r)}

    with ``a`` the mean distance to the other members of the own cluster, ``b`` the smallest
    mean distance to another cluster, and ``r`` the root mean square of all distances. With
    ``r = 0`` it is the usual silhouette, which calls any two members at distance zero a perfect
    cluster however near the others are; noisy gaps hold many zeros. Where clusters are farther
    apart than ``r`` the two agree. A member alone in its cluster and a member left as noise count
    zero, so that leaving members out is never free.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances, symmetric with a zero diagonal.
    labels : ndarray of int64, shape (n_matrices, n_members)
        Labels from 0; -1 is noise.

    Returns
    -------
    ndarray of float64, shape (n_matrices,)
        Mean silhouette in [-1, 1]; minus infinity where there are fewer than two clusters.

    Examples
    --------
    >>> points = np.array([0.0, 1.0, 10.0, 11.0])
    >>> stack = np.abs(points[:, None] - points)[None]
    >>> round(float(silhouettes(stack, np.array([[0, 0, 1, 1]]))[0]), 4)
    0.8997
    """
    labels = np.asarray(labels)
    n_labels = max(int(labels.max(initial=-1)) + 1, 1)
    member = (labels[:, :, None] == np.arange(n_labels)).astype(np.float64)
    sizes = member.sum(axis=1)
    to_cluster = stack @ member
    own_size = np.take_along_axis(sizes, np.maximum(labels, 0), axis=1)
    own = np.take_along_axis(to_cluster, np.maximum(labels, 0)[:, :, None], axis=2)[:, :, 0]
    a = own / np.maximum(own_size - 1, 1)
    elsewhere = np.where(
        (member > 0) | (sizes == 0)[:, None, :],
        np.inf,
        to_cluster / np.maximum(sizes, 1)[:, None, :],
    )
    b = elsewhere.min(axis=2)
    counted = (labels >= 0) & (own_size > 1) & np.isfinite(b)
    larger = np.maximum(np.maximum(a, np.where(counted, b, 0.0)), _typical(stack)[:, None])
    score = np.where(counted, b, a) - a
    score /= np.where(larger > 0, larger, 1.0)
    enough = (sizes > 0).sum(axis=1) >= 2
    return np.where(enough, score.mean(axis=1), -np.inf)


def in_units_of_largest(stack: Matrix) -> Matrix:
    """Return each matrix divided by its largest entry; one of zeros stays.

    All that clusters is free of scale, but the square of 1e200 is not a number.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances.

    Returns
    -------
    ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances in [0, 1].
    """
    largest = stack.max(axis=(1, 2), keepdims=True, initial=0.0)
    return np.asarray(stack / np.where(largest > 0, largest, 1.0))


def _typical(stack: Matrix) -> Matrix:
    """Return the root mean square distance of each matrix, the diagonal left out."""
    n_pairs = max(stack.shape[1] * (stack.shape[1] - 1), 1)
    return np.asarray(np.sqrt((stack**2).sum(axis=(1, 2)) / n_pairs))


def compact(labels: Labels) -> Labels:
    """Return labels numbered by size, largest first, ties by the first member; noise stays -1.

    Parameters
    ----------
    labels : ndarray of int64, shape (n_members,)
        Any labels; negative ones are noise.

    Returns
    -------
    ndarray of int64, shape (n_members,)
        The same partition with labels 0, 1, ...

    Examples
    --------
    >>> compact(np.array([7, 3, 3, -1])).tolist()
    [1, 0, 0, -1]
    """
    labels = np.asarray(labels, dtype=np.int64)
    names, first, sizes = np.unique(labels, return_index=True, return_counts=True)
    ranked = sorted(
        (-size, start, name)
        for name, start, size in zip(names.tolist(), first.tolist(), sizes.tolist(), strict=True)
        if name >= 0
    )
    new = {name: i for i, (_, _, name) in enumerate(ranked)}
    return np.array([new.get(name, -1) for name in labels.tolist()], dtype=np.int64)


def rand_index(first: Labels, second: Labels) -> float:
    """Return the adjusted Rand index of two partitions; noise members count as one group.

    Parameters
    ----------
    first, second : ndarray of int64, shape (n_members,)
        Labels of the same members.

    Returns
    -------
    float
        1 for equal partitions, about 0 for unrelated ones.

    Examples
    --------
    >>> rand_index(np.array([0, 0, 1, 1]), np.array([5, 5, 2, 2]))
    1.0
    """
    _, rows = np.unique(first, return_inverse=True)
    _, columns = np.unique(second, return_inverse=True)
    table = np.zeros((rows.max(initial=0) + 1, columns.max(initial=0) + 1))
    np.add.at(table, (rows, columns), 1)
    together = _pairs(table).sum()
    in_first, in_second = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    expected = in_first * in_second / max(_pairs(np.array(float(len(rows)))), 1.0)
    most = (in_first + in_second) / 2
    # Both all-in-one or both all-alone: the two partitions are then equal.
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _pairs(count: Matrix) -> Matrix:
    return np.asarray(count * (count - 1) / 2)
