"""How sure a clustering is: the same method on resampled gap matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from wsgeo.graph.clustering import Clustering, find_partitions
from wsgeo.graph.partitions import Labels, Matrix, in_units_of_largest, rand_index


@final
@dataclass(frozen=True)
class Stability:
    """What resampling the examples does to a clustering.

    Parameters
    ----------
    together : ndarray of float64, shape (n_members, n_members)
        Fraction of resamples in which two members share a cluster.
    certainty : ndarray of float64, shape (n_members,)
        Per member, the fraction of its pairs, over all resamples, that stay together or apart as
        in the clustering.
    rand_indices : ndarray of float64, shape (n_resamples,)
        Adjusted Rand index of each resample with the clustering.
    """

    together: Matrix
    certainty: Matrix
    rand_indices: Matrix

    @property
    def median(self) -> float:
        """Median adjusted Rand index; 1 where every resample gives the same clusters."""
        return float(np.median(self.rand_indices))


def stability(clustering: Clustering, resamples: Matrix) -> Stability:
    """Return how a clustering holds when the examples behind the gaps are resampled.

    Parameters
    ----------
    clustering : Clustering
        The clustering of the measured matrix; its method and setting are used again.
    resamples : ndarray of float64, shape (n_resamples, n_members, n_members)
        Gap matrices of bootstrap resamples of the examples, guarded as the measured one.

    Returns
    -------
    Stability
        Co-assignment, certainty per member, agreement per resample.

    Raises
    ------
    ValueError
        If the resamples do not fit the clustering.
    """
    if resamples.ndim != 3 or resamples.shape[1] != len(clustering.labels):
        raise ValueError(f"Resamples of shape {resamples.shape} for {clustering.labels.shape}.")
    again = next(
        found.labels
        for found in find_partitions(in_units_of_largest(resamples))
        if found.method == clustering.method and found.parameters == clustering.parameters
    )
    pairs = same_cluster(again)
    kept = pairs == same_cluster(clustering.labels[None])
    n = len(clustering.labels)
    certainty = (kept.mean(axis=0).sum(axis=1) - 1) / max(n - 1, 1)
    indices = np.array([rand_index(clustering.labels, labels) for labels in again])
    return Stability(pairs.mean(axis=0), certainty, indices)


def same_cluster(labels: Labels) -> Matrix:
    """Return which members share a cluster; a member left as noise shares with itself alone.

    Parameters
    ----------
    labels : ndarray of int64, shape (n_matrices, n_members)
        Labels; -1 is noise.

    Returns
    -------
    ndarray of float64, shape (n_matrices, n_members, n_members)
        1 where shared, else 0; 1 on the diagonal.
    """
    same = (labels[:, :, None] == labels[:, None, :]) & (labels >= 0)[:, :, None]
    return np.asarray(same | np.eye(labels.shape[1], dtype=bool), dtype=np.float64)


def valid_resamples(stack: Matrix, measured: Matrix) -> Matrix:
    """Return resamples as valid distances; an invalid entry keeps the measured value.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_resamples, n_members, n_members)
        Bootstrap resamples of the distances.
    measured : ndarray of float64, shape (n_members, n_members)
        The distances.

    Returns
    -------
    ndarray of float64, shape (n_resamples, n_members, n_members)
        Symmetric, not negative, zero on the diagonals.
    """
    stack = np.where(np.isfinite(stack), np.maximum(stack, 0.0), measured)
    stack = (stack + np.swapaxes(stack, 1, 2)) / 2
    stack[:, np.arange(stack.shape[1]), np.arange(stack.shape[1])] = 0.0
    return stack
