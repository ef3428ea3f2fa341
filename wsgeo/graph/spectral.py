"""Candidate basins from the leading eigenvectors of the affinity (Juneja et al.'s method)."""

from __future__ import annotations

import numpy as np

from wsgeo.graph.partitions import Labels, Matrix, Partitions

METHOD = "spectral"
N_LLOYD = 10
SCALES = ("median", "local")


def affinity(stack: Matrix, scale: str = "median") -> Matrix:
    r"""Return the affinity ``exp(-d^2 / (2 delta^2))`` of each matrix.

    A fixed ``delta`` would tie the result to the unit of the loss; it is read off the matrix.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances.
    scale : {"median", "local"}
        ``delta`` is the median distance of the matrix, or the geometric mean of the two members'
        distances to their third-nearest neighbour (finds groups of unequal width).

    Returns
    -------
    ndarray of float64, shape (n_matrices, n_members, n_members)
        Affinities in [0, 1], 1 on the diagonal.

    References
    ----------
    [juneja2022]_
    """
    n = stack.shape[1]
    upper = np.triu_indices(n, 1)
    distances = stack[:, upper[0], upper[1]]
    median = _positive(np.median(distances, axis=1), distances.mean(axis=1))[:, None, None]
    if scale == "median":
        with np.errstate(over="ignore"):  # a ratio beyond all numbers is no affinity
            return _kernel(stack / median)
    near = np.sort(stack, axis=2)[:, :, min(3, n - 1)]
    # A group of duplicates has local scale zero: a floor keeps it from cutting all its edges.
    near = np.maximum(near, 0.05 * median[:, :, 0])
    root = np.sqrt(near)
    with np.errstate(over="ignore"):
        return _kernel(stack / root[:, :, None] / root[:, None, :])


def _kernel(ratio: Matrix) -> Matrix:
    # exp(-1800) is zero; the square of a larger ratio may be no number.
    return np.asarray(np.exp(-(np.minimum(ratio, 60.0) ** 2) / 2))


def _positive(values: Matrix, instead: Matrix) -> Matrix:
    values = np.where(values > 0, values, instead)
    return np.where(values > 0, values, 1.0)


def partitions(stack: Matrix, *, max_clusters: int = 8) -> list[Partitions]:
    """Return the spectral partitions of each matrix into 2 to ``max_clusters`` groups.

    The groups are read from the eigenvectors by pivoted QR and then moved by k-means: no random
    start, so equal matrices give equal labels.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances.
    max_clusters : int, default 8
        Largest number of groups; never above n_members - 1.

    Returns
    -------
    list of Partitions
        One per affinity scale and number of groups.

    References
    ----------
    [juneja2022]_
    """
    top = min(max_clusters, stack.shape[1] - 1)
    found = []
    for scale in SCALES:
        _, vectors = eigenpairs(stack, scale)
        for k in range(2, top + 1):
            labels = _groups(vectors[:, :, :k])
            found.append(Partitions(METHOD, {"n_clusters": k, "scale": scale}, labels))
    return found


def eigenpairs(stack: Matrix, scale: str = "median") -> tuple[Matrix, Matrix]:
    """Return eigenvalues and vectors of the normalised affinity, largest first.

    Parameters
    ----------
    stack : ndarray of float64, shape (n_matrices, n_members, n_members)
        Distances.
    scale : {"median", "local"}
        Scale of the affinity.

    Returns
    -------
    values : ndarray of float64, shape (n_matrices, n_members)
        Eigenvalues, at most 1.
    vectors : ndarray of float64, shape (n_matrices, n_members, n_members)
        Eigenvectors in columns.
    """
    weight = affinity(stack, scale)
    root = 1 / np.sqrt(weight.sum(axis=2))
    values, vectors = np.linalg.eigh(weight * root[:, :, None] * root[:, None, :])
    return values[:, ::-1], vectors[:, :, ::-1]


def eigengap(values: Matrix) -> tuple[int, float]:
    """Return the number of groups below the largest gap of the eigenvalues, and that gap.

    Parameters
    ----------
    values : ndarray of float64, shape (n_members,)
        Eigenvalues, largest first.

    Returns
    -------
    n_clusters : int
        Between 1 and 8.
    gap : float
        Fall from that eigenvalue to the next.
    """
    falls = -np.diff(values[:9])
    best = int(np.argmax(falls))
    return best + 1, float(falls[best])


def _groups(vectors: Matrix) -> Labels:
    """Return labels from leading eigenvectors, shape (n_matrices, n_members, n_clusters)."""
    chosen = _pivots(vectors)
    rows = np.arange(len(vectors))[:, None]
    left, _, right = np.linalg.svd(np.swapaxes(vectors[rows, chosen], 1, 2))
    labels = np.abs(vectors @ (left @ right)).argmax(axis=2)
    norms = np.linalg.norm(vectors, axis=2, keepdims=True)
    return _lloyd(vectors / np.maximum(norms, 1e-12), labels)


def _pivots(vectors: Matrix) -> Labels:
    """Return the rows that a pivoted QR picks: each the longest after the others are removed."""
    rest = vectors.copy()
    rows, picked = np.arange(len(vectors)), []
    for _ in range(vectors.shape[2]):
        picked.append(np.einsum("bnk,bnk->bn", rest, rest).argmax(axis=1))
        pivot = rest[rows, picked[-1]]
        pivot = pivot / np.maximum(np.linalg.norm(pivot, axis=1, keepdims=True), 1e-12)
        rest = rest - (rest @ pivot[:, :, None]) * pivot[:, None, :]
    return np.stack(picked, axis=1)


def _lloyd(points: Matrix, labels: Labels) -> Labels:
    """Return the labels after k-means from the given start; an empty group stays empty."""
    n_clusters = points.shape[2]
    squares = np.einsum("bnk,bnk->bn", points, points)[:, :, None]
    for _ in range(N_LLOYD):
        member = (labels[:, :, None] == np.arange(n_clusters)).astype(np.float64)
        sizes = member.sum(axis=1)
        centres = np.swapaxes(member, 1, 2) @ points / np.maximum(sizes, 1)[:, :, None]
        away = squares - 2 * points @ np.swapaxes(centres, 1, 2)
        away = away + np.einsum("bck,bck->bc", centres, centres)[:, None, :]
        moved = np.where((sizes == 0)[:, None, :], np.inf, away).argmin(axis=2)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return labels
