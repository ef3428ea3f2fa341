"""Barriers as maxima of linear functions of the profile, which is what makes intervals possible."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from wsgeo.paths.envelopes import Floats, midpoint


def chord_contrasts(t: Floats) -> Floats:
    """Return weights whose products with a profile are its excesses over the chord.

    Parameters
    ----------
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.

    Returns
    -------
    ndarray of float64, shape (n_points - 2, n_points)
        One row per interior position; the largest product is the `barrier_height`, before it is cut
        off below zero.
    """
    rows = np.eye(t.size)
    rows[:, 0] -= 1 - t
    rows[:, -1] -= t
    return rows[1:-1]


def mean_contrasts(t: Floats) -> Floats:
    """Return weights whose products with a profile are its excesses over the mean of the ends.

    Parameters
    ----------
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.

    Returns
    -------
    ndarray of float64, shape (n_points, n_points)
        One row per position; the largest product is the `barrier_mean`.
    """
    rows = np.eye(t.size)
    rows[:, [0, -1]] -= 0.5
    return rows


def triple_contrasts(t: Floats) -> Floats:
    """Return weights whose products with a profile are the excesses over every inner chord.

    Parameters
    ----------
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1.

    Returns
    -------
    ndarray of float64, shape (n_points * (n_points - 1) * (n_points - 2) / 6, n_points)
        One row per triple ``i < k < j``; the largest product is the `convexity_gap`, before it is
        cut off below zero. Read-only: it is kept between calls.
    """
    return _triples(tuple(t.tolist()))


def midpoint_contrasts(t: Floats) -> Floats:
    """Return the weights whose product with a profile is its midpoint excess.

    Parameters
    ----------
    t : ndarray of float64, shape (n_points,)
        Increasing positions from 0 to 1, 1/2 among them.

    Returns
    -------
    ndarray of float64, shape (1, n_points)
        The one row.
    """
    return mean_contrasts(t)[[midpoint(t)]]


@lru_cache(maxsize=8)
def _triples(t: tuple[float, ...]) -> Floats:
    n = len(t)
    i, k, j = (index.ravel() for index in np.indices((n, n, n)))
    ordered = (i < k) & (k < j)
    i, k, j = i[ordered], k[ordered], j[ordered]
    positions = np.array(t)
    share = (positions[k] - positions[i]) / (positions[j] - positions[i])
    rows = np.zeros((i.size, n))
    each = np.arange(i.size)
    rows[each, k] = 1.0
    rows[each, i] = share - 1.0
    rows[each, j] = -share
    rows.setflags(write=False)
    return rows
