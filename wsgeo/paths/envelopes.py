"""Curves below and through a loss profile: its chord and its lower convex envelope.

Any number of leading axes is allowed, so that a thousand resampled profiles cost one call.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MIDPOINT_TOLERANCE = 1e-9
"""How far from 1/2 a grid position may lie and still be the midpoint."""


def chord(t: ArrayLike, loss: ArrayLike) -> Floats:
    """Return the straight line between the end points of each profile.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (..., n_points)
        Mean losses at those positions, in nats per example.

    Returns
    -------
    ndarray of float64, shape (..., n_points)
        Height of the chord at each position, in nats per example.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    Examples
    --------
    >>> chord([0, 0.5, 1], [0.2, 0.9, 0.4]).round(3).tolist()
    [0.2, 0.3, 0.4]
    """
    t, loss = as_profiles(t, loss)
    return loss[..., :1] * (1 - t) + loss[..., -1:] * t


def lower_envelope(t: ArrayLike, loss: ArrayLike) -> Floats:
    """Return the largest convex function that lies nowhere above each profile.

    One profile takes a single monotone-chain pass, O(n_points); many profiles are wrapped together,
    one envelope edge of each at a time.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1; they may be unevenly spaced.
    loss : array_like, shape (..., n_points)
        Mean losses at those positions, in nats per example.

    Returns
    -------
    ndarray of float64, shape (..., n_points)
        The envelope at each position, in nats per example; equal to ``loss`` at both ends.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.

    Examples
    --------
    >>> lower_envelope([0, 0.25, 0.5, 0.75, 1], [0.6, 0.4, 0.9, 0.4, 0.6]).tolist()
    [0.6, 0.4, 0.4, 0.4, 0.6]
    """
    t, loss = as_profiles(t, loss)
    if loss.ndim == 1:
        return _chained(t, loss)
    return _wrapped(t, loss.reshape(-1, t.size)).reshape(loss.shape)


def has_midpoint(t: Floats) -> bool:
    """Return whether position 1/2 is on the grid."""
    return bool((np.abs(t - 0.5) <= MIDPOINT_TOLERANCE).any())


def midpoint(t: Floats) -> int:
    """Return the index of position 1/2.

    Parameters
    ----------
    t : ndarray, shape (n_points,)
        Positions on the path.

    Returns
    -------
    int
        Its index.

    Raises
    ------
    ValueError
        If 1/2 is not on the grid.
    """
    if not has_midpoint(t):
        raise ValueError("The grid does not hold t = 0.5. Use an even number of equal steps.")
    return int(np.abs(t - 0.5).argmin())


def as_profiles(t: ArrayLike, loss: ArrayLike) -> tuple[Floats, Floats]:
    """Return positions and losses as float64, refused unless they are profiles.

    Parameters
    ----------
    t : array_like, shape (n_points,)
        Increasing positions on the path, from 0 to 1.
    loss : array_like, shape (..., n_points)
        Losses at those positions.

    Returns
    -------
    t, loss : ndarray of float64
        The same values.

    Raises
    ------
    ValueError
        If the shapes differ, ``t`` does not run from 0 to 1, or a loss is not finite.
    """
    t, loss = np.asarray(t, dtype=np.float64), np.asarray(loss, dtype=np.float64)
    if t.ndim != 1 or t.size < 2 or loss.ndim < 1 or loss.shape[-1] != t.size:
        raise ValueError(f"Positions of shape {t.shape} do not fit losses of shape {loss.shape}.")
    # Negated, so that a position that is not a number fails too.
    if not (t[0] == 0.0 and t[-1] == 1.0 and (np.diff(t) > 0).all()):
        raise ValueError(f"Positions must increase from 0 to 1; they are {t.tolist()}.")
    if not np.isfinite(loss).all():
        raise ValueError("A loss on the path is not finite. Evaluate in float32 and rescan.")
    return t, loss


def _chained(t: Floats, loss: Floats) -> Floats:
    """Keep the corners of the lower hull in one pass from left to right."""
    corners: list[int] = []
    for k in range(t.size):
        while len(corners) > 1 and _above(t, loss, corners[-2], corners[-1], k):
            corners.pop()
        corners.append(k)
    # Rounding must not lift the envelope over the profile: a gap is never below zero.
    return np.minimum(np.interp(t, t[corners], loss[corners]), loss)


def _above(t: Floats, loss: Floats, left: int, middle: int, right: int) -> bool:
    """Return whether the middle point lies on or above the chord of its neighbours."""
    rise = (loss[middle] - loss[left]) * (t[right] - t[left])
    return bool(rise >= (loss[right] - loss[left]) * (t[middle] - t[left]))


def _wrapped(t: Floats, loss: Floats) -> Floats:
    """Wrap all profiles, shape (n, n_points), by the flattest slope from corner to corner."""
    envelope = loss.copy()
    corner = np.zeros(len(loss), dtype=np.intp)
    rows = np.arange(len(loss))
    while rows.size:
        start = corner[rows]
        run = t - t[start, None]
        slope = np.full(run.shape, np.inf)
        height = loss[rows, start]
        np.divide(loss[rows] - height[:, None], run, out=slope, where=run > 0)
        flattest = slope.min(axis=1, keepdims=True)
        line = height[:, None] + flattest * run
        # The farthest of equals ends the edge, so that collinear points cost one step.
        end = t.size - 1 - (slope == flattest)[:, ::-1].argmax(axis=1)
        inside = (run > 0) & (t < t[end, None])
        envelope[rows] = np.where(inside, np.minimum(line, loss[rows]), envelope[rows])
        corner[rows] = end
        rows = rows[end < t.size - 1]
    return envelope
