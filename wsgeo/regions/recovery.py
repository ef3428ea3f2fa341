"""How far clusters and the groups of the manifest are the same partition of the members.

All is read from one table of counts: a row per group, a column per cluster, the members in no
cluster counted apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from wsgeo.graph.contingency import N_DRAWS, contingency
from wsgeo.graph.partitions import Labels, rand_index

MIN_MEMBERS = 4
"""Fewest members for which anything is tested."""

_ENTRIES = 4_000_000  # of a block of permuted tables: 32 MB

Counts = NDArray[np.int64]


@final
@dataclass(frozen=True)
class Recovery:
    """Agreement of clusters with groups.

    Parameters
    ----------
    n_groups, n_clusters, n_members : int
        Sizes; members in no cluster count as members.
    purity : float
        Share of members in a cluster whose majority is theirs, in [0, 1].
    f1 : float
        Mean F1 over groups under the best one-to-one assignment, in [0, 1].
    ari : float
        Adjusted Rand index, in [-1, 1].
    nmi : float
        Normalised mutual information, in [0, 1].
    p_value : float or None
        Of the Rand index under permuted groups, in (0, 1]; None where nothing can be tested.
    n_exact : int
        Groups that are a cluster, with all of their members and no other.
    """

    n_groups: int
    n_clusters: int
    n_members: int
    purity: float
    f1: float
    ari: float
    nmi: float
    p_value: float | None
    n_exact: int


def recovery(groups: Labels, clusters: Labels, *, rng: np.random.Generator) -> Recovery:
    """Compare clusters with the groups that they were to find.

    A member in no cluster is in the majority of none; for the adjusted Rand index and the mutual
    information such members are one cluster more.

    Parameters
    ----------
    groups : ndarray of int64, shape (n_members,)
        Group of each member, counted from 0 without gaps.
    clusters : ndarray of int64, shape (n_members,)
        Cluster of each, from 0 without gaps; -1 for none.
    rng : numpy.random.Generator
        Permutes the groups.

    Returns
    -------
    Recovery
        All scores.

    Examples
    --------
    >>> groups = np.array([0, 0, 0, 1, 1, 1])
    >>> found = recovery(groups, np.array([1, 1, 1, 0, 0, 0]), rng=np.random.default_rng(0))
    >>> found.purity, found.f1, found.ari, found.n_exact
    (1.0, 1.0, 1.0, 2)
    """
    placed = clusters >= 0
    counts = np.zeros((int(groups.max()) + 1, int(clusters.max(initial=-1)) + 1), dtype=np.int64)
    np.add.at(counts, (groups[placed], clusters[placed]), 1)
    sizes = np.bincount(groups)
    whole = np.unique(clusters, return_inverse=True)[1]  # those in no cluster are one more
    scores = f1_scores(counts, sizes)
    return Recovery(
        n_groups=len(sizes),
        n_clusters=counts.shape[1],
        n_members=len(groups),
        purity=purity(counts, sizes),
        f1=assigned_f1(counts, sizes),
        ari=rand_index(groups, clusters),
        nmi=mutual_information(contingency(groups, whole)),
        p_value=rand_p(groups, whole, rng=rng),
        n_exact=int((scores == 1).sum()),
    )


def purity(counts: Counts, sizes: Counts) -> float:
    """Return the share of members in a cluster whose majority is of their group.

    Several clusters may have a majority of one group, so that many small clusters are pure for
    nothing: read it beside the one-to-one F1.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_groups, n_clusters)
        Members of each group in each cluster.
    sizes : ndarray of int64, shape (n_groups,)
        Members of each group, those in no cluster included.

    Returns
    -------
    float
        In [0, 1].

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> purity(np.array([[3, 0], [1, 2]]), np.array([3, 3])) == 5 / 6
    True
    """
    return float(counts.max(axis=0, initial=0).sum() / sizes.sum())


def f1_scores(counts: Counts, sizes: Counts) -> NDArray[np.float64]:
    """Return the F1 of each cluster as a guess at each group.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_groups, n_clusters)
        Members of each group in each cluster.
    sizes : ndarray of int64, shape (n_groups,)
        Members of each group, those in no cluster included.

    Returns
    -------
    ndarray of float64, shape (n_groups, n_clusters)
        Harmonic mean of precision and recall, in [0, 1].

    Examples
    --------
    >>> f1_scores(np.array([[3, 0], [1, 2]]), np.array([3, 3])).round(3).tolist()
    [[0.857, 0.0], [0.286, 0.8]]
    """
    total = sizes[:, None] + counts.sum(axis=0)
    return np.asarray(2 * counts / np.maximum(total, 1))


def assigned_f1(counts: Counts, sizes: Counts) -> float:
    """Return the mean F1 over the groups when each cluster stands for at most one of them.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_groups, n_clusters)
        Members of each group in each cluster.
    sizes : ndarray of int64, shape (n_groups,)
        Members of each group, those in no cluster included.

    Returns
    -------
    float
        In [0, 1]; a group without a cluster counts 0. Of all one-to-one assignments it is the best.

    References
    ----------
    [gueta2023]_

    Examples
    --------
    >>> round(assigned_f1(np.array([[3, 0], [1, 2]]), np.array([3, 3])), 3)
    0.829
    """
    from scipy.optimize import linear_sum_assignment

    scores = f1_scores(counts, sizes)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return float(scores[rows, columns].sum() / len(sizes))


def mutual_information(counts: Counts) -> float:
    r"""Return the mutual information of two labellings over the mean of their entropies.

    .. math:: \frac{2 I(G; C)}{H(G) + H(C)}

    Parameters
    ----------
    counts : ndarray of int64, shape (n_groups, n_clusters)
        Members of each group in each cluster; every member is in one.

    Returns
    -------
    float
        In [0, 1]; 1 where neither labelling parts the members.

    Examples
    --------
    >>> [mutual_information(np.array(t)) for t in ([[2, 0], [0, 2]], [[1, 1], [1, 1]], [[4]])]
    [1.0, 0.0, 1.0]
    """
    joint = counts / counts.sum()
    both = _entropy(joint.sum(axis=1)) + _entropy(joint.sum(axis=0))
    if both == 0:
        return 1.0
    return min(1.0, max(0.0, 2 * (both - _entropy(joint.ravel())) / both))


def rand_p(groups: Labels, clusters: Labels, *, rng: np.random.Generator) -> float | None:
    """Return how often permuted groups agree with the clusters as well as the groups do.

    Parameters
    ----------
    groups, clusters : ndarray of int64, shape (n_members,)
        Labels, counted from 0 without gaps.
    rng : numpy.random.Generator
        Permutes the groups.

    Returns
    -------
    float or None
        (b + 1) / (m + 1), b of m permutations having at least this Rand index; None with fewer than
        four members or where one side does not part them.

    Examples
    --------
    >>> labels = np.repeat([0, 1, 2], 4)
    >>> rand_p(labels, labels, rng=np.random.default_rng(0))
    0.0005
    """
    r, k = int(groups.max(initial=-1)) + 1, int(clusters.max(initial=-1)) + 1
    if len(groups) < MIN_MEMBERS or min(r, k) < 2:
        return None
    measured, reached = int((contingency(groups, clusters) ** 2).sum()), 0
    block = max(1, _ENTRIES // max(r * k, len(groups)))
    for start in range(0, N_DRAWS, block):
        n = min(block, N_DRAWS - start)
        dealt = rng.permuted(np.tile(groups, (n, 1)), axis=1)
        cells = dealt * k + clusters + r * k * np.arange(n)[:, None]
        counts = np.bincount(cells.ravel(), minlength=n * r * k).reshape(n, -1)
        # With the margins given, the index grows with the sum of squares: an exact integer.
        reached += int(((counts**2).sum(axis=1) >= measured).sum())
    return (1 + reached) / (1 + N_DRAWS)


def _entropy(shares: NDArray[np.float64]) -> float:
    """Return the entropy of shares that sum to 1, in nats."""
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())
