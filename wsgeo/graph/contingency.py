"""Whether two labellings of the same members go together: Cramer's V and its permutation test."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wsgeo.graph.partitions import Labels, Matrix

N_DRAWS = 1_999
"""Permutations of a test: the smallest p-value is 1 / 2,000."""


def contingency(rows: Labels, columns: Labels) -> NDArray[np.int64]:
    """Return how many members have each pair of labels.

    Parameters
    ----------
    rows, columns : ndarray of int64, shape (n_members,)
        Labels, counted from 0 without gaps.

    Returns
    -------
    ndarray of int64, shape (n_rows, n_columns)
        Counts.

    Examples
    --------
    >>> contingency(np.array([0, 0, 1]), np.array([1, 1, 0])).tolist()
    [[0, 2], [1, 0]]
    """
    shape = (int(rows.max(initial=-1)) + 1, int(columns.max(initial=-1)) + 1)
    flat = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(np.int64)


def cramers_v(counts: NDArray[np.int64]) -> float | None:
    r"""Return Cramer's V of a contingency table, corrected for its bias in small samples.

    .. math::
        V = \sqrt{\frac{\max(0, \chi^2 / n - (r-1)(k-1) / (n-1))}{\min(\tilde r, \tilde k) - 1}},
        \quad \tilde r = r - \frac{(r-1)^2}{n-1}

    Without the correction (Bergsma 2013), labels that have nothing to do with each other reach a
    large V as soon as there are few members per cell.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_rows, n_columns)
        How many members have each pair of labels; no row and no column is empty.

    Returns
    -------
    float or None
        In [0, 1]; None where one side has a single label, or every member its own.

    Examples
    --------
    >>> [round(cramers_v(np.array(t)), 3) for t in ([[6, 0], [0, 6]], [[3, 3], [3, 3]])]
    [1.0, 0.0]
    """
    n, (r, k) = int(counts.sum()), counts.shape
    if min(r, k) < 2 or n < 3:
        return None
    chance = (r - 1) * (k - 1) / (n - 1)
    most = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    if most <= 1e-12:
        return None
    excess = max(0.0, float(_chi_squared(counts[None])[0]) / n - chance)
    return min(1.0, math.sqrt(excess / most))


def contingency_p(rows: Labels, columns: Labels, *, rng: np.random.Generator) -> float:
    """Return how often labels dealt at random go together as well as these.

    Parameters
    ----------
    rows, columns : ndarray of int64, shape (n_members,)
        Labels, counted from 0 without gaps.
    rng : numpy.random.Generator
        Deals the labels.

    Returns
    -------
    float
        (b + 1) / (m + 1), b of m dealings having at least this chi-squared; in (0, 1].

    Examples
    --------
    >>> labels = np.repeat([0, 1], 8)
    >>> contingency_p(labels, labels, rng=np.random.default_rng(0))
    0.0005
    """
    observed = contingency(rows, columns)
    r, k = observed.shape
    dealt = rng.permuted(np.tile(columns, (N_DRAWS, 1)), axis=1)
    cells = rows * k + dealt + r * k * np.arange(N_DRAWS)[:, None]
    counts = np.bincount(cells.ravel(), minlength=N_DRAWS * r * k).reshape(N_DRAWS, r, k)
    measured = float(_chi_squared(observed[None])[0])
    # Equal tables must count as equal, whatever the order of the sum.
    reached = _chi_squared(counts) >= measured - 1e-9 * (1 + measured)
    return float((1 + reached.sum()) / (1 + N_DRAWS))


def _chi_squared(counts: NDArray[np.int64]) -> Matrix:
    """Return chi-squared of each table of a stack that has the margins of the first."""
    n = counts[0].sum()
    expected = np.outer(counts[0].sum(axis=1), counts[0].sum(axis=0)) / n
    return np.asarray((counts**2 / expected).sum(axis=(1, 2)) - n)
